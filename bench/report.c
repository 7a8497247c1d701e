/* SPDX-License-Identifier: MIT
 *
 * Medians over rounds; ratios are taken within a round first, then their median.
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct quantile_row {
    const char *name;
    unsigned per_mille;
} quantiles[] = {{"p50", 500}, {"p95", 950}, {"p99", 990}};
enum { QUANTILES = sizeof quantiles / sizeof quantiles[0] };

static const struct ratio_row {
    const char *name;
    unsigned of; /* signerd as a multiple of this way */
} ratios[] = {{"ratio-direct", WAY_DIRECT}, {"ratio-p11kit", WAY_P11KIT}};
enum { RATIOS = sizeof ratios / sizeof ratios[0] };

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, by_value);
    return count == 0 ? 0 : (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static bool has_figures(const struct outcome *outcome)
{
    return outcome->absent[0] == '\0';
}

static double rate(const struct outcome *outcome, unsigned rounds)
{
    double values[ROUNDS_MAX];
    memcpy(values, outcome->rates, rounds * sizeof *values);
    return median(values, rounds);
}

static double microseconds(const struct outcome *outcome, unsigned per_mille)
{
    return histogram_quantile(&outcome->latency, per_mille) / 1000;
}

/* False: there is nothing to compare. */
static bool ratio(const struct outcome *outcomes, unsigned of, unsigned rounds, double *ret_ratio)
{
    double values[ROUNDS_MAX];
    unsigned count = 0;
    if (!has_figures(&outcomes[WAY_SIGNERD]) || !has_figures(&outcomes[of]))
        return false;
    for (unsigned i = 0; i < rounds; i++)
        if (outcomes[of].rates[i] > 0)
            values[count++] = outcomes[WAY_SIGNERD].rates[i] / outcomes[of].rates[i];
    *ret_ratio = median(values, count);
    return count > 0;
}

void report_head(unsigned kind)
{
    printf("\n%s\n%8s  %-8s %10s %10s %10s %10s  %s\n", work_rows[kind].title, "clients", "way",
        "1/s", "p50 us", "p95 us", "p99 us", "signerd is");
}

void report_table(unsigned clients, unsigned rounds, const struct outcome outcomes[WAYS],
    const struct way ways[WAYS])
{
    for (unsigned way = 0; way < WAYS; way++) {
        const struct outcome *outcome = &outcomes[way];
        double times;
        printf("%8u  %-8s ", clients, ways[way].name);
        if (!has_figures(outcome)) {
            printf("%10s %s\n", "n/a", outcome->absent);
            continue;
        }
        printf("%10.0f %10.1f %10.1f %10.1f", rate(outcome, rounds), microseconds(outcome, 500),
            microseconds(outcome, 950), microseconds(outcome, 990));
        if (way != WAY_SIGNERD && ratio(outcomes, way, rounds, &times))
            printf("  %.2f x", times);
        printf("\n");
    }
}

static void figure(
    const char *kind, unsigned clients, const char *what, const double *value, const char *unit)
{
    printf("%s.%u.%s ", kind, clients, what);
    if (value == NULL)
        printf("n/a %s\n", unit);
    else
        printf(*value < 10 ? "%.3f %s\n" : *value < 1000 ? "%.1f %s\n" : "%.0f %s\n", *value, unit);
}

static void way_figures(const char *kind, unsigned clients, unsigned rounds,
    const struct outcome *outcome, const struct way *way)
{
    char what[32];
    double value = rate(outcome, rounds);
    (void)snprintf(what, sizeof what, "%s.ops", way->name);
    figure(kind, clients, what, has_figures(outcome) ? &value : NULL, "1/s");
    for (size_t i = 0; i < QUANTILES; i++) {
        value = microseconds(outcome, quantiles[i].per_mille);
        (void)snprintf(what, sizeof what, "%s.%s", way->name, quantiles[i].name);
        figure(kind, clients, what, has_figures(outcome) ? &value : NULL, "us");
    }
}

void report_figures(unsigned kind, unsigned clients, unsigned rounds,
    const struct outcome outcomes[WAYS], const struct way ways[WAYS])
{
    const char *name = work_rows[kind].name;
    for (unsigned way = 0; way < WAYS; way++)
        way_figures(name, clients, rounds, &outcomes[way], &ways[way]);
    for (size_t i = 0; i < RATIOS; i++) {
        double value;
        const bool known = ratio(outcomes, ratios[i].of, rounds, &value);
        figure(name, clients, ratios[i].name, known ? &value : NULL, "x");
    }
}
