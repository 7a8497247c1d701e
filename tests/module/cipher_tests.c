/* SPDX-License-Identifier: MIT
 *
 * CKM_AES_GCM and CKM_AES_CBC_PAD in one part, short and longer than a message: results, sizes,
 * parameters, wrong order.
 */
#include "stand.h"

#include "cipher_stand.h"

/* Around blocks, and around the 61440 bytes of a message */
static const size_t lengths[] = {
    0, 1, 15, 16, 17, 32, 1000, 61439, 61440, 61441, 61456, 122880, CIPHER_DATA};

static CK_RV encrypt(const struct cipher *cipher, size_t data_len)
{
    CK_RV rv = p11->C_EncryptInit(stand.session, cipher->mechanism, cipher_key);
    cipher_out_len = CIPHER_ROOM;
    return rv != CKR_OK
               ? rv
               : p11->C_Encrypt(stand.session, cipher_data, data_len, cipher_out, &cipher_out_len);
}

static CK_RV decrypt(const struct cipher *cipher, uint8_t *encrypted, size_t len)
{
    CK_RV rv = p11->C_DecryptInit(stand.session, cipher->mechanism, cipher_key);
    cipher_out_len = CIPHER_ROOM;
    return rv != CKR_OK
               ? rv
               : p11->C_Decrypt(stand.session, encrypted, len, cipher_out, &cipher_out_len);
}

static void of_any_length_it_is_what_openssl_makes_and_comes_back(void **state)
{
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        for (size_t i = 0; i < COUNT(lengths); i++) {
            const size_t wanted = cipher_expect(cipher, lengths[i]);
            assert_rv(CKR_OK, encrypt(cipher, lengths[i]));
            assert_int_equal(cipher_out_len, wanted);
            assert_memory_equal(cipher_out, cipher_wanted, wanted);
            assert_rv(CKR_OK, decrypt(cipher, cipher_wanted, wanted));
            assert_int_equal(cipher_out_len, lengths[i]);
            if (lengths[i] > 0)
                assert_memory_equal(cipher_out, cipher_data, lengths[i]);
        }
    }
    assert_cipher_ended();
}

/* NIST SP 800-38A, F.2.5; of what the padding adds nothing is said there */
static void the_known_answer_of_cbc(void **state)
{
    static const uint8_t value[] = {0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73,
        0xae, 0xf0, 0x85, 0x7d, 0x77, 0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61, 0x08, 0xd7, 0x2d,
        0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4};
    static uint8_t iv[BLOCK] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t plain[] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d,
        0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c, 0x9e,
        0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51};
    static const uint8_t wanted[] = {0xf5, 0x8c, 0x4c, 0x04, 0xd6, 0xe5, 0xf1, 0xba, 0x77, 0x9e,
        0xab, 0xfb, 0x5f, 0x7b, 0xfb, 0xd6, 0x9c, 0xfc, 0x4e, 0x96, 0x7e, 0xdb, 0x80, 0x8d, 0x67,
        0x9f, 0x77, 0x7b, 0xc6, 0x70, 0x2c, 0x7d};
    CK_MECHANISM mechanism = {CKM_AES_CBC_PAD, iv, sizeof iv};
    const struct cipher cipher = {&mechanism, NULL};
    (void)state;
    assert_rv(CKR_OK,
        import_secret(stand.session, false, "known", CKK_AES, value, sizeof value, &cipher_key));
    memcpy(cipher_data, plain, sizeof plain);
    assert_rv(CKR_OK, encrypt(&cipher, sizeof plain));
    assert_int_equal(cipher_out_len, sizeof plain + BLOCK);
    assert_memory_equal(cipher_out, wanted, sizeof wanted);
}

/* McGrew and Viega, The Galois/Counter Mode of Operation, test case 16 */
static void the_known_answer_of_gcm(void **state)
{
    static const uint8_t value[] = {0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a,
        0x8f, 0x94, 0x67, 0x30, 0x83, 0x08, 0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d,
        0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
    static uint8_t iv[] = {0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
    static uint8_t aad[] = {0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed, 0xfa, 0xce,
        0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2};
    static const uint8_t plain[] = {0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59,
        0x09, 0xc5, 0xaf, 0xf5, 0x26, 0x9a, 0x86, 0xa7, 0xa9, 0x53, 0x15, 0x34, 0xf7, 0xda, 0x2e,
        0x4c, 0x30, 0x3d, 0x8a, 0x31, 0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95, 0x95, 0x68, 0x09, 0x53,
        0x2f, 0xcf, 0x0e, 0x24, 0x49, 0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6,
        0x57, 0xba, 0x63, 0x7b, 0x39};
    static const uint8_t tag[TAG] = {0x76, 0xfc, 0x6e, 0xce, 0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf,
        0x88, 0x53, 0xbb, 0x2d, 0x55, 0x1b};
    CK_GCM_PARAMS params = {iv, sizeof iv, 8 * sizeof iv, aad, sizeof aad, 128};
    CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof params};
    const struct cipher cipher = {&mechanism, NULL};
    (void)state;
    assert_rv(CKR_OK,
        import_secret(stand.session, false, "known", CKK_AES, value, sizeof value, &cipher_key));
    memcpy(cipher_data, plain, sizeof plain);
    assert_rv(CKR_OK, encrypt(&cipher, sizeof plain));
    assert_int_equal(cipher_out_len, sizeof plain + TAG);
    assert_memory_equal(cipher_out + sizeof plain, tag, TAG);
}

/* The text of 2.40 has no ulIvBits, and some programs follow it. */
static void gcm_parameters_without_ulIvBits_mean_the_same(void **state)
{
    struct {
        CK_BYTE *iv;
        CK_ULONG iv_len;
        CK_BYTE *aad;
        CK_ULONG aad_len;
        CK_ULONG tag_bits;
    } params = {cipher_params.pIv, cipher_params.ulIvLen, cipher_params.pAAD,
        cipher_params.ulAADLen, cipher_params.ulTagBits};
    CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof params};
    const struct cipher cipher = {&mechanism, NULL};
    (void)state;
    const size_t wanted = cipher_expect(&cipher_gcm, 1000);
    assert_rv(CKR_OK, encrypt(&cipher, 1000));
    assert_int_equal(cipher_out_len, wanted);
    assert_memory_equal(cipher_out, cipher_wanted, wanted);
}

/* ---- sizes ---- */

static void a_size_query_and_a_small_buffer_do_not_end_it(void **state)
{
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        for (size_t i = 0; i < COUNT(lengths); i++) {
            const size_t wanted = cipher_expect(cipher, lengths[i]);
            assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, cipher->mechanism, cipher_key));
            cipher_out_len = 0;
            assert_rv(CKR_OK,
                p11->C_Encrypt(stand.session, cipher_data, lengths[i], NULL, &cipher_out_len));
            assert_int_equal(cipher_out_len, wanted);
            cipher_out_len = wanted - 1;
            assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_Encrypt(stand.session, cipher_data, lengths[i],
                                                cipher_out, &cipher_out_len));
            assert_int_equal(cipher_out_len, wanted);
            assert_rv(CKR_OK, p11->C_Encrypt(stand.session, cipher_data, lengths[i], cipher_out,
                                  &cipher_out_len));
            assert_memory_equal(cipher_out, cipher_wanted, wanted);
        }
    }
    assert_cipher_ended();
}

/* A program that knows how much was encrypted gives just that much room. */
static void decryption_needs_no_more_room_than_the_data_has(void **state)
{
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        for (size_t i = 0; i < COUNT(lengths); i++) {
            const size_t wanted = cipher_expect(cipher, lengths[i]);
            CK_ULONG size = 0;
            assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, cipher->mechanism, cipher_key));
            assert_rv(CKR_OK, p11->C_Decrypt(stand.session, cipher_wanted, wanted, NULL, &size));
            assert_true(size >= lengths[i] && size < lengths[i] + BLOCK);
            if (lengths[i] > 0) {
                cipher_out_len = lengths[i] - 1;
                assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_Decrypt(stand.session, cipher_wanted, wanted,
                                                    cipher_out, &cipher_out_len));
                assert_true(cipher_out_len >= lengths[i] && cipher_out_len <= size);
            }
            cipher_out_len = lengths[i];
            cipher_out[lengths[i]] = 0xa5;
            assert_rv(CKR_OK,
                p11->C_Decrypt(stand.session, cipher_wanted, wanted, cipher_out, &cipher_out_len));
            assert_int_equal(cipher_out_len, lengths[i]);
            assert_int_equal(cipher_out[lengths[i]], 0xa5);
            if (lengths[i] > 0)
                assert_memory_equal(cipher_out, cipher_data, lengths[i]);
        }
    }
    assert_cipher_ended();
}

static void input_and_output_may_be_the_same_bytes_or_overlap(void **state)
{
    static const size_t shifts[] = {0, 1, 7, 16, 5000};
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        for (size_t i = 0; i < 8 * COUNT(shifts); i++) {
            const size_t shift = shifts[i / 8];
            const bool no_end = i % 8 >= 4; /* all that the program says of its room */
            const size_t all = i % 4 < 2 ? 150000 : 1000;
            uint8_t *in = cipher_out + (i % 2 == 0 ? 0 : shift);
            uint8_t *out = cipher_out + (i % 2 == 0 ? shift : 0);
            const size_t wanted = cipher_expect(cipher, all);
            memcpy(in, cipher_data, all);
            cipher_out_len = no_end ? (CK_ULONG)-1 : wanted;
            assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, cipher->mechanism, cipher_key));
            assert_rv(CKR_OK, p11->C_Encrypt(stand.session, in, all, out, &cipher_out_len));
            assert_memory_equal(out, cipher_wanted, wanted);
            memcpy(in, cipher_wanted, wanted);
            cipher_out_len = no_end ? (CK_ULONG)-1 : all;
            assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, cipher->mechanism, cipher_key));
            assert_rv(CKR_OK, p11->C_Decrypt(stand.session, in, wanted, out, &cipher_out_len));
            assert_memory_equal(out, cipher_data, all);
        }
    }
}

/* In place with too little room nothing may be lost: the program calls again. */
static void a_small_buffer_leaves_the_input_as_it_is(void **state)
{
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        const size_t wanted = cipher_expect(cipher, 150001);
        memcpy(cipher_out, cipher_wanted, wanted);
        assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, cipher->mechanism, cipher_key));
        cipher_out_len = 150000;
        assert_rv(CKR_BUFFER_TOO_SMALL,
            p11->C_Decrypt(stand.session, cipher_out, wanted, cipher_out, &cipher_out_len));
        assert_memory_equal(cipher_out, cipher_wanted, wanted);
        cipher_out_len = wanted;
        assert_rv(
            CKR_OK, p11->C_Decrypt(stand.session, cipher_out, wanted, cipher_out, &cipher_out_len));
        assert_int_equal(cipher_out_len, 150001);
        assert_memory_equal(cipher_out, cipher_data, 150001);
    }
}

/* ---- what is refused ---- */

static void a_changed_byte_is_noticed_by_gcm_and_nothing_is_given(void **state)
{
    static const size_t sizes[] = {0, 100, 150000};
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        const size_t wanted = cipher_expect(&cipher_gcm, sizes[i]);
        for (size_t j = 0; j < 3; j++) {
            const size_t at = j == 0 ? 0 : j == 1 ? wanted / 2 : wanted - 1;
            cipher_wanted[at] ^= 4;
            memset(cipher_out, 0xa5, CIPHER_ROOM);
            assert_rv(CKR_ENCRYPTED_DATA_INVALID, decrypt(&cipher_gcm, cipher_wanted, wanted));
            for (size_t k = 0; k < CIPHER_ROOM; k += k < 200 ? 1 : 997)
                assert_true(cipher_out[k] == 0xa5 || cipher_out[k] == 0);
            assert_cipher_ended();
            cipher_wanted[at] ^= 4;
        }
        cipher_params.ulAADLen--;
        assert_rv(CKR_ENCRYPTED_DATA_INVALID, decrypt(&cipher_gcm, cipher_wanted, wanted));
        cipher_params.ulAADLen++;
        assert_rv(CKR_OK, decrypt(&cipher_gcm, cipher_wanted, wanted));
    }
}

static void encrypted_data_of_an_impossible_length_is_refused(void **state)
{
    static const size_t of_cbc[] = {0, 1, 15, 17, 61441};
    (void)state;
    for (size_t i = 0; i < COUNT(of_cbc); i++) {
        assert_rv(CKR_ENCRYPTED_DATA_LEN_RANGE, decrypt(&cipher_cbc, cipher_data, of_cbc[i]));
        assert_cipher_ended();
    }
    assert_rv(CKR_ENCRYPTED_DATA_LEN_RANGE, decrypt(&cipher_gcm, cipher_data, 0));
    assert_rv(CKR_ENCRYPTED_DATA_LEN_RANGE, decrypt(&cipher_gcm, cipher_data, TAG - 1));
    assert_rv(CKR_ENCRYPTED_DATA_LEN_RANGE, decrypt(&cipher_gcm, cipher_data, ~0UL));
    assert_rv(CKR_DATA_LEN_RANGE, encrypt(&cipher_gcm, ~0UL));
    assert_cipher_ended();
}

static void wrong_order_and_bad_arguments_are_said(void **state)
{
    (void)state;
    assert_cipher_ended();
    FOR_EACH_CIPHER(cipher)
    {
        CK_MECHANISM *mechanism = cipher->mechanism;
        assert_rv(CKR_ARGUMENTS_BAD, p11->C_EncryptInit(stand.session, NULL, cipher_key));
        assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, mechanism, cipher_key));
        assert_rv(CKR_OPERATION_ACTIVE, p11->C_EncryptInit(stand.session, mechanism, cipher_key));
        assert_rv(
            CKR_ARGUMENTS_BAD, p11->C_Encrypt(stand.session, NULL, 1, cipher_out, &cipher_out_len));
        assert_cipher_ended();
        assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, mechanism, cipher_key));
        assert_rv(
            CKR_ARGUMENTS_BAD, p11->C_Encrypt(stand.session, cipher_data, 1, cipher_out, NULL));
        assert_cipher_ended();
        assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, mechanism, cipher_key));
        assert_rv(CKR_OPERATION_ACTIVE, p11->C_DecryptInit(stand.session, mechanism, cipher_key));
        assert_rv(CKR_ARGUMENTS_BAD, p11->C_Decrypt(stand.session, cipher_data, 64, NULL, NULL));
        assert_cipher_ended();
    }
}

static void a_key_that_does_not_fit_is_refused(void **state)
{
    CK_OBJECT_HANDLE generic;
    (void)state;
    assert_rv(CKR_OK, import_secret(stand.session, false, "generic", CKK_GENERIC_SECRET,
                          cipher_data, 32, &generic));
    FOR_EACH_CIPHER(cipher)
    {
        CK_MECHANISM *mechanism = cipher->mechanism;
        assert_rv(CKR_KEY_TYPE_INCONSISTENT, p11->C_EncryptInit(stand.session, mechanism, generic));
        assert_rv(
            CKR_KEY_TYPE_INCONSISTENT, p11->C_DecryptInit(stand.session, mechanism, stand.key));
        assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_EncryptInit(stand.session, mechanism, 0));
    }
    assert_cipher_ended();
}

static void a_key_without_the_right_is_refused(void **state)
{
    CK_MECHANISM generate_aes = {CKM_AES_KEY_GEN, NULL, 0};
    CK_BBOOL no = CK_FALSE;
    CK_ULONG size = 16;
    CK_ATTRIBUTE template[] = {{CKA_VALUE_LEN, &size, sizeof size}, {CKA_ENCRYPT, &no, sizeof no},
        {CKA_DECRYPT, &no, sizeof no}};
    CK_OBJECT_HANDLE key;
    (void)state;
    assert_rv(
        CKR_OK, p11->C_GenerateKey(stand.session, &generate_aes, template, COUNT(template), &key));
    FOR_EACH_CIPHER(cipher)
    {
        CK_MECHANISM *mechanism = cipher->mechanism;
        assert_rv(
            CKR_KEY_FUNCTION_NOT_PERMITTED, p11->C_EncryptInit(stand.session, mechanism, key));
        assert_rv(
            CKR_KEY_FUNCTION_NOT_PERMITTED, p11->C_DecryptInit(stand.session, mechanism, key));
    }
}

static void a_mechanism_that_is_not_offered_is_refused(void **state)
{
    static const CK_MECHANISM_TYPE types[] = {
        CKM_DES3_CBC, CKM_AES_CTS, CKM_AES_CCM, CKM_AES_KEY_WRAP, CKM_SHA256_HMAC, ~0UL};
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        CK_MECHANISM mechanism = {types[i], cipher_data, 16};
        assert_rv(CKR_MECHANISM_INVALID, p11->C_EncryptInit(stand.session, &mechanism, cipher_key));
        assert_rv(CKR_MECHANISM_INVALID, p11->C_DecryptInit(stand.session, &mechanism, cipher_key));
    }
}

/* The unit test mechanism_parameter has the rest of what may be wrong with it. */
static void a_parameter_that_is_wrong_is_refused(void **state)
{
    uint8_t aad[4096] = {0};
    CK_MECHANISM short_iv = {CKM_AES_CBC_PAD, cipher_data, 15};
    CK_MECHANISM without = {CKM_AES_GCM, NULL, 0};
    (void)state;
    assert_rv(
        CKR_MECHANISM_PARAM_INVALID, p11->C_EncryptInit(stand.session, &short_iv, cipher_key));
    assert_rv(CKR_MECHANISM_PARAM_INVALID, p11->C_DecryptInit(stand.session, &without, cipher_key));
    cipher_params.pAAD = aad;
    cipher_params.ulAADLen = sizeof aad;
    assert_rv(CKR_MECHANISM_PARAM_INVALID,
        p11->C_EncryptInit(stand.session, cipher_gcm.mechanism, cipher_key));
    cipher_params.ulAADLen = 2560;
    assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, cipher_gcm.mechanism, cipher_key));
}

static void the_program_may_free_its_parameter_after_init(void **state)
{
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        const size_t wanted = cipher_expect(cipher, 1000);
        assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, cipher->mechanism, cipher_key));
        cipher_spoil_parameters();
        cipher_out_len = CIPHER_ROOM;
        assert_rv(
            CKR_OK, p11->C_Encrypt(stand.session, cipher_data, 1000, cipher_out, &cipher_out_len));
        assert_memory_equal(cipher_out, cipher_wanted, wanted);
        cipher_reset_parameters();
    }
}

static void a_short_tag_is_the_start_of_the_long_one(void **state)
{
    (void)state;
    const size_t wanted = cipher_expect(&cipher_gcm, 100);
    cipher_params.ulTagBits = 96;
    assert_rv(CKR_OK, encrypt(&cipher_gcm, 100));
    assert_int_equal(cipher_out_len, wanted - 4);
    assert_memory_equal(cipher_out, cipher_wanted, wanted - 4);
    assert_rv(CKR_OK, decrypt(&cipher_gcm, cipher_wanted, wanted - 4));
    assert_memory_equal(cipher_out, cipher_data, 100);
}

/* What it decrypts is held by the worker until the tag is verified: not without a limit. */
static void gcm_decrypts_up_to_one_mebibyte(void **state)
{
    enum { MEBIBYTE = 1 << 20 };
    static uint8_t data[MEBIBYTE + 1];
    static uint8_t encrypted[sizeof data + TAG];
    static uint8_t decrypted[sizeof data + TAG];
    CK_MECHANISM *mechanism = cipher_gcm.mechanism;
    (void)state;
    fill_bytes(data, sizeof data, 8);
    for (size_t more = 0; more < 2; more++) {
        CK_ULONG len = sizeof encrypted;
        CK_ULONG room = sizeof decrypted;
        assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, mechanism, cipher_key));
        assert_rv(CKR_OK, p11->C_Encrypt(stand.session, data, MEBIBYTE + more, encrypted, &len));
        assert_int_equal(len, MEBIBYTE + more + TAG);
        assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, mechanism, cipher_key));
        assert_rv(more == 0 ? CKR_OK : CKR_DATA_LEN_RANGE,
            p11->C_Decrypt(stand.session, encrypted, len, decrypted, &room));
        assert_cipher_ended();
        if (more == 0)
            assert_memory_equal(decrypted, data, MEBIBYTE);
    }
}

int cipher_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CIPHERS(of_any_length_it_is_what_openssl_makes_and_comes_back),
        WITH_CIPHERS(the_known_answer_of_cbc),
        WITH_CIPHERS(the_known_answer_of_gcm),
        WITH_CIPHERS(gcm_parameters_without_ulIvBits_mean_the_same),
        WITH_CIPHERS(a_size_query_and_a_small_buffer_do_not_end_it),
        WITH_CIPHERS(decryption_needs_no_more_room_than_the_data_has),
        WITH_CIPHERS(input_and_output_may_be_the_same_bytes_or_overlap),
        WITH_CIPHERS(a_small_buffer_leaves_the_input_as_it_is),
        WITH_CIPHERS(a_changed_byte_is_noticed_by_gcm_and_nothing_is_given),
        WITH_CIPHERS(encrypted_data_of_an_impossible_length_is_refused),
        WITH_CIPHERS(wrong_order_and_bad_arguments_are_said),
        WITH_CIPHERS(a_key_that_does_not_fit_is_refused),
        WITH_CIPHERS(a_key_without_the_right_is_refused),
        WITH_CIPHERS(a_mechanism_that_is_not_offered_is_refused),
        WITH_CIPHERS(a_parameter_that_is_wrong_is_refused),
        WITH_CIPHERS(the_program_may_free_its_parameter_after_init),
        WITH_CIPHERS(gcm_decrypts_up_to_one_mebibyte),
        WITH_CIPHERS(a_short_tag_is_the_start_of_the_long_one),
    };
    return cmocka_run_group_tests_name("cipher", tests, NULL, NULL);
}
