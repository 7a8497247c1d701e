/* SPDX-License-Identifier: MIT
 *
 * What is printed: a table for people, and one line a figure, NAME VALUE UNIT, for programs.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "stage.h"

/* The middle of count values, which it sorts; of an even count the mean of both middles. */
double median(double *values, unsigned count);

void report_head(unsigned kind);
void report_table(unsigned clients, unsigned rounds, const struct outcome outcomes[WAYS],
    const struct way ways[WAYS]);
void report_figures(unsigned kind, unsigned clients, unsigned rounds,
    const struct outcome outcomes[WAYS], const struct way ways[WAYS]);

#endif
