/* SPDX-License-Identifier: MIT
 *
 * Template tables. A key is always sensitive, and not extractable; only a secret key may be, and so
 * be wrapped, where the client asks for it. pkcs11-tool and others say CKA_SENSITIVE=false without
 * meaning it: they get a sensitive key, which says that it is. CKA_EXTRACTABLE=true of a private
 * key is meant by whoever says it, so that he is told no. The one secret that a client may read is
 * what it derives for its own session.
 */
#include "template.h"

#include <p11-kit/pkcs11.h>

/* What a device adds to a template must fit the object's list as well. */
enum { TEMPLATE_MOST = WIRE_TEMPLATE_MAX - 2048 };

enum rule {
    FREE,      /* the client's choice */
    DEFAULT,   /* the client's choice; where it makes none, this value */
    SESSION,   /* as DEFAULT of a session object; of a token object as OURS */
    NEEDED,    /* the client's choice, and it must make one */
    OURS,      /* the client may name it, we set it */
    MUST_BE,   /* the client may name it with this value; we set it */
    MUST_OMIT, /* the client may name it with this value; the device is not told */
    OMIT,      /* the client may name it; the device is not told */
    TOKENS,    /* the client must not name it */
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
    uint64_t class;
    uint64_t key_type;
    enum template_origin origin;
    const struct template_row *rows;
    size_t count;
    const struct length_range *lengths; /* NULL: no secret key */
};

/* clang-format off */
#define COMMON(class)                                                                              \
    {ATTR_TOKEN, OURS, 0}, {ATTR_CLASS, MUST_BE, class}, {ATTR_LABEL, FREE, 0},                    \
    {ATTR_MODIFIABLE, FREE, 0}, {ATTR_DESTROYABLE, FREE, 0}
/* What everybody may read */
#define OPEN(class) COMMON(class), {ATTR_PRIVATE, DEFAULT, 0}, {ATTR_COPYABLE, FREE, 0}
/* What nobody may */
#define CLOSED(class) COMMON(class), {ATTR_PRIVATE, OURS, 1}, {ATTR_COPYABLE, MUST_OMIT, 0}

#define KEY(type)                                                                                  \
    {ATTR_KEY_TYPE, MUST_BE, type}, {ATTR_ID, FREE, 0}, {ATTR_START_DATE, FREE, 0},                \
    {ATTR_END_DATE, FREE, 0}, {ATTR_DERIVE, FREE, 0}, {ATTR_ALLOWED_MECHANISMS, FREE, 0},          \
    {ATTR_LOCAL, TOKENS, 0}, {ATTR_KEY_GEN_MECHANISM, TOKENS, 0}
#define PUBLIC_KEY(type)                                                                           \
    OPEN(CLASS_PUBLIC_KEY), KEY(type), {ATTR_SUBJECT, FREE, 0}, {ATTR_ENCRYPT, FREE, 0},           \
    {ATTR_VERIFY, FREE, 0}, {ATTR_VERIFY_RECOVER, FREE, 0}, {ATTR_WRAP, FREE, 0},                  \
    {ATTR_TRUSTED, MUST_OMIT, 0}, {ATTR_PUBLIC_KEY_INFO, OMIT, 0}
#define HIDDEN_KEY(type)                                                                           \
    KEY(type), {ATTR_DECRYPT, FREE, 0}, {ATTR_SIGN, FREE, 0}, {ATTR_UNWRAP, FREE, 0},              \
    {ATTR_WRAP_WITH_TRUSTED, MUST_OMIT, 0}, {ATTR_ALWAYS_SENSITIVE, TOKENS, 0},                    \
    {ATTR_NEVER_EXTRACTABLE, TOKENS, 0}
#define PRIVATE_KEY(type)                                                                          \
    CLOSED(CLASS_PRIVATE_KEY), HIDDEN_KEY(type), {ATTR_SUBJECT, FREE, 0},                          \
    {ATTR_SIGN_RECOVER, FREE, 0}, {ATTR_SENSITIVE, OURS, 1}, {ATTR_EXTRACTABLE, MUST_BE, 0},       \
    {ATTR_ALWAYS_AUTHENTICATE, MUST_OMIT, 0}, {ATTR_PUBLIC_KEY_INFO, OMIT, 0}
#define SECRET_KEY(type, sensitive)                                                                \
    CLOSED(CLASS_SECRET_KEY), HIDDEN_KEY(type), {ATTR_SENSITIVE, sensitive, 1},                    \
    {ATTR_EXTRACTABLE, DEFAULT, 0}, {ATTR_VERIFY, FREE, 0}, {ATTR_ENCRYPT, FREE, 0},               \
    {ATTR_WRAP, FREE, 0}, {ATTR_TRUSTED, MUST_OMIT, 0}
/* Which of value and length a client gives; the length of an unwrapped key is that of what is
 * unwrapped, and SoftHSM takes no other word for it. */
#define GENERATED(type) {SECRET_KEY(type, OURS), {ATTR_VALUE_LEN, NEEDED, 0}}
#define IMPORTED(type)                                                                             \
    {SECRET_KEY(type, OURS), {ATTR_VALUE, NEEDED, 0}, {ATTR_VALUE_LEN, OMIT, 0}}
#define UNWRAPPED(type) {SECRET_KEY(type, OURS), {ATTR_VALUE_LEN, OMIT, 0}}
#define DERIVED(type)   {SECRET_KEY(type, SESSION), {ATTR_VALUE_LEN, FREE, 0}}

/* Private keys: what is private of them is given only at an import; where it comes in wrapped, or is
 * made, all of it comes from there. */
#define PRIVATE(type) {PRIVATE_KEY(type)}
#define EC_PUBLIC_GENERATED(type) {PUBLIC_KEY(type), {ATTR_EC_PARAMS, NEEDED, 0}}
#define EC_PUBLIC_IMPORTED(type)                                                                   \
    {PUBLIC_KEY(type), {ATTR_EC_PARAMS, NEEDED, 0}, {ATTR_EC_POINT, NEEDED, 0}}
#define EC_PRIVATE_IMPORTED(type)                                                                  \
    {PRIVATE_KEY(type), {ATTR_EC_PARAMS, NEEDED, 0}, {ATTR_VALUE, NEEDED, 0},                      \
     {ATTR_EC_POINT, OMIT, 0}}
#define RSA_PUBLIC_GENERATED(type)                                                                 \
    {PUBLIC_KEY(type), {ATTR_MODULUS_BITS, NEEDED, 0}, {ATTR_PUBLIC_EXPONENT, FREE, 0}}
#define RSA_PUBLIC_IMPORTED(type)                                                                  \
    {PUBLIC_KEY(type), {ATTR_MODULUS, NEEDED, 0}, {ATTR_PUBLIC_EXPONENT, NEEDED, 0},               \
     {ATTR_MODULUS_BITS, OMIT, 0}}
#define RSA_PRIVATE_IMPORTED(type)                                                                 \
    {PRIVATE_KEY(type), {ATTR_MODULUS, NEEDED, 0}, {ATTR_PUBLIC_EXPONENT, FREE, 0},                \
     {ATTR_PRIVATE_EXPONENT, NEEDED, 0}, {ATTR_PRIME_1, FREE, 0}, {ATTR_PRIME_2, FREE, 0},         \
     {ATTR_EXPONENT_1, FREE, 0}, {ATTR_EXPONENT_2, FREE, 0}, {ATTR_COEFFICIENT, FREE, 0}}

#define CERTIFICATE(type)                                                                          \
    {OPEN(CLASS_CERTIFICATE), {ATTR_CERTIFICATE_TYPE, MUST_BE, type}, {ATTR_VALUE, NEEDED, 0},     \
     {ATTR_SUBJECT, NEEDED, 0}, {ATTR_ID, FREE, 0}, {ATTR_ISSUER, FREE, 0},                        \
     {ATTR_SERIAL_NUMBER, FREE, 0}, {ATTR_CERTIFICATE_CATEGORY, FREE, 0},                          \
     {ATTR_START_DATE, FREE, 0}, {ATTR_END_DATE, FREE, 0}, {ATTR_URL, FREE, 0},                    \
     {ATTR_HASH_OF_SUBJECT_PUBLIC_KEY, FREE, 0}, {ATTR_HASH_OF_ISSUER_PUBLIC_KEY, FREE, 0},        \
     {ATTR_JAVA_MIDP_SECURITY_DOMAIN, FREE, 0}, {ATTR_TRUSTED, MUST_OMIT, 0},                      \
     {ATTR_PUBLIC_KEY_INFO, OMIT, 0}}
#define DATA(ignored)                                                                              \
    {OPEN(CLASS_DATA), {ATTR_APPLICATION, FREE, 0}, {ATTR_OBJECT_ID, FREE, 0},                     \
     {ATTR_VALUE, FREE, 0}}

#define ROWS(name, from, type) static const struct template_row name##_rows[] = from(type)
ROWS(data, DATA, 0);
ROWS(certificate, CERTIFICATE, 0 /* X.509 */);
ROWS(ec_public_generated, EC_PUBLIC_GENERATED, KEY_TYPE_EC);
ROWS(ec_public_imported, EC_PUBLIC_IMPORTED, KEY_TYPE_EC);
ROWS(ec_private, PRIVATE, KEY_TYPE_EC);
ROWS(ec_private_imported, EC_PRIVATE_IMPORTED, KEY_TYPE_EC);
ROWS(edwards_public_generated, EC_PUBLIC_GENERATED, KEY_TYPE_EC_EDWARDS);
ROWS(edwards_public_imported, EC_PUBLIC_IMPORTED, KEY_TYPE_EC_EDWARDS);
ROWS(edwards_private, PRIVATE, KEY_TYPE_EC_EDWARDS);
ROWS(edwards_private_imported, EC_PRIVATE_IMPORTED, KEY_TYPE_EC_EDWARDS);
ROWS(rsa_public_generated, RSA_PUBLIC_GENERATED, KEY_TYPE_RSA);
ROWS(rsa_public_imported, RSA_PUBLIC_IMPORTED, KEY_TYPE_RSA);
ROWS(rsa_private, PRIVATE, KEY_TYPE_RSA);
ROWS(rsa_private_imported, RSA_PRIVATE_IMPORTED, KEY_TYPE_RSA);
ROWS(aes_generated, GENERATED, CKK_AES);
ROWS(aes_imported, IMPORTED, CKK_AES);
ROWS(aes_unwrapped, UNWRAPPED, CKK_AES);
ROWS(aes_derived, DERIVED, CKK_AES);
ROWS(generic_generated, GENERATED, CKK_GENERIC_SECRET);
ROWS(generic_imported, IMPORTED, CKK_GENERIC_SECRET);
ROWS(generic_unwrapped, UNWRAPPED, CKK_GENERIC_SECRET);
ROWS(generic_derived, DERIVED, CKK_GENERIC_SECRET);
ROWS(hmac256_imported, IMPORTED, CKK_SHA256_HMAC);
ROWS(hmac256_unwrapped, UNWRAPPED, CKK_SHA256_HMAC);
ROWS(hmac256_derived, DERIVED, CKK_SHA256_HMAC);
ROWS(hmac384_imported, IMPORTED, CKK_SHA384_HMAC);
ROWS(hmac384_unwrapped, UNWRAPPED, CKK_SHA384_HMAC);
ROWS(hmac384_derived, DERIVED, CKK_SHA384_HMAC);
ROWS(hmac512_imported, IMPORTED, CKK_SHA512_HMAC);
ROWS(hmac512_unwrapped, UNWRAPPED, CKK_SHA512_HMAC);
ROWS(hmac512_derived, DERIVED, CKK_SHA512_HMAC);

static const struct length_range aes = {16, 32, 8};
static const struct length_range mac = {1, 512, 1};

/* CKM_GENERIC_SECRET_KEY_GEN makes keys of CKK_GENERIC_SECRET only. */
#define KIND(class, type, origin, rows, lengths)                                                   \
    {CLASS_##class, type, TEMPLATE_##origin, rows##_rows, sizeof rows##_rows / sizeof rows##_rows[0], lengths}
static const struct template_kind kinds[] = {
    KIND(DATA, 0, IMPORT, data, NULL),
    KIND(CERTIFICATE, 0, IMPORT, certificate, NULL),
    KIND(PUBLIC_KEY, KEY_TYPE_EC, GENERATE, ec_public_generated, NULL),
    KIND(PUBLIC_KEY, KEY_TYPE_EC, IMPORT, ec_public_imported, NULL),
    KIND(PRIVATE_KEY, KEY_TYPE_EC, GENERATE, ec_private, NULL),
    KIND(PRIVATE_KEY, KEY_TYPE_EC, IMPORT, ec_private_imported, NULL),
    KIND(PRIVATE_KEY, KEY_TYPE_EC, UNWRAP, ec_private, NULL),
    KIND(PUBLIC_KEY, KEY_TYPE_EC_EDWARDS, GENERATE, edwards_public_generated, NULL),
    KIND(PUBLIC_KEY, KEY_TYPE_EC_EDWARDS, IMPORT, edwards_public_imported, NULL),
    KIND(PRIVATE_KEY, KEY_TYPE_EC_EDWARDS, GENERATE, edwards_private, NULL),
    KIND(PRIVATE_KEY, KEY_TYPE_EC_EDWARDS, IMPORT, edwards_private_imported, NULL),
    KIND(PRIVATE_KEY, KEY_TYPE_EC_EDWARDS, UNWRAP, edwards_private, NULL),
    KIND(PUBLIC_KEY, KEY_TYPE_RSA, GENERATE, rsa_public_generated, NULL),
    KIND(PUBLIC_KEY, KEY_TYPE_RSA, IMPORT, rsa_public_imported, NULL),
    KIND(PRIVATE_KEY, KEY_TYPE_RSA, GENERATE, rsa_private, NULL),
    KIND(PRIVATE_KEY, KEY_TYPE_RSA, IMPORT, rsa_private_imported, NULL),
    KIND(PRIVATE_KEY, KEY_TYPE_RSA, UNWRAP, rsa_private, NULL),
    KIND(SECRET_KEY, CKK_AES, GENERATE, aes_generated, &aes),
    KIND(SECRET_KEY, CKK_AES, IMPORT, aes_imported, &aes),
    KIND(SECRET_KEY, CKK_AES, UNWRAP, aes_unwrapped, &aes),
    KIND(SECRET_KEY, CKK_AES, DERIVE, aes_derived, &aes),
    KIND(SECRET_KEY, CKK_GENERIC_SECRET, GENERATE, generic_generated, &mac),
    KIND(SECRET_KEY, CKK_GENERIC_SECRET, IMPORT, generic_imported, &mac),
    KIND(SECRET_KEY, CKK_GENERIC_SECRET, UNWRAP, generic_unwrapped, &mac),
    KIND(SECRET_KEY, CKK_GENERIC_SECRET, DERIVE, generic_derived, &mac),
    KIND(SECRET_KEY, CKK_SHA256_HMAC, IMPORT, hmac256_imported, &mac),
    KIND(SECRET_KEY, CKK_SHA256_HMAC, UNWRAP, hmac256_unwrapped, &mac),
    KIND(SECRET_KEY, CKK_SHA256_HMAC, DERIVE, hmac256_derived, &mac),
    KIND(SECRET_KEY, CKK_SHA384_HMAC, IMPORT, hmac384_imported, &mac),
    KIND(SECRET_KEY, CKK_SHA384_HMAC, UNWRAP, hmac384_unwrapped, &mac),
    KIND(SECRET_KEY, CKK_SHA384_HMAC, DERIVE, hmac384_derived, &mac),
    KIND(SECRET_KEY, CKK_SHA512_HMAC, IMPORT, hmac512_imported, &mac),
    KIND(SECRET_KEY, CKK_SHA512_HMAC, UNWRAP, hmac512_unwrapped, &mac),
    KIND(SECRET_KEY, CKK_SHA512_HMAC, DERIVE, hmac512_derived, &mac),
};
/* clang-format on */

const struct template_kind *template_find(
    uint64_t class, uint64_t key_type, enum template_origin origin)
{
    const bool is_key = class != CLASS_DATA && class != CLASS_CERTIFICATE;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].class == class && kinds[i].origin == origin &&
            (!is_key || kinds[i].key_type == key_type))
            return &kinds[i];
    return NULL;
}

const struct template_kind *template_secret(uint64_t key_type, enum template_origin origin)
{
    return template_find(CLASS_SECRET_KEY, key_type, origin);
}

bool template_length_fits(const struct template_kind *kind, uint64_t length)
{
    const struct length_range *range = kind->lengths;
    return range == NULL || (length >= range->least && length <= range->most &&
                                (length - range->least) % range->step == 0);
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

bool template_value_fits(const struct wire_attribute *attribute)
{
    enum { DATE = 8 };
    const struct span value = attribute->value;
    if (attribute->type != ATTR_START_DATE && attribute->type != ATTR_END_DATE)
        return true;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return false;
    return value.len == 0 || value.len == DATE;
}

static err_t check_asked(const struct template_kind *kind, struct span asked)
{
    struct reader r = reader_of(asked);
    struct wire_attribute attribute;
    while (attribute_next(&r, &attribute)) {
        const struct template_row *row = row_find(kind, attribute.type);
        if (row == NULL)
            return ERR_ATTRIBUTE_TYPE;
        if (row->rule == TOKENS)
            return ERR_ATTRIBUTE_READ_ONLY;
        if (!template_value_fits(&attribute))
            return ERR_ATTRIBUTE_VALUE;
        if ((row->rule == MUST_BE || row->rule == MUST_OMIT) &&
            number_in(attribute.value) != row->value)
            return ERR_TEMPLATE_INCONSISTENT;
    }
    return ERR_OK;
}

/* A length that is given beside the value must be that of the value. 0 is said of a key that is
 * derived, and means: as much as there is. */
static err_t check_length(const struct template_kind *kind, struct span asked)
{
    struct span value;
    uint64_t length;
    bool has_value = attribute_get(asked, ATTR_VALUE, &value) && value.len > 0;
    bool has_length = attribute_get_ulong(asked, ATTR_VALUE_LEN, &length) &&
                      (length != 0 || kind->origin != TEMPLATE_DERIVE);
    if (kind->lengths == NULL)
        return ERR_OK;
    if ((has_value && !template_length_fits(kind, value.len)) ||
        (has_length && !template_length_fits(kind, length)))
        return ERR_ATTRIBUTE_VALUE;
    return has_value && has_length && length != value.len ? ERR_TEMPLATE_INCONSISTENT : ERR_OK;
}

/* What the device is told of one attribute. */
static err_t put_row(
    const struct template_row *row, struct span asked, bool token, struct writer *list)
{
    struct span value = {NULL, 0};
    const bool given = attribute_get(asked, row->type, &value);
    const enum rule rule = row->rule != SESSION ? row->rule : token ? OURS : DEFAULT;
    if (row->type == ATTR_TOKEN)
        attribute_put_bool(list, ATTR_TOKEN, token);
    else if (rule == OURS || rule == MUST_BE || (rule == DEFAULT && !given))
        put_number(list, row->type, row->value);
    else if (rule == NEEDED && value.len == 0)
        return ERR_TEMPLATE_INCOMPLETE;
    else if (given && rule != MUST_OMIT && rule != OMIT)
        attribute_put(list, row->type, value);
    return ERR_OK;
}

err_t template_complete(
    const struct template_kind *kind, struct span asked, bool token, struct writer *list)
{
    err_t err = attribute_list_check(asked);
    if (err == ERR_OK)
        err = check_asked(kind, asked);
    if (err == ERR_OK)
        err = check_length(kind, asked);
    for (size_t i = 0; i < kind->count && err == ERR_OK; i++)
        err = put_row(&kind->rows[i], asked, token, list);
    if (err == ERR_OK && (writer_failed(list) || writer_bytes(list).len > TEMPLATE_MOST))
        err = ERR_TOO_LARGE;
    return err;
}

void template_write_copy(
    const struct template_kind *kind, struct span object, struct span asked, struct writer *list)
{
    for (size_t i = 0; i < kind->count; i++) {
        const struct template_row *row = &kind->rows[i];
        struct span value = {NULL, 0};
        const bool wanted = attribute_get(asked, row->type, &value);
        const bool known = row->rule == FREE || row->rule == NEEDED || row->rule == DEFAULT ||
                           row->rule == MUST_BE;
        if (!wanted && known)
            (void)attribute_get(object, row->type, &value);
        if (wanted || value.len > 0)
            attribute_put(list, row->type, value);
    }
}
