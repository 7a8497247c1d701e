/* SPDX-License-Identifier: MIT
 *
 * What signerctl asks: how the worker does, and what the policy says. Both use no key, change
 * nothing, and tell of other users only to whom a rule gives the operation "admin".
 */
#include "serve.h"

#include "base/clock.h"

#include <unistd.h>

/* ---- STATUS ---- */

bool is_admin(const struct request *request)
{
    const struct worker *worker = request->worker;
    return policy_decide(worker->rules, worker->rule_count, &request->connection->identity,
        VERB_ADMIN, NULL)
        .allow;
}

/* As many as fit. */
static void put_clients(const struct request *request, bool all, struct writer *list)
{
    const uint32_t uid = request->connection->identity.uid;
    for (const struct client *client = request->worker->clients.first; client != NULL;
         client = client->next) {
        const struct wire_status_client row = {
            .uid = client->uid,
            .pid = client->pid,
            .connections = (uint32_t)client->connections,
            .session_objects = (uint32_t)client->session_objects,
            .requests = client->requests,
            .logged_in = client->logged_in,
        };
        struct writer before = *list;
        if (client->uid == uid || all)
            schema_encode(&wire_status_client_schema, &row, list);
        if (writer_failed(list)) {
            *list = before;
            return;
        }
    }
}

static uint32_t count_visible(const struct request *request)
{
    const struct objects *objects = &request->worker->objects;
    uint32_t count = 0;
    for (size_t i = 0; i < objects->count; i++)
        count += may_see(request, objects->rows[i]);
    return count;
}

err_t serve_status(struct request *request)
{
    const struct worker *worker = request->worker;
    const bool admin = is_admin(request);
    struct writer list = request->scratch;
    list.size = WIRE_DATA_MAX;
    put_clients(request, admin, &list);
    request->scratch = list;
    request->out->status_reply = (struct wire_status_reply){
        .device = span_of_text(worker->name),
        .driver = span_of_text(worker->driver->name),
        .present = worker->device != NULL,
        .absent_because = worker->device != NULL ? 0 : (uint16_t)worker->absent_because,
        .worker = (uint32_t)getpid(),
        .up = (clock_us() - worker->started_at) / 1000000,
        .requests = worker->requests,
        .objects = count_visible(request),
        .connections = (uint32_t)worker->clients.connection_count,
        .admin = admin,
        .clients = writer_bytes(&list),
    };
    return ERR_OK;
}

/* ---- EXPLAIN ---- */

static const struct policy_verb_row *verb_find(struct span name)
{
    for (size_t i = 0; i < policy_verbs_count; i++)
        if (span_equal(span_of_text(policy_verbs[i].name), name))
            return &policy_verbs[i];
    return NULL;
}

static err_t take_groups(struct span groups, struct identity *identity)
{
    struct reader r = reader_of(groups);
    identity->group_count = 0;
    while (reader_more(&r) && identity->group_count < IDENTITY_GROUPS_MAX)
        identity->groups[identity->group_count++] = (uint32_t)read_uint(&r, 4);
    return reader_finished(&r) ? ERR_OK : ERR_ARGUMENTS;
}

/* Who is asked about: the asker itself, as the kernel says, or another user, of whom only an admin
 * may ask. */
static err_t whom(struct request *request, const struct identity **ret_identity)
{
    static struct identity other; /* the worker has one thread */
    const struct wire_explain_request *in = &request->in->explain_request;
    struct audit_event event = event_of(request, NULL);
    if (in->uid == request->connection->identity.uid) {
        *ret_identity = &request->connection->identity;
        return ERR_OK;
    }
    other = (struct identity){.uid = in->uid};
    *ret_identity = &other;
    err_t err = permit(request, VERB_ADMIN, &event);
    return err == ERR_OK ? take_groups(in->groups, &other) : err;
}

err_t serve_explain(struct request *request)
{
    const struct worker *worker = request->worker;
    const struct wire_explain_request *in = &request->in->explain_request;
    const struct policy_key key = {
        .class = in->class, .label = in->label, .id = in->id};
    const struct policy_verb_row *row = verb_find(in->operation);
    const struct identity *identity;
    if (row == NULL || (in->has_key == 0) != ((row->verb & VERBS_KEYLESS) != 0))
        return ERR_ARGUMENTS;
    err_t err = whom(request, &identity);
    if (err != ERR_OK)
        return err;
    struct policy_answer answer = policy_decide(
        worker->rules, worker->rule_count, identity, row->verb, in->has_key ? &key : NULL);
    request->out->explain_reply.allow = answer.allow;
    if (answer.where != NULL)
        request->out->explain_reply.where = span_of_text(answer.where);
    return ERR_OK;
}
