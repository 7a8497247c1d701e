/* SPDX-License-Identifier: MIT
 *
 * The public half of private keys that come in: as OpenSSL has it, and nobody else's.
 */
#include "test.h"

#include "signerd/public_half.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static uint8_t room[2][4096];
static struct writer asked;
static struct writer list;

static void ask(uint64_t class, uint64_t type, struct span params, struct span value)
{
    asked = writer_of(room[0], sizeof room[0]);
    attribute_put_ulong(&asked, ATTR_CLASS, class);
    attribute_put_ulong(&asked, ATTR_KEY_TYPE, type);
    attribute_put(&asked, ATTR_EC_PARAMS, params);
    attribute_put(&asked, ATTR_VALUE, value);
}

static err_t complete(void)
{
    list = writer_of(room[1], sizeof room[1]);
    write_span(&list, writer_bytes(&asked));
    return public_half_complete(writer_bytes(&asked), &list);
}

static void expect_info(EVP_PKEY *key)
{
    struct span info;
    unsigned char *der = NULL;
    const int len = i2d_PUBKEY(key, &der);
    assert_true(len > 0);
    assert_true(attribute_get(writer_bytes(&list), ATTR_PUBLIC_KEY_INFO, &info));
    assert_true(span_equal(info, span_of(der, (size_t)len)));
    OPENSSL_free(der);
}

static const struct curve {
    const char *name;
    struct span params;
} curves[] = {
    {"P-256", {(const uint8_t *)"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10}},
    {"P-384", {(const uint8_t *)"\x06\x05\x2b\x81\x04\x00\x22", 7}},
    {"P-521", {(const uint8_t *)"\x06\x05\x2b\x81\x04\x00\x23", 7}},
};
static const struct span ed25519 = {(const uint8_t *)"\x06\x03\x2b\x65\x70", 5};

static struct span scalar_of(EVP_PKEY *key, uint8_t bytes[66])
{
    BIGNUM *scalar = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &scalar), 1);
    const int len = BN_bn2bin(scalar, bytes);
    BN_clear_free(scalar);
    return span_of(bytes, (size_t)len);
}

static void an_ec_key_gets_the_half_that_openssl_has(void **state)
{
    uint8_t bytes[66];
    (void)state;
    for (size_t i = 0; i < COUNT(curves); i++) {
        EVP_PKEY *key = EVP_EC_gen(curves[i].name);
        ask(CLASS_PRIVATE_KEY, KEY_TYPE_EC, curves[i].params, scalar_of(key, bytes));
        assert_int_equal(complete(), ERR_OK);
        expect_info(key);
        EVP_PKEY_free(key);
    }
}

static void an_edwards_key_gets_the_half_that_openssl_has(void **state)
{
    uint8_t bytes[57];
    static const char *const names[] = {"ED25519", "ED448"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, names[i]);
        size_t len = sizeof bytes;
        assert_int_equal(EVP_PKEY_get_raw_private_key(key, bytes, &len), 1);
        ask(CLASS_PRIVATE_KEY, KEY_TYPE_EC_EDWARDS, ed25519, span_of(bytes, len));
        assert_int_equal(complete(), ERR_OK);
        expect_info(key);
        EVP_PKEY_free(key);
    }
}

/* [1, n - 1]: n, and nothing but zeroes, are none */
static void a_value_that_is_no_scalar_is_refused(void **state)
{
    uint8_t bytes[140] = {0};
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    (void)state;
    ask(CLASS_PRIVATE_KEY, KEY_TYPE_EC, curves[0].params, span_of(bytes, 32));
    assert_int_equal(complete(), ERR_ATTRIBUTE_VALUE);
    assert_int_equal(BN_bn2bin(EC_GROUP_get0_order(group), bytes), 32);
    EC_GROUP_free(group);
    ask(CLASS_PRIVATE_KEY, KEY_TYPE_EC, curves[0].params, span_of(bytes, 32));
    assert_int_equal(complete(), ERR_ATTRIBUTE_VALUE);
    bytes[31]--;
    ask(CLASS_PRIVATE_KEY, KEY_TYPE_EC, curves[0].params, span_of(bytes, 32));
    assert_int_equal(complete(), ERR_OK);
    ask(CLASS_PRIVATE_KEY, KEY_TYPE_EC, curves[0].params, span_of(bytes, sizeof bytes));
    assert_int_equal(complete(), ERR_ATTRIBUTE_VALUE);
}

static void what_is_said_of_another_key_is_refused(void **state)
{
    uint8_t bytes[66];
    uint8_t point[67] = {0x04, 0x41};
    size_t len;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    (void)state;
    const struct span scalar = scalar_of(key, bytes);
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point + 2, 65, &len), 1);
    ask(CLASS_PRIVATE_KEY, KEY_TYPE_EC, curves[0].params, scalar);
    attribute_put(&asked, ATTR_EC_POINT, span_of(point, sizeof point));
    assert_int_equal(complete(), ERR_OK);
    expect_info(key);
    point[66] ^= 1;
    ask(CLASS_PRIVATE_KEY, KEY_TYPE_EC, curves[0].params, scalar);
    attribute_put(&asked, ATTR_EC_POINT, span_of(point, sizeof point));
    assert_int_equal(complete(), ERR_TEMPLATE_INCONSISTENT);
    ask(CLASS_PRIVATE_KEY, KEY_TYPE_EC, curves[0].params, scalar);
    attribute_put(&asked, ATTR_PUBLIC_KEY_INFO, span_of_text("of another key"));
    assert_int_equal(complete(), ERR_TEMPLATE_INCONSISTENT);
    EVP_PKEY_free(key);
}

static void of_what_is_not_known_here_nothing_is_said(void **state)
{
    static const uint8_t params[] = {0x06, 0x03, 0x2a, 0x03, 0x04};
    static const uint8_t cut[] = {0x06, 0x08, 0x2a};
    static const struct {
        uint64_t class;
        uint64_t type;
        struct span params;
    } rows[] = {{CLASS_PRIVATE_KEY, KEY_TYPE_EC, {params, sizeof params}},
        {CLASS_PRIVATE_KEY, KEY_TYPE_EC, {cut, sizeof cut}},
        {CLASS_PRIVATE_KEY, KEY_TYPE_EC, {NULL, 0}},
        {CLASS_PRIVATE_KEY, KEY_TYPE_EC_EDWARDS, {params, sizeof params}},
        {CLASS_PUBLIC_KEY, KEY_TYPE_EC, {params, sizeof params}},
        {CLASS_SECRET_KEY, 0x1f, {NULL, 0}}};
    struct span info;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ask(rows[i].class, rows[i].type, rows[i].params, span_of_text("a value"));
        assert_int_equal(complete(), ERR_OK);
        assert_false(attribute_get(writer_bytes(&list), ATTR_PUBLIC_KEY_INFO, &info));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ec_key_gets_the_half_that_openssl_has),
        cmocka_unit_test(an_edwards_key_gets_the_half_that_openssl_has),
        cmocka_unit_test(a_value_that_is_no_scalar_is_refused),
        cmocka_unit_test(what_is_said_of_another_key_is_refused),
        cmocka_unit_test(of_what_is_not_known_here_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
