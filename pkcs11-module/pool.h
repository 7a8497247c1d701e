/* SPDX-License-Identifier: MIT
 *
 * The connections of this process to one device, made on demand and kept. A thread takes one, makes
 * one call, reads the answer and gives the connection back, so that threads run in parallel. The
 * pool rides over a restart of the daemon: what was certainly not done, or may be done twice, is
 * tried again on a new connection.
 */
#ifndef PKCS11_MODULE_POOL_H
#define PKCS11_MODULE_POOL_H

#include "token.h"

#include "wire/link.h"
#include "wire/page.h"

#include <pthread.h>

enum { POOL_MAX = 16 };

struct secret;

struct connection {
    struct link *link;
    uint64_t instance; /* the life of the worker at its other end */
};

/* lock guards all but path and client, and is never held during a round trip. */
struct pool {
    pthread_mutex_t *lock;
    pthread_cond_t changed; /* a connection was given back or closed */
    char *path;
    uint64_t client;
    size_t open; /* connections, idle or taken or being made */
    size_t idle_count;
    struct connection idle[POOL_MAX];
    bool doubtful; /* a connection died: the idle ones may be dead too, only a new HELLO tells */
    /* Of the last HELLO reply; 0: there was none. Not present, where device or daemon has gone
     * since. */
    uint64_t instance;
    struct token token;
    const struct page *page; /* of the worker of page_instance; NULL: none */
    uint64_t page_instance;
    struct secret *ticket;  /* of C_Login, or NULL */
    uint64_t ticket_serial; /* grows whenever the ticket is set */
};

/* path becomes the pool's. ERR_SYSTEM leaves path to the caller. */
err_t pool_init(struct pool *pool, pthread_mutex_t *lock, uint64_t client, char *path);
void pool_clear(struct pool *pool); /* no call may be under way */

struct pool_request {
    enum wire_operation operation;
    const void *body;  /* the wire_ struct; NULL where it has no fields */
    uint64_t instance; /* the life of the worker that gave body's object numbers; 0: it has none */
    bool patient;      /* true: wait up to 10 s for a daemon that is away */
};

struct pool_answer {
    struct connection connection; /* the reply's BYTES point into it */
    uint64_t generation;
};

/* One round trip. On ERR_OK the reply holds until pool_release. ERR_OBJECT_GONE, with nothing sent,
 * also where the worker lives another life than request->instance. ERR_UNREACHABLE, ERR_INTERRUPTED
 * and ERR_TIMED_OUT are the transport's; any other error is the worker's. lock is not held. */
err_t pool_call(struct pool *pool, const struct pool_request *request, void *ret_reply,
    struct pool_answer *ret_answer);
void pool_release(struct pool *pool, struct pool_answer *answer);

/* Whether the worker still lives the life of instance and its objects are those of generation, as
 * its page says, and an idle connection that its end would have closed. False where only a round
 * trip can tell. lock is held. */
bool pool_is_current(struct pool *pool, uint64_t instance, uint64_t generation);

/* Asks for the token anew (pool->token), with a HELLO where no idle connection shows that the
 * worker lives; returns at once where nobody listens. */
void pool_probe(struct pool *pool);

/* A greeted connection besides those of the pool, which the worker closes once the token comes or
 * goes (or for another reason); pool->token is as new. ERR_UNREACHABLE: nobody listens. The caller
 * closes it. */
err_t pool_watch(struct pool *pool, uint64_t deadline_us, struct link **ret_link);

/* What later HELLOs carry; an empty ticket is none. lock is held. */
err_t pool_set_ticket(struct pool *pool, struct span ticket);

#endif
