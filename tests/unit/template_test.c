/* SPDX-License-Identifier: MIT
 *
 * Templates: what a client may ask for, what it must, and what is decided for it.
 */
#include "test.h"

#include "signerd/template.h"

#include <stdbool.h>

enum { CERTIFICATE_X509 = 0 };

static uint8_t asked_room[WIRE_TEMPLATE_MAX];
static uint8_t complete_room[WIRE_TEMPLATE_MAX];
static struct writer asked;

static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

#define EC_PUBLIC   template_find(CLASS_PUBLIC_KEY, KEY_TYPE_EC, TEMPLATE_GENERATE)
#define EC_PRIVATE  template_find(CLASS_PRIVATE_KEY, KEY_TYPE_EC, TEMPLATE_GENERATE)
#define CERTIFICATE template_find(CLASS_CERTIFICATE, 0, TEMPLATE_IMPORT)

static int ask_nothing(void **state)
{
    asked = writer_of(asked_room, sizeof asked_room);
    (void)state;
    return 0;
}

static err_t complete(const struct template_kind *kind, bool token, struct span *ret_list)
{
    struct writer list = writer_of(complete_room, sizeof complete_room);
    err_t err = template_complete(kind, writer_bytes(&asked), token, &list);
    *ret_list = writer_bytes(&list);
    if (err == ERR_OK)
        assert_int_equal(attribute_list_check(*ret_list), ERR_OK);
    return err;
}

static struct span completed(const struct template_kind *kind, bool token)
{
    struct span list;
    assert_int_equal(complete(kind, token, &list), ERR_OK);
    return list;
}

static void expect_refused(const struct template_kind *kind, err_t expected)
{
    struct span list;
    assert_int_equal(complete(kind, true, &list), expected);
    (void)ask_nothing(NULL);
}

static void expect_bool(struct span list, uint32_t type, bool value)
{
    assert_int_equal(attribute_get_bool(list, type, !value), value);
}

static void expect_ulong(struct span list, uint32_t type, uint64_t value)
{
    uint64_t found;
    assert_true(attribute_get_ulong(list, type, &found));
    assert_int_equal(found, value);
}

static void expect_bytes(struct span list, uint32_t type, struct span value)
{
    struct span found;
    assert_true(attribute_get(list, type, &found));
    assert_true(span_equal(found, value));
}

static void expect_absent(struct span list, uint32_t type)
{
    struct span found;
    assert_false(attribute_get(list, type, &found));
}

static void ask_certificate(void)
{
    attribute_put_ulong(&asked, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put_ulong(&asked, ATTR_CERTIFICATE_TYPE, CERTIFICATE_X509);
    attribute_put(&asked, ATTR_VALUE, span_of_text("der"));
    attribute_put(&asked, ATTR_SUBJECT, span_of_text("subject"));
}

static void a_private_key_is_sensitive_whoever_asks(void **state)
{
    attribute_put(&asked, ATTR_LABEL, span_of_text("web"));
    attribute_put(&asked, ATTR_ID, span_of("\x01\x02", 2));
    attribute_put_bool(&asked, ATTR_SIGN, true);
    struct span list = completed(EC_PRIVATE, true);
    expect_ulong(list, ATTR_CLASS, CLASS_PRIVATE_KEY);
    expect_ulong(list, ATTR_KEY_TYPE, KEY_TYPE_EC);
    expect_bool(list, ATTR_SENSITIVE, true);
    expect_bool(list, ATTR_EXTRACTABLE, false);
    expect_bool(list, ATTR_PRIVATE, true);
    expect_bool(list, ATTR_SIGN, true);
    expect_bytes(list, ATTR_LABEL, span_of_text("web"));
    expect_bytes(list, ATTR_ID, span_of("\x01\x02", 2));
    (void)state;
}

static void a_public_key_keeps_its_curve(void **state)
{
    attribute_put(&asked, ATTR_EC_PARAMS, span_of(p256, sizeof p256));
    attribute_put_bool(&asked, ATTR_VERIFY, true);
    struct span list = completed(EC_PUBLIC, true);
    expect_ulong(list, ATTR_CLASS, CLASS_PUBLIC_KEY);
    expect_ulong(list, ATTR_KEY_TYPE, KEY_TYPE_EC);
    expect_bool(list, ATTR_PRIVATE, false);
    expect_bool(list, ATTR_VERIFY, true);
    expect_bytes(list, ATTR_EC_PARAMS, span_of(p256, sizeof p256));
    (void)state;
}

static void a_certificate_keeps_its_value(void **state)
{
    ask_certificate();
    attribute_put(&asked, ATTR_ISSUER, span_of_text("issuer"));
    struct span list = completed(CERTIFICATE, true);
    expect_ulong(list, ATTR_CLASS, CLASS_CERTIFICATE);
    expect_ulong(list, ATTR_CERTIFICATE_TYPE, CERTIFICATE_X509);
    expect_bool(list, ATTR_PRIVATE, false);
    expect_bytes(list, ATTR_VALUE, span_of_text("der"));
    expect_bytes(list, ATTR_SUBJECT, span_of_text("subject"));
    expect_bytes(list, ATTR_ISSUER, span_of_text("issuer"));
    (void)state;
}

static void token_is_said_by_us(void **state)
{
    for (int token = 0; token <= 1; token++) {
        for (int wish = 0; wish <= 1; wish++) {
            attribute_put_bool(&asked, ATTR_TOKEN, wish);
            expect_bool(completed(EC_PRIVATE, token), ATTR_TOKEN, token);
            (void)ask_nothing(NULL);
        }
        expect_bool(completed(EC_PRIVATE, token), ATTR_TOKEN, token);
    }
    (void)state;
}

/* The client is told, and not given something else than it asked for. */
static void a_value_that_cannot_be_is_refused(void **state)
{
    const struct {
        const struct template_kind *kind;
        uint32_t type;
        bool value;
    } flags[] = {
        {EC_PRIVATE, ATTR_EXTRACTABLE, true},
        {EC_PRIVATE, ATTR_ALWAYS_AUTHENTICATE, true},
        {EC_PRIVATE, ATTR_WRAP_WITH_TRUSTED, true},
        {EC_PRIVATE, ATTR_COPYABLE, true},
        {EC_PUBLIC, ATTR_TRUSTED, true},
        {CERTIFICATE, ATTR_TRUSTED, true},
    };
    for (size_t i = 0; i < COUNT(flags); i++) {
        attribute_put_bool(&asked, flags[i].type, flags[i].value);
        expect_refused(flags[i].kind, ERR_TEMPLATE_INCONSISTENT);
    }
    const struct {
        const struct template_kind *kind;
        uint32_t type;
        uint64_t value;
    } numbers[] = {
        {EC_PRIVATE, ATTR_CLASS, CLASS_SECRET_KEY},
        {EC_PRIVATE, ATTR_KEY_TYPE, KEY_TYPE_RSA},
        {EC_PUBLIC, ATTR_CLASS, CLASS_PRIVATE_KEY},
        {CERTIFICATE, ATTR_CERTIFICATE_TYPE, 1},
        {EC_PRIVATE, ATTR_KEY_TYPE, (UINT64_C(1) << 32) + KEY_TYPE_EC},
    };
    for (size_t i = 0; i < COUNT(numbers); i++) {
        attribute_put_ulong(&asked, numbers[i].type, numbers[i].value);
        expect_refused(numbers[i].kind, ERR_TEMPLATE_INCONSISTENT);
    }
    (void)state;
}

static void what_the_device_need_not_know_is_not_told(void **state)
{
    static const uint32_t omitted[] = {
        ATTR_COPYABLE, ATTR_ALWAYS_AUTHENTICATE, ATTR_WRAP_WITH_TRUSTED};
    for (size_t i = 0; i < COUNT(omitted); i++)
        attribute_put_bool(&asked, omitted[i], false);
    struct span list = completed(EC_PRIVATE, true);
    for (size_t i = 0; i < COUNT(omitted); i++)
        expect_absent(list, omitted[i]);
    (void)state;
}

static void what_is_free_and_not_asked_for_is_left_to_the_device(void **state)
{
    struct span list = completed(EC_PRIVATE, true);
    static const uint32_t absent[] = {
        ATTR_LABEL, ATTR_ID, ATTR_SIGN, ATTR_DERIVE, ATTR_MODIFIABLE, ATTR_SUBJECT};
    for (size_t i = 0; i < COUNT(absent); i++)
        expect_absent(list, absent[i]);
    (void)state;
}

static void what_is_needed_and_missing_is_refused(void **state)
{
    expect_refused(EC_PUBLIC, ERR_TEMPLATE_INCOMPLETE);
    attribute_put(&asked, ATTR_EC_PARAMS, span_of(NULL, 0));
    expect_refused(EC_PUBLIC, ERR_TEMPLATE_INCOMPLETE);
    attribute_put(&asked, ATTR_SUBJECT, span_of_text("subject"));
    expect_refused(CERTIFICATE, ERR_TEMPLATE_INCOMPLETE);
    attribute_put(&asked, ATTR_VALUE, span_of_text("der"));
    expect_refused(CERTIFICATE, ERR_TEMPLATE_INCOMPLETE);
    (void)state;
}

static void an_attribute_that_such_an_object_has_not_is_refused(void **state)
{
    const struct {
        const struct template_kind *kind;
        uint32_t type;
    } foreign[] = {
        {EC_PRIVATE, ATTR_VALUE},
        {EC_PRIVATE, ATTR_EC_PARAMS},
        {EC_PRIVATE, ATTR_MODULUS},
        {EC_PUBLIC, ATTR_EC_POINT},
        {CERTIFICATE, ATTR_EC_PARAMS},
    };
    for (size_t i = 0; i < COUNT(foreign); i++) {
        attribute_put(&asked, foreign[i].type, span_of_text("x"));
        expect_refused(foreign[i].kind, ERR_ATTRIBUTE_TYPE);
    }
    attribute_put_bool(&asked, ATTR_SIGN, true);
    expect_refused(EC_PUBLIC, ERR_ATTRIBUTE_TYPE);
    (void)state;
}

static void a_malformed_list_is_refused(void **state)
{
    attribute_put(&asked, 0x7fffffff, span_of_text("no such attribute"));
    expect_refused(EC_PRIVATE, ERR_BAD_MESSAGE);
    attribute_put(&asked, ATTR_SIGN, span_of("\x02", 1));
    expect_refused(EC_PRIVATE, ERR_BAD_MESSAGE);
    attribute_put_bool(&asked, ATTR_SIGN, true);
    asked.used--;
    expect_refused(EC_PRIVATE, ERR_BAD_MESSAGE);
    (void)state;
}

static void an_attribute_given_twice_is_refused(void **state)
{
    attribute_put(&asked, ATTR_LABEL, span_of_text("a"));
    attribute_put(&asked, ATTR_LABEL, span_of_text("a"));
    expect_refused(EC_PRIVATE, ERR_TEMPLATE_INCONSISTENT);
    (void)state;
}

static void a_template_that_grows_over_its_room_is_refused(void **state)
{
    static const uint8_t zeroes[WIRE_TEMPLATE_MAX];
    attribute_put(&asked, ATTR_LABEL, span_of(zeroes, sizeof zeroes - 8));
    assert_false(writer_failed(&asked));
    expect_refused(EC_PRIVATE, ERR_TOO_LARGE);
    (void)state;
}

static void a_certificate_leaves_room_for_what_the_device_adds(void **state)
{
    static const uint8_t value[WIRE_TEMPLATE_MAX - 2048];
    ask_certificate();
    attribute_put(&asked, ATTR_ISSUER, span_of(value, sizeof value));
    expect_refused(CERTIFICATE, ERR_TOO_LARGE);
    ask_certificate();
    attribute_put(&asked, ATTR_ISSUER, span_of(value, sizeof value / 2));
    (void)completed(CERTIFICATE, true);
    (void)state;
}

/* ---- secret keys ---- */

enum {
    AES = 0x1f,
    GENERIC_SECRET = 0x10,
    SHA256_HMAC = 0x2b,
    SHA384_HMAC = 0x2c,
    SHA512_HMAC = 0x2d,
    CAMELLIA = 0x25,
};

static void a_secret_is_sensitive_and_extractable_only_where_asked(void **state)
{
    static const uint64_t types[] = {AES, GENERIC_SECRET, SHA256_HMAC, SHA384_HMAC, SHA512_HMAC};
    for (size_t i = 0; i < COUNT(types); i++) {
        for (int wish = -1; wish <= 1; wish++) {
            (void)ask_nothing(state);
            attribute_put(&asked, ATTR_VALUE, span_of_text("0123456789abcdef"));
            if (wish >= 0)
                attribute_put_bool(&asked, ATTR_EXTRACTABLE, wish == 1);
            struct span list = completed(template_secret(types[i], TEMPLATE_IMPORT), true);
            expect_ulong(list, ATTR_CLASS, CLASS_SECRET_KEY);
            expect_ulong(list, ATTR_KEY_TYPE, types[i]);
            expect_bool(list, ATTR_SENSITIVE, true);
            expect_bool(list, ATTR_PRIVATE, true);
            expect_bool(list, ATTR_EXTRACTABLE, wish == 1);
            expect_bytes(list, ATTR_VALUE, span_of_text("0123456789abcdef"));
        }
    }
}

/* pkcs11-tool says so of every secret key, unless it is told otherwise. */
static void a_secret_key_is_sensitive_also_where_the_client_does_not_care(void **state)
{
    (void)state;
    attribute_put(&asked, ATTR_VALUE, span_of_text("0123456789abcdef"));
    attribute_put_bool(&asked, ATTR_SENSITIVE, false);
    expect_bool(completed(template_secret(AES, TEMPLATE_IMPORT), true), ATTR_SENSITIVE, true);
}

static void value_and_length_belong_to_the_origin(void **state)
{
    attribute_put(&asked, ATTR_VALUE, span_of_text("0123456789abcdef"));
    expect_refused(template_secret(AES, TEMPLATE_GENERATE), ERR_ATTRIBUTE_TYPE);
    attribute_put(&asked, ATTR_VALUE, span_of_text("0123456789abcdef"));
    expect_refused(template_secret(AES, TEMPLATE_UNWRAP), ERR_ATTRIBUTE_TYPE);
    expect_refused(template_secret(AES, TEMPLATE_GENERATE), ERR_TEMPLATE_INCOMPLETE);
    expect_refused(template_secret(AES, TEMPLATE_IMPORT), ERR_TEMPLATE_INCOMPLETE);
    (void)completed(template_secret(AES, TEMPLATE_UNWRAP), true);
    attribute_put_ulong(&asked, ATTR_VALUE_LEN, 24);
    expect_ulong(completed(template_secret(AES, TEMPLATE_GENERATE), true), ATTR_VALUE_LEN, 24);
    expect_absent(completed(template_secret(AES, TEMPLATE_UNWRAP), true), ATTR_VALUE_LEN);
    attribute_put(&asked, ATTR_VALUE, span_of_text("0123456789abcdef"));
    expect_refused(template_secret(AES, TEMPLATE_IMPORT), ERR_TEMPLATE_INCONSISTENT);
    attribute_put_ulong(&asked, ATTR_VALUE_LEN, 16);
    attribute_put(&asked, ATTR_VALUE, span_of_text("0123456789abcdef"));
    expect_absent(completed(template_secret(AES, TEMPLATE_IMPORT), true), ATTR_VALUE_LEN);
    (void)state;
}

static void a_secret_has_a_length_of_its_type(void **state)
{
    const struct template_kind *aes = template_secret(AES, TEMPLATE_GENERATE);
    const struct template_kind *generic = template_secret(GENERIC_SECRET, TEMPLATE_GENERATE);
    for (uint64_t len = 0; len < 600; len++) {
        bool is_aes = len == 16 || len == 24 || len == 32;
        assert_int_equal(template_length_fits(aes, len), is_aes);
        assert_int_equal(template_length_fits(generic, len), len >= 1 && len <= 512);
    }
    assert_false(template_length_fits(aes, UINT64_MAX));
    assert_false(template_length_fits(generic, (UINT64_C(1) << 32) + 16));
    attribute_put_ulong(&asked, ATTR_VALUE_LEN, 20);
    expect_refused(aes, ERR_ATTRIBUTE_VALUE);
    attribute_put(&asked, ATTR_VALUE, span_of_text("20 bytes of no key.."));
    expect_refused(template_secret(AES, TEMPLATE_IMPORT), ERR_ATTRIBUTE_VALUE);
    (void)state;
}

static void a_type_that_is_not_offered_has_no_kind(void **state)
{
    static const uint64_t types[] = {
        KEY_TYPE_RSA, KEY_TYPE_EC, CAMELLIA, UINT64_MAX, (UINT64_C(1) << 32) + AES};
    for (size_t i = 0; i < COUNT(types); i++)
        for (int origin = TEMPLATE_GENERATE; origin <= TEMPLATE_DERIVE; origin++)
            assert_null(template_secret(types[i], (enum template_origin)origin));
    assert_null(template_secret(SHA256_HMAC, TEMPLATE_GENERATE));
    (void)state;
}

/* ---- private keys, public keys, data ---- */

static const uint64_t pair_types[] = {KEY_TYPE_RSA, KEY_TYPE_EC, KEY_TYPE_EC_EDWARDS};

/* pkcs11-tool says so of every private key that it writes. */
static void a_private_key_is_sensitive_also_where_the_client_does_not_care(void **state)
{
    for (size_t i = 0; i < COUNT(pair_types); i++) {
        const struct template_kind *made =
            template_find(CLASS_PRIVATE_KEY, pair_types[i], TEMPLATE_GENERATE);
        const struct template_kind *unwrapped =
            template_find(CLASS_PRIVATE_KEY, pair_types[i], TEMPLATE_UNWRAP);
        (void)ask_nothing(state);
        attribute_put_bool(&asked, ATTR_SENSITIVE, false);
        attribute_put_bool(&asked, ATTR_PRIVATE, false);
        expect_bool(completed(made, false), ATTR_SENSITIVE, true);
        expect_bool(completed(unwrapped, false), ATTR_SENSITIVE, true);
        expect_bool(completed(unwrapped, false), ATTR_EXTRACTABLE, false);
        expect_bool(completed(unwrapped, false), ATTR_PRIVATE, true);
        expect_ulong(completed(unwrapped, false), ATTR_KEY_TYPE, pair_types[i]);
    }
}

static void a_private_key_comes_in_whole_and_never_out(void **state)
{
    static const struct {
        uint64_t key_type;
        uint32_t needed[3];
    } rows[] = {
        {KEY_TYPE_EC, {ATTR_EC_PARAMS, ATTR_VALUE}},
        {KEY_TYPE_EC_EDWARDS, {ATTR_EC_PARAMS, ATTR_VALUE}},
        {KEY_TYPE_RSA, {ATTR_MODULUS, ATTR_PRIVATE_EXPONENT}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct template_kind *kind =
            template_find(CLASS_PRIVATE_KEY, rows[i].key_type, TEMPLATE_IMPORT);
        for (size_t j = 0; rows[i].needed[j] != 0; j++) {
            (void)ask_nothing(state);
            for (size_t k = 0; rows[i].needed[k] != 0; k++)
                if (k != j)
                    attribute_put(&asked, rows[i].needed[k], span_of_text("part"));
            expect_refused(kind, ERR_TEMPLATE_INCOMPLETE);
        }
        for (size_t k = 0; rows[i].needed[k] != 0; k++)
            attribute_put(&asked, rows[i].needed[k], span_of_text("part"));
        struct span list = completed(kind, true);
        expect_bool(list, ATTR_SENSITIVE, true);
        expect_bool(list, ATTR_EXTRACTABLE, false);
        for (size_t k = 0; rows[i].needed[k] != 0; k++)
            expect_bytes(list, rows[i].needed[k], span_of_text("part"));
        attribute_put_bool(&asked, ATTR_EXTRACTABLE, true);
        expect_refused(kind, ERR_TEMPLATE_INCONSISTENT);
    }
}

static void no_part_of_an_rsa_key_is_longer_than_its_modulus(void **state)
{
    static const uint32_t parts[] = {ATTR_PUBLIC_EXPONENT, ATTR_PRIVATE_EXPONENT, ATTR_PRIME_1,
        ATTR_PRIME_2, ATTR_EXPONENT_1, ATTR_EXPONENT_2, ATTR_COEFFICIENT};
    static const uint8_t number[10] = {1};
    const struct template_kind *kind =
        template_find(CLASS_PRIVATE_KEY, KEY_TYPE_RSA, TEMPLATE_IMPORT);
    for (size_t i = 0; i < COUNT(parts); i++) {
        for (size_t len = 9; len <= 10; len++) {
            (void)ask_nothing(state);
            attribute_put(&asked, ATTR_MODULUS, span_of(number, 8));
            attribute_put(&asked, parts[i], span_of(number, len));
            if (parts[i] != ATTR_PRIVATE_EXPONENT)
                attribute_put(&asked, ATTR_PRIVATE_EXPONENT, span_of(number, 8));
            if (len == 9)
                (void)completed(kind, true);
            else
                expect_refused(kind, ERR_ATTRIBUTE_VALUE);
        }
    }
}

static void a_public_key_comes_in_with_what_makes_it_one(void **state)
{
    static const struct {
        uint64_t key_type;
        uint32_t needed[2];
    } rows[] = {
        {KEY_TYPE_EC, {ATTR_EC_PARAMS, ATTR_EC_POINT}},
        {KEY_TYPE_EC_EDWARDS, {ATTR_EC_PARAMS, ATTR_EC_POINT}},
        {KEY_TYPE_RSA, {ATTR_MODULUS, ATTR_PUBLIC_EXPONENT}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct template_kind *kind =
            template_find(CLASS_PUBLIC_KEY, rows[i].key_type, TEMPLATE_IMPORT);
        (void)ask_nothing(state);
        attribute_put(&asked, rows[i].needed[0], span_of_text("part"));
        expect_refused(kind, ERR_TEMPLATE_INCOMPLETE);
        attribute_put(&asked, rows[i].needed[0], span_of_text("part"));
        attribute_put(&asked, rows[i].needed[1], span_of_text("part"));
        struct span list = completed(kind, true);
        expect_ulong(list, ATTR_CLASS, CLASS_PUBLIC_KEY);
        expect_bool(list, ATTR_PRIVATE, false);
        expect_bytes(list, rows[i].needed[1], span_of_text("part"));
    }
}

/* What is no secret may be hidden until login, and be copied. */
static void what_is_open_is_private_only_where_asked(void **state)
{
    const struct template_kind *data = template_find(CLASS_DATA, 0, TEMPLATE_IMPORT);
    expect_bool(completed(data, true), ATTR_PRIVATE, false);
    attribute_put_bool(&asked, ATTR_PRIVATE, true);
    attribute_put_bool(&asked, ATTR_COPYABLE, true);
    attribute_put(&asked, ATTR_VALUE, span_of_text("text"));
    attribute_put(&asked, ATTR_APPLICATION, span_of_text("program"));
    attribute_put(&asked, ATTR_OBJECT_ID, span_of_text("\x06\x01\x01"));
    struct span list = completed(data, true);
    expect_bool(list, ATTR_PRIVATE, true);
    expect_bool(list, ATTR_COPYABLE, true);
    expect_bytes(list, ATTR_VALUE, span_of_text("text"));
    expect_bytes(list, ATTR_APPLICATION, span_of_text("program"));
    (void)state;
}

/* 2.40, table 18 */
static void what_only_a_token_says_is_refused(void **state)
{
    static const uint32_t types[] = {ATTR_LOCAL, ATTR_ALWAYS_SENSITIVE, ATTR_NEVER_EXTRACTABLE};
    for (size_t i = 0; i < COUNT(types); i++) {
        attribute_put_bool(&asked, types[i], true);
        expect_refused(EC_PRIVATE, ERR_ATTRIBUTE_READ_ONLY);
    }
    attribute_put_ulong(&asked, ATTR_KEY_GEN_MECHANISM, 1);
    expect_refused(EC_PUBLIC, ERR_ATTRIBUTE_READ_ONLY);
    (void)state;
}

/* ---- derived secrets ---- */

static void a_derived_secret_may_be_readable_in_a_session_alone(void **state)
{
    static const uint64_t types[] = {AES, GENERIC_SECRET, SHA256_HMAC, SHA384_HMAC, SHA512_HMAC};
    for (size_t i = 0; i < COUNT(types); i++) {
        const struct template_kind *kind = template_secret(types[i], TEMPLATE_DERIVE);
        (void)ask_nothing(state);
        expect_bool(completed(kind, false), ATTR_SENSITIVE, true);
        expect_bool(completed(kind, false), ATTR_EXTRACTABLE, false);
        attribute_put_bool(&asked, ATTR_SENSITIVE, false);
        attribute_put_bool(&asked, ATTR_EXTRACTABLE, true);
        attribute_put_ulong(&asked, ATTR_VALUE_LEN, 32);
        expect_bool(completed(kind, false), ATTR_SENSITIVE, false);
        expect_bool(completed(kind, false), ATTR_EXTRACTABLE, true);
        expect_ulong(completed(kind, false), ATTR_VALUE_LEN, 32);
        expect_bool(completed(kind, true), ATTR_SENSITIVE, true);
        attribute_put(&asked, ATTR_VALUE, span_of_text("0123456789abcdef"));
        expect_refused(kind, ERR_ATTRIBUTE_TYPE);
    }
}

static void a_derived_secret_is_as_long_as_its_type_allows(void **state)
{
    attribute_put_ulong(&asked, ATTR_VALUE_LEN, 0);
    (void)completed(template_secret(AES, TEMPLATE_DERIVE), false);
    (void)ask_nothing(state);
    attribute_put_ulong(&asked, ATTR_VALUE_LEN, 20);
    expect_refused(template_secret(AES, TEMPLATE_DERIVE), ERR_ATTRIBUTE_VALUE);
    attribute_put_ulong(&asked, ATTR_VALUE_LEN, 20);
    (void)completed(template_secret(GENERIC_SECRET, TEMPLATE_DERIVE), false);
}

/* ---- changing and copying ---- */

static uint8_t object_room[1024];

/* An object of this class whose flags of one direction all say value. */
static struct span object_of(uint64_t class, bool value)
{
    static const uint32_t flags[] = {
        ATTR_SENSITIVE, ATTR_EXTRACTABLE, ATTR_COPYABLE, ATTR_MODIFIABLE, ATTR_PRIVATE};
    struct writer list = writer_of(object_room, sizeof object_room);
    attribute_put_ulong(&list, ATTR_CLASS, class);
    for (size_t i = 0; i < COUNT(flags); i++)
        attribute_put_bool(&list, flags[i], value);
    return writer_bytes(&list);
}

static err_t change(enum template_change how, struct span object)
{
    err_t err = template_check_change(how, object, writer_bytes(&asked));
    (void)ask_nothing(NULL);
    return err;
}

/* Any value of the type's size */
static void ask_something(const struct attribute_row *row)
{
    static const size_t sizes[] = {[ATTRIBUTE_BOOL] = 1,
        [ATTRIBUTE_ULONG] = 8,
        [ATTRIBUTE_ULONG_LIST] = 8,
        [ATTRIBUTE_BYTES] = 8};
    const bool number = row->kind != ATTRIBUTE_BYTES;
    attribute_put(
        &asked, row->type, span_of(number ? "\0\0\0\0\0\0\0\0" : "20260101", sizes[row->kind]));
}

static bool is_one_of(uint32_t type, const uint32_t *types)
{
    while (*types != 0 && *types != type)
        types++;
    return *types != 0;
}

/* 2.40: label always; the footnotes 8 of each class's table; CKA_COPYABLE to false */
static void what_may_change_belongs_to_the_class(void **state)
{
    static const struct {
        uint64_t class;
        uint32_t types[18];
    } rows[] = {
        {CLASS_DATA, {ATTR_LABEL, ATTR_COPYABLE, ATTR_APPLICATION, ATTR_OBJECT_ID, ATTR_VALUE}},
        {CLASS_CERTIFICATE,
            {ATTR_LABEL, ATTR_COPYABLE, ATTR_ID, ATTR_ISSUER, ATTR_SERIAL_NUMBER, ATTR_TRUSTED}},
        {CLASS_PUBLIC_KEY, {ATTR_LABEL, ATTR_COPYABLE, ATTR_ID, ATTR_SUBJECT, ATTR_START_DATE,
                               ATTR_END_DATE, ATTR_DERIVE, ATTR_ENCRYPT, ATTR_VERIFY,
                               ATTR_VERIFY_RECOVER, ATTR_WRAP, ATTR_TRUSTED}},
        {CLASS_PRIVATE_KEY, {ATTR_LABEL, ATTR_COPYABLE, ATTR_ID, ATTR_SUBJECT, ATTR_START_DATE,
                                ATTR_END_DATE, ATTR_DERIVE, ATTR_DECRYPT, ATTR_SIGN,
                                ATTR_SIGN_RECOVER, ATTR_UNWRAP, ATTR_SENSITIVE, ATTR_EXTRACTABLE}},
        {CLASS_SECRET_KEY,
            {ATTR_LABEL, ATTR_COPYABLE, ATTR_ID, ATTR_START_DATE, ATTR_END_DATE, ATTR_DERIVE,
                ATTR_ENCRYPT, ATTR_DECRYPT, ATTR_SIGN, ATTR_VERIFY, ATTR_WRAP, ATTR_UNWRAP,
                ATTR_SENSITIVE, ATTR_EXTRACTABLE, ATTR_TRUSTED}},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t j = 0; j < attribute_rows_count; j++) {
            ask_something(&attribute_rows[j]);
            assert_int_equal(change(TEMPLATE_SET, object_of(rows[i].class, false)),
                is_one_of(attribute_rows[j].type, rows[i].types) ? ERR_OK
                                                                 : ERR_ATTRIBUTE_READ_ONLY);
        }
    (void)state;
}

/* Asks for to where the object says from. */
static err_t turn(enum template_change how, uint32_t type, bool from, bool to)
{
    attribute_put_bool(&asked, type, to);
    return change(how, object_of(CLASS_SECRET_KEY, from));
}

static void what_goes_one_way_does_not_come_back(void **state)
{
    static const struct {
        uint32_t type;
        bool end; /* the value that stays */
    } rows[] = {{ATTR_SENSITIVE, true}, {ATTR_EXTRACTABLE, false}, {ATTR_COPYABLE, false}};
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int how = TEMPLATE_SET; how <= TEMPLATE_COPY; how++) {
            const bool end = rows[i].end;
            const enum template_change change_how = (enum template_change)how;
            assert_int_equal(turn(change_how, rows[i].type, !end, end), ERR_OK);
            assert_int_equal(turn(change_how, rows[i].type, end, end), ERR_OK);
            assert_int_equal(turn(change_how, rows[i].type, end, !end), ERR_ATTRIBUTE_READ_ONLY);
        }
    (void)state;
}

/* 2.40, 4.4: CKA_TOKEN, CKA_PRIVATE and CKA_MODIFIABLE only in a copy; nothing private is shown */
static void some_attributes_change_only_in_a_copy(void **state)
{
    static const uint32_t types[] = {ATTR_TOKEN, ATTR_PRIVATE, ATTR_MODIFIABLE, ATTR_DESTROYABLE};
    for (size_t i = 0; i < COUNT(types); i++)
        for (int to = 0; to <= 1; to++) {
            const bool back =
                (types[i] == ATTR_PRIVATE && to == 0) || (types[i] == ATTR_MODIFIABLE && to == 1);
            const bool from = types[i] == ATTR_PRIVATE;
            assert_int_equal(turn(TEMPLATE_SET, types[i], from, to), ERR_ATTRIBUTE_READ_ONLY);
            assert_int_equal(
                turn(TEMPLATE_COPY, types[i], from, to), back ? ERR_ATTRIBUTE_READ_ONLY : ERR_OK);
        }
    attribute_put(&asked, ATTR_EC_PARAMS, span_of_text("x"));
    assert_int_equal(
        change(TEMPLATE_COPY, object_of(CLASS_PUBLIC_KEY, true)), ERR_ATTRIBUTE_READ_ONLY);
    (void)state;
}

static void a_date_is_one_or_empty(void **state)
{
    static const struct {
        const char *date;
        err_t error;
    } rows[] = {{"", ERR_OK}, {"20261125", ERR_OK}, {"2026112", ERR_ATTRIBUTE_VALUE},
        {"202611250", ERR_ATTRIBUTE_VALUE}, {"2026-1-1", ERR_ATTRIBUTE_VALUE}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span ignored;
        attribute_put(&asked, ATTR_END_DATE, span_of_text(rows[i].date));
        assert_int_equal(change(TEMPLATE_SET, object_of(CLASS_SECRET_KEY, true)), rows[i].error);
        attribute_put(&asked, ATTR_START_DATE, span_of_text(rows[i].date));
        assert_int_equal(complete(EC_PRIVATE, true, &ignored), rows[i].error);
        (void)ask_nothing(state);
    }
}

static void a_change_is_checked_whole(void **state)
{
    const struct span key = object_of(CLASS_PRIVATE_KEY, true);
    attribute_put(&asked, ATTR_LABEL, span_of_text("a"));
    attribute_put(&asked, ATTR_ID, span_of_text("1"));
    assert_int_equal(template_check_change(TEMPLATE_SET, key, writer_bytes(&asked)), ERR_OK);
    attribute_put_bool(&asked, ATTR_SENSITIVE, false);
    assert_int_equal(
        template_check_change(TEMPLATE_SET, key, writer_bytes(&asked)), ERR_ATTRIBUTE_READ_ONLY);
    asked.used--;
    assert_int_equal(
        template_check_change(TEMPLATE_SET, key, writer_bytes(&asked)), ERR_BAD_MESSAGE);
    (void)state;
}

#define ASKING(name) cmocka_unit_test_setup(name, ask_nothing)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ASKING(a_private_key_is_sensitive_whoever_asks),
        ASKING(a_public_key_keeps_its_curve),
        ASKING(a_certificate_keeps_its_value),
        ASKING(token_is_said_by_us),
        ASKING(a_value_that_cannot_be_is_refused),
        ASKING(what_the_device_need_not_know_is_not_told),
        ASKING(what_is_free_and_not_asked_for_is_left_to_the_device),
        ASKING(what_is_needed_and_missing_is_refused),
        ASKING(an_attribute_that_such_an_object_has_not_is_refused),
        ASKING(a_malformed_list_is_refused),
        ASKING(an_attribute_given_twice_is_refused),
        ASKING(a_template_that_grows_over_its_room_is_refused),
        ASKING(a_certificate_leaves_room_for_what_the_device_adds),
        ASKING(a_secret_is_sensitive_and_extractable_only_where_asked),
        ASKING(a_secret_key_is_sensitive_also_where_the_client_does_not_care),
        ASKING(value_and_length_belong_to_the_origin),
        ASKING(a_secret_has_a_length_of_its_type),
        ASKING(a_type_that_is_not_offered_has_no_kind),
        ASKING(a_private_key_is_sensitive_also_where_the_client_does_not_care),
        ASKING(a_private_key_comes_in_whole_and_never_out),
        ASKING(no_part_of_an_rsa_key_is_longer_than_its_modulus),
        ASKING(a_public_key_comes_in_with_what_makes_it_one),
        ASKING(what_is_open_is_private_only_where_asked),
        ASKING(what_only_a_token_says_is_refused),
        ASKING(a_derived_secret_may_be_readable_in_a_session_alone),
        ASKING(a_derived_secret_is_as_long_as_its_type_allows),
        ASKING(what_may_change_belongs_to_the_class),
        ASKING(what_goes_one_way_does_not_come_back),
        ASKING(some_attributes_change_only_in_a_copy),
        ASKING(a_date_is_one_or_empty),
        ASKING(a_change_is_checked_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
