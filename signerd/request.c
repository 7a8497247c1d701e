/* SPDX-License-Identifier: MIT
 *
 * From packet to answer: parse, find the operation's row, serve, encode. The operations are in
 * serve_*.c.
 */
#include "request.h"

#include "serve.h"

#include <string.h>

enum { NEEDS_HELLO = 1, NEEDS_DEVICE = 2 };
#define NEEDS_BOTH (NEEDS_HELLO | NEEDS_DEVICE)

static const struct handler {
    enum wire_operation operation;
    unsigned flags;
    err_t (*serve)(struct request *request);
} handlers[] = {
    {WIRE_HELLO, 0, serve_hello},
    {WIRE_LIST, NEEDS_HELLO, serve_list},
    {WIRE_SIGN, NEEDS_BOTH, serve_sign},
    {WIRE_GENERATE_PAIR, NEEDS_BOTH, serve_generate_pair},
    {WIRE_CREATE, NEEDS_BOTH, serve_create},
    {WIRE_DESTROY, NEEDS_BOTH, serve_destroy},
    {WIRE_SET, NEEDS_BOTH, serve_set},
    {WIRE_RANDOM, NEEDS_BOTH, serve_random},
    {WIRE_LOGIN, NEEDS_HELLO, serve_login},
    {WIRE_LOGOUT, NEEDS_HELLO, serve_logout},
    {WIRE_END_SESSION, NEEDS_HELLO, serve_end_session},
    {WIRE_GENERATE, NEEDS_BOTH, serve_generate},
    {WIRE_VERIFY, NEEDS_BOTH, serve_verify},
    {WIRE_ENCRYPT, NEEDS_BOTH, serve_encrypt},
    {WIRE_DECRYPT, NEEDS_BOTH, serve_decrypt},
    {WIRE_WRAP, NEEDS_BOTH, serve_wrap},
    {WIRE_UNWRAP, NEEDS_BOTH, serve_unwrap},
    {WIRE_BEGIN, NEEDS_BOTH, serve_begin},
    {WIRE_FEED, NEEDS_BOTH, serve_feed},
    {WIRE_FINISH, NEEDS_BOTH, serve_finish},
    {WIRE_CANCEL, NEEDS_BOTH, serve_cancel},
    {WIRE_STATUS, NEEDS_HELLO, serve_status},
    {WIRE_EXPLAIN, NEEDS_HELLO, serve_explain},
    {WIRE_DERIVE, NEEDS_BOTH, serve_derive},
    {WIRE_VALUE, NEEDS_BOTH, serve_value},
    {WIRE_COPY, NEEDS_BOTH, serve_copy},
    {WIRE_INIT_TOKEN, NEEDS_HELLO, serve_init_token},
    {WIRE_INIT_PIN, NEEDS_HELLO, serve_init_pin},
    {WIRE_SET_PIN, NEEDS_HELLO, serve_set_pin},
};

static const struct handler *handler_find(unsigned operation)
{
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        if ((unsigned)handlers[i].operation == operation)
            return &handlers[i];
    return NULL;
}

static void write_reply(const struct worker *worker, uint32_t call, uint16_t operation, err_t err,
    const union wire_body *body, struct writer *reply)
{
    const struct wire_reply_header header = {
        call, operation, (uint16_t)err, worker->objects.generation};
    schema_encode(&wire_reply_header_schema, &header, reply);
    if (err == ERR_OK)
        schema_encode(wire_operation_find(operation)->reply, body, reply);
}

static err_t serve(
    struct request *request, const struct handler *handler, struct span body, union wire_body *in)
{
    if ((handler->flags & NEEDS_HELLO) && request->connection->client == NULL)
        return ERR_NO_HELLO;
    if ((handler->flags & NEEDS_DEVICE) && request->worker->device == NULL)
        return ERR_TOKEN_ABSENT;
    const struct wire_operation_row *row = wire_operation_find(handler->operation);
    request->operation = row->name;
    err_t err = schema_decode_whole(row->request, body, in);
    return err == ERR_OK ? handler->serve(request) : err;
}

/* Of a request that is served later: LOGIN or SET_PIN. */
static void keep(struct connection *connection, struct span packet)
{
    struct writer kept = writer_of(connection->kept, sizeof connection->kept);
    write_span(&kept, packet);
    connection->kept_len = writer_bytes(&kept).len;
}

static void park(const struct request *request, const struct wire_request_header *header,
    err_t outcome, struct span packet)
{
    struct connection *connection = request->connection;
    connection->parked_call = header->call;
    connection->parked_operation = header->operation;
    connection->parked_outcome = outcome;
    if (request->too_early)
        keep(connection, packet);
}

enum request_end request_serve(
    struct worker *worker, struct connection *connection, struct span packet, struct writer *reply)
{
    static uint8_t scratch[WIRE_OUTPUT_MAX];
    union wire_body in;
    union wire_body out = {0};
    struct request request = {.worker = worker,
        .connection = connection,
        .in = &in,
        .out = &out,
        .scratch = writer_of(scratch, sizeof scratch)};
    struct reader r = reader_of(packet);
    struct wire_request_header header;
    schema_decode(&wire_request_header_schema, &r, &header);
    enum request_end end = REQUEST_ANSWERED;
    if (r.failed)
        return REQUEST_HOPELESS;

    const struct handler *handler = handler_find(header.operation);
    err_t err = handler == NULL ? ERR_UNKNOWN_OPERATION
                                : serve(&request, handler, read_span(&r, r.left), &in);
    worker->requests++;
    if (connection->client != NULL)
        connection->client->requests++;
    if (connection->parked_until != 0) {
        park(&request, &header, err, packet);
        end = REQUEST_PARKED;
        goto out;
    }
    write_reply(worker, header.call, header.operation, err, &out, reply);
    if (writer_failed(reply)) {
        secret_wipe_span(writer_bytes(reply));
        *reply = writer_of(reply->start, reply->size);
        write_reply(worker, header.call, header.operation, ERR_TOO_LARGE, &out, reply);
    }
out:
    secret_wipe_span(writer_bytes(&request.scratch));
    secret_wipe_span(packet);
    return end;
}

/* As if it came now. */
static enum request_end serve_kept(
    struct worker *worker, struct connection *connection, struct writer *reply)
{
    uint8_t packet[CONNECTION_KEPT_MAX];
    const size_t len = connection->kept_len;
    memcpy(packet, connection->kept, len);
    secret_wipe(connection->kept, len);
    connection->kept_len = 0;
    return request_serve(worker, connection, span_of(packet, len), reply);
}

enum request_end request_unpark(
    struct worker *worker, struct connection *connection, struct writer *reply)
{
    uint8_t ticket[LOGIN_TICKET_SIZE];
    union wire_body out = {0};
    err_t err = connection->parked_outcome;
    const bool is_login = connection->parked_operation == WIRE_LOGIN;
    connection->parked_until = 0;
    if (connection->kept_len > 0)
        return serve_kept(worker, connection, reply);
    if (err == ERR_OK && is_login)
        err = login_ticket(worker->login, &connection->identity, ticket);
    if (err == ERR_OK && is_login) {
        connection->client->logged_in = true;
        worker->objects.generation++;
        out.login_reply.ticket = span_of(ticket, sizeof ticket);
    }
    write_reply(
        worker, connection->parked_call, connection->parked_operation, err, &out, reply);
    return REQUEST_ANSWERED;
}
