/* SPDX-License-Identifier: MIT
 *
 * Adaptive spinning: dense traffic spins, idle sleeps.
 */
#include "test.h"

#include "base/clock.h"
#include "wire/spin.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_fixed_setting_is_the_budget_whatever_was_learnt(void **state)
{
    static const int settings[] = {SPIN_OFF, 1, 50, 1000};
    for (size_t i = 0; i < COUNT(settings); i++) {
        struct spin spin = spin_new(settings[i]);
        assert_int_equal(spin_budget(&spin), settings[i]);
        spin_learn(&spin, 1000000);
        assert_int_equal(spin_budget(&spin), settings[i]);
    }
    (void)state;
}

static void auto_is_off_on_one_processor(void **state)
{
    cpu_set_t before;
    cpu_set_t one;
    CPU_ZERO(&one);
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    struct spin spin = spin_new(SPIN_AUTO);
    assert_int_equal(spin_budget(&spin), 0);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    (void)state;
}

static const struct spin automatic = {SPIN_AUTO, SPIN_MAX_US, 0}; /* as on two processors */

static void quick_answers_are_spun_for(void **state)
{
    struct spin spin = automatic;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(spin_budget(&spin), 2 * SPIN_MAX_US);
        spin_learn(&spin, 60);
    }
    (void)state;
}

static void slow_answers_are_slept_for(void **state)
{
    struct spin spin = automatic;
    for (unsigned i = 0; i < 4; i++)
        spin_learn(&spin, 20000);
    assert_int_equal(spin_budget(&spin), 0);
    (void)state;
}

static void one_long_wait_however_long_is_made_good_by_a_few_quick_ones(void **state)
{
    struct spin spin = automatic;
    spin_learn(&spin, 20);
    for (unsigned i = 0; i < 100; i++)
        spin_learn(&spin, UINT64_MAX);
    assert_int_equal(spin_budget(&spin), 0);
    unsigned quick = 0;
    for (; spin_budget(&spin) == 0; quick++)
        spin_learn(&spin, 20);
    assert_in_range(quick, 1, 8);
    (void)state;
}

static void nothing_is_spun_beyond_the_deadline(void **state)
{
    struct spin spin = {SPIN_MAX_US, 0, 0};
    assert_false(spin_pause(&spin, clock_us()));
    assert_true(spin_pause(&spin, clock_us() + 1000000));
    (void)state;
}

/* Another process on our only processor: each yield hands it over for a time slice. */
static void where_others_want_the_processor_nothing_is_spun_for_a_while(void **state)
{
    cpu_set_t before;
    cpu_set_t one;
    CPU_ZERO(&one);
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    pid_t other = fork();
    while (other == 0)
        (void)clock_us();
    struct spin spin = automatic;
    const uint64_t deadline = clock_us() + 5000000;
    while (spin_pause(&spin, deadline))
        ;
    assert_true(clock_us() < deadline);
    assert_int_equal(spin_budget(&spin), 0);
    spin.rest_until_us = clock_us();
    assert_int_equal(spin_budget(&spin), 2 * SPIN_MAX_US);
    assert_int_equal(kill(other, SIGKILL), 0);
    assert_int_equal(waitpid(other, NULL, 0), other);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_fixed_setting_is_the_budget_whatever_was_learnt),
        TEST(auto_is_off_on_one_processor),
        TEST(quick_answers_are_spun_for),
        TEST(slow_answers_are_slept_for),
        TEST(one_long_wait_however_long_is_made_good_by_a_few_quick_ones),
        TEST(nothing_is_spun_beyond_the_deadline),
        TEST(where_others_want_the_processor_nothing_is_spun_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
