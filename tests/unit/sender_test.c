/* SPDX-License-Identifier: MIT
 *
 * What the sender does with each outcome of a transport, here one that does what the test says; and
 * the back-off.
 */
#include "test.h"

#include "publisher/backoff.h"
#include "publisher/sender.h"

#include "scratch.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct scratch scratch;
static char file[96];
static int lock;
static struct spool *spool;
static int stop[2], wake[2];

/* What the transport does: one letter for each attempt (D delivered, L later, X dropped, R refused,
 * S stopped), then always the last. */
static const char *script;
static char seen[64]; /* the first letters of the envelopes that it was given */

static void do_as_told(
    void *state, const char *topic, struct span envelope, struct transport_outcome *ret_outcome)
{
    static const struct {
        char letter;
        enum transport_result result;
        err_t err;
    } rows[] = {
        {'D', TRANSPORT_DELIVERED, ERR_OK},
        {'L', TRANSPORT_LATER, ERR_PEER_UNTRUSTED},
        {'X', TRANSPORT_DROPPED, ERR_INTERRUPTED},
        {'R', TRANSPORT_REFUSED, ERR_PEER_REFUSES},
        {'S', TRANSPORT_STOPPED, ERR_OK},
    };
    (void)state;
    assert_string_equal(topic, "a/topic");
    size_t count = strlen(seen);
    assert_true(count + 1 < sizeof seen);
    seen[count] = (char)envelope.ptr[0];
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].letter == *script)
            *ret_outcome = (struct transport_outcome){rows[i].result, rows[i].err, "the reason"};
    if (*script == 'S')
        assert_int_equal(write(stop[1], "s", 1), 1);
    if (script[1] != '\0')
        script++;
}

static void wait_a_little(void *state, int wake_fd, int ms)
{
    struct pollfd polls[] = {{.fd = stop[0], .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
    (void)state;
    (void)poll(polls, 2, ms);
}

static const struct transport_kind kind = {
    .name = "TEST", .send = do_as_told, .wait = wait_a_little};

static int begin(void **state)
{
    scratch_make(&scratch);
    (void)snprintf(file, sizeof file, "%s/spool", scratch.path);
    assert_int_equal(spool_claim(file, &lock), ERR_OK);
    assert_int_equal(spool_open(file, lock, 0, &spool), ERR_OK);
    assert_int_equal(pipe(stop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, wake), 0);
    memset(seen, 0, sizeof seen);
    (void)state;
    return 0;
}

static int end(void **state)
{
    spool_close(spool);
    (void)close(lock);
    for (int i = 0; i < 2; i++) {
        (void)close(stop[i]);
        (void)close(wake[i]);
    }
    scratch_remove(&scratch);
    (void)state;
    return 0;
}

static void put(const char *letters)
{
    for (; *letters != '\0'; letters++) {
        int64_t number;
        assert_int_equal(spool_take_number(spool, &number), ERR_OK);
        assert_int_equal(spool_append(spool, number, "a/topic", span_of(letters, 1)), ERR_OK);
    }
}

static err_t run(const char *what_happens, int wake_fd, int patience_s)
{
    struct sender sender = {.spool = spool,
        .kind = &kind,
        .peer = "there:1",
        .stop_fd = stop[0],
        .wake_fd = wake_fd,
        .patience_s = patience_s};
    script = what_happens;
    return sender_run(&sender);
}

static void expect(const char *wanted_seen, int64_t waiting, int64_t parked)
{
    struct spool_state state;
    assert_string_equal(seen, wanted_seen);
    assert_int_equal(spool_state(spool, &state), ERR_OK);
    assert_int_equal(state.waiting, waiting);
    assert_int_equal(state.parked, parked);
}

static void all_go_in_order_and_are_deleted(void **state)
{
    put("abc");
    assert_int_equal(run("D", -1, 5), ERR_OK);
    expect("abc", 0, 0);
    (void)state;
}

static void one_that_fails_is_tried_again_before_the_next(void **state)
{
    put("abc");
    assert_int_equal(run("LLDD", -1, 30), ERR_OK);
    expect("aaabc", 0, 0);
    (void)state;
}

static void one_that_is_refused_is_parked_and_the_others_go(void **state)
{
    put("abc");
    assert_int_equal(run("DRD", -1, 5), ERR_PEER_REFUSES);
    expect("abc", 0, 1);
    (void)state;
}

static void where_all_are_refused_only_the_first_are_parked(void **state)
{
    put("abcdef");
    assert_int_equal(run("R", -1, 1), ERR_PEER_REFUSES);
    seen[4] = '\0';
    expect("abcd", 3, SENDER_PARKS_MAX);
    (void)state;
}

static void one_that_loses_the_connection_three_times_is_parked(void **state)
{
    put("abc");
    assert_int_equal(run("XXXD", -1, 30), ERR_PEER_REFUSES);
    expect("aaabc", 0, 1);
    (void)state;
}

static void without_success_it_gives_up_and_says_why_and_keeps_all(void **state)
{
    put("ab");
    capture_begin();
    err_t err = run("L", -1, 1);
    char *log = capture_end();
    assert_int_equal(err, ERR_PEER_UNTRUSTED);
    assert_non_null(strstr(log, "the reason; next try in"));
    assert_non_null(strstr(log, "nothing could be delivered for 1 s: 2 wait"));
    free(log);
    seen[1] = '\0';
    expect("a", 2, 0);
    (void)state;
}

static void stopped_in_the_middle_it_keeps_what_is_not_acknowledged(void **state)
{
    put("abc");
    assert_int_equal(run("DS", -1, 5), ERR_OK);
    expect("ab", 2, 0);
    (void)state;
}

/* Woken once, and then told that no more come. */
static void it_waits_for_more_until_it_is_told_to_finish(void **state)
{
    put("a");
    assert_int_equal(send(wake[1], "w", 1, 0), 1);
    assert_int_equal(shutdown(wake[1], SHUT_WR), 0);
    put("b");
    assert_int_equal(run("D", wake[0], 5), ERR_OK);
    expect("ab", 0, 0);
    (void)state;
}

static void the_back_off_grows_is_random_and_has_bounds(void **state)
{
    enum { DRAWS = 200 };
    int most[12] = {0}, least[12];
    for (int draw = 0; draw < DRAWS; draw++) {
        struct backoff backoff = {0};
        for (size_t i = 0; i < COUNT(most); i++) {
            int ms = backoff_next_ms(&backoff);
            int bound = i < 7 ? BACKOFF_FIRST_MS << i : BACKOFF_MOST_MS;
            assert_in_range(
                ms, BACKOFF_LEAST_MS, bound < BACKOFF_MOST_MS ? bound : BACKOFF_MOST_MS);
            most[i] = draw == 0 || ms > most[i] ? ms : most[i];
            least[i] = draw == 0 || ms < least[i] ? ms : least[i];
        }
        backoff_reset(&backoff);
        assert_in_range(backoff_next_ms(&backoff), BACKOFF_LEAST_MS, BACKOFF_FIRST_MS);
    }
    for (size_t i = 0; i < COUNT(most); i++)
        assert_true(most[i] - least[i] > (BACKOFF_FIRST_MS - BACKOFF_LEAST_MS) / 2);
    assert_true(most[11] > BACKOFF_MOST_MS / 2);
    (void)state;
}

#define IN_SCRATCH(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(all_go_in_order_and_are_deleted),
        IN_SCRATCH(one_that_fails_is_tried_again_before_the_next),
        IN_SCRATCH(one_that_is_refused_is_parked_and_the_others_go),
        IN_SCRATCH(where_all_are_refused_only_the_first_are_parked),
        IN_SCRATCH(one_that_loses_the_connection_three_times_is_parked),
        IN_SCRATCH(without_success_it_gives_up_and_says_why_and_keeps_all),
        IN_SCRATCH(stopped_in_the_middle_it_keeps_what_is_not_acknowledged),
        IN_SCRATCH(it_waits_for_more_until_it_is_told_to_finish),
        TEST(the_back_off_grows_is_random_and_has_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
