/* SPDX-License-Identifier: MIT
 *
 * The client's connection against a worker that the test plays itself. A reply can be put into the
 * socket before the call, since the number of the call is known: no thread is needed but where the
 * moment counts.
 */
#include "test.h"

#include "base/clock.h"
#include "wire/link.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTENER_BACKLOG = 4, PLENTY_MS = 5000, SHORT_MS = 60 };

struct stage {
    char directory[32];
    struct sockaddr_un address;
    int listener;
    struct link *link;
    int worker; /* its end of the connection */
};

static uint64_t in_ms(uint64_t ms)
{
    return clock_us() + ms * 1000;
}

static int listen_at(const struct sockaddr_un *address, int backlog)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

/* A path without anybody who listens there. */
static int set_stage(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    strcpy(stage->directory, "/tmp/signerd-link-XXXXXX");
    assert_non_null(mkdtemp(stage->directory));
    stage->address.sun_family = AF_UNIX;
    (void)snprintf(
        stage->address.sun_path, sizeof stage->address.sun_path, "%s/s", stage->directory);
    stage->listener = -1;
    stage->worker = -1;
    *state = stage;
    return 0;
}

static int connect_stage(void **state)
{
    assert_int_equal(set_stage(state), 0);
    struct stage *stage = *state;
    stage->listener = listen_at(&stage->address, LISTENER_BACKLOG);
    assert_int_equal(link_open(stage->address.sun_path, in_ms(PLENTY_MS), &stage->link), ERR_OK);
    stage->worker = accept(stage->listener, NULL, NULL);
    assert_true(stage->worker >= 0);
    return 0;
}

static int clear_stage(void **state)
{
    struct stage *stage = *state;
    link_close(stage->link);
    if (stage->worker >= 0)
        (void)close(stage->worker);
    if (stage->listener >= 0)
        (void)close(stage->listener);
    (void)unlink(stage->address.sun_path);
    (void)rmdir(stage->directory);
    free(stage);
    return 0;
}

/* Puts a reply into the socket; the body as it is. */
static void reply(const struct stage *stage, struct wire_reply_header header, struct span body)
{
    static uint8_t packet[2 * WIRE_MESSAGE_MAX];
    struct writer w = writer_of(packet, sizeof packet);
    schema_encode(&wire_reply_header_schema, &header, &w);
    write_span(&w, body);
    assert_int_equal(send(stage->worker, packet, w.used, MSG_NOSIGNAL), (ssize_t)w.used);
}

static const uint8_t three_random[] = {0, 0, 0, 3, 7, 8, 9};

static err_t call(const struct stage *stage, uint64_t ms, enum link_fate *ret_fate)
{
    const struct wire_random_request request = {3};
    struct wire_random_reply answer;
    return link_call(stage->link, WIRE_RANDOM, &request, &answer, in_ms(ms), ret_fate);
}

static void expect(const struct stage *stage, err_t err, enum link_fate fate)
{
    enum link_fate told = (enum link_fate)99;
    assert_int_equal(call(stage, PLENTY_MS, &told), err);
    assert_int_equal(told, fate);
}

/* ------------------------------------------------------------------ open */

static void nobody_who_listens_is_told_at_once(void **state)
{
    struct stage *stage = *state;
    uint64_t start = clock_us();
    assert_int_equal(
        link_open(stage->address.sun_path, in_ms(PLENTY_MS), &stage->link), ERR_UNREACHABLE);
    stage->listener = listen_at(&stage->address, 1);
    (void)close(stage->listener); /* the file stays, as after a crash */
    stage->listener = -1;
    assert_int_equal(
        link_open(stage->address.sun_path, in_ms(PLENTY_MS), &stage->link), ERR_UNREACHABLE);
    assert_null(stage->link);
    assert_true(clock_us() - start < 1000000);
}

static void a_path_that_no_socket_can_have_is_an_argument_error(void **state)
{
    struct stage *stage = *state;
    char path[200];
    memset(path, 'x', sizeof path);
    path[108] = '\0';
    assert_int_equal(link_open(path, in_ms(PLENTY_MS), &stage->link), ERR_ARGUMENTS);
    path[107] = '\0';
    assert_int_equal(link_open(path, in_ms(PLENTY_MS), &stage->link), ERR_UNREACHABLE);
}

/* Fills the backlog of the listener; returns how many connections that took. */
static size_t fill(const struct stage *stage, int *fds, size_t max)
{
    for (size_t n = 0; n < max; n++) {
        fds[n] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(fds[n], (const struct sockaddr *)&stage->address, sizeof stage->address) != 0) {
            (void)close(fds[n]);
            return n;
        }
    }
    fail();
    return 0;
}

static void *accept_one_later(void *context)
{
    const int *listener = context;
    (void)usleep(30000);
    int fd = accept(*listener, NULL, NULL);
    (void)close(fd);
    return NULL;
}

static void a_full_backlog_is_waited_for_until_the_deadline(void **state)
{
    struct stage *stage = *state;
    int fds[16];
    stage->listener = listen_at(&stage->address, 1);
    size_t count = fill(stage, fds, COUNT(fds));
    uint64_t start = clock_us();
    assert_int_equal(
        link_open(stage->address.sun_path, in_ms(SHORT_MS), &stage->link), ERR_TIMED_OUT);
    assert_in_range(clock_us() - start, SHORT_MS * 1000, 2000000);

    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, accept_one_later, &stage->listener), 0);
    assert_int_equal(link_open(stage->address.sun_path, in_ms(PLENTY_MS), &stage->link), ERR_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (size_t i = 0; i < count; i++)
        (void)close(fds[i]);
}

/* ------------------------------------------------------------------ call */

static void an_answer_is_given_and_the_link_goes_on(void **state)
{
    struct stage *stage = *state;
    for (uint32_t n = 1; n <= 3; n++) {
        reply(
            stage, (struct wire_reply_header){n, WIRE_RANDOM, 0, 40 + n}, span_of(three_random, 7));
        const struct wire_random_request request = {3};
        struct wire_random_reply answer;
        enum link_fate fate;
        assert_int_equal(
            link_call(stage->link, WIRE_RANDOM, &request, &answer, in_ms(PLENTY_MS), &fate),
            ERR_OK);
        assert_int_equal(fate, LINK_ANSWERED);
        assert_true(span_equal(answer.random, span_of(three_random + 4, 3)));
        assert_int_equal(link_generation(stage->link), 40 + n);

        uint8_t packet[64];
        static const uint8_t sent[] = {0, 0, 0, 0, 0, WIRE_RANDOM, 0, 0, 0, 3};
        assert_int_equal(recv(stage->worker, packet, sizeof packet, 0), sizeof sent);
        assert_int_equal(packet[3], n);
        packet[3] = 0;
        assert_memory_equal(packet, sent, sizeof sent);
    }
}

static void an_error_of_the_worker_leaves_the_link_alive(void **state)
{
    struct stage *stage = *state;
    reply(stage, (struct wire_reply_header){1, WIRE_RANDOM, ERR_DENIED, 5}, span_of(NULL, 0));
    expect(stage, ERR_DENIED, LINK_ANSWERED);
    reply(stage, (struct wire_reply_header){2, WIRE_RANDOM, 9999, 6}, span_of(NULL, 0));
    expect(stage, ERR_INTERNAL, LINK_ANSWERED);
    assert_int_equal(link_generation(stage->link), 6);
    reply(stage, (struct wire_reply_header){3, WIRE_RANDOM, 0, 7}, span_of(three_random, 7));
    expect(stage, ERR_OK, LINK_ANSWERED);
}

static void a_reply_to_another_call_is_no_answer(void **state)
{
    reply(*state, (struct wire_reply_header){2, WIRE_RANDOM, 0, 1}, span_of(three_random, 7));
    expect(*state, ERR_BAD_MESSAGE, LINK_MAYBE_DONE);
}

static void a_reply_to_another_operation_is_no_answer(void **state)
{
    reply(*state, (struct wire_reply_header){1, WIRE_SIGN, 0, 1}, span_of(three_random, 7));
    expect(*state, ERR_BAD_MESSAGE, LINK_MAYBE_DONE);
}

static void a_reply_with_a_byte_too_many_is_refused(void **state)
{
    static const uint8_t body[] = {0, 0, 0, 3, 7, 8, 9, 0};
    reply(*state, (struct wire_reply_header){1, WIRE_RANDOM, 0, 1}, span_of(body, sizeof body));
    expect(*state, ERR_BAD_MESSAGE, LINK_MAYBE_DONE);
}

static void an_error_with_a_body_is_refused(void **state)
{
    reply(*state, (struct wire_reply_header){1, WIRE_RANDOM, ERR_DENIED, 1},
        span_of(three_random, 7));
    expect(*state, ERR_BAD_MESSAGE, LINK_MAYBE_DONE);
}

static void a_reply_shorter_than_its_header_is_refused(void **state)
{
    const struct stage *stage = *state;
    assert_int_equal(send(stage->worker, "short", 5, 0), 5);
    expect(stage, ERR_BAD_MESSAGE, LINK_MAYBE_DONE);
}

static void a_reply_larger_than_a_packet_is_refused(void **state)
{
    static const uint8_t body[WIRE_MESSAGE_MAX - 15]; /* with the header of 16: one too many */
    reply(*state, (struct wire_reply_header){1, WIRE_RANDOM, 0, 1}, span_of(body, sizeof body));
    expect(*state, ERR_BAD_MESSAGE, LINK_MAYBE_DONE);
}

static void a_request_that_fits_no_message_is_not_sent_and_harms_nothing(void **state)
{
    struct stage *stage = *state;
    static const uint8_t large[WIRE_DATA_MAX + 1];
    const struct wire_sign_request request = {1, 2, span_of(NULL, 0), span_of(large, sizeof large)};
    struct wire_sign_reply answer;
    enum link_fate fate;
    assert_int_equal(link_call(stage->link, WIRE_SIGN, &request, &answer, in_ms(PLENTY_MS), &fate),
        ERR_TOO_LARGE);
    assert_int_equal(fate, LINK_ANSWERED);
    uint8_t packet[16];
    assert_int_equal(recv(stage->worker, packet, sizeof packet, MSG_DONTWAIT), -1);
    reply(stage, (struct wire_reply_header){2, WIRE_RANDOM, 0, 1}, span_of(three_random, 7));
    expect(stage, ERR_OK, LINK_ANSWERED);
}

static void tick(int signal)
{
    (void)signal;
}

/* With a signal every few milliseconds: EINTR prolongs nothing. */
static void a_silent_worker_is_waited_for_until_the_deadline(void **state)
{
    const struct sigaction with_tick = {.sa_handler = tick};
    const struct sigaction without = {.sa_handler = SIG_DFL};
    const struct itimerval often = {{0, 3000}, {0, 3000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    assert_int_equal(sigaction(SIGALRM, &with_tick, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    uint64_t start = clock_us();
    enum link_fate fate;
    err_t err = call(*state, SHORT_MS, &fate);
    uint64_t took = clock_us() - start;
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &without, NULL), 0);
    assert_int_equal(err, ERR_TIMED_OUT);
    assert_int_equal(fate, LINK_MAYBE_DONE);
    assert_in_range(took, SHORT_MS * 1000, 2000000);
}

static void a_worker_that_takes_no_packet_is_waited_for_until_the_deadline(void **state)
{
    struct stage *stage = *state;
    enum link_fate fate = LINK_MAYBE_DONE;
    err_t err = ERR_OK;
    for (unsigned n = 1; n < 10000 && (err == ERR_OK || fate != LINK_NOT_SENT); n++) {
        reply(stage, (struct wire_reply_header){n, WIRE_RANDOM, 0, 1}, span_of(three_random, 7));
        err = call(stage, SHORT_MS, &fate); /* the requests stay in the socket, until it is full */
    }
    assert_int_equal(err, ERR_TIMED_OUT);
    assert_int_equal(fate, LINK_NOT_SENT);
}

/* Would end the test by SIGPIPE, if the link raised it. */
static void a_worker_that_died_before_the_call_has_certainly_not_acted(void **state)
{
    struct stage *stage = *state;
    (void)close(stage->worker);
    stage->worker = -1;
    expect(stage, ERR_INTERRUPTED, LINK_NOT_SENT);
    assert_true(link_alive(stage->link)); /* the descriptor is still ours, and to be closed */
}

static void *receive_and_die(void *context)
{
    struct stage *stage = context;
    uint8_t packet[64];
    (void)recv(stage->worker, packet, sizeof packet, 0);
    (void)close(stage->worker);
    stage->worker = -1;
    return NULL;
}

static void a_worker_that_died_during_the_call_may_have_acted(void **state)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, receive_and_die, *state), 0);
    enum link_fate fate;
    err_t err = call(*state, PLENTY_MS, &fate);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(err, ERR_INTERRUPTED);
    assert_int_equal(fate, LINK_MAYBE_DONE);
}

/* ------------------------------------------------------------------ the descriptor */

static void a_descriptor_that_became_another_file_is_left_alone(void **state)
{
    struct stage *stage = *state;
    int next = dup(STDERR_FILENO); /* the number that link_open will get */
    (void)close(next);
    struct link *link = NULL;
    assert_int_equal(link_open(stage->address.sun_path, in_ms(PLENTY_MS), &link), ERR_OK);
    assert_true(link_alive(link));

    (void)close(next);
    assert_false(link_alive(link));
    int file = open(stage->directory, O_TMPFILE | O_RDWR, 0600);
    assert_int_equal(file, next);
    assert_false(link_alive(link));
    const struct wire_random_request request = {3};
    struct wire_random_reply answer;
    enum link_fate fate;
    assert_int_equal(
        link_call(link, WIRE_RANDOM, &request, &answer, in_ms(PLENTY_MS), &fate), ERR_INTERRUPTED);
    assert_int_equal(fate, LINK_NOT_SENT);
    link_close(link);

    struct stat status;
    assert_int_equal(fstat(file, &status), 0); /* still open */
    assert_int_equal(status.st_size, 0);
    (void)close(file);
}

static void a_descriptor_that_became_another_socket_is_left_alone(void **state)
{
    struct stage *stage = *state;
    int next = dup(STDERR_FILENO);
    (void)close(next);
    struct link *link = NULL;
    assert_int_equal(link_open(stage->address.sun_path, in_ms(PLENTY_MS), &link), ERR_OK);
    (void)close(next);
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    assert_int_equal(ends[0], next);
    const struct wire_random_request request = {3};
    struct wire_random_reply answer;
    enum link_fate fate;
    assert_int_equal(
        link_call(link, WIRE_RANDOM, &request, &answer, in_ms(PLENTY_MS), &fate), ERR_INTERRUPTED);
    link_close(link);
    uint8_t byte;
    assert_int_equal(recv(ends[1], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(send(ends[0], "x", 1, MSG_NOSIGNAL), 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void the_descriptor_is_closed_on_exec(void **state)
{
    struct stage *stage = *state;
    int next = dup(STDERR_FILENO);
    (void)close(next);
    struct link *link = NULL;
    assert_int_equal(link_open(stage->address.sun_path, in_ms(PLENTY_MS), &link), ERR_OK);
    assert_int_equal(fcntl(next, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    link_close(link);
    assert_int_equal(fcntl(next, F_GETFD), -1);
    link_close(NULL);
}

/* ------------------------------------------------------------------ descriptors that come */

enum { BROUGHT_MAX = 3 };

static size_t open_files(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* An answer with so many descriptors of the directory; those of the sender are closed. */
static void bring(const struct stage *stage, uint32_t number, uint16_t operation, size_t count)
{
    static const struct wire_hello_reply hello = {.version = 1, .instance = 9};
    static uint8_t packet[1024];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(BROUGHT_MAX * sizeof(int))];
    } control = {.bytes = {0}};
    const struct wire_reply_header header = {number, operation, 0, 1};
    int fds[BROUGHT_MAX];
    struct writer w = writer_of(packet, sizeof packet);
    schema_encode(&wire_reply_header_schema, &header, &w);
    if (operation == WIRE_HELLO)
        schema_encode(&wire_hello_reply_schema, &hello, &w);
    else
        write_span(&w, span_of(three_random, sizeof three_random));
    struct iovec iov = {packet, w.used};
    struct msghdr message = {.msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    for (size_t i = 0; i < count; i++)
        assert_true((fds[i] = open(stage->directory, O_RDONLY | O_DIRECTORY)) >= 0);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    assert_int_equal(sendmsg(stage->worker, &message, MSG_NOSIGNAL), (ssize_t)w.used);
    for (size_t i = 0; i < count; i++)
        (void)close(fds[i]);
}

static void say_hello(const struct stage *stage)
{
    const struct wire_hello_request request = {1, 1, 7, span_of(NULL, 0)};
    struct wire_hello_reply answer;
    enum link_fate fate;
    assert_int_equal(
        link_call(stage->link, WIRE_HELLO, &request, &answer, in_ms(PLENTY_MS), &fate), ERR_OK);
    assert_int_equal(answer.instance, 9);
}

static void a_descriptor_that_comes_with_hello_becomes_its_takers(void **state)
{
    struct stage *stage = *state;
    struct stat here;
    struct stat status;
    assert_int_equal(link_take_descriptor(stage->link), -1);
    bring(stage, 1, WIRE_HELLO, 1);
    say_hello(stage);
    const int taken = link_take_descriptor(stage->link);
    assert_int_equal(link_take_descriptor(stage->link), -1);
    assert_int_equal(fcntl(taken, F_GETFD), FD_CLOEXEC);
    link_close(stage->link);
    stage->link = NULL;
    assert_int_equal(stat(stage->directory, &here), 0);
    assert_int_equal(fstat(taken, &status), 0); /* outlives the link */
    assert_int_equal(status.st_ino, here.st_ino);
    (void)close(taken);
}

static void a_descriptor_that_nobody_takes_is_closed_with_the_next_or_the_link(void **state)
{
    struct stage *stage = *state;
    const size_t before = open_files();
    for (uint32_t n = 1; n <= 20; n++) {
        bring(stage, n, WIRE_HELLO, 1);
        say_hello(stage);
        assert_int_equal(open_files(), before + 1);
    }
    link_close(stage->link);
    stage->link = NULL;
    assert_int_equal(open_files(), before - 1);
}

static void of_many_descriptors_one_is_kept_and_the_others_are_closed(void **state)
{
    struct stage *stage = *state;
    const size_t before = open_files();
    for (uint32_t n = 1; n <= BROUGHT_MAX; n++) {
        bring(stage, n, WIRE_HELLO, n);
        say_hello(stage);
        assert_int_equal(open_files(), before + 1);
        (void)close(link_take_descriptor(stage->link));
        assert_int_equal(open_files(), before);
    }
}

static void a_descriptor_with_another_answer_than_hellos_is_closed(void **state)
{
    struct stage *stage = *state;
    const size_t before = open_files();
    bring(stage, 1, WIRE_RANDOM, 1);
    expect(stage, ERR_OK, LINK_ANSWERED);
    assert_int_equal(open_files(), before);
    assert_int_equal(link_take_descriptor(stage->link), -1);
}

#define ALONE(name)     cmocka_unit_test_setup_teardown(name, set_stage, clear_stage)
#define CONNECTED(name) cmocka_unit_test_setup_teardown(name, connect_stage, clear_stage)

int main(void)
{
    (void)signal(SIGPIPE, SIG_DFL); /* whatever the caller left: a SIGPIPE shall end this test */
    const struct CMUnitTest tests[] = {
        ALONE(nobody_who_listens_is_told_at_once),
        ALONE(a_path_that_no_socket_can_have_is_an_argument_error),
        ALONE(a_full_backlog_is_waited_for_until_the_deadline),
        CONNECTED(an_answer_is_given_and_the_link_goes_on),
        CONNECTED(an_error_of_the_worker_leaves_the_link_alive),
        CONNECTED(a_reply_to_another_call_is_no_answer),
        CONNECTED(a_reply_to_another_operation_is_no_answer),
        CONNECTED(a_reply_with_a_byte_too_many_is_refused),
        CONNECTED(an_error_with_a_body_is_refused),
        CONNECTED(a_reply_shorter_than_its_header_is_refused),
        CONNECTED(a_reply_larger_than_a_packet_is_refused),
        CONNECTED(a_request_that_fits_no_message_is_not_sent_and_harms_nothing),
        CONNECTED(a_silent_worker_is_waited_for_until_the_deadline),
        CONNECTED(a_worker_that_takes_no_packet_is_waited_for_until_the_deadline),
        CONNECTED(a_worker_that_died_before_the_call_has_certainly_not_acted),
        CONNECTED(a_worker_that_died_during_the_call_may_have_acted),
        CONNECTED(a_descriptor_that_became_another_file_is_left_alone),
        CONNECTED(a_descriptor_that_became_another_socket_is_left_alone),
        CONNECTED(the_descriptor_is_closed_on_exec),
        CONNECTED(a_descriptor_that_comes_with_hello_becomes_its_takers),
        CONNECTED(a_descriptor_that_nobody_takes_is_closed_with_the_next_or_the_link),
        CONNECTED(of_many_descriptors_one_is_kept_and_the_others_are_closed),
        CONNECTED(a_descriptor_with_another_answer_than_hellos_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
