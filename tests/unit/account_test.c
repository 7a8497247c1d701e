/* SPDX-License-Identifier: MIT
 *
 * What one user has of a worker: refusal lines, PIN delays, and when it is forgotten.
 */
#include "test.h"

#include "signerd/account.h"

enum { UID = 1001, BURST = 50 };
static const uint64_t SECOND = 1000000;
static const uint64_t START = 5000000000; /* some clock_us */

static struct accounts accounts;
static struct account *account;

static int fresh_account(void **state)
{
    (void)state;
    return account_of(&accounts, UID, &account) == ERR_OK ? 0 : -1;
}

static int free_accounts(void **state)
{
    (void)state;
    accounts_free(&accounts);
    return accounts.first == NULL ? 0 : -1;
}

static size_t lines_of(size_t refusals, uint64_t from_us, uint64_t step_us)
{
    size_t lines = 0;
    for (size_t i = 0; i < refusals; i++)
        lines += account_refusal_has_line(account, from_us + i * step_us);
    return lines;
}

static bool is_known(uint32_t uid)
{
    const struct account *at = accounts.first;
    while (at != NULL && at->uid != uid)
        at = at->next;
    return at != NULL;
}

static void a_user_has_one_account(void **state)
{
    struct account *other;
    struct account *again;
    assert_int_equal(account_of(&accounts, UID + 1, &other), ERR_OK);
    assert_int_equal(account_of(&accounts, UID, &again), ERR_OK);
    assert_ptr_equal(again, account);
    assert_ptr_not_equal(other, account);
    assert_int_equal(other->uid, UID + 1);
    (void)state;
}

static void fifty_refusals_have_lines_and_the_rest_is_counted(void **state)
{
    assert_int_equal(lines_of(200, START, 0), BURST);
    assert_int_equal(account->refusals_left_out, 150);
    (void)state;
}

static void then_ten_lines_a_second(void **state)
{
    (void)lines_of(BURST, START, 0);
    assert_int_equal(lines_of(10000, START, SECOND / 1000),
        99); /* 10 s, a refusal every ms; the first 100 ms give none */
    assert_int_equal(account->refusals_left_out, 9901);
    (void)state;
}

static void a_pause_gives_back_fifty_and_no_more(void **state)
{
    (void)lines_of(BURST, START, 0);
    assert_int_equal(lines_of(BURST, START + 2 * SECOND, 0), 20);
    assert_int_equal(lines_of(200, START + 3600 * SECOND, 0), BURST);
    (void)state;
}

static void one_users_refusals_leave_others_their_lines(void **state)
{
    struct account *other;
    (void)lines_of(200, START, 0);
    assert_int_equal(account_of(&accounts, UID + 1, &other), ERR_OK);
    assert_true(account_refusal_has_line(other, START));
    (void)state;
}

static uint64_t seconds_to_answer(bool right, uint64_t now_us)
{
    uint64_t wait = account_pin_answer_at(account, right, now_us) - now_us;
    assert_int_equal(wait % SECOND, 0);
    return wait / SECOND;
}

static void a_right_pin_is_answered_at_once(void **state)
{
    assert_int_equal(seconds_to_answer(true, START), 0);
    assert_int_equal(seconds_to_answer(true, START), 0);
    (void)state;
}

static void each_failure_doubles_the_delay_up_to_a_minute(void **state)
{
    static const uint64_t delays[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    uint64_t now = START;
    for (size_t i = 0; i < COUNT(delays); i++) {
        assert_int_equal(seconds_to_answer(false, now), delays[i]);
        now += delays[i] * SECOND;
    }
    account->pin_failures = UINT32_MAX - 1;
    assert_int_equal(seconds_to_answer(false, now), 60);
    (void)state;
}

/* Many connections give no more tries than one. */
static void tries_at_the_same_time_are_answered_one_after_another(void **state)
{
    static const uint64_t answers[] = {1, 1 + 2, 1 + 2 + 4, 1 + 2 + 4 + 8};
    for (size_t i = 0; i < COUNT(answers); i++)
        assert_int_equal(seconds_to_answer(false, START), answers[i]);
    assert_int_equal(seconds_to_answer(false, START + SECOND), 14 + 16);
    (void)state;
}

static void a_pin_may_be_tried_when_the_one_before_was_answered(void **state)
{
    assert_true(account_pin_may_be_tried(account, START));
    uint64_t answered = account_pin_answer_at(account, false, START);
    assert_false(account_pin_may_be_tried(account, answered - 1));
    assert_true(account_pin_may_be_tried(account, answered));
    (void)state;
}

static void the_right_pin_waits_as_long_as_a_wrong_one_of_before(void **state)
{
    (void)account_pin_answer_at(account, false, START);
    (void)account_pin_answer_at(account, false, START + SECOND);
    assert_int_equal(seconds_to_answer(true, START + 3 * SECOND), 2);
    (void)state;
}

static void the_right_pin_ends_the_row_of_failures(void **state)
{
    (void)account_pin_answer_at(account, false, START);
    uint64_t after = account_pin_answer_at(account, true, START);
    assert_int_equal(seconds_to_answer(true, after), 0);
    assert_int_equal(seconds_to_answer(false, after), 1);
    (void)state;
}

static void tidy_forgets_an_idle_account(void **state)
{
    accounts_tidy(&accounts, START);
    assert_false(is_known(UID));
    (void)state;
}

static void tidy_keeps_what_holds_something(void **state)
{
    uint32_t *const held[] = {&account->connections, &account->session_objects, &account->begun};
    for (size_t i = 0; i < COUNT(held); i++) {
        *held[i] = 1;
        accounts_tidy(&accounts, START);
        assert_true(is_known(UID));
        *held[i] = 0;
    }
    (void)lines_of(BURST + 1, START, 0);
    accounts_tidy(&accounts, START + 3600 * SECOND);
    assert_true(is_known(UID));
    (void)state;
}

static void tidy_forgets_failures_after_ten_minutes(void **state)
{
    uint64_t answered = account_pin_answer_at(account, false, START);
    accounts_tidy(&accounts, answered + 600 * SECOND);
    assert_true(is_known(UID));
    accounts_tidy(&accounts, answered + 600 * SECOND + 1);
    assert_false(is_known(UID));
    (void)state;
}

static void tidy_finds_idle_accounts_between_others(void **state)
{
    for (uint32_t i = 1; i < 5; i++) {
        struct account *other;
        assert_int_equal(account_of(&accounts, UID + i, &other), ERR_OK);
        other->connections = i % 2;
    }
    accounts_tidy(&accounts, START);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(is_known(UID + i), i % 2);
    (void)state;
}

#define ACCOUNT_TEST(name) cmocka_unit_test_setup_teardown(name, fresh_account, free_accounts)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCOUNT_TEST(a_user_has_one_account),
        ACCOUNT_TEST(fifty_refusals_have_lines_and_the_rest_is_counted),
        ACCOUNT_TEST(then_ten_lines_a_second),
        ACCOUNT_TEST(a_pause_gives_back_fifty_and_no_more),
        ACCOUNT_TEST(one_users_refusals_leave_others_their_lines),
        ACCOUNT_TEST(a_right_pin_is_answered_at_once),
        ACCOUNT_TEST(each_failure_doubles_the_delay_up_to_a_minute),
        ACCOUNT_TEST(tries_at_the_same_time_are_answered_one_after_another),
        ACCOUNT_TEST(a_pin_may_be_tried_when_the_one_before_was_answered),
        ACCOUNT_TEST(the_right_pin_waits_as_long_as_a_wrong_one_of_before),
        ACCOUNT_TEST(the_right_pin_ends_the_row_of_failures),
        ACCOUNT_TEST(tidy_forgets_an_idle_account),
        ACCOUNT_TEST(tidy_keeps_what_holds_something),
        ACCOUNT_TEST(tidy_forgets_failures_after_ten_minutes),
        ACCOUNT_TEST(tidy_finds_idle_accounts_between_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
