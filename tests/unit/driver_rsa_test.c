/* SPDX-License-Identifier: MIT
 *
 * RSA keys of the driver pkcs11, and keys that travel wrapped, on a SoftHSM token: what one side
 * makes OpenSSL takes, and the other way round.
 */
#include "driver_uses.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>

static const struct driver *const driver = &driver_pkcs11;
static const struct span none = {NULL, 0};

enum { RSA_SIZE = 256 };

/* ---- pairs ---- */

/* It takes a while. */
static struct pair rsa_pair(struct device *device)
{
    struct pair pair = {0, 0};
    assert_int_equal(
        make_pair(device, CKM_RSA_PKCS_KEY_PAIR_GEN, none, RSA_SIZE * 8, &pair), ERR_OK);
    return pair;
}

static EVP_PKEY *pkey_of(const char *type, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY *key = NULL;
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *rsa_public(struct device *device, struct pair pair)
{
    struct span modulus;
    struct span exponent;
    struct span list = attributes_of(device, pair.public_key);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    assert_true(attribute_get(list, ATTR_MODULUS, &modulus));
    assert_true(attribute_get(list, ATTR_PUBLIC_EXPONENT, &exponent));
    assert_int_equal(modulus.len, RSA_SIZE);
    BIGNUM *n = BN_bin2bn(modulus.ptr, (int)modulus.len, NULL);
    BIGNUM *e = BN_bin2bn(exponent.ptr, (int)exponent.len, NULL);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e), 1);
    EVP_PKEY *key = pkey_of("RSA", bld);
    BN_free(n);
    BN_free(e);
    return key;
}

/* ---- signing and encrypting ---- */

static void an_rsa_pair_has_a_size_that_is_served(void **state)
{
    static const uint64_t bits[] = {512, 1024, 2047, 4104, 16384};
    struct pair pair;
    for (size_t i = 0; i < COUNT(bits); i++)
        assert_int_equal(
            make_pair(*state, CKM_RSA_PKCS_KEY_PAIR_GEN, none, bits[i], &pair), ERR_KEY_SIZE);
}

static void verify_with_openssl(EVP_PKEY *key, int padding, int salt_len, struct span digest)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_verify_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, padding), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()), 1);
    if (padding == RSA_PKCS1_PSS_PADDING)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_len), 1);
    assert_int_equal(EVP_PKEY_verify(context, out_room, out.used, digest.ptr, digest.len), 1);
    EVP_PKEY_CTX_free(context);
}

static void rsa_signatures_are_ones_for_openssl(void **state)
{
    static const uint8_t info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
        0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    static const uint32_t salts[] = {32, 0, 100};
    const struct pair pair = rsa_pair(*state);
    EVP_PKEY *key = rsa_public(*state, pair);
    uint8_t data[sizeof info + 32];
    memcpy(data, info, sizeof info);
    const struct span digest = span_of(data + sizeof info, 32);
    assert_int_equal(
        EVP_Digest(text().ptr, text().len, data + sizeof info, NULL, EVP_sha256(), NULL), 1);
    const struct driver_use pkcs1 = {DRIVER_SIGN, pair.private_key, CKM_RSA_PKCS, none};
    assert_int_equal(use_at_once(*state, pkcs1, span_of(data, sizeof data)), ERR_OK);
    verify_with_openssl(key, RSA_PKCS1_PADDING, 0, digest);
    for (size_t i = 0; i < COUNT(salts); i++) {
        const struct wire_pss_parameter parameter = {CKM_SHA256, CKG_MGF1_SHA256, salts[i]};
        const struct driver_use pss = {DRIVER_SIGN, pair.private_key, CKM_RSA_PKCS_PSS,
            parameter_of(&wire_pss_parameter_schema, &parameter)};
        assert_int_equal(use_at_once(*state, pss, digest), ERR_OK);
        verify_with_openssl(key, RSA_PKCS1_PSS_PADDING, (int)salts[i], digest);
    }
    EVP_PKEY_free(key);
    destroy_pair(*state, pair);
}

static struct span oaep(uint32_t hash, uint32_t mgf, struct span label)
{
    const struct wire_oaep_parameter parameter = {hash, mgf, label};
    return parameter_of(&wire_oaep_parameter_schema, &parameter);
}

static void encrypt_with_openssl(EVP_PKEY *key, int padding, uint8_t *sealed)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    size_t len = RSA_SIZE;
    assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, padding), 1);
    assert_int_equal(EVP_PKEY_encrypt(context, sealed, &len, text().ptr, text().len), 1);
    assert_int_equal(len, RSA_SIZE);
    EVP_PKEY_CTX_free(context);
}

static void rsa_encryption_comes_back_and_all_failures_look_alike(void **state)
{
    static const struct {
        uint32_t mechanism;
        int padding;
    } rows[] = {{CKM_RSA_PKCS, RSA_PKCS1_PADDING}, {CKM_RSA_PKCS_OAEP, RSA_PKCS1_OAEP_PADDING}};
    const struct pair pair = rsa_pair(*state);
    EVP_PKEY *key = rsa_public(*state, pair);
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t sealed[RSA_SIZE];
        const struct span parameter = i == 0 ? none : oaep(CKM_SHA_1, CKG_MGF1_SHA1, none);
        const struct driver_use encrypt = {
            DRIVER_ENCRYPT, pair.public_key, rows[i].mechanism, parameter};
        const struct driver_use decrypt = {
            DRIVER_DECRYPT, pair.private_key, rows[i].mechanism, parameter};
        encrypt_with_openssl(key, rows[i].padding, sealed);
        assert_int_equal(use_at_once(*state, decrypt, span_of(sealed, RSA_SIZE)), ERR_OK);
        assert_true(span_equal(writer_bytes(&out), text()));
        assert_int_equal(use_at_once(*state, encrypt, text()), ERR_OK);
        assert_int_equal(out.used, RSA_SIZE);
        memcpy(sealed, out_room, RSA_SIZE);
        assert_int_equal(use_at_once(*state, decrypt, span_of(sealed, RSA_SIZE)), ERR_OK);
        assert_true(span_equal(writer_bytes(&out), text()));

        static const uint8_t highest[RSA_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
        static const uint8_t zero[RSA_SIZE];
        sealed[100] ^= 1;
        assert_int_equal(use_at_once(*state, decrypt, span_of(sealed, RSA_SIZE)), ERR_ENCRYPTED);
        assert_int_equal(use_at_once(*state, decrypt, span_of(highest, RSA_SIZE)), ERR_ENCRYPTED);
        assert_int_equal(use_at_once(*state, decrypt, span_of(zero, RSA_SIZE)), ERR_ENCRYPTED);
        assert_int_equal(out.used, 0);
    }
    EVP_PKEY_free(key);
    destroy_pair(*state, pair);
}

static void an_oaep_that_the_token_lacks_has_a_wrong_parameter(void **state)
{
    const struct pair pair = rsa_pair(*state);
    for (unsigned i = 0; i < 2; i++) {
        const struct span parameter = i == 0 ? oaep(CKM_SHA256, CKG_MGF1_SHA256, none)
                                             : oaep(CKM_SHA_1, CKG_MGF1_SHA1, span_of_text("l"));
        const struct driver_use use = {
            DRIVER_ENCRYPT, pair.public_key, CKM_RSA_PKCS_OAEP, parameter};
        assert_int_equal(use_at_once(*state, use, text()), ERR_MECHANISM_PARAMETER);
    }
    /* A label that the token passes over is as wrong as one that it compares. */
    const struct driver_use bare = {
        DRIVER_ENCRYPT, pair.public_key, CKM_RSA_PKCS_OAEP, oaep(CKM_SHA_1, CKG_MGF1_SHA1, none)};
    uint8_t sealed[RSA_SIZE];
    assert_int_equal(use_at_once(*state, bare, text()), ERR_OK);
    memcpy(sealed, out_room, RSA_SIZE);
    const struct driver_use labelled = {DRIVER_DECRYPT, pair.private_key, CKM_RSA_PKCS_OAEP,
        oaep(CKM_SHA_1, CKG_MGF1_SHA1, span_of_text("l"))};
    assert_int_equal(use_at_once(*state, labelled, span_of(sealed, RSA_SIZE)), ERR_ENCRYPTED);
    assert_int_equal(out.used, 0);
    const struct driver_use goes_on = {DRIVER_ENCRYPT, pair.public_key, CKM_RSA_PKCS, none};
    assert_int_equal(use_at_once(*state, goes_on, text()), ERR_OK);
    destroy_pair(*state, pair);
}

/* ---- keys in keys ---- */

static err_t unwrap(struct device *device, driver_ref key, uint32_t mechanism,
    struct span parameter, struct span wrapped, driver_ref *ret_key)
{
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof bytes);
    put_secret(&w, CKK_AES);
    return driver->unwrap(device, key, mechanism, parameter, wrapped, writer_bytes(&w), ret_key);
}

/* It encrypts as key_bytes do. */
static void expect_imported(struct device *device, driver_ref key)
{
    uint8_t expected[16];
    int len = 0;
    const struct driver_use use = {DRIVER_ENCRYPT, key, CKM_AES_ECB, none};
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex2(context, EVP_aes_256_ecb(), key_bytes, NULL, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(context, expected, &len, blocks().ptr, 16), 1);
    EVP_CIPHER_CTX_free(context);
    assert_int_equal(use_at_once(device, use, span_of(blocks().ptr, 16)), ERR_OK);
    assert_memory_equal(out_room, expected, 16);
}

static void keys_go_and_come_back_under_each_wrapping_mechanism(void **state)
{
    const struct pair pair = rsa_pair(*state);
    const driver_ref outer = import(*state, CKK_AES, 16);
    const driver_ref inner = import(*state, CKK_AES, 32);
    const struct span sha1 = oaep(CKM_SHA_1, CKG_MGF1_SHA1, none);
    const struct {
        uint32_t mechanism;
        driver_ref wraps;
        driver_ref unwraps;
        struct span parameter;
        size_t len;
    } rows[] = {
        {CKM_AES_KEY_WRAP, outer, outer, none, 40},
        {CKM_AES_KEY_WRAP_PAD, outer, outer, none, 40},
        {CKM_RSA_PKCS, pair.public_key, pair.private_key, none, RSA_SIZE},
        {CKM_RSA_PKCS_OAEP, pair.public_key, pair.private_key, sha1, RSA_SIZE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t bytes[512];
        struct writer w = writer_of(bytes, sizeof bytes);
        driver_ref back = 0;
        assert_int_equal(
            driver->wrap(*state, rows[i].wraps, rows[i].mechanism, rows[i].parameter, inner, &w),
            ERR_OK);
        assert_int_equal(w.used, rows[i].len);
        assert_int_equal(unwrap(*state, rows[i].unwraps, rows[i].mechanism, rows[i].parameter,
                             writer_bytes(&w), &back),
            ERR_OK);
        expect_imported(*state, back);
        assert_int_equal(driver->destroy(*state, back), ERR_OK);
        bytes[20] ^= 1;
        assert_int_equal(unwrap(*state, rows[i].unwraps, rows[i].mechanism, rows[i].parameter,
                             writer_bytes(&w), &back),
            ERR_WRAPPED_KEY);
    }
    assert_int_equal(driver->destroy(*state, inner), ERR_OK);
    assert_int_equal(driver->destroy(*state, outer), ERR_OK);
    destroy_pair(*state, pair);
}

/* As RFC 5649 has it, with key_bytes; gives its length. */
static size_t wrap_with_openssl(EVP_PKEY *key, uint8_t *wrapped)
{
    uint8_t *der = NULL;
    int len = 0;
    int last = 0;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    const int der_len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    assert_int_equal(
        EVP_EncryptInit_ex2(context, EVP_aes_256_wrap_pad(), key_bytes, NULL, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(context, wrapped, &len, der, der_len), 1);
    assert_int_equal(EVP_EncryptFinal_ex(context, wrapped + len, &last), 1);
    EVP_CIPHER_CTX_free(context);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    return (size_t)(len + last);
}

static void put_private(struct writer *w, uint64_t type)
{
    attribute_put_ulong(w, ATTR_CLASS, CLASS_PRIVATE_KEY);
    attribute_put_ulong(w, ATTR_KEY_TYPE, type);
    attribute_put_bool(w, ATTR_TOKEN, false);
    attribute_put_bool(w, ATTR_PRIVATE, true);
    attribute_put_bool(w, ATTR_SENSITIVE, true);
    attribute_put_bool(w, ATTR_EXTRACTABLE, false);
    attribute_put_bool(w, ATTR_SIGN, true);
}

/* Raw r, s as DER, for OpenSSL */
static size_t der_of(const uint8_t *raw, uint8_t *der)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    assert_int_equal(
        ECDSA_SIG_set0(signature, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)), 1);
    const int len = i2d_ECDSA_SIG(signature, &der);
    ECDSA_SIG_free(signature);
    return (size_t)len;
}

static void a_private_key_comes_in_wrapped_and_signs(void **state)
{
    const driver_ref outer = import(*state, CKK_AES, 32);
    for (unsigned i = 0; i < 2; i++) {
        const bool is_ec = i == 0;
        uint8_t wrapped[2048];
        uint8_t bytes[512];
        uint8_t der[128];
        struct writer w = writer_of(bytes, sizeof bytes);
        driver_ref made = 0;
        EVP_PKEY *key = is_ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(8 * RSA_SIZE);
        const size_t len = wrap_with_openssl(key, wrapped);
        put_private(&w, is_ec ? KEY_TYPE_EC : KEY_TYPE_RSA);
        assert_int_equal(driver->unwrap(*state, outer, CKM_AES_KEY_WRAP_PAD, none,
                             span_of(wrapped, len), writer_bytes(&w), &made),
            ERR_OK);
        const struct driver_use use = {DRIVER_SIGN, made, is_ec ? CKM_ECDSA : CKM_RSA_PKCS, none};
        const struct span digest = span_of(text().ptr, 32);
        assert_int_equal(use_at_once(*state, use, digest), ERR_OK);
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
        assert_int_equal(EVP_PKEY_verify_init(context), 1);
        const size_t signature_len = is_ec ? der_of(out_room, der) : out.used;
        assert_int_equal(
            EVP_PKEY_verify(context, is_ec ? der : out_room, signature_len, digest.ptr, digest.len),
            1);
        EVP_PKEY_CTX_free(context);
        EVP_PKEY_free(key);
        assert_int_equal(driver->destroy(*state, made), ERR_OK);
        wrapped[30] ^= 1;
        assert_int_equal(driver->unwrap(*state, outer, CKM_AES_KEY_WRAP_PAD, none,
                             span_of(wrapped, len), writer_bytes(&w), &made),
            ERR_WRAPPED_KEY);
    }
    assert_int_equal(driver->destroy(*state, outer), ERR_OK);
}
#define WITH_DEVICE(name) cmocka_unit_test_setup_teardown(name, open_device, close_device)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DEVICE(an_rsa_pair_has_a_size_that_is_served),
        WITH_DEVICE(rsa_signatures_are_ones_for_openssl),
        WITH_DEVICE(rsa_encryption_comes_back_and_all_failures_look_alike),
        WITH_DEVICE(an_oaep_that_the_token_lacks_has_a_wrong_parameter),
        WITH_DEVICE(keys_go_and_come_back_under_each_wrapping_mechanism),
        WITH_DEVICE(a_private_key_comes_in_wrapped_and_signs),
    };
    return cmocka_run_group_tests(tests, make_token, remove_token);
}
