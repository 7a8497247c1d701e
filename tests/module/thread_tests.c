/* SPDX-License-Identifier: MIT
 *
 * Threads of one process: each with a session, all in one session, and with the ground taken away
 * under them.
 */
#include "stand.h"

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
        WITH_STAND(signing_goes_on_while_other_threads_make_find_and_destroy_objects),
    };
    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
