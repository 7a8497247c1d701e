/* SPDX-License-Identifier: MIT
 *
 * Template tables. A key that is made here is always sensitive, and not extractable; only a secret
 * key may be, and so be wrapped, where the client asks for it. A client that asks for less is told
 * so; but of secret keys pkcs11-tool and others say CKA_SENSITIVE=false without meaning it: they get
 * a sensitive one, which says that it is.
 */
#include "template.h"

#include <p11-kit/pkcs11.h>

/* What a device adds to a template must fit the object's list as well. */
enum { TEMPLATE_MOST = WIRE_TEMPLATE_MAX - 2048 };

enum rule {
    FREE,      /* the client's choice */
    DEFAULT,   /* the client's choice; where it makes none, this value */
    NEEDED,    /* the client's choice, and it must make one */
    OURS,      /* the client may name it, we set it */
    MUST_BE,   /* the client may name it with this value; we set it */
    MUST_OMIT, /* the client may name it with this value; the device is not told */
    OMIT,      /* the client may name it; the device is not told */
};

/* Of a secret key, in bytes: from least to most in steps. */
struct length_range {
    uint64_t least;
    uint64_t most;
    uint64_t step;
};

struct template_row {
    uint32_t type;
    enum rule rule;
    uint64_t value;
};

struct template_kind {
    const struct template_row *rows;
    size_t count;
    const struct length_range *lengths; /* NULL: no secret key */
};

/* clang-format off */
#define COMMON                                                                                     \
    {ATTR_TOKEN, OURS, 0}, {ATTR_LABEL, FREE, 0}, {ATTR_MODIFIABLE, FREE, 0},                      \
    {ATTR_DESTROYABLE, FREE, 0}, {ATTR_COPYABLE, MUST_OMIT, 0}
#define KEY(type)                                                                                  \
    {ATTR_KEY_TYPE, MUST_BE, type}, {ATTR_ID, FREE, 0}, {ATTR_START_DATE, FREE, 0},                \
    {ATTR_END_DATE, FREE, 0}, {ATTR_DERIVE, FREE, 0}
#define SECRET_KEY(type)                                                                           \
    COMMON, KEY(type),                                                                             \
    {ATTR_CLASS, MUST_BE, CLASS_SECRET_KEY}, {ATTR_PRIVATE, OURS, 1},                              \
    {ATTR_SENSITIVE, OURS, 1}, {ATTR_EXTRACTABLE, DEFAULT, 0}, {ATTR_SIGN, FREE, 0},               \
    {ATTR_VERIFY, FREE, 0}, {ATTR_ENCRYPT, FREE, 0}, {ATTR_DECRYPT, FREE, 0},                      \
    {ATTR_WRAP, FREE, 0}, {ATTR_UNWRAP, FREE, 0}, {ATTR_TRUSTED, MUST_OMIT, 0},                    \
    {ATTR_WRAP_WITH_TRUSTED, MUST_OMIT, 0}
/* Which of value and length a client gives; the length of an unwrapped key is that of what is
 * unwrapped, and SoftHSM takes no other word for it. */
#define GENERATED(type) {SECRET_KEY(type), {ATTR_VALUE_LEN, NEEDED, 0}}
#define IMPORTED(type)  {SECRET_KEY(type), {ATTR_VALUE, NEEDED, 0}, {ATTR_VALUE_LEN, OMIT, 0}}
#define UNWRAPPED(type) {SECRET_KEY(type), {ATTR_VALUE_LEN, OMIT, 0}}
/* clang-format on */

static const struct template_row ec_public_rows[] = {
    COMMON,
    KEY(KEY_TYPE_EC),
    {ATTR_SUBJECT, FREE, 0},
    {ATTR_CLASS, MUST_BE, CLASS_PUBLIC_KEY},
    {ATTR_PRIVATE, MUST_BE, 0},
    {ATTR_EC_PARAMS, NEEDED, 0},
    {ATTR_ENCRYPT, FREE, 0},
    {ATTR_WRAP, FREE, 0},
    {ATTR_VERIFY, FREE, 0},
    {ATTR_VERIFY_RECOVER, FREE, 0},
    {ATTR_TRUSTED, MUST_OMIT, 0},
};

static const struct template_row ec_private_rows[] = {
    COMMON,
    KEY(KEY_TYPE_EC),
    {ATTR_SUBJECT, FREE, 0},
    {ATTR_CLASS, MUST_BE, CLASS_PRIVATE_KEY},
    {ATTR_PRIVATE, OURS, 1},
    {ATTR_SENSITIVE, MUST_BE, 1},
    {ATTR_EXTRACTABLE, MUST_BE, 0},
    {ATTR_DECRYPT, FREE, 0},
    {ATTR_UNWRAP, FREE, 0},
    {ATTR_SIGN, FREE, 0},
    {ATTR_SIGN_RECOVER, FREE, 0},
    {ATTR_ALWAYS_AUTHENTICATE, MUST_OMIT, 0},
    {ATTR_WRAP_WITH_TRUSTED, MUST_OMIT, 0},
};

static const struct template_row certificate_rows[] = {
    COMMON,
    {ATTR_CLASS, MUST_BE, CLASS_CERTIFICATE},
    {ATTR_PRIVATE, MUST_BE, 0},
    {ATTR_CERTIFICATE_TYPE, MUST_BE, 0 /* X.509 */},
    {ATTR_VALUE, NEEDED, 0},
    {ATTR_SUBJECT, NEEDED, 0},
    {ATTR_ID, FREE, 0},
    {ATTR_ISSUER, FREE, 0},
    {ATTR_SERIAL_NUMBER, FREE, 0},
    {ATTR_CERTIFICATE_CATEGORY, FREE, 0},
    {ATTR_START_DATE, FREE, 0},
    {ATTR_END_DATE, FREE, 0},
    {ATTR_TRUSTED, MUST_OMIT, 0},
};

/* clang-format off */
#define ROWS(name, from, type) static const struct template_row name##_rows[] = from(type)
ROWS(aes_generated, GENERATED, CKK_AES);
ROWS(aes_imported, IMPORTED, CKK_AES);
ROWS(aes_unwrapped, UNWRAPPED, CKK_AES);
ROWS(generic_generated, GENERATED, CKK_GENERIC_SECRET);
ROWS(generic_imported, IMPORTED, CKK_GENERIC_SECRET);
ROWS(generic_unwrapped, UNWRAPPED, CKK_GENERIC_SECRET);
ROWS(hmac_imported, IMPORTED, CKK_SHA256_HMAC);
ROWS(hmac_unwrapped, UNWRAPPED, CKK_SHA256_HMAC);

#define KIND(rows, lengths) {rows, sizeof rows / sizeof rows[0], lengths}
/* clang-format on */
const struct template_kind template_ec_public = KIND(ec_public_rows, NULL);
const struct template_kind template_ec_private = KIND(ec_private_rows, NULL);
const struct template_kind template_certificate = KIND(certificate_rows, NULL);

static const struct length_range aes_lengths = {16, 32, 8};
static const struct length_range mac_lengths = {1, 512, 1};

/* CKM_GENERIC_SECRET_KEY_GEN makes keys of CKK_GENERIC_SECRET only. */
static const struct secret_row {
    uint64_t key_type;
    enum template_origin origin;
    struct template_kind kind;
} secret_rows[] = {
    {CKK_AES, TEMPLATE_GENERATE, KIND(aes_generated_rows, &aes_lengths)},
    {CKK_AES, TEMPLATE_IMPORT, KIND(aes_imported_rows, &aes_lengths)},
    {CKK_AES, TEMPLATE_UNWRAP, KIND(aes_unwrapped_rows, &aes_lengths)},
    {CKK_GENERIC_SECRET, TEMPLATE_GENERATE, KIND(generic_generated_rows, &mac_lengths)},
    {CKK_GENERIC_SECRET, TEMPLATE_IMPORT, KIND(generic_imported_rows, &mac_lengths)},
    {CKK_GENERIC_SECRET, TEMPLATE_UNWRAP, KIND(generic_unwrapped_rows, &mac_lengths)},
    {CKK_SHA256_HMAC, TEMPLATE_IMPORT, KIND(hmac_imported_rows, &mac_lengths)},
    {CKK_SHA256_HMAC, TEMPLATE_UNWRAP, KIND(hmac_unwrapped_rows, &mac_lengths)},
};

const struct template_kind *template_secret(uint64_t key_type, enum template_origin origin)
{
    for (size_t i = 0; i < sizeof secret_rows / sizeof secret_rows[0]; i++)
        if (secret_rows[i].key_type == key_type && secret_rows[i].origin == origin)
            return &secret_rows[i].kind;
    return NULL;
}

bool template_length_fits(const struct template_kind *kind, uint64_t length)
{
    const struct length_range *range = kind->lengths;
    return length >= range->least && length <= range->most &&
           (length - range->least) % range->step == 0;
}

static const struct template_row *row_find(const struct template_kind *kind, uint32_t type)
{
    for (size_t i = 0; i < kind->count; i++)
        if (kind->rows[i].type == type)
            return &kind->rows[i];
    return NULL;
}

static uint64_t number_in(struct span value)
{
    struct reader r = reader_of(value);
    return read_uint(&r, (unsigned)value.len);
}

static void put_number(struct writer *list, uint32_t type, uint64_t value)
{
    if (attribute_find(type)->kind == ATTRIBUTE_BOOL)
        attribute_put_bool(list, type, value == 1);
    else
        attribute_put_ulong(list, type, value);
}

static err_t check_asked(const struct template_kind *kind, struct span asked)
{
    struct reader r = reader_of(asked);
    struct wire_attribute attribute;
    while (attribute_next(&r, &attribute)) {
        const struct template_row *row = row_find(kind, attribute.type);
        if (row == NULL)
            return ERR_ATTRIBUTE_TYPE;
        if ((row->rule == MUST_BE || row->rule == MUST_OMIT) &&
            number_in(attribute.value) != row->value)
            return ERR_TEMPLATE_INCONSISTENT;
    }
    return ERR_OK;
}

/* A length that is given beside the value must be that of the value. */
static err_t check_length(const struct template_kind *kind, struct span asked)
{
    struct span value;
    uint64_t length;
    bool has_value = attribute_get(asked, ATTR_VALUE, &value) && value.len > 0;
    bool has_length = attribute_get_ulong(asked, ATTR_VALUE_LEN, &length);
    if (kind->lengths == NULL)
        return ERR_OK;
    if ((has_value && !template_length_fits(kind, value.len)) ||
        (has_length && !template_length_fits(kind, length)))
        return ERR_ATTRIBUTE_VALUE;
    return has_value && has_length && length != value.len ? ERR_TEMPLATE_INCONSISTENT : ERR_OK;
}

err_t template_complete(
    const struct template_kind *kind, struct span asked, bool token, struct writer *list)
{
    err_t err = attribute_list_check(asked);
    if (err == ERR_OK)
        err = check_asked(kind, asked);
    if (err == ERR_OK)
        err = check_length(kind, asked);
    for (size_t i = 0; i < kind->count && err == ERR_OK; i++) {
        const struct template_row *row = &kind->rows[i];
        struct span value;
        bool given = attribute_get(asked, row->type, &value);
        if (row->rule == NEEDED && (!given || value.len == 0))
            err = ERR_TEMPLATE_INCOMPLETE;
        else if (row->type == ATTR_TOKEN)
            attribute_put_bool(list, ATTR_TOKEN, token);
        else if (row->rule == OURS || row->rule == MUST_BE)
            put_number(list, row->type, row->value);
        else if (row->rule == DEFAULT && !given)
            put_number(list, row->type, row->value);
        else if (given && row->rule != MUST_OMIT && row->rule != OMIT)
            attribute_put(list, row->type, value);
    }
    if (err == ERR_OK && (writer_failed(list) || writer_bytes(list).len > TEMPLATE_MOST))
        err = ERR_TOO_LARGE;
    return err;
}

err_t template_check_change(struct span asked)
{
    struct reader r = reader_of(asked);
    struct wire_attribute attribute;
    err_t err = attribute_list_check(asked);
    while (err == ERR_OK && attribute_next(&r, &attribute))
        if (!(attribute_find(attribute.type)->flags & ATTRIBUTE_CHANGEABLE))
            err = ERR_ATTRIBUTE_READ_ONLY;
    return err;
}
