/* SPDX-License-Identifier: MIT
 *
 * Adaptive spinning: how long one end polls a socket before it blocks. Each end keeps one of these
 * a connection (client) or an event loop (worker), tells it how long each wait really took, and
 * asks how long the next may be spun. Waits that would not end within the spin are not spun at all:
 * idle means asleep, and so does a busy machine: where others want the processor, nothing is spun
 * for a few milliseconds.
 */
#ifndef WIRE_SPIN_H
#define WIRE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

enum { SPIN_AUTO = -1, SPIN_OFF = 0, SPIN_MAX_US = 200 };

struct spin {
    int setting;            /* SPIN_AUTO, SPIN_OFF, or microseconds */
    uint32_t typical;       /* sliding mean of the waits, microseconds */
    uint64_t rest_until_us; /* clock_us; until then SPIN_AUTO does not spin */
};

/* With one processor to run on, SPIN_AUTO becomes SPIN_OFF. */
struct spin spin_new(int setting);

/* Microseconds that the next wait may be spun; 0: block at once. */
uint32_t spin_budget(const struct spin *spin);

/* Between two looks, once the budget is known: gives the processor to whoever else wants it. False:
 * stop spinning, since it is until_us (clock_us), or somebody else did want it. */
bool spin_pause(struct spin *spin, uint64_t until_us);

/* A wait is over; it took so many microseconds, spun or asleep. */
void spin_learn(struct spin *spin, uint64_t waited_us);

#endif
