/* SPDX-License-Identifier: MIT
 *
 * Curves, and the reading of public keys.
 */
#include "public_key.h"

#include <p11-kit/pkcs11.h>

enum { DER_OCTET_STRING = 0x04, DER_LEN_1 = 0x81, DER_SHORT_MAX = 0x7f, UNCOMPRESSED = 0x04 };

/* CKA_EC_PARAMS in DER, and the bytes of a coordinate. */
static const struct curve_row {
    enum public_key_curve curve;
    uint64_t key_type;
    uint8_t params[14];
    uint8_t params_len;
    uint8_t size;
} curves[] = {
    {CURVE_P256, CKK_EC, {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 10, 32},
    {CURVE_P384, CKK_EC, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, 7, 48},
    {CURVE_P521, CKK_EC, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}, 7, 66},
    /* by its number, and by its name in a PrintableString (3.0, mechanisms 2.3.10) */
    {CURVE_ED25519, CKK_EC_EDWARDS, {0x06, 0x03, 0x2b, 0x65, 0x70}, 5, 32},
    {CURVE_ED25519, CKK_EC_EDWARDS,
        {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'}, 14, 32},
};

static const struct curve_row *find_curve(struct span attributes)
{
    struct span params;
    uint64_t type = CK_UNAVAILABLE_INFORMATION;
    (void)attribute_get_ulong(attributes, ATTR_KEY_TYPE, &type);
    if (!attribute_get(attributes, ATTR_EC_PARAMS, &params))
        return NULL;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (curves[i].key_type == type &&
            span_equal(params, span_of(curves[i].params, curves[i].params_len)))
            return &curves[i];
    return NULL;
}

/* A big integer, with or without zeroes before it (2.40, 2.1.2). */
static bool get_integer(struct span attributes, uint32_t type, struct span *ret_integer)
{
    struct span value;
    if (!attribute_get(attributes, type, &value))
        return false;
    struct reader r = reader_of(value);
    while (reader_more(&r) && r.at[0] == 0)
        (void)read_uint(&r, 1);
    *ret_integer = read_span(&r, r.left);
    return true;
}

static bool get_modulus(struct span attributes, struct span *ret_modulus)
{
    uint64_t type = CK_UNAVAILABLE_INFORMATION;
    return attribute_get_ulong(attributes, ATTR_KEY_TYPE, &type) && type == CKK_RSA &&
           get_integer(attributes, ATTR_MODULUS, ret_modulus) &&
           ret_modulus->len >= PUBLIC_KEY_MODULUS_MIN && ret_modulus->len <= PUBLIC_KEY_MODULUS_MAX;
}

size_t public_key_signature_length(struct span attributes)
{
    struct span modulus;
    const struct curve_row *curve = find_curve(attributes);
    if (curve != NULL)
        return 2 * (size_t)curve->size;
    return get_modulus(attributes, &modulus) ? modulus.len : 0;
}

/* What is in a DER OCTET STRING of up to 255 bytes; false where value is none. */
static bool read_octets(struct span value, struct span *ret_octets)
{
    struct reader r = reader_of(value);
    const bool is_octets = read_uint(&r, 1) == DER_OCTET_STRING;
    uint64_t len = read_uint(&r, 1);
    if (len == DER_LEN_1) {
        len = read_uint(&r, 1);
        if (len <= DER_SHORT_MAX)
            return false;
    } else if (len > DER_SHORT_MAX) {
        return false;
    }
    const struct span octets = read_span(&r, len);
    if (!is_octets || !reader_finished(&r))
        return false;
    *ret_octets = octets;
    return true;
}

static bool is_point(struct span value, size_t size)
{
    return value.len == 1 + 2 * size && value.ptr[0] == UNCOMPRESSED;
}

/* A point that stands as it is cannot be taken for one in DER: that is two or three bytes longer,
 * and no curve's points are. */
bool public_key_point(struct span value, struct span *ret_point)
{
    struct span octets = value;
    (void)read_octets(value, &octets);
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        if (curves[i].key_type != CKK_EC)
            continue;
        if (is_point(octets, curves[i].size) || is_point(value, curves[i].size)) {
            *ret_point = is_point(octets, curves[i].size) ? octets : value;
            return true;
        }
    }
    return false;
}

/* EC_POINT is in DER; some tokens have it as it is. */
static bool read_point(
    struct span attributes, const struct curve_row *curve, struct public_key *key)
{
    struct span value;
    struct span point;
    if (!attribute_get(attributes, ATTR_EC_POINT, &value))
        return false;
    if (curve->key_type == CKK_EC_EDWARDS) {
        if (value.len != curve->size && !read_octets(value, &value))
            return false;
        key->x = value;
        return value.len == curve->size;
    }
    if (!public_key_point(value, &point) || !is_point(point, curve->size))
        return false;
    struct reader r = reader_of(point);
    (void)read_uint(&r, 1);
    key->x = read_span(&r, curve->size);
    key->y = read_span(&r, curve->size);
    return reader_finished(&r);
}

static bool is_odd(struct span integer)
{
    return integer.len > 0 && (integer.ptr[integer.len - 1] & 1) == 1;
}

static bool is_one(struct span integer)
{
    return integer.len == 1 && integer.ptr[0] == 1;
}

bool public_key_read(struct span attributes, struct public_key *ret_key)
{
    struct public_key key = {0};
    const struct curve_row *curve = find_curve(attributes);
    if (curve != NULL) {
        key.curve = curve->curve;
        if (!read_point(attributes, curve, &key))
            return false;
    } else if (!get_modulus(attributes, &key.modulus) ||
               !get_integer(attributes, ATTR_PUBLIC_EXPONENT, &key.exponent) ||
               key.exponent.len > PUBLIC_KEY_EXPONENT_MAX || !is_odd(key.modulus) ||
               !is_odd(key.exponent) || is_one(key.exponent)) {
        return false;
    }
    *ret_key = key;
    return true;
}
