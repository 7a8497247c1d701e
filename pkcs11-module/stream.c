/* SPDX-License-Identifier: MIT
 *
 * SIGN, VERIFY, ENCRYPT and DECRYPT; BEGIN, FEED, FINISH and CANCEL.
 */
#include "stream.h"

#include "base/secret.h"
#include "session.h"
#include "slot.h"

/* The numbers that BEGIN's function has. */
static const uint8_t function_numbers[OPERATION_KINDS] = {
    [OPERATION_SIGN] = 1, [OPERATION_VERIFY] = 2, [OPERATION_ENCRYPT] = 3, [OPERATION_DECRYPT] = 4};

/* Moves what came out, wiping it where it lies, and gives the connection back. */
static err_t take_out(
    struct session *session, struct span data, struct pool_answer *answer, struct writer *out)
{
    write_span(out, data);
    secret_wipe_span(data);
    pool_release(&session->slot->pool, answer);
    return writer_failed(out) ? ERR_DEVICE : ERR_OK;
}

static err_t sign(
    struct session *session, enum operation_kind kind, struct span data, struct writer *out)
{
    const struct operation *operation = &session->operations[kind];
    struct wire_sign_request body = {.mechanism = operation->mechanism->device,
        .parameter = buffer_bytes(&operation->parameter),
        .data = data};
    struct pool_request request = {WIRE_SIGN, &body, 0, true};
    struct wire_sign_reply reply;
    struct pool_answer answer;
    err_t err =
        slot_call_object(session->slot, operation->key, &request, &body.object, &reply, &answer);
    return err == ERR_OK ? take_out(session, reply.signature, &answer, out) : err;
}

static err_t verify(struct session *session, struct span data, struct span signature)
{
    const struct operation *operation = &session->operations[OPERATION_VERIFY];
    struct wire_verify_request body = {.mechanism = operation->mechanism->device,
        .parameter = buffer_bytes(&operation->parameter),
        .data = data,
        .signature = signature};
    struct pool_request request = {WIRE_VERIFY, &body, 0, true};
    struct pool_answer answer;
    err_t err =
        slot_call_object(session->slot, operation->key, &request, &body.object, NULL, &answer);
    if (err == ERR_OK)
        pool_release(&session->slot->pool, &answer);
    return err;
}

static err_t crypt_data(
    struct session *session, enum operation_kind kind, struct span data, struct writer *out)
{
    struct operation *operation = &session->operations[kind];
    struct wire_crypt_request body = {.mechanism = operation->mechanism->device,
        .parameter = buffer_bytes(&operation->parameter),
        .data = data};
    struct pool_request request = {
        kind == OPERATION_ENCRYPT ? WIRE_ENCRYPT : WIRE_DECRYPT, &body, 0, true};
    struct wire_crypt_reply reply;
    struct pool_answer answer;
    err_t err =
        slot_call_object(session->slot, operation->key, &request, &body.object, &reply, &answer);
    return err == ERR_OK ? take_out(session, reply.data, &answer, out) : err;
}

/* ---- data longer than a message ---- */

/* A BEGIN whose answer is lost may have begun something: so the worker hears of the session's end
 * in any case. */
static err_t begin(
    struct session *session, enum operation_kind kind, struct span data, struct writer *out)
{
    struct operation *operation = &session->operations[kind];
    struct wire_begin_request body = {.function = function_numbers[kind],
        .mechanism = operation->mechanism->device,
        .parameter = buffer_bytes(&operation->parameter),
        .session = session->handle,
        .data = data};
    struct pool_request request = {WIRE_BEGIN, &body, 0, true};
    struct wire_begin_reply reply;
    struct pool_answer answer;
    session->known = true;
    err_t err =
        slot_call_object(session->slot, operation->key, &request, &body.object, &reply, &answer);
    if (err != ERR_OK)
        return err;
    operation->begun = reply.begun;
    operation->instance = answer.connection.instance;
    return take_out(session, reply.data, &answer, out);
}

/* FEED and FINISH. A worker that is away, or in another life, knows nothing of what was begun. */
static err_t go_on(struct session *session, struct operation *operation,
    const struct pool_request *request, void *ret_reply, struct pool_answer *ret_answer)
{
    err_t err = pool_call(&session->slot->pool, request, ret_reply, ret_answer);
    if (err == ERR_OK)
        return ERR_OK;
    if (err == ERR_UNREACHABLE ||
        (err == ERR_OBJECT_GONE && slot_was_restarted(session->slot, operation->instance)))
        err = ERR_OPERATION_GONE;
    operation->instance = 0; /* the error has ended it */
    return err;
}

static err_t feed(
    struct session *session, enum operation_kind kind, struct span data, struct writer *out)
{
    struct operation *operation = &session->operations[kind];
    const struct wire_feed_request body = {operation->begun, data};
    const struct pool_request request = {WIRE_FEED, &body, operation->instance, false};
    struct wire_crypt_reply reply;
    struct pool_answer answer;
    err_t err = go_on(session, operation, &request, &reply, &answer);
    return err == ERR_OK ? take_out(session, reply.data, &answer, out) : err;
}

/* A reply that says there is more, and brings nothing, would never end. */
static err_t finish_once(struct session *session, enum operation_kind kind,
    const struct wire_finish_request *body, struct writer *out, bool *ret_more)
{
    struct operation *operation = &session->operations[kind];
    const struct pool_request request = {WIRE_FINISH, body, operation->instance, false};
    struct wire_finish_reply reply;
    struct pool_answer answer;
    err_t err = go_on(session, operation, &request, &reply, &answer);
    if (err != ERR_OK)
        return err;
    const bool stuck = reply.more == 1 && reply.data.len == 0;
    *ret_more = reply.more == 1;
    if (reply.more == 0)
        operation->instance = 0;
    err = take_out(session, reply.data, &answer, out);
    return stuck ? ERR_DEVICE : err;
}

static err_t finish(struct session *session, enum operation_kind kind, struct span data,
    struct span signature, struct writer *out)
{
    struct wire_finish_request body = {session->operations[kind].begun, data, signature};
    bool more = true;
    err_t err = ERR_OK;
    while (err == ERR_OK && more) {
        err = finish_once(session, kind, &body, out, &more);
        body.data = span_of(NULL, 0);
        body.signature = span_of(NULL, 0);
    }
    return err;
}

/* ---- what is called ---- */

static err_t push_once(
    struct session *session, enum operation_kind kind, struct reader *data, struct writer *out)
{
    const size_t len = data->left < WIRE_DATA_MAX ? data->left : WIRE_DATA_MAX;
    const struct span part = read_span(data, len);
    return session->operations[kind].instance == 0 ? begin(session, kind, part, out)
                                                   : feed(session, kind, part, out);
}

err_t stream_push(
    struct session *session, enum operation_kind kind, struct span part, struct writer *out)
{
    struct reader r = reader_of(part);
    err_t err = ERR_OK;
    while (err == ERR_OK && reader_more(&r))
        err = push_once(session, kind, &r, out);
    return err;
}

static err_t ask_once(struct session *session, enum operation_kind kind, struct span data,
    struct span signature, struct writer *out)
{
    switch (kind) {
    case OPERATION_SIGN:
    case OPERATION_SIGN_RECOVER: /* the same, of a key with another permission */
        return sign(session, kind, data, out);
    case OPERATION_VERIFY:
        return verify(session, data, signature);
    default:
        return crypt_data(session, kind, data, out);
    }
}

err_t stream_finish(struct session *session, enum operation_kind kind, struct span data,
    struct span signature, struct writer *out)
{
    if (session->operations[kind].instance == 0 && data.len <= WIRE_DATA_MAX)
        return ask_once(session, kind, data, signature, out);
    struct reader r = reader_of(data);
    err_t err = ERR_OK;
    while (err == ERR_OK && r.left > WIRE_DATA_MAX)
        err = push_once(session, kind, &r, out);
    return err == ERR_OK ? finish(session, kind, read_span(&r, r.left), signature, out) : err;
}

void stream_cancel(struct session *session, enum operation_kind kind)
{
    struct operation *operation = &session->operations[kind];
    const struct wire_cancel_request body = {operation->begun};
    const struct pool_request request = {WIRE_CANCEL, &body, operation->instance, false};
    struct pool_answer answer;
    if (operation->instance == 0)
        return;
    operation->instance = 0;
    if (pool_call(&session->slot->pool, &request, NULL, &answer) == ERR_OK)
        pool_release(&session->slot->pool, &answer);
}
