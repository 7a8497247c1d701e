/* SPDX-License-Identifier: MIT
 *
 * Message-based encryption, decryption, signing and verifying (3.0): which messages they become,
 * where IV and tag go, what a changed message gives (nothing), and that the session's own
 * operations go on beside them. Then C_SessionCancel, which ends all of that.
 */
#include "module_stand.h"

#include "pkcs11-module/cancel.h"
#include "pkcs11-module/cipher.h"
#include "pkcs11-module/sign.h"

enum { IV_LEN = 12, LEN = 1000 };

static uint8_t iv[IV_LEN];
static uint8_t tag[TAG_LEN];
static struct gcm_message_params params;
static struct message_parameter parameter;
static uint8_t encrypted[ROOM];
static CK_ULONG encrypted_len;

static const CK_MECHANISM gcm = {CKM_AES_GCM, NULL, 0};
static const CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};

static struct span data_of(size_t len)
{
    return span_of(stand.data, len);
}

static int up(void **state)
{
    memset(iv, 0x11, sizeof iv);
    memset(tag, 0, sizeof tag);
    memset(encrypted, 0, sizeof encrypted);
    encrypted_len = sizeof encrypted;
    params = (struct gcm_message_params){iv, IV_LEN, 0, GENERATE_NOT, tag, 8 * TAG_LEN};
    parameter = (struct message_parameter){&params, sizeof params, {(const uint8_t *)"aad", 3}};
    return stand_up(state);
}
#define WITH_MESSAGES(test) cmocka_unit_test_setup_teardown(test, up, stand_down)

static void begin(enum operation_kind kind)
{
    assert_rv(CKR_OK, message_begin(&stand.session, kind, &gcm, stand.aes));
}

static CK_RV encrypt(size_t len)
{
    encrypted_len = sizeof encrypted;
    return message_encrypt(&stand.session, &parameter, data_of(len), encrypted, &encrypted_len);
}

static CK_RV decrypt(size_t len)
{
    stand.len = sizeof stand.out;
    return message_decrypt(
        &stand.session, &parameter, span_of(encrypted, len), stand.out, &stand.len);
}

static CK_RV encrypt_next(size_t at, size_t len, CK_FLAGS flags)
{
    encrypted_len = sizeof encrypted - at;
    return message_encrypt_next(&stand.session, &parameter, span_of(stand.data + at, len),
        encrypted + at, &encrypted_len, flags);
}

static CK_RV decrypt_next(size_t at, size_t len, CK_FLAGS flags)
{
    stand.len = sizeof stand.out;
    return message_decrypt_next(
        &stand.session, &parameter, span_of(encrypted + at, len), stand.out, &stand.len, flags);
}

/* ---- one part ---- */

static void a_message_is_one_round_trip_each_way_and_the_tag_is_apart(void **state)
{
    (void)state;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    assert_log("");
    for (size_t len = 0; len < 40; len++) {
        assert_rv(CKR_OK, encrypt(len));
        assert_int_equal(encrypted_len, len);
        assert_log("ENCRYPT ");
        assert_rv(CKR_OK, decrypt(len));
        assert_int_equal(stand.len, len);
        assert_memory_equal(stand.out, stand.data, len);
        assert_log("DECRYPT ");
        assert_int_equal(iv[0], 0x11);
    }
}

static void a_long_message_is_several_and_still_whole(void **state)
{
    (void)state;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    assert_rv(CKR_OK, encrypt(DATA));
    assert_log("BEGIN FEED FINISH ");
    assert_rv(CKR_OK, decrypt(DATA));
    assert_log("BEGIN FEED FINISH ");
    assert_memory_equal(stand.out, stand.data, DATA);
}

static void messages_may_be_encrypted_where_they_are(void **state)
{
    (void)state;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    memcpy(encrypted, stand.data, LEN);
    encrypted_len = LEN;
    assert_rv(CKR_OK, message_encrypt(&stand.session, &parameter, span_of(encrypted, LEN),
                          encrypted, &encrypted_len));
    assert_memory_not_equal(encrypted, stand.data, LEN);
    assert_rv(CKR_OK, message_decrypt(&stand.session, &parameter, span_of(encrypted, LEN),
                          encrypted, &encrypted_len));
    assert_memory_equal(encrypted, stand.data, LEN);
}

static void size_queries_and_small_buffers_cost_nothing_and_make_no_iv(void **state)
{
    (void)state;
    params.iv_generator = GENERATE_RANDOM;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    assert_rv(
        CKR_OK, message_encrypt(&stand.session, &parameter, data_of(LEN), NULL, &encrypted_len));
    assert_int_equal(encrypted_len, LEN);
    encrypted_len = LEN - 1;
    assert_rv(CKR_BUFFER_TOO_SMALL,
        message_encrypt(&stand.session, &parameter, data_of(LEN), encrypted, &encrypted_len));
    assert_rv(
        CKR_OK, message_decrypt(&stand.session, &parameter, data_of(LEN), NULL, &encrypted_len));
    assert_int_equal(encrypted_len, LEN);
    encrypted_len = 0;
    assert_rv(CKR_BUFFER_TOO_SMALL,
        message_decrypt(&stand.session, &parameter, data_of(LEN), encrypted, &encrypted_len));
    assert_log("");
    assert_int_equal(iv[IV_LEN - 1], 0x11);
}

static void a_changed_message_gives_nothing(void **state)
{
    static const uint8_t nothing[LEN];
    (void)state;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    assert_rv(CKR_OK, encrypt(LEN));
    uint8_t *changed[] = {&encrypted[0], &encrypted[LEN - 1], &tag[0], &tag[TAG_LEN - 1], &iv[3]};
    for (size_t i = 0; i < COUNT(changed); i++) {
        *changed[i] ^= 1;
        assert_rv(CKR_AEAD_DECRYPT_FAILED, decrypt(LEN));
        assert_memory_equal(stand.out, nothing, LEN);
        *changed[i] ^= 1;
    }
    parameter.aad.len = 2;
    assert_rv(CKR_AEAD_DECRYPT_FAILED, decrypt(LEN));
    parameter.aad.len = 3;
    assert_rv(CKR_OK, decrypt(LEN)); /* and goes on */
}

/* ---- the IV ---- */

static void an_iv_is_made_of_the_devices_random_and_given_back(void **state)
{
    uint8_t before[IV_LEN];
    static const CK_ULONG generators[] = {GENERATE_ANYHOW, GENERATE_RANDOM};
    (void)state;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    for (size_t i = 0; i < COUNT(generators); i++) {
        params.iv_generator = generators[i];
        memcpy(before, iv, sizeof iv);
        assert_rv(CKR_OK, encrypt(LEN));
        assert_log("RANDOM ENCRYPT ");
        for (size_t at = 0; at < IV_LEN; at++)
            assert_int_not_equal(iv[at], before[at]);
        assert_rv(CKR_OK, decrypt(LEN)); /* with the IV that was given */
        assert_log("DECRYPT ");
    }
}

static void fixed_bits_stay(void **state)
{
    (void)state;
    begin(OPERATION_ENCRYPT);
    params.iv_generator = GENERATE_RANDOM;
    for (CK_ULONG fixed = 0; fixed <= 32; fixed++) {
        memset(iv, 0xff, sizeof iv);
        params.iv_fixed_bits = fixed;
        assert_rv(CKR_OK, encrypt(1));
        for (CK_ULONG bit = 0; bit < fixed; bit++)
            assert_true((iv[bit / 8] & 0x80 >> bit % 8) != 0);
        if (fixed % 8 == 1) /* small numbers come: the first bit behind is 0 */
            assert_true((iv[fixed / 8] & 0x40) == 0);
        assert_int_not_equal(iv[IV_LEN - 1], 0xff);
    }
    params.iv_fixed_bits = 33; /* 63 are left */
    assert_rv(CKR_MECHANISM_PARAM_INVALID, encrypt(1));
    params.iv_fixed_bits = 97;
    assert_rv(CKR_MECHANISM_PARAM_INVALID, encrypt(1));
}

static void counters_are_refused(void **state)
{
    static const CK_ULONG generators[] = {GENERATE_COUNTER, GENERATE_COUNTER_XOR, 5, ~0UL};
    (void)state;
    begin(OPERATION_ENCRYPT);
    for (size_t i = 0; i < COUNT(generators); i++) {
        params.iv_generator = generators[i];
        assert_rv(CKR_MECHANISM_PARAM_INVALID, encrypt(LEN));
    }
    assert_log("");
}

static void the_generator_is_of_no_interest_where_a_message_is_decrypted(void **state)
{
    (void)state;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    assert_rv(CKR_OK, encrypt(LEN));
    params.iv_generator = GENERATE_COUNTER;
    params.iv_fixed_bits = 1000;
    assert_rv(CKR_OK, decrypt(LEN));
}

/* ---- bad parameters, wrong order ---- */

static void bad_parameters_end_the_message_only(void **state)
{
    const struct gcm_message_params good = params;
    const struct gcm_message_params bad[] = {{NULL, IV_LEN, 0, 0, tag, 128},
        {iv, 0, 0, 0, tag, 128}, {iv, 257, 0, 0, tag, 128}, {iv, ~0UL, 0, 0, tag, 128},
        {iv, IV_LEN, 0, 0, NULL, 128}, {iv, IV_LEN, 0, 0, tag, 136}, {iv, IV_LEN, 0, 0, tag, 127},
        {iv, IV_LEN, 0, 0, tag, 0}, {iv, IV_LEN, 0, 0, tag, ~0UL}};
    (void)state;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    for (size_t i = 0; i < COUNT(bad); i++) {
        params = bad[i];
        assert_rv(CKR_MECHANISM_PARAM_INVALID, encrypt(LEN));
        assert_rv(CKR_MECHANISM_PARAM_INVALID, decrypt(LEN));
    }
    params = good;
    parameter.params_len--;
    assert_rv(CKR_MECHANISM_PARAM_INVALID, encrypt(LEN));
    parameter.params_len++;
    parameter.params = NULL;
    assert_rv(CKR_MECHANISM_PARAM_INVALID, encrypt(LEN));
    parameter.params = &params;
    assert_rv(CKR_ARGUMENTS_BAD,
        message_encrypt(&stand.session, &parameter, span_of(NULL, 5), encrypted, &encrypted_len));
    assert_rv(CKR_ARGUMENTS_BAD,
        message_encrypt(&stand.session, &parameter, data_of(5), encrypted, NULL));
    assert_rv(CKR_DATA_LEN_RANGE, message_encrypt(&stand.session, &parameter,
                                      span_of(stand.data, SIZE_MAX), encrypted, &encrypted_len));
    assert_log("");
    assert_rv(CKR_OK, encrypt(LEN));
}

static void init_checks_as_that_of_a_plain_encryption(void **state)
{
    static const struct gcm_message_params unused;
    const CK_MECHANISM with_params = {CKM_AES_GCM, (void *)(uintptr_t)&unused, sizeof unused};
    const CK_MECHANISM bad_params = {CKM_AES_GCM, (void *)(uintptr_t)&unused, 3};
    const CK_MECHANISM cbc = {CKM_AES_CBC_PAD, NULL, 0};
    struct session *session = &stand.session;
    (void)state;
    assert_rv(CKR_ARGUMENTS_BAD, message_begin(session, OPERATION_ENCRYPT, NULL, stand.aes));
    assert_rv(CKR_MECHANISM_INVALID, message_begin(session, OPERATION_ENCRYPT, &cbc, stand.aes));
    assert_rv(CKR_MECHANISM_INVALID, message_begin(session, OPERATION_ENCRYPT, &hmac, stand.mac));
    assert_rv(CKR_MECHANISM_PARAM_INVALID,
        message_begin(session, OPERATION_ENCRYPT, &bad_params, stand.aes));
    assert_rv(CKR_KEY_HANDLE_INVALID, message_begin(session, OPERATION_ENCRYPT, &gcm, 4711));
    assert_rv(CKR_KEY_TYPE_INCONSISTENT, message_begin(session, OPERATION_ENCRYPT, &gcm, stand.ec));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, message_end(session, OPERATION_ENCRYPT));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, encrypt(1));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, encrypt_next(0, 1, 0));
    assert_rv(CKR_OK, message_begin(session, OPERATION_ENCRYPT, &with_params, stand.aes));
    assert_rv(CKR_OPERATION_ACTIVE, message_begin(session, OPERATION_ENCRYPT, &gcm, stand.aes));
    assert_rv(CKR_OK, message_begin(session, OPERATION_ENCRYPT, NULL, 0)); /* ends it */
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, encrypt(1));
    begin(OPERATION_ENCRYPT);
    assert_rv(CKR_OK, message_end(session, OPERATION_ENCRYPT));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, encrypt(1));
}

/* ---- several parts ---- */

static void parts_of_a_message_give_the_same(void **state)
{
    static uint8_t wanted[LEN];
    uint8_t wanted_tag[TAG_LEN];
    (void)state;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    assert_rv(CKR_OK, encrypt(LEN));
    memcpy(wanted, encrypted, LEN);
    memcpy(wanted_tag, tag, sizeof tag);
    memset(tag, 0, sizeof tag);
    assert_log("ENCRYPT ");

    assert_rv(CKR_OK, message_cipher_begin(&stand.session, OPERATION_ENCRYPT, &parameter));
    assert_rv(CKR_OK, encrypt_next(0, 300, 0));
    assert_int_equal(encrypted_len, 300);
    assert_rv(CKR_OK, encrypt_next(300, 0, 0));
    assert_rv(CKR_OK, encrypt_next(300, 700, CKF_END_OF_MESSAGE));
    assert_int_equal(encrypted_len, 700);
    assert_memory_equal(encrypted, wanted, LEN);
    assert_memory_equal(tag, wanted_tag, sizeof tag);
    assert_log("BEGIN FEED FINISH ");

    assert_rv(CKR_OK, message_cipher_begin(&stand.session, OPERATION_DECRYPT, &parameter));
    assert_rv(CKR_OK, decrypt_next(0, 300, 0));
    assert_int_equal(stand.len, 0); /* nothing before the tag is right */
    assert_rv(CKR_OK, decrypt_next(300, 700, CKF_END_OF_MESSAGE));
    assert_int_equal(stand.len, LEN);
    assert_memory_equal(stand.out, stand.data, LEN);
    assert_log("DECRYPT ");
}

static void a_message_whose_only_part_is_its_last_is_one_round_trip(void **state)
{
    (void)state;
    params.iv_generator = GENERATE_RANDOM;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    assert_rv(CKR_OK, message_cipher_begin(&stand.session, OPERATION_ENCRYPT, &parameter));
    assert_rv(CKR_OK, encrypt_next(0, LEN, CKF_END_OF_MESSAGE));
    assert_log("RANDOM ENCRYPT ");
    assert_rv(CKR_OK, message_cipher_begin(&stand.session, OPERATION_DECRYPT, &parameter));
    assert_rv(CKR_OK, decrypt_next(0, LEN, CKF_END_OF_MESSAGE));
    assert_log("DECRYPT ");
    assert_memory_equal(stand.out, stand.data, LEN);
}

static void parts_wait_for_room_and_are_taken_once(void **state)
{
    (void)state;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    assert_rv(CKR_OK, message_cipher_begin(&stand.session, OPERATION_ENCRYPT, &parameter));
    encrypted_len = 99;
    assert_rv(CKR_BUFFER_TOO_SMALL, message_encrypt_next(&stand.session, &parameter, data_of(100),
                                        encrypted, &encrypted_len, 0));
    assert_int_equal(encrypted_len, 100);
    assert_rv(CKR_OK, encrypt_next(0, 100, 0));
    assert_rv(CKR_OK, message_encrypt_next(&stand.session, &parameter, data_of(100), NULL,
                          &encrypted_len, CKF_END_OF_MESSAGE));
    assert_int_equal(encrypted_len, 100);
    assert_rv(CKR_OK, encrypt_next(100, 100, CKF_END_OF_MESSAGE));

    assert_rv(CKR_OK, message_cipher_begin(&stand.session, OPERATION_DECRYPT, &parameter));
    assert_rv(CKR_OK, decrypt_next(0, 100, 0));
    stand.len = 199;
    assert_rv(CKR_BUFFER_TOO_SMALL,
        message_decrypt_next(&stand.session, &parameter, span_of(encrypted + 100, 100), stand.out,
            &stand.len, CKF_END_OF_MESSAGE));
    assert_int_equal(stand.len, 200);
    assert_rv(CKR_OK, decrypt_next(100, 100, CKF_END_OF_MESSAGE));
    assert_memory_equal(stand.out, stand.data, 200);
}

static void messages_do_not_mix(void **state)
{
    (void)state;
    begin(OPERATION_ENCRYPT);
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, encrypt_next(0, 1, 0));
    assert_rv(CKR_OK, message_cipher_begin(&stand.session, OPERATION_ENCRYPT, &parameter));
    assert_rv(CKR_OPERATION_ACTIVE, encrypt(1));
    assert_rv(
        CKR_OPERATION_ACTIVE, message_cipher_begin(&stand.session, OPERATION_ENCRYPT, &parameter));
    assert_rv(CKR_OK, encrypt_next(0, 1, CKF_END_OF_MESSAGE));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, encrypt_next(0, 1, CKF_END_OF_MESSAGE));
}

static void an_error_ends_the_message_and_not_the_process(void **state)
{
    (void)state;
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    assert_rv(CKR_OK, message_cipher_begin(&stand.session, OPERATION_ENCRYPT, &parameter));
    assert_rv(CKR_OK, encrypt_next(0, 100, 0));
    assert_rv(CKR_ARGUMENTS_BAD, message_encrypt_next(&stand.session, &parameter, span_of(NULL, 1),
                                     encrypted, &encrypted_len, 0));
    assert_log("BEGIN CANCEL ");
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, encrypt_next(0, 1, 0));
    assert_rv(CKR_OK, encrypt(LEN));

    assert_rv(CKR_OK, message_cipher_begin(&stand.session, OPERATION_DECRYPT, &parameter));
    assert_rv(CKR_OK, decrypt_next(0, 10, 0));
    tag[0] ^= 1;
    assert_rv(CKR_AEAD_DECRYPT_FAILED, decrypt_next(10, LEN - 10, CKF_END_OF_MESSAGE));
    tag[0] ^= 1;
    assert_rv(CKR_OK, decrypt(LEN));
}

static void the_sessions_own_operations_go_on_beside(void **state)
{
    static uint8_t own_iv[16];
    const CK_MECHANISM cbc = {CKM_AES_CBC_PAD, own_iv, sizeof own_iv};
    (void)state;
    begin(OPERATION_ENCRYPT);
    assert_rv(CKR_OK, operation_begin(&stand.session, OPERATION_ENCRYPT, &cbc, stand.aes));
    assert_rv(CKR_OK, message_cipher_begin(&stand.session, OPERATION_ENCRYPT, &parameter));
    assert_rv(CKR_OK, encrypt_next(0, 10, CKF_END_OF_MESSAGE));
    assert_rv(CKR_OK,
        cipher_whole(&stand.session, OPERATION_ENCRYPT, stand.data, 16, stand.out, &stand.len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        cipher_whole(&stand.session, OPERATION_ENCRYPT, stand.data, 16, stand.out, &stand.len));
    assert_rv(CKR_OK, encrypt(1));
}

/* ---- signatures ---- */

static CK_RV sign(size_t len)
{
    stand.len = MAC_LEN;
    return message_sign(&stand.session, 0, data_of(len), stand.out, &stand.len);
}

static CK_RV verify(size_t len)
{
    return message_verify(&stand.session, 0, data_of(len), stand.out, MAC_LEN);
}

static void any_number_of_messages_is_signed_and_verified(void **state)
{
    uint8_t wanted[MAC_LEN];
    (void)state;
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, sign(1));
    assert_rv(CKR_OK, message_begin(&stand.session, OPERATION_SIGN, &hmac, stand.mac));
    assert_rv(CKR_OK, message_begin(&stand.session, OPERATION_VERIFY, &hmac, stand.mac));
    for (size_t len = 0; len < 5; len++) {
        stand_mac(stand.data, len, wanted);
        assert_rv(CKR_OK, sign(len));
        assert_memory_equal(stand.out, wanted, sizeof wanted);
        assert_rv(CKR_OK, verify(len));
        assert_log("SIGN VERIFY ");
        assert_rv(CKR_SIGNATURE_INVALID, verify(len + 1));
        assert_log("VERIFY ");
    }
    assert_rv(CKR_SIGNATURE_LEN_RANGE,
        message_verify(&stand.session, 0, data_of(1), stand.out, MAC_LEN - 1));
    stand.len = MAC_LEN - 1;
    assert_rv(
        CKR_BUFFER_TOO_SMALL, message_sign(&stand.session, 0, data_of(1), stand.out, &stand.len));
    assert_rv(CKR_OK, message_sign(&stand.session, 0, data_of(1), NULL, &stand.len));
    assert_int_equal(stand.len, MAC_LEN);
    assert_rv(CKR_MECHANISM_PARAM_INVALID,
        message_sign(&stand.session, 1, data_of(1), stand.out, &stand.len));
    assert_rv(CKR_OK, sign(1));
    assert_rv(CKR_OK, message_end(&stand.session, OPERATION_SIGN));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, sign(1));
}

static CK_RV sign_next(size_t at, size_t len, CK_ULONG *signature_len)
{
    return message_sign_next(
        &stand.session, 0, span_of(stand.data + at, len), stand.out, signature_len);
}

static void signed_parts_are_the_message(void **state)
{
    uint8_t wanted[MAC_LEN];
    (void)state;
    stand_mac(stand.data, 100, wanted);
    assert_rv(CKR_OK, message_begin(&stand.session, OPERATION_SIGN, &hmac, stand.mac));
    assert_rv(CKR_OK, message_begin(&stand.session, OPERATION_VERIFY, &hmac, stand.mac));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, sign_next(0, 1, NULL));
    assert_rv(CKR_OK, message_sign_begin(&stand.session, OPERATION_SIGN, 0));
    assert_rv(CKR_OPERATION_ACTIVE, message_sign_begin(&stand.session, OPERATION_SIGN, 0));
    assert_rv(CKR_OPERATION_ACTIVE, sign(1));
    assert_rv(CKR_OK, sign_next(0, 60, NULL));
    stand.len = 5;
    assert_rv(CKR_BUFFER_TOO_SMALL, sign_next(60, 40, &stand.len)); /* and does not take it */
    assert_int_equal(stand.len, MAC_LEN);
    assert_rv(CKR_OK, sign_next(60, 40, &stand.len));
    assert_memory_equal(stand.out, wanted, sizeof wanted);
    assert_log("SIGN ");
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, sign_next(0, 1, NULL));

    for (size_t len = 39; len <= 40; len++) {
        assert_rv(CKR_OK, message_sign_begin(&stand.session, OPERATION_VERIFY, 0));
        assert_rv(CKR_OK, message_verify_next(&stand.session, 0, data_of(60), NULL, 0));
        assert_rv(len == 40 ? CKR_OK : CKR_SIGNATURE_INVALID,
            message_verify_next(
                &stand.session, 0, span_of(stand.data + 60, len), stand.out, MAC_LEN));
    }
    assert_rv(CKR_OK, message_sign_begin(&stand.session, OPERATION_SIGN, 0));
    assert_rv(
        CKR_ARGUMENTS_BAD, message_sign_next(&stand.session, 0, span_of(NULL, 1), stand.out, NULL));
    assert_rv(CKR_OK, sign(1)); /* the message is over, and not the process */
}

/* ---- flags, cancel ---- */

static void flags_tell_what_is_offered_by_message(void **state)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_FLAGS function;
        CK_FLAGS flags;
    } rows[] = {{CKM_AES_GCM, CKF_ENCRYPT, CKF_MESSAGE_ENCRYPT | CKF_MULTI_MESSAGE},
        {CKM_AES_GCM, CKF_DECRYPT, CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE},
        {CKM_SHA256_HMAC, CKF_SIGN, CKF_MESSAGE_SIGN | CKF_MULTI_MESSAGE},
        {CKM_SHA256_HMAC, CKF_VERIFY, CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE},
        {CKM_AES_CBC_PAD, CKF_ENCRYPT, 0}, {CKM_SHA256, CKF_DIGEST, 0},
        {CKM_AES_KEY_WRAP, CKF_WRAP, 0}, {CKM_AES_KEY_GEN, CKF_GENERATE, 0}};
    CK_MECHANISM_INFO info = {.flags = CKF_SIGN | CKF_MESSAGE_SIGN | CKF_MULTI_MESSAGE | CKF_HW};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(
            message_flags(mechanism_find(rows[i].type, rows[i].function)), rows[i].flags);
    assert_rv(CKR_OK, message_hide_flags(CKR_OK, &info));
    assert_int_equal(info.flags, CKF_SIGN | CKF_HW);
    assert_rv(CKR_ARGUMENTS_BAD, message_hide_flags(CKR_ARGUMENTS_BAD, NULL));
}

static void cancel_ends_what_its_flags_name_and_tells_the_worker(void **state)
{
    static uint8_t own_iv[16];
    const CK_MECHANISM cbc = {CKM_AES_CBC_PAD, own_iv, sizeof own_iv};
    const CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
    struct session *session = &stand.session;
    (void)state;
    begin(OPERATION_ENCRYPT);
    assert_rv(CKR_OK, message_cipher_begin(session, OPERATION_ENCRYPT, &parameter));
    assert_rv(CKR_OK, encrypt_next(0, 10, 0));
    assert_rv(CKR_OK, operation_begin(session, OPERATION_ENCRYPT, &cbc, stand.aes));
    assert_rv(CKR_OK, operation_begin(session, OPERATION_SIGN, &hmac, stand.mac));
    assert_rv(CKR_OK, digest_begin(session, &sha256));
    session->find.active = true;
    assert_log("BEGIN ");

    assert_rv(CKR_OK, cancel_operations(session, 0));
    assert_rv(CKR_OK, cancel_operations(session, CKF_VERIFY | CKF_WRAP | CKF_MESSAGE_SIGN));
    assert_log("");
    assert_rv(CKR_OK, cancel_operations(session, CKF_MESSAGE_ENCRYPT));
    assert_log("CANCEL ");
    assert_null(message_find(session, OPERATION_ENCRYPT));
    assert_non_null(session->operations[OPERATION_ENCRYPT].mechanism);
    assert_non_null(session->operations[OPERATION_SIGN].mechanism);
    assert_rv(CKR_OK, cancel_operations(session, CKF_ENCRYPT | CKF_DIGEST));
    assert_null(session->operations[OPERATION_ENCRYPT].mechanism);
    assert_null(session->digest.mechanism);
    assert_non_null(session->operations[OPERATION_SIGN].mechanism);
    assert_true(session->find.active);
    assert_rv(CKR_OK, cancel_operations(session, CANCEL_ALL));
    assert_null(session->operations[OPERATION_SIGN].mechanism);
    assert_false(session->find.active);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MESSAGES(a_message_is_one_round_trip_each_way_and_the_tag_is_apart),
        WITH_MESSAGES(a_long_message_is_several_and_still_whole),
        WITH_MESSAGES(messages_may_be_encrypted_where_they_are),
        WITH_MESSAGES(size_queries_and_small_buffers_cost_nothing_and_make_no_iv),
        WITH_MESSAGES(a_changed_message_gives_nothing),
        WITH_MESSAGES(an_iv_is_made_of_the_devices_random_and_given_back),
        WITH_MESSAGES(fixed_bits_stay),
        WITH_MESSAGES(counters_are_refused),
        WITH_MESSAGES(the_generator_is_of_no_interest_where_a_message_is_decrypted),
        WITH_MESSAGES(bad_parameters_end_the_message_only),
        WITH_MESSAGES(init_checks_as_that_of_a_plain_encryption),
        WITH_MESSAGES(parts_of_a_message_give_the_same),
        WITH_MESSAGES(a_message_whose_only_part_is_its_last_is_one_round_trip),
        WITH_MESSAGES(parts_wait_for_room_and_are_taken_once),
        WITH_MESSAGES(messages_do_not_mix),
        WITH_MESSAGES(an_error_ends_the_message_and_not_the_process),
        WITH_MESSAGES(the_sessions_own_operations_go_on_beside),
        WITH_MESSAGES(any_number_of_messages_is_signed_and_verified),
        WITH_MESSAGES(signed_parts_are_the_message),
        WITH_MESSAGES(flags_tell_what_is_offered_by_message),
        WITH_MESSAGES(cancel_ends_what_its_flags_name_and_tells_the_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
