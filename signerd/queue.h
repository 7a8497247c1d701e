/* SPDX-License-Identifier: MIT
 *
 * The fair queue: connections with a request waiting, served one user after another, and each
 * user's in the order of arrival. It holds connections, not messages: those stay in the kernel
 * until their turn, so a client can fill nothing.
 */
#ifndef SIGNERD_QUEUE_H
#define SIGNERD_QUEUE_H

#include "account.h"

/* A place in the queue; every connection has one. */
struct queue_place {
    struct account *account;
    struct queue_place *next; /* of the same user */
    bool queued;
};

/* A user's waiting connections; every account in the queue has one. */
struct queue {
    struct account *turn; /* users with something waiting, in a ring; turn is served next */
    struct account *last;
};

void queue_push(
    struct queue *queue, struct queue_place *place); /* nothing where it is queued already */
struct queue_place *queue_pop(struct queue *queue);  /* NULL: empty */
void queue_remove(struct queue *queue, struct queue_place *place);

#endif
