/* SPDX-License-Identifier: MIT
 *
 * How busy the processors are, from the first line of /proc/stat: ticks of user, nice, system, idle
 * and iowait time, of all processors together.
 */
#include "calm.h"

#include <stdio.h>
#include <time.h>

enum { LOOK_MS = 30, BUSY_TICKS_ALLOWED = 0 };

static bool busy_ticks(unsigned long long *ret_busy)
{
    unsigned long long user;
    unsigned long long nice;
    unsigned long long system;
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL)
        return false;
    const bool read = fscanf(file, "cpu %llu %llu %llu", &user, &nice, &system) == 3;
    (void)fclose(file);
    if (read)
        *ret_busy = user + nice + system;
    return read;
}

bool calm_wait(unsigned most_ms)
{
    const struct timespec look = {0, LOOK_MS * 1000000L};
    for (unsigned waited = 0; waited <= most_ms; waited += LOOK_MS) {
        unsigned long long before;
        unsigned long long after;
        if (!busy_ticks(&before))
            return false;
        (void)nanosleep(&look, NULL);
        if (!busy_ticks(&after))
            return false;
        if (after - before <= BUSY_TICKS_ALLOWED)
            return true;
    }
    return false;
}
