/* SPDX-License-Identifier: MIT
 *
 * Adaptive spinning. The mean moves by a quarter of each step, and one long wait counts as at most
 * 4 × SPIN_MAX_US, so that a few quick calls are enough to start spinning again. A wait that is
 * spun at all is spun for twice the longest mean: so one that takes a little longer than usual does
 * not fall asleep just before its end. A yield from which we come back late shows that somebody
 * else wants this processor: who goes on yielding to them gets it back a time slice later each
 * time, who sleeps is woken into it at once.
 */
#include "spin.h"

#include "base/clock.h"

#include <sched.h>

enum { LATE_US = 50, REST_US = 5000 };

struct spin spin_new(int setting)
{
    cpu_set_t processors;
    if (setting == SPIN_AUTO &&
        (sched_getaffinity(0, sizeof processors, &processors) != 0 || CPU_COUNT(&processors) < 2))
        setting = SPIN_OFF;
    return (struct spin){setting, SPIN_MAX_US, 0};
}

uint32_t spin_budget(const struct spin *spin)
{
    if (spin->setting != SPIN_AUTO)
        return (uint32_t)spin->setting;
    if (spin->rest_until_us != 0 && clock_us() < spin->rest_until_us)
        return 0;
    return spin->typical <= SPIN_MAX_US ? 2 * SPIN_MAX_US : 0;
}

void spin_learn(struct spin *spin, uint64_t waited_us)
{
    uint32_t waited = waited_us > 4 * SPIN_MAX_US ? 4 * SPIN_MAX_US : (uint32_t)waited_us;
    spin->typical = (3 * spin->typical + waited) / 4;
}

bool spin_pause(struct spin *spin, uint64_t until_us)
{
    const uint64_t before = clock_us();
    if (before >= until_us)
        return false;
    (void)sched_yield();
    const uint64_t after = clock_us();
    if (spin->setting != SPIN_AUTO || after - before < LATE_US)
        return true;
    spin->rest_until_us = after + REST_US;
    return false;
}
