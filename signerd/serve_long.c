/* SPDX-License-Identifier: MIT
 *
 * Uses of a key whose data comes in parts: BEGIN, FEED, FINISH, CANCEL. What was begun belongs to
 * one client, all its connections, and to one of its sessions; it ends with the first error. What a
 * decryption that verifies (CKM_AES_GCM) has given so far is held back until the device has said
 * that nothing was changed. Each part is allowed anew: who lost the right, or the key, is not served
 * on.
 */
#include "serve.h"

#include "base/log.h"

#include <p11-kit/pkcs11.h>
#include <stdlib.h>
#include <string.h>

enum {
    BEGUN_OF_CLIENT = 16,
    BEGUN_OF_USER = 64,
    HELD_MOST = 1 << 20, /* bytes that a decryption may hold back */
    TAG_MOST = 16,
    HELD_FIRST = 4096,
    HELD_SPARE = 64, /* more room than comes out */
};

struct begun {
    uint64_t number;
    uint64_t session;
    uint64_t intent;
    uint64_t object; /* the key's number */
    enum driver_function function;
    uint32_t mechanism;
    struct driver_begun *going; /* NULL: it is done, and what is held goes out */
    bool holds_back;
    size_t fed; /* bytes */
    struct secret *held;
    size_t held_len;
    size_t held_given;
    struct begun *next;
};

/* ---- the list of a client ---- */

static struct begun *begun_find(const struct client *client, uint64_t number)
{
    struct begun *begun = client->begun;
    while (begun != NULL && begun->number != number)
        begun = begun->next;
    return begun;
}

static void begun_join(struct request *request, struct begun *begun)
{
    struct client *client = request->connection->client;
    begun->number = request->worker->instance + request->worker->begun_ever++;
    begun->next = client->begun;
    client->begun = begun;
    client->begun_count++;
    request->connection->place.account->begun++;
}

static void begun_leave(struct worker *worker, struct client *client, struct begun *begun)
{
    struct account *account;
    struct begun **at = &client->begun;
    while (*at != begun)
        at = &(*at)->next;
    *at = begun->next;
    client->begun_count--;
    if (account_of(&worker->accounts, client->uid, &account) == ERR_OK)
        account->begun--;
}

static void begun_free(struct begun *begun)
{
    secret_free(begun->held);
    free(begun);
}

/* ---- data ---- */

/* Room for all that was fed and is to be fed now. */
static err_t hold_more(struct begun *begun, size_t more)
{
    const size_t needed = begun->fed + more + HELD_SPARE;
    size_t size = begun->held == NULL ? 0 : secret_bytes(begun->held).len;
    struct secret *larger;
    if (begun->fed + more > HELD_MOST + TAG_MOST)
        return ERR_TOO_LARGE;
    if (size >= needed)
        return ERR_OK;
    size = 2 * size > needed ? 2 * size : needed;
    err_t err = secret_new(size > HELD_FIRST ? size : HELD_FIRST, &larger);
    if (err != ERR_OK)
        return err;
    if (begun->held_len > 0)
        memcpy(secret_writable(larger), secret_writable(begun->held), begun->held_len);
    secret_free(begun->held);
    begun->held = larger;
    return ERR_OK;
}

/* Where the device's output goes: into the reply, or behind what is held back. */
static struct writer output_of(const struct request *request, const struct begun *begun)
{
    if (!begun->holds_back)
        return request->scratch;
    struct writer held =
        writer_of(secret_writable(begun->held), secret_bytes(begun->held).len);
    held.used = begun->held_len;
    return held;
}

static void output_taken(
    struct request *request, struct begun *begun, const struct writer *output)
{
    if (begun->holds_back)
        begun->held_len = writer_bytes(output).len;
    else
        request->scratch = *output;
}

static err_t feed(struct request *request, struct begun *begun, struct span data)
{
    struct worker *worker = request->worker;
    err_t err = begun->holds_back ? hold_more(begun, data.len) : ERR_OK;
    if (err != ERR_OK || data.len == 0)
        return err;
    struct writer output = output_of(request, begun);
    err = worker->driver->feed(worker->device, begun->going, data, &output);
    output_taken(request, begun, &output);
    begun->fed += data.len;
    return err;
}

static err_t finish(struct request *request, struct begun *begun, struct span signature)
{
    struct worker *worker = request->worker;
    struct writer output = output_of(request, begun);
    err_t err = worker->driver->finish(worker->device, begun->going, signature, &output);
    begun->going = NULL;
    output_taken(request, begun, &output);
    return err;
}

/* ---- ends ---- */

static void stop(struct worker *worker, struct begun *begun)
{
    if (begun->going != NULL)
        worker->driver->abandon(worker->device, begun->going);
    begun->going = NULL;
}

/* For what went wrong while it was served: accounts for it, and it is gone. */
static err_t fail(struct request *request, struct begun *begun, err_t reason)
{
    stop(request->worker, begun);
    err_t err = account_for_end(request, begun->intent, reason);
    begun_leave(request->worker, request->connection->client, begun);
    begun_free(begun);
    return err;
}

/* For what nobody wants any more. */
static void drop(struct worker *worker, struct client *client, struct begun *begun)
{
    if (begun->going != NULL) {
        pulse_busy(worker->pulse, true);
        stop(worker, begun);
        pulse_busy(worker->pulse, false);
        if (audit_result(worker->audit, begun->intent, ERR_OPERATION_GONE) != ERR_OK)
            log_error("the end of a dropped operation could not be written to the audit log");
    }
    begun_leave(worker, client, begun);
    begun_free(begun);
}

void end_session_begun(struct worker *worker, struct client *client, uint64_t session)
{
    struct begun *next;
    for (struct begun *begun = client->begun; begun != NULL; begun = next) {
        next = begun->next;
        if (begun->session == session)
            drop(worker, client, begun);
    }
}

void end_client_begun(struct worker *worker, struct client *client)
{
    while (client->begun != NULL)
        drop(worker, client, client->begun);
}

/* ---- the operations ---- */

static err_t begin(
    struct request *request, struct begun *begun, const struct driver_use *use, struct span data)
{
    struct worker *worker = request->worker;
    err_t err = worker->driver->begin(worker->device, use, &begun->going);
    if (err == ERR_OK)
        err = feed(request, begun, data);
    if (err != ERR_OK) {
        stop(worker, begun);
        return account_for_end(request, begun->intent, err);
    }
    pulse_busy(worker->pulse, false);
    return ERR_OK;
}

err_t serve_begin(struct request *request)
{
    const struct wire_begin_request *in = &request->in->begin_request;
    const struct connection *connection = request->connection;
    struct wire_begin_reply *out = &request->out->begin_reply;
    struct audit_event event;
    struct object *key;
    if (in->function < DRIVER_SIGN || in->function > DRIVER_DECRYPT)
        return ERR_ARGUMENTS;
    const struct key_use asked = {(enum driver_function)in->function, in->object, in->mechanism,
        in->parameter, span_of(NULL, 0), true};
    err_t err = permit_use(request, &asked, &event, &key);
    if (err != ERR_OK)
        return err;
    if (connection->client->begun_count >= BEGUN_OF_CLIENT ||
        connection->place.account->begun >= BEGUN_OF_USER)
        return refuse(request, &event, ERR_TOO_MANY_OPERATIONS);
    struct begun *begun = calloc(1, sizeof *begun);
    if (begun == NULL)
        return ERR_MEMORY;
    begun->session = in->session;
    begun->object = in->object;
    begun->function = asked.function;
    begun->mechanism = asked.mechanism;
    begun->holds_back = asked.function == DRIVER_DECRYPT && asked.mechanism == CKM_AES_GCM;

    const struct driver_use use = {asked.function, key->ref, in->mechanism, in->parameter};
    err = account_for_begin(request, &event, &begun->intent);
    if (err == ERR_OK)
        err = begin(request, begun, &use, in->data);
    if (err != ERR_OK) {
        begun_free(begun);
        return err;
    }
    begun_join(request, begun);
    out->begun = begun->number;
    out->data = writer_bytes(&request->scratch);
    return ERR_OK;
}

err_t serve_feed(struct request *request)
{
    const struct wire_feed_request *in = &request->in->feed_request;
    struct client *client = request->connection->client;
    struct begun *begun = begun_find(client, in->begun);
    if (begun == NULL)
        return ERR_OPERATION_GONE;
    if (begun->going == NULL) {
        drop(request->worker, client, begun);
        return ERR_ARGUMENTS;
    }
    err_t err = permit_further(request, begun->function, begun->object);
    pulse_busy(request->worker->pulse, true);
    if (err == ERR_OK)
        err = feed(request, begun, in->data);
    if (err != ERR_OK)
        return fail(request, begun, err);
    pulse_busy(request->worker->pulse, false);
    request->out->crypt_reply.data = writer_bytes(&request->scratch);
    return ERR_OK;
}

/* What fits one reply of what was held back. */
static void give_held(struct request *request, struct begun *begun)
{
    struct wire_finish_reply *out = &request->out->finish_reply;
    struct reader r =
        reader_of(span_of(secret_writable(begun->held), begun->held_len));
    (void)read_span(&r, begun->held_given);
    struct span part = read_span(&r, r.left < WIRE_OUTPUT_MAX ? r.left : WIRE_OUTPUT_MAX);
    write_span(&request->scratch, part);
    begun->held_given += part.len;
    out->more = r.left > 0;
}

err_t serve_finish(struct request *request)
{
    const struct wire_finish_request *in = &request->in->finish_request;
    struct worker *worker = request->worker;
    struct client *client = request->connection->client;
    struct wire_finish_reply *out = &request->out->finish_reply;
    struct begun *begun = begun_find(client, in->begun);
    if (begun == NULL)
        return ERR_OPERATION_GONE;
    if (begun->going != NULL) {
        err_t err = permit_further(request, begun->function, begun->object);
        pulse_busy(worker->pulse, true);
        if (err == ERR_OK)
            err = mechanism_check_total(
                begun->mechanism, flag_of(begun->function), begun->fed + in->data.len);
        if (err == ERR_OK)
            err = feed(request, begun, in->data);
        if (err == ERR_OK)
            err = finish(request, begun, in->signature);
        if (err != ERR_OK)
            return fail(request, begun, err);
        err = account_for_end(request, begun->intent, ERR_OK);
        if (err != ERR_OK) {
            drop(worker, client, begun);
            return err;
        }
    } else if (in->data.len > 0) {
        drop(worker, client, begun);
        return ERR_ARGUMENTS;
    }
    if (begun->holds_back)
        give_held(request, begun);
    out->data = writer_bytes(&request->scratch);
    if (!out->more)
        drop(worker, client, begun);
    return ERR_OK;
}

err_t serve_cancel(struct request *request)
{
    struct client *client = request->connection->client;
    struct begun *begun = begun_find(client, request->in->cancel_request.begun);
    if (begun == NULL)
        return ERR_OPERATION_GONE;
    drop(request->worker, client, begun);
    return ERR_OK;
}
