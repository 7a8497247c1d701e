/* SPDX-License-Identifier: MIT
 *
 * What every operation needs: whether it may be, whether it is accounted for, and the lists that
 * replies hold.
 */
#include "serve.h"

#include "base/clock.h"
#include "base/log.h"

void tell_left_out(struct worker *worker, struct account *account)
{
    if (account->refusals_left_out > 0 &&
        audit_refused_more(worker->audit, account->uid, account->refusals_left_out) == ERR_OK)
        account->refusals_left_out = 0;
}

void tell_refusal(
    struct request *request, const struct audit_event *event, err_t reason, const char *where)
{
    struct worker *worker = request->worker;
    struct account *account = request->connection->place.account;
    char key[512];
    if (!account_refusal_has_line(account, clock_us()))
        return;
    tell_left_out(worker, account);
    audit_key_uri(event->key, key, sizeof key);
    const char *by =
        where == NULL && reason == ERR_DENIED ? "default: no rule names this user and key" : where;
    log_info("refused: uid %u pid %u %s %s: %s%s%s", event->who->uid, event->who->pid,
        event->operation, key, err_name(reason), by ? " by " : "", by ? by : "");
    if (audit_refused(worker->audit, event, reason, where) != ERR_OK)
        account->refusals_left_out++; /* told once the log can be written again */
}

err_t refuse(struct request *request, const struct audit_event *event, err_t reason)
{
    tell_refusal(request, event, reason, NULL);
    return reason;
}

struct audit_event event_of(const struct request *request, const struct policy_key *key)
{
    return (struct audit_event){
        .operation = request->operation, .who = &request->connection->identity, .key = key};
}

err_t permit(struct request *request, enum policy_verb verb, const struct audit_event *event)
{
    struct worker *worker = request->worker;
    struct policy_answer answer =
        policy_decide(worker->rules, worker->rule_count, event->who, verb, event->key);
    if (answer.allow)
        return ERR_OK;
    tell_refusal(request, event, ERR_DENIED, answer.where);
    return ERR_DENIED;
}

err_t need_login(struct request *request, const struct audit_event *event)
{
    if (request->worker->login == NULL || request->connection->client->logged_in)
        return ERR_OK;
    tell_refusal(request, event, ERR_NOT_LOGGED_IN, "client-pin");
    return ERR_NOT_LOGGED_IN;
}

/* Would this client see it, once logged in? */
static bool may_see_with_pin(const struct request *request, const struct object *object)
{
    const struct worker *worker = request->worker;
    if (object->owner != NULL && object->owner != request->connection->client)
        return false;
    return policy_visible(
        worker->rules, worker->rule_count, &request->connection->identity, &object->key);
}

bool may_see(const struct request *request, const struct object *object)
{
    bool has_pin = !object->is_private || request->connection->client->logged_in;
    return has_pin && may_see_with_pin(request, object);
}

err_t find_object(struct request *request, uint64_t number, struct object **ret_object)
{
    struct object *object = objects_find(&request->worker->objects, number);
    if (object == NULL)
        return ERR_OBJECT_GONE;
    if (!may_see(request, object)) {
        err_t reason = may_see_with_pin(request, object) ? ERR_NOT_LOGGED_IN : ERR_OBJECT_GONE;
        struct audit_event event = event_of(request, &object->key);
        return refuse(request, &event, reason);
    }
    *ret_object = object;
    return ERR_OK;
}

err_t account_for_begin(
    struct request *request, const struct audit_event *event, uint64_t *ret_intent)
{
    err_t err = audit_intent(request->worker->audit, event, ret_intent);
    if (err == ERR_OK)
        pulse_busy(request->worker->pulse, true);
    return err;
}

err_t account_for_end(struct request *request, uint64_t intent, err_t answer)
{
    pulse_busy(request->worker->pulse, false);
    if (audit_result(request->worker->audit, intent, answer) != ERR_OK)
        return ERR_AUDIT;
    return device_answer(request->worker, answer);
}

err_t device_answer(struct worker *worker, err_t answer)
{
    if (answer == ERR_TOKEN_ABSENT)
        worker->device_lost = true;
    return answer;
}

bool put_object(struct writer *list, const struct object *object)
{
    const struct wire_object row = {object->number, object->session, object->attributes};
    struct writer before = *list;
    schema_encode(&wire_object_schema, &row, list);
    if (!writer_failed(list))
        return true;
    *list = before;
    return false;
}
