/* SPDX-License-Identifier: MIT
 *
 * What is ours to say of an object, and the rest by a table of defaults.
 */
#include "present.h"

#include "key_der.h"

#include <openssl/evp.h>

enum {
    DATA = 1 << CLASS_DATA,
    CERTIFICATE = 1 << CLASS_CERTIFICATE,
    PUBLIC = 1 << CLASS_PUBLIC_KEY,
    PRIVATE = 1 << CLASS_PRIVATE_KEY,
    SECRET = 1 << CLASS_SECRET_KEY,
    HIDDEN = PRIVATE | SECRET,
    KEY = PUBLIC | HIDDEN,
    NAMED = CERTIFICATE | KEY,
    ANY = DATA | NAMED,
};

enum { PUBLIC_KEY_INFO_MAX = 2400 }; /* RSA of 16384 bits */

/* Said by us, whatever the device says. */
static const struct ours_row {
    uint32_t type;
    unsigned classes;
} ours[] = {
    {ATTR_TOKEN, ANY}, {ATTR_PRIVATE, ANY}, {ATTR_COPYABLE, ANY}, {ATTR_PUBLIC_KEY_INFO, NAMED},
    {ATTR_EC_POINT, KEY}, {ATTR_CHECK_VALUE, CERTIFICATE},
    {ATTR_ALWAYS_AUTHENTICATE, PRIVATE}, /* the device's PIN is the worker's business */
};

/* Where the device says nothing. Numbers: of CK_BBOOL and CK_ULONG; bytes and lists are empty. What
 * a key may be used for is the device's to say. */
static const struct default_row {
    uint32_t type;
    unsigned classes;
    uint64_t value;
} defaults[] = {
    {ATTR_LABEL, ANY, 0},
    {ATTR_MODIFIABLE, ANY, 1},
    {ATTR_DESTROYABLE, ANY, 1},
    {ATTR_APPLICATION, DATA, 0},
    {ATTR_OBJECT_ID, DATA, 0},
    {ATTR_VALUE, DATA, 0},
    {ATTR_ID, NAMED, 0},
    {ATTR_SUBJECT, PUBLIC | PRIVATE, 0},
    {ATTR_TRUSTED, CERTIFICATE | PUBLIC | SECRET, 0},
    {ATTR_LOCAL, KEY, 0},
    {ATTR_KEY_GEN_MECHANISM, KEY, UINT64_MAX},
    {ATTR_VERIFY_RECOVER, PUBLIC, 0},
    {ATTR_SIGN_RECOVER, PRIVATE, 0},
    {ATTR_SENSITIVE, HIDDEN, 1}, /* nothing of it goes out, nor is it wrapped */
    {ATTR_EXTRACTABLE, HIDDEN, 0},
    {ATTR_ALWAYS_SENSITIVE, HIDDEN, 0},
    {ATTR_NEVER_EXTRACTABLE, HIDDEN, 0},
    {ATTR_WRAP_WITH_TRUSTED, HIDDEN, 0},
};

/* A class that is not one of these has what any has. */
static bool is_in(unsigned classes, uint64_t class)
{
    return classes == ANY || (class <= CLASS_SECRET_KEY && (classes >> class & 1) != 0);
}

static bool is_ours(uint32_t type, uint64_t class)
{
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (ours[i].type == type)
            return is_in(ours[i].classes, class);
    return false;
}

static bool is_secret(uint32_t type, uint64_t class)
{
    return is_in(HIDDEN, class) && (attribute_find(type)->flags & ATTRIBUTE_SECRET) != 0;
}

/* SoftHSM says 0 of a key that was unwrapped; that is not told as a length. */
static bool is_unknown_length(const struct wire_attribute *attribute)
{
    static const uint8_t zero[8];
    return attribute->type == ATTR_VALUE_LEN &&
           span_equal(attribute->value, span_of(zero, sizeof zero));
}

static void put_told(struct span device_list, uint64_t class, struct writer *list)
{
    struct reader r = reader_of(device_list);
    struct wire_attribute attribute;
    while (attribute_next(&r, &attribute))
        if (!is_ours(attribute.type, class) && !is_secret(attribute.type, class) &&
            !is_unknown_length(&attribute))
            attribute_put(list, attribute.type, attribute.value);
}

static void put_defaults(struct span device_list, uint64_t class, struct writer *list)
{
    struct span told;
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        const struct default_row *row = &defaults[i];
        const enum attribute_kind kind = attribute_find(row->type)->kind;
        if (!is_in(row->classes, class) || attribute_get(device_list, row->type, &told))
            continue;
        if (kind == ATTRIBUTE_BOOL)
            attribute_put_bool(list, row->type, row->value == 1);
        else if (kind == ATTRIBUTE_ULONG)
            attribute_put_ulong(list, row->type, row->value);
        else
            attribute_put(list, row->type, span_of(NULL, 0));
    }
}

/* ---- the public half ---- */

/* Of the key itself, else of its public object. */
static struct span either(uint32_t type, struct span device_list, struct span public_half)
{
    struct span value = {NULL, 0};
    if (!attribute_get(device_list, type, &value) || value.len == 0)
        (void)attribute_get(public_half, type, &value);
    return value;
}

static struct key_public public_key_of(struct span device_list, struct span public_half)
{
    struct key_public key = {
        .type = UINT64_MAX,
        .params = either(ATTR_EC_PARAMS, device_list, public_half),
        .modulus = either(ATTR_MODULUS, device_list, public_half),
        .exponent = either(ATTR_PUBLIC_EXPONENT, device_list, public_half),
    };
    (void)attribute_get_ulong(device_list, ATTR_KEY_TYPE, &key.type);
    key.point = key_der_point(key.type, either(ATTR_EC_POINT, device_list, public_half));
    if (key.point.len == 0)
        key.point = key_der_point(key.type,
            key_der_point_in_info(either(ATTR_PUBLIC_KEY_INFO, device_list, public_half)));
    return key;
}

/* What the private object of an RSA key lacks, its public object may have. */
static void put_missing(
    uint32_t type, struct span value, struct span device_list, struct writer *list)
{
    struct span told;
    if (value.len > 0 && !attribute_get(device_list, type, &told))
        attribute_put(list, type, value);
}

static void put_point(const struct key_public *key, struct span told, struct writer *list)
{
    uint8_t room[256];
    struct writer der = writer_of(room, sizeof room);
    key_der_put_point(key->point, &der);
    if (key->point.len > 0)
        attribute_put(list, ATTR_EC_POINT, writer_bytes(&der));
    else if (told.len > 0) /* of no form that is known here */
        attribute_put(list, ATTR_EC_POINT, told);
}

static void put_public_half(struct span device_list, struct span public_half, struct writer *list)
{
    const struct key_public key = public_key_of(device_list, public_half);
    uint8_t room[PUBLIC_KEY_INFO_MAX];
    struct writer der = writer_of(room, sizeof room);
    put_missing(ATTR_MODULUS, key.modulus, device_list, list);
    put_missing(ATTR_PUBLIC_EXPONENT, key.exponent, device_list, list);
    put_missing(ATTR_EC_PARAMS, key.params, device_list, list);
    put_point(&key, either(ATTR_EC_POINT, device_list, public_half), list);
    key_der_put_info(&key, &der);
    const struct span info = writer_failed(&der)
                                 ? either(ATTR_PUBLIC_KEY_INFO, device_list, public_half)
                                 : writer_bytes(&der);
    if (info.len > 0)
        attribute_put(list, ATTR_PUBLIC_KEY_INFO, info);
}

/* ---- certificates ---- */

/* CKA_CHECK_VALUE: the first three bytes of SHA-1 of the value (2.40, 4.6.2). The standard's
 * default of CKA_PUBLIC_KEY_INFO is empty: nothing here reads certificates. */
static void put_certificate(struct span device_list, struct writer *list)
{
    enum { CHECK = 3 };
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct span value = {NULL, 0};
    struct span info = {NULL, 0};
    (void)attribute_get(device_list, ATTR_VALUE, &value);
    (void)attribute_get(device_list, ATTR_PUBLIC_KEY_INFO, &info);
    attribute_put(list, ATTR_PUBLIC_KEY_INFO, info);
    if (value.len > 0 && EVP_Digest(value.ptr, value.len, digest, NULL, EVP_sha1(), NULL) == 1)
        attribute_put(list, ATTR_CHECK_VALUE, span_of(digest, CHECK));
}

void present(const struct presentation *how, struct span device_list, struct span public_half,
    struct writer *list)
{
    uint64_t class = UINT64_MAX;
    (void)attribute_get_ulong(device_list, ATTR_CLASS, &class);
    const bool hidden = is_in(HIDDEN, class);
    put_told(device_list, class, list);
    put_defaults(device_list, class, list);
    attribute_put_bool(list, ATTR_TOKEN, how->of_token);
    attribute_put_bool(list, ATTR_PRIVATE,
        how->login_required && (hidden || attribute_get_bool(device_list, ATTR_PRIVATE, false)));
    attribute_put_bool(
        list, ATTR_COPYABLE, !hidden && attribute_get_bool(device_list, ATTR_COPYABLE, true));
    if (is_in(PRIVATE, class))
        attribute_put_bool(list, ATTR_ALWAYS_AUTHENTICATE, false);
    if (is_in(PUBLIC | PRIVATE, class))
        put_public_half(device_list, public_half, list);
    if (is_in(CERTIFICATE, class))
        put_certificate(device_list, list);
}
