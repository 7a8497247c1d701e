/* SPDX-License-Identifier: MIT
 *
 * Keys derived from keys, and the value of a secret that was derived for its session. Whoever may
 * derive gets a key to use; only who has the operation derive-export on the base key gets one that
 * can leave: by its value, wrapped, or so short that it is found by trying.
 */
#include "serve.h"

#include "template.h"

#include <p11-kit/pkcs11.h>

#undef public_data /* p11-kit's other name for pPublicData; a field of ours has it, too */

enum { GUESSABLE = 16 }; /* bytes; of fewer, one after the other is found by its MAC or cipher */

/* ---- deriving ---- */

struct derivation {
    const struct object *base;
    const struct template_kind *kind;
    struct policy_key result;
    struct audit_event event;
    bool may_leave;
};

static bool has_right(
    const struct request *request, enum policy_verb verb, const struct policy_key *key)
{
    const struct worker *worker = request->worker;
    return policy_decide(
        worker->rules, worker->rule_count, &request->connection->identity, verb, key)
        .allow;
}

/* For the base key; and, where what results has a name of its own, for that. */
static err_t permit_derive(struct request *request, const struct derivation *derivation)
{
    const struct wire_derive_request *in = &request->in->derive_request;
    const struct policy_key *result = &derivation->result;
    struct audit_event named = derivation->event;
    named.key = result;
    named.target = NULL;
    err_t err = permit(request, VERB_DERIVE, &derivation->event);
    if (err == ERR_OK && (in->session == 0 || result->label.len > 0 || result->id.len > 0))
        err = permit(request, VERB_DERIVE, &named);
    return err == ERR_OK ? need_login(request, &derivation->event) : err;
}

static err_t check_derivation(struct request *request, struct derivation *derivation)
{
    const struct wire_derive_request *in = &request->in->derive_request;
    const struct mechanism_use use =
        use_of(request, derivation->base, in->mechanism, CKF_DERIVE, in->parameter);
    uint64_t key_type;
    err_t err = mechanism_check(&use);
    if (err != ERR_OK)
        return err;
    if (!attribute_get_ulong(in->template, ATTR_KEY_TYPE, &key_type))
        return ERR_TEMPLATE_INCOMPLETE;
    derivation->kind = template_secret(key_type, TEMPLATE_DERIVE);
    return derivation->kind != NULL ? ERR_OK : ERR_ATTRIBUTE_VALUE;
}

/* How many bytes the key shall have; ERR_KEY_SIZE for more than there are. */
static err_t length_of(
    const struct request *request, const struct derivation *derivation, uint64_t *ret_length)
{
    const struct wire_derive_request *in = &request->in->derive_request;
    const struct mechanism_use use =
        use_of(request, derivation->base, in->mechanism, CKF_DERIVE, in->parameter);
    const size_t size = mechanism_derived_size(&use);
    uint64_t length = 0;
    (void)attribute_get_ulong(in->template, ATTR_VALUE_LEN, &length);
    if (size != 0 && length > size)
        return ERR_KEY_SIZE;
    *ret_length = length != 0 ? length : size;
    return template_length_fits(derivation->kind, *ret_length) ? ERR_OK : ERR_TEMPLATE_INCOMPLETE;
}

/* Without the right to let it leave it is sensitive and stays, and says so. */
static void put_settled(struct span completed, const struct derivation *derivation, uint64_t length,
    struct writer *list)
{
    struct reader r = reader_of(completed);
    struct wire_attribute attribute;
    while (attribute_next(&r, &attribute)) {
        if (attribute.type == ATTR_VALUE_LEN)
            continue;
        if (attribute.type == ATTR_SENSITIVE && !derivation->may_leave)
            attribute_put_bool(list, ATTR_SENSITIVE, true);
        else if (attribute.type == ATTR_EXTRACTABLE && !derivation->may_leave)
            attribute_put_bool(list, ATTR_EXTRACTABLE, false);
        else
            attribute_put(list, attribute.type, attribute.value);
    }
    attribute_put_ulong(list, ATTR_VALUE_LEN, length);
}

static err_t complete(
    struct request *request, const struct derivation *derivation, struct writer *list)
{
    const struct wire_derive_request *in = &request->in->derive_request;
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer completed = writer_of(room, sizeof room);
    uint64_t length;
    err_t err = template_complete(derivation->kind, in->template, in->session == 0, &completed);
    if (err == ERR_OK)
        err = length_of(request, derivation, &length);
    if (err != ERR_OK)
        return refuse(request, &derivation->event, err);
    if (length < GUESSABLE)
        err = permit(request, VERB_DERIVE_EXPORT, &derivation->event);
    put_settled(writer_bytes(&completed), derivation, length, list);
    return err == ERR_OK && writer_failed(list) ? ERR_TOO_LARGE : err;
}

static err_t take_derived(struct request *request, const struct derivation *derivation,
    uint64_t intent, err_t answer, driver_ref ref)
{
    struct object *object;
    const struct wire_derive_request *in = &request->in->derive_request;
    const err_t taken = answer == ERR_OK ? take_object(request, ref, in->session, &object) : answer;
    if (taken == ERR_OK && !template_dates_kept(in->template, object->attributes))
        answer = unmake_object(request->worker, object);
    err_t err = account_for_end(request, intent, answer);
    if (err != ERR_OK)
        return err;
    err = taken;
    if (err == ERR_OK)
        err = objects_set_base(object, &derivation->base->key);
    if (follow_device(request->worker, err) != ERR_OK)
        return err;
    return answer_object(request, object);
}

err_t serve_derive(struct request *request)
{
    struct worker *worker = request->worker;
    const struct wire_derive_request *in = &request->in->derive_request;
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    struct object *base;
    uint64_t intent;
    driver_ref ref = 0;
    err_t err = find_object(request, in->object, &base);
    if (err == ERR_OK)
        err = attribute_list_check(in->template);
    if (err != ERR_OK)
        return err;
    struct derivation derivation = {.base = base, .event = event_of(request, &base->key)};
    derivation.result = key_in(in->template, CLASS_SECRET_KEY);
    derivation.event.target = &derivation.result;
    derivation.event.has_mechanism = true;
    derivation.event.mechanism = in->mechanism;
    derivation.event.data = in->parameter;
    derivation.may_leave = has_right(request, VERB_DERIVE_EXPORT, &base->key);
    err = permit_derive(request, &derivation);
    if (err != ERR_OK)
        return err;
    err = check_derivation(request, &derivation);
    if (err != ERR_OK)
        return refuse(request, &derivation.event, err);
    err = complete(request, &derivation, &list);
    if (err == ERR_OK)
        err = object_room(request, in->session, 1, &derivation.event);
    if (err == ERR_OK)
        err = account_for_begin(request, &derivation.event, &intent);
    if (err != ERR_OK)
        return err;
    err = worker->driver->derive(
        worker->device, base->ref, in->mechanism, in->parameter, writer_bytes(&list), &ref);
    return take_derived(request, &derivation, intent, err, ref);
}

/* ---- the value ---- */

/* Of nothing but what was derived for this session, to be read. */
static bool is_readable(const struct request *request, const struct object *object)
{
    return object->base != NULL && object->owner == request->connection->client &&
           object->session == request->in->value_request.session &&
           !attribute_get_bool(object->attributes, ATTR_SENSITIVE, true) &&
           attribute_get_bool(object->attributes, ATTR_EXTRACTABLE, false);
}

/* The value is in request->scratch, which is wiped once the reply is made; as is the reply, sent.
 */
err_t serve_value(struct request *request)
{
    struct worker *worker = request->worker;
    struct object *object;
    uint64_t intent;
    err_t err = find_object(request, request->in->value_request.object, &object);
    if (err != ERR_OK)
        return err;
    struct audit_event event = event_of(request, &object->key);
    if (!is_readable(request, object))
        return refuse(request, &event, ERR_ATTRIBUTE_SENSITIVE);
    event.key = object->base;
    event.target = &object->key;
    err = permit(request, VERB_DERIVE_EXPORT, &event);
    if (err == ERR_OK)
        err = account_for_begin(request, &event, &intent);
    if (err != ERR_OK)
        return err;
    err = worker->driver->value(worker->device, object->ref, &request->scratch);
    request->out->value_reply.value = writer_bytes(&request->scratch);
    return account_for_end(request, intent, err);
}
