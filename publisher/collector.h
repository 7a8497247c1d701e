/* SPDX-License-Identifier: MIT
 *
 * One round of readings: each sensor read, its reading sealed and accepted by the spool.
 */
#ifndef PUBLISHER_COLLECTOR_H
#define PUBLISHER_COLLECTOR_H

#include "envelope.h"
#include "spool.h"

struct collector {
    struct sensors *sensors;
    const struct envelope_maker *maker;
    struct spool *spool;
    const char *topic;
    void (*accepted)(void *context); /* called after each; may be NULL */
    void *context;
};

/* Every sensor gets its chance, whatever befalls another; the first fault is returned. A fault of
 * the spool or of the key ends the round. */
err_t collector_round(struct collector *collector);

#endif
