/* SPDX-License-Identifier: MIT
 *
 * C_GetOperationState and C_SetOperationState: what is saved goes on where it was, in any session;
 * what was changed is noticed, byte by byte; what cannot be saved is refused.
 */
#include "module_stand.h"

#include "pkcs11-module/cancel.h"
#include "pkcs11-module/cipher.h"
#include "pkcs11-module/saved_state.h"
#include "pkcs11-module/sign.h"
#include "pkcs11-module/state.h"

static const CK_MECHANISM_TYPE digests[] = {
    CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512};

static uint8_t state_bytes[SAVED_STATE_MAX];
static CK_ULONG state_len;

static void begin_digest(struct session *session, CK_MECHANISM_TYPE type)
{
    const CK_MECHANISM mechanism = {type, NULL, 0};
    assert_rv(CKR_OK, digest_begin(session, &mechanism));
}

static void begin_signature(struct session *session)
{
    const CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    assert_rv(CKR_OK, operation_begin(session, OPERATION_SIGN, &mechanism, stand.ec));
}

static CK_RV save(struct session *session)
{
    state_len = sizeof state_bytes;
    return state_get(session, state_bytes, &state_len);
}

static CK_RV restore(struct session *session)
{
    return state_set(session, state_bytes, state_len, CK_INVALID_HANDLE, CK_INVALID_HANDLE);
}

/* The same data at once. */
static void assert_digest(struct session *session, CK_MECHANISM_TYPE type, size_t len)
{
    uint8_t digest[MECHANISM_DIGEST_MAX];
    uint8_t wanted[MECHANISM_DIGEST_MAX];
    CK_ULONG digest_len = sizeof digest;
    CK_ULONG wanted_len = sizeof wanted;
    assert_rv(CKR_OK, digest_finish(session, digest, &digest_len));
    begin_digest(session, type);
    assert_rv(CKR_OK, digest_whole(session, stand.data, len, wanted, &wanted_len));
    assert_int_equal(digest_len, wanted_len);
    assert_memory_equal(digest, wanted, wanted_len);
}

static void a_digest_goes_on_where_it_was_in_another_session(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(digests); i++) {
        for (size_t len = 0; len <= 300; len++) {
            begin_digest(&stand.session, digests[i]);
            assert_rv(CKR_OK, digest_update(&stand.session, stand.data, len));
            assert_rv(CKR_OK, save(&stand.session));
            assert_rv(CKR_OK, digest_update(&stand.session, stand.data, 17)); /* goes on itself */
            digest_clear(&stand.session.digest);
            assert_rv(CKR_OK, restore(&stand.other));
            assert_rv(CKR_OK, digest_update(&stand.other, stand.data + len, 400 - len));
            assert_digest(&stand.other, digests[i], 400);
        }
    }
    assert_log("");
}

static void restoring_ends_what_was_active(void **state)
{
    const CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    (void)state;
    begin_digest(&stand.session, CKM_SHA256);
    assert_rv(CKR_OK, digest_update(&stand.session, stand.data, 100));
    assert_rv(CKR_OK, save(&stand.session));
    assert_rv(CKR_OK, digest_update(&stand.session, stand.data, 9));
    assert_rv(CKR_OK, operation_begin(&stand.session, OPERATION_VERIFY, &hmac, stand.mac));
    assert_rv(CKR_OK, restore(&stand.session));
    assert_null(stand.session.operations[OPERATION_VERIFY].mechanism);
    assert_digest(&stand.session, CKM_SHA256, 100);
}

static void whether_a_part_was_given_is_kept(void **state)
{
    (void)state;
    begin_digest(&stand.session, CKM_SHA256);
    assert_rv(CKR_OK, save(&stand.session));
    assert_rv(CKR_OK, restore(&stand.other));
    assert_rv(CKR_OK, digest_whole(&stand.other, stand.data, 1, stand.out, &stand.len));
    assert_rv(CKR_OK, digest_update(&stand.session, stand.data, 1));
    assert_rv(CKR_OK, save(&stand.session));
    assert_rv(CKR_OK, restore(&stand.other));
    assert_rv(
        CKR_OPERATION_ACTIVE, digest_whole(&stand.other, stand.data, 1, stand.out, &stand.len));
}

static void a_hashed_signature_goes_on_with_its_key(void **state)
{
    uint8_t one[64];
    CK_ULONG len = sizeof one;
    (void)state;
    begin_signature(&stand.session);
    assert_rv(CKR_OK, sign_update(&stand.session, OPERATION_SIGN, stand.data, 1000));
    begin_digest(&stand.session, CKM_SHA512);
    assert_rv(CKR_OK, digest_update(&stand.session, stand.data, 200));
    assert_rv(CKR_OK, save(&stand.session));
    assert_rv(CKR_KEY_NEEDED, restore(&stand.other));
    assert_rv(
        CKR_KEY_NOT_NEEDED, state_set(&stand.other, state_bytes, state_len, stand.ec, stand.ec));
    assert_rv(CKR_KEY_CHANGED, state_set(&stand.other, state_bytes, state_len, 0, stand.other_ec));
    assert_rv(CKR_KEY_CHANGED, state_set(&stand.other, state_bytes, state_len, 0, 4711));
    assert_rv(CKR_OK, state_set(&stand.other, state_bytes, state_len, 0, stand.ec));
    assert_digest(&stand.other, CKM_SHA512, 200);
    assert_memory_equal(&stand.other.operations[OPERATION_SIGN].hash,
        &stand.session.operations[OPERATION_SIGN].hash, sizeof(struct sha256_ctx));
    stand.fails_at = WIRE_SIGN; /* its signature is no r and s */
    stand.error = ERR_DEVICE;
    assert_rv(CKR_DEVICE_ERROR, sign_finish(&stand.other, one, &len));
    assert_log("SIGN ");
}

static void a_key_that_is_not_needed_is_refused(void **state)
{
    (void)state;
    begin_digest(&stand.session, CKM_SHA256);
    assert_rv(CKR_OK, save(&stand.session));
    assert_rv(CKR_KEY_NOT_NEEDED, state_set(&stand.session, state_bytes, state_len, stand.aes, 0));
    assert_rv(CKR_KEY_NOT_NEEDED, state_set(&stand.session, state_bytes, state_len, 0, stand.ec));
}

static void sizes_are_told_and_kept_to(void **state)
{
    CK_ULONG len = 0;
    (void)state;
    begin_digest(&stand.session, CKM_SHA256);
    assert_rv(CKR_ARGUMENTS_BAD, state_get(&stand.session, state_bytes, NULL));
    assert_rv(CKR_OK, state_get(&stand.session, NULL, &len));
    assert_rv(CKR_OK, save(&stand.session));
    assert_int_equal(state_len, len);
    len--;
    memset(state_bytes, 0xa5, sizeof state_bytes);
    assert_rv(CKR_BUFFER_TOO_SMALL, state_get(&stand.session, state_bytes, &len));
    assert_int_equal(len, state_len);
    assert_int_equal(state_bytes[0], 0xa5);
    assert_rv(CKR_ARGUMENTS_BAD, state_set(&stand.session, NULL, 100, 0, 0));
}

static void what_was_changed_or_cut_is_no_state(void **state)
{
    (void)state;
    begin_signature(&stand.session);
    assert_rv(CKR_OK, sign_update(&stand.session, OPERATION_SIGN, stand.data, 70));
    begin_digest(&stand.session, CKM_SHA384);
    assert_rv(CKR_OK, digest_update(&stand.session, stand.data, 120));
    assert_rv(CKR_OK, save(&stand.session));
    for (size_t i = 0; i < state_len; i++) {
        state_bytes[i] ^= 1;
        assert_rv(CKR_SAVED_STATE_INVALID, restore(&stand.other));
        state_bytes[i] ^= 1;
    }
    for (CK_ULONG len = 0; len < state_len; len++)
        assert_rv(CKR_SAVED_STATE_INVALID, state_set(&stand.other, state_bytes, len, 0, stand.ec));
    assert_rv(CKR_SAVED_STATE_INVALID,
        state_set(&stand.other, stand.data, (CK_ULONG)-1, 0, stand.ec)); /* nothing is read */
    assert_null(stand.other.digest.mechanism);
    assert_rv(CKR_OK, state_set(&stand.other, state_bytes, state_len, 0, stand.ec));
}

/* With a sum that is right: as of somebody who knows how it is made. */
static void sum_up(size_t body)
{
    stand_mac(state_bytes, body, state_bytes + body);
    state_len = body + MAC_LEN;
}

static void a_forged_state_is_read_within_its_bounds(void **state)
{
    enum {
        INDEX = 7 + 1 + 1 + 1 + 4 + 1 + SAVED_KEY + 8 * 4 + 8
    }; /* SHA-256: how many bytes wait */
    (void)state;
    begin_digest(&stand.session, CKM_SHA256);
    assert_rv(CKR_OK, digest_update(&stand.session, stand.data, 5));
    assert_rv(CKR_OK, save(&stand.session));
    assert_int_equal(state_bytes[INDEX], 5);
    const size_t body = state_len - MAC_LEN;
    for (unsigned index = 0; index < 256; index++) {
        state_bytes[INDEX] = (uint8_t)index;
        sum_up(body);
        assert_rv(index == 5 ? CKR_OK : CKR_SAVED_STATE_INVALID, restore(&stand.other));
    }
    memset(state_bytes + INDEX + 1, 0, 100);
    state_bytes[INDEX] = 63;
    sum_up(INDEX + 1 + 63);
    assert_rv(CKR_OK, restore(&stand.other));
    assert_rv(CKR_OK, digest_update(&stand.other, stand.data, 100));
    state_bytes[INDEX] = 64; /* a whole block never waits: nettle would write behind it */
    sum_up(INDEX + 1 + 64);
    assert_rv(CKR_SAVED_STATE_INVALID, restore(&stand.other));
}

static void what_has_a_secret_or_is_in_the_device_is_not_saved(void **state)
{
    static uint8_t iv[16];
    const CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    const CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
    (void)state;
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, save(&stand.session));
    assert_rv(CKR_OK, operation_begin(&stand.session, OPERATION_SIGN, &hmac, stand.mac));
    assert_rv(CKR_STATE_UNSAVEABLE, save(&stand.session));
    (void)cancel_operations(&stand.session, CKF_SIGN);
    assert_rv(CKR_OK, operation_begin(&stand.session, OPERATION_ENCRYPT, &cbc, stand.aes));
    assert_rv(CKR_STATE_UNSAVEABLE, save(&stand.session));
    begin_digest(&stand.session, CKM_SHA256);
    assert_rv(CKR_STATE_UNSAVEABLE, save(&stand.session));
    (void)cancel_operations(&stand.session, CKF_ENCRYPT);
    assert_rv(CKR_OK, save(&stand.session));
    assert_rv(CKR_OK, message_begin(&stand.session, OPERATION_SIGN, &hmac, stand.mac));
    assert_rv(CKR_STATE_UNSAVEABLE, save(&stand.session));
    (void)cancel_operations(&stand.session, CKF_MESSAGE_SIGN);
    assert_rv(CKR_OK, digest_key(&stand.session, stand.secret));
    assert_rv(CKR_STATE_UNSAVEABLE, save(&stand.session));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(a_digest_goes_on_where_it_was_in_another_session),
        WITH_STAND(restoring_ends_what_was_active),
        WITH_STAND(whether_a_part_was_given_is_kept),
        WITH_STAND(a_hashed_signature_goes_on_with_its_key),
        WITH_STAND(a_key_that_is_not_needed_is_refused),
        WITH_STAND(sizes_are_told_and_kept_to),
        WITH_STAND(what_was_changed_or_cut_is_no_state),
        WITH_STAND(a_forged_state_is_read_within_its_bounds),
        WITH_STAND(what_has_a_secret_or_is_in_the_device_is_not_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
