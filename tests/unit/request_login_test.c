/* SPDX-License-Identifier: MIT
 *
 * RANDOM and LOGIN: who gets random bytes; whom the client PIN lets in, for how long, and how late
 * a wrong one is answered.
 */
#include "request_stand.h"

#include "base/clock.h"

#include <p11-kit/pkcs11.h>

static const char client_pin[] = "1234-secret";

static int stand_up_with_pin(void **state)
{
    (void)state;
    stand_up_with(client_pin);
    return 0;
}
#define WITH_PIN(test) cmocka_unit_test_setup_teardown(test, stand_up_with_pin, stand_down)

static err_t login(struct connection *connection, const char *pin)
{
    const struct wire_login_request request = {CKU_USER, span_of_text(pin)};
    return fixture_call(&f, connection, WIRE_LOGIN, &request, &reply);
}

/* ---- RANDOM ---- */

static void random_bytes_need_a_rule_and_a_length(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(random_bytes(his, 8), ERR_DENIED);
    assert_int_equal(random_bytes(mine, 8), ERR_DENIED);
    may_have_random_bytes();
    assert_int_equal(random_bytes(mine, 0), ERR_ARGUMENTS);
    assert_int_equal(random_bytes(mine, WIRE_RANDOM_MAX + 1), ERR_ARGUMENTS);
    assert_int_equal(fake_calls(&f.device), 0);
    assert_int_equal(random_bytes(mine, WIRE_RANDOM_MAX), ERR_OK);
    assert_int_equal(reply.random_reply.random.len, WIRE_RANDOM_MAX);
    assert_int_equal(reply.random_reply.random.ptr[WIRE_RANDOM_MAX - 1], 0x5a);
    fake_fail(&f.device, FAKE_RANDOM, 1, ERR_UNSUPPORTED);
    assert_int_equal(random_bytes(mine, 8), ERR_UNSUPPORTED);
    expect_lines(0, 0, 2);
    (void)state;
}

/* ---- LOGIN ---- */

static void without_a_client_pin_any_login_is_fine(void **state)
{
    assert_int_equal(login(mine, "anything"), ERR_OK);
    assert_int_equal(login(mine, ""), ERR_OK);
    assert_int_equal(reply.login_reply.ticket.len, 0);
    assert_int_equal(sign(mine, "web"), ERR_OK);
    (void)state;
}

static void only_users_that_there_are_log_in(void **state)
{
    static const uint32_t users[] = {CKU_CONTEXT_SPECIFIC, 3, UINT32_MAX};
    for (size_t i = 0; i < COUNT(users); i++) {
        const struct wire_login_request request = {users[i], span_of_text(client_pin)};
        assert_int_equal(fixture_call(&f, mine, WIRE_LOGIN, &request, &reply), ERR_USER_TYPE);
    }
    (void)state;
}

static void keys_need_the_pin_first(void **state)
{
    const uint64_t before = f.worker.objects.generation;
    assert_int_equal(seen_by(mine), 1); /* the public key */
    assert_int_equal(sign(mine, "web"), ERR_NOT_LOGGED_IN);
    assert_int_equal(generate(mine, "web", 0), ERR_NOT_LOGGED_IN);
    expect_lines(0, 0, 2);
    assert_int_equal(fake_calls(&f.device), 0);
    assert_int_equal(login(mine, client_pin), ERR_OK);
    assert_true(f.worker.objects.generation > before);
    assert_int_equal(seen_by(mine), 2);
    assert_int_equal(sign(mine, "web"), ERR_OK);
    assert_int_equal(generate(mine, "web", 0), ERR_OK);
    assert_int_equal(login(mine, client_pin), ERR_ALREADY_LOGGED_IN);
    (void)state;
}

/* Else whoever has no right to a key could count them by their numbers. */
static void the_pin_is_asked_for_only_where_it_would_help(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(sign(his, "web"), ERR_OBJECT_GONE);
    assert_int_equal(sign(mine, "bank"), ERR_OBJECT_GONE);
    (void)state;
}

static void a_login_is_its_clients_and_ends_with_logout(void **state)
{
    const union wire_body nothing = {0};
    struct connection *second = fixture_greet(&f, &alice, CLIENT);
    struct connection *other = fixture_greet(&f, &alice, CLIENT + 1);
    assert_int_equal(login(mine, client_pin), ERR_OK);
    assert_int_equal(sign(second, "web"), ERR_OK);
    assert_int_equal(sign(other, "web"), ERR_NOT_LOGGED_IN);
    const uint64_t before = f.worker.objects.generation;
    assert_int_equal(fixture_call(&f, second, WIRE_LOGOUT, &nothing, &reply), ERR_OK);
    assert_true(f.worker.objects.generation > before);
    assert_int_equal(sign(mine, "web"), ERR_NOT_LOGGED_IN);
    (void)state;
}

static void a_ticket_logs_in_its_own_process_and_no_other(void **state)
{
    uint8_t ticket[LOGIN_TICKET_SIZE];
    struct identity later = alice;
    later.start_time++;
    const struct identity strangers[] = {person(ALICE, 12), person(BOB, 11), later};
    assert_int_equal(login(mine, client_pin), ERR_OK);
    assert_int_equal(reply.login_reply.ticket.len, sizeof ticket);
    memcpy(ticket, reply.login_reply.ticket.ptr, sizeof ticket);
    for (size_t i = 0; i < COUNT(strangers); i++) {
        struct connection *other = fixture_connect(&f, &strangers[i]);
        assert_int_equal(
            hello(other, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(ticket, sizeof ticket)),
            ERR_OK);
        assert_int_equal(reply.hello_reply.logged_in, 0);
    }
    fixture_disconnect(&f, mine);
    const uint64_t before = f.worker.objects.generation;
    struct connection *next = fixture_connect(&f, &alice);
    assert_int_equal(
        hello(next, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(ticket, sizeof ticket)), ERR_OK);
    assert_int_equal(reply.hello_reply.login_required, 1);
    assert_int_equal(reply.hello_reply.logged_in, 1);
    assert_true(f.worker.objects.generation > before);
    assert_int_equal(sign(next, "web"), ERR_OK);
    (void)state;
}

static void expect_parked_for(uint64_t seconds, err_t err)
{
    const uint64_t now = clock_us();
    assert_int_equal(err, ERR_TIMED_OUT);
    assert_in_range(mine->parked_until, now + seconds * 1000000 - 900000, now + seconds * 1000000);
}

static void a_wrong_pin_is_answered_late_and_the_next_later(void **state)
{
    expect_parked_for(1, login(mine, "wrong"));
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_PIN_INCORRECT);
    expect_parked_for(1, login(mine, "")); /* until it may be tried at all */
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_PIN_INCORRECT);
    assert_int_equal(mine->parked_until, 0);
    assert_int_equal(sign(mine, "web"), ERR_NOT_LOGGED_IN);
    assert_int_equal(lines_with(" refused LOGIN uid=1001 pid=11 PIN_INCORRECT "), 2);
    assert_int_equal(lines_with("wrong"), 0);
    (void)state;
}

static void the_right_pin_after_a_failure_logs_in_when_it_is_answered(void **state)
{
    expect_parked_for(1, login(mine, "wrong"));
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_PIN_INCORRECT);
    expect_parked_for(1, login(mine, client_pin));
    assert_false(mine->client->logged_in);
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_OK);
    assert_int_equal(reply.login_reply.ticket.len, LOGIN_TICKET_SIZE);
    assert_true(mine->client->logged_in);
    assert_int_equal(sign(mine, "web"), ERR_OK);
    (void)state;
}

/* Else whoever has many connections, and no PIN, has the worker compute one slow hash after another. */
static void a_pin_is_not_looked_at_before_the_one_before_was_answered(void **state)
{
    struct connection *more[6];
    for (size_t i = 0; i < COUNT(more); i++)
        more[i] = fixture_greet(&f, &alice, CLIENT + 1 + i);
    expect_parked_for(1, login(mine, "wrong"));
    for (size_t i = 0; i < COUNT(more); i++)
        assert_int_equal(login(more[i], i % 2 == 0 ? "wrong" : client_pin), ERR_TIMED_OUT);
    assert_int_equal(mine->place.account->pin_failures, 1);
    assert_int_equal(lines_with(" PIN_INCORRECT "), 1);
    for (size_t i = 0; i < COUNT(more); i++) {
        assert_true(more[i]->kept_len > 0);
        assert_false(more[i]->client->logged_in);
    }
    (void)state;
}

static void the_pin_that_waits_is_looked_at_in_its_time_and_then_wiped(void **state)
{
    union wire_body unused;
    struct writer none = writer_of(&unused, sizeof unused);
    static const uint8_t zeroes[CONNECTION_KEPT_MAX];
    expect_parked_for(1, login(mine, "wrong"));
    struct connection *second = fixture_greet(&f, &alice, CLIENT);
    assert_int_equal(login(second, "wrong, too"), ERR_TIMED_OUT);
    second->place.account->pin_free_at = 0;
    assert_int_equal(request_unpark(&f.worker, second, &none), REQUEST_PARKED);
    assert_int_equal(second->place.account->pin_failures, 2);
    assert_true(second->parked_until > clock_us() + 1000000); /* 2 s for the second failure */
    assert_int_equal(second->kept_len, 0);
    assert_memory_equal(second->kept, zeroes, sizeof zeroes);
    assert_int_equal(request_unpark(&f.worker, second, &none), REQUEST_ANSWERED);
    (void)state;
}

static void one_users_failures_delay_no_other(void **state)
{
    fixture_rule(&f, for_user(rule(true, VERB_SIGN, "t.conf:2"), BOB));
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    expect_parked_for(1, login(mine, "wrong"));
    assert_int_equal(login(his, client_pin), ERR_OK);
    assert_int_equal(sign(his, "web"), ERR_OK);
    (void)state;
}

static void expect_wiped(size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(f.packet[i], 0);
}

static void a_packet_with_a_pin_is_wiped_however_it_ends(void **state)
{
    const size_t len = 6 + 4 + 4 + strlen(client_pin);
    assert_int_equal(login(mine, client_pin), ERR_OK);
    expect_wiped(len);
    assert_int_equal(login(mine, client_pin), ERR_ALREADY_LOGGED_IN);
    expect_wiped(len);
    assert_int_equal(login(fixture_connect(&f, &alice), client_pin), ERR_NO_HELLO);
    expect_wiped(len);
    static const uint8_t malformed[] = {
        0, 0, 0, 1, 0, WIRE_LOGIN, 0, 0, 0, 1, 0, 0, 0, 9, '1', '2', '3', '4'};
    fixture_packet(&f, mine, span_of(malformed, sizeof malformed));
    expect_error(ERR_BAD_MESSAGE);
    expect_wiped(sizeof malformed);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(random_bytes_need_a_rule_and_a_length),
        WITH_STAND(without_a_client_pin_any_login_is_fine),
        WITH_PIN(only_users_that_there_are_log_in),
        WITH_PIN(keys_need_the_pin_first),
        WITH_PIN(the_pin_is_asked_for_only_where_it_would_help),
        WITH_PIN(a_login_is_its_clients_and_ends_with_logout),
        WITH_PIN(a_ticket_logs_in_its_own_process_and_no_other),
        WITH_PIN(a_wrong_pin_is_answered_late_and_the_next_later),
        WITH_PIN(the_right_pin_after_a_failure_logs_in_when_it_is_answered),
        WITH_PIN(a_pin_is_not_looked_at_before_the_one_before_was_answered),
        WITH_PIN(the_pin_that_waits_is_looked_at_in_its_time_and_then_wiped),
        WITH_PIN(one_users_failures_delay_no_other),
        WITH_PIN(a_packet_with_a_pin_is_wiped_however_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
