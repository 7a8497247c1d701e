/* SPDX-License-Identifier: MIT
 *
 * Objects. Templates are checked for form here and for meaning by the worker, whose policy looks at
 * the result.
 */
#include "object.h"

#include "base/secret.h"
#include "ckr.h"
#include "module.h"
#include "session.h"
#include "slot.h"
#include "template.h"

/* The lock is held. */
static struct object *find_object(const struct session *session, CK_OBJECT_HANDLE handle)
{
    return snapshot_find(&session->slot->snapshot, handle, session->slot->pool.instance);
}

CK_RV object_get_size(struct session *session, CK_OBJECT_HANDLE handle, CK_ULONG *size)
{
    if (size == NULL)
        return CKR_ARGUMENTS_BAD;
    module_lock(session->module);
    const struct object *object = find_object(session, handle);
    if (object != NULL)
        *size = object->attributes_len;
    module_unlock(session->module);
    return object != NULL ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}

/* ---- reading ---- */

/* The value of a secret: one round trip, for the session that owns it alone. It stays in no memory
 * of ours. */
static CK_RV ask_value(struct session *session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *attribute)
{
    struct wire_value_request body = {.session = session->handle};
    struct pool_request request = {WIRE_VALUE, &body, 0, true};
    struct wire_value_reply reply;
    struct pool_answer answer;
    err_t err = slot_call_object(session->slot, handle, &request, &body.object, &reply, &answer);
    if (err != ERR_OK) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return err == ERR_DENIED ? CKR_ATTRIBUTE_SENSITIVE : ckr_of(err);
    }
    CK_RV rv = template_fill_bytes(attribute, reply.value);
    secret_wipe((void *)(uintptr_t)reply.value.ptr, reply.value.len);
    pool_release(&session->slot->pool, &answer);
    return rv;
}

/* Where the length is known, a size query or too little room is no round trip. */
static CK_RV read_value(
    struct session *session, CK_OBJECT_HANDLE handle, uint64_t len, CK_ATTRIBUTE *attribute)
{
    if (len == 0 || (attribute->pValue != NULL && attribute->ulValueLen >= len))
        return ask_value(session, handle, attribute);
    const bool only_size = attribute->pValue == NULL;
    attribute->ulValueLen = only_size ? (CK_ULONG)len : CK_UNAVAILABLE_INFORMATION;
    return only_size ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

static CK_RV read_one(struct session *session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *attribute)
{
    uint64_t len = 0;
    bool told = false;
    CK_RV rv = CKR_OBJECT_HANDLE_INVALID;
    module_lock(session->module);
    const struct object *object = find_object(session, handle);
    if (object != NULL) {
        told = template_value_is_told(object_attributes(object), attribute->type);
        (void)attribute_get_ulong(object_attributes(object), ATTR_VALUE_LEN, &len);
        rv = told ? CKR_OK : template_read(object_attributes(object), attribute);
    }
    module_unlock(session->module);
    return told ? read_value(session, handle, len, attribute) : rv;
}

/* All attributes are worked on, also after one that fails (2.40, 5.7.5). */
CK_RV object_get_attributes(
    struct session *session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    if ((attributes == NULL && count != 0) || count > TEMPLATE_COUNT_MAX)
        return CKR_ARGUMENTS_BAD;
    module_lock(session->module);
    CK_RV first = find_object(session, handle) != NULL ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
    module_unlock(session->module);
    for (CK_ULONG i = 0; first != CKR_OBJECT_HANDLE_INVALID && i < count; i++) {
        CK_RV rv = read_one(session, handle, &attributes[i]);
        if (first == CKR_OK)
            first = rv;
    }
    return first;
}

/* ---- changing, making, destroying ---- */

/* Whether the session may change this object. */
static CK_RV check_change(const struct session *session, CK_OBJECT_HANDLE handle)
{
    module_lock(session->module);
    const struct object *object = find_object(session, handle);
    const bool of_token = object != NULL && object->session == 0;
    module_unlock(session->module);
    if (object == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    return of_token && !session_is_read_write(session) ? CKR_SESSION_READ_ONLY : CKR_OK;
}

CK_RV object_destroy(struct session *session, CK_OBJECT_HANDLE handle)
{
    struct slot *slot = session->slot;
    CK_RV rv = check_change(session, handle);
    if (rv != CKR_OK)
        return rv;
    struct wire_destroy_request body;
    struct pool_request request = {WIRE_DESTROY, &body, 0, true};
    struct pool_answer answer;
    err_t err = slot_call_object(slot, handle, &request, &body.object, NULL, &answer);
    if (err == ERR_OK)
        pool_release(&slot->pool, &answer);
    if (err == ERR_OK || err == ERR_OBJECT_GONE) {
        module_lock(session->module);
        snapshot_remove(&slot->snapshot, handle);
        module_unlock(session->module);
    }
    return ckr_of(err);
}

err_t object_learn(struct session *session, struct span objects, struct pool_answer *answer,
    CK_OBJECT_HANDLE *ret_handles, size_t count)
{
    const struct snapshot_news news = {answer->connection.instance, answer->generation, objects};
    module_lock(session->module);
    err_t err = snapshot_add(&session->slot->snapshot, &news, ret_handles, count);
    module_unlock(session->module);
    pool_release(&session->slot->pool, answer);
    return err;
}

CK_RV object_set_attributes(struct session *session, CK_OBJECT_HANDLE handle,
    const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    uint8_t template[WIRE_TEMPLATE_MAX];
    struct writer w = writer_of(template, sizeof template);
    CK_RV rv = check_change(session, handle);
    if (rv == CKR_OK)
        rv = template_write(attributes, count, &w);
    if (rv == CKR_OK) {
        struct wire_set_request body = {0, writer_bytes(&w)};
        struct pool_request request = {WIRE_SET, &body, 0, true};
        struct wire_objects_reply reply;
        struct pool_answer answer;
        err_t err =
            slot_call_object(session->slot, handle, &request, &body.object, &reply, &answer);
        if (err == ERR_OK)
            err = object_learn(session, reply.objects, &answer, NULL, 0);
        rv = ckr_of(err);
    }
    secret_wipe(template, w.used);
    return rv;
}

CK_RV object_choose_owner(
    const struct session *session, struct span template, uint64_t *ret_session)
{
    const bool token = attribute_get_bool(template, ATTR_TOKEN, false);
    if (token && !session_is_read_write(session))
        return CKR_SESSION_READ_ONLY;
    *ret_session = token ? 0 : session->handle;
    return CKR_OK;
}

CK_RV object_make(struct session *session, enum wire_operation operation, const void *body,
    uint64_t owner, CK_OBJECT_HANDLE *ret_handles, size_t count)
{
    const struct pool_request request = {operation, body, 0, true};
    struct wire_objects_reply reply;
    struct pool_answer answer;
    session->known = session->known || owner != 0;
    err_t err = pool_call(&session->slot->pool, &request, &reply, &answer);
    if (err == ERR_OK)
        err = object_learn(session, reply.objects, &answer, ret_handles, count);
    return ckr_of(err);
}

CK_RV object_create(struct session *session, const CK_ATTRIBUTE *attributes, CK_ULONG count,
    CK_OBJECT_HANDLE *object)
{
    uint8_t template[WIRE_TEMPLATE_MAX];
    struct writer w = writer_of(template, sizeof template);
    struct wire_create_request body;
    if (object == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = template_write(attributes, count, &w);
    body.template = writer_bytes(&w);
    if (rv == CKR_OK)
        rv = object_choose_owner(session, body.template, &body.session);
    if (rv == CKR_OK)
        rv = object_make(session, WIRE_CREATE, &body, body.session, object, 1);
    secret_wipe(template, w.used);
    return rv;
}

/* Whether the object may be copied, and who shall own the copy where the template does not say: the
 * token what the token has. */
static CK_RV check_copy(
    const struct session *session, CK_OBJECT_HANDLE handle, struct writer *template)
{
    CK_RV rv = CKR_OK;
    struct span ignored;
    module_lock(session->module);
    const struct object *object = find_object(session, handle);
    if (object == NULL)
        rv = CKR_OBJECT_HANDLE_INVALID;
    else if (!attribute_get_bool(object_attributes(object), ATTR_COPYABLE, true))
        rv = CKR_ACTION_PROHIBITED;
    else if (!attribute_get(writer_bytes(template), ATTR_TOKEN, &ignored))
        attribute_put_bool(template, ATTR_TOKEN, object->session == 0);
    module_unlock(session->module);
    return rv == CKR_OK && template->failed ? CKR_TEMPLATE_INCONSISTENT : rv;
}

static CK_RV ask_copy(struct session *session, CK_OBJECT_HANDLE object,
    struct wire_copy_request *body, CK_OBJECT_HANDLE *ret_copy)
{
    struct pool_request request = {WIRE_COPY, body, 0, true};
    struct wire_objects_reply reply;
    struct pool_answer answer;
    session->known = session->known || body->session != 0;
    err_t err = slot_call_object(session->slot, object, &request, &body->object, &reply, &answer);
    if (err == ERR_OK)
        err = object_learn(session, reply.objects, &answer, ret_copy, 1);
    return ckr_of(err);
}

CK_RV object_copy(struct session *session, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *attributes,
    CK_ULONG count, CK_OBJECT_HANDLE *copy)
{
    uint8_t template[WIRE_TEMPLATE_MAX];
    struct writer w = writer_of(template, sizeof template);
    struct wire_copy_request body = {0};
    if (copy == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = template_write(attributes, count, &w);
    if (rv == CKR_OK)
        rv = check_copy(session, object, &w);
    body.template = writer_bytes(&w);
    if (rv == CKR_OK)
        rv = object_choose_owner(session, body.template, &body.session);
    if (rv == CKR_OK)
        rv = ask_copy(session, object, &body, copy);
    secret_wipe(template, w.used);
    return rv;
}
