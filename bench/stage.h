/* SPDX-License-Identifier: MIT
 *
 * The stage: it starts clients of every way one after another, then lets the first N of each way
 * work in turn, way after way, round after round. So whatever else the machine does hits all ways
 * alike, and the ratio within a round means more than any number of a way alone.
 */
#ifndef BENCH_STAGE_H
#define BENCH_STAGE_H

#include "client.h"

enum { WAYS = 3, CLIENTS_MAX = 256, ROUNDS_MAX = 1000 };
enum { WAY_SIGNERD, WAY_DIRECT, WAY_P11KIT };

/* What became of one kind of work, with one number of clients, on one way. */
struct outcome {
    char absent[96];          /* why there are no figures; empty: there are */
    bool broken;              /* absent, and not because the way does not offer it */
    double rates[ROUNDS_MAX]; /* operations per second, all clients together */
    struct histogram latency; /* of all rounds */
};

struct stage {
    struct way ways[WAYS];
    unsigned rounds;
    unsigned round_ms;
    unsigned calm_ms; /* before each round, wait so long for a quiet moment; 0: do not */
    struct client clients[WAYS][CLIENTS_MAX];
    unsigned started[WAYS];
    char absent[WAYS][96]; /* why a way has no clients */
    bool broken[WAYS];
};

/* count clients of each way. A way whose clients cannot start is left out, with the reason. */
void stage_start(struct stage *stage, unsigned count);
void stage_stop(struct stage *stage);

/* clients <= the count of stage_start. */
void stage_measure(
    struct stage *stage, unsigned kind, unsigned clients, struct outcome outcomes[WAYS]);

#endif
