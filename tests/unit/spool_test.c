/* SPDX-License-Identifier: MIT
 *
 * The spool: what it accepted it keeps, in order, across crashes, full disks and damage; no number
 * is given twice.
 */
#include "test.h"

#include "publisher/spool.h"

#include "scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct scratch scratch;
static char file[96];

static int begin(void **state)
{
    scratch_make(&scratch);
    (void)snprintf(file, sizeof file, "%s/spool", scratch.path);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)state;
    return 0;
}

static int end(void **state)
{
    scratch_remove(&scratch);
    (void)state;
    return 0;
}

struct open_spool {
    int lock;
    struct spool *spool;
};

static struct open_spool open_it(uint64_t max)
{
    struct open_spool it;
    assert_int_equal(spool_claim(file, &it.lock), ERR_OK);
    assert_int_equal(spool_open(file, it.lock, max, &it.spool), ERR_OK);
    return it;
}

static void close_it(struct open_spool *it)
{
    spool_close(it->spool);
    (void)close(it->lock);
}

static int64_t append(struct spool *spool, const char *text, err_t wanted)
{
    int64_t number = 0;
    assert_int_equal(spool_take_number(spool, &number), ERR_OK);
    assert_int_equal(spool_append(spool, number, "a/topic", span_of_text(text)), wanted);
    return number;
}

static void expect_oldest(struct spool *spool, int64_t number, const char *text)
{
    struct spool_record *record;
    assert_int_equal(spool_oldest(spool, &record), ERR_OK);
    if (number == 0) {
        assert_null(record);
        return;
    }
    assert_non_null(record);
    assert_int_equal(record->number, number);
    assert_string_equal(record->topic, "a/topic");
    assert_true(span_equal(record->envelope, span_of_text(text)));
    spool_record_free(record);
}

static struct spool_state state_of(struct spool *spool)
{
    struct spool_state state;
    assert_int_equal(spool_state(spool, &state), ERR_OK);
    return state;
}

static void the_oldest_comes_first_until_it_is_deleted(void **state)
{
    struct open_spool it = open_it(0);
    expect_oldest(it.spool, 0, NULL);
    assert_int_equal(append(it.spool, "first", ERR_OK), 1);
    assert_int_equal(append(it.spool, "second", ERR_OK), 2);
    expect_oldest(it.spool, 1, "first");
    expect_oldest(it.spool, 1, "first");
    assert_int_equal(spool_delete(it.spool, 1), ERR_OK);
    expect_oldest(it.spool, 2, "second");
    assert_int_equal(state_of(it.spool).waiting, 1);
    assert_int_equal(state_of(it.spool).oldest_number, 2);
    assert_int_equal(state_of(it.spool).next_number, 3);
    assert_int_equal(spool_delete(it.spool, 2), ERR_OK);
    expect_oldest(it.spool, 0, NULL);
    close_it(&it);
    (void)state;
}

static void what_was_accepted_is_there_after_a_restart(void **state)
{
    struct open_spool it = open_it(0);
    (void)append(it.spool, "kept", ERR_OK);
    close_it(&it);
    it = open_it(0);
    expect_oldest(it.spool, 1, "kept");
    assert_int_equal(append(it.spool, "next", ERR_OK), 2);
    close_it(&it);
    (void)state;
}

static void a_parked_one_is_in_nobodys_way_and_comes_back(void **state)
{
    struct open_spool it = open_it(0);
    int64_t count = 0;
    (void)append(it.spool, "bad", ERR_OK);
    (void)append(it.spool, "good", ERR_OK);
    assert_int_equal(spool_count_drop(it.spool, 1), ERR_OK);
    struct spool_record *record;
    assert_int_equal(spool_oldest(it.spool, &record), ERR_OK);
    assert_int_equal(record->drops, 1);
    spool_record_free(record);
    assert_int_equal(spool_park(it.spool, 1, "too large"), ERR_OK);
    expect_oldest(it.spool, 2, "good");
    assert_int_equal(state_of(it.spool).waiting, 1);
    assert_int_equal(state_of(it.spool).parked, 1);
    assert_int_equal(spool_unpark(it.spool, &count), ERR_OK);
    assert_int_equal(count, 1);
    expect_oldest(it.spool, 1, "bad");
    assert_int_equal(spool_oldest(it.spool, &record), ERR_OK);
    assert_int_equal(record->drops, 0);
    spool_record_free(record);
    close_it(&it);
    (void)state;
}

static void a_second_process_is_refused(void **state)
{
    struct open_spool it = open_it(0);
    int other;
    assert_int_equal(spool_claim(file, &other), ERR_IN_USE);
    close_it(&it);
    it = open_it(0);
    close_it(&it);
    (void)state;
}

/* Appends and tells each accepted number through a pipe, until it is killed. */
static void write_until_killed(int out)
{
    struct open_spool it = open_it(0);
    for (;;) {
        int64_t number;
        if (spool_take_number(it.spool, &number) != ERR_OK ||
            spool_append(it.spool, number, "a/topic", span_of_text("envelope")) != ERR_OK)
            _exit(1);
        if (write(out, &number, sizeof number) != (ssize_t)sizeof number)
            _exit(1);
    }
}

static void killed_at_any_moment_it_loses_nothing_and_repeats_no_number(void **state)
{
    int64_t last_seen = 0;
    for (int round = 0; round < 20; round++) {
        int ends[2], status;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(ends[1]);
        (void)close(ends[1]);
        (void)usleep((unsigned)(3000 + round * 1777));
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));

        struct open_spool it = open_it(0);
        int64_t number;
        while (read(ends[0], &number, sizeof number) == (ssize_t)sizeof number) {
            assert_true(number > last_seen);
            last_seen = number;
            expect_oldest(it.spool, number, "envelope");
            assert_int_equal(spool_delete(it.spool, number), ERR_OK);
        }
        /* one may have been accepted of which it could not tell any more */
        struct spool_record *record;
        assert_int_equal(spool_oldest(it.spool, &record), ERR_OK);
        if (record != NULL) {
            assert_true(record->number > last_seen);
            last_seen = record->number;
            assert_int_equal(spool_delete(it.spool, record->number), ERR_OK);
        }
        spool_record_free(record);
        expect_oldest(it.spool, 0, NULL);
        close_it(&it);
        (void)close(ends[0]);
    }
    assert_true(last_seen > 0);
    (void)state;
}

/* The limit is the database's own; the disk still has room. */
static void a_full_one_refuses_clearly_and_takes_again_after_a_delivery(void **state)
{
    static char large[3000];
    struct open_spool it = open_it(1 << 20);
    int64_t number = 0;
    int accepted = 0;
    err_t err = ERR_OK;
    memset(large, 'x', sizeof large - 1);
    capture_begin();
    while (err == ERR_OK && accepted < 1000) {
        assert_int_equal(spool_take_number(it.spool, &number), ERR_OK);
        err = spool_append(it.spool, number, "a/topic", span_of_text(large));
        accepted += err == ERR_OK;
    }
    char *log = capture_end();
    assert_int_equal(err, ERR_SPOOL_FULL);
    assert_non_null(strstr(log, "full: it has its 1 MiB (--spool-size)"));
    free(log);
    assert_in_range(accepted, 200, 350);
    assert_int_equal(state_of(it.spool).waiting, accepted);
    expect_oldest(it.spool, 1, large);
    for (int64_t i = 1; i <= 10; i++)
        assert_int_equal(spool_delete(it.spool, i), ERR_OK);
    (void)append(it.spool, large, ERR_OK);
    close_it(&it);
    (void)state;
}

/* As on a disk that is full: no file may grow (RLIMIT_FSIZE). In a child, so that the limit stays
 * there. */
static int fill_the_disk(void)
{
    static char large[3000];
    struct open_spool it = open_it(64 << 20);
    int64_t number;
    int accepted = 0;
    err_t err = ERR_OK;
    memset(large, 'x', sizeof large - 1);
    limit_file_size(1500000);
    capture_begin();
    while (err == ERR_OK) {
        err = spool_take_number(it.spool, &number);
        if (err == ERR_OK)
            err = spool_append(it.spool, number, "a/topic", span_of_text(large));
        accepted += err == ERR_OK;
    }
    char *log = capture_end();
    bool clear =
        strstr(log, "the disk is full, over a quota or a limit, or fails; what was accepted") !=
        NULL;
    if (!clear)
        print_message("%s", log);
    free(log);
    (void)close(it.lock); /* and no clean end of the database */
    return err == ERR_SPOOL_FULL && clear ? accepted : 0;
}

static void a_full_disk_is_told_and_nothing_accepted_is_lost(void **state)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(fill_the_disk() % 256);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    int accepted = WEXITSTATUS(status);
    assert_true(accepted > 20);
    struct open_spool it = open_it(0);
    assert_int_equal(state_of(it.spool).waiting % 256, accepted);
    (void)append(it.spool, "again", ERR_OK);
    close_it(&it);
    (void)state;
}

static void overwrite(long offset, size_t len)
{
    static const uint8_t noise[4096] = {0xde, 0xad, 0xbe, 0xef};
    int fd = open(file, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, noise, len, offset), (ssize_t)len);
    (void)close(fd);
}

static void a_damaged_one_is_set_aside_and_its_numbers_are_not_used_again(void **state)
{
    static const long places[] = {0, 16, 100, 4096, 8192};
    int64_t last = 0;
    for (size_t i = 0; i < COUNT(places); i++) {
        struct open_spool it = open_it(0);
        for (int k = 0; k < 5; k++) {
            int64_t number = append(it.spool, "envelope", ERR_OK);
            assert_true(number > last);
            last = number;
        }
        close_it(&it);
        overwrite(places[i], places[i] == 16 ? 4 : 96);
        capture_begin();
        it = open_it(0);
        char *log = capture_end();
        if (strstr(log, "is damaged: set aside as ") == NULL)
            fail_msg("damage at %ld: logged '%s'", places[i], log);
        char *name = strstr(log, "set aside as ") + strlen("set aside as ");
        name[strcspn(name, ";")] = '\0';
        struct stat status;
        assert_int_equal(stat(name, &status), 0);
        assert_true(status.st_size > 4096);
        (void)unlink(name); /* the next one may come in the same second */
        free(log);
        expect_oldest(it.spool, 0, NULL);
        close_it(&it);
    }
    (void)state;
}

static void a_file_of_something_else_is_not_touched(void **state)
{
    static const char command[] = "sqlite3 %s 'create table t (x); insert into t values (42)'";
    char line[256];
    int lock;
    (void)snprintf(line, sizeof line, command, file);
    assert_int_equal(system(line), 0);
    size_t before, after;
    char *was = scratch_read(&scratch, "spool", &before);
    assert_int_equal(spool_claim(file, &lock), ERR_SPOOL);
    (void)snprintf(line, sizeof line, "test \"$(sqlite3 %s 'select x from t')\" = 42", file);
    assert_int_equal(system(line), 0);
    char *is = scratch_read(&scratch, "spool", &after);
    assert_int_equal(before, after);
    free(was);
    free(is);
    (void)state;
}

static void a_lock_file_that_was_edited_is_told(void **state)
{
    int lock;
    scratch_write(&scratch, "spool.lock", "hello\n", 6);
    assert_int_equal(spool_claim(file, &lock), ERR_SPOOL);
    (void)state;
}

static void a_directory_that_is_missing_is_told(void **state)
{
    int lock;
    struct spool *spool;
    assert_int_equal(spool_claim("/nonexistent/spool", &lock), ERR_SPOOL);
    assert_int_equal(spool_open("/nonexistent/spool", -1, 0, &spool), ERR_SPOOL);
    (void)state;
}

static void it_can_be_looked_at_while_it_is_in_use(void **state)
{
    struct open_spool it = open_it(0);
    struct spool *look;
    (void)append(it.spool, "envelope", ERR_OK);
    assert_int_equal(spool_open(file, -1, 0, &look), ERR_OK);
    assert_int_equal(state_of(look).waiting, 1);
    spool_close(look);
    close_it(&it);
    (void)state;
}

#define IN_SCRATCH(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(the_oldest_comes_first_until_it_is_deleted),
        IN_SCRATCH(what_was_accepted_is_there_after_a_restart),
        IN_SCRATCH(a_parked_one_is_in_nobodys_way_and_comes_back),
        IN_SCRATCH(a_second_process_is_refused),
        IN_SCRATCH(killed_at_any_moment_it_loses_nothing_and_repeats_no_number),
        IN_SCRATCH(a_full_one_refuses_clearly_and_takes_again_after_a_delivery),
        IN_SCRATCH(a_full_disk_is_told_and_nothing_accepted_is_lost),
        IN_SCRATCH(a_damaged_one_is_set_aside_and_its_numbers_are_not_used_again),
        IN_SCRATCH(a_file_of_something_else_is_not_touched),
        IN_SCRATCH(a_lock_file_that_was_edited_is_told),
        IN_SCRATCH(a_directory_that_is_missing_is_told),
        IN_SCRATCH(it_can_be_looked_at_while_it_is_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
