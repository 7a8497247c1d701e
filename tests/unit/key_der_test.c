/* SPDX-License-Identifier: MIT
 *
 * The DER of public keys: OpenSSL reads what is written, and writes what is read.
 */
#include "test.h"

#include "fake_driver.h"

#include "signerd/key_der.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static uint8_t room[4096];

static struct span info_of(const struct key_public *key)
{
    struct writer der = writer_of(room, sizeof room);
    key_der_put_info(key, &der);
    return writer_failed(&der) ? span_of(NULL, 0) : writer_bytes(&der);
}

/* A key of OpenSSL's, and its SubjectPublicKeyInfo as OpenSSL has it */
struct theirs {
    EVP_PKEY *key;
    unsigned char *der;
    struct span info;
};

static struct theirs theirs_of(EVP_PKEY *key)
{
    struct theirs theirs = {.key = key};
    assert_non_null(key);
    const int len = i2d_PUBKEY(key, &theirs.der);
    assert_true(len > 0);
    theirs.info = span_of(theirs.der, (size_t)len);
    return theirs;
}

static void end(struct theirs *theirs)
{
    OPENSSL_free(theirs->der);
    EVP_PKEY_free(theirs->key);
}

static void an_rsa_key_is_as_openssl_has_it(void **state)
{
    for (unsigned bits = 1024; bits <= 2048; bits += 1024) {
        struct theirs theirs = theirs_of(EVP_RSA_gen(bits));
        uint8_t modulus[257] = {0}; /* a zero in front, as some devices have it */
        uint8_t exponent[3];
        BIGNUM *n = NULL;
        BIGNUM *e = NULL;
        assert_int_equal(EVP_PKEY_get_bn_param(theirs.key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
        assert_int_equal(EVP_PKEY_get_bn_param(theirs.key, OSSL_PKEY_PARAM_RSA_E, &e), 1);
        assert_int_equal(BN_bn2bin(n, modulus + 1), bits / 8);
        assert_int_equal(BN_bn2bin(e, exponent), sizeof exponent);
        for (size_t zero = 0; zero <= 1; zero++) {
            const struct key_public key = {.type = KEY_TYPE_RSA,
                .modulus = span_of(modulus + 1 - zero, bits / 8 + zero),
                .exponent = span_of(exponent, sizeof exponent)};
            assert_true(span_equal(info_of(&key), theirs.info));
        }
        BN_free(n);
        BN_free(e);
        end(&theirs);
    }
    (void)state;
}

static void an_edwards_key_is_as_openssl_has_it(void **state)
{
    static const char *const names[] = {"ED25519", "ED448"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct theirs theirs = theirs_of(EVP_PKEY_Q_keygen(NULL, NULL, names[i]));
        uint8_t point[57];
        size_t len = sizeof point;
        assert_int_equal(EVP_PKEY_get_raw_public_key(theirs.key, point, &len), 1);
        const struct key_public key = {.type = KEY_TYPE_EC_EDWARDS, .point = span_of(point, len)};
        assert_true(span_equal(info_of(&key), theirs.info));
        assert_true(span_equal(key_der_point_in_info(theirs.info), key.point));
        end(&theirs);
    }
    (void)state;
}

static void an_ec_key_is_as_openssl_has_it(void **state)
{
    static const char *const names[] = {"P-256", "P-384", "P-521"};
    static const uint8_t oids[][10] = {{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07},
        {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct theirs theirs = theirs_of(EVP_EC_gen(names[i]));
        uint8_t point[200];
        uint8_t der_room[210];
        size_t len = 0;
        assert_int_equal(EVP_PKEY_get_octet_string_param(
                             theirs.key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len),
            1);
        const struct key_public key = {.type = KEY_TYPE_EC,
            .params = span_of(oids[i], 2U + oids[i][1]),
            .point = span_of(point, len)};
        assert_true(span_equal(info_of(&key), theirs.info));
        assert_true(span_equal(key_der_point_in_info(theirs.info), key.point));
        struct writer der = writer_of(der_room, sizeof der_room);
        key_der_put_point(key.point, &der);
        assert_false(writer_failed(&der));
        assert_true(span_equal(key_der_point(KEY_TYPE_EC, writer_bytes(&der)), key.point));
        assert_true(span_equal(key_der_point(KEY_TYPE_EC, key.point), key.point));
        end(&theirs);
    }
    (void)state;
}

/* The bare point of a key whose X looks like the length of an OCTET STRING stays what it is. */
static void a_bare_point_is_not_taken_for_der(void **state)
{
    uint8_t point[65] = {0x04, 0x3f, 0x04};
    const struct span bare = span_of(point, sizeof point);
    assert_true(span_equal(key_der_point(KEY_TYPE_EC, bare), bare));
    uint8_t edwards[32] = {0x04, 0x1e};
    const struct span other = span_of(edwards, sizeof edwards);
    assert_true(span_equal(key_der_point(KEY_TYPE_EC_EDWARDS, other), other));
    assert_int_equal(key_der_point(KEY_TYPE_EC, other).len, 0);
    (void)state;
}

static void a_key_that_lacks_something_has_no_info(void **state)
{
    const struct span point = span_of(fake_ec_point.ptr + 2, fake_ec_point.len - 2);
    const struct key_public keys[] = {
        {.type = KEY_TYPE_EC, .params = fake_ec_params},
        {.type = KEY_TYPE_EC, .point = point},
        {.type = KEY_TYPE_EC_EDWARDS, .params = fake_ec_params, .point = point},
        {.type = KEY_TYPE_RSA, .modulus = point},
        {.type = KEY_TYPE_RSA, .exponent = point},
        {.type = 1, .params = fake_ec_params, .point = point},
    };
    for (size_t i = 0; i < COUNT(keys); i++)
        assert_int_equal(info_of(&keys[i]).len, 0);
    (void)state;
}

/* X.690, 10.1: the shortest form, and nothing behind it */
static void another_form_than_der_is_no_info(void **state)
{
    const struct key_public key = {.type = KEY_TYPE_EC,
        .params = fake_ec_params,
        .point = span_of(fake_ec_point.ptr + 2, fake_ec_point.len - 2)};
    uint8_t der[128] = {0};
    const struct span info = info_of(&key);
    memcpy(der, info.ptr, info.len);
    assert_int_equal(key_der_point_in_info(span_of(der, info.len)).len, 65);
    for (size_t len = 0; len < info.len; len++)
        assert_int_equal(key_der_point_in_info(span_of(der, len)).len, 0);
    assert_int_equal(key_der_point_in_info(span_of(der, info.len + 1)).len, 0);
    memmove(der + 2, der + 1, info.len - 1); /* 30 81 59 … */
    der[1] = 0x81;
    assert_int_equal(key_der_point_in_info(span_of(der, info.len + 1)).len, 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_rsa_key_is_as_openssl_has_it),
        cmocka_unit_test(an_edwards_key_is_as_openssl_has_it),
        cmocka_unit_test(an_ec_key_is_as_openssl_has_it),
        cmocka_unit_test(a_bare_point_is_not_taken_for_der),
        cmocka_unit_test(a_key_that_lacks_something_has_no_info),
        cmocka_unit_test(another_form_than_der_is_no_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
