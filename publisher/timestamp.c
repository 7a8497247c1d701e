/* SPDX-License-Identifier: MIT
 *
 * The wall clock with its quality (adjtimex), and the clock that nobody sets.
 */
#include "timestamp.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

static const char boot_id_file[] = "/proc/sys/kernel/random/boot_id";

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct timestamp timestamp_now(void)
{
    struct timex quality = {.modes = 0};
    int state = adjtimex(&quality);
    struct timestamp timestamp = {
        .unix_ms = clock_ms(CLOCK_REALTIME),
        .synchronised = state >= 0 && state != TIME_ERROR && !(quality.status & STA_UNSYNC),
        .since_boot_ms = clock_ms(CLOCK_BOOTTIME),
    };
    if (timestamp.synchronised)
        timestamp.max_error_us = quality.maxerror;
    return timestamp;
}

err_t timestamp_boot_id(char ret_boot_id[BOOT_ID_LENGTH + 1])
{
    char line[BOOT_ID_LENGTH + 2];
    FILE *file = fopen(boot_id_file, "re");
    bool ok = file != NULL && fgets(line, sizeof line, file) != NULL &&
              strspn(line, "0123456789abcdef-") == BOOT_ID_LENGTH;
    if (file != NULL)
        (void)fclose(file);
    if (!ok) {
        log_error("%s: no boot id can be read there: is /proc mounted?", boot_id_file);
        return ERR_SYSTEM;
    }
    memcpy(ret_boot_id, line, BOOT_ID_LENGTH);
    ret_boot_id[BOOT_ID_LENGTH] = '\0';
    return ERR_OK;
}
