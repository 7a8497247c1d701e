/* SPDX-License-Identifier: MIT
 *
 * A client process: it opens its token once, then works whenever the stage orders it to. Between
 * orders it sleeps.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "histogram.h"
#include "work.h"

#include <sys/types.h>

/* Times are nanoseconds of CLOCK_MONOTONIC. What ends before counted_from warms up and is not
 * counted. */
struct order {
    unsigned kind;
    uint64_t start;
    uint64_t counted_from;
    uint64_t end;
};

/* What a client tells, in memory that it shares with the stage: at first of the trial of each kind,
 * then of the last order. */
struct tally {
    struct failure trial[WORK_KINDS]; /* rv CKR_OK: it works */
    struct failure failure;           /* of the opening, or of an order */
    uint64_t count;
    uint64_t took; /* nanoseconds from counted_from to the end of the last that is counted */
    struct histogram latency;
};

struct client {
    pid_t pid;
    int orders;  /* to it */
    int answers; /* from it: a byte when it is ready, and one after each order */
    struct tally *tally;
};

/* How to reach a token. */
struct way {
    const char *name;   /* in each figure */
    const char *module; /* path; NULL: not measured */
    const char *token;
    const char *pin_file;
};

uint64_t now_ns(void);

/* Starts one and waits until it has tried each kind once. False: it could not open the token
 * (client->tally->failure), or this process has run out of something. */
bool client_start(const struct way *way, struct client *ret_client);
void client_stop(struct client *client);

bool client_order(const struct client *client, const struct order *order);
bool client_wait(const struct client *client); /* false: it has died */

#endif
