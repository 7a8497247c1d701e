/* SPDX-License-Identifier: MIT
 *
 * The module in the life of a process: before and after, without a daemon, over a fork, and with
 * its descriptors closed by a program that takes them for its own.
 */
#include "stand.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- C_Initialize and C_Finalize ---- */

/* NULL: all do as they should. */
static const char *function_that_works_uninitialised(void)
{
    for (size_t i = 0; i < function_count(); i++) {
        const char *name = function_name(i);
        if (strcmp(name, "C_Initialize") != 0 && strcmp(name, "C_GetFunctionList") != 0 &&
            function_call(i, 0) != CKR_CRYPTOKI_NOT_INITIALIZED)
            return name;
    }
    return NULL;
}

static void assert_not_initialised(void)
{
    const char *name = function_that_works_uninitialised();
    if (name != NULL)
        fail_msg("%s works", name);
}

static void the_list_has_68_functions_and_version_2_40(void **state)
{
    CK_FUNCTION_LIST *again = NULL;
    (void)state;
    assert_int_equal(function_count(), 68);
    assert_int_equal(p11->version.major, 2);
    assert_int_equal(p11->version.minor, 40);
    for (size_t i = 0; i < function_count(); i++) {
        void *function;
        memcpy(&function,
            (const char *)p11 + offsetof(CK_FUNCTION_LIST, C_Initialize) + i * sizeof function,
            sizeof function);
        assert_non_null(function);
    }
    assert_rv(CKR_OK, p11->C_GetFunctionList(&again));
    assert_ptr_equal(again, p11);
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetFunctionList(NULL));
}

static void before_initialize_and_after_finalize_every_function_says_so(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_not_initialised();
        assert_rv(CKR_OK, p11->C_Initialize(NULL));
        assert_rv(CKR_OK, p11->C_Finalize(NULL));
    }
    assert_not_initialised();
}

static CK_RV create_mutex(void **mutex)
{
    *mutex = NULL;
    return CKR_OK;
}
static CK_RV use_mutex(void *mutex)
{
    (void)mutex;
    return CKR_OK;
}

static void initialize_takes_every_form_of_arguments_that_the_standard_allows(void **state)
{
    CK_C_INITIALIZE_ARGS forms[] = {{0}, {.flags = CKF_OS_LOCKING_OK},
        {.flags = CKF_LIBRARY_CANT_CREATE_OS_THREADS},
        {.flags = CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS},
        {create_mutex, use_mutex, use_mutex, use_mutex, 0, NULL},
        {create_mutex, use_mutex, use_mutex, use_mutex, CKF_OS_LOCKING_OK, NULL}};
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        assert_rv(CKR_OK, p11->C_Initialize(&forms[i]));
        assert_rv(CKR_OK, p11->C_Finalize(NULL));
    }
}

static void initialize_refuses_some_callbacks_without_the_others_and_anything_reserved(void **state)
{
    int something;
    CK_C_INITIALIZE_ARGS forms[] = {{create_mutex, NULL, NULL, NULL, 0, NULL},
        {NULL, use_mutex, use_mutex, use_mutex, 0, NULL},
        {create_mutex, use_mutex, use_mutex, NULL, CKF_OS_LOCKING_OK, NULL},
        {.pReserved = &something}};
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++)
        assert_rv(CKR_ARGUMENTS_BAD, p11->C_Initialize(&forms[i]));
    assert_not_initialised();
}

static void initialize_twice_is_said_so_and_finalize_with_an_argument_does_nothing(void **state)
{
    CK_INFO info;
    int something;
    (void)state;
    assert_rv(CKR_OK, p11->C_Initialize(NULL));
    assert_rv(CKR_CRYPTOKI_ALREADY_INITIALIZED, p11->C_Initialize(NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_Finalize(&something));
    assert_rv(CKR_OK, p11->C_GetInfo(&info));
    assert_rv(CKR_OK, p11->C_Finalize(NULL));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_Finalize(NULL));
}

static void finalize_ends_sessions_and_their_handles_never_come_back(void **state)
{
    CK_SESSION_HANDLE session = 0;
    CK_SESSION_INFO info;
    (void)state;
    const CK_SESSION_HANDLE before = stand.session;
    const CK_OBJECT_HANDLE key_before = stand.key;
    assert_rv(CKR_OK, p11->C_Finalize(NULL));
    assert_rv(CKR_OK, p11->C_Initialize(NULL));
    assert_rv(CKR_SESSION_HANDLE_INVALID, p11->C_GetSessionInfo(before, &info));
    assert_rv(CKR_OK, find_slot(&stand.slot));
    assert_rv(CKR_OK, open_session(0, &session));
    assert_int_not_equal(session, before);
    assert_rv(CKR_OK, log_in(session));
    assert_int_not_equal(find_key(session, "device"), key_before);
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(session, &ecdsa, key_before));
}

/* ---- without a daemon ---- */

static char elsewhere[] = "/tmp/module-check-XXXXXX";
static char *real_directory;

static int enter_empty_directory(void **state)
{
    (void)state;
    (void)p11->C_Finalize(NULL);
    (void)memcpy(elsewhere + sizeof elsewhere - 7, "XXXXXX", 6);
    real_directory = strdup(getenv("SIGNERD_RUNTIME_DIR"));
    if (real_directory == NULL || mkdtemp(elsewhere) == NULL)
        return -1;
    return setenv("SIGNERD_RUNTIME_DIR", elsewhere, 1);
}

static int leave_empty_directory(void **state)
{
    char socket_path[64];
    (void)state;
    (void)p11->C_Finalize(NULL);
    (void)snprintf(socket_path, sizeof socket_path, "%s/demo.sock", elsewhere);
    (void)unlink(socket_path);
    (void)rmdir(elsewhere);
    const int result = setenv("SIGNERD_RUNTIME_DIR", real_directory, 1);
    free(real_directory);
    return result;
}

static void assert_slots(CK_BBOOL present, CK_ULONG wanted)
{
    CK_ULONG count = 99;
    assert_rv(CKR_OK, p11->C_GetSlotList(present, NULL, &count));
    assert_int_equal(count, wanted);
}

static void without_a_daemon_initialize_and_slot_list_succeed(void **state)
{
    (void)state;
    assert_rv(CKR_OK, p11->C_Initialize(NULL));
    assert_slots(CK_FALSE, 0);
    assert_slots(CK_TRUE, 0);
}

static void without_a_runtime_directory_initialize_and_slot_list_succeed(void **state)
{
    (void)state;
    assert_int_equal(rmdir(elsewhere), 0);
    assert_rv(CKR_OK, p11->C_Initialize(NULL));
    assert_slots(CK_FALSE, 0);
}

static void a_socket_where_nobody_listens_is_a_slot_without_a_token(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CK_SESSION_HANDLE session;
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_ULONG count;
    (void)state;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/demo.sock", elsewhere);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(close(fd), 0);
    assert_rv(CKR_OK, p11->C_Initialize(NULL));
    assert_slots(CK_FALSE, 1);
    assert_slots(CK_TRUE, 0);
    assert_rv(CKR_OK, p11->C_GetSlotInfo(0, &slot));
    assert_int_equal(slot.flags & CKF_TOKEN_PRESENT, 0);
    assert_rv(CKR_TOKEN_NOT_PRESENT, p11->C_GetTokenInfo(0, &token));
    assert_rv(CKR_TOKEN_NOT_PRESENT, p11->C_GetMechanismList(0, NULL, &count));
    assert_rv(
        CKR_TOKEN_NOT_PRESENT, p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session));
}

static void a_daemon_that_comes_later_is_a_new_slot(void **state)
{
    char from[256];
    char to[64];
    CK_SESSION_HANDLE session;
    (void)state;
    assert_rv(CKR_OK, p11->C_Initialize(NULL));
    assert_slots(CK_TRUE, 0);
    (void)snprintf(from, sizeof from, "%s/demo.sock", real_directory);
    (void)snprintf(to, sizeof to, "%s/demo.sock", elsewhere);
    assert_int_equal(symlink(from, to), 0);
    assert_slots(CK_TRUE, 1);
    assert_rv(CKR_OK, find_slot(&stand.slot));
    assert_rv(CKR_OK, open_session(0, &session));
}

/* ---- fork ---- */

static const CK_BYTE digest_of_child[DIGEST] = "signed by a child";

/* What a child does, without C_Finalize of what the parent had. No cmocka, stdio or OpenSSL:
 * threads of the parent may have been inside. 0, or the number of the step that failed. */
static int sign_in_child(CK_BYTE ret_signature[SIGNATURE])
{
    CK_SESSION_HANDLE session;
    CK_SESSION_INFO info;
    const CK_SESSION_HANDLE parents = stand.session;
    if (function_that_works_uninitialised() != NULL)
        return 1;
    if (p11->C_Initialize(NULL) != CKR_OK)
        return 2;
    if (p11->C_GetSessionInfo(parents, &info) != CKR_SESSION_HANDLE_INVALID)
        return 3;
    if (find_slot(&stand.slot) != CKR_OK || open_session(0, &session) != CKR_OK)
        return 4;
    if (p11->C_Login(session, CKU_USER, options.pin, options.pin_len) != CKR_OK)
        return 5; /* also when it says that the child is logged in: its parent is */
    const CK_OBJECT_HANDLE key = find_key(session, "device");
    if (key == 0 || sign(session, key, digest_of_child, ret_signature) != CKR_OK)
        return 6;
    return p11->C_Finalize(NULL) == CKR_OK ? 0 : 7;
}

static void fork_and_sign(void)
{
    CK_BYTE signature[SIGNATURE] = {0};
    int signatures[2];
    int status = -1;
    assert_int_equal(pipe(signatures), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const int step = sign_in_child(signature);
        (void)!write(signatures[1], signature, sizeof signature);
        _exit(step);
    }
    while (waitpid(pid, &status, WNOHANG) == 0)
        assert_signs(stand.session, stand.key, stand.verifier);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(read(signatures[0], signature, sizeof signature), sizeof signature);
    assert_true(verifies(stand.verifier, digest_of_child, signature));
    assert_int_equal(close(signatures[0]), 0);
    assert_int_equal(close(signatures[1]), 0);
}

static void a_child_is_uninitialised_then_signs_while_the_parent_goes_on(void **state)
{
    struct pair pair;
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, false, "parents-own", &pair));
    for (int i = 0; i < 3; i++)
        fork_and_sign();
    /* the children's ends are not the parent's: its session objects and its login are still there
     */
    assert_rv(
        CKR_OK, sign(stand.session, pair.private_key, digest_of_child, (CK_BYTE[SIGNATURE]){0}));
}

#ifndef __SANITIZE_ADDRESS__ /* whose runtime may hold its own locks in another thread */
static atomic_bool enough;

static void *sign_until_enough(void *argument)
{
    CK_RV rv = CKR_OK;
    CK_SESSION_HANDLE session;
    CK_BYTE signature[SIGNATURE];
    rv = open_session(0, &session);
    while (rv == CKR_OK && !atomic_load(&enough))
        rv = sign(session, stand.key, digest_of_child, signature);
    *(CK_RV *)argument = rv;
    return NULL;
}

static void children_of_a_process_whose_threads_sign_are_not_hurt_and_hurt_none(void **state)
{
    pthread_t threads[4];
    CK_RV results[COUNT(threads)];
    (void)state;
    atomic_store(&enough, false);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_until_enough, &results[i]), 0);
    for (int i = 0; i < 10; i++)
        fork_and_sign();
    atomic_store(&enough, true);
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_rv(CKR_OK, results[i]);
    }
}
#endif

/* ---- descriptors ---- */

enum { FIRST_FD = 3, FDS = 40 };

/* Files and sockets of the program's own under all low numbers. */
struct own {
    int fd[FDS];
    int peer[FDS]; /* of a socket; -1: a file */
    ino_t inode[FDS];
};

static void take_numbers(struct own *own)
{
    struct stat status;
    for (int i = 0; i < FDS; i++) {
        int ends[2] = {-1, -1};
        if (i % 2 == 0) {
            ends[0] = memfd_create("own", 0);
        } else {
            assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
            ends[1] = dup2(ends[1], 500 + i); /* out of the way */
        }
        assert_true(ends[0] >= 0);
        assert_int_equal(fstat(ends[0], &status), 0);
        own->fd[i] = ends[0];
        own->peer[i] = ends[1];
        own->inode[i] = status.st_ino;
    }
}

static void assert_untouched(const struct own *own)
{
    struct stat status;
    char byte;
    for (int i = 0; i < FDS; i++) {
        assert_int_equal(fstat(own->fd[i], &status), 0);
        assert_int_equal(status.st_ino, own->inode[i]);
        assert_int_equal(status.st_size, 0);
        if (own->peer[i] >= 0) {
            assert_int_equal(recv(own->peer[i], &byte, 1, MSG_DONTWAIT), -1);
            assert_int_equal(errno, EAGAIN); /* neither data nor an end */
        }
    }
}

static void *sign_some(void *ignored)
{
    CK_SESSION_HANDLE session;
    CK_BYTE signature[SIGNATURE];
    (void)ignored;
    if (open_session(0, &session) == CKR_OK)
        for (int i = 0; i < 50; i++)
            (void)sign(session, stand.key, digest_of_child, signature);
    return NULL;
}

/* So that the module has several connections. */
static void sign_on_threads(void)
{
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_some, NULL), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void descriptors_closed_and_used_again_by_the_program_are_let_alone_and_signing_goes_on(
    void **state)
{
    struct own own;
    struct pair pair;
    CK_SESSION_INFO info;
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, false, "dies-with-its-connections", &pair));
    for (int round = 0; round < 3; round++) {
        sign_on_threads();
        assert_int_equal(close_range(FIRST_FD, ~0U, 0), 0);
        take_numbers(&own);
        for (int i = 0; i < 20; i++)
            assert_signs(stand.session, stand.key, stand.verifier);
        sign_on_threads();
        assert_untouched(&own);
    }
    assert_rv(CKR_OK, p11->C_GetSessionInfo(stand.session, &info));
    assert_int_equal(info.state, CKS_RW_USER_FUNCTIONS);
    assert_rv(CKR_OK, p11->C_Finalize(NULL));
    assert_untouched(&own);
    assert_int_equal(close_range(FIRST_FD, ~0U, 0), 0);
}

static void descriptors_closed_before_finalize_and_used_again_are_not_closed_by_it(void **state)
{
    struct own own;
    (void)state;
    sign_on_threads();
    assert_int_equal(close_range(FIRST_FD, ~0U, 0), 0);
    take_numbers(&own);
    assert_rv(CKR_OK, p11->C_Finalize(NULL));
    assert_untouched(&own);
    assert_int_equal(close_range(FIRST_FD, ~0U, 0), 0);
}

/* ---- exec ---- */

static void *wait_for_slot_event(void *ignored)
{
    CK_SLOT_ID slot;
    (void)ignored;
    (void)p11->C_WaitForSlotEvent(0, &slot, NULL);
    return NULL;
}

/* Whatever is open in us while threads sign and one waits for slot events. */
static void a_program_that_is_run_inherits_nothing_of_ours(void **state)
{
    pthread_t waiter;
    DIR *directory = opendir("/proc/self/fd");
    (void)state;
    assert_non_null(directory);
    assert_int_equal(pthread_create(&waiter, NULL, wait_for_slot_event, NULL), 0);
    sign_on_threads();
    (void)usleep(200000);
    size_t open_descriptors = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const int fd = atoi(entry->d_name);
        if (fd < FIRST_FD || fd == dirfd(directory))
            continue;
        open_descriptors++;
        char target[64] = "";
        char link[64];
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        (void)!readlink(link, target, sizeof target - 1);
        const bool ours = strncmp(target, "socket:", 7) == 0 || strstr(target, "inotify") != NULL;
        if (ours && (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
            fail_msg("%s stays open over exec", target);
    }
    assert_true(open_descriptors >= 4); /* a pair of sockets, inotify, a connection */
    (void)closedir(directory);
    assert_rv(CKR_OK, p11->C_Finalize(NULL));
    assert_int_equal(pthread_join(waiter, NULL), 0);
}

int process_tests(void)
{
#define ELSEWHERE(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, enter_empty_directory, leave_empty_directory)
    const struct CMUnitTest tests[] = {
        TEST(the_list_has_68_functions_and_version_2_40),
        TEST(before_initialize_and_after_finalize_every_function_says_so),
        TEST(initialize_takes_every_form_of_arguments_that_the_standard_allows),
        TEST(initialize_refuses_some_callbacks_without_the_others_and_anything_reserved),
        TEST(initialize_twice_is_said_so_and_finalize_with_an_argument_does_nothing),
        WITH_STAND(finalize_ends_sessions_and_their_handles_never_come_back),
        ELSEWHERE(without_a_daemon_initialize_and_slot_list_succeed),
        ELSEWHERE(without_a_runtime_directory_initialize_and_slot_list_succeed),
        ELSEWHERE(a_socket_where_nobody_listens_is_a_slot_without_a_token),
        ELSEWHERE(a_daemon_that_comes_later_is_a_new_slot),
        WITH_STAND(a_program_that_is_run_inherits_nothing_of_ours),
        WITH_STAND(a_child_is_uninitialised_then_signs_while_the_parent_goes_on),
#ifndef __SANITIZE_ADDRESS__
        WITH_STAND(children_of_a_process_whose_threads_sign_are_not_hurt_and_hurt_none),
#endif
        WITH_STAND(
            descriptors_closed_and_used_again_by_the_program_are_let_alone_and_signing_goes_on),
        WITH_STAND(descriptors_closed_before_finalize_and_used_again_are_not_closed_by_it),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
