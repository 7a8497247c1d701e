/* SPDX-License-Identifier: MIT
 *
 * Parameters of mechanisms as programs give them, right and wrong; and how much comes out of an
 * encryption or decryption.
 */
#include "test.h"

#include "pkcs11-module/mechanism.h"

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
    CK_GCM_PARAMS bits_left_out = good();
    (void)state;
    iv[0] = 1;
    aad[0] = 2;
    assert_int_equal(read_gcm(good()), CKR_OK);
    assert_travels(12, 20, 128);
    bits_left_out.ulIvBits = 0;
    assert_int_equal(read_gcm(bits_left_out), CKR_OK);
    assert_travels(12, 20, 128);
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
        {offsetof(CK_GCM_PARAMS, ulIvBits), 95},
        {offsetof(CK_GCM_PARAMS, ulIvBits), 12},
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
        {CKM_AES_GCM, CKF_ENCRYPT, 7, 7},
        {CKM_AES_GCM, CKF_DECRYPT, 1000, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(
            mechanism_part_output(mechanism_find(rows[i].type, rows[i].function), rows[i].held),
            rows[i].out);
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
        if ((row->function & (CKF_GENERATE | CKF_GENERATE_KEY_PAIR)) == 0)
            assert_int_not_equal(mechanism_permission(row), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mechanism_without_a_parameter_takes_none),
        TEST(an_iv_has_its_length),
        TEST(gcm_parameters_of_both_layouts_are_taken),
        TEST(gcm_parameters_at_their_limits),
        TEST(gcm_parameters_that_are_wrong_are_refused),
        TEST(the_end_gives_so_much),
        TEST(a_part_gives_at_most_so_much),
        TEST(every_row_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
