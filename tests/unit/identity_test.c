/* SPDX-License-Identifier: MIT
 *
 * Identity: the start time in /proc texts of any process name, and a real peer's uid, pid, groups
 * and start time.
 */
#include "test.h"

#include "scratch.h"
#include "signerd/identity.h"

#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- /proc/PID/stat ---- */

#define BEFORE "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 " /* fields 3 to 21 */

static void expect_start_time(const char *stat, uint64_t expected)
{
    uint64_t found;
    assert_true(identity_parse_start_time(stat, &found));
    assert_true(found == expected);
}

static void expect_none(const char *stat)
{
    uint64_t untouched = 7;
    assert_false(identity_parse_start_time(stat, &untouched));
    assert_int_equal(untouched, 7);
}

static void the_start_time_is_field_22(void **state)
{
    expect_start_time("1 (init) " BEFORE "4711 23 24 25\n", 4711);
    expect_start_time("1 (init) " BEFORE "18446744073709551615 23", UINT64_MAX);
    expect_start_time("1 (init) " BEFORE "0", 0);
    (void)state;
}

/* A process names itself as it likes: nothing in the name is a field. */
static void a_name_of_any_bytes_moves_no_field(void **state)
{
    static const char *const names[] = {
        "a b", ")", "a) S 1 2 3", "(((", "a\nb", "))))", "x) " BEFORE "99 ", "", " ", "\xff\x01"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char stat[256];
        (void)snprintf(stat, sizeof stat, "1 (%s) " BEFORE "4711 23\n", names[i]);
        expect_start_time(stat, 4711);
    }
    (void)state;
}

static void a_text_that_is_cut_gives_nothing(void **state)
{
    static const char whole[] = "1 (init) " BEFORE "4711 23\n";
    const size_t number_at = strlen("1 (init) " BEFORE);
    char cut[sizeof whole];
    for (size_t len = 0; len <= number_at; len++) {
        memcpy(cut, whole, len);
        cut[len] = '\0';
        expect_none(cut);
    }
    (void)state;
}

static void what_is_no_number_gives_nothing(void **state)
{
    expect_none("1 (init) " BEFORE "x 23\n");
    expect_none("1 (init) " BEFORE "12x 23\n");
    expect_none("1 init " BEFORE "4711 23\n");
    expect_none("1 (init) " BEFORE " 23\n");
    expect_none("1 (init) " BEFORE "-1 23\n");
    expect_none("1 (init) " BEFORE "+1 23\n");
    expect_none("1 (init) " BEFORE "18446744073709551616 23\n");
    (void)state;
}

/* ---- a real peer ---- */

static struct scratch scratch;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int door;

static int open_door(void **state)
{
    (void)state;
    scratch_make(&scratch);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/door", scratch.path);
    door = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (bind(door, (const struct sockaddr *)&address, sizeof address) != 0 || listen(door, 4) != 0)
        return -1;
    return 0;
}

static int close_door(void **state)
{
    (void)state;
    (void)close(door);
    scratch_remove(&scratch);
    return 0;
}

/* A child that connects, becomes what it shall be, and lives until the other end closes (or ends at
 * once). */
static pid_t connect_child(void (*become)(void), bool stays, int *ret_connection)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char byte;
        become();
        int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
        if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
            _exit(1);
        if (stays && recv(fd, &byte, 1, 0) < 0)
            _exit(1);
        _exit(0);
    }
    *ret_connection = accept(door, NULL, NULL);
    assert_true(*ret_connection >= 0);
    return child;
}

static void bury(pid_t child, int connection)
{
    int status;
    (void)close(connection);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void stay_as_i_am(void)
{
}

static void take_an_evil_name(void)
{
    (void)prctl(PR_SET_NAME, "a) R 1 2\n3 (b");
}

static void become_daemon(void)
{
    const gid_t groups[] = {7, 8, 9};
    if (setgroups(3, groups) != 0 || setgid(2) != 0 || setuid(1) != 0)
        _exit(1);
}

/* Found in another way than by the code under test: the 20th word behind the name, which is known.
 */
static uint64_t start_time_of(pid_t pid, const char *name)
{
    char path[64];
    char text[1024] = "";
    char skipped[64];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    (void)fclose(file);
    (void)snprintf(skipped, sizeof skipped, "%d (%s) ", (int)pid, name);
    assert_memory_equal(text, skipped, strlen(skipped));
    char *rest = text + strlen(skipped);
    char *word = NULL;
    for (int field = 3; field <= 22; field++)
        word = strsep(&rest, " ");
    return strtoull(word, NULL, 10);
}

static void a_peer_is_who_connected(void **state)
{
    static struct identity identity;
    int connection;
    pid_t child = connect_child(take_an_evil_name, true, &connection);
    assert_int_equal(identity_of_peer(connection, &identity), ERR_OK);
    assert_int_equal(identity.uid, getuid());
    assert_int_equal(identity.pid, child);
    assert_true(identity.start_time == start_time_of(child, "a) R 1 2\n3 (b"));
    assert_true(identity_in_group(&identity, getgid()));
    bury(child, connection);
    (void)state;
}

static void a_peers_groups_are_its_primary_and_supplementary(void **state)
{
    static struct identity identity;
    int connection;
    if (getuid() != 0)
        skip();
    assert_int_equal(chmod(scratch.path, 0755), 0);
    assert_int_equal(chmod(address.sun_path, 0666), 0);
    pid_t child = connect_child(become_daemon, true, &connection);
    assert_int_equal(identity_of_peer(connection, &identity), ERR_OK);
    assert_int_equal(identity.uid, 1);
    assert_int_equal(identity.group_count, 4);
    assert_int_equal(identity.groups[0], 2);
    for (uint32_t gid = 7; gid <= 9; gid++)
        assert_true(identity_in_group(&identity, gid));
    assert_false(identity_in_group(&identity, 0));
    assert_false(identity_in_group(&identity, 1));
    bury(child, connection);
    (void)state;
}

static void a_peer_that_has_ended_is_nobody(void **state)
{
    static struct identity identity;
    int connection;
    pid_t child = connect_child(stay_as_i_am, false, &connection);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(identity_of_peer(connection, &identity), ERR_DENIED); /* not yet buried */
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(identity_of_peer(connection, &identity), ERR_DENIED);
    (void)close(connection);
    (void)state;
}

static void what_is_no_socket_has_no_peer(void **state)
{
    static struct identity identity;
    assert_int_equal(identity_of_peer(-1, &identity), ERR_SYSTEM);
    assert_int_equal(identity_of_peer(scratch.fd, &identity), ERR_SYSTEM);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_start_time_is_field_22),
        TEST(a_name_of_any_bytes_moves_no_field),
        TEST(a_text_that_is_cut_gives_nothing),
        TEST(what_is_no_number_gives_nothing),
        TEST(a_peer_is_who_connected),
        TEST(a_peers_groups_are_its_primary_and_supplementary),
        TEST(a_peer_that_has_ended_is_nobody),
        TEST(what_is_no_socket_has_no_peer),
    };
    return cmocka_run_group_tests(tests, open_door, close_door);
}
