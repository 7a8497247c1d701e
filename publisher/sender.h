/* SPDX-License-Identifier: MIT
 *
 * Empties the spool, oldest first, over one transport: what becomes of an envelope after each
 * attempt. It never sees a reading.
 */
#ifndef PUBLISHER_SENDER_H
#define PUBLISHER_SENDER_H

#include "spool.h"
#include "transport.h"

#include <stdbool.h>

enum {
    SENDER_DROPS_MAX = 3, /* connections that one envelope may lose before it is parked */
    SENDER_PARKS_MAX = 3, /* parked in a row; after that it is not the envelopes, and all wait */
    SENDER_PAUSE_MS = 20, /* between two: AWS IoT takes at most 100 a second */
};

struct sender {
    struct spool *spool;
    const struct transport_kind *kind;
    void *transport;  /* of kind->open */
    const char *peer; /* "HOST:PORT", for the log */
    int stop_fd;      /* readable: end */
    int wake_fd;      /* one byte for each new envelope; at its end: finish. -1: finish at once */
    int patience_s;   /* how long to try without success, when finishing */
};

/* Until stopped (ERR_OK), or, when finishing, until nothing waits (ERR_OK) or nothing could be
 * delivered for patience_s (why it could not). Parked envelopes do not wait, but one that was
 * parked in this run makes the end ERR_PEER_REFUSES. */
err_t sender_run(struct sender *sender);

#endif
