/* SPDX-License-Identifier: MIT
 *
 * C_WaitForSlotEvent: what is an event, what is none, and how waiting ends. What a daemon and a
 * device do in earnest is in tests/e2e/sessions.bats.
 */
#include "stand.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char elsewhere[] = "/tmp/module-check-XXXXXX";
static char *real_directory;
static char real_socket[256];

/* The module begins with a runtime directory that is empty. */
static int enter_empty_directory(void **state)
{
    (void)state;
    (void)p11->C_Finalize(NULL);
    (void)memcpy(elsewhere + sizeof elsewhere - 7, "XXXXXX", 6);
    real_directory = strdup(getenv("SIGNERD_RUNTIME_DIR"));
    if (real_directory == NULL || mkdtemp(elsewhere) == NULL)
        return -1;
    (void)snprintf(real_socket, sizeof real_socket, "%s/%s.sock", real_directory, options.token);
    if (setenv("SIGNERD_RUNTIME_DIR", elsewhere, 1) != 0)
        return -1;
    return p11->C_Initialize(NULL) == CKR_OK ? 0 : -1;
}

static void in_directory(char path[64], const char *name)
{
    (void)snprintf(path, 64, "%s/%s.sock", elsewhere, name);
}

static int leave_directory(void **state)
{
    static const char *const names[] = {"a", "b"};
    char path[64];
    (void)state;
    (void)p11->C_Finalize(NULL);
    for (size_t i = 0; i < COUNT(names); i++) {
        in_directory(path, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(elsewhere);
    const int result = setenv("SIGNERD_RUNTIME_DIR", real_directory, 1);
    free(real_directory);
    return result;
}
#define ELSEWHERE(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, enter_empty_directory, leave_directory)

static void link_daemon(const char *name)
{
    char path[64];
    in_directory(path, name);
    assert_int_equal(symlink(real_socket, path), 0);
}

static CK_RV look(CK_SLOT_ID *ret_slot)
{
    *ret_slot = 99;
    return p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, ret_slot, NULL);
}

static void what_was_so_from_the_beginning_is_no_event(void **state)
{
    CK_SLOT_ID slot;
    (void)state;
    assert_rv(CKR_NO_EVENT, look(&slot));
    assert_rv(CKR_NO_EVENT, look(&slot));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, &slot));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_WaitForSlotEvent(0, NULL, NULL));
}

static void each_new_slot_is_one_event(void **state)
{
    CK_SLOT_ID slot;
    CK_SLOT_INFO info;
    (void)state;
    assert_rv(CKR_NO_EVENT, look(&slot));
    link_daemon("a");
    link_daemon("b");
    assert_rv(CKR_OK, look(&slot));
    assert_int_equal(slot, 0);
    assert_rv(CKR_OK, p11->C_GetSlotInfo(slot, &info));
    assert_int_equal(info.flags, CKF_TOKEN_PRESENT);
    assert_rv(CKR_OK, look(&slot));
    assert_int_equal(slot, 1);
    assert_rv(CKR_NO_EVENT, look(&slot));
}

/* C_GetSlotList and the like do not take an event away. */
static void looking_at_a_slot_by_other_functions_leaves_its_event(void **state)
{
    CK_SLOT_ID slot;
    CK_SLOT_ID slots[4];
    CK_ULONG count = 0;
    CK_TOKEN_INFO info;
    (void)state;
    link_daemon("a");
    assert_rv(CKR_OK, p11->C_GetSlotList(CK_TRUE, NULL, &count));
    assert_int_equal(count, 1);
    assert_rv(CKR_OK, p11->C_GetSlotList(CK_TRUE, slots, &count));
    assert_rv(CKR_OK, p11->C_GetTokenInfo(slots[0], &info));
    assert_rv(CKR_OK, look(&slot));
    assert_rv(CKR_NO_EVENT, look(&slot));
}

/* ---- blocking ---- */

struct waiter {
    pthread_t thread;
    CK_RV rv;
    CK_SLOT_ID slot;
    atomic_bool done;
};

static void *wait_for_event(void *argument)
{
    struct waiter *waiter = argument;
    waiter->rv = p11->C_WaitForSlotEvent(0, &waiter->slot, NULL);
    atomic_store(&waiter->done, true);
    return NULL;
}

static void pause_ms(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

static void start_waiting(struct waiter *waiter)
{
    *waiter = (struct waiter){.rv = CKR_GENERAL_ERROR, .slot = 99};
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_for_event, waiter), 0);
    pause_ms(200);
    assert_false(atomic_load(&waiter->done));
}

static void assert_ends(struct waiter *waiter, CK_RV wanted)
{
    for (int i = 0; i < 500 && !atomic_load(&waiter->done); i++)
        pause_ms(10);
    assert_true(atomic_load(&waiter->done));
    assert_int_equal(pthread_join(waiter->thread, NULL), 0);
    assert_int_equal(waiter->rv, wanted);
}

static void who_waits_is_told_of_a_new_slot(void **state)
{
    struct waiter waiter;
    CK_SLOT_ID slot;
    (void)state;
    start_waiting(&waiter);
    link_daemon("a");
    assert_ends(&waiter, CKR_OK);
    assert_int_equal(waiter.slot, 0);
    assert_rv(CKR_NO_EVENT, look(&slot));
}

static void a_directory_that_is_made_later_is_found(void **state)
{
    struct waiter waiter;
    (void)state;
    assert_int_equal(rmdir(elsewhere), 0);
    start_waiting(&waiter);
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    link_daemon("a");
    assert_ends(&waiter, CKR_OK);
}

static void an_event_that_is_there_already_is_told_without_waiting(void **state)
{
    CK_SLOT_ID slot = 99;
    (void)state;
    link_daemon("a");
    assert_rv(CKR_OK, p11->C_WaitForSlotEvent(0, &slot, NULL));
    assert_int_equal(slot, 0);
}

static void finalize_wakes_all_who_wait_and_initialize_works_again(void **state)
{
    struct waiter waiters[3];
    CK_SLOT_ID slot;
    (void)state;
    link_daemon("a");
    assert_rv(CKR_OK, look(&slot));
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT(waiters); i++)
            start_waiting(&waiters[i]);
        assert_rv(CKR_OK, p11->C_Finalize(NULL));
        for (size_t i = 0; i < COUNT(waiters); i++)
            assert_ends(&waiters[i], CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_rv(CKR_OK, p11->C_Initialize(NULL));
    }
}

/* Other threads' calls are not held up. */
static void while_one_waits_the_others_work(void **state)
{
    struct waiter waiter;
    CK_SESSION_HANDLE session;
    CK_ULONG count = 0;
    CK_SLOT_ID slot;
    (void)state;
    link_daemon("a");
    assert_rv(CKR_OK, look(&slot));
    start_waiting(&waiter);
    for (int i = 0; i < 20; i++) {
        assert_rv(CKR_OK, p11->C_GetSlotList(CK_TRUE, NULL, &count));
        assert_rv(CKR_OK, p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session));
        assert_rv(CKR_OK, p11->C_CloseSession(session));
    }
    assert_false(atomic_load(&waiter.done));
    assert_rv(CKR_OK, p11->C_Finalize(NULL));
    assert_ends(&waiter, CKR_CRYPTOKI_NOT_INITIALIZED);
}

/* The parent's thread may hold any lock of ours at that moment. */
static void a_child_of_a_process_that_waits_begins_anew_and_the_parent_goes_on(void **state)
{
    struct waiter waiter;
    CK_SLOT_ID slot;
    (void)state;
    link_daemon("a");
    assert_rv(CKR_OK, look(&slot));
    start_waiting(&waiter);
    for (int i = 0; i < 5; i++) {
        int status = -1;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(p11->C_WaitForSlotEvent(0, &slot, NULL) != CKR_CRYPTOKI_NOT_INITIALIZED ? 1
                  : p11->C_Initialize(NULL) != CKR_OK                                     ? 2
                  : look(&slot) != CKR_NO_EVENT                                           ? 3
                  : p11->C_Finalize(NULL) != CKR_OK                                       ? 4
                                                                                          : 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    assert_false(atomic_load(&waiter.done));
    link_daemon("b");
    assert_ends(&waiter, CKR_OK);
    assert_int_equal(waiter.slot, 1);
}

static long processor_ms(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

static void waiting_takes_no_processor_time(void **state)
{
    struct waiter waiter;
    CK_SLOT_ID slot;
    (void)state;
    link_daemon("a");
    assert_rv(CKR_OK, look(&slot));
    start_waiting(&waiter);
    const long before = processor_ms();
    pause_ms(3000);
    const long used = processor_ms() - before;
    if (used > 10)
        fail_msg("%ld ms in 3 s", used);
    assert_rv(CKR_OK, p11->C_Finalize(NULL));
    assert_ends(&waiter, CKR_CRYPTOKI_NOT_INITIALIZED);
}

int event_tests(void)
{
    const struct CMUnitTest tests[] = {
        ELSEWHERE(what_was_so_from_the_beginning_is_no_event),
        ELSEWHERE(each_new_slot_is_one_event),
        ELSEWHERE(looking_at_a_slot_by_other_functions_leaves_its_event),
        ELSEWHERE(who_waits_is_told_of_a_new_slot),
        ELSEWHERE(a_directory_that_is_made_later_is_found),
        ELSEWHERE(an_event_that_is_there_already_is_told_without_waiting),
        ELSEWHERE(finalize_wakes_all_who_wait_and_initialize_works_again),
        ELSEWHERE(while_one_waits_the_others_work),
        ELSEWHERE(a_child_of_a_process_that_waits_begins_anew_and_the_parent_goes_on),
        ELSEWHERE(waiting_takes_no_processor_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
