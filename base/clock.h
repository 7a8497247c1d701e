/* SPDX-License-Identifier: MIT
 *
 * Monotonic time, in one place so that all deadlines have one unit.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_us(void); /* microseconds of CLOCK_MONOTONIC */

/* Milliseconds from now until the deadline (clock_us units), rounded up, for poll(); 0 when it has
 * passed. */
int clock_ms_until(uint64_t deadline_us);

#endif
