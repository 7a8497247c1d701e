/* SPDX-License-Identifier: MIT
 *
 * Every mechanism of the driver pkcs11 on a SoftHSM token, beside those that driver_use_test.c has:
 * what the token makes is checked by OpenSSL, and the other way round.
 */
#include "driver_stand.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <p11-kit/pkcs11.h>

/* p11-kit's other names for fields of the standard; fields of ours have them, too. */
#undef tag_bits
#undef counter_bits
#undef shared_data
#undef public_data

static const struct driver *const driver = &driver_pkcs11;
static const struct span none = {NULL, 0};
static const uint8_t key_bytes[64] = {1, 2, 3, 4, 5};
static const uint8_t iv[16] = {9, 8, 7, 6, 5, 4, 3, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0};
static const uint8_t ED25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
static const uint8_t P384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t P521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};

enum { RSA_SIZE = 256, ROOM = 4096 };
static uint8_t out_room[ROOM];
static struct writer out;

/* ---- keys ---- */

static void put_uses(struct writer *w)
{
    static const uint32_t uses[] = {ATTR_SIGN, ATTR_VERIFY, ATTR_ENCRYPT, ATTR_DECRYPT, ATTR_WRAP,
        ATTR_UNWRAP, ATTR_SENSITIVE, ATTR_EXTRACTABLE, ATTR_PRIVATE};
    for (size_t i = 0; i < COUNT(uses); i++)
        attribute_put_bool(w, uses[i], true);
}

static void put_secret(struct writer *w, uint64_t type)
{
    attribute_put_ulong(w, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(w, ATTR_KEY_TYPE, type);
    attribute_put_bool(w, ATTR_TOKEN, false);
    put_uses(w);
}

static driver_ref import(struct device *device, uint64_t type, size_t len)
{
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof bytes);
    driver_ref key = 0;
    put_secret(&w, type);
    attribute_put(&w, ATTR_VALUE, span_of(key_bytes, len));
    assert_int_equal(driver->create(device, writer_bytes(&w), &key), ERR_OK);
    return key;
}

/* curve: CKA_EC_PARAMS; none: an RSA pair of so many bits */
static err_t make_pair(struct device *device, uint32_t mechanism, struct span curve, uint64_t bits,
    struct pair *ret_pair)
{
    static const struct {
        uint32_t public_type;
        uint32_t private_type;
    } uses[] = {{ATTR_VERIFY, ATTR_SIGN}, {ATTR_ENCRYPT, ATTR_DECRYPT}, {ATTR_WRAP, ATTR_UNWRAP}};
    const uint64_t type = mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN     ? KEY_TYPE_RSA
                          : mechanism == CKM_EC_EDWARDS_KEY_PAIR_GEN ? CKK_EC_EDWARDS
                                                                     : KEY_TYPE_EC;
    uint8_t public_bytes[512];
    uint8_t private_bytes[512];
    struct writer public_list = writer_of(public_bytes, sizeof public_bytes);
    struct writer private_list = writer_of(private_bytes, sizeof private_bytes);
    struct writer *const lists[] = {&public_list, &private_list};
    for (size_t i = 0; i < COUNT(lists); i++) {
        attribute_put_ulong(lists[i], ATTR_CLASS, i == 0 ? CLASS_PUBLIC_KEY : CLASS_PRIVATE_KEY);
        attribute_put_ulong(lists[i], ATTR_KEY_TYPE, type);
        attribute_put_bool(lists[i], ATTR_TOKEN, false);
    }
    for (size_t i = 0; i < COUNT(uses) && (type == KEY_TYPE_RSA || i == 0); i++) {
        attribute_put_bool(&public_list, uses[i].public_type, true);
        attribute_put_bool(&private_list, uses[i].private_type, true);
    }
    attribute_put_bool(&private_list, ATTR_PRIVATE, true);
    attribute_put_bool(&private_list, ATTR_SENSITIVE, true);
    attribute_put_bool(&private_list, ATTR_DERIVE, type == KEY_TYPE_EC);
    if (curve.len > 0)
        attribute_put(&public_list, ATTR_EC_PARAMS, curve);
    else
        attribute_put_ulong(&public_list, ATTR_MODULUS_BITS, bits);
    return driver->generate_pair(device, mechanism, writer_bytes(&public_list),
        writer_bytes(&private_list), &ret_pair->public_key, &ret_pair->private_key);
}

/* One for all tests: it takes a while. It ends with the device. */
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

/* ---- uses; what comes out is in out ---- */

static struct span parameter_of(const struct schema *schema, const void *from)
{
    static uint8_t room[256];
    struct writer w = writer_of(room, sizeof room);
    schema_encode(schema, from, &w);
    return writer_bytes(&w);
}

static err_t use_signed(struct device *device, struct driver_use use, struct span data,
    struct span signature)
{
    out = writer_of(out_room, sizeof out_room);
    return driver->use(device, &use, data, signature, &out);
}

static err_t use_at_once(struct device *device, struct driver_use use, struct span data)
{
    return use_signed(device, use, data, none);
}

static err_t use_in_parts(
    struct device *device, struct driver_use use, struct span data, struct span signature)
{
    struct driver_begun *begun = NULL;
    struct reader r = reader_of(data);
    out = writer_of(out_room, sizeof out_room);
    err_t err = driver->begin(device, &use, &begun);
    while (err == ERR_OK && reader_more(&r)) {
        err = driver->feed(device, begun, read_span(&r, r.left < 7 ? r.left : 7), &out);
        if (err != ERR_OK)
            driver->abandon(device, begun);
    }
    return err == ERR_OK ? driver->finish(device, begun, signature, &out) : err;
}

static struct span text(void)
{
    return span_of_text("sixty-four bytes are four blocks of AES, and of this text as well.");
}

static struct span blocks(void)
{
    return span_of(text().ptr, 64);
}

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
        assert_true(
            attribute_get(attributes_of(*state, pair.public_key), ATTR_EC_POINT, &point));
        assert_int_equal(point.len, rows[i].point);
        destroy_pair(*state, pair);
    }
}

static void an_ed25519_signature_is_one_for_openssl(void **state)
{
    struct pair pair = {0, 0};
    struct span point;
    assert_int_equal(make_pair(*state, CKM_EC_EDWARDS_KEY_PAIR_GEN,
                         span_of(ED25519, sizeof ED25519), 0, &pair),
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

static void an_rsa_pair_has_a_size_that_is_served(void **state)
{
    static const uint64_t bits[] = {512, 1024, 2047, 4104, 16384};
    struct pair pair;
    for (size_t i = 0; i < COUNT(bits); i++)
        assert_int_equal(make_pair(*state, CKM_RSA_PKCS_KEY_PAIR_GEN, none, bits[i], &pair),
            ERR_KEY_SIZE);
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
    assert_int_equal(EVP_Digest(text().ptr, text().len, data + sizeof info, NULL, EVP_sha256(), NULL), 1);
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
    assert_int_equal(driver->generate_pair(*state, CKM_EC_KEY_PAIR_GEN,
                         writer_bytes(&public_list), writer_bytes(&private_list),
                         &pair.public_key, &pair.private_key),
        ERR_OK);
    const struct driver_use use = {DRIVER_SIGN, pair.private_key, CKM_ECDSA, none};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(use_at_once(*state, use, span_of(text().ptr, 32)), ERR_OK);
        assert_int_equal(out.used, 64);
    }
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
    return driver->unwrap(
        device, key, mechanism, parameter, wrapped, writer_bytes(&w), ret_key);
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
        assert_int_equal(driver->wrap(*state, rows[i].wraps, rows[i].mechanism, rows[i].parameter,
                             inner, &w),
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
        WITH_DEVICE(an_rsa_pair_has_a_size_that_is_served),
        WITH_DEVICE(rsa_signatures_are_ones_for_openssl),
        WITH_DEVICE(a_key_that_wants_the_pin_each_time_signs_each_time),
        WITH_DEVICE(rsa_encryption_comes_back_and_all_failures_look_alike),
        WITH_DEVICE(an_oaep_that_the_token_lacks_has_a_wrong_parameter),
        WITH_DEVICE(keys_go_and_come_back_under_each_wrapping_mechanism),
    };
    return cmocka_run_group_tests(tests, make_token, remove_token);
}
