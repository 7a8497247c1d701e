/* SPDX-License-Identifier: MIT
 *
 * The pool. Invariants, with lock held:
 *   P1  idle_count <= open <= POOL_MAX
 *   P2  an idle connection has no call under way
 *   P3  a request that names objects goes only to the life of the worker that numbered them
 */
#include "pool.h"

#include "base/clock.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CONNECT_US = 10000000, RETRY_PAUSE_US = 5000, LOST_MAX = 20, TICKET_MAX = 64 };

/* For how long each operation may run, and whether doing it twice does no harm. */
static const struct {
    unsigned seconds;
    bool repeatable;
} operations[] = {
    [WIRE_HELLO] = {10, true},
    [WIRE_LIST] = {60, true},
    [WIRE_SIGN] = {60, false},
    [WIRE_GENERATE_PAIR] = {660, false}, /* longer than the worker may, with its default */
    [WIRE_CREATE] = {60, false},
    [WIRE_DESTROY] = {60, false},
    [WIRE_SET] = {60, false},
    [WIRE_RANDOM] = {60, true},
    [WIRE_LOGIN] = {60, false},
    [WIRE_LOGOUT] = {10, true},
    [WIRE_END_SESSION] = {10, true},
    [WIRE_GENERATE] = {180, false},
    [WIRE_VERIFY] = {60, false},
    [WIRE_ENCRYPT] = {60, false},
    [WIRE_DECRYPT] = {60, false},
    [WIRE_WRAP] = {60, false},
    [WIRE_UNWRAP] = {60, false},
    [WIRE_DERIVE] = {60, false},
    [WIRE_VALUE] = {60, true},
    [WIRE_COPY] = {60, false},
    [WIRE_BEGIN] = {60, false},
    [WIRE_FEED] = {60, false},
    [WIRE_FINISH] = {60, false},
    [WIRE_CANCEL] = {10, true},
    [WIRE_INIT_TOKEN] = {180, false},
    [WIRE_INIT_PIN] = {60, false},
    [WIRE_SET_PIN] = {180, false},
};

static void pause_briefly(void)
{
    const struct timespec pause = {0, RETRY_PAUSE_US * 1000L};
    (void)nanosleep(&pause, NULL);
}

err_t pool_init(struct pool *pool, pthread_mutex_t *lock, uint64_t client, char *path)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return ERR_SYSTEM;
    *pool = (struct pool){.lock = lock, .client = client, .path = path};
    const bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                      pthread_cond_init(&pool->changed, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return made ? ERR_OK : ERR_SYSTEM;
}

void pool_clear(struct pool *pool)
{
    while (pool->idle_count > 0)
        link_close(pool->idle[--pool->idle_count].link);
    page_unmap(pool->page);
    secret_free(pool->ticket);
    (void)pthread_cond_destroy(&pool->changed);
    free(pool->path);
}

err_t pool_set_ticket(struct pool *pool, struct span ticket)
{
    struct secret *secret = NULL;
    if (ticket.len > TICKET_MAX)
        return ERR_BAD_MESSAGE;
    if (ticket.len > 0) {
        err_t err = secret_new(ticket.len, &secret);
        if (err != ERR_OK)
            return err;
        memcpy(secret_writable(secret), ticket.ptr, ticket.len);
    }
    secret_free(pool->ticket);
    pool->ticket = secret;
    pool->ticket_serial++;
    return ERR_OK;
}

/* A worker that does not take our ticket has forgotten the login; the ticket must still be the one
 * it saw. */
static void learn(struct pool *pool, const struct wire_hello_reply *hello,
    const struct token *token, uint64_t ticket_serial)
{
    pool->doubtful = false;
    pool->instance = hello->instance;
    pool->token = *token;
    if (hello->present == 1 && hello->logged_in == 0 && pool->ticket != NULL &&
        ticket_serial == pool->ticket_serial)
        (void)pool_set_ticket(pool, span_of(NULL, 0));
}

/* Each HELLO brings the page; one mapping of it is enough. Takes the descriptor; lock is held. */
static void keep_page(struct pool *pool, int descriptor, uint64_t instance)
{
    const struct page *page;
    if (descriptor < 0)
        return;
    if (pool->page != NULL && pool->page_instance == instance) {
        (void)close(descriptor);
    } else if (page_map(descriptor, &page) == ERR_OK) {
        page_unmap(pool->page);
        pool->page = page;
        pool->page_instance = instance;
    }
}

static err_t say_hello(struct pool *pool, struct connection *connection, uint64_t deadline_us)
{
    uint8_t ticket[TICKET_MAX];
    struct writer w = writer_of(ticket, sizeof ticket);
    (void)pthread_mutex_lock(pool->lock);
    if (pool->ticket != NULL)
        write_span(&w, secret_bytes(pool->ticket));
    const uint64_t ticket_serial = pool->ticket_serial;
    (void)pthread_mutex_unlock(pool->lock);

    const struct wire_hello_request request = {
        WIRE_VERSION_MIN, WIRE_VERSION_MAX, pool->client, writer_bytes(&w)};
    struct wire_hello_reply reply;
    enum link_fate fate;
    err_t err = link_call(connection->link, WIRE_HELLO, &request, &reply, deadline_us, &fate);
    secret_wipe(ticket, sizeof ticket);
    struct token token;
    if (err == ERR_OK)
        err = token_read(&reply, &token);
    if (err != ERR_OK)
        return err;

    connection->instance = reply.instance;
    (void)pthread_mutex_lock(pool->lock);
    learn(pool, &reply, &token, ticket_serial);
    keep_page(pool, link_take_descriptor(connection->link), reply.instance);
    (void)pthread_mutex_unlock(pool->lock);
    return ERR_OK;
}

static err_t connect_once(
    struct pool *pool, uint64_t deadline_us, struct connection *ret_connection)
{
    struct connection connection = {NULL, 0};
    err_t err = link_open(pool->path, deadline_us, &connection.link);
    if (err != ERR_OK)
        return err;
    err = say_hello(pool, &connection, deadline_us);
    if (err == ERR_OK)
        *ret_connection = connection;
    else
        link_close(connection.link);
    return err;
}

/* A daemon that starts again is away for a moment: nobody listens (for whoever is patient), or our
 * HELLO is lost with the old one. */
static err_t connect_before(
    struct pool *pool, bool patient, uint64_t deadline_us, struct connection *ret_connection)
{
    err_t err = connect_once(pool, deadline_us, ret_connection);
    unsigned lost = 0;
    while (((err == ERR_INTERRUPTED && (patient || lost++ < LOST_MAX)) ||
               (err == ERR_UNREACHABLE && patient)) &&
           clock_us() < deadline_us) {
        pause_briefly();
        err = connect_once(pool, deadline_us, ret_connection);
    }
    return err;
}

static err_t connect_pool(struct pool *pool, bool patient, struct connection *ret_connection)
{
    return connect_before(pool, patient, clock_us() + CONNECT_US, ret_connection);
}

/* Forgets a connection; lock is held. */
static void drop(struct pool *pool, struct link *link)
{
    link_close(link);
    pool->open--;
    (void)pthread_cond_signal(&pool->changed);
}

/* Those of an earlier life of the worker are dead. lock is held. */
static void drop_dead(struct pool *pool)
{
    size_t kept = 0;
    const size_t count = pool->idle_count;
    pool->idle_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (pool->idle[i].instance == pool->instance)
            pool->idle[kept++] = pool->idle[i];
        else
            drop(pool, pool->idle[i].link);
    }
    pool->idle_count = kept;
}

/* lock is held. */
static void give(struct pool *pool, const struct connection *connection)
{
    if (connection->instance == pool->instance) {
        pool->idle[pool->idle_count++] = *connection;
        (void)pthread_cond_signal(&pool->changed);
    } else {
        drop(pool, connection->link);
    }
}

/* Waits for another thread to give or drop a connection; lock is held. */
static err_t wait_for_change(struct pool *pool, uint64_t deadline_us)
{
    const struct timespec until = {
        (time_t)(deadline_us / 1000000), (long)(deadline_us % 1000000) * 1000};
    return pthread_cond_timedwait(&pool->changed, pool->lock, &until) == 0 ? ERR_OK : ERR_TIMED_OUT;
}

/* Makes a connection in a place that is already counted in open; lock is held before and after, not
 * during. */
static err_t fill_place(struct pool *pool, bool patient, struct connection *ret_connection)
{
    (void)pthread_mutex_unlock(pool->lock);
    err_t err = connect_pool(pool, patient, ret_connection);
    (void)pthread_mutex_lock(pool->lock);
    if (err == ERR_OK)
        return ERR_OK;
    drop(pool, NULL);
    if (err == ERR_UNREACHABLE)
        pool->token.present = false;
    if (err == ERR_TOO_MANY_CONNECTIONS)
        pool->doubtful = false; /* there will be no new one */
    return err;
}

/* An idle connection, a new one, or the first that another thread gives back. */
static err_t take(
    struct pool *pool, bool patient, uint64_t deadline_us, struct connection *ret_connection)
{
    err_t err = ERR_OK;
    bool taken = false;
    (void)pthread_mutex_lock(pool->lock);
    while (!taken && err == ERR_OK) {
        drop_dead(pool);
        if (pool->idle_count > 0 && (!pool->doubtful || pool->open == POOL_MAX)) {
            *ret_connection = pool->idle[--pool->idle_count];
            taken = true;
        } else if (pool->open < POOL_MAX) {
            pool->open++;
            err = fill_place(pool, patient, ret_connection);
            taken = err == ERR_OK;
            /* the worker allows no more than we have: share those */
            if (err == ERR_TOO_MANY_CONNECTIONS && pool->open > 0)
                err = pool->idle_count > 0 ? ERR_OK : wait_for_change(pool, deadline_us);
        } else {
            err = wait_for_change(pool, deadline_us);
        }
    }
    (void)pthread_mutex_unlock(pool->lock);
    return err;
}

/* One try. *ret_fate says what became of it where it failed. */
static err_t attempt(struct pool *pool, const struct pool_request *request, uint64_t limit_us,
    void *ret_reply, struct pool_answer *ret_answer, enum link_fate *ret_fate)
{
    struct connection connection;
    *ret_fate = LINK_ANSWERED; /* nothing to repeat */
    err_t err = take(pool, request->patient, clock_us() + limit_us, &connection);
    if (err != ERR_OK)
        return err;
    if (request->instance != 0 && request->instance != connection.instance)
        err = ERR_OBJECT_GONE;
    else
        err = link_call(connection.link, request->operation, request->body, ret_reply,
            clock_us() + limit_us, ret_fate);
    if (err == ERR_OK) {
        *ret_answer = (struct pool_answer){connection, link_generation(connection.link)};
        return ERR_OK;
    }
    (void)pthread_mutex_lock(pool->lock);
    if (*ret_fate == LINK_ANSWERED) {
        give(pool, &connection);
    } else {
        drop(pool, connection.link);
        pool->doubtful = true;
    }
    if (err == ERR_TOKEN_ABSENT)
        pool->token.present = false;
    (void)pthread_mutex_unlock(pool->lock);
    return err;
}

err_t pool_call(struct pool *pool, const struct pool_request *request, void *ret_reply,
    struct pool_answer *ret_answer)
{
    const uint64_t limit_us = operations[request->operation].seconds * (uint64_t)1000000;
    const bool repeatable = operations[request->operation].repeatable;
    const uint64_t retry_until_us = clock_us() + CONNECT_US;
    enum link_fate fate;
    err_t err;
    do {
        err = attempt(pool, request, limit_us, ret_reply, ret_answer, &fate);
    } while (err != ERR_OK && err != ERR_TIMED_OUT && clock_us() < retry_until_us &&
             (fate == LINK_NOT_SENT || (fate == LINK_MAYBE_DONE && repeatable)));
    if (err != ERR_OK && err != ERR_TIMED_OUT && fate != LINK_ANSWERED)
        err = ERR_INTERRUPTED;
    return err;
}

void pool_release(struct pool *pool, struct pool_answer *answer)
{
    (void)pthread_mutex_lock(pool->lock);
    give(pool, &answer->connection);
    (void)pthread_mutex_unlock(pool->lock);
}

/* Whether an idle connection says that the worker of the last HELLO lives. A worker that ends
 * closes all of them before the next one starts. lock is held. */
static bool is_alive(struct pool *pool)
{
    if (pool->doubtful || pool->idle_count == 0)
        return false;
    const struct connection *last = &pool->idle[pool->idle_count - 1];
    if (last->instance != pool->instance)
        return false;
    pool->doubtful = !link_quiet(last->link);
    return !pool->doubtful;
}

bool pool_is_current(struct pool *pool, uint64_t instance, uint64_t generation)
{
    return generation != 0 && instance == pool->instance && pool->page != NULL &&
           instance == pool->page_instance && is_alive(pool) &&
           page_generation(pool->page) == generation;
}

void pool_probe(struct pool *pool)
{
    struct connection connection = {NULL, 0};
    (void)pthread_mutex_lock(pool->lock);
    const bool known = pool->token.present && is_alive(pool);
    (void)pthread_mutex_unlock(pool->lock);
    if (known)
        return;
    err_t err = connect_pool(pool, false, &connection);
    (void)pthread_mutex_lock(pool->lock);
    if (err == ERR_OK && pool->idle_count == 0 && pool->open < POOL_MAX) {
        pool->open++;
        give(pool, &connection);
    } else {
        link_close(connection.link);
    }
    if (err != ERR_OK && err != ERR_TOO_MANY_CONNECTIONS)
        pool->token.present = false;
    (void)pthread_mutex_unlock(pool->lock);
}

err_t pool_watch(struct pool *pool, uint64_t deadline_us, struct link **ret_link)
{
    struct connection connection = {NULL, 0};
    err_t err = connect_before(pool, false, deadline_us, &connection);
    if (err == ERR_OK) {
        *ret_link = connection.link;
    } else if (err == ERR_UNREACHABLE) {
        (void)pthread_mutex_lock(pool->lock);
        pool->token.present = false;
        (void)pthread_mutex_unlock(pool->lock);
    }
    return err;
}
