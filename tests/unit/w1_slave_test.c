/* SPDX-License-Identifier: MIT
 *
 * The w1_slave file: what real chips said is read, and whatever is damaged is told apart.
 */
#include "test.h"

#include "publisher/w1_slave.h"

#include <stdio.h>

static const char ds18b20[] = "28-000005e2fdc3";

static enum w1_fault parse(const char *name, const char *text, int32_t *ret)
{
    return w1_slave_parse(name, span_of_text(text), ret);
}

/* The file that the driver writes for nine bytes, their own CRC and a value. */
static const char *file_of(const char *bytes, const char *crc, const char *verdict, const char *t)
{
    static char text[256];
    (void)snprintf(text, sizeof text, "%s : crc=%s %s\n%s t=%s\n", bytes, crc, verdict, bytes, t);
    return text;
}

/* Files as they were seen on real buses, and the examples of the data sheets (CRC computed by
 * another program). */
static const struct good {
    const char *name, *bytes, *crc, *t;
    int32_t value;
} goods[] = {
    {"28-000005e2fdc3", "72 01 4b 46 7f ff 0e 10 57", "57", "23125", 23125},
    {"28-0000055cb01c", "50 05 4b 46 7f ff 0c 10 1c", "1c", "85000", 85000},
    {"28-0000055cb01c", "5e ff 4b 46 7f ff 02 10 b6", "b6", "-10125", -10125},
    {"28-0000055cb01c", "ff ff 4b 46 7f ff 01 10 9a", "9a", "-62", -62},
    {"28-0000055cb01c", "90 fc 4b 46 7f ff 0c 10 4f", "4f", "-55000", -55000},
    {"28-0000055cb01c", "d0 07 4b 46 7f ff 0c 10 f4", "f4", "125000", 125000},
    {"22-0000055cb01c", "91 01 4b 46 7f ff 0c 10 70", "70", "25062", 25062},
    {"42-0000055cb01c", "a2 00 4b 46 7f ff 0c 10 74", "74", "10125", 10125},
    {"10-000802b4635f", "2d 00 4b 46 ff ff 08 10 fe", "fe", "22250", 22250},
    {"10-000802b4635f", "ce ff 4b 46 ff ff 0c 10 75", "75", "-25000", -25000},
    {"10-000802b4635f", "ff ff 4b 46 ff ff 0c 10 ca", "ca", "-1000", -1000},
    {"3b-0c98073d9c91", "91 01 4b 46 7f ff 0c 10 70", "70", "25062", 25062},
    {"3b-0c98073d9c91", "40 19 80 18 f0 ff ff ff c1", "c1", "404000", 404000},
};

static void good_files_are_read(void **state)
{
    for (size_t i = 0; i < COUNT(goods); i++) {
        int32_t value = 1;
        enum w1_fault fault =
            parse(goods[i].name, file_of(goods[i].bytes, goods[i].crc, "YES", goods[i].t), &value);
        if (fault != W1_OK || value != goods[i].value)
            fail_msg("%s %s: %s, %d", goods[i].name, goods[i].bytes, w1_fault_text(fault), value);
    }
    (void)state;
}

static const struct bad {
    enum w1_fault fault;
    const char *name, *text;
} bads[] = {
    {W1_EMPTY, ds18b20, ""},
    {W1_TORN, ds18b20, "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n"},
    {W1_TORN, ds18b20, "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=231"},
    {W1_TORN, ds18b20, "7"},
    {W1_CRC_NO, ds18b20,
        "72 01 4b 46 7f ff 0e 10 56 : crc=57 NO\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"},
    {W1_CRC, ds18b20,
        "73 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n73 01 4b 46 7f ff 0e 10 57 t=23187\n"},
    {W1_CRC, ds18b20,
        "72 01 4b 46 7f ff 0e 10 57 : crc=58 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"},
    {W1_ZEROS, ds18b20,
        "00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n"},
    {W1_LINES, ds18b20,
        "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n73 01 4b 46 7f ff 0e 10 57 t=23125\n"},
    {W1_VALUE, ds18b20,
        "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23126\n"},
    {W1_VALUE, ds18b20,
        "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=-23125\n"},
    {W1_RANGE, ds18b20, /* 0x07d1: 125.0625 */
        "d1 07 4b 46 7f ff 0f 10 e2 : crc=e2 YES\nd1 07 4b 46 7f ff 0f 10 e2 t=125062\n"},
    {W1_BROKEN, "3b-0c98073d9c91",
        "41 19 81 18 f0 ff ff ff b5 : crc=b5 YES\n41 19 81 18 f0 ff ff ff b5 t=404000\n"},
    {W1_BROKEN, "10-000802b4635f",
        "2d 00 4b 46 ff ff 08 00 63 : crc=63 YES\n2d 00 4b 46 ff ff 08 00 63 t=0\n"},
    {W1_FORMAT, ds18b20, "hello\n"},
    {W1_FORMAT, ds18b20,
        "72 01 4B 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"},
    {W1_FORMAT, ds18b20,
        "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=\n"},
    {W1_FORMAT, ds18b20,
        "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n\n"},
    {W1_FORMAT, ds18b20,
        "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=99999999\n"},
    {W1_FORMAT, ds18b20,
        "72 01 4b 46 7f ff 0e 10 57 : crc=57 MAYBE\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"},
    {W1_FORMAT, "99-000005e2fdc3",
        "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"},
};

static void each_damage_is_told_apart_and_gives_no_value(void **state)
{
    for (size_t i = 0; i < COUNT(bads); i++) {
        int32_t value = 4711;
        enum w1_fault fault = parse(bads[i].name, bads[i].text, &value);
        if (fault != bads[i].fault || value != 4711)
            fail_msg("row %zu: wanted '%s', got '%s', %d", i, w1_fault_text(bads[i].fault),
                w1_fault_text(fault), value);
    }
    (void)state;
}

static void every_shorter_file_is_refused(void **state)
{
    const char *text = file_of(goods[0].bytes, "57", "YES", "23125");
    for (size_t len = 0; len < strlen(text); len++) {
        int32_t value;
        assert_int_not_equal(w1_slave_parse(ds18b20, span_of(text, len), &value), W1_OK);
    }
    (void)state;
}

/* A CRC-8 sees every single bit; what it does not cover is compared. */
static void every_changed_bit_is_noticed(void **state)
{
    char text[256];
    size_t len = strlen(file_of(goods[0].bytes, "57", "YES", "23125"));
    for (size_t bit = 0; bit < 8 * len; bit++) {
        int32_t value;
        (void)snprintf(text, sizeof text, "%s", file_of(goods[0].bytes, "57", "YES", "23125"));
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        assert_int_not_equal(w1_slave_parse(ds18b20, span_of(text, len), &value), W1_OK);
    }
    (void)state;
}

static void only_thermometers_are_taken_for_one(void **state)
{
    static const char *const others[] = {"", ".", "..", "w1_bus_master1", "01-000005e2fdc3",
        "28-000005e2fdc", "28-000005e2fdc3a", "28-000005E2FDC3", "28_000005e2fdc3",
        "28-000005e2fd/3"};
    assert_true(w1_name_is_thermometer("28-000005e2fdc3"));
    assert_true(w1_name_is_thermometer("3b-0c98073d9c91"));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(w1_name_is_thermometer(others[i]));
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_files_are_read),
        TEST(each_damage_is_told_apart_and_gives_no_value),
        TEST(every_shorter_file_is_refused),
        TEST(every_changed_bit_is_noticed),
        TEST(only_thermometers_are_taken_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
