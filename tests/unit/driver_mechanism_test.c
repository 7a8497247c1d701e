/* SPDX-License-Identifier: MIT
 *
 * Every mechanism of the driver pkcs11 for secret keys and curves on a SoftHSM token, beside those
 * that driver_use_test.c and driver_derive_test.c have: what the token makes is checked by OpenSSL.
 */
#include "driver_uses.h"

#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>

/* p11-kit's other names for fields of the standard; fields of ours have them, too. */
#undef tag_bits
#undef counter_bits
#undef shared_data
#undef public_data

/* SoftHSM 2.6.1 loses 37 bytes at each C_SignInit with an Ed25519 key. That is not ours, but it
 * takes whole call stacks to tell. Both are called by the sanitizers alone. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);

const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

const char *__lsan_default_suppressions(void)
{
    return "leak:libsofthsm2.so\n";
}

static const struct driver *const driver = &driver_pkcs11;
static const struct span none = {NULL, 0};
static const uint8_t iv[16] = {
    9, 8, 7, 6, 5, 4, 3, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0};
static const uint8_t ED25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
static const uint8_t P384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t P521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};

/* ---- secret keys ---- */

static struct span ctr(uint32_t bits)
{
    const struct wire_ctr_parameter parameter = {bits, span_of(iv, sizeof iv)};
    return parameter_of(&wire_ctr_parameter_schema, &parameter);
}

static void block_modes_are_those_of_openssl(void **state)
{
    const struct {
        uint32_t mechanism;
        struct span parameter;
        const EVP_CIPHER *ciphers[3];
    } rows[] = {
        {CKM_AES_ECB, none, {EVP_aes_128_ecb(), EVP_aes_192_ecb(), EVP_aes_256_ecb()}},
        {CKM_AES_CBC, span_of(iv, 16), {EVP_aes_128_cbc(), EVP_aes_192_cbc(), EVP_aes_256_cbc()}},
        {CKM_AES_CTR, ctr(128), {EVP_aes_128_ctr(), EVP_aes_192_ctr(), EVP_aes_256_ctr()}},
    };
    for (size_t i = 0; i < 3 * COUNT(rows); i++) {
        uint8_t expected[128];
        int len = 0;
        const driver_ref key = import(*state, CKK_AES, 16 + 8 * (i % 3));
        const struct driver_use encrypt = {
            DRIVER_ENCRYPT, key, rows[i / 3].mechanism, rows[i / 3].parameter};
        const struct driver_use decrypt = {
            DRIVER_DECRYPT, key, rows[i / 3].mechanism, rows[i / 3].parameter};
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        assert_int_equal(
            EVP_EncryptInit_ex2(context, rows[i / 3].ciphers[i % 3], key_bytes, iv, NULL), 1);
        assert_int_equal(EVP_EncryptUpdate(context, expected, &len, blocks().ptr, 64), 1);
        EVP_CIPHER_CTX_free(context);
        assert_int_equal(len, 64);
        assert_int_equal(use_at_once(*state, encrypt, blocks()), ERR_OK);
        assert_true(span_equal(writer_bytes(&out), span_of(expected, 64)));
        assert_int_equal(use_in_parts(*state, encrypt, blocks(), none), ERR_OK);
        assert_true(span_equal(writer_bytes(&out), span_of(expected, 64)));
        assert_int_equal(use_at_once(*state, decrypt, span_of(expected, 64)), ERR_OK);
        assert_true(span_equal(writer_bytes(&out), blocks()));
        assert_int_equal(use_in_parts(*state, decrypt, span_of(expected, 64), none), ERR_OK);
        assert_true(span_equal(writer_bytes(&out), blocks()));
        assert_int_equal(driver->destroy(*state, key), ERR_OK);
    }
}

static void a_counter_that_would_repeat_is_refused(void **state)
{
    const driver_ref key = import(*state, CKK_AES, 16);
    const struct driver_use use = {DRIVER_ENCRYPT, key, CKM_AES_CTR, ctr(1)};
    assert_int_equal(use_at_once(*state, use, blocks()), ERR_DATA_LENGTH); /* 4 blocks */
    assert_int_equal(use_at_once(*state, use, span_of(text().ptr, 20)), ERR_OK);
    assert_int_equal(driver->destroy(*state, key), ERR_OK);
}

static void half_a_block_is_refused(void **state)
{
    static const uint32_t mechanisms[] = {CKM_AES_ECB, CKM_AES_CBC};
    const driver_ref key = import(*state, CKK_AES, 16);
    for (size_t i = 0; i < 2; i++) {
        const struct span parameter = i == 0 ? none : span_of(iv, 16);
        const struct driver_use encrypt = {DRIVER_ENCRYPT, key, mechanisms[i], parameter};
        const struct driver_use decrypt = {DRIVER_DECRYPT, key, mechanisms[i], parameter};
        const struct span odd = span_of(text().ptr, 40);
        assert_int_equal(use_at_once(*state, encrypt, odd), ERR_DATA_LENGTH);
        assert_int_equal(use_at_once(*state, decrypt, odd), ERR_ENCRYPTED_LENGTH);
        assert_int_not_equal(use_in_parts(*state, encrypt, odd, none), ERR_OK);
        assert_int_not_equal(use_in_parts(*state, decrypt, odd, none), ERR_OK);
    }
    assert_int_equal(driver->destroy(*state, key), ERR_OK);
}

static const struct mac_row {
    const char *hash; /* NULL: CMAC */
    uint32_t mechanism;
    uint32_t cut;
    uint64_t key_type;
    size_t key_len;
    size_t size;
} mac_rows[] = {
    {NULL, CKM_AES_CMAC, CKM_AES_CMAC_GENERAL, CKK_AES, 16, 16},
    {NULL, CKM_AES_CMAC, CKM_AES_CMAC_GENERAL, CKK_AES, 24, 16},
    {NULL, CKM_AES_CMAC, CKM_AES_CMAC_GENERAL, CKK_AES, 32, 16},
    {"SHA256", CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL, CKK_GENERIC_SECRET, 64, 32},
    {"SHA384", CKM_SHA384_HMAC, CKM_SHA384_HMAC_GENERAL, CKK_GENERIC_SECRET, 64, 48},
    {"SHA384", CKM_SHA384_HMAC, CKM_SHA384_HMAC_GENERAL, CKK_SHA384_HMAC, 48, 48},
    {"SHA512", CKM_SHA512_HMAC, CKM_SHA512_HMAC_GENERAL, CKK_SHA512_HMAC, 64, 64},
};

static void mac_of_openssl(const struct mac_row *row, uint8_t *mac)
{
    static const char *const ciphers[] = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"};
    size_t len = 0;
    const char *cipher = ciphers[(row->key_len / 8 - 2) % 3];
    if (row->hash != NULL)
        assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, row->hash, NULL, key_bytes, row->key_len,
            text().ptr, text().len, mac, 64, &len));
    else
        assert_non_null(EVP_Q_mac(NULL, "CMAC", NULL, cipher, NULL, key_bytes, row->key_len,
            text().ptr, text().len, mac, 64, &len));
    assert_int_equal(len, row->size);
}

static struct span mac_len(uint32_t len)
{
    const struct wire_mac_parameter parameter = {len};
    return parameter_of(&wire_mac_parameter_schema, &parameter);
}

static void macs_whole_and_cut_are_those_of_openssl(void **state)
{
    static const uint32_t lengths[] = {1, 4, 12, 16};
    for (size_t i = 0; i < COUNT(mac_rows); i++) {
        const struct mac_row *row = &mac_rows[i];
        uint8_t mac[64];
        const driver_ref key = import(*state, row->key_type, row->key_len);
        const struct driver_use whole = {DRIVER_SIGN, key, row->mechanism, none};
        mac_of_openssl(row, mac);
        assert_int_equal(use_at_once(*state, whole, text()), ERR_OK);
        assert_true(span_equal(writer_bytes(&out), span_of(mac, row->size)));
        for (size_t j = 0; j < COUNT(lengths); j++) {
            const struct driver_use cut = {DRIVER_SIGN, key, row->cut, mac_len(lengths[j])};
            const struct driver_use verify = {DRIVER_VERIFY, key, row->cut, mac_len(lengths[j])};
            const struct span right = span_of(mac, lengths[j]);
            assert_int_equal(use_at_once(*state, cut, text()), ERR_OK);
            assert_true(span_equal(writer_bytes(&out), right));
            assert_int_equal(use_in_parts(*state, cut, text(), none), ERR_OK);
            assert_true(span_equal(writer_bytes(&out), right));
            assert_int_equal(use_signed(*state, verify, text(), right), ERR_OK);
            assert_int_equal(use_in_parts(*state, verify, text(), right), ERR_OK);
            assert_int_equal(out.used, 0);
            assert_int_equal(use_signed(*state, verify, blocks(), right), ERR_SIGNATURE);
            assert_int_equal(use_in_parts(*state, verify, blocks(), right), ERR_SIGNATURE);
            assert_int_equal(use_signed(*state, verify, text(), span_of(mac, lengths[j] + 1)),
                ERR_SIGNATURE_LENGTH);
        }
        const struct driver_use longer = {
            DRIVER_SIGN, key, row->cut, mac_len((uint32_t)row->size + 1)};
        assert_int_equal(use_at_once(*state, longer, text()), ERR_MECHANISM_PARAMETER);
        assert_int_equal(driver->destroy(*state, key), ERR_OK);
    }
}

static void a_cut_mac_is_verified_only_with_a_key_that_may_sign(void **state)
{
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof bytes);
    driver_ref key = 0;
    attribute_put_ulong(&w, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(&w, ATTR_KEY_TYPE, CKK_GENERIC_SECRET);
    attribute_put_bool(&w, ATTR_TOKEN, false);
    attribute_put_bool(&w, ATTR_VERIFY, true);
    attribute_put_bool(&w, ATTR_SIGN, false);
    attribute_put(&w, ATTR_VALUE, span_of(key_bytes, 32));
    assert_int_equal(driver->create(*state, writer_bytes(&w), &key), ERR_OK);
    const struct driver_use verify = {DRIVER_VERIFY, key, CKM_SHA256_HMAC_GENERAL, mac_len(16)};
    assert_int_equal(use_signed(*state, verify, text(), span_of(iv, 16)), ERR_KEY_FUNCTION);
    assert_int_equal(use_in_parts(*state, verify, text(), span_of(iv, 16)), ERR_KEY_FUNCTION);
    assert_int_equal(driver->destroy(*state, key), ERR_OK);
}

/* ---- pairs ---- */

static void pairs_are_made_on_each_curve_and_on_no_other(void **state)
{
    const struct {
        struct span curve;
        uint32_t mechanism;
        err_t error;
        size_t point; /* bytes of CKA_EC_POINT */
    } rows[] = {
        {span_of(P256, sizeof P256), CKM_EC_KEY_PAIR_GEN, ERR_OK, 67},
        {span_of(P384, sizeof P384), CKM_EC_KEY_PAIR_GEN, ERR_OK, 99},
        {span_of(P521, sizeof P521), CKM_EC_KEY_PAIR_GEN, ERR_OK, 136},
        {span_of(ED25519, sizeof ED25519), CKM_EC_EDWARDS_KEY_PAIR_GEN, ERR_OK, 34},
        {span_of(ED25519, sizeof ED25519), CKM_EC_KEY_PAIR_GEN, ERR_CURVE, 0},
        {span_of(P256, sizeof P256), CKM_EC_EDWARDS_KEY_PAIR_GEN, ERR_CURVE, 0},
        {span_of(SECP256K1, sizeof SECP256K1), CKM_EC_KEY_PAIR_GEN, ERR_CURVE, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pair pair = {0, 0};
        struct span point;
        assert_int_equal(
            make_pair(*state, rows[i].mechanism, rows[i].curve, 0, &pair), rows[i].error);
        if (rows[i].error != ERR_OK)
            continue;
        assert_true(attribute_get(attributes_of(*state, pair.public_key), ATTR_EC_POINT, &point));
        assert_int_equal(point.len, rows[i].point);
        destroy_pair(*state, pair);
    }
}

static void an_ed25519_signature_is_one_for_openssl(void **state)
{
    struct pair pair = {0, 0};
    struct span point;
    assert_int_equal(
        make_pair(*state, CKM_EC_EDWARDS_KEY_PAIR_GEN, span_of(ED25519, sizeof ED25519), 0, &pair),
        ERR_OK);
    assert_true(attribute_get(attributes_of(*state, pair.public_key), ATTR_EC_POINT, &point));
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point.ptr + 2, point.len - 2);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const struct driver_use use = {DRIVER_SIGN, pair.private_key, CKM_EDDSA, none};
    assert_int_equal(use_at_once(*state, use, text()), ERR_OK);
    assert_int_equal(out.used, 64);
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, NULL, NULL, key), 1);
    assert_int_equal(EVP_DigestVerify(context, out_room, out.used, text().ptr, text().len), 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    destroy_pair(*state, pair);
}

/* Slot 9c of a PIV card, for one. */
static void a_key_that_wants_the_pin_each_time_signs_each_time(void **state)
{
    uint8_t public_bytes[256];
    uint8_t private_bytes[256];
    struct writer public_list = writer_of(public_bytes, sizeof public_bytes);
    struct writer private_list = writer_of(private_bytes, sizeof private_bytes);
    struct pair pair = {0, 0};
    attribute_put_ulong(&public_list, ATTR_CLASS, CLASS_PUBLIC_KEY);
    attribute_put_bool(&public_list, ATTR_TOKEN, false);
    attribute_put(&public_list, ATTR_EC_PARAMS, span_of(P256, sizeof P256));
    attribute_put_ulong(&private_list, ATTR_CLASS, CLASS_PRIVATE_KEY);
    attribute_put_bool(&private_list, ATTR_TOKEN, false);
    attribute_put_bool(&private_list, ATTR_PRIVATE, true);
    attribute_put_bool(&private_list, ATTR_SIGN, true);
    attribute_put_bool(&private_list, ATTR_ALWAYS_AUTHENTICATE, true);
    assert_int_equal(driver->generate_pair(*state, CKM_EC_KEY_PAIR_GEN, writer_bytes(&public_list),
                         writer_bytes(&private_list), &pair.public_key, &pair.private_key),
        ERR_OK);
    const struct driver_use use = {DRIVER_SIGN, pair.private_key, CKM_ECDSA, none};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(use_at_once(*state, use, span_of(text().ptr, 32)), ERR_OK);
        assert_int_equal(out.used, 64);
    }
    destroy_pair(*state, pair);
}

#define WITH_DEVICE(name) cmocka_unit_test_setup_teardown(name, open_device, close_device)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DEVICE(block_modes_are_those_of_openssl),
        WITH_DEVICE(a_counter_that_would_repeat_is_refused),
        WITH_DEVICE(half_a_block_is_refused),
        WITH_DEVICE(macs_whole_and_cut_are_those_of_openssl),
        WITH_DEVICE(a_cut_mac_is_verified_only_with_a_key_that_may_sign),
        WITH_DEVICE(pairs_are_made_on_each_curve_and_on_no_other),
        WITH_DEVICE(an_ed25519_signature_is_one_for_openssl),
        WITH_DEVICE(a_key_that_wants_the_pin_each_time_signs_each_time),
    };
    return cmocka_run_group_tests(tests, make_token, remove_token);
}
