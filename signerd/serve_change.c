/* SPDX-License-Identifier: MIT
 *
 * C_SetAttributeValue and C_CopyObject. Both are allowed for the label and id that result: nobody
 * renames a key into his own rights, or copies one there. The rights to use a key are the policy's;
 * an attribute that allows more than before gives nobody a right that no rule gives him.
 */
#include "serve.h"

#include "template.h"

/* What the object's names are afterwards. */
static struct policy_key key_after(const struct object *object, struct span template)
{
    struct policy_key after = object->key;
    (void)attribute_get(template, ATTR_LABEL, &after.label);
    (void)attribute_get(template, ATTR_ID, &after.id);
    return after;
}

/* Only an administrator calls something trusted (2.40: the SO). */
static err_t permit_trust(
    struct request *request, struct span template, const struct audit_event *event)
{
    struct audit_event keyless = *event;
    if (!attribute_get_bool(template, ATTR_TRUSTED, false))
        return ERR_OK;
    keyless.key = NULL;
    keyless.target = NULL;
    return permit(request, VERB_ADMIN, &keyless);
}

/* ---- changing ---- */

/* A secret without a name of its own is judged by that of its base: named, it would leave the rules
 * that hold for it. */
static bool is_fixed(const struct object *object, struct span template)
{
    struct span ignored;
    const bool names =
        attribute_get(template, ATTR_LABEL, &ignored) || attribute_get(template, ATTR_ID, &ignored);
    return (object->key.is_derived && names) ||
           !attribute_get_bool(object->attributes, ATTR_MODIFIABLE, true);
}

static err_t permit_change(struct request *request, const struct object *object,
    struct span template, const struct audit_event *event)
{
    const struct policy_key after = key_after(object, template);
    struct audit_event after_event = event_of(request, &after);
    err_t err = permit(request, VERB_CHANGE, event);
    if (err == ERR_OK)
        err = permit(request, VERB_CHANGE, &after_event);
    if (err == ERR_OK)
        err = permit_trust(request, template, event);
    if (err == ERR_OK && is_fixed(object, template))
        err = refuse(request, event, ERR_ACTION_PROHIBITED);
    return err;
}

/* SoftHSM 2.6 takes dates of what is private, and can then not read them. So they go first, and
 * where they do not come back, those of before are put in their place and nothing else is changed.
 */
static err_t set_dates(struct worker *worker, struct object *object, struct span template)
{
    uint8_t room[2][DATES_MAX];
    struct writer asked = writer_of(room[0], sizeof room[0]);
    struct writer before = writer_of(room[1], sizeof room[1]);
    template_write_dates(template, template, &asked);
    template_write_dates(template, object->attributes, &before);
    if (writer_failed(&asked) || writer_failed(&before))
        return ERR_TOO_LARGE;
    if (writer_bytes(&asked).len == 0)
        return ERR_OK;
    err_t err = worker->driver->set(worker->device, object->ref, writer_bytes(&asked));
    if (err == ERR_OK)
        err = objects_refresh(&worker->objects, object);
    if (err != ERR_OK || template_dates_kept(template, object->attributes))
        return err;
    err = worker->driver->set(worker->device, object->ref, writer_bytes(&before));
    return err == ERR_OK ? ERR_ATTRIBUTE_VALUE : err;
}

/* A device that stops half-way may have changed some: what it says then is what clients see. */
static err_t set(struct request *request, struct object *object, const struct audit_event *event)
{
    struct worker *worker = request->worker;
    uint64_t intent;
    err_t err = account_for_begin(request, event, &intent);
    if (err != ERR_OK)
        return err;
    err = set_dates(worker, object, request->in->set_request.template);
    if (err == ERR_OK)
        err = worker->driver->set(worker->device, object->ref, request->in->set_request.template);
    const err_t seen = objects_refresh(&worker->objects, object);
    err = account_for_end(request, intent, err);
    return err == ERR_OK ? follow_device(worker, seen) : err;
}

err_t serve_set(struct request *request)
{
    const struct wire_set_request *in = &request->in->set_request;
    struct object *object;
    err_t err = find_object(request, in->object, &object);
    if (err != ERR_OK)
        return err;
    struct audit_event event = event_of(request, &object->key);
    event.data = in->template;
    err = template_check_change(TEMPLATE_SET, object->attributes, in->template);
    if (err == ERR_OK && object->attributes.len + in->template.len > WIRE_TEMPLATE_MAX)
        err = ERR_TOO_LARGE;
    if (err != ERR_OK)
        return refuse(request, &event, err);
    err = permit_change(request, object, in->template, &event);
    if (err == ERR_OK)
        err = set(request, object, &event);
    return err == ERR_OK ? answer_object(request, object) : err;
}

/* ---- copying ---- */

/* Nothing of such an object is secret, so that the copy is made of what is known of it: the same
 * way with every device, those without a C_CopyObject too, and under the rules of an import. */
static err_t complete_copy(
    const struct object *object, struct span asked, bool token, struct writer *list)
{
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer merged = writer_of(room, sizeof room);
    uint64_t key_type = 0;
    (void)attribute_get_ulong(object->attributes, ATTR_KEY_TYPE, &key_type);
    const struct template_kind *kind = template_find(object->key.class, key_type, TEMPLATE_IMPORT);
    if (kind == NULL)
        return ERR_ACTION_PROHIBITED;
    template_write_copy(kind, object->attributes, asked, &merged);
    return writer_failed(&merged) ? ERR_TOO_LARGE
                                  : template_complete(kind, writer_bytes(&merged), token, list);
}

static err_t permit_copy(
    struct request *request, const struct object *object, const struct audit_event *event)
{
    const struct wire_copy_request *in = &request->in->copy_request;
    struct audit_event result = *event;
    result.key = event->target;
    result.target = NULL;
    if (object->base != NULL || !attribute_get_bool(object->attributes, ATTR_COPYABLE, true))
        return refuse(request, event, ERR_ACTION_PROHIBITED);
    err_t err = permit(request, VERB_STORE, &result);
    if (err == ERR_OK)
        err = permit_trust(request, in->template, event);
    if (err == ERR_OK && attribute_get_bool(in->template, ATTR_PRIVATE, object->is_private))
        err = need_login(request, event);
    return err == ERR_OK ? object_room(request, in->session, 1, event) : err;
}

err_t serve_copy(struct request *request)
{
    struct worker *worker = request->worker;
    const struct wire_copy_request *in = &request->in->copy_request;
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    struct object *object;
    uint64_t intent;
    driver_ref ref = 0;
    err_t err = find_object(request, in->object, &object);
    if (err != ERR_OK)
        return err;
    struct audit_event event = event_of(request, &object->key);
    err = template_check_change(TEMPLATE_COPY, object->attributes, in->template);
    if (err != ERR_OK)
        return refuse(request, &event, err);
    const struct policy_key result = key_after(object, in->template);
    event.target = &result;
    err = permit_copy(request, object, &event);
    if (err == ERR_OK)
        err = complete_copy(object, in->template, in->session == 0, &list);
    if (err == ERR_OK)
        err = account_for_begin(request, &event, &intent);
    if (err != ERR_OK)
        return err;
    err = worker->driver->create(worker->device, writer_bytes(&list), &ref);
    return end_making(request, intent, err, ref, in->session, writer_bytes(&list));
}
