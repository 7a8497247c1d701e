/* SPDX-License-Identifier: MIT
 *
 * INIT_TOKEN, INIT_PIN, SET_PIN and the login of a security officer: only whom a rule gives
 * "admin", and each with its lines in the log.
 */
#include "request_stand.h"

#include "base/clock.h"

#include <p11-kit/pkcs11.h>

static const char old_pin[] = "1234-secret";
static const char new_pin[] = "5678-secret";

static void may_administer(void)
{
    fixture_rule(&f, for_user(rule(true, VERB_ADMIN, "t.conf:9"), ALICE));
    fake_init = (struct fake_init){0};
}

static int stand_up_with_pin(void **state)
{
    (void)state;
    stand_up_with(old_pin);
    may_administer();
    return 0;
}

static int stand_up_without(void **state)
{
    (void)state;
    stand_up_with(NULL);
    may_administer();
    return 0;
}
#define WITH_PIN(test) cmocka_unit_test_setup_teardown(test, stand_up_with_pin, stand_down)
#define WITHOUT(test)  cmocka_unit_test_setup_teardown(test, stand_up_without, stand_down)

static err_t login(struct connection *connection, uint32_t user, const char *pin)
{
    const struct wire_login_request request = {user, span_of_text(pin)};
    return fixture_call(&f, connection, WIRE_LOGIN, &request, &reply);
}

static err_t init_pin(struct connection *connection, const char *pin)
{
    const struct wire_init_pin_request request = {span_of_text(pin)};
    return fixture_call(&f, connection, WIRE_INIT_PIN, &request, &reply);
}

static err_t set_pin(struct connection *connection, const char *from, const char *to)
{
    const struct wire_set_pin_request request = {span_of_text(from), span_of_text(to)};
    return fixture_call(&f, connection, WIRE_SET_PIN, &request, &reply);
}

static err_t init_token(struct connection *connection, const char *pin, const char *label)
{
    const struct wire_init_token_request request = {span_of_text(pin), span_of_text(label)};
    return fixture_call(&f, connection, WIRE_INIT_TOKEN, &request, &reply);
}

/* ---- who ---- */

static void a_security_officer_is_whom_a_rule_gives_admin_and_no_pin_makes_one(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(login(mine, CKU_SO, ""), ERR_OK);
    assert_int_equal(reply.login_reply.ticket.len, 0);
    assert_false(mine->client->logged_in); /* a security officer is no user */
    assert_int_equal(login(his, CKU_SO, old_pin), ERR_USER_TYPE);
    assert_int_equal(lines_with(" refused LOGIN uid=1002 pid=22 DENIED "), 1);
    (void)state;
}

static void nothing_is_changed_for_anybody_else(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(init_token(his, "so", "demo"), ERR_NOT_ADMIN);
    assert_int_equal(init_pin(his, new_pin), ERR_NOT_ADMIN);
    assert_int_equal(set_pin(his, old_pin, new_pin), ERR_NOT_ADMIN);
    assert_int_equal(fake_init.calls, 0);
    assert_int_equal(login(his, CKU_USER, old_pin), ERR_OK);
    assert_int_equal(lines_with(" DENIED rule=none "), 3);
    expect_lines(0, 0, 3);
    (void)state;
}

/* ---- the client PIN ---- */

static void init_pin_sets_it_and_the_log_tells_who_did(void **state)
{
    assert_int_equal(init_pin(mine, new_pin), ERR_OK);
    assert_int_equal(lines_with(" intent INIT_PIN uid=1001 pid=11 "), 1);
    expect_lines(1, 1, 0);
    assert_int_equal(login(mine, CKU_USER, new_pin), ERR_OK);
    assert_int_equal(lines_with("secret"), 0);
    (void)state;
}

static void set_pin_wants_the_old_one(void **state)
{
    assert_int_equal(set_pin(mine, old_pin, new_pin), ERR_OK);
    assert_int_equal(lines_with(" intent SET_PIN uid=1001 pid=11 "), 1);
    assert_int_equal(set_pin(mine, old_pin, "another"), ERR_TIMED_OUT); /* late, as a login */
    assert_in_range(mine->parked_until, clock_us(), clock_us() + 1000000);
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_PIN_INCORRECT);
    assert_int_equal(lines_with(" refused SET_PIN uid=1001 pid=11 PIN_INCORRECT "), 1);
    assert_false(mine->client->logged_in);
    (void)state;
}

/* The answer waits; what it tells is done, and is no login. */
static void the_right_pin_after_a_failure_is_answered_late_and_without_a_login(void **state)
{
    assert_int_equal(set_pin(mine, "wrong", new_pin), ERR_TIMED_OUT);
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_PIN_INCORRECT);
    assert_int_equal(set_pin(mine, old_pin, new_pin), ERR_TIMED_OUT);
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_OK);
    assert_false(mine->client->logged_in);
    expect_lines(1, 1, 1);
    (void)state;
}

static void a_pin_of_no_length_is_refused_before_the_old_one_is_looked_at(void **state)
{
    assert_int_equal(init_pin(mine, ""), ERR_PIN_LENGTH);
    assert_int_equal(set_pin(mine, "wrong", ""), ERR_PIN_LENGTH);
    assert_int_equal(mine->place.account->pin_failures, 0);
    (void)state;
}

static void without_a_client_pin_there_is_none_to_set(void **state)
{
    assert_int_equal(init_pin(mine, new_pin), ERR_NO_CLIENT_PIN);
    assert_int_equal(set_pin(mine, "", new_pin), ERR_NO_CLIENT_PIN);
    expect_lines(0, 0, 0);
    (void)state;
}

static void hello_tells_of_a_wrong_pin_until_the_right_one_came(void **state)
{
    (void)fixture_greet(&f, &alice, CLIENT);
    assert_int_equal(hello(fixture_connect(&f, &alice), 1, 1, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(reply.hello_reply.pin_failed, 0);
    assert_int_equal(login(mine, CKU_USER, "wrong"), ERR_TIMED_OUT);
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_PIN_INCORRECT);
    assert_int_equal(hello(fixture_connect(&f, &alice), 1, 1, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(reply.hello_reply.pin_failed, 1);
    assert_int_equal(hello(fixture_connect(&f, &bob), 1, 1, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(reply.hello_reply.pin_failed, 0); /* another user's */
    assert_int_equal(login(mine, CKU_USER, old_pin), ERR_TIMED_OUT);
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_OK);
    assert_int_equal(hello(fixture_connect(&f, &alice), 1, 1, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(reply.hello_reply.pin_failed, 0);
    (void)state;
}

/* ---- the token ---- */

static void init_token_closes_the_device_and_ends_the_worker_with_the_answer(void **state)
{
    assert_int_equal(init_token(mine, "so-pin", "demo"), ERR_OK);
    assert_int_equal(fake_init.calls, 1);
    assert_string_equal(fake_init.so_pin, "so-pin");
    assert_string_equal(fake_init.token, "demo");
    assert_null(f.worker.device);
    assert_true(f.worker.device_lost);
    assert_int_equal(lines_with(" intent INIT_TOKEN uid=1001 pid=11 "), 1);
    assert_int_equal(lines_with("so-pin"), 0);
    expect_lines(1, 1, 0);
    (void)state;
}

static void another_label_than_that_of_the_configuration_is_refused(void **state)
{
    static const char *const labels[] = {"", "dem", "demo2", "Demo"};
    for (size_t i = 0; i < COUNT(labels); i++)
        assert_int_equal(init_token(mine, "so-pin", labels[i]), ERR_ARGUMENTS);
    assert_int_equal(fake_init.calls, 0);
    assert_false(f.worker.device_lost);
    expect_lines(0, 0, COUNT(labels));
    (void)state;
}

static void a_wrong_so_pin_is_said_so_and_the_worker_starts_anew(void **state)
{
    fake_init.with = ERR_PIN_INCORRECT;
    assert_int_equal(init_token(mine, "wrong", "demo"), ERR_PIN_INCORRECT);
    assert_true(f.worker.device_lost);
    assert_int_equal(lines_with(" PIN_INCORRECT "), 1);
    (void)state;
}

static void where_the_device_refused_its_pin_a_wrong_so_pin_does_not_try_it_again(void **state)
{
    objects_free(&f.worker.objects);
    f.worker.device = NULL;
    f.worker.absent_because = ERR_DEVICE_PIN;
    f.worker.try_again_at = UINT64_MAX;
    fake_init.with = ERR_PIN_LOCKED;
    assert_int_equal(init_token(mine, "wrong", "demo"), ERR_PIN_LOCKED);
    assert_false(f.worker.device_lost);
    assert_true(f.worker.try_again_at == UINT64_MAX);
    fake_init.with = ERR_OK;
    assert_int_equal(init_token(mine, "right", "demo"), ERR_OK);
    assert_true(f.worker.device_lost);
    (void)state;
}

/* Else a typing error ended the search for a device that is unplugged, until the daemon starts anew. */
static void a_device_that_is_looked_for_is_still_looked_for_after_a_wrong_so_pin(void **state)
{
    objects_free(&f.worker.objects);
    f.worker.device = NULL;
    f.worker.absent_because = ERR_TOKEN_ABSENT;
    f.worker.try_again_at = 42;
    fake_init.with = ERR_PIN_INCORRECT;
    assert_int_equal(init_token(mine, "wrong", "demo"), ERR_PIN_INCORRECT);
    assert_false(f.worker.device_lost);
    assert_int_equal(f.worker.try_again_at, 42);
    (void)state;
}

static void a_packet_with_a_pin_is_wiped(void **state)
{
    assert_int_equal(set_pin(mine, old_pin, new_pin), ERR_OK);
    for (size_t i = 0; i < 6 + 4 + sizeof old_pin - 1 + 4 + sizeof new_pin - 1; i++)
        assert_int_equal(f.packet[i], 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PIN(a_security_officer_is_whom_a_rule_gives_admin_and_no_pin_makes_one),
        WITH_PIN(nothing_is_changed_for_anybody_else),
        WITH_PIN(init_pin_sets_it_and_the_log_tells_who_did),
        WITH_PIN(set_pin_wants_the_old_one),
        WITH_PIN(the_right_pin_after_a_failure_is_answered_late_and_without_a_login),
        WITH_PIN(a_pin_of_no_length_is_refused_before_the_old_one_is_looked_at),
        WITHOUT(without_a_client_pin_there_is_none_to_set),
        WITH_PIN(hello_tells_of_a_wrong_pin_until_the_right_one_came),
        WITHOUT(init_token_closes_the_device_and_ends_the_worker_with_the_answer),
        WITHOUT(another_label_than_that_of_the_configuration_is_refused),
        WITHOUT(a_wrong_so_pin_is_said_so_and_the_worker_starts_anew),
        WITHOUT(where_the_device_refused_its_pin_a_wrong_so_pin_does_not_try_it_again),
        WITHOUT(a_device_that_is_looked_for_is_still_looked_for_after_a_wrong_so_pin),
        WITH_PIN(a_packet_with_a_pin_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
