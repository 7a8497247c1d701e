/* SPDX-License-Identifier: MIT
 *
 * The w1_slave file. Nothing in it is believed: the CRC is computed again, and the temperature is
 * computed from the bytes and must be the one that the kernel gives.
 */
#include "w1_slave.h"

#include <stdlib.h>
#include <string.h>

enum { SCRATCHPAD = 9, VALUE_DIGITS_MAX = 7 };

/* ---- families ---- */

struct temperature {
    int32_t millidegrees;
    bool broken;
    int32_t least, most; /* millidegrees that the chip can mean */
};

static int16_t low_word(const uint8_t bytes[SCRATCHPAD])
{
    return (int16_t)(uint16_t)(bytes[0] | bytes[1] << 8);
}

/* Sixteenths of a degree. Bit 7 of the configuration is set by a look-alike (GX20MH01) which keeps
 * two more bits there. */
static void convert_sixteenths(const uint8_t bytes[SCRATCHPAD], struct temperature *ret)
{
    int32_t value = low_word(bytes);
    if (bytes[4] & 0x80)
        ret->millidegrees = (int16_t)(uint16_t)(value * 4 | (bytes[4] & 3)) * 1000 / 64;
    else
        ret->millidegrees = value * 1000 / 16;
}

/* Half degrees, refined by the counter that is left over. */
static void convert_halves(const uint8_t bytes[SCRATCHPAD], struct temperature *ret)
{
    int32_t per_degree = bytes[7];
    if (per_degree == 0) {
        ret->millidegrees = 0;
        ret->broken = true;
        return;
    }
    /* whole degrees, rounded down */
    int32_t whole = bytes[1] == 0 ? bytes[0] / 2 : -(0x100 - bytes[0] + 1) / 2;
    ret->millidegrees = 1000 * whole - 250 + 1000 * (per_degree - bytes[6]) / per_degree;
}

/* A DS1825, or, with bit 7 of the configuration, a MAX31850: a thermocouple, quarters of a degree,
 * bit 0 a fault. */
static void convert_thermocouple(const uint8_t bytes[SCRATCHPAD], struct temperature *ret)
{
    int32_t value = low_word(bytes);
    if (bytes[4] & 0x80) {
        ret->broken = bytes[0] & 1;
        ret->least = -270000;
        ret->most = 1800000;
        value -= bytes[0] & 3;
    }
    ret->millidegrees = value * 1000 / 16;
}

static const struct family {
    char code[3];
    void (*convert)(const uint8_t bytes[SCRATCHPAD], struct temperature *ret);
} families[] = {
    {"10", convert_halves},       /* DS18S20 */
    {"22", convert_sixteenths},   /* DS1822 */
    {"28", convert_sixteenths},   /* DS18B20 */
    {"3b", convert_thermocouple}, /* DS1825, MAX31850 */
    {"42", convert_sixteenths},   /* DS28EA00 */
};

static const struct family *family_of(const char *name)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (strncmp(name, families[i].code, 2) == 0)
            return &families[i];
    return NULL;
}

bool w1_name_is_thermometer(const char *name)
{
    return strlen(name) == W1_NAME_LENGTH && family_of(name) != NULL && name[2] == '-' &&
           strspn(name + 3, "0123456789abcdef") == W1_NAME_LENGTH - 3;
}

/* ---- faults ---- */

static const struct fault_row {
    bool again;
    const char *text;
} faults[] = {
#define W1_FAULT(name, again, text) {again, text},
    W1_FAULTS(W1_FAULT)
#undef W1_FAULT
};

const char *w1_fault_text(enum w1_fault fault)
{
    return faults[fault].text;
}

bool w1_fault_read_again(enum w1_fault fault)
{
    return faults[fault].again;
}

/* ---- the text ---- */

/* What the text says: two lines,
 *   50 05 4b 46 7f ff 0c 10 1c : crc=1c YES
 *   50 05 4b 46 7f ff 0c 10 1c t=85000
 */
struct text {
    uint8_t first[SCRATCHPAD];
    uint8_t crc;
    bool yes;
    uint8_t second[SCRATCHPAD];
    int32_t value;
};

/* Where the text ends too early the reader has failed; wrong is set by what cannot be there. */
struct parser {
    struct reader r;
    bool wrong;
};

static void expect(struct parser *p, const char *text)
{
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)read_uint(&p->r, 1);
        if (!p->r.failed && byte != (uint8_t)*text)
            p->wrong = true;
    }
}

static uint8_t hex_digit(struct parser *p)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t byte = (uint8_t)read_uint(&p->r, 1);
    const char *found = byte != 0 ? strchr(digits, byte) : NULL;
    if (found == NULL && !p->r.failed)
        p->wrong = true;
    return found != NULL ? (uint8_t)(found - digits) : 0;
}

static uint8_t hex_byte(struct parser *p)
{
    uint8_t high = hex_digit(p);
    return (uint8_t)(high << 4 | hex_digit(p));
}

static void scratchpad(struct parser *p, uint8_t ret_bytes[SCRATCHPAD])
{
    for (int i = 0; i < SCRATCHPAD; i++) {
        ret_bytes[i] = hex_byte(p);
        expect(p, " ");
    }
}

/* A decimal number as %d writes it, and the end of the line. */
static int32_t decimal_line(struct parser *p)
{
    int32_t value = 0;
    int digits = 0;
    bool negative = false;
    for (;;) {
        uint8_t byte = (uint8_t)read_uint(&p->r, 1);
        if (p->r.failed || (byte == '\n' && digits > 0))
            break;
        if (byte == '-' && digits == 0 && !negative) {
            negative = true;
        } else if (byte >= '0' && byte <= '9' && digits < VALUE_DIGITS_MAX) {
            value = value * 10 + (byte - '0');
            digits++;
        } else {
            p->wrong = true;
            break;
        }
    }
    return negative ? -value : value;
}

static bool yes_or_no(struct parser *p)
{
    uint8_t byte = (uint8_t)read_uint(&p->r, 1);
    if (byte == 'Y') {
        expect(p, "ES\n");
        return true;
    }
    if (byte != 'N' && !p->r.failed)
        p->wrong = true;
    expect(p, "O\n");
    return false;
}

static enum w1_fault take_apart(struct span file, struct text *ret)
{
    struct parser p = {reader_of(file), false};
    scratchpad(&p, ret->first);
    expect(&p, ": crc=");
    ret->crc = hex_byte(&p);
    expect(&p, " ");
    ret->yes = yes_or_no(&p);
    scratchpad(&p, ret->second);
    expect(&p, "t=");
    ret->value = decimal_line(&p);
    if (p.wrong)
        return W1_FORMAT;
    if (p.r.failed)
        return W1_TORN;
    return reader_finished(&p.r) ? W1_OK : W1_FORMAT;
}

/* CRC-8 of the 1-Wire bus: x^8 + x^5 + x^4 + 1, lowest bit first, from 0. */
static uint8_t crc8(const uint8_t *bytes, size_t len)
{
    uint8_t crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc & 1 ? crc >> 1 ^ 0x8c : crc >> 1);
    }
    return crc;
}

enum w1_fault w1_slave_parse(const char *name, struct span file, int32_t *ret_millidegrees)
{
    static const uint8_t zeros[SCRATCHPAD] = {0};
    struct text text;
    struct temperature temperature = {.least = -55000, .most = 125000};
    const struct family *family = family_of(name);
    if (file.len == 0)
        return W1_EMPTY;
    enum w1_fault fault = take_apart(file, &text);
    if (family == NULL || fault != W1_OK)
        return family == NULL ? W1_FORMAT : fault;
    if (!text.yes)
        return W1_CRC_NO;
    if (memcmp(text.first, zeros, SCRATCHPAD) == 0) /* their CRC is right */
        return W1_ZEROS;
    if (crc8(text.first, SCRATCHPAD) != 0 || text.crc != text.first[SCRATCHPAD - 1])
        return W1_CRC;
    if (memcmp(text.first, text.second, SCRATCHPAD) != 0)
        return W1_LINES;
    family->convert(text.first, &temperature);
    if (temperature.broken)
        return W1_BROKEN;
    if (temperature.millidegrees != text.value)
        return W1_VALUE;
    if (text.value < temperature.least || text.value > temperature.most)
        return W1_RANGE;
    *ret_millidegrees = text.value;
    return W1_OK;
}
