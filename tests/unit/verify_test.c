/* SPDX-License-Identifier: MIT
 *
 * Verification with public keys: what OpenSSL has signed is right, and nothing else is. Keys are
 * new in each run.
 */
#include "test.h"

#include "pkcs11-module/hash.h"
#include "pkcs11-module/verify_public.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <p11-kit/pkcs11.h>

enum { ROOM = 4096 };

static uint8_t attributes[ROOM];
static struct writer list;
static uint8_t signature[1024];
static size_t signature_len;
static uint8_t data[64];

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(7 * i + 1);
    return 0;
}

static struct public_key read_key(void)
{
    struct public_key key;
    assert_true(public_key_read(writer_bytes(&list), &key));
    assert_int_equal(public_key_signature_length(writer_bytes(&list)), signature_len);
    return key;
}

static void start_list(CK_KEY_TYPE type)
{
    list = writer_of(attributes, sizeof attributes);
    attribute_put_ulong(&list, ATTR_KEY_TYPE, type);
}

/* ---- elliptic curves ---- */

static const struct curve {
    const char *name;
    uint8_t params[10];
    uint8_t params_len;
    uint8_t der_len; /* of what is before the point in a DER OCTET STRING */
    uint8_t der[3];
    size_t size;
} curves[] = {
    {"P-256", {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 10, 2, {4, 65}, 32},
    {"P-384", {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, 7, 2, {4, 97}, 48},
    {"P-521", {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}, 7, 3, {4, 0x81, 133}, 66},
};

static void put_ec_key(const struct curve *curve, EVP_PKEY *key)
{
    uint8_t point[200];
    size_t len = 0;
    memcpy(point, curve->der, curve->der_len);
    assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
                         point + curve->der_len, sizeof point - curve->der_len, &len),
        1);
    assert_int_equal(len, 1 + 2 * curve->size);
    start_list(CKK_EC);
    attribute_put(&list, ATTR_EC_PARAMS, span_of(curve->params, curve->params_len));
    attribute_put(&list, ATTR_EC_POINT, span_of(point, curve->der_len + len));
}

/* r and s as PKCS#11 has them. */
static void sign_digest(EVP_PKEY *key, size_t size, size_t digest_len)
{
    uint8_t der[200];
    size_t der_len = sizeof der;
    const uint8_t *at = der;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, der, &der_len, data, digest_len), 1);
    EVP_PKEY_CTX_free(ctx);
    ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(both), signature, (int)size), size);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(both), signature + size, (int)size), size);
    ECDSA_SIG_free(both);
    signature_len = 2 * size;
}

static err_t ecdsa(const struct public_key *key, size_t len)
{
    return verify_ecdsa(
        key, span_of(NULL, 0), span_of(data, len), span_of(signature, signature_len));
}

/* Any bit of bytes changed makes it wrong. */
static void assert_each_byte_counts(const struct public_key *key, public_verifier *verifier,
    struct span parameter, size_t data_len, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const uint8_t bit = (uint8_t)(1U << i % 8);
        bytes[i] ^= bit;
        if (verifier(key, parameter, span_of(data, data_len), span_of(signature, signature_len)) !=
            ERR_SIGNATURE)
            fail_msg("byte %zu does not count", i);
        bytes[i] ^= bit;
    }
    assert_int_equal(
        verifier(key, parameter, span_of(data, data_len), span_of(signature, signature_len)),
        ERR_OK);
}

static void ecdsa_of_every_curve_and_digest_verifies_and_each_byte_counts(void **state)
{
    static const size_t digests[] = {20, 28, 32, 48, 64};
    (void)state;
    for (size_t i = 0; i < COUNT(curves); i++) {
        EVP_PKEY *pair = EVP_EC_gen(curves[i].name);
        put_ec_key(&curves[i], pair);
        for (size_t j = 0; j < COUNT(digests); j++) {
            const size_t counts = digests[j] < curves[i].size ? digests[j] : curves[i].size;
            sign_digest(pair, curves[i].size, digests[j]);
            const struct public_key key = read_key();
            assert_true(verify_key_is_valid(&key));
            assert_int_equal(ecdsa(&key, digests[j]), ERR_OK);
            assert_each_byte_counts(&key, verify_ecdsa, span_of(NULL, 0), digests[j], data, counts);
            assert_each_byte_counts(
                &key, verify_ecdsa, span_of(NULL, 0), digests[j], signature, signature_len);
        }
        EVP_PKEY_free(pair);
    }
}

/* number at offset in the signature, in size bytes; false where it does not fit. */
static bool put_number(const BIGNUM *number, size_t offset, size_t size)
{
    return BN_bn2binpad(number, signature + offset, (int)size) == (int)size;
}

static void r_and_s_out_of_range_are_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(curves); i++) {
        const size_t size = curves[i].size;
        EVP_PKEY *pair = EVP_EC_gen(curves[i].name);
        BIGNUM *order = NULL;
        BIGNUM *sum = BN_new();
        assert_int_equal(EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_EC_ORDER, &order), 1);
        put_ec_key(&curves[i], pair);
        for (size_t at = 0; at <= size; at += size) {
            sign_digest(pair, size, 32);
            const struct public_key key = read_key();
            assert_int_equal(ecdsa(&key, 32), ERR_OK);
            assert_non_null(BN_bin2bn(signature + at, (int)size, sum));
            assert_int_equal(BN_add(sum, sum, order), 1);
            if (put_number(sum, at, size)) /* the same number, were it taken modulo the order */
                assert_int_equal(ecdsa(&key, 32), ERR_SIGNATURE);
            assert_true(put_number(order, at, size));
            assert_int_equal(ecdsa(&key, 32), ERR_SIGNATURE);
            memset(signature + at, 0, size);
            assert_int_equal(ecdsa(&key, 32), ERR_SIGNATURE);
            memset(signature + at, 0xff, size);
            assert_int_equal(ecdsa(&key, 32), ERR_SIGNATURE);
        }
        memset(signature, 0, signature_len);
        const struct public_key key = read_key();
        assert_int_equal(ecdsa(&key, 32), ERR_SIGNATURE);
        BN_free(order);
        BN_free(sum);
        EVP_PKEY_free(pair);
    }
}

static void a_point_that_is_not_on_the_curve_is_no_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(curves); i++) {
        const size_t size = curves[i].size;
        uint8_t bytes[2 * 66];
        EVP_PKEY *pair = EVP_EC_gen(curves[i].name);
        put_ec_key(&curves[i], pair);
        sign_digest(pair, size, 32);
        struct public_key key = read_key();
        memcpy(bytes, key.x.ptr, size);
        memcpy(bytes + size, key.y.ptr, size);
        key.x = span_of(bytes, size);
        key.y = span_of(bytes + size, size);
        assert_true(verify_key_is_valid(&key));
        for (size_t j = 0; j < 2 * size; j++) {
            bytes[j] ^= 0x10;
            assert_false(verify_key_is_valid(&key));
            assert_int_equal(ecdsa(&key, 32), ERR_SIGNATURE);
            bytes[j] ^= 0x10;
        }
        memset(bytes, 0, sizeof bytes); /* infinity, as some write it */
        assert_false(verify_key_is_valid(&key));
        memset(bytes, 0xff, sizeof bytes); /* not below the prime */
        assert_false(verify_key_is_valid(&key));
        EVP_PKEY_free(pair);
    }
}

/* ---- Ed25519 ---- */

static const uint8_t ed25519_name[] = {
    0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'};
static const uint8_t ed25519_oid[] = {0x06, 0x03, 0x2b, 0x65, 0x70};

static void put_ed25519_key(EVP_PKEY *pair, struct span params, bool der)
{
    uint8_t point[2 + 32] = {0x04, 0x20};
    size_t len = 32;
    assert_int_equal(EVP_PKEY_get_raw_public_key(pair, point + 2, &len), 1);
    start_list(CKK_EC_EDWARDS);
    attribute_put(&list, ATTR_EC_PARAMS, params);
    attribute_put(&list, ATTR_EC_POINT, der ? span_of(point, 34) : span_of(point + 2, 32));
}

static void sign_message(EVP_PKEY *pair, const uint8_t *message, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    signature_len = sizeof signature;
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, pair), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &signature_len, message, len), 1);
    EVP_MD_CTX_free(ctx);
}

static void ed25519_of_any_message_verifies_and_each_byte_counts(void **state)
{
    static uint8_t message[100000];
    static const size_t lengths[] = {0, 1, 63, 64, 1000, sizeof message};
    const struct span names[] = {
        span_of(ed25519_name, sizeof ed25519_name), span_of(ed25519_oid, sizeof ed25519_oid)};
    EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    (void)state;
    for (size_t form = 0; form < 4; form++) {
        put_ed25519_key(pair, names[form / 2], form % 2 == 1);
        for (size_t i = 0; i < COUNT(lengths); i++) {
            sign_message(pair, message, lengths[i]);
            const struct public_key key = read_key();
            assert_int_equal(verify_eddsa(&key, span_of(NULL, 0), span_of(message, lengths[i]),
                                 span_of(signature, 64)),
                ERR_OK);
        }
    }
    sign_message(pair, data, sizeof data);
    const struct public_key key = read_key();
    assert_each_byte_counts(
        &key, verify_eddsa, span_of(NULL, 0), sizeof data, signature, signature_len);
    assert_each_byte_counts(&key, verify_eddsa, span_of(NULL, 0), sizeof data, data, sizeof data);
    EVP_PKEY_free(pair);
}

/* S is little-endian, and must be below the order (RFC 8032, 5.1.7): else anybody could make a
 * second signature of one. */
static void s_of_ed25519_has_one_form(void **state)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c,
        0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    unsigned carry = 0;
    (void)state;
    put_ed25519_key(pair, span_of(ed25519_oid, sizeof ed25519_oid), true);
    sign_message(pair, data, sizeof data);
    const struct public_key key = read_key();
    for (size_t i = 0; i < sizeof order; i++) {
        carry += (unsigned)signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(verify_eddsa(&key, span_of(NULL, 0), span_of(data, sizeof data),
                         span_of(signature, signature_len)),
        ERR_SIGNATURE);
    EVP_PKEY_free(pair);
}

/* ---- RSA ---- */

static EVP_PKEY *make_rsa(unsigned bits)
{
    EVP_PKEY *pair = EVP_RSA_gen(bits);
    BIGNUM *n = NULL;
    BIGNUM *e = NULL;
    uint8_t bytes[1024];
    assert_non_null(pair);
    assert_int_equal(EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_E, &e), 1);
    start_list(CKK_RSA);
    attribute_put(&list, ATTR_MODULUS, span_of(bytes, (size_t)BN_bn2bin(n, bytes)));
    attribute_put(&list, ATTR_PUBLIC_EXPONENT, span_of(bytes, (size_t)BN_bn2bin(e, bytes)));
    BN_free(n);
    BN_free(e);
    return pair;
}

/* salt: -2: not PSS. */
static void sign_rsa(
    EVP_PKEY *pair, int padding, const EVP_MD *md, int salt, const uint8_t *what, size_t len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pair, NULL);
    signature_len = sizeof signature;
    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, padding), 1);
    if (md != NULL)
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, md), 1);
    if (salt != -2)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, signature, &signature_len, what, len), 1);
    EVP_PKEY_CTX_free(ctx);
}

static const struct {
    CK_MECHANISM_TYPE type;
    const EVP_MD *(*md)(void);
    size_t len;
} hashes[] = {{CKM_SHA_1, EVP_sha1, 20}, {CKM_SHA224, EVP_sha224, 28}, {CKM_SHA256, EVP_sha256, 32},
    {CKM_SHA384, EVP_sha384, 48}, {CKM_SHA512, EVP_sha512, 64}};

static void pkcs1_of_every_hash_verifies_with_our_digestinfo(void **state)
{
    EVP_PKEY *pair = make_rsa(2048);
    (void)state;
    for (size_t i = 0; i < COUNT(hashes); i++) {
        const struct hash_row *hash = hash_find(hashes[i].type);
        uint8_t info[128];
        struct writer w = writer_of(info, sizeof info);
        write_span(&w, span_of(hash->info, hash->info_len));
        write_span(&w, span_of(data, hashes[i].len));
        sign_rsa(pair, RSA_PKCS1_PADDING, hashes[i].md(), -2, data, hashes[i].len);
        const struct public_key key = read_key();
        const struct span all = span_of(signature, signature_len);
        assert_int_equal(verify_rsa_pkcs(&key, span_of(NULL, 0), writer_bytes(&w), all), ERR_OK);
        info[w.used - 1] ^= 1;
        assert_int_equal(
            verify_rsa_pkcs(&key, span_of(NULL, 0), writer_bytes(&w), all), ERR_SIGNATURE);
        w.used--;
        assert_int_equal(
            verify_rsa_pkcs(&key, span_of(NULL, 0), writer_bytes(&w), all), ERR_SIGNATURE);
    }
    EVP_PKEY_free(pair);
}

static void pkcs1_of_bare_data_verifies_and_each_byte_counts(void **state)
{
    static const unsigned sizes[] = {1024, 1025, 1031, 2048};
    uint8_t found[1024];
    struct writer w = writer_of(found, sizeof found);
    struct writer small = writer_of(found, sizeof data - 1);
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        EVP_PKEY *pair = make_rsa(sizes[i]);
        sign_rsa(pair, RSA_PKCS1_PADDING, NULL, -2, data, sizeof data);
        const struct public_key key = read_key();
        assert_each_byte_counts(
            &key, verify_rsa_pkcs, span_of(NULL, 0), sizeof data, signature, signature_len);
        assert_each_byte_counts(
            &key, verify_rsa_pkcs, span_of(NULL, 0), sizeof data, data, sizeof data);
        w.used = 0;
        assert_int_equal(verify_rsa_recover(&key, span_of(signature, signature_len), &w), ERR_OK);
        assert_true(span_equal(writer_bytes(&w), span_of(data, sizeof data)));
        sign_rsa(pair, RSA_PKCS1_PADDING, NULL, -2, data, 0);
        assert_int_equal(verify_rsa_pkcs(&key, span_of(NULL, 0), span_of(NULL, 0),
                             span_of(signature, signature_len)),
            ERR_OK);
        EVP_PKEY_free(pair);
    }
    EVP_PKEY *pair = make_rsa(1024);
    sign_rsa(pair, RSA_PKCS1_PADDING, NULL, -2, data, sizeof data);
    const struct public_key key = read_key();
    assert_int_equal(
        verify_rsa_recover(&key, span_of(signature, signature_len), &small), ERR_TOO_LARGE);
    EVP_PKEY_free(pair);
}

/* Blocks of 128 bytes that a careless reader would take; each is signed as it is. */
static void a_filling_that_is_not_to_the_letter_is_wrong(void **state)
{
    static const struct {
        const char *what;
        size_t begin_len;
        uint8_t begin[3];
        size_t filling;
        uint8_t end;
        bool right;
    } rows[] = {
        {"as it should be", 2, {0, 1}, 61, 0, true},
        {"type 2", 2, {0, 2}, 61, 0, false},
        {"type 0", 2, {0, 0}, 61, 0, false},
        {"no end", 2, {0, 1}, 61, 1, false},
        {"short, and something behind the data", 2, {0, 1}, 8, 0, false},
        {"7 bytes", 2, {0, 1}, 7, 0, false},
        {"none", 2, {0, 1}, 0, 0, false},
    };
    EVP_PKEY *pair = make_rsa(1024);
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t block[128] = {0};
        struct writer w = writer_of(block, sizeof block);
        write_span(&w, span_of(rows[i].begin, rows[i].begin_len));
        for (size_t j = 0; j < rows[i].filling; j++)
            write_uint(&w, 1, 0xff);
        write_uint(&w, 1, rows[i].end);
        write_span(&w, span_of(data, sizeof data));
        assert_false(w.failed);
        sign_rsa(pair, RSA_NO_PADDING, NULL, -2, block, sizeof block);
        const struct public_key key = read_key();
        if (verify_rsa_pkcs(&key, span_of(NULL, 0), span_of(data, sizeof data),
                span_of(signature, signature_len)) != (rows[i].right ? ERR_OK : ERR_SIGNATURE))
            fail_msg("%s", rows[i].what);
    }
    uint8_t only_filling[128];
    memset(only_filling, 0xff, sizeof only_filling);
    only_filling[0] = 0;
    only_filling[1] = 1;
    sign_rsa(pair, RSA_NO_PADDING, NULL, -2, only_filling, sizeof only_filling);
    const struct public_key key = read_key();
    assert_int_equal(verify_rsa_pkcs(&key, span_of(NULL, 0), span_of(NULL, 0),
                         span_of(signature, signature_len)),
        ERR_SIGNATURE);
    EVP_PKEY_free(pair);
}

static void a_signature_not_below_the_modulus_is_wrong(void **state)
{
    EVP_PKEY *pair = make_rsa(1025); /* so that some more fits into its bytes */
    BIGNUM *n = NULL;
    BIGNUM *sum = BN_new();
    (void)state;
    assert_int_equal(EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    sign_rsa(pair, RSA_PKCS1_PADDING, NULL, -2, data, sizeof data);
    const struct public_key key = read_key();
    assert_non_null(BN_bin2bn(signature, (int)signature_len, sum));
    assert_int_equal(BN_add(sum, sum, n), 1);
    assert_true(put_number(sum, 0, signature_len));
    assert_int_equal(verify_rsa_pkcs(&key, span_of(NULL, 0), span_of(data, sizeof data),
                         span_of(signature, signature_len)),
        ERR_SIGNATURE);
    BN_free(n);
    BN_free(sum);
    EVP_PKEY_free(pair);
}

static size_t encode_pss(size_t hash, uint32_t salt_len, uint8_t *bytes, size_t size)
{
    const struct hash_row *row = hash_find(hashes[hash].type);
    const struct wire_pss_parameter pss = {row->type, row->mgf, salt_len};
    struct writer w = writer_of(bytes, size);
    schema_encode(&wire_pss_parameter_schema, &pss, &w);
    return w.used;
}

/* Also where the modulus has one bit more than whole bytes: then the block is a byte shorter. */
static void pss_of_every_hash_and_salt_verifies_and_each_byte_counts(void **state)
{
    static const unsigned sizes[] = {2048, 2049, 1031};
    uint8_t parameter[16];
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        EVP_PKEY *pair = make_rsa(sizes[i]);
        for (size_t j = 0; j < COUNT(hashes); j++) {
            const size_t salts[] = {
                0, 1, hashes[j].len, (sizes[i] - 1 + 7) / 8 - hashes[j].len - 2};
            for (size_t k = 0; k < COUNT(salts); k++) {
                if (hashes[j].len + salts[k] + 2 > (sizes[i] - 1 + 7) / 8)
                    continue;
                sign_rsa(pair, RSA_PKCS1_PSS_PADDING, hashes[j].md(), (int)salts[k], data,
                    hashes[j].len);
                const struct public_key key = read_key();
                const struct span all = span_of(signature, signature_len);
                size_t len = encode_pss(j, (uint32_t)salts[k], parameter, sizeof parameter);
                assert_int_equal(verify_rsa_pss(&key, span_of(parameter, len),
                                     span_of(data, hashes[j].len), all),
                    ERR_OK);
                if (k == 2 && i == 1)
                    assert_each_byte_counts(&key, verify_rsa_pss, span_of(parameter, len),
                        hashes[j].len, data, hashes[j].len);
                if (k == 2 && i == 1 && j == 2)
                    assert_each_byte_counts(&key, verify_rsa_pss, span_of(parameter, len),
                        hashes[j].len, signature, signature_len);
                len = encode_pss(j, (uint32_t)salts[k] + 1, parameter, sizeof parameter);
                assert_int_equal(verify_rsa_pss(&key, span_of(parameter, len),
                                     span_of(data, hashes[j].len), all),
                    ERR_SIGNATURE);
            }
        }
        EVP_PKEY_free(pair);
    }
}

static void a_digest_of_another_length_than_the_hash_is_wrong(void **state)
{
    uint8_t parameter[16];
    EVP_PKEY *pair = make_rsa(1024);
    (void)state;
    sign_rsa(pair, RSA_PKCS1_PSS_PADDING, EVP_sha256(), 32, data, 32);
    const struct public_key key = read_key();
    const size_t len = encode_pss(2, 32, parameter, sizeof parameter);
    static const size_t lengths[] = {0, 31, 33, 64};
    for (size_t i = 0; i < COUNT(lengths); i++)
        assert_int_equal(verify_rsa_pss(&key, span_of(parameter, len), span_of(data, lengths[i]),
                             span_of(signature, signature_len)),
            ERR_SIGNATURE);
    EVP_PKEY_free(pair);
}

/* ---- keys ---- */

static bool is_key(void)
{
    struct public_key key;
    return public_key_read(writer_bytes(&list), &key);
}

static void put_rsa(size_t modulus_len, uint8_t last, size_t exponent_len, uint8_t exponent_last)
{
    uint8_t modulus[1100];
    uint8_t exponent[16];
    memset(modulus, 0xff, sizeof modulus);
    memset(exponent, 1, sizeof exponent);
    if (modulus_len > 0)
        modulus[modulus_len - 1] = last;
    if (exponent_len > 0)
        exponent[exponent_len - 1] = exponent_last;
    start_list(CKK_RSA);
    attribute_put(&list, ATTR_MODULUS, span_of(modulus, modulus_len));
    attribute_put(&list, ATTR_PUBLIC_EXPONENT, span_of(exponent, exponent_len));
}

static void an_rsa_key_is_odd_and_of_a_sane_size(void **state)
{
    static const struct {
        size_t modulus_len;
        uint8_t last;
        size_t exponent_len;
        uint8_t exponent_last;
        bool right;
    } rows[] = {{128, 1, 3, 1, true}, {64, 1, 1, 3, true}, {1024, 1, 8, 1, true},
        {63, 1, 3, 1, false}, {1025, 1, 3, 1, false}, {0, 0, 3, 1, false}, {128, 2, 3, 1, false},
        {128, 1, 9, 1, false}, {128, 1, 0, 0, false}, {128, 1, 1, 1, false}, {128, 1, 1, 0, false},
        {128, 1, 3, 2, false}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        put_rsa(rows[i].modulus_len, rows[i].last, rows[i].exponent_len, rows[i].exponent_last);
        if (is_key() != rows[i].right)
            fail_msg("key %zu", i);
    }
    start_list(CKK_RSA);
    assert_false(is_key());
}

/* As BER writes a number whose first bit is set. */
static void zeroes_before_a_modulus_count_for_nothing(void **state)
{
    uint8_t modulus[129] = {[1] = 0x80, [128] = 1};
    static const uint8_t exponent[] = {0, 1, 0, 1};
    struct public_key key;
    (void)state;
    start_list(CKK_RSA);
    attribute_put(&list, ATTR_MODULUS, span_of(modulus, sizeof modulus));
    attribute_put(&list, ATTR_PUBLIC_EXPONENT, span_of(exponent, sizeof exponent));
    assert_true(public_key_read(writer_bytes(&list), &key));
    assert_int_equal(key.modulus.len, 128);
    assert_int_equal(key.exponent.len, 3);
    assert_int_equal(public_key_signature_length(writer_bytes(&list)), 128);
}

static void a_point_has_the_length_of_its_curve(void **state)
{
    uint8_t point[140] = {0x04};
    static const struct {
        size_t curve;
        size_t len;
        bool right;
    } rows[] = {{0, 65, true}, {0, 64, false}, {0, 66, false}, {0, 97, false}, {0, 33, false},
        {1, 97, true}, {1, 65, false}, {2, 133, true}, {2, 97, false}, {0, 0, false},
        {0, 1, false}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        start_list(CKK_EC);
        attribute_put(&list, ATTR_EC_PARAMS,
            span_of(curves[rows[i].curve].params, curves[rows[i].curve].params_len));
        attribute_put(&list, ATTR_EC_POINT, span_of(point, rows[i].len));
        if (is_key() != rows[i].right)
            fail_msg("point %zu", i);
    }
    start_list(CKK_EC_EDWARDS); /* the key type and the curve go together */
    attribute_put(&list, ATTR_EC_PARAMS, span_of(curves[0].params, curves[0].params_len));
    attribute_put(&list, ATTR_EC_POINT, span_of(point, 65));
    assert_false(is_key());
    assert_int_equal(public_key_signature_length(writer_bytes(&list)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ecdsa_of_every_curve_and_digest_verifies_and_each_byte_counts),
        TEST(r_and_s_out_of_range_are_wrong),
        TEST(a_point_that_is_not_on_the_curve_is_no_key),
        TEST(ed25519_of_any_message_verifies_and_each_byte_counts),
        TEST(s_of_ed25519_has_one_form),
        TEST(pkcs1_of_every_hash_verifies_with_our_digestinfo),
        TEST(pkcs1_of_bare_data_verifies_and_each_byte_counts),
        TEST(a_filling_that_is_not_to_the_letter_is_wrong),
        TEST(a_signature_not_below_the_modulus_is_wrong),
        TEST(pss_of_every_hash_and_salt_verifies_and_each_byte_counts),
        TEST(a_digest_of_another_length_than_the_hash_is_wrong),
        TEST(an_rsa_key_is_odd_and_of_a_sane_size),
        TEST(zeroes_before_a_modulus_count_for_nothing),
        TEST(a_point_has_the_length_of_its_curve),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
