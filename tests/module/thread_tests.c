/* SPDX-License-Identifier: MIT
 *
 * Threads of one process: each with a session, all in one session, and with the ground taken away
 * under them.
 */
#include "stand.h"

#include "reference.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { THREADS_MAX = 16, ROUNDS = 50 };

struct thread {
    pthread_t id;
    CK_SESSION_HANDLE session; /* 0: it opens its own */
    size_t number;
    unsigned right;
    unsigned wrong; /* signatures that do not verify */
    CK_RV unexpected;
};

/* What a thread may see of others in its session, and of the end. */
static bool is_to_be_expected(CK_RV rv)
{
    return rv == CKR_OPERATION_ACTIVE || rv == CKR_OPERATION_NOT_INITIALIZED ||
           rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_CRYPTOKI_NOT_INITIALIZED ||
           rv == CKR_KEY_HANDLE_INVALID || rv == CKR_OBJECT_HANDLE_INVALID;
}

static void *sign_many(void *argument)
{
    struct thread *thread = argument;
    CK_SESSION_HANDLE session = thread->session;
    CK_BYTE digest[DIGEST] = {0};
    CK_BYTE signature[SIGNATURE];
    CK_RV rv = session != 0 ? CKR_OK : open_session(0, &session);
    for (unsigned i = 0; i < ROUNDS && (rv == CKR_OK || is_to_be_expected(rv)); i++) {
        digest[0] = (CK_BYTE)thread->number;
        digest[1] = (CK_BYTE)i;
        rv = sign(session, stand.key, digest, signature);
        if (rv == CKR_OK && verifies(stand.verifier, digest, signature))
            thread->right++;
        else if (rv == CKR_OK)
            thread->wrong++;
    }
    if (rv != CKR_OK && !is_to_be_expected(rv))
        thread->unexpected = rv;
    if (thread->session == 0)
        (void)p11->C_CloseSession(session);
    return NULL;
}

static void start(struct thread threads[], size_t count, CK_SESSION_HANDLE session)
{
    for (size_t i = 0; i < count; i++) {
        threads[i] = (struct thread){.session = session, .number = i};
        assert_int_equal(pthread_create(&threads[i].id, NULL, sign_many, &threads[i]), 0);
    }
}

/* All ended, no signature was wrong, no code was one that nobody expects; gives the right
 * signatures. */
static unsigned finish(struct thread threads[], size_t count)
{
    unsigned right = 0;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_join(threads[i].id, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(threads[i].wrong, 0);
        assert_rv(CKR_OK, threads[i].unexpected);
        right += threads[i].right;
    }
    return right;
}

static void threads_with_sessions_of_their_own_all_sign(void **state)
{
    struct thread threads[THREADS_MAX];
    (void)state;
    start(threads, COUNT(threads), 0);
    assert_int_equal(finish(threads, COUNT(threads)), THREADS_MAX * ROUNDS);
}

static void threads_that_share_a_session_get_right_signatures_or_the_codes_for_it(void **state)
{
    struct thread threads[4];
    (void)state;
    start(threads, COUNT(threads), stand.session);
    assert_true(finish(threads, COUNT(threads)) > 0);
}

static void a_session_closed_under_its_threads_is_invalid_for_them_and_no_more(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct thread threads[4];
        CK_SESSION_HANDLE session;
        assert_rv(CKR_OK, open_session(0, &session));
        start(threads, COUNT(threads), session);
        (void)usleep(1000);
        assert_rv(CKR_OK, p11->C_CloseSession(session));
        (void)finish(threads, COUNT(threads));
    }
    assert_signs(stand.session, stand.key, stand.verifier);
}

static void finalize_under_threads_that_sign_lets_them_end(void **state)
{
    struct thread threads[8];
    (void)state;
    start(threads, COUNT(threads), 0);
    (void)usleep(3000);
    assert_rv(CKR_OK, p11->C_Finalize(NULL));
    (void)finish(threads, COUNT(threads));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_CloseSession(stand.session));
}

/* ---- encryption ---- */

enum { LONG_DATA = 150000, SHORT_ROUNDS = 20 };

static uint8_t aes_bytes[32] = {5};
static CK_OBJECT_HANDLE aes;
static CK_OBJECT_HANDLE mac_key;

/* Each thread its own IV, data and length; every second length is more than a message holds. */
struct cryptor {
    pthread_t id;
    size_t number;
    CK_RV rv;
    unsigned right;
    uint8_t iv[12];
    uint8_t data[LONG_DATA];
    uint8_t wanted[LONG_DATA + TAG];
    uint8_t out[LONG_DATA + TAG];
    uint8_t mac[MAC_LEN];
};

static CK_RV encrypt_and_decrypt(
    CK_SESSION_HANDLE session, struct cryptor *self, size_t len, bool *ret_right)
{
    CK_GCM_PARAMS params = {self->iv, sizeof self->iv, 8 * sizeof self->iv, NULL, 0, 8 * TAG};
    CK_MECHANISM gcm = {CKM_AES_GCM, &params, sizeof params};
    CK_ULONG out_len = sizeof self->out;
    CK_RV rv = p11->C_EncryptInit(session, &gcm, aes);
    if (rv == CKR_OK)
        rv = p11->C_Encrypt(session, self->data, len, self->out, &out_len);
    *ret_right = rv == CKR_OK && out_len == len + TAG;
    if (*ret_right && len == LONG_DATA)
        *ret_right = memcmp(self->out, self->wanted, out_len) == 0;
    if (rv == CKR_OK)
        rv = p11->C_DecryptInit(session, &gcm, aes);
    if (rv == CKR_OK)
        rv = p11->C_Decrypt(session, self->out, out_len, self->out, &out_len);
    *ret_right =
        *ret_right && rv == CKR_OK && out_len == len && memcmp(self->out, self->data, len) == 0;
    return rv;
}

static CK_RV mac_in_parts(CK_SESSION_HANDLE session, struct cryptor *self, bool *ret_right)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_BYTE mac[MAC_LEN];
    CK_ULONG len = sizeof mac;
    CK_RV rv = p11->C_SignInit(session, &hmac, mac_key);
    for (size_t at = 0; at < LONG_DATA && rv == CKR_OK; at += 50000)
        rv = p11->C_SignUpdate(session, self->data + at, 50000);
    if (rv == CKR_OK)
        rv = p11->C_SignFinal(session, mac, &len);
    *ret_right = *ret_right && rv == CKR_OK && memcmp(mac, self->mac, MAC_LEN) == 0;
    return rv;
}

static void *crypt_many(void *argument)
{
    struct cryptor *self = argument;
    CK_SESSION_HANDLE session;
    self->rv = open_session(0, &session);
    for (unsigned i = 0; i < SHORT_ROUNDS && self->rv == CKR_OK; i++) {
        bool right = false;
        self->rv = encrypt_and_decrypt(session, self, i % 2 == 0 ? LONG_DATA : 100 + i, &right);
        if (self->rv == CKR_OK)
            self->rv = mac_in_parts(session, self, &right);
        self->right += right;
    }
    (void)p11->C_CloseSession(session);
    return NULL;
}

static void threads_encrypt_and_make_macs_of_long_data_beside_each_other(void **state)
{
    static struct cryptor cryptors[4];
    (void)state;
    assert_rv(CKR_OK,
        import_secret(stand.session, false, "aes", CKK_AES, aes_bytes, sizeof aes_bytes, &aes));
    assert_rv(CKR_OK, import_secret(stand.session, false, "mac", CKK_GENERIC_SECRET, aes_bytes,
                          sizeof aes_bytes, &mac_key));
    for (size_t i = 0; i < COUNT(cryptors); i++) {
        struct cryptor *self = &cryptors[i];
        *self = (struct cryptor){.number = i};
        fill_bytes(self->iv, sizeof self->iv, (uint32_t)i + 20);
        fill_bytes(self->data, sizeof self->data, (uint32_t)i + 30);
        reference_gcm(BYTES(aes_bytes), BYTES(self->iv), (struct bytes){NULL, 0}, BYTES(self->data),
            self->wanted);
        reference_hmac(BYTES(aes_bytes), BYTES(self->data), self->mac);
    }
    for (size_t i = 0; i < COUNT(cryptors); i++)
        assert_int_equal(pthread_create(&cryptors[i].id, NULL, crypt_many, &cryptors[i]), 0);
    for (size_t i = 0; i < COUNT(cryptors); i++)
        assert_int_equal(pthread_join(cryptors[i].id, NULL), 0);
    for (size_t i = 0; i < COUNT(cryptors); i++) {
        assert_rv(CKR_OK, cryptors[i].rv);
        assert_int_equal(cryptors[i].right, SHORT_ROUNDS);
    }
}

static atomic_bool enough;

/* Makes, finds and destroys objects, so that the snapshot is busy. */
static void *change_objects(void *argument)
{
    CK_RV *rv = argument;
    CK_SESSION_HANDLE session;
    struct pair pair;
    CK_ULONG count;
    *rv = open_session(0, &session);
    while (*rv == CKR_OK && !atomic_load(&enough)) {
        *rv = generate(session, false, "short-lived", &pair);
        if (*rv == CKR_OK)
            *rv = find_by_label(session, CKO_PRIVATE_KEY, "short-lived", NULL, &count);
        if (*rv == CKR_OK)
            *rv = p11->C_DestroyObject(session, pair.public_key);
        if (*rv == CKR_OK)
            *rv = p11->C_DestroyObject(session, pair.private_key);
    }
    return NULL;
}

static void *list_slots(void *argument)
{
    CK_RV *rv = argument;
    CK_SLOT_ID slot;
    for (*rv = CKR_OK; *rv == CKR_OK && !atomic_load(&enough);)
        *rv = find_slot(&slot);
    return NULL;
}

static void signing_goes_on_while_other_threads_make_find_and_destroy_objects(void **state)
{
    static void *(*const others[])(void *) = {change_objects, change_objects, list_slots};
    struct thread threads[4];
    pthread_t ids[COUNT(others)];
    CK_RV results[COUNT(others)];
    (void)state;
    atomic_store(&enough, false);
    for (size_t i = 0; i < COUNT(others); i++)
        assert_int_equal(pthread_create(&ids[i], NULL, others[i], &results[i]), 0);
    start(threads, COUNT(threads), 0);
    assert_int_equal(finish(threads, COUNT(threads)), COUNT(threads) * ROUNDS);
    atomic_store(&enough, true);
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_int_equal(pthread_join(ids[i], NULL), 0);
        assert_rv(CKR_OK, results[i]);
    }
}

int thread_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(threads_with_sessions_of_their_own_all_sign),
        WITH_STAND(threads_that_share_a_session_get_right_signatures_or_the_codes_for_it),
        WITH_STAND(a_session_closed_under_its_threads_is_invalid_for_them_and_no_more),
        WITH_STAND(finalize_under_threads_that_sign_lets_them_end),
        WITH_STAND(threads_encrypt_and_make_macs_of_long_data_beside_each_other),
        WITH_STAND(signing_goes_on_while_other_threads_make_find_and_destroy_objects),
    };
    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
