/* SPDX-License-Identifier: MIT
 *
 * Parent and worker: every message as it is sent, with its descriptors, and nothing else.
 */
#include "test.h"

#include "rules.h"
#include "signerd/control.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2]; /* sent into the first, received at the second */
static struct control_packet packet;

static int open_pair(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
}

static int close_pair(void **state)
{
    (void)state;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return 0;
}

/* ---- every message, by its table ---- */

static const struct schema_row {
    enum control_message number;
    const struct schema_field *fields;
    size_t count;
} messages[] = {
#define ROW(number, name, type, fields, meaning)                                                   \
    {CONTROL_##name, (const struct schema_field[]){fields(SCHEMA_FIELD, type)},                    \
        sizeof((const struct schema_field[]){fields(SCHEMA_FIELD, type)}) /                        \
            sizeof(struct schema_field)},
    CONTROL_MESSAGES(ROW)
#undef ROW
};

/* BYTES fields as long as they may be; numbers that differ in each byte. */
static void fill(const struct schema_row *row, union control_body *body)
{
    static uint8_t bytes[CONTROL_PACKET_MAX];
    memset(bytes, 0x5a, sizeof bytes);
    memset(body, 0x11, sizeof *body);
    for (size_t i = 0; i < row->count; i++)
        if (row->fields[i].kind == FIELD_BYTES)
            *(struct span *)(void *)((char *)body + row->fields[i].offset) =
                span_of(bytes, row->fields[i].limit);
}

static struct span encoded(const struct schema_row *row, const union control_body *body)
{
    static uint8_t room[CONTROL_PACKET_MAX];
    const struct schema schema = {"row", row->fields, row->count};
    struct writer w = writer_of(room, sizeof room);
    write_uint(&w, 2, (uint64_t)row->number);
    schema_encode(&schema, body, &w);
    assert_false(writer_failed(&w));
    return writer_bytes(&w);
}

static void every_message_arrives_as_it_was_sent(void **state)
{
    for (size_t i = 0; i < COUNT(messages); i++) {
        static uint8_t sent[CONTROL_PACKET_MAX];
        union control_body body;
        fill(&messages[i], &body);
        struct span bytes = encoded(&messages[i], &body);
        memcpy(sent, bytes.ptr, bytes.len);
        const size_t len = bytes.len;
        assert_int_equal(control_send(ends[0], messages[i].number, &body, NULL, 0), ERR_OK);
        assert_int_equal(control_receive(ends[1], &packet), ERR_OK);
        assert_int_equal(packet.number, messages[i].number);
        assert_int_equal(packet.descriptor_count, 0);
        bytes = encoded(&messages[i], &packet.body);
        assert_true(span_equal(bytes, span_of(sent, len)));
    }
    (void)state;
}

static void a_message_that_is_not_exactly_one_is_refused(void **state)
{
    for (size_t i = 0; i < COUNT(messages); i++) {
        union control_body body;
        enum control_message number;
        fill(&messages[i], &body);
        uint8_t bytes[CONTROL_PACKET_MAX + 1] = {0};
        struct span whole = encoded(&messages[i], &body);
        memcpy(bytes, whole.ptr, whole.len);
        assert_int_equal(control_parse(span_of(bytes, whole.len), &number, &body), ERR_OK);
        for (size_t len = 0; len < whole.len; len++)
            assert_int_equal(control_parse(span_of(bytes, len), &number, &body), ERR_BAD_MESSAGE);
        assert_int_equal(
            control_parse(span_of(bytes, whole.len + 1), &number, &body), ERR_BAD_MESSAGE);
    }
    (void)state;
}

static void an_unknown_number_is_refused(void **state)
{
    static const uint8_t unknown[][6] = {
        {0, 0}, {0, COUNT(messages) + 1}, {1, CONTROL_READY}, {0xff, 0xff}};
    enum control_message number;
    union control_body body;
    for (size_t i = 0; i < COUNT(unknown); i++)
        assert_int_equal(control_parse(span_of(unknown[i], 6), &number, &body), ERR_BAD_MESSAGE);
    (void)state;
}

/* ---- descriptors ---- */

static void make_files(int *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        files[i] = memfd_create("x", MFD_CLOEXEC);
        const char mark = (char)('a' + i);
        assert_int_equal(write(files[i], &mark, 1), 1);
    }
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void close_files(const int *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)close(files[i]);
}

static void descriptors_arrive_in_order_and_closed_on_exec(void **state)
{
    int files[CONTROL_DESCRIPTORS_MAX];
    const struct control_ready ready = {1};
    make_files(files, COUNT(files));
    for (size_t count = 0; count <= COUNT(files); count++) {
        assert_int_equal(control_send(ends[0], CONTROL_READY, &ready, files, count), ERR_OK);
        assert_int_equal(control_receive(ends[1], &packet), ERR_OK);
        assert_int_equal(packet.descriptor_count, count);
        for (size_t i = 0; i < count; i++) {
            char mark = 0;
            assert_int_equal(pread(packet.descriptors[i], &mark, 1, 0), 1);
            assert_int_equal(mark, 'a' + (int)i);
            assert_true(fcntl(packet.descriptors[i], F_GETFD) & FD_CLOEXEC);
        }
        close_files(packet.descriptors, count);
    }
    close_files(files, COUNT(files));
    (void)state;
}

/* What control_send does not send: any bytes, any number of descriptors. */
static void send_raw(struct span bytes, const int *files, size_t count)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(8 * sizeof(int))];
    } control = {.room = {0}};
    struct iovec data = {(void *)(uintptr_t)bytes.ptr, bytes.len};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)),
            .cmsg_level = SOL_SOCKET,
            .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), files, count * sizeof(int));
    }
    assert_int_equal(sendmsg(ends[0], &message, 0), bytes.len);
}

static void too_many_descriptors_are_not_sent(void **state)
{
    int files[CONTROL_DESCRIPTORS_MAX + 1] = {0};
    const struct control_ready ready = {1};
    assert_int_equal(
        control_send(ends[0], CONTROL_READY, &ready, files, COUNT(files)), ERR_TOO_LARGE);
    assert_int_equal(control_receive(ends[1], &packet), ERR_TIMED_OUT);
    (void)state;
}

static void too_many_descriptors_are_refused_and_closed(void **state)
{
    static const uint8_t ready[] = {0, CONTROL_READY, 0, 0, 0, 1};
    int files[8];
    make_files(files, COUNT(files));
    const size_t before = open_descriptors();
    for (size_t count = CONTROL_DESCRIPTORS_MAX + 1; count <= COUNT(files); count++) {
        send_raw(span_of(ready, sizeof ready), files, count);
        assert_int_equal(control_receive(ends[1], &packet), ERR_BAD_MESSAGE);
        assert_int_equal(packet.descriptor_count, 0);
        assert_int_equal(open_descriptors(), before);
    }
    close_files(files, COUNT(files));
    (void)state;
}

static void descriptors_of_a_bad_message_are_closed(void **state)
{
    int files[2];
    make_files(files, COUNT(files));
    const size_t before = open_descriptors();
    send_raw(span_of_text("nonsense"), files, COUNT(files));
    assert_int_equal(control_receive(ends[1], &packet), ERR_BAD_MESSAGE);
    assert_int_equal(open_descriptors(), before);
    close_files(files, COUNT(files));
    (void)state;
}

static void a_packet_that_is_too_long_is_refused(void **state)
{
    static uint8_t bytes[CONTROL_PACKET_MAX + 1] = {0, CONTROL_READY};
    send_raw(span_of(bytes, sizeof bytes), NULL, 0);
    assert_int_equal(control_receive(ends[1], &packet), ERR_BAD_MESSAGE);
    (void)state;
}

static void silence_and_the_end_are_told_apart(void **state)
{
    const struct control_ready ready = {1};
    assert_int_equal(control_receive(ends[1], &packet), ERR_TIMED_OUT);
    (void)close(ends[0]);
    assert_int_equal(control_receive(ends[1], &packet), ERR_INTERRUPTED);
    assert_int_equal(control_send(ends[1], CONTROL_READY, &ready, NULL, 0), ERR_SYSTEM);
    ends[0] = -1;
    (void)state;
}

static void a_full_socket_is_no_failure(void **state)
{
    const struct control_ready ready = {1};
    err_t err = ERR_OK;
    for (size_t i = 0; i < 100000 && err == ERR_OK; i++)
        err = control_send(ends[0], CONTROL_READY, &ready, NULL, 0);
    assert_int_equal(err, ERR_TIMED_OUT);
    (void)state;
}

/* ---- rules and identities ---- */

static struct policy_rule pass_rule(const struct policy_rule *sent)
{
    struct policy_rule taken;
    assert_int_equal(control_send_rule(ends[0], sent), ERR_OK);
    assert_int_equal(control_receive(ends[1], &packet), ERR_OK);
    assert_int_equal(packet.number, CONTROL_RULE);
    assert_int_equal(control_take_rule(&packet.body.control_rule, &taken), ERR_OK);
    return taken;
}

static void expect_rule(struct policy_rule sent)
{
    const struct policy_rule taken = pass_rule(&sent);
    assert_int_equal(taken.allow, sent.allow);
    assert_int_equal(taken.any_user, sent.any_user);
    assert_int_equal(taken.verbs, sent.verbs);
    assert_int_equal(taken.user_count, sent.user_count);
    assert_int_equal(taken.group_count, sent.group_count);
    assert_memory_equal(taken.users, sent.users, sizeof sent.users);
    assert_memory_equal(taken.groups, sent.groups, sizeof sent.groups);
    assert_int_equal(taken.has_class, sent.has_class);
    assert_int_equal(taken.has_label, sent.has_label);
    assert_int_equal(taken.has_id, sent.has_id);
    assert_int_equal(taken.class, sent.class);
    assert_int_equal(taken.label_len, sent.label_len);
    assert_int_equal(taken.id_len, sent.id_len);
    assert_memory_equal(taken.label, sent.label, sizeof sent.label);
    assert_memory_equal(taken.id, sent.id, sizeof sent.id);
    assert_string_equal(taken.where, sent.where);
}

static void a_rule_arrives_as_it_was_sent(void **state)
{
    expect_rule(rule(true, VERB_ALL, "signerd.conf:12"));
    expect_rule(rule(false, VERB_SIGN, ""));
    expect_rule(on_label(rule(true, VERB_SIGN, "a:1"), "")); /* an empty label is not no label */
    expect_rule(on_id(
        on_label(on_class(for_group(for_user(rule(true, VERB_FIND, "a:1"), 1001), 50), 3), "k"),
        "\x01"));
    (void)state;
}

static void the_largest_rule_fits(void **state)
{
    struct policy_rule largest = rule(true, VERB_ALL, "");
    largest.any_user = false;
    largest.has_label = largest.has_id = true;
    largest.label_len = largest.id_len = POLICY_TEXT_MAX;
    memset(largest.label, 'l', POLICY_TEXT_MAX);
    memset(largest.id, 'i', POLICY_TEXT_MAX);
    memset(largest.where, 'w', POLICY_TEXT_MAX - 1);
    for (uint32_t i = 0; i < POLICY_LIST_MAX; i++) {
        largest = for_user(largest, UINT32_MAX - i);
        largest = for_group(largest, i << 24);
    }
    expect_rule(largest);
    (void)state;
}

static void a_rule_with_half_a_number_is_refused(void **state)
{
    struct control_rule message = {.users = span_of("123", 3)};
    struct policy_rule taken;
    assert_int_equal(control_take_rule(&message, &taken), ERR_BAD_MESSAGE);
    message = (struct control_rule){.groups = span_of("12345", 5)};
    assert_int_equal(control_take_rule(&message, &taken), ERR_BAD_MESSAGE);
    (void)state;
}

static void a_connection_arrives_with_who_it_is(void **state)
{
    static struct identity sent;
    static struct identity taken;
    sent = person(1001, 4711);
    sent.start_time = UINT64_MAX;
    while (sent.group_count < IDENTITY_GROUPS_MAX)
        sent = in_group(sent, (uint32_t)sent.group_count);
    int file;
    make_files(&file, 1);
    assert_int_equal(control_send_connection(ends[0], &sent, file), ERR_OK);
    assert_int_equal(control_receive(ends[1], &packet), ERR_OK);
    assert_int_equal(packet.number, CONTROL_CONNECTION);
    assert_int_equal(packet.descriptor_count, 1);
    assert_int_equal(control_take_connection(&packet.body.control_connection, &taken), ERR_OK);
    assert_int_equal(taken.uid, sent.uid);
    assert_int_equal(taken.pid, sent.pid);
    assert_true(taken.start_time == sent.start_time);
    assert_int_equal(taken.group_count, sent.group_count);
    assert_memory_equal(taken.groups, sent.groups, sizeof sent.groups);
    close_files(packet.descriptors, 1);
    close_files(&file, 1);
    (void)state;
}

static void making_a_pair_may_take_ten_times_as_long_and_the_next_call_not(void **state)
{
    enum { SECOND = 1000000, TIMEOUT = 60 };
    struct pulse pulse = {0};
    assert_false(pulse_is_overdue(&pulse, TIMEOUT, UINT64_MAX));
    pulse_busy(&pulse, true);
    const uint64_t since = pulse.busy_since;
    assert_false(pulse_is_overdue(&pulse, TIMEOUT, since + TIMEOUT * SECOND));
    assert_true(pulse_is_overdue(&pulse, TIMEOUT, since + TIMEOUT * SECOND + 1));
    pulse_is_long(&pulse);
    assert_false(pulse_is_overdue(&pulse, TIMEOUT, since + 10 * TIMEOUT * SECOND));
    assert_true(pulse_is_overdue(&pulse, TIMEOUT, since + 10 * TIMEOUT * SECOND + 1));
    pulse_busy(&pulse, false);
    assert_false(pulse_is_overdue(&pulse, TIMEOUT, UINT64_MAX));
    pulse_busy(&pulse, true);
    assert_true(pulse_is_overdue(&pulse, TIMEOUT, pulse.busy_since + TIMEOUT * SECOND + 1));
    (void)state;
}

#define CONTROL_TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTROL_TEST(every_message_arrives_as_it_was_sent),
        CONTROL_TEST(a_message_that_is_not_exactly_one_is_refused),
        CONTROL_TEST(an_unknown_number_is_refused),
        CONTROL_TEST(descriptors_arrive_in_order_and_closed_on_exec),
        CONTROL_TEST(too_many_descriptors_are_not_sent),
        CONTROL_TEST(too_many_descriptors_are_refused_and_closed),
        CONTROL_TEST(descriptors_of_a_bad_message_are_closed),
        CONTROL_TEST(a_packet_that_is_too_long_is_refused),
        CONTROL_TEST(silence_and_the_end_are_told_apart),
        CONTROL_TEST(a_full_socket_is_no_failure),
        CONTROL_TEST(a_rule_arrives_as_it_was_sent),
        CONTROL_TEST(the_largest_rule_fits),
        CONTROL_TEST(a_rule_with_half_a_number_is_refused),
        CONTROL_TEST(a_connection_arrives_with_who_it_is),
        cmocka_unit_test(making_a_pair_may_take_ten_times_as_long_and_the_next_call_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
