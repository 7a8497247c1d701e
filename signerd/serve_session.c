/* SPDX-License-Identifier: MIT
 *
 * Operations about the client itself: greeting, listing, login, the end of a session; and random
 * bytes.
 */
#include "serve.h"

#include "base/secret.h"
#include "wire/compact.h"

#include <p11-kit/pkcs11.h>

static void put_mechanisms(const struct driver_token *token, struct writer *list)
{
    for (size_t i = 0; i < token->mechanism_count; i++)
        schema_encode(&wire_mechanism_schema, &token->mechanisms[i], list);
}

err_t serve_hello(struct request *request)
{
    struct worker *worker = request->worker;
    struct connection *connection = request->connection;
    const struct wire_hello_request *in = &request->in->hello_request;
    if (connection->client != NULL || in->version_min > in->version_max)
        return ERR_BAD_MESSAGE;
    if (in->version_min > WIRE_VERSION_MAX || in->version_max < WIRE_VERSION_MIN)
        return ERR_BAD_VERSION;
    if (connection->place.account->connections > worker->max_connections)
        return ERR_TOO_MANY_CONNECTIONS;
    err_t err = connection_greet(&worker->clients, connection, in->client);
    if (err != ERR_OK)
        return err;
    if (worker->login != NULL && in->ticket.len > 0 && !connection->client->logged_in &&
        login_ticket_is_right(worker->login, &connection->identity, in->ticket)) {
        connection->client->logged_in = true;
        worker->objects.generation++;
    }

    connection->greeted_absent = worker->device == NULL;
    connection->page_due = worker->page != NULL;
    put_mechanisms(&worker->token, &request->scratch);
    request->out->hello_reply = (struct wire_hello_reply){
        .version = in->version_max < WIRE_VERSION_MAX ? in->version_max : WIRE_VERSION_MAX,
        .instance = worker->instance,
        .present = worker->device != NULL,
        .login_required = worker->login != NULL,
        .logged_in = connection->client->logged_in,
        .pin_failed = worker->login != NULL && connection->place.account->pin_failures > 0,
        .label = span_of_text(worker->token.label),
        .manufacturer = span_of_text(worker->token.manufacturer),
        .model = span_of_text(worker->token.model),
        .serial = span_of_text(worker->token.serial),
        .hardware_version = worker->token.hardware_version,
        .firmware_version = worker->token.firmware_version,
        .mechanisms = writer_bytes(&request->scratch),
    };
    return ERR_OK;
}

/* Appends the object to the message, unless it does not fit any more. */
static bool list_object(
    struct compact *compact, const struct object *object, struct writer *message)
{
    static uint8_t row[WIRE_TEMPLATE_MAX + 32]; /* the worker has one thread */
    struct writer w = writer_of(row, sizeof row);
    const bool fits = put_object(&w, object) && compact_put(compact, writer_bytes(&w), message);
    secret_wipe_span(writer_bytes(&w));
    return fits;
}

/* The cursor is the low half of the number of the first object to come. */
err_t serve_list(struct request *request)
{
    static struct compact compact;
    static uint8_t plain[WIRE_LIST_MAX];
    const struct objects *objects = &request->worker->objects;
    const struct wire_list_request *in = &request->in->list_request;
    struct wire_list_reply *out = &request->out->list_reply;
    if (in->since != 0 && in->since == objects->generation && in->cursor == 0) {
        out->unchanged = 1;
        return ERR_OK;
    }
    struct writer list = request->scratch;
    list.size = WIRE_DATA_MAX;
    compact_begin(&compact, plain, sizeof plain);
    for (size_t i = 0; i < objects->count && out->next == 0; i++) {
        const struct object *object = objects->rows[i];
        if ((uint32_t)object->number >= in->cursor && may_see(request, object) &&
            !list_object(&compact, object, &list))
            out->next = (uint32_t)object->number;
    }
    secret_wipe_span(writer_bytes(&compact.plain));
    request->scratch = list;
    out->objects = writer_bytes(&list);
    return ERR_OK;
}

err_t serve_random(struct request *request)
{
    struct worker *worker = request->worker;
    static uint8_t random[WIRE_RANDOM_MAX];
    uint32_t length = request->in->random_request.length;
    struct audit_event event = event_of(request, NULL);
    if (length == 0 || length > sizeof random)
        return ERR_ARGUMENTS;
    err_t err = permit(request, VERB_RANDOM, &event);
    if (err != ERR_OK)
        return err;
    pulse_busy(worker->pulse, true);
    err = worker->driver->random(worker->device, random, length);
    pulse_busy(worker->pulse, false);
    request->out->random_reply.random = span_of(random, length);
    return device_answer(worker, err);
}

/* A security officer is whom the rules say, and nothing is kept of it: they are asked again at each
 * act. */
err_t serve_login(struct request *request)
{
    struct worker *worker = request->worker;
    struct connection *connection = request->connection;
    const struct wire_login_request *in = &request->in->login_request;
    uint8_t ticket[LOGIN_TICKET_SIZE];
    if (in->user == CKU_SO)
        return permit_admin(request) == ERR_OK ? ERR_OK : ERR_USER_TYPE;
    if (in->user != CKU_USER)
        return ERR_USER_TYPE;
    if (worker->login == NULL)
        return ERR_OK;
    if (connection->client->logged_in)
        return ERR_ALREADY_LOGGED_IN;

    err_t err = check_pin(request, in->pin);
    if (err == ERR_OK)
        err = login_ticket(worker->login, &connection->identity, ticket);
    if (err != ERR_OK)
        return err;
    if (connection->parked_until == 0) {
        connection->client->logged_in = true;
        worker->objects.generation++;
    }
    write_span(&request->scratch, span_of(ticket, sizeof ticket));
    request->out->login_reply.ticket = writer_bytes(&request->scratch);
    return ERR_OK;
}

err_t serve_logout(struct request *request)
{
    struct client *client = request->connection->client;
    if (request->worker->login != NULL)
        end_client_begun(request->worker, client);
    end_client_objects(request->worker, client, true);
    client->logged_in = false;
    request->worker->objects.generation++;
    return ERR_OK;
}

err_t serve_end_session(struct request *request)
{
    uint64_t session = request->in->end_session_request.session;
    if (session != 0) {
        end_session_begun(request->worker, request->connection->client, session);
        end_session_objects(request->worker, request->connection->client, session);
    }
    return ERR_OK;
}
