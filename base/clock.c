/* SPDX-License-Identifier: MIT
 *
 * Monotonic time. Used for deadlines, spinning and rates; never shown to anybody.
 */
#include "clock.h"

#include <limits.h>
#include <time.h>

uint64_t clock_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
}

int clock_ms_until(uint64_t deadline_us)
{
    uint64_t now = clock_us();
    if (now >= deadline_us)
        return 0;
    uint64_t ms = (deadline_us - now + 999) / 1000;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}
