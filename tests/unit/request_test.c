/* SPDX-License-Identifier: MIT
 *
 * How a worker takes a client's packets: what is no message, that HELLO comes first, and which
 * objects LIST shows. The other requests have tests of their own, request_*_test.c.
 */
#include "request_stand.h"

/* ---- packets ---- */

static void a_packet_without_a_whole_header_is_hopeless(void **state)
{
    static const uint8_t header[] = {0, 0, 0, 1, 0, WIRE_LOGOUT};
    for (size_t len = 0; len < sizeof header; len++) {
        fixture_packet(&f, mine, span_of(header, len));
        assert_int_equal(f.end, REQUEST_HOPELESS);
        assert_int_equal(f.answer.len, 0);
    }
    fixture_packet(&f, mine, span_of(header, sizeof header));
    expect_error(ERR_OK);
    (void)state;
}

static void an_unknown_operation_is_told_so(void **state)
{
    static const uint8_t unknown[][8] = {
        {1, 2, 3, 4, 0, 0}, {1, 2, 3, 4, 0, 99}, {1, 2, 3, 4, 0xff, 0xff, 1, 2}};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        fixture_packet(&f, mine, span_of(unknown[i], sizeof unknown[i]));
        expect_error(ERR_UNKNOWN_OPERATION);
        assert_memory_equal(f.answer.ptr, unknown[i], 6); /* call and operation come back */
    }
    (void)state;
}

/* Every operation of the table, with a body that is one byte long or short. */
static void a_body_that_is_not_exactly_one_is_refused(void **state)
{
    struct connection *fresh = fixture_connect(&f, &alice);
    for (size_t i = 0; i < wire_operations_count; i++) {
        const struct wire_operation_row *row = &wire_operations[i];
        struct connection *connection = row->operation == WIRE_HELLO ? fresh : mine;
        uint8_t packet[256] = {0, 0, 0, 1, 0, (uint8_t)row->operation};
        struct writer w = writer_of(packet + 6, sizeof packet - 6);
        const union wire_body nothing = {0};
        schema_encode(row->request, &nothing, &w);
        size_t whole = 6 + writer_bytes(&w).len;
        fixture_packet(&f, connection, span_of(packet, whole + 1));
        expect_error(ERR_BAD_MESSAGE);
        if (row->request->count > 0) {
            fixture_packet(&f, connection, span_of(packet, whole - 1));
            expect_error(ERR_BAD_MESSAGE);
        }
    }
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

/* ---- HELLO ---- */

static void hello_comes_first(void **state)
{
    struct connection *fresh = fixture_connect(&f, &alice);
    for (size_t i = 0; i < wire_operations_count; i++) {
        const union wire_body nothing = {0};
        if (wire_operations[i].operation != WIRE_HELLO)
            assert_int_equal(
                fixture_call(&f, fresh, wire_operations[i].operation, &nothing, &reply),
                ERR_NO_HELLO);
    }
    (void)state;
}

static void hello_tells_the_token(void **state)
{
    struct connection *fresh = fixture_connect(&f, &alice);
    assert_int_equal(hello(fresh, 0, 9, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(reply.hello_reply.version, WIRE_VERSION_MAX);
    assert_true(reply.hello_reply.instance == f.worker.instance);
    assert_int_equal(reply.hello_reply.present, 1);
    assert_int_equal(reply.hello_reply.login_required, 0);
    assert_true(span_equal(reply.hello_reply.label, span_of_text("demo")));
    assert_int_equal(reply.hello_reply.mechanisms.len, FAKE_MECHANISMS * 16);
    (void)state;
}

static void hello_without_a_common_version_is_refused(void **state)
{
    struct connection *fresh = fixture_connect(&f, &alice);
    assert_int_equal(hello(fresh, WIRE_VERSION_MAX + 1, WIRE_VERSION_MAX + 9, span_of(NULL, 0)),
        ERR_BAD_VERSION);
    assert_int_equal(hello(fresh, 0, WIRE_VERSION_MIN - 1, span_of(NULL, 0)), ERR_BAD_VERSION);
    assert_int_equal(hello(fresh, 2, 1, span_of(NULL, 0)), ERR_BAD_MESSAGE);
    assert_int_equal(hello(fresh, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(NULL, 0)), ERR_OK);
    (void)state;
}

static void hello_twice_is_refused(void **state)
{
    assert_int_equal(
        hello(mine, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(NULL, 0)), ERR_BAD_MESSAGE);
    (void)state;
}

static void a_user_has_so_many_connections_and_others_have_theirs(void **state)
{
    struct connection *last = NULL;
    for (size_t i = 1; i < f.worker.max_connections; i++)
        last = fixture_greet(&f, &alice, CLIENT);
    struct connection *over = fixture_connect(&f, &alice);
    assert_int_equal(hello(over, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(NULL, 0)),
        ERR_TOO_MANY_CONNECTIONS);
    (void)fixture_greet(&f, &bob, CLIENT);
    fixture_disconnect(&f, last);
    assert_int_equal(hello(over, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(NULL, 0)), ERR_OK);
    (void)state;
}

static void without_the_device_only_calls_that_need_none_are_served(void **state)
{
    struct connection *fresh = fixture_connect(&f, &alice);
    objects_free(&f.worker.objects);
    f.worker.device = NULL;
    f.worker.instance = 0;
    assert_int_equal(hello(fresh, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(reply.hello_reply.present, 0);
    assert_true(fresh->greeted_absent);
    assert_int_equal(list_from(fresh, 0, 0), ERR_OK);
    assert_int_equal(reply.list_reply.unchanged, 0);
    assert_int_equal(random_bytes(fresh, 8), ERR_TOKEN_ABSENT);
    assert_int_equal(sign(fresh, "web"), ERR_TOKEN_ABSENT);
    (void)state;
}

/* ---- LIST ---- */

static void a_client_sees_only_what_it_may_use(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(seen_by(mine), 2);
    assert_int_equal(seen_by(his), 0);
    (void)state;
}

static void a_list_that_has_not_changed_is_not_sent_again(void **state)
{
    assert_int_equal(list_from(mine, 0, 0), ERR_OK);
    assert_int_equal(reply.list_reply.unchanged, 0);
    const uint64_t generation = f.header.generation;
    assert_int_equal(list_from(mine, generation, 0), ERR_OK);
    assert_int_equal(reply.list_reply.unchanged, 1);
    assert_int_equal(reply.list_reply.objects.len, 0);
    assert_int_equal(create(mine, "web", 0), ERR_OK);
    assert_true(f.header.generation > generation);
    assert_int_equal(list_from(mine, generation, 0), ERR_OK);
    assert_int_equal(reply.list_reply.unchanged, 0);
    (void)state;
}

enum { MANY = 700, LABEL = 1000 };

/* How many parts a list of MANY certificates has. alike: all have one label; else what the labels
 * are cannot be said shorter. */
static size_t parts_of_many(bool alike)
{
    static char label[LABEL + 1];
    static uint64_t numbers[MANY + 2];
    uint32_t noise = 1;
    fixture_rule(
        &f, for_user(on_class(rule(true, VERB_FIND, "t.conf:2"), CLASS_CERTIFICATE), ALICE));
    for (size_t i = 0; i < MANY; i++) {
        for (size_t j = 0; j < LABEL; j++) {
            noise = alike ? noise : noise * 1664525 + 1013904223;
            label[j] = (char)((noise >> 24) | 1);
        }
        (void)fake_put_certificate(&f.device, label, "1");
    }
    fixture_load(&f);
    size_t count = 0;
    size_t parts = 0;
    uint32_t cursor = 0;
    do {
        assert_int_equal(list_from(mine, 0, cursor), ERR_OK);
        count += numbers_listed(numbers + count, COUNT(numbers) - count);
        cursor = reply.list_reply.next;
        parts++;
    } while (cursor != 0);
    assert_int_equal(count, MANY + 2);
    for (size_t i = 1; i < count; i++)
        assert_true(numbers[i] > numbers[i - 1]);
    return parts;
}

static void many_objects_come_in_parts_each_once_and_in_order(void **state)
{
    assert_in_range(parts_of_many(false), MANY * LABEL / WIRE_DATA_MAX, 15);
    (void)state;
}

static void what_is_alike_comes_in_fewer_parts_which_are_limited_once_expanded(void **state)
{
    assert_in_range(parts_of_many(true), MANY * LABEL / WIRE_LIST_MAX, 4);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(a_packet_without_a_whole_header_is_hopeless),
        WITH_STAND(an_unknown_operation_is_told_so),
        WITH_STAND(a_body_that_is_not_exactly_one_is_refused),
        WITH_STAND(hello_comes_first),
        WITH_STAND(hello_tells_the_token),
        WITH_STAND(hello_without_a_common_version_is_refused),
        WITH_STAND(hello_twice_is_refused),
        WITH_STAND(a_user_has_so_many_connections_and_others_have_theirs),
        WITH_STAND(without_the_device_only_calls_that_need_none_are_served),
        WITH_STAND(a_client_sees_only_what_it_may_use),
        WITH_STAND(a_list_that_has_not_changed_is_not_sent_again),
        WITH_STAND(many_objects_come_in_parts_each_once_and_in_order),
        WITH_STAND(what_is_alike_comes_in_fewer_parts_which_are_limited_once_expanded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
