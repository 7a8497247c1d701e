/* SPDX-License-Identifier: MIT
 *
 * Buckets: values below 32 have one each; above, the five bits behind the highest one choose the
 * bucket within its power of two.
 */
#include "histogram.h"

#include <stddef.h>

enum { STEP_BITS = 5 };

static size_t bucket_of(uint64_t ns)
{
    if (ns < HISTOGRAM_STEPS)
        return (size_t)ns;
    const unsigned highest = 63U - (unsigned)__builtin_clzll(ns);
    const unsigned octave = highest - STEP_BITS + 1;
    const size_t step = (size_t)(ns >> (highest - STEP_BITS)) - HISTOGRAM_STEPS;
    const size_t bucket = (size_t)octave * HISTOGRAM_STEPS + step;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The middle of what the bucket holds. */
static double value_of(size_t bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return (double)bucket;
    const unsigned octave = (unsigned)(bucket / HISTOGRAM_STEPS);
    const uint64_t width = UINT64_C(1) << (octave - 1);
    const uint64_t low = (HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) * width;
    return (double)low + (double)(width - 1) / 2;
}

void histogram_count(struct histogram *histogram, uint64_t ns)
{
    histogram->buckets[bucket_of(ns)]++;
}

void histogram_add(struct histogram *to, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        to->buckets[i] += from->buckets[i];
}

double histogram_quantile(const struct histogram *histogram, unsigned per_mille)
{
    uint64_t all = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        all += histogram->buckets[i];
    const uint64_t wanted = (all * per_mille + 999) / 1000;
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS && wanted > 0; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted)
            return value_of(i);
    }
    return 0;
}
