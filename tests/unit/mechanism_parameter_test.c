/* SPDX-License-Identifier: MIT
 *
 * Parameters of mechanisms as programs give them, right and wrong; and how much comes out of an
 * encryption or decryption.
 */
#include "test.h"

#include "pkcs11-module/cryptoki3.h"
#include "pkcs11-module/hash.h"
#include "pkcs11-module/token.h"
#include "wire/attribute.h"

static uint8_t encoded[WIRE_PARAMETER_MAX];
static size_t encoded_len;
static size_t tag_len;
static uint8_t iv[300];
static uint8_t aad[WIRE_AAD_MAX + 1];

static CK_RV read_it(parameter_reader *reader, void *parameter, CK_ULONG len)
{
    const CK_MECHANISM mechanism = {0, parameter, len};
    struct writer w = writer_of(encoded, sizeof encoded);
    tag_len = 0;
    CK_RV rv = reader(&mechanism, &w, &tag_len);
    encoded_len = w.used;
    return rv;
}

static CK_RV read_gcm(CK_GCM_PARAMS params)
{
    return read_it(parameter_gcm, &params, sizeof params);
}

static CK_GCM_PARAMS good(void)
{
    return (CK_GCM_PARAMS){iv, 12, 96, aad, 20, 128};
}

static void a_mechanism_without_a_parameter_takes_none(void **state)
{
    (void)state;
    assert_int_equal(read_it(parameter_none, NULL, 0), CKR_OK);
    assert_int_equal(read_it(parameter_none, iv, 0), CKR_OK);
    assert_int_equal(encoded_len, 0);
    assert_int_equal(read_it(parameter_none, iv, 1), CKR_MECHANISM_PARAM_INVALID);
}

static void an_iv_has_its_length(void **state)
{
    (void)state;
    iv[15] = 7;
    assert_int_equal(read_it(parameter_aes_iv, iv, 16), CKR_OK);
    assert_int_equal(encoded_len, 16);
    assert_memory_equal(encoded, iv, 16);
    assert_int_equal(read_it(parameter_aes_iv, iv, 15), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_it(parameter_aes_iv, iv, 17), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_it(parameter_aes_iv, NULL, 16), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_it(parameter_aes_iv, NULL, 0), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_it(parameter_wrap_iv, NULL, 0), CKR_OK);
    assert_int_equal(encoded_len, 0);
    assert_int_equal(read_it(parameter_wrap_iv, iv, 8), CKR_OK);
    assert_int_equal(encoded_len, 8);
    assert_int_equal(read_it(parameter_wrap_iv, iv, 16), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_it(parameter_wrap_iv, NULL, 8), CKR_MECHANISM_PARAM_INVALID);
}

static void assert_travels(size_t iv_len, size_t aad_len, unsigned tag_bits)
{
    struct wire_gcm_parameter wire;
    assert_int_equal(
        schema_decode_whole(&wire_gcm_parameter_schema, span_of(encoded, encoded_len), &wire),
        ERR_OK);
    assert_true(span_equal(wire.iv, span_of(iv, iv_len)));
    assert_true(span_equal(wire.aad, span_of(aad, aad_len)));
    assert_int_equal(wire.tag_bits, tag_bits);
    assert_int_equal(tag_len, tag_bits / 8);
}

/* The layout of the header has ulIvBits, that of the standard's text has not. */
static void gcm_parameters_of_both_layouts_are_taken(void **state)
{
    struct {
        unsigned char *iv_ptr;
        unsigned long iv_len;
        unsigned char *aad_ptr;
        unsigned long aad_len;
        unsigned long tag_bits;
    } without = {iv, 12, aad, 20, 128};
    static const CK_ULONG bits[] = {0, 12, 64, 95, ~0UL}; /* they say nothing */
    (void)state;
    iv[0] = 1;
    aad[0] = 2;
    assert_int_equal(read_gcm(good()), CKR_OK);
    assert_travels(12, 20, 128);
    for (size_t i = 0; i < COUNT(bits); i++) {
        CK_GCM_PARAMS params = good();
        params.ulIvBits = bits[i];
        assert_int_equal(read_gcm(params), CKR_OK);
        assert_travels(12, 20, 128);
    }
    assert_int_equal(read_it(parameter_gcm, &without, sizeof without), CKR_OK);
    assert_travels(12, 20, 128);
    without.tag_bits = 127;
    assert_int_equal(read_it(parameter_gcm, &without, sizeof without), CKR_MECHANISM_PARAM_INVALID);
}

static void gcm_parameters_at_their_limits(void **state)
{
    CK_GCM_PARAMS params = {iv, 256, 2048, aad, WIRE_AAD_MAX, 32};
    (void)state;
    assert_int_equal(read_gcm(params), CKR_OK);
    assert_travels(256, WIRE_AAD_MAX, 32);
    params = (CK_GCM_PARAMS){iv, 1, 8, NULL, 0, 128};
    assert_int_equal(read_gcm(params), CKR_OK);
    assert_travels(1, 0, 128);
}

static void gcm_parameters_that_are_wrong_are_refused(void **state)
{
    static const struct {
        size_t offset;
        unsigned long value;
    } changes[] = {
        {offsetof(CK_GCM_PARAMS, pIv), 0},
        {offsetof(CK_GCM_PARAMS, ulIvLen), 0},
        {offsetof(CK_GCM_PARAMS, ulIvLen), 257},
        {offsetof(CK_GCM_PARAMS, ulIvLen), ~0UL},
        {offsetof(CK_GCM_PARAMS, pAAD), 0},
        {offsetof(CK_GCM_PARAMS, ulAADLen), WIRE_AAD_MAX + 1},
        {offsetof(CK_GCM_PARAMS, ulAADLen), ~0UL},
        {offsetof(CK_GCM_PARAMS, ulTagBits), 0},
        {offsetof(CK_GCM_PARAMS, ulTagBits), 24},
        {offsetof(CK_GCM_PARAMS, ulTagBits), 100},
        {offsetof(CK_GCM_PARAMS, ulTagBits), 136},
        {offsetof(CK_GCM_PARAMS, ulTagBits), 16},
        {offsetof(CK_GCM_PARAMS, ulTagBits), ~0UL},
    };
    static const CK_ULONG lengths[] = {0, 8, 39, 41, 47, 49, ~0UL};
    (void)state;
    for (size_t i = 0; i < COUNT(changes); i++) {
        CK_GCM_PARAMS params = good();
        memcpy((char *)&params + changes[i].offset, &changes[i].value, sizeof changes[i].value);
        if (read_gcm(params) != CKR_MECHANISM_PARAM_INVALID)
            fail_msg("change %zu is taken", i);
    }
    for (size_t i = 0; i < COUNT(lengths); i++) {
        CK_GCM_PARAMS params = good();
        assert_int_equal(read_it(parameter_gcm, &params, lengths[i]), CKR_MECHANISM_PARAM_INVALID);
    }
    assert_int_equal(
        read_it(parameter_gcm, NULL, sizeof(CK_GCM_PARAMS)), CKR_MECHANISM_PARAM_INVALID);
}

/* ---- parameters of other mechanisms ---- */

static void a_counter_has_1_to_128_bits(void **state)
{
    static const struct {
        unsigned long bits;
        CK_RV rv;
    } rows[] = {{0, CKR_MECHANISM_PARAM_INVALID}, {1, CKR_OK}, {64, CKR_OK}, {128, CKR_OK},
        {129, CKR_MECHANISM_PARAM_INVALID}, {~0UL, CKR_MECHANISM_PARAM_INVALID}};
    CK_AES_CTR_PARAMS params = {.cb = {1, 2, 3}};
    struct wire_ctr_parameter wire;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        params.ulCounterBits = rows[i].bits;
        assert_int_equal(read_it(parameter_ctr, &params, sizeof params), rows[i].rv);
    }
    params.ulCounterBits = 32;
    assert_int_equal(read_it(parameter_ctr, &params, sizeof params), CKR_OK);
    assert_int_equal(
        schema_decode_whole(&wire_ctr_parameter_schema, span_of(encoded, encoded_len), &wire),
        ERR_OK);
    assert_int_equal(wire.counter_bits, 32);
    assert_true(span_equal(wire.block, span_of(params.cb, 16)));
    assert_int_equal(
        read_it(parameter_ctr, &params, sizeof params - 1), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_it(parameter_ctr, NULL, sizeof params), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_it(parameter_ctr, NULL, 0), CKR_MECHANISM_PARAM_INVALID);
}

static void a_mac_is_cut_to_1_to_64_bytes(void **state)
{
    static const CK_ULONG wrong[] = {0, 65, ~0UL};
    CK_ULONG len = 20;
    (void)state;
    assert_int_equal(read_it(parameter_mac, &len, sizeof len), CKR_OK);
    assert_int_equal(tag_len, 20);
    assert_int_equal(encoded_len, 4);
    assert_int_equal(encoded[3], 20);
    assert_int_equal(read_it(parameter_mac, &len, 4), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_it(parameter_mac, NULL, sizeof len), CKR_MECHANISM_PARAM_INVALID);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        len = wrong[i];
        assert_int_equal(read_it(parameter_mac, &len, sizeof len), CKR_MECHANISM_PARAM_INVALID);
    }
}

static CK_RV read_pss(CK_MECHANISM_TYPE type, CK_RSA_PKCS_PSS_PARAMS params)
{
    const CK_MECHANISM mechanism = {type, &params, sizeof params};
    struct writer w = writer_of(encoded, sizeof encoded);
    CK_RV rv = parameter_pss(&mechanism, &w, &tag_len);
    encoded_len = w.used;
    return rv;
}

static void pss_takes_a_hash_with_its_own_mask(void **state)
{
    static const CK_RSA_PKCS_PSS_PARAMS right[] = {{CKM_SHA_1, CKG_MGF1_SHA1, 20},
        {CKM_SHA224, CKG_MGF1_SHA224, 0}, {CKM_SHA256, CKG_MGF1_SHA256, 32},
        {CKM_SHA384, CKG_MGF1_SHA384, 512}, {CKM_SHA512, CKG_MGF1_SHA512, 64}};
    static const CK_RSA_PKCS_PSS_PARAMS wrong[] = {{CKM_SHA256, CKG_MGF1_SHA1, 32},
        {CKM_SHA_1, CKG_MGF1_SHA256, 20}, {CKM_MD5, CKG_MGF1_SHA1, 16}, {0, 0, 0},
        {CKM_SHA256_RSA_PKCS, CKG_MGF1_SHA256, 32}, {CKM_SHA256, CKG_MGF1_SHA256, 513},
        {CKM_SHA256, CKG_MGF1_SHA256, ~0UL}, {(1UL << 32) + CKM_SHA256, CKG_MGF1_SHA256, 32},
        {CKM_SHA256, (1UL << 32) + CKG_MGF1_SHA256, 32}};
    struct wire_pss_parameter wire;
    (void)state;
    for (size_t i = 0; i < COUNT(right); i++) {
        assert_int_equal(read_pss(CKM_RSA_PKCS_PSS, right[i]), CKR_OK);
        assert_int_equal(
            schema_decode_whole(&wire_pss_parameter_schema, span_of(encoded, encoded_len), &wire),
            ERR_OK);
        assert_int_equal(wire.hash, right[i].hashAlg);
        assert_int_equal(wire.mgf, right[i].mgf);
        assert_int_equal(wire.salt_len, right[i].sLen);
    }
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (read_pss(CKM_RSA_PKCS_PSS, wrong[i]) != CKR_MECHANISM_PARAM_INVALID)
            fail_msg("parameter %zu is taken", i);
    assert_int_equal(read_it(parameter_pss, NULL, 0), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_it(parameter_pss, NULL, sizeof right[0]), CKR_MECHANISM_PARAM_INVALID);
}

static void a_mechanism_that_hashes_takes_no_other_hash(void **state)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_RSA_PKCS_PSS_PARAMS params;
    } rows[] = {{CKM_SHA1_RSA_PKCS_PSS, {CKM_SHA_1, CKG_MGF1_SHA1, 20}},
        {CKM_SHA224_RSA_PKCS_PSS, {CKM_SHA224, CKG_MGF1_SHA224, 28}},
        {CKM_SHA256_RSA_PKCS_PSS, {CKM_SHA256, CKG_MGF1_SHA256, 32}},
        {CKM_SHA384_RSA_PKCS_PSS, {CKM_SHA384, CKG_MGF1_SHA384, 48}},
        {CKM_SHA512_RSA_PKCS_PSS, {CKM_SHA512, CKG_MGF1_SHA512, 64}}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t j = 0; j < COUNT(rows); j++)
            assert_int_equal(read_pss(rows[i].type, rows[j].params),
                i == j ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
}

static void oaep_takes_a_hash_with_its_own_mask_and_a_label(void **state)
{
    static uint8_t label[1025];
    const CK_RSA_PKCS_OAEP_PARAMS right[] = {
        {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0},
        {CKM_SHA_1, CKG_MGF1_SHA1, 0, NULL, 0},
        {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, label, 1024}};
    const CK_RSA_PKCS_OAEP_PARAMS wrong[] = {
        {CKM_SHA256, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0},
        {CKM_MD5, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0},
        {CKM_SHA_1, CKG_MGF1_SHA1, 2, NULL, 0}, {CKM_SHA_1, CKG_MGF1_SHA1, 0, label, 1},
        {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 1},
        {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, label, 1025},
        {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, label, ~0UL}};
    struct wire_oaep_parameter wire;
    (void)state;
    for (size_t i = 0; i < COUNT(right); i++) {
        CK_RSA_PKCS_OAEP_PARAMS params = right[i];
        assert_int_equal(read_it(parameter_oaep, &params, sizeof params), CKR_OK);
        assert_int_equal(
            schema_decode_whole(&wire_oaep_parameter_schema, span_of(encoded, encoded_len), &wire),
            ERR_OK);
        assert_int_equal(wire.hash, params.hashAlg);
        assert_int_equal(wire.mgf, params.mgf);
        assert_int_equal(wire.label.len, params.ulSourceDataLen);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        CK_RSA_PKCS_OAEP_PARAMS params = wrong[i];
        if (read_it(parameter_oaep, &params, sizeof params) != CKR_MECHANISM_PARAM_INVALID)
            fail_msg("parameter %zu is taken", i);
    }
    assert_int_equal(read_it(parameter_oaep, NULL, 0), CKR_MECHANISM_PARAM_INVALID);
}

static void eddsa_is_ed25519_without_prehash_and_context(void **state)
{
    uint8_t context = 1;
    struct eddsa_params params = {CK_FALSE, 0, NULL};
    (void)state;
    assert_int_equal(read_it(parameter_eddsa, NULL, 0), CKR_OK);
    assert_int_equal(read_it(parameter_eddsa, &params, sizeof params), CKR_OK);
    assert_int_equal(encoded_len, 0);
    assert_int_equal(
        read_it(parameter_eddsa, &params, sizeof params - 1), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_it(parameter_eddsa, NULL, sizeof params), CKR_MECHANISM_PARAM_INVALID);
    params.prehashed = CK_TRUE;
    assert_int_equal(read_it(parameter_eddsa, &params, sizeof params), CKR_MECHANISM_PARAM_INVALID);
    params = (struct eddsa_params){CK_FALSE, 1, &context};
    assert_int_equal(read_it(parameter_eddsa, &params, sizeof params), CKR_MECHANISM_PARAM_INVALID);
}

/* Points of P-256, P-384 and P-521, as they are and in DER. */
static void ecdh_takes_a_point_as_it_is_or_in_der(void **state)
{
    static const struct {
        size_t header_len;
        uint8_t header[3];
        size_t size;
    } forms[] = {{0, {0}, 32}, {0, {0}, 48}, {0, {0}, 66}, {2, {0x04, 0x41}, 32},
        {2, {0x04, 0x61}, 48}, {3, {0x04, 0x81, 0x85}, 66}};
    struct wire_ecdh_parameter wire;
    uint8_t point[200];
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        memset(point, 0x3f, sizeof point);
        memcpy(point, forms[i].header, forms[i].header_len);
        point[forms[i].header_len] = 0x04;
        const size_t len = 1 + 2 * forms[i].size;
        CK_ECDH1_DERIVE_PARAMS params = {CKD_NULL, 0, NULL, forms[i].header_len + len, point};
        assert_int_equal(read_it(parameter_ecdh, &params, sizeof params), CKR_OK);
        assert_int_equal(
            schema_decode_whole(&wire_ecdh_parameter_schema, span_of(encoded, encoded_len), &wire),
            ERR_OK);
        assert_int_equal(wire.kdf, CKD_NULL);
        assert_int_equal(wire.shared_data.len, 0);
        assert_true(span_equal(wire.public_data, span_of(point + forms[i].header_len, len)));
        params.ulPublicDataLen--;
        assert_int_equal(
            read_it(parameter_ecdh, &params, sizeof params), CKR_MECHANISM_PARAM_INVALID);
        params.ulPublicDataLen += 2;
        assert_int_equal(
            read_it(parameter_ecdh, &params, sizeof params), CKR_MECHANISM_PARAM_INVALID);
        params.ulPublicDataLen--;
        point[forms[i].header_len] = 0x03;
        assert_int_equal(
            read_it(parameter_ecdh, &params, sizeof params), CKR_MECHANISM_PARAM_INVALID);
    }
}

static void ecdh_takes_two_kdfs_and_shared_data_for_one(void **state)
{
    static uint8_t point[65] = {0x04};
    static uint8_t shared[513];
    const CK_ECDH1_DERIVE_PARAMS wrong[] = {{0, 0, NULL, 65, point},
        {CKD_SHA1_KDF, 0, NULL, 65, point}, {CKD_NULL, 1, shared, 65, point},
        {CKD_SHA256_KDF, 1, NULL, 65, point}, {CKD_SHA256_KDF, 513, shared, 65, point},
        {CKD_SHA256_KDF, ~0UL, shared, 65, point}, {CKD_NULL, 0, NULL, 65, NULL},
        {CKD_NULL, 0, NULL, 0, NULL}, {CKD_NULL, 0, NULL, ~0UL, point}};
    CK_ECDH1_DERIVE_PARAMS params = {CKD_SHA256_KDF, 512, shared, 65, point};
    (void)state;
    assert_int_equal(read_it(parameter_ecdh, &params, sizeof params), CKR_OK);
    assert_int_equal(
        read_it(parameter_ecdh, &params, sizeof params - 1), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_it(parameter_ecdh, NULL, 0), CKR_MECHANISM_PARAM_INVALID);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        params = wrong[i];
        if (read_it(parameter_ecdh, &params, sizeof params) != CKR_MECHANISM_PARAM_INVALID)
            fail_msg("parameter %zu is taken", i);
    }
}

/* ---- sizes ---- */

static void assert_end(CK_MECHANISM_TYPE type, CK_FLAGS function, size_t held, bool possible,
    size_t least, size_t most)
{
    const struct mechanism_row *row = mechanism_find(type, function);
    size_t got_least = 0;
    size_t got_most = 0;
    assert_int_equal(
        mechanism_end_output(row, row->tagged ? 16 : 0, held, &got_least, &got_most), possible);
    assert_int_equal(got_least, least);
    assert_int_equal(got_most, most);
}

static void the_end_gives_so_much(void **state)
{
    (void)state;
    assert_end(CKM_AES_CBC_PAD, CKF_ENCRYPT, 0, true, 16, 16);
    assert_end(CKM_AES_CBC_PAD, CKF_ENCRYPT, 15, true, 16, 16);
    assert_end(CKM_AES_CBC_PAD, CKF_ENCRYPT, 16, true, 32, 32);
    assert_end(CKM_AES_CBC_PAD, CKF_DECRYPT, 0, false, 0, 0);
    assert_end(CKM_AES_CBC_PAD, CKF_DECRYPT, 17, false, 0, 0);
    assert_end(CKM_AES_CBC_PAD, CKF_DECRYPT, 16, true, 0, 15);
    assert_end(CKM_AES_CBC_PAD, CKF_DECRYPT, 48, true, 32, 47);
    assert_end(CKM_AES_CBC, CKF_ENCRYPT, 32, true, 32, 32);
    assert_end(CKM_AES_CBC, CKF_ENCRYPT, 33, false, 0, 0);
    assert_end(CKM_AES_CBC, CKF_DECRYPT, 32, true, 32, 32);
    assert_end(CKM_AES_CBC, CKF_DECRYPT, 31, false, 0, 0);
    assert_end(CKM_AES_ECB, CKF_ENCRYPT, 0, true, 0, 0);
    assert_end(CKM_AES_ECB, CKF_ENCRYPT, 15, false, 0, 0);
    assert_end(CKM_AES_ECB, CKF_DECRYPT, 1, false, 0, 0);
    assert_end(CKM_AES_CTR, CKF_ENCRYPT, 7, true, 7, 7);
    assert_end(CKM_AES_CTR, CKF_DECRYPT, 7, true, 7, 7);
    assert_end(CKM_AES_GCM, CKF_ENCRYPT, 0, true, 16, 16);
    assert_end(CKM_AES_GCM, CKF_ENCRYPT, 100, true, 116, 116);
    assert_end(CKM_AES_GCM, CKF_DECRYPT, 15, false, 0, 0);
    assert_end(CKM_AES_GCM, CKF_DECRYPT, 16, true, 0, 0);
    assert_end(CKM_AES_GCM, CKF_DECRYPT, 116, true, 100, 100);
}

static void a_part_gives_at_most_so_much(void **state)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_FLAGS function;
        size_t held;
        size_t out;
    } rows[] = {
        {CKM_AES_CBC_PAD, CKF_ENCRYPT, 15, 0},
        {CKM_AES_CBC_PAD, CKF_ENCRYPT, 16, 16},
        {CKM_AES_CBC_PAD, CKF_ENCRYPT, 33, 32},
        {CKM_AES_CBC_PAD, CKF_DECRYPT, 0, 0},
        {CKM_AES_CBC_PAD, CKF_DECRYPT, 16, 0},
        {CKM_AES_CBC_PAD, CKF_DECRYPT, 17, 16},
        {CKM_AES_CBC_PAD, CKF_DECRYPT, 32, 16},
        {CKM_AES_CBC, CKF_ENCRYPT, 31, 16},
        {CKM_AES_CBC, CKF_DECRYPT, 31, 16},
        {CKM_AES_CBC, CKF_DECRYPT, 32, 32},
        {CKM_AES_ECB, CKF_DECRYPT, 17, 16},
        {CKM_AES_CTR, CKF_ENCRYPT, 7, 7},
        {CKM_AES_GCM, CKF_ENCRYPT, 7, 7},
        {CKM_AES_GCM, CKF_DECRYPT, 1000, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(
            mechanism_part_output(mechanism_find(rows[i].type, rows[i].function), rows[i].held),
            rows[i].out);
}

/* ---- the table ---- */

static bool needs_permission(const struct mechanism_row *row)
{
    return (row->function & (CKF_GENERATE | CKF_GENERATE_KEY_PAIR | CKF_DIGEST)) == 0;
}

/* Whoever adds a row finds here what it needs besides. */
static void every_row_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < mechanism_rows_count; i++) {
        const struct mechanism_row *row = &mechanism_rows[i];
        assert_non_null(row->parameter);
        assert_ptr_equal(mechanism_find(row->type, row->function), row);
        if ((row->function & (CKF_ENCRYPT | CKF_DECRYPT)) != 0)
            assert_true(row->block > 0);
        else
            assert_int_equal(row->block, 0);
        if (needs_permission(row))
            assert_int_equal(attribute_find(mechanism_permission(row))->kind, ATTRIBUTE_BOOL);
        assert_int_equal(mechanism_needs_device(row), row->function != CKF_DIGEST);
        if (row->hash != NULL) {
            assert_true(row->hash->context_size <= sizeof(union mechanism_hash));
            assert_true(row->hash->digest_size <= MECHANISM_DIGEST_MAX);
            assert_non_null(hash_of(row->hash));
        }
    }
}

/* A device that can do everything. */
static void a_token_has_room_for_every_mechanism_and_lists_it_once(void **state)
{
    static uint8_t list[64 * 1024];
    struct writer w = writer_of(list, sizeof list);
    struct token token;
    (void)state;
    for (size_t i = 0; i < mechanism_rows_count; i++) {
        const struct wire_mechanism device = {.type = mechanism_rows[i].device, .flags = ~0U};
        schema_encode(&wire_mechanism_schema, &device, &w);
    }
    const struct wire_hello_reply hello = {.present = 1, .mechanisms = writer_bytes(&w)};
    assert_int_equal(token_read(&hello, &token), ERR_OK);
    for (size_t i = 0; i < mechanism_rows_count; i++) {
        const CK_MECHANISM_INFO *info = token_mechanism(&token, mechanism_rows[i].type);
        assert_non_null(info);
        assert_int_equal(info->flags & mechanism_rows[i].function, mechanism_rows[i].function);
        for (size_t j = 0; j < token.mechanism_count; j++)
            assert_true(
                &token.mechanism_infos[j] == info || token.mechanisms[j] != mechanism_rows[i].type);
    }
}

static struct token token_with(CK_MECHANISM_TYPE type, CK_FLAGS flags)
{
    static uint8_t list[16];
    struct writer w = writer_of(list, sizeof list);
    const struct wire_mechanism device = {(uint32_t)type, 256, 521, (uint32_t)flags};
    struct token token;
    schema_encode(&wire_mechanism_schema, &device, &w);
    const struct wire_hello_reply hello = {.present = 1, .mechanisms = writer_bytes(&w)};
    assert_int_equal(token_read(&hello, &token), ERR_OK);
    return token;
}

/* CKF_HW is told of what the device does alone; who offers to sign gets verification besides. */
static void flags_say_what_the_device_does(void **state)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_FLAGS flags;
    } rows[] = {{CKM_ECDSA, CKF_HW | CKF_SIGN | CKF_VERIFY},
        {CKM_ECDSA_SHA256, CKF_SIGN | CKF_VERIFY}, {CKM_SHA256, CKF_DIGEST},
        {CKM_SHA_1, CKF_DIGEST}};
    const struct token token = token_with(CKM_ECDSA, CKF_HW | CKF_SIGN | CKF_GENERATE_KEY_PAIR);
    const CK_FLAGS asked =
        CKF_HW | CKF_SIGN | CKF_VERIFY | CKF_DIGEST | CKF_ENCRYPT | CKF_GENERATE_KEY_PAIR;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(token_mechanism(&token, rows[i].type)->flags & asked, rows[i].flags);
    assert_int_equal(token_mechanism(&token, CKM_ECDSA)->ulMaxKeySize, 521);
}

static void what_the_device_does_not_offer_is_not_listed(void **state)
{
    const struct token token = token_with(CKM_AES_CBC, CKF_DECRYPT);
    (void)state;
    assert_int_equal(token.mechanism_count, 5 + 1); /* digests need no device */
    assert_int_equal(token_mechanism(&token, CKM_AES_CBC)->flags, CKF_DECRYPT);
    assert_null(token_mechanism(&token, CKM_AES_CBC_PAD));
    assert_null(token_mechanism(&token, CKM_RSA_PKCS_KEY_PAIR_GEN)); /* whose number is 0 */
}

static void allowed_mechanisms_of_a_key_bind(void **state)
{
    uint8_t list[64];
    struct writer w = writer_of(list, sizeof list);
    uint8_t allowed[16] = {[7] = CKM_RSA_PKCS, [14] = 0x10, [15] = 0x41};
    const struct mechanism_row *ecdsa = mechanism_find(CKM_ECDSA, CKF_SIGN);
    (void)state;
    assert_true(mechanism_is_allowed(ecdsa, span_of(NULL, 0)));
    attribute_put(&w, ATTR_ALLOWED_MECHANISMS, span_of(allowed, sizeof allowed));
    assert_true(mechanism_is_allowed(ecdsa, writer_bytes(&w)));
    assert_true(mechanism_is_allowed(mechanism_find(CKM_RSA_PKCS, CKF_SIGN), writer_bytes(&w)));
    assert_false(
        mechanism_is_allowed(mechanism_find(CKM_ECDSA_SHA256, CKF_SIGN), writer_bytes(&w)));
    w.used = 0;
    attribute_put(&w, ATTR_ALLOWED_MECHANISMS, span_of(NULL, 0)); /* empty: no rule */
    assert_true(mechanism_is_allowed(ecdsa, writer_bytes(&w)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mechanism_without_a_parameter_takes_none),
        TEST(an_iv_has_its_length),
        TEST(gcm_parameters_of_both_layouts_are_taken),
        TEST(gcm_parameters_at_their_limits),
        TEST(gcm_parameters_that_are_wrong_are_refused),
        TEST(a_counter_has_1_to_128_bits),
        TEST(a_mac_is_cut_to_1_to_64_bytes),
        TEST(pss_takes_a_hash_with_its_own_mask),
        TEST(a_mechanism_that_hashes_takes_no_other_hash),
        TEST(oaep_takes_a_hash_with_its_own_mask_and_a_label),
        TEST(eddsa_is_ed25519_without_prehash_and_context),
        TEST(ecdh_takes_a_point_as_it_is_or_in_der),
        TEST(ecdh_takes_two_kdfs_and_shared_data_for_one),
        TEST(the_end_gives_so_much),
        TEST(a_part_gives_at_most_so_much),
        TEST(every_row_is_whole),
        TEST(a_token_has_room_for_every_mechanism_and_lists_it_once),
        TEST(flags_say_what_the_device_does),
        TEST(what_the_device_does_not_offer_is_not_listed),
        TEST(allowed_mechanisms_of_a_key_bind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
