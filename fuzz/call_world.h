/* SPDX-License-Identifier: MIT
 *
 * The world of the module under the call fuzzer: a worker with a device in memory, in this process,
 * at the other end of the module's sockets; a clock that no call waits for; and what can go wrong
 * with all of it. The module's own code runs unchanged down to connect, send, recv and poll.
 */
#ifndef FUZZ_CALL_WORLD_H
#define FUZZ_CALL_WORLD_H

#include <stdint.h>

/* How an input begins: bits. */
enum world_circumstance {
    WORLD_DEVICE_ABSENT = 1,
    WORLD_NO_CLIENT_PIN = 2,
    WORLD_FEW_CONNECTIONS = 4,
    WORLD_LONG_LIST = 8,
    WORLD_ALL_ALLOWED = 16, /* else only what is called "web", and no administration */
    WORLD_STUBBORN_OBJECTS = 32,
};

enum world_fault {
    WORLD_RESTART,        /* the worker begins another life */
    WORLD_DIE_BEFORE,     /* the next request meets a dead connection */
    WORLD_DIE_AFTER,      /* the next request is served, its answer is lost */
    WORLD_DEAF,           /* the next answer does not come in time */
    WORLD_AWAY,           /* nobody listens for the next few connects */
    WORLD_UNPLUG,         /* the device is gone, from the worker's next life on; or back */
    WORLD_DEVICE_FAILS,   /* one call of the driver fails, with any error */
    WORLD_OTHER_DESTROYS, /* another program destroys the oldest token object that it may */
    WORLD_FAULTS,
};

extern const char world_pin[]; /* that a client logs in with */

/* Once: a runtime directory with the slots "demo", whose worker answers, and "gone". */
void world_open(void);

void world_begin(unsigned circumstances); /* of one input: always the same objects and numbers */

/* more: which one, and when, as far as the fault has a choice. */
void world_fault(enum world_fault fault, unsigned more);

/* After C_Finalize: nothing of the client may be left in worker and device. */
void world_end(void);

#endif
