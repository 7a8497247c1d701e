/* SPDX-License-Identifier: MIT
 *
 * Latencies of any number of operations in fixed room: a bucket for each 1/32 of each power of two,
 * so a value read back is wrong by at most 3 %. Clients count into theirs, in shared memory; the
 * stage adds them up.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_STEPS = 32,   /* buckets of each power of two */
    HISTOGRAM_OCTAVES = 33, /* up to 2^37 ns, two minutes; what takes longer counts as that */
    HISTOGRAM_BUCKETS = HISTOGRAM_STEPS * HISTOGRAM_OCTAVES,
};

struct histogram {
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_count(struct histogram *histogram, uint64_t ns);
void histogram_add(struct histogram *to, const struct histogram *from);

/* The latency in nanoseconds that per_mille of all operations do not exceed; 0 where there is none.
 */
double histogram_quantile(const struct histogram *histogram, unsigned per_mille);

#endif
