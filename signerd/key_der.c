/* SPDX-License-Identifier: MIT
 *
 * A little DER, both ways.
 */
#include "key_der.h"

enum {
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_SEQUENCE = 0x30,
    DER_LONG = 0x80,
};

enum { ED25519 = 32, ED448 = 57 }; /* bytes of a point */

/* ---- writing ---- */

static size_t der_size(size_t content)
{
    return 1 + (content < DER_LONG ? 1U : content < 256 ? 2U : 3U) + content;
}

static void der_header(struct writer *der, uint8_t tag, size_t content)
{
    write_uint(der, 1, tag);
    if (content >= 256) {
        write_uint(der, 1, DER_LONG | 2);
        write_uint(der, 2, content);
    } else {
        if (content >= DER_LONG)
            write_uint(der, 1, DER_LONG | 1);
        write_uint(der, 1, content);
    }
}

void key_der_put_point(struct span point, struct writer *der)
{
    der_header(der, DER_OCTET_STRING, point.len);
    write_span(der, point);
}

/* SEQUENCE { SEQUENCE { algorithm }, BIT STRING }, whose key_size bytes are for the caller to
 * write. oid and parameters: whole elements. */
static void put_frame(struct span oid, struct span parameters, size_t key_size, struct writer *der)
{
    const size_t algorithm = oid.len + parameters.len;
    der_header(der, DER_SEQUENCE, der_size(algorithm) + der_size(1 + key_size));
    der_header(der, DER_SEQUENCE, algorithm);
    write_span(der, oid);
    write_span(der, parameters);
    der_header(der, DER_BIT_STRING, 1 + key_size);
    write_uint(der, 1, 0); /* no unused bits */
}

static void put_ec(const struct key_public *key, struct writer *der)
{
    static const uint8_t oid[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
    put_frame(span_of(oid, sizeof oid), key->params, key->point.len, der);
    write_span(der, key->point);
    der->failed = der->failed || key->params.len == 0 || key->point.len == 0;
}

/* The curve is in the algorithm; CKA_EC_PARAMS has several names for it. */
static void put_edwards(const struct key_public *key, struct writer *der)
{
    const uint8_t oid[] = {0x06, 0x03, 0x2b, 0x65, key->point.len == ED448 ? 0x71 : 0x70};
    put_frame(span_of(oid, sizeof oid), span_of(NULL, 0), key->point.len, der);
    write_span(der, key->point);
    der->failed = der->failed || (key->point.len != ED25519 && key->point.len != ED448);
}

/* Without zeroes in front */
static struct span magnitude(struct span number)
{
    while (number.len > 0 && number.ptr[0] == 0)
        number = span_of(number.ptr + 1, number.len - 1);
    return number;
}

static size_t integer_size(struct span number)
{
    return number.len + (number.len == 0 || number.ptr[0] >= 0x80 ? 1 : 0);
}

static void put_integer(struct span number, struct writer *der)
{
    der_header(der, DER_INTEGER, integer_size(number));
    if (integer_size(number) > number.len)
        write_uint(der, 1, 0);
    write_span(der, number);
}

static void put_rsa(const struct key_public *key, struct writer *der)
{
    static const uint8_t oid[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
    static const uint8_t null[] = {0x05, 0x00};
    const struct span modulus = magnitude(key->modulus);
    const struct span exponent = magnitude(key->exponent);
    const size_t numbers = der_size(integer_size(modulus)) + der_size(integer_size(exponent));
    put_frame(span_of(oid, sizeof oid), span_of(null, sizeof null), der_size(numbers), der);
    der_header(der, DER_SEQUENCE, numbers);
    put_integer(modulus, der);
    put_integer(exponent, der);
    der->failed = der->failed || modulus.len == 0 || exponent.len == 0;
}

void key_der_put_info(const struct key_public *key, struct writer *der)
{
    static const struct {
        uint64_t type;
        void (*put)(const struct key_public *key, struct writer *der);
    } rows[] = {{KEY_TYPE_EC, put_ec}, {KEY_TYPE_EC_EDWARDS, put_edwards}, {KEY_TYPE_RSA, put_rsa}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].type == key->type) {
            rows[i].put(key, der);
            return;
        }
    }
    der->failed = true;
}

/* ---- reading ---- */

/* The content of the next element, of this tag and in the shortest form, of at most 64 KiB; fails r
 * otherwise. */
static struct span element(struct reader *r, uint8_t tag)
{
    if (read_uint(r, 1) != tag)
        reader_fail(r);
    size_t len = (size_t)read_uint(r, 1);
    if (len > DER_LONG) {
        const size_t bytes = len - DER_LONG;
        const size_t least = bytes == 1 ? DER_LONG : 256;
        len = bytes <= 2 ? (size_t)read_uint(r, (unsigned)bytes) : 0;
        if (len < least)
            reader_fail(r);
    } else if (len == DER_LONG) {
        reader_fail(r);
    }
    return read_span(r, len);
}

/* Whether a point of this key type can be so long; compressed ones no device tells. */
static bool point_fits(uint64_t type, struct span point)
{
    static const size_t lengths[] = {49, 57, 65, 81, 97, 129, 133}; /* curves of 192 to 521 bits */
    if (type == KEY_TYPE_EC_EDWARDS)
        return point.len == ED25519 || point.len == ED448;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        if (point.len == lengths[i])
            return point.ptr[0] == 4;
    return false;
}

struct span key_der_point(uint64_t type, struct span told)
{
    struct reader r = reader_of(told);
    const struct span content = element(&r, DER_OCTET_STRING);
    if (reader_finished(&r) && point_fits(type, content))
        return content;
    return point_fits(type, told) ? told : span_of(NULL, 0);
}

struct span key_der_point_in_info(struct span info)
{
    struct reader whole = reader_of(info);
    struct reader r = reader_of(element(&whole, DER_SEQUENCE));
    (void)element(&r, DER_SEQUENCE);
    struct reader bits = reader_of(element(&r, DER_BIT_STRING));
    const bool no_bits_unused = read_uint(&bits, 1) == 0;
    const struct span point = read_span(&bits, bits.left);
    const bool is_right =
        reader_finished(&whole) && reader_finished(&r) && reader_finished(&bits) && no_bits_unused;
    return is_right ? point : span_of(NULL, 0);
}
