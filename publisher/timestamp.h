/* SPDX-License-Identifier: MIT
 *
 * When something was measured, and how far that can be believed.
 */
#ifndef PUBLISHER_TIMESTAMP_H
#define PUBLISHER_TIMESTAMP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { BOOT_ID_LENGTH = 36 };

struct timestamp {
    int64_t unix_ms;       /* UTC */
    bool synchronised;     /* the kernel says that something (NTP, GPS) keeps the clock right */
    int64_t max_error_us;  /* the kernel's bound; only where synchronised */
    int64_t since_boot_ms; /* never set back: orders the readings of one boot, whatever the clock */
};

struct timestamp timestamp_now(void);

/* The kernel's random name of this boot, a UUID. ERR_SYSTEM, logged. */
err_t timestamp_boot_id(char ret_boot_id[BOOT_ID_LENGTH + 1]);

#endif
