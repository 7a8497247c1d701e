/* SPDX-License-Identifier: MIT
 *
 * One request of a client: parsed, allowed or refused, accounted for, done, answered. This is the
 * whole of what a client can make a worker do.
 */
#ifndef SIGNERD_REQUEST_H
#define SIGNERD_REQUEST_H

#include "worker.h"

enum request_end {
    REQUEST_ANSWERED, /* reply holds the packet to send */
    REQUEST_PARKED,   /* the answer goes out at connection->parked_until */
    REQUEST_HOPELESS, /* the packet has no proper header: close the connection */
};

/* packet: as received; it is wiped, for it may hold a PIN, a key or what is to be encrypted. The
 * caller wipes the reply once it is sent. */
enum request_end request_serve(
    struct worker *worker, struct connection *connection, struct span packet, struct writer *reply);

/* The answer of a parked request, now that its time has come. REQUEST_PARKED: what has come is the
 * time to look at its PIN, and the answer waits (again). */
enum request_end request_unpark(
    struct worker *worker, struct connection *connection, struct writer *reply);

#endif
