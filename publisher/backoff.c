/* SPDX-License-Identifier: MIT
 *
 * Exponential back-off with full jitter.
 */
#include "backoff.h"

#include "base/clock.h"

#include <stdint.h>
#include <sys/random.h>

enum { DOUBLINGS_MAX = 10 };

int backoff_next_ms(struct backoff *backoff)
{
    uint32_t drawn = 0;
    int bound = BACKOFF_FIRST_MS << backoff->failures;
    if (bound > BACKOFF_MOST_MS)
        bound = BACKOFF_MOST_MS;
    if (backoff->failures < DOUBLINGS_MAX)
        backoff->failures++;
    if (getrandom(&drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn)
        drawn = (uint32_t)clock_us();
    return BACKOFF_LEAST_MS + (int)(drawn % (uint32_t)(bound - BACKOFF_LEAST_MS + 1));
}

void backoff_reset(struct backoff *backoff)
{
    backoff->failures = 0;
}
