/* SPDX-License-Identifier: MIT
 *
 * Clients and their connections. A client is one process (or one copy of the module in it): what
 * PKCS#11 calls an application. Its connections share login and session objects; when the last one
 * closes, both are gone.
 */
#ifndef SIGNERD_CLIENT_H
#define SIGNERD_CLIENT_H

#include "identity.h"
#include "queue.h"

struct begun; /* serve_long.c's: a use of a key whose data comes in parts */

struct client {
    uint32_t uid;
    uint32_t pid;
    uint64_t start_time;
    uint64_t number; /* HELLO's: tells copies of the module in one process apart, no more */
    size_t connections;
    size_t session_objects;
    size_t begun_count;
    struct begun *begun;
    uint64_t requests; /* served */
    bool logged_in;
    struct client *next;
};

/* Bytes of a request that holds PINs: headers, and two of at most 256 */
enum { CONNECTION_KEPT_MAX = 544 };

struct connection {
    struct queue_place place; /* first, so that a place is its connection */
    int fd;
    struct identity identity;
    struct client *client; /* NULL before HELLO */
    bool greeted_absent;   /* HELLO was answered "no device" */
    bool page_due;         /* the page's descriptor goes with the answer */
    uint64_t parked_until; /* clock_us: a PIN, or its answer, waits; 0: not parked */
    size_t kept_len;       /* of the request whose PIN was not looked at yet; 0: there is none */
    uint8_t kept[CONNECTION_KEPT_MAX];
    uint32_t parked_call;
    uint16_t parked_operation; /* LOGIN or SET_PIN */
    err_t parked_outcome;
    struct connection *next;
    struct connection *previous;
};

struct clients {
    struct client *first;
    struct connection *connections;
    size_t connection_count;
};

/* Takes over fd and copies the identity. */
err_t connection_new(struct clients *clients, int fd, const struct identity *identity,
    struct account *account, struct connection **ret_connection);

/* Closes and frees; *ret_client is the client when this was its last connection (the caller ends it
 * with client_free), else NULL. */
void connection_free(
    struct clients *clients, struct connection *connection, struct client **ret_client);

/* Joins the connection to its client, made where there is none. */
err_t connection_greet(
    struct clients *clients, struct connection *connection, uint64_t client_number);

void client_free(struct clients *clients, struct client *client);

#endif
