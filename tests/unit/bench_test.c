/* SPDX-License-Identifier: MIT
 *
 * The arithmetic of the benchmark: a figure must not be wrong by more than it says.
 */
#include "test.h"

#include "bench/histogram.h"
#include "bench/report.h"

#include <math.h>

static void an_empty_histogram_has_no_quantiles(void **state)
{
    static const struct histogram empty;
    assert_true(histogram_quantile(&empty, 500) == 0);
    (void)state;
}

static void a_value_is_read_back_within_three_percent(void **state)
{
    for (uint64_t ns = 1; ns < UINT64_C(100000000000); ns += 1 + ns / 7) {
        struct histogram histogram = {{0}};
        histogram_count(&histogram, ns);
        const double got = histogram_quantile(&histogram, 990);
        assert_true(fabs(got - (double)ns) <= 0.03 * (double)ns);
    }
    (void)state;
}

static void what_takes_longer_than_the_histogram_is_counted_as_its_longest(void **state)
{
    struct histogram histogram = {{0}};
    histogram_count(&histogram, UINT64_MAX);
    assert_true(histogram_quantile(&histogram, 500) > 100e9);
    (void)state;
}

static void quantiles_are_those_of_all_that_was_added(void **state)
{
    struct histogram all = {{0}};
    struct histogram slow = {{0}};
    for (unsigned i = 0; i < 94; i++)
        histogram_count(&all, 20);
    for (unsigned i = 0; i < 6; i++)
        histogram_count(&slow, 1000000);
    histogram_add(&all, &slow);
    assert_true(histogram_quantile(&all, 500) == 20);
    assert_true(histogram_quantile(&all, 940) == 20);
    assert_true(fabs(histogram_quantile(&all, 950) - 1e6) < 0.03e6);
    (void)state;
}

static void the_median_is_the_middle_whatever_the_order(void **state)
{
    double odd[] = {5, 1, 3};
    double even[] = {8, 1, 4, 2};
    double one[] = {7};
    assert_true(median(odd, 3) == 3);
    assert_true(median(even, 4) == 3);
    assert_true(median(one, 1) == 7);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_histogram_has_no_quantiles),
        TEST(a_value_is_read_back_within_three_percent),
        TEST(what_takes_longer_than_the_histogram_is_counted_as_its_longest),
        TEST(quantiles_are_those_of_all_that_was_added),
        TEST(the_median_is_the_middle_whatever_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
