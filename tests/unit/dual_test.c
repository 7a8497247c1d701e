/* SPDX-License-Identifier: MIT
 *
 * The combined calls: both operations get the same data, once, whatever the program asks for first.
 */
#include "module_stand.h"

#include "pkcs11-module/cipher.h"
#include "pkcs11-module/dual.h"
#include "pkcs11-module/sign.h"

enum { LEN = 1000 };

static uint8_t iv[16];
static CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
static CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
static CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};

static void begin(enum operation_kind cipher)
{
    stand.len = sizeof stand.out;
    assert_rv(CKR_OK, operation_begin(&stand.session, cipher, &cbc, stand.aes));
}

static void assert_digest_of(const void *data, size_t len)
{
    uint8_t digest[MAC_LEN];
    uint8_t wanted[MAC_LEN];
    CK_ULONG digest_len = sizeof digest;
    stand_mac(data, len, wanted);
    assert_rv(CKR_OK, digest_finish(&stand.session, digest, &digest_len));
    assert_memory_equal(digest, wanted, sizeof wanted);
}

static void assert_mac_of(const void *data, size_t len)
{
    uint8_t mac[MAC_LEN];
    uint8_t wanted[MAC_LEN];
    CK_ULONG mac_len = sizeof mac;
    stand_mac(data, len, wanted);
    assert_rv(CKR_OK, sign_finish(&stand.session, mac, &mac_len));
    assert_memory_equal(mac, wanted, sizeof wanted);
}

static void both_must_be_active(void **state)
{
    (void)state;
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        dual_digest_encrypt(&stand.session, stand.data, LEN, stand.out, &stand.len));
    begin(OPERATION_ENCRYPT);
    begin(OPERATION_DECRYPT);
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        dual_digest_encrypt(&stand.session, stand.data, LEN, stand.out, &stand.len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        dual_sign_encrypt(&stand.session, stand.data, LEN, stand.out, &stand.len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        dual_decrypt_digest(&stand.session, stand.data, LEN, stand.out, &stand.len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        dual_decrypt_verify(&stand.session, stand.data, LEN, stand.out, &stand.len));
    assert_log("");
}

static void what_is_encrypted_is_digested_once(void **state)
{
    CK_ULONG rest = 0;
    (void)state;
    begin(OPERATION_ENCRYPT);
    assert_rv(CKR_OK, digest_begin(&stand.session, &sha256));
    assert_rv(CKR_OK, dual_digest_encrypt(&stand.session, stand.data, LEN, NULL, &rest));
    assert_int_equal(rest, LEN / 16 * 16);
    rest--;
    assert_rv(CKR_BUFFER_TOO_SMALL,
        dual_digest_encrypt(&stand.session, stand.data, LEN, stand.out, &rest));
    assert_log("");
    assert_rv(CKR_OK, dual_digest_encrypt(&stand.session, stand.data, LEN, stand.out, &stand.len));
    assert_log("BEGIN ");
    assert_digest_of(stand.data, LEN);
}

static void data_and_output_may_be_in_one_place(void **state)
{
    (void)state;
    memcpy(stand.out, stand.data, LEN);
    begin(OPERATION_ENCRYPT);
    assert_rv(CKR_OK, digest_begin(&stand.session, &sha256));
    assert_rv(CKR_OK, dual_digest_encrypt(&stand.session, stand.out, LEN, stand.out, &stand.len));
    assert_memory_not_equal(stand.out, stand.data, LEN / 2);
    assert_digest_of(stand.data, LEN);
}

static void what_is_encrypted_is_signed_once(void **state)
{
    CK_ULONG rest = 1;
    (void)state;
    begin(OPERATION_ENCRYPT);
    assert_rv(CKR_OK, operation_begin(&stand.session, OPERATION_SIGN, &hmac, stand.mac));
    assert_rv(CKR_OK, dual_sign_encrypt(&stand.session, stand.data, LEN, NULL, &rest));
    rest = 1;
    assert_rv(
        CKR_BUFFER_TOO_SMALL, dual_sign_encrypt(&stand.session, stand.data, LEN, stand.out, &rest));
    assert_rv(CKR_OK, dual_sign_encrypt(&stand.session, stand.data, LEN, stand.out, &stand.len));
    assert_mac_of(stand.data, LEN);
}

/* An error of the cipher: the digest has not got the data, and goes on. */
static void what_was_not_encrypted_is_not_digested(void **state)
{
    (void)state;
    begin(OPERATION_ENCRYPT);
    assert_rv(CKR_OK, digest_begin(&stand.session, &sha256));
    stand.fails_at = WIRE_BEGIN;
    stand.error = ERR_DEVICE;
    assert_rv(CKR_DEVICE_ERROR,
        dual_digest_encrypt(&stand.session, stand.data, LEN, stand.out, &stand.len));
    assert_digest_of("", 0);
}

/* GCM: nothing is decrypted before the end, and so nothing is digested or verified before. */
static void what_comes_out_of_a_decryption_is_digested_and_verified(void **state)
{
    CK_GCM_PARAMS params = {.pIv = iv, .ulIvLen = 12, .ulTagBits = 8 * TAG_LEN};
    const CK_MECHANISM gcm = {CKM_AES_GCM, &params, sizeof params};
    static uint8_t encrypted[LEN + TAG_LEN];
    CK_ULONG len = sizeof encrypted;
    (void)state;
    assert_rv(CKR_OK, operation_begin(&stand.session, OPERATION_ENCRYPT, &gcm, stand.aes));
    assert_rv(
        CKR_OK, cipher_whole(&stand.session, OPERATION_ENCRYPT, stand.data, LEN, encrypted, &len));
    assert_rv(CKR_OK, operation_begin(&stand.session, OPERATION_DECRYPT, &gcm, stand.aes));
    assert_rv(CKR_OK, digest_begin(&stand.session, &sha256));
    assert_rv(CKR_OK, operation_begin(&stand.session, OPERATION_VERIFY, &hmac, stand.mac));
    assert_rv(CKR_OK, dual_decrypt_digest(&stand.session, encrypted, 500, stand.out, &stand.len));
    assert_int_equal(stand.len, 0);
    assert_rv(CKR_OK, dual_decrypt_verify(&stand.session, encrypted + 500, sizeof encrypted - 500,
                          stand.out, &stand.len));
    assert_int_equal(stand.len, 0);
    stand.len = LEN;
    assert_rv(CKR_OK, cipher_finish(&stand.session, OPERATION_DECRYPT, stand.out, &stand.len));
    assert_memory_equal(stand.out, stand.data, LEN);
    assert_digest_of("", 0);
}

static void parts_of_a_decryption_are_digested_as_they_come_out(void **state)
{
    (void)state;
    stand.gives_early = true;
    begin(OPERATION_DECRYPT);
    assert_rv(CKR_OK, digest_begin(&stand.session, &sha256));
    assert_rv(CKR_OK, dual_decrypt_digest(&stand.session, stand.data, LEN, stand.out, &stand.len));
    assert_int_equal(stand.len, LEN / 16 * 16);
    for (size_t i = 0; i < stand.len; i++)
        assert_int_equal(stand.out[i], stand.data[i] ^ 0x5a);
    assert_digest_of(stand.out, stand.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(both_must_be_active),
        WITH_STAND(what_is_encrypted_is_digested_once),
        WITH_STAND(data_and_output_may_be_in_one_place),
        WITH_STAND(what_is_encrypted_is_signed_once),
        WITH_STAND(what_was_not_encrypted_is_not_digested),
        WITH_STAND(what_comes_out_of_a_decryption_is_digested_and_verified),
        WITH_STAND(parts_of_a_decryption_are_digested_as_they_come_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
