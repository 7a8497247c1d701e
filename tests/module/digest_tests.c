/* SPDX-License-Identifier: MIT
 *
 * Digests, the combined calls and saved states against OpenSSL; digests also when the daemon is
 * gone.
 */
#include "cipher_stand.h"

#include <stdlib.h>

static const struct {
    CK_MECHANISM_TYPE type;
    const EVP_MD *(*reference)(void);
} hashes[] = {{CKM_SHA_1, EVP_sha1}, {CKM_SHA224, EVP_sha224}, {CKM_SHA256, EVP_sha256},
    {CKM_SHA384, EVP_sha384}, {CKM_SHA512, EVP_sha512}};

static uint8_t digest[EVP_MAX_MD_SIZE];
static CK_ULONG digest_len;

static CK_RV begin(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    digest_len = sizeof digest;
    return p11->C_DigestInit(session, &mechanism);
}

static void assert_digest_of(const void *data, size_t len, const EVP_MD *reference)
{
    uint8_t wanted[EVP_MAX_MD_SIZE];
    unsigned wanted_len = 0;
    assert_int_equal(EVP_Digest(data, len, wanted, &wanted_len, reference, NULL), 1);
    assert_int_equal(digest_len, wanted_len);
    assert_memory_equal(digest, wanted, wanted_len);
}

static void digests_are_those_of_openssl(void **state)
{
    static const size_t sizes[] = {
        0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1000, CIPHER_DATA};
    (void)state;
    for (size_t i = 0; i < COUNT(hashes); i++) {
        for (size_t j = 0; j < COUNT(sizes); j++) {
            assert_rv(CKR_OK, begin(stand.session, hashes[i].type));
            assert_rv(
                CKR_OK, p11->C_Digest(stand.session, cipher_data, sizes[j], digest, &digest_len));
            assert_digest_of(cipher_data, sizes[j], hashes[i].reference());
        }
        assert_rv(CKR_OK, begin(stand.read_only, hashes[i].type));
        for (size_t done = 0; done < 1000; done += 50)
            assert_rv(CKR_OK, p11->C_DigestUpdate(stand.read_only, cipher_data + done, 50));
        assert_rv(CKR_OK, p11->C_DigestFinal(stand.read_only, digest, &digest_len));
        assert_digest_of(cipher_data, 1000, hashes[i].reference());
    }
}

static void keys_of_the_device_are_indigestible(void **state)
{
    (void)state;
    assert_rv(CKR_OK, begin(stand.session, CKM_SHA256));
    assert_rv(CKR_KEY_INDIGESTIBLE, p11->C_DigestKey(stand.session, cipher_key));
    assert_rv(CKR_KEY_INDIGESTIBLE, p11->C_DigestKey(stand.session, stand.key));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_DigestKey(stand.session, 999999));
    assert_rv(CKR_OK, p11->C_Digest(stand.session, cipher_data, 3, digest, &digest_len));
    assert_digest_of(cipher_data, 3, EVP_sha256());
}

/* ---- combined calls: parts of all lengths, in place, with wrong sizes between ---- */

enum { PARTS = 5000 };

static void encrypt_and_digest_gives_what_both_give(void **state)
{
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        size_t out = 0;
        const size_t wanted = cipher_expect(cipher, PARTS);
        cipher_reset_parameters();
        assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, cipher->mechanism, cipher_key));
        assert_rv(CKR_OK, begin(stand.session, CKM_SHA384));
        for (size_t done = 0, len = 1; done < PARTS; done += len, len = 2 * len) {
            len = len < PARTS - done ? len : PARTS - done;
            CK_ULONG room = 0;
            assert_rv(CKR_OK,
                p11->C_DigestEncryptUpdate(stand.session, cipher_data + done, len, NULL, &room));
            room = CIPHER_ROOM - out;
            memcpy(cipher_out + out, cipher_data + done, len);
            assert_rv(CKR_OK, p11->C_DigestEncryptUpdate(
                                  stand.session, cipher_out + out, len, cipher_out + out, &room));
            out += room;
        }
        CK_ULONG room = CIPHER_ROOM - out;
        assert_rv(CKR_OK, p11->C_EncryptFinal(stand.session, cipher_out + out, &room));
        assert_int_equal(out + room, wanted);
        assert_memory_equal(cipher_out, cipher_wanted, wanted);
        assert_rv(CKR_OK, p11->C_DigestFinal(stand.session, digest, &digest_len));
        assert_digest_of(cipher_data, PARTS, EVP_sha384());
    }
}

static void decrypt_and_digest_digests_what_came_out(void **state)
{
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        size_t out = 0;
        const size_t len = cipher_expect(cipher, PARTS);
        cipher_reset_parameters();
        assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, cipher->mechanism, cipher_key));
        assert_rv(CKR_OK, begin(stand.session, CKM_SHA256));
        for (size_t done = 0; done < len; done += 1000) {
            const size_t part = len - done < 1000 ? len - done : 1000;
            CK_ULONG room = CIPHER_ROOM - out;
            assert_rv(CKR_OK, p11->C_DecryptDigestUpdate(stand.session, cipher_wanted + done, part,
                                  cipher_out + out, &room));
            out += room;
        }
        CK_ULONG room = CIPHER_ROOM - out;
        assert_rv(CKR_OK, p11->C_DecryptFinal(stand.session, cipher_out + out, &room));
        assert_rv(CKR_OK, p11->C_DigestUpdate(stand.session, cipher_out + out, room));
        assert_int_equal(out + room, PARTS);
        assert_memory_equal(cipher_out, cipher_data, PARTS);
        assert_rv(CKR_OK, p11->C_DigestFinal(stand.session, digest, &digest_len));
        assert_digest_of(cipher_data, PARTS, EVP_sha256());
    }
}

static void sign_and_encrypt_then_decrypt_and_verify(void **state)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_OBJECT_HANDLE mac_key;
    static uint8_t value[32] = {9}, encrypted[PARTS / 16 * 16 + 16];
    uint8_t mac[MAC_LEN], wanted[MAC_LEN];
    CK_ULONG len = sizeof encrypted, rest, mac_len = sizeof mac;
    (void)state;
    assert_rv(CKR_OK, import_secret(stand.session, false, "mac", CKK_GENERIC_SECRET, value,
                          sizeof value, &mac_key));
    cipher_reset_parameters();
    assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, cipher_cbc.mechanism, cipher_key));
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &hmac, mac_key));
    assert_rv(CKR_OK, p11->C_SignEncryptUpdate(stand.session, cipher_data, PARTS, encrypted, &len));
    rest = sizeof encrypted - len;
    assert_rv(CKR_OK, p11->C_EncryptFinal(stand.session, encrypted + len, &rest));
    assert_rv(CKR_OK, p11->C_SignFinal(stand.session, mac, &mac_len));
    reference_hmac(BYTES(value), (struct bytes){cipher_data, PARTS}, wanted);
    assert_memory_equal(mac, wanted, sizeof wanted);

    for (int changed = 0; changed < 2; changed++) {
        CK_ULONG out = CIPHER_ROOM, more;
        mac[0] ^= (uint8_t)changed;
        assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, cipher_cbc.mechanism, cipher_key));
        assert_rv(CKR_OK, p11->C_VerifyInit(stand.session, &hmac, mac_key));
        assert_rv(CKR_OK, p11->C_DecryptVerifyUpdate(
                              stand.session, encrypted, sizeof encrypted - 8, cipher_out, &out));
        more = CIPHER_ROOM - out;
        assert_rv(CKR_OK, p11->C_DecryptVerifyUpdate(stand.session,
                              encrypted + sizeof encrypted - 8, 8, cipher_out + out, &more));
        out += more;
        more = CIPHER_ROOM - out;
        assert_rv(CKR_OK, p11->C_DecryptFinal(stand.session, cipher_out + out, &more));
        assert_int_equal(out + more, PARTS);
        assert_rv(CKR_OK, p11->C_VerifyUpdate(stand.session, cipher_out + out, more));
        assert_rv(changed ? CKR_SIGNATURE_INVALID : CKR_OK,
            p11->C_VerifyFinal(stand.session, mac, sizeof mac));
    }
}

/* ---- saved states ---- */

static void a_saved_signature_and_digest_go_on_in_another_session(void **state)
{
    uint8_t saved[1000];
    uint8_t signature[SIGNATURE];
    CK_ULONG len = sizeof saved, signature_len = sizeof signature;
    (void)state;
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa_sha256, stand.key));
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, cipher_data, 1001));
    assert_rv(CKR_OK, begin(stand.session, CKM_SHA512));
    assert_rv(CKR_OK, p11->C_DigestUpdate(stand.session, cipher_data, 77));
    assert_rv(CKR_OK, p11->C_GetOperationState(stand.session, saved, &len));
    assert_rv(CKR_KEY_NEEDED, p11->C_SetOperationState(stand.read_only, saved, len, 0, 0));
    assert_rv(
        CKR_KEY_CHANGED, p11->C_SetOperationState(stand.read_only, saved, len, 0, cipher_key));
    saved[20] ^= 1;
    assert_rv(CKR_SAVED_STATE_INVALID,
        p11->C_SetOperationState(stand.read_only, saved, len, 0, stand.key));
    saved[20] ^= 1;
    assert_rv(CKR_OK, p11->C_SetOperationState(stand.read_only, saved, len, 0, stand.key));
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.read_only, cipher_data + 1001, 999));
    assert_rv(CKR_OK, p11->C_SignFinal(stand.read_only, signature, &signature_len));
    assert_true(verifies_message(stand.verifier, cipher_data, 2000, signature));
    assert_rv(CKR_OK, p11->C_DigestUpdate(stand.read_only, cipher_data + 77, 23));
    assert_rv(CKR_OK, p11->C_DigestFinal(stand.read_only, digest, &digest_len));
    assert_digest_of(cipher_data, 100, EVP_sha512());
}

static void a_saved_verification_goes_on_with_its_public_key(void **state)
{
    uint8_t saved[1000];
    uint8_t signature[SIGNATURE];
    CK_ULONG len = sizeof saved, signature_len = sizeof signature;
    (void)state;
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa_sha256, stand.key));
    assert_rv(CKR_OK, p11->C_Sign(stand.session, cipher_data, 500, signature, &signature_len));
    assert_rv(CKR_OK, p11->C_VerifyInit(stand.session, &ecdsa_sha256, stand.public_key));
    assert_rv(CKR_OK, p11->C_VerifyUpdate(stand.session, cipher_data, 200));
    assert_rv(CKR_OK, p11->C_GetOperationState(stand.session, saved, &len));
    assert_rv(CKR_KEY_CHANGED, p11->C_SetOperationState(stand.read_only, saved, len, 0, stand.key));
    assert_rv(CKR_OK, p11->C_SetOperationState(stand.read_only, saved, len, 0, stand.public_key));
    assert_rv(CKR_OK, p11->C_VerifyUpdate(stand.read_only, cipher_data + 200, 300));
    assert_rv(CKR_OK, p11->C_VerifyFinal(stand.read_only, signature, signature_len));
}

int digest_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CIPHERS(digests_are_those_of_openssl),
        WITH_CIPHERS(keys_of_the_device_are_indigestible),
        WITH_CIPHERS(encrypt_and_digest_gives_what_both_give),
        WITH_CIPHERS(decrypt_and_digest_digests_what_came_out),
        WITH_CIPHERS(sign_and_encrypt_then_decrypt_and_verify),
        WITH_CIPHERS(a_saved_verification_goes_on_with_its_public_key),
        WITH_CIPHERS(a_saved_signature_and_digest_go_on_in_another_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ---- without a daemon: the command of --restart has ended it for good ---- */

static void digests_go_on_when_the_daemon_is_gone(void **state)
{
    (void)state;
    assert_rv(CKR_OK, begin(stand.session, CKM_SHA256));
    assert_rv(CKR_OK, p11->C_DigestUpdate(stand.session, cipher_data, 100));
    assert_non_null(options.restart);
    assert_int_equal(system(options.restart), 0);
    assert_rv(CKR_OK, p11->C_DigestUpdate(stand.session, cipher_data + 100, 100));
    assert_rv(CKR_OK, p11->C_DigestFinal(stand.session, digest, &digest_len));
    assert_digest_of(cipher_data, 200, EVP_sha256());
    assert_rv(CKR_OK, begin(stand.session, CKM_SHA_1));
    assert_rv(CKR_OK, p11->C_Digest(stand.session, cipher_data, 9, digest, &digest_len));
    assert_digest_of(cipher_data, 9, EVP_sha1());
    assert_rv(CKR_OK, p11->C_Finalize(NULL));
}

int offline_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(digests_go_on_when_the_daemon_is_gone, cipher_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
