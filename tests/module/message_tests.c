/* SPDX-License-Identifier: MIT
 *
 * Message-based encryption and signing against OpenSSL, with a real device behind.
 */
#include "cipher_stand.h"
#include "three.h"

enum { IV_LEN = 12 };

static uint8_t key_bytes[32]; /* as cipher_up has it */
static uint8_t iv[IV_LEN];
static uint8_t tag[TAG];
static uint8_t aad[40];
static struct gcm_message_params params;
static uint8_t back[CIPHER_ROOM];

static CK_MECHANISM gcm = {CKM_AES_GCM, NULL, 0};
static CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};

static int up(void **state)
{
    if (cipher_up(state) != 0)
        return -1;
    fill_bytes(key_bytes, sizeof key_bytes, 6);
    fill_bytes(iv, sizeof iv, 20);
    fill_bytes(aad, sizeof aad, 21);
    params = (struct gcm_message_params){iv, IV_LEN, 0, GENERATE_NOT, tag, 8 * TAG};
    assert_rv(CKR_OK, three()->C_MessageEncryptInit(stand.session, &gcm, cipher_key));
    assert_rv(CKR_OK, three()->C_MessageDecryptInit(stand.session, &gcm, cipher_key));
    return 0;
}
#define WITH_MESSAGES(test) cmocka_unit_test_setup_teardown(test, up, stand_down)

static CK_RV encrypt(size_t len)
{
    cipher_out_len = CIPHER_ROOM;
    return three()->C_EncryptMessage(stand.session, &params, sizeof params, aad, sizeof aad,
        cipher_data, len, cipher_out, &cipher_out_len);
}

static CK_RV decrypt(size_t len, CK_ULONG *ret_len)
{
    *ret_len = sizeof back;
    return three()->C_DecryptMessage(
        stand.session, &params, sizeof params, aad, sizeof aad, cipher_out, len, back, ret_len);
}

static void assert_encrypted(size_t len)
{
    const size_t all = reference_gcm(
        BYTES(key_bytes), BYTES(iv), BYTES(aad), (struct bytes){cipher_data, len}, cipher_wanted);
    assert_int_equal(all, len + TAG);
    assert_memory_equal(cipher_out, cipher_wanted, len);
    assert_memory_equal(tag, cipher_wanted + len, TAG);
}

static void encrypted_messages_are_those_of_openssl_and_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 1000, 61440, 61441, CIPHER_DATA};
    CK_ULONG len;
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        iv[0]++;
        assert_rv(CKR_OK, encrypt(sizes[i]));
        assert_int_equal(cipher_out_len, sizes[i]);
        assert_encrypted(sizes[i]);
        assert_rv(CKR_OK, decrypt(sizes[i], &len));
        assert_int_equal(len, sizes[i]);
        assert_memory_equal(back, cipher_data, len);
    }
    assert_rv(CKR_OK, three()->C_MessageEncryptFinal(stand.session));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, encrypt(1));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, three()->C_MessageEncryptFinal(stand.session));
}

static void an_iv_of_the_device_is_another_one_each_time(void **state)
{
    uint8_t seen[20][IV_LEN];
    CK_ULONG len;
    (void)state;
    params.iv_fixed_bits = 32;
    memcpy(iv, "\x01\x02\x03\x04", 4);
    for (size_t i = 0; i < COUNT(seen); i++) {
        params.iv_generator = i % 2 == 0 ? GENERATE_ANYHOW : GENERATE_RANDOM;
        assert_rv(CKR_OK, encrypt(100));
        assert_encrypted(100); /* with the IV that was given back */
        assert_memory_equal(iv, "\x01\x02\x03\x04", 4);
        assert_rv(CKR_OK, decrypt(100, &len));
        memcpy(seen[i], iv, sizeof iv);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(seen[i], seen[j], sizeof iv);
    }
    params.iv_generator = GENERATE_COUNTER;
    assert_rv(CKR_MECHANISM_PARAM_INVALID, encrypt(100));
}

static void a_changed_message_gives_nothing(void **state)
{
    static const uint8_t nothing[1000];
    uint8_t *changed[] = {
        &tag[0], &tag[TAG - 1], &cipher_out[0], &cipher_out[999], &aad[39], &iv[0]};
    CK_ULONG len;
    (void)state;
    assert_rv(CKR_OK, encrypt(1000));
    for (size_t i = 0; i < COUNT(changed); i++) {
        *changed[i] ^= 0x80;
        memset(back, 0, sizeof back);
        assert_rv(CKR_AEAD_DECRYPT_FAILED, decrypt(1000, &len));
        assert_memory_equal(back, nothing, sizeof nothing);
        *changed[i] ^= 0x80;
    }
    assert_rv(CKR_OK, decrypt(1000, &len));
    assert_memory_equal(back, cipher_data, 1000);
}

static void a_message_in_parts_is_the_same(void **state)
{
    CK_FUNCTION_LIST_3_0 *p3 = three();
    size_t out = 0;
    CK_ULONG len;
    (void)state;
    params.iv_generator = GENERATE_RANDOM;
    assert_rv(
        CKR_OK, p3->C_EncryptMessageBegin(stand.session, &params, sizeof params, aad, sizeof aad));
    for (size_t done = 0; done < 10000; done += 2500) {
        len = CIPHER_ROOM - out;
        assert_rv(CKR_OK,
            p3->C_EncryptMessageNext(stand.session, &params, sizeof params, cipher_data + done,
                2500, cipher_out + out, &len, done == 7500 ? CKF_END_OF_MESSAGE : 0));
        out += len;
    }
    assert_int_equal(out, 10000);
    assert_encrypted(out);
    for (int changed = 0; changed < 2; changed++) {
        tag[3] ^= (uint8_t)changed;
        assert_rv(CKR_OK,
            p3->C_DecryptMessageBegin(stand.session, &params, sizeof params, aad, sizeof aad));
        len = sizeof back;
        assert_rv(CKR_OK, p3->C_DecryptMessageNext(stand.session, &params, sizeof params,
                              cipher_out, 9000, back, &len, 0));
        assert_int_equal(len, 0);
        len = sizeof back;
        assert_rv(changed ? CKR_AEAD_DECRYPT_FAILED : CKR_OK,
            p3->C_DecryptMessageNext(stand.session, &params, sizeof params, cipher_out + 9000, 1000,
                back, &len, CKF_END_OF_MESSAGE));
        if (!changed) {
            assert_int_equal(len, 10000);
            assert_memory_equal(back, cipher_data, len);
        }
    }
}

static void messages_are_signed_with_an_ec_key_at_once_and_in_parts(void **state)
{
    CK_FUNCTION_LIST_3_0 *p3 = three();
    uint8_t signature[SIGNATURE];
    CK_ULONG len;
    (void)state;
    assert_rv(CKR_OK, p3->C_MessageSignInit(stand.session, &ecdsa_sha256, stand.key));
    for (size_t i = 1; i < 5; i++) {
        len = sizeof signature;
        assert_rv(CKR_OK,
            p3->C_SignMessage(stand.session, NULL, 0, cipher_data, i * 100, signature, &len));
        assert_true(verifies_message(stand.verifier, cipher_data, i * 100, signature));
        assert_rv(CKR_OK, p3->C_SignMessageBegin(stand.session, NULL, 0));
        assert_rv(CKR_OK,
            p3->C_SignMessageNext(stand.session, NULL, 0, cipher_data, i * 50, signature, NULL));
        len = 0;
        assert_rv(CKR_OK,
            p3->C_SignMessageNext(stand.session, NULL, 0, cipher_data + i * 50, 7, NULL, &len));
        assert_int_equal(len, SIGNATURE);
        assert_rv(CKR_OK, p3->C_SignMessageNext(
                              stand.session, NULL, 0, cipher_data + i * 50, 7, signature, &len));
        assert_true(verifies_message(stand.verifier, cipher_data, i * 50 + 7, signature));
    }
    assert_signs(stand.session, stand.key, stand.verifier); /* beside it */
    assert_rv(CKR_OK, p3->C_MessageSignFinal(stand.session));
    assert_rv(CKR_OK, p3->C_MessageSignInit(stand.session, &ecdsa, stand.key));
    len = sizeof signature;
    assert_rv(
        CKR_OK, p3->C_SignMessage(stand.session, NULL, 0, cipher_data, DIGEST, signature, &len));
    assert_true(verifies(stand.verifier, cipher_data, signature));
}

static void signed_messages_are_verified_with_the_public_key(void **state)
{
    CK_FUNCTION_LIST_3_0 *p3 = three();
    uint8_t signature[SIGNATURE];
    CK_ULONG len = sizeof signature;
    (void)state;
    assert_rv(CKR_OK, p3->C_MessageSignInit(stand.session, &ecdsa_sha256, stand.key));
    assert_rv(CKR_OK, p3->C_MessageVerifyInit(stand.session, &ecdsa_sha256, stand.public_key));
    for (size_t size = 0; size < 300; size += 99) {
        assert_rv(
            CKR_OK, p3->C_SignMessage(stand.session, NULL, 0, cipher_data, size, signature, &len));
        assert_rv(
            CKR_OK, p3->C_VerifyMessage(stand.session, NULL, 0, cipher_data, size, signature, len));
        assert_rv(CKR_SIGNATURE_INVALID,
            p3->C_VerifyMessage(stand.session, NULL, 0, cipher_data, size + 1, signature, len));
        assert_rv(CKR_OK, p3->C_VerifyMessageBegin(stand.session, NULL, 0));
        assert_rv(CKR_OK,
            p3->C_VerifyMessageNext(stand.session, NULL, 0, cipher_data, size / 3, NULL, 0));
        assert_rv(CKR_OK, p3->C_VerifyMessageNext(stand.session, NULL, 0, cipher_data + size / 3,
                              size - size / 3, signature, len));
    }
}

/* CKM_ECDSA takes a digest in parts too. */
static void a_digest_in_parts_is_signed_as_one(void **state)
{
    CK_FUNCTION_LIST_3_0 *p3 = three();
    uint8_t signature[SIGNATURE];
    CK_ULONG len = sizeof signature;
    (void)state;
    assert_rv(CKR_OK, p3->C_MessageSignInit(stand.session, &ecdsa, stand.key));
    assert_rv(CKR_OK, p3->C_SignMessageBegin(stand.session, NULL, 0));
    assert_rv(CKR_OK, p3->C_SignMessageNext(stand.session, NULL, 0, cipher_data, 9, NULL, NULL));
    assert_rv(CKR_OK, p3->C_SignMessageNext(
                          stand.session, NULL, 0, cipher_data + 9, DIGEST - 9, signature, &len));
    assert_true(verifies(stand.verifier, cipher_data, signature));
}

static void macs_of_messages_are_made_and_verified(void **state)
{
    CK_FUNCTION_LIST_3_0 *p3 = three();
    static uint8_t value[32] = {7};
    uint8_t mac[MAC_LEN], wanted[MAC_LEN];
    CK_OBJECT_HANDLE key;
    (void)state;
    assert_rv(CKR_OK,
        import_secret(stand.session, false, "mac", CKK_GENERIC_SECRET, value, sizeof value, &key));
    assert_rv(CKR_OK, p3->C_MessageSignInit(stand.session, &hmac, key));
    assert_rv(CKR_OK, p3->C_MessageVerifyInit(stand.session, &hmac, key));
    for (size_t size = 0; size <= CIPHER_DATA; size = size * 7 + 1) {
        CK_ULONG len = sizeof mac;
        assert_rv(CKR_OK, p3->C_SignMessage(stand.session, NULL, 0, cipher_data, size, mac, &len));
        reference_hmac(BYTES(value), (struct bytes){cipher_data, size}, wanted);
        assert_memory_equal(mac, wanted, sizeof wanted);
        assert_rv(CKR_OK, p3->C_VerifyMessage(stand.session, NULL, 0, cipher_data, size, mac, len));
        mac[5] ^= 1;
        assert_rv(CKR_SIGNATURE_INVALID,
            p3->C_VerifyMessage(stand.session, NULL, 0, cipher_data, size, mac, len));
        mac[5] ^= 1;
        assert_rv(CKR_OK, p3->C_VerifyMessageBegin(stand.session, NULL, 0));
        assert_rv(CKR_OK,
            p3->C_VerifyMessageNext(stand.session, NULL, 0, cipher_data, size / 2, NULL, 0));
        assert_rv(CKR_OK, p3->C_VerifyMessageNext(stand.session, NULL, 0, cipher_data + size / 2,
                              size - size / 2, mac, len));
    }
    assert_rv(CKR_OK, p3->C_MessageVerifyFinal(stand.session));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p3->C_VerifyMessageBegin(stand.session, NULL, 0));
}

int message_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MESSAGES(encrypted_messages_are_those_of_openssl_and_come_back),
        WITH_MESSAGES(an_iv_of_the_device_is_another_one_each_time),
        WITH_MESSAGES(a_changed_message_gives_nothing),
        WITH_MESSAGES(a_message_in_parts_is_the_same),
        WITH_MESSAGES(messages_are_signed_with_an_ec_key_at_once_and_in_parts),
        WITH_MESSAGES(signed_messages_are_verified_with_the_public_key),
        WITH_MESSAGES(a_digest_in_parts_is_signed_as_one),
        WITH_MESSAGES(macs_of_messages_are_made_and_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
