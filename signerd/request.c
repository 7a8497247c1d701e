/* SPDX-License-Identifier: MIT
 *
 * The worker's operations, one function a row of the table at the end. Each names its policy verb; each that uses
 * a key goes through permit() first and, where it changes or uses key material, through audited().
 */
#include "request.h"

#include "template.h"

#include "base/clock.h"
#include "base/log.h"

#include <p11-kit/pkcs11.h>
#include <string.h>

struct request {
    struct worker *worker;
    struct connection *connection;
    const union wire_body *in;
    union wire_body *out;
    const char *operation;
    struct writer scratch; /* for what out's BYTES point to */
};

/* ---- may it? ---- */

static void tell_refusal(struct request *request, const struct audit_event *event, err_t reason, const char *where)
{
    struct worker *worker = request->worker;
    struct account *account = request->connection->place.account;
    char key[512];
    if (!account_refusal_has_line(account, clock_us()))
        return;
    if (account->refusals_left_out > 0 &&
        audit_refused_more(worker->audit, account->uid, account->refusals_left_out) == ERR_OK)
        account->refusals_left_out = 0;
    audit_key_uri(event->key, key, sizeof key);
    log_info("refused: uid %u pid %u %s %s: %s by %s", event->who->uid, event->who->pid,
        event->operation, key, err_name(reason), where ? where : "default: no rule names this user and key");
    (void)audit_refused(worker->audit, event, reason, where);
}

static struct audit_event event_of(const struct request *request, const struct policy_key *key)
{
    return (struct audit_event){
        .operation = request->operation, .who = &request->connection->identity, .key = key};
}

/* ERR_DENIED unless a rule allows it. A refusal is logged and audited here. */
static err_t permit(struct request *request, enum policy_verb verb, const struct audit_event *event)
{
    struct worker *worker = request->worker;
    struct policy_answer answer =
        policy_decide(worker->rules, worker->rule_count, event->who, verb, event->key);
    if (answer.allow)
        return ERR_OK;
    tell_refusal(request, event, ERR_DENIED, answer.where);
    return ERR_DENIED;
}

static bool may_see(const struct request *request, const struct object *object)
{
    const struct worker *worker = request->worker;
    const struct client *client = request->connection->client;
    if (object->owner != NULL && object->owner != client)
        return false;
    if (object->is_private && !client->logged_in)
        return false;
    return policy_visible(
        worker->rules, worker->rule_count, &request->connection->identity, &object->key);
}

/* The object of that number, where this client may see it: ERR_OBJECT_GONE tells nothing of others' keys. */
static err_t find_object(struct request *request, uint64_t number, struct object **ret_object)
{
    struct object *object = objects_find(&request->worker->objects, number);
    if (object == NULL)
        return ERR_OBJECT_GONE;
    if (!may_see(request, object)) {
        bool needs_pin = object->is_private && !request->connection->client->logged_in &&
                         (object->owner == NULL || object->owner == request->connection->client);
        err_t reason = needs_pin ? ERR_NOT_LOGGED_IN : ERR_OBJECT_GONE;
        struct audit_event event = event_of(request, &object->key);
        tell_refusal(request, &event, reason, NULL);
        return reason;
    }
    *ret_object = object;
    return ERR_OK;
}

/* A device that is gone ends this worker once the answer is out; the next one has new object numbers. */
static err_t device_answer(struct worker *worker, err_t err)
{
    if (err == ERR_TOKEN_ABSENT)
        worker->device_lost = true;
    return err;
}

/* ---- HELLO, LIST ---- */

static void put_mechanisms(const struct driver_token *token, struct writer *list)
{
    for (size_t i = 0; i < token->mechanism_count; i++)
        schema_encode(&wire_mechanism_schema, &token->mechanisms[i], list);
}

static err_t serve_hello(struct request *request)
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
    if (worker->login != NULL && in->ticket.len > 0 &&
        login_ticket_is_right(worker->login, &connection->identity, in->ticket))
        connection->client->logged_in = true;

    connection->greeted_absent = worker->device == NULL;
    put_mechanisms(&worker->token, &request->scratch);
    request->out->hello_reply = (struct wire_hello_reply){
        .version = in->version_max < WIRE_VERSION_MAX ? in->version_max : WIRE_VERSION_MAX,
        .instance = worker->instance,
        .present = worker->device != NULL,
        .login_required = worker->login != NULL,
        .logged_in = connection->client->logged_in,
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

/* Writes the object, unless it does not fit any more. */
static bool put_object(struct writer *list, const struct object *object)
{
    const struct wire_object row = {object->number, object->session, object->attributes};
    struct writer before = *list;
    schema_encode(&wire_object_schema, &row, list);
    if (!writer_failed(list))
        return true;
    *list = before;
    return false;
}

/* The cursor is the low half of the number of the first object to come. */
static err_t serve_list(struct request *request)
{
    const struct objects *objects = &request->worker->objects;
    const struct wire_list_request *in = &request->in->list_request;
    struct wire_list_reply *out = &request->out->list_reply;
    if (in->since == objects->generation && in->cursor == 0) {
        out->unchanged = 1;
        return ERR_OK;
    }
    for (size_t i = 0; i < objects->count && out->next == 0; i++) {
        const struct object *object = objects->rows[i];
        if ((uint32_t)object->number >= in->cursor && may_see(request, object) &&
            !put_object(&request->scratch, object))
            out->next = (uint32_t)object->number;
    }
    out->objects = writer_bytes(&request->scratch);
    return ERR_OK;
}

/* ---- SIGN ---- */

static bool mechanism_offers(const struct driver_token *token, uint32_t mechanism, CK_FLAGS flag)
{
    for (size_t i = 0; i < token->mechanism_count; i++)
        if (token->mechanisms[i].type == mechanism)
            return (token->mechanisms[i].flags & flag) != 0;
    return false;
}

static err_t serve_sign(struct request *request)
{
    struct worker *worker = request->worker;
    const struct wire_sign_request *in = &request->in->sign_request;
    struct object *key;
    uint64_t intent;
    err_t err = find_object(request, in->object, &key);
    if (err != ERR_OK)
        return err;

    struct audit_event event = event_of(request, &key->key);
    event.has_mechanism = true;
    event.mechanism = in->mechanism;
    event.data = in->data;
    err = permit(request, VERB_SIGN, &event);
    if (err != ERR_OK)
        return err;
    if (key->key.class != CLASS_PRIVATE_KEY)
        return ERR_KEY_TYPE;
    if (!mechanism_offers(&worker->token, in->mechanism, CKF_SIGN))
        return ERR_MECHANISM;
    if (in->parameter.len > 0)
        return ERR_MECHANISM_PARAMETER;

    err = audit_intent(worker->audit, &event, &intent);
    if (err != ERR_OK)
        return err;
    worker_busy(worker, true);
    err = worker->driver->sign(
        worker->device, key->ref, in->mechanism, in->parameter, in->data, &request->scratch);
    worker_busy(worker, false);
    if (audit_result(worker->audit, intent, err) != ERR_OK)
        return ERR_AUDIT;
    request->out->sign_reply.signature = writer_bytes(&request->scratch);
    return device_answer(worker, err);
}

/* ---- making and changing objects ---- */

static struct policy_key key_in(struct span template, uint32_t class)
{
    struct policy_key key = {.class = class};
    (void)attribute_get(template, ATTR_LABEL, &key.label);
    (void)attribute_get(template, ATTR_ID, &key.id);
    return key;
}

static err_t session_object_room(const struct request *request, uint64_t session, uint32_t wanted)
{
    const struct account *account = request->connection->place.account;
    if (session != 0 && account->session_objects + wanted > request->worker->max_session_objects)
        return ERR_TOO_MANY_OBJECTS;
    return ERR_OK;
}

/* Takes up what the driver made and adds it to the reply. */
static err_t take_object(struct request *request, driver_ref ref, uint64_t session, struct object **ret_object)
{
    struct client *client = request->connection->client;
    err_t err = objects_take(
        &request->worker->objects, ref, session ? client : NULL, session, ret_object);
    if (err == ERR_OK && session != 0) {
        client->session_objects++;
        request->connection->place.account->session_objects++;
    }
    return err;
}

static void drop_object(struct worker *worker, struct object *object)
{
    struct account *account;
    struct client *client = (struct client *)object->owner;
    if (client != NULL) {
        client->session_objects--;
        if (account_of(&worker->accounts, client->uid, &account) == ERR_OK)
            account->session_objects--;
    }
    objects_drop(&worker->objects, object);
}

static err_t make_pair(struct request *request, struct span public_template, struct span private_template,
    const struct audit_event *event)
{
    struct worker *worker = request->worker;
    const struct wire_generate_pair_request *in = &request->in->generate_pair_request;
    driver_ref public_ref;
    driver_ref private_ref;
    struct object *public_key;
    struct object *private_key;
    uint64_t intent;
    err_t err = audit_intent(worker->audit, event, &intent);
    if (err != ERR_OK)
        return err;
    worker_busy(worker, true);
    err = worker->driver->generate_pair(worker->device, in->mechanism, public_template,
        private_template, &public_ref, &private_ref);
    worker_busy(worker, false);
    if (audit_result(worker->audit, intent, err) != ERR_OK)
        return ERR_AUDIT;
    if (err == ERR_OK)
        err = take_object(request, public_ref, in->session, &public_key);
    if (err == ERR_OK)
        err = take_object(request, private_ref, in->session, &private_key);
    if (err == ERR_OK)
        err = objects_complete(&worker->objects, private_key);
    if (err != ERR_OK)
        return device_answer(worker, err);
    if (!put_object(&request->scratch, public_key) || !put_object(&request->scratch, private_key))
        return ERR_TOO_LARGE;
    request->out->objects_reply.objects = writer_bytes(&request->scratch);
    return ERR_OK;
}

static err_t serve_generate_pair(struct request *request)
{
    const struct wire_generate_pair_request *in = &request->in->generate_pair_request;
    static uint8_t public_room[WIRE_TEMPLATE_MAX];
    static uint8_t private_room[WIRE_TEMPLATE_MAX];
    struct writer public_list = writer_of(public_room, sizeof public_room);
    struct writer private_list = writer_of(private_room, sizeof private_room);
    if (!mechanism_offers(&request->worker->token, in->mechanism, CKF_GENERATE_KEY_PAIR) ||
        in->mechanism != CKM_EC_KEY_PAIR_GEN)
        return ERR_MECHANISM;
    err_t err = template_complete(
        &template_ec_public, in->public_template, in->session == 0, &public_list);
    if (err == ERR_OK)
        err = template_complete(
            &template_ec_private, in->private_template, in->session == 0, &private_list);
    if (err == ERR_OK)
        err = session_object_room(request, in->session, 2);
    if (err != ERR_OK)
        return err;

    struct policy_key public_key = key_in(in->public_template, CLASS_PUBLIC_KEY);
    struct policy_key private_key = key_in(in->private_template, CLASS_PRIVATE_KEY);
    struct audit_event public_event = event_of(request, &public_key);
    struct audit_event private_event = event_of(request, &private_key);
    private_event.has_mechanism = true;
    private_event.mechanism = in->mechanism;
    err = permit(request, VERB_GENERATE, &private_event);
    if (err == ERR_OK)
        err = permit(request, VERB_GENERATE, &public_event);
    if (err == ERR_OK && request->worker->login != NULL && !request->connection->client->logged_in)
        err = ERR_NOT_LOGGED_IN;
    if (err != ERR_OK)
        return err;
    return make_pair(request, writer_bytes(&public_list), writer_bytes(&private_list), &private_event);
}

static err_t answer_object(struct request *request, const struct object *object)
{
    if (!put_object(&request->scratch, object))
        return ERR_TOO_LARGE;
    request->out->objects_reply.objects = writer_bytes(&request->scratch);
    return ERR_OK;
}

static err_t serve_create(struct request *request)
{
    struct worker *worker = request->worker;
    const struct wire_create_request *in = &request->in->create_request;
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    uint64_t class;
    uint64_t intent;
    driver_ref ref;
    struct object *object;
    if (!attribute_get_ulong(in->template, ATTR_CLASS, &class))
        return ERR_TEMPLATE_INCOMPLETE;
    if (class != CLASS_CERTIFICATE)
        return ERR_ATTRIBUTE_VALUE;
    err_t err = template_complete(&template_certificate, in->template, in->session == 0, &list);
    if (err == ERR_OK)
        err = session_object_room(request, in->session, 1);
    if (err != ERR_OK)
        return err;

    struct policy_key key = key_in(in->template, (uint32_t)class);
    struct audit_event event = event_of(request, &key);
    err = permit(request, VERB_STORE, &event);
    if (err == ERR_OK)
        err = audit_intent(worker->audit, &event, &intent);
    if (err != ERR_OK)
        return err;
    worker_busy(worker, true);
    err = worker->driver->create(worker->device, writer_bytes(&list), &ref);
    worker_busy(worker, false);
    if (audit_result(worker->audit, intent, err) != ERR_OK)
        return ERR_AUDIT;
    if (err == ERR_OK)
        err = take_object(request, ref, in->session, &object);
    return err == ERR_OK ? answer_object(request, object) : device_answer(worker, err);
}

static err_t serve_destroy(struct request *request)
{
    struct worker *worker = request->worker;
    struct object *object;
    uint64_t intent;
    err_t err = find_object(request, request->in->destroy_request.object, &object);
    if (err != ERR_OK)
        return err;
    struct audit_event event = event_of(request, &object->key);
    err = permit(request, VERB_DESTROY, &event);
    if (err == ERR_OK && !attribute_get_bool(object->attributes, ATTR_DESTROYABLE, true))
        err = ERR_ACTION_PROHIBITED;
    if (err == ERR_OK)
        err = audit_intent(worker->audit, &event, &intent);
    if (err != ERR_OK)
        return err;
    worker_busy(worker, true);
    err = worker->driver->destroy(worker->device, object->ref);
    worker_busy(worker, false);
    if (err == ERR_OK)
        drop_object(worker, object);
    if (audit_result(worker->audit, intent, err) != ERR_OK)
        return ERR_AUDIT;
    return device_answer(worker, err);
}

/* Allowed only from the old and to the new label and id: nobody renames a key into his own rights. */
static err_t permit_change(struct request *request, const struct object *object, struct span template)
{
    struct policy_key after = object->key;
    (void)attribute_get(template, ATTR_LABEL, &after.label);
    (void)attribute_get(template, ATTR_ID, &after.id);
    struct audit_event before_event = event_of(request, &object->key);
    struct audit_event after_event = event_of(request, &after);
    err_t err = permit(request, VERB_CHANGE, &before_event);
    return err == ERR_OK ? permit(request, VERB_CHANGE, &after_event) : err;
}

static err_t serve_set(struct request *request)
{
    struct worker *worker = request->worker;
    const struct wire_set_request *in = &request->in->set_request;
    struct object *object;
    uint64_t intent;
    err_t err = find_object(request, in->object, &object);
    if (err == ERR_OK)
        err = template_check_change(in->template);
    if (err == ERR_OK && !attribute_get_bool(object->attributes, ATTR_MODIFIABLE, true))
        err = ERR_ACTION_PROHIBITED;
    if (err == ERR_OK)
        err = permit_change(request, object, in->template);
    if (err != ERR_OK)
        return err;
    struct audit_event event = event_of(request, &object->key);
    event.data = in->template;
    err = audit_intent(worker->audit, &event, &intent);
    if (err != ERR_OK)
        return err;
    worker_busy(worker, true);
    err = worker->driver->set(worker->device, object->ref, in->template);
    worker_busy(worker, false);
    if (err == ERR_OK)
        err = objects_refresh(&worker->objects, object);
    if (audit_result(worker->audit, intent, err) != ERR_OK)
        return ERR_AUDIT;
    return err == ERR_OK ? answer_object(request, object) : device_answer(worker, err);
}

/* ---- the rest ---- */

static err_t serve_random(struct request *request)
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
    worker_busy(worker, true);
    err = worker->driver->random(worker->device, random, length);
    worker_busy(worker, false);
    request->out->random_reply.random = span_of(random, length);
    return device_answer(worker, err);
}

/* The answer waits where this user has failed before, whether the PIN is right or not, so that time tells nothing. */
static err_t serve_login(struct request *request)
{
    struct worker *worker = request->worker;
    struct connection *connection = request->connection;
    const struct wire_login_request *in = &request->in->login_request;
    uint8_t ticket[LOGIN_TICKET_SIZE];
    if (in->user != CKU_USER)
        return ERR_USER_TYPE;
    if (worker->login == NULL)
        return ERR_OK;
    if (connection->client->logged_in)
        return ERR_ALREADY_LOGGED_IN;

    uint64_t now = clock_us();
    bool right = login_pin_is_right(worker->login, in->pin);
    uint64_t answer_at = account_pin_answer_at(connection->place.account, right, now);
    connection->parked_until = answer_at > now ? answer_at : 0;
    if (!right) {
        struct audit_event event = event_of(request, NULL);
        tell_refusal(request, &event, ERR_PIN_INCORRECT, "client-pin");
        return ERR_PIN_INCORRECT;
    }
    err_t err = login_ticket(worker->login, &connection->identity, ticket);
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

static err_t serve_logout(struct request *request)
{
    request->connection->client->logged_in = false;
    request->worker->objects.generation++;
    return ERR_OK;
}

void request_end_session(struct worker *worker, const struct client *client, uint64_t session, bool all)
{
    for (size_t i = worker->objects.count; i > 0; i--) {
        struct object *object = worker->objects.rows[i - 1];
        if (object->owner != client || (!all && object->session != session))
            continue;
        worker_busy(worker, true);
        err_t err = worker->driver->destroy(worker->device, object->ref);
        worker_busy(worker, false);
        if (device_answer(worker, err) != ERR_OK)
            log_warning("a session object could not be destroyed: %s", err_text(err));
        drop_object(worker, object);
    }
}

static err_t serve_end_session(struct request *request)
{
    uint64_t session = request->in->end_session_request.session;
    if (session != 0)
        request_end_session(request->worker, request->connection->client, session, false);
    return ERR_OK;
}

/* ---- the table ---- */

enum { NEEDS_HELLO = 1, NEEDS_DEVICE = 2, HOLDS_PIN = 4 };

static const struct handler {
    enum wire_operation operation;
    unsigned flags;
    err_t (*serve)(struct request *request);
} handlers[] = {
    {WIRE_HELLO, 0, serve_hello},
    {WIRE_LIST, NEEDS_HELLO, serve_list},
    {WIRE_SIGN, NEEDS_HELLO | NEEDS_DEVICE, serve_sign},
    {WIRE_GENERATE_PAIR, NEEDS_HELLO | NEEDS_DEVICE, serve_generate_pair},
    {WIRE_CREATE, NEEDS_HELLO | NEEDS_DEVICE, serve_create},
    {WIRE_DESTROY, NEEDS_HELLO | NEEDS_DEVICE, serve_destroy},
    {WIRE_SET, NEEDS_HELLO | NEEDS_DEVICE, serve_set},
    {WIRE_RANDOM, NEEDS_HELLO | NEEDS_DEVICE, serve_random},
    {WIRE_LOGIN, NEEDS_HELLO | HOLDS_PIN, serve_login},
    {WIRE_LOGOUT, NEEDS_HELLO, serve_logout},
    {WIRE_END_SESSION, NEEDS_HELLO, serve_end_session},
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

static err_t serve(struct request *request, const struct handler *handler, struct span body, union wire_body *in)
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

enum request_end request_serve(
    struct worker *worker, struct connection *connection, struct span packet, struct writer *reply)
{
    static uint8_t scratch[WIRE_DATA_MAX];
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
    if (r.failed)
        return REQUEST_HOPELESS;

    const struct handler *handler = handler_find(header.operation);
    err_t err = handler == NULL ? ERR_UNKNOWN_OPERATION
                                : serve(&request, handler, read_span(&r, r.left), &in);
    if (handler != NULL && (handler->flags & HOLDS_PIN))
        secret_wipe((uint8_t *)packet.ptr, packet.len);
    if (connection->parked_until != 0) {
        connection->parked_call = header.call;
        connection->parked_outcome = err;
        return REQUEST_PARKED;
    }
    write_reply(worker, header.call, header.operation, err, &out, reply);
    if (writer_failed(reply)) {
        *reply = writer_of(reply->start, reply->size);
        write_reply(worker, header.call, header.operation, ERR_TOO_LARGE, &out, reply);
    }
    return REQUEST_ANSWERED;
}

void request_unpark(struct worker *worker, struct connection *connection, struct writer *reply)
{
    uint8_t ticket[LOGIN_TICKET_SIZE];
    union wire_body out = {0};
    err_t err = connection->parked_outcome;
    connection->parked_until = 0;
    if (err == ERR_OK)
        err = login_ticket(worker->login, &connection->identity, ticket);
    if (err == ERR_OK) {
        connection->client->logged_in = true;
        worker->objects.generation++;
        out.login_reply.ticket = span_of(ticket, sizeof ticket);
    }
    write_reply(worker, connection->parked_call, WIRE_LOGIN, err, &out, reply);
}
