/* SPDX-License-Identifier: MIT
 *
 * The table of types, and of uses.
 */
#include "key_type.h"

#include "base/log.h"

#include <errno.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GENERIC_BITS_MIN = 64, GENERIC_BITS_MAX = 4096 };

/* CKA_EC_PARAMS of P-256: 1.2.840.10045.3.1.7 */
static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

static bool takes_p256(unsigned long bits)
{
    return bits == 256;
}

static bool takes_aes(unsigned long bits)
{
    return bits == 128 || bits == 192 || bits == 256;
}

static bool takes_generic(unsigned long bits)
{
    return bits % 8 == 0 && bits >= GENERIC_BITS_MIN && bits <= GENERIC_BITS_MAX;
}

/* clang-format off */
static const struct key_type_row type_rows[] = {
    {"ec", CKK_EC, CKM_EC_KEY_PAIR_GEN, true, USE_SIGN, "P-256", takes_p256},
    {"aes", CKK_AES, CKM_AES_KEY_GEN, false, USE_ENCRYPT, "128, 192 or 256", takes_aes},
    {"generic", CKK_GENERIC_SECRET, CKM_GENERIC_SECRET_KEY_GEN, false, USE_SIGN,
        "64 to 4096, by eights", takes_generic},
    {"hmac", CKK_GENERIC_SECRET, CKM_GENERIC_SECRET_KEY_GEN, false, USE_SIGN,
        "64 to 4096, by eights", takes_generic},
};
/* clang-format on */

static const struct use_row {
    const char *name;
    enum key_use use;
    uint32_t out; /* CKA_ of the private or secret key that does it */
    uint32_t in;  /* and of the public or secret key that undoes it; 0: none */
    bool private_out;
} use_rows[] = {
    {"sign", USE_SIGN, ATTR_SIGN, ATTR_VERIFY, true},
    {"encrypt", USE_ENCRYPT, ATTR_ENCRYPT, ATTR_DECRYPT, false},
    {"wrap", USE_WRAP, ATTR_WRAP, ATTR_UNWRAP, false},
    {"derive", USE_DERIVE, ATTR_DERIVE, 0, true},
};
enum { USE_ROWS = sizeof use_rows / sizeof use_rows[0] };

static const struct key_type_row *find_type(struct span name)
{
    for (size_t i = 0; i < sizeof type_rows / sizeof type_rows[0]; i++)
        if (span_equal(name, span_of_text(type_rows[i].name)))
            return &type_rows[i];
    return NULL;
}

static bool read_size(const struct key_type_row *row, const char *text, unsigned *ret_bits)
{
    char *end;
    if (row->pair && strcasecmp(text, "P-256") == 0) {
        *ret_bits = 256;
        return true;
    }
    if (row->pair || text[0] < '1' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long bits = strtoul(text, &end, 10);
    if (*end != '\0' || errno != 0 || !row->takes(bits))
        return false;
    *ret_bits = (unsigned)bits;
    return true;
}

err_t key_type_parse(const char *text, bool size_wanted, struct key_type *ret_type)
{
    const size_t name_len = strcspn(text, ":");
    struct key_type type = {find_type(span_of(text, name_len)), 0};
    if (type.row == NULL) {
        log_error("--type %s: there are ec:P-256, aes:BITS, generic:BITS and hmac:BITS", text);
        return ERR_ARGUMENTS;
    }
    if (text[name_len] == '\0' && !size_wanted) {
        *ret_type = type;
        return ERR_OK;
    }
    if (text[name_len] == '\0' || !read_size(type.row, text + name_len + 1, &type.bits)) {
        log_error("--type %s: behind '%s:' stands %s", text, type.row->name, type.row->sizes);
        return ERR_ARGUMENTS;
    }
    *ret_type = type;
    return ERR_OK;
}

err_t key_type_check_size(const struct key_type *type, size_t bytes)
{
    if (type->bits != 0 && bytes * 8 != type->bits) {
        log_error("the value has %zu bits, and not the %u of --type", bytes * 8, type->bits);
        return ERR_KEY_SIZE;
    }
    if (!type->row->takes(bytes * 8)) {
        log_error("the value has %zu bits; a key of the type %s has %s (is it --hex or --base64?)",
            bytes * 8, type->row->name, type->row->sizes);
        return ERR_KEY_SIZE;
    }
    return ERR_OK;
}

static const struct use_row *find_use(struct span name)
{
    for (size_t i = 0; i < USE_ROWS; i++)
        if (span_equal(name, span_of_text(use_rows[i].name)))
            return &use_rows[i];
    return NULL;
}

err_t key_use_parse(const struct key_type *type, const char *text, unsigned *ret_use)
{
    unsigned use = 0;
    if (text == NULL) {
        *ret_use = type->row->default_use;
        return ERR_OK;
    }
    for (const char *at = text;; at++) {
        const size_t len = strcspn(at, ",");
        const struct use_row *row = find_use(span_of(at, len));
        if (row == NULL || (type->row->pair && !row->private_out)) {
            log_error("--use %s: '%.*s' is nothing that a key of the type %s may do", text,
                (int)len, at, type->row->name);
            return ERR_ARGUMENTS;
        }
        use |= (unsigned)row->use;
        at += len;
        if (*at == '\0')
            break;
    }
    *ret_use = use;
    return ERR_OK;
}

/* ---- templates ---- */

static void put_common(struct writer *list, const struct key_wish *wish, uint64_t class)
{
    attribute_put_ulong(list, ATTR_CLASS, class);
    attribute_put_ulong(list, ATTR_KEY_TYPE, wish->type->row->key_type);
    attribute_put_bool(list, ATTR_TOKEN, true);
    attribute_put(list, ATTR_LABEL, wish->label);
    attribute_put(list, ATTR_ID, wish->id);
}

void key_put_secret(struct writer *list, const struct key_wish *wish)
{
    put_common(list, wish, CLASS_SECRET_KEY);
    attribute_put_bool(list, ATTR_SENSITIVE, true);
    attribute_put_bool(list, ATTR_EXTRACTABLE, wish->extractable);
    for (size_t i = 0; i < USE_ROWS; i++) {
        const bool may = (wish->use & (unsigned)use_rows[i].use) != 0;
        attribute_put_bool(list, use_rows[i].out, may);
        if (use_rows[i].in != 0)
            attribute_put_bool(list, use_rows[i].in, may);
    }
}

void key_put_public(struct writer *list, const struct key_wish *wish)
{
    put_common(list, wish, CLASS_PUBLIC_KEY);
    attribute_put(list, ATTR_EC_PARAMS, span_of(p256, sizeof p256));
    attribute_put_bool(list, ATTR_VERIFY, (wish->use & USE_SIGN) != 0);
    attribute_put_bool(
        list, ATTR_ENCRYPT, false); /* else some devices allow what was not asked for */
    attribute_put_bool(list, ATTR_WRAP, false);
}

void key_put_private(struct writer *list, const struct key_wish *wish)
{
    put_common(list, wish, CLASS_PRIVATE_KEY);
    attribute_put_bool(list, ATTR_SENSITIVE, true);
    attribute_put_bool(list, ATTR_EXTRACTABLE, false);
    attribute_put_bool(list, ATTR_SIGN, (wish->use & USE_SIGN) != 0);
    attribute_put_bool(list, ATTR_DERIVE, (wish->use & USE_DERIVE) != 0);
    attribute_put_bool(list, ATTR_DECRYPT, false);
    attribute_put_bool(list, ATTR_UNWRAP, false);
}
