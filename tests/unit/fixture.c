/* SPDX-License-Identifier: MIT
 *
 * The worker without its loop.
 */
#include "fixture.h"

#include "base/clock.h"
#include "base/log.h"
#include "signerd/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AUDIT_MIB = 1, AUDIT_FILES = 1 };

static void must(bool condition)
{
    if (!condition)
        abort();
}

void fixture_login(struct fixture *fixture, const char *client_pin)
{
    struct secret *pin;
    must(secret_new(strlen(client_pin), &pin) == ERR_OK);
    memcpy(secret_writable(pin), client_pin, strlen(client_pin));
    must(login_new(fixture->scratch.fd, "demo", pin, &fixture->worker.login) == ERR_OK);
}

void fixture_open(struct fixture *fixture, const char *client_pin)
{
    struct worker *worker = &fixture->worker;
    memset(fixture, 0, sizeof *fixture);
    log_setup("fixture", LOG_LEVEL_ERROR);
    scratch_make(&fixture->scratch);
    fake_reset(&fixture->device);
    worker->driver = &fake_driver;
    worker->device = &fixture->device;
    worker->rules = fixture->rules;
    worker->pulse = &fixture->pulse;
    (void)snprintf(worker->token_label, sizeof worker->token_label, "demo");
    worker->max_connections = 8;
    worker->max_session_objects = 4;
    worker->state_directory = fixture->scratch.fd;
    must(audit_open(fixture->scratch.fd, AUDIT_MIB, AUDIT_FILES, &worker->audit) == ERR_OK);
    if (client_pin != NULL)
        fixture_login(fixture, client_pin);
    must(worker->driver->token(worker->device, &worker->token) == ERR_OK);
    fixture_load(fixture);
}

void fixture_load(struct fixture *fixture)
{
    struct worker *worker = &fixture->worker;
    objects_free(&worker->objects);
    must(objects_init(&worker->objects, worker->driver, worker->device, worker->login != NULL) ==
         ERR_OK);
    must(objects_load(&worker->objects) == ERR_OK);
    worker->instance = worker->objects.next_number;
}

void fixture_close(struct fixture *fixture)
{
    struct worker *worker = &fixture->worker;
    while (worker->clients.connections != NULL)
        fixture_disconnect(fixture, worker->clients.connections);
    objects_free(&worker->objects);
    accounts_free(&worker->accounts);
    audit_close(worker->audit);
    login_free(worker->login);
    fake_reset(&fixture->device);
    scratch_remove(&fixture->scratch);
}

void fixture_rule(struct fixture *fixture, struct policy_rule rule)
{
    must(fixture->worker.rule_count < FIXTURE_RULES_MAX);
    fixture->rules[fixture->worker.rule_count++] = rule;
}

struct connection *fixture_connect(struct fixture *fixture, const struct identity *who)
{
    struct account *account;
    struct connection *connection;
    must(account_of(&fixture->worker.accounts, who->uid, &account) == ERR_OK);
    must(connection_new(&fixture->worker.clients, -1, who, account, &connection) == ERR_OK);
    return connection;
}

struct connection *fixture_greet(
    struct fixture *fixture, const struct identity *who, uint64_t client)
{
    union wire_body reply;
    struct connection *connection = fixture_connect(fixture, who);
    const struct wire_hello_request hello = {
        WIRE_VERSION_MIN, WIRE_VERSION_MAX, client, span_of(NULL, 0)};
    must(fixture_call(fixture, connection, WIRE_HELLO, &hello, &reply) == ERR_OK);
    return connection;
}

void fixture_disconnect(struct fixture *fixture, struct connection *connection)
{
    struct client *client;
    connection_free(&fixture->worker.clients, connection, &client);
    if (client == NULL)
        return;
    end_client_begun(&fixture->worker, client);
    end_client_objects(&fixture->worker, client, false);
    client_free(&fixture->worker.clients, client);
}

void fixture_packet(struct fixture *fixture, struct connection *connection, struct span packet)
{
    struct writer reply = writer_of(fixture->reply, sizeof fixture->reply);
    if (packet.ptr != fixture->packet && packet.len > 0)
        memcpy(fixture->packet, packet.ptr, packet.len);
    fixture->end =
        request_serve(&fixture->worker, connection, span_of(fixture->packet, packet.len), &reply);
    fixture->answer = writer_bytes(&reply);
}

/* The reply as a client reads it: exactly a header and the body of its operation. */
static err_t read_answer(struct fixture *fixture, union wire_body *ret_reply)
{
    struct reader r = reader_of(fixture->answer);
    schema_decode(&wire_reply_header_schema, &r, &fixture->header);
    const struct wire_operation_row *row = wire_operation_find(fixture->header.operation);
    must(!r.failed && row != NULL && fixture->header.call == fixture->call);
    struct span body = read_span(&r, r.left);
    err_t err = err_from_number(fixture->header.error);
    must(err != ERR_INTERNAL);
    must(schema_decode_whole(err == ERR_OK ? row->reply : &wire_nothing_schema, body, ret_reply) ==
         ERR_OK);
    return err;
}

err_t fixture_call(struct fixture *fixture, struct connection *connection,
    enum wire_operation operation, const void *request, union wire_body *ret_reply)
{
    const struct wire_request_header header = {++fixture->call, (uint16_t)operation};
    struct writer w = writer_of(fixture->packet, sizeof fixture->packet);
    schema_encode(&wire_request_header_schema, &header, &w);
    schema_encode(wire_operation_find(operation)->request, request, &w);
    must(!writer_failed(&w));
    fixture_packet(fixture, connection, writer_bytes(&w));
    if (fixture->end == REQUEST_PARKED)
        return ERR_TIMED_OUT;
    must(fixture->end == REQUEST_ANSWERED);
    return read_answer(fixture, ret_reply);
}

err_t fixture_unpark(
    struct fixture *fixture, struct connection *connection, union wire_body *ret_reply)
{
    struct writer reply = writer_of(fixture->reply, sizeof fixture->reply);
    enum request_end end;
    do {
        if (connection->kept_len > 0)
            connection->place.account->pin_free_at = 0; /* its time has come */
        end = request_unpark(&fixture->worker, connection, &reply);
    } while (end == REQUEST_PARKED);
    fixture->answer = writer_bytes(&reply);
    return read_answer(fixture, ret_reply);
}

struct audit_lines fixture_audit(const struct fixture *fixture)
{
    size_t len;
    char *text = scratch_read(&fixture->scratch, "audit", &len);
    must(text != NULL);
    return audit_lines_of(text);
}
