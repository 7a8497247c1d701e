/* SPDX-License-Identifier: MIT
 *
 * Choosing, making, wrapping and unwrapping keys. What a key may be is decided by the worker, whose
 * policy looks at the result; here only what a program can know is checked.
 */
#include "key.h"

#include "base/secret.h"
#include "ckr.h"
#include "module.h"
#include "object.h"
#include "session.h"
#include "slot.h"
#include "template.h"

#include <string.h>

enum { WRAP_BLOCK = 8 }; /* RFC 3394: keys of at least two blocks become one block longer */

/* ---- choosing ---- */

/* The module's lock is held. */
static bool is_offered(const struct slot *slot, const struct mechanism_row *row)
{
    const CK_MECHANISM_INFO *info = token_mechanism(&slot->pool.token, row->type);
    return info != NULL && (info->flags & row->function) != 0;
}

static bool is_key(uint64_t class)
{
    return class == CLASS_PRIVATE_KEY || class == CLASS_PUBLIC_KEY || class == CLASS_SECRET_KEY;
}

CK_RV key_choose(const struct slot *slot, CK_OBJECT_HANDLE handle, const struct mechanism_row *row,
    struct span *ret_attributes)
{
    uint64_t class = CLASS_DATA;
    uint64_t type = CK_UNAVAILABLE_INFORMATION;
    if (!is_offered(slot, row))
        return CKR_MECHANISM_INVALID;
    const struct object *key = snapshot_find(&slot->snapshot, handle, slot->pool.instance);
    if (key == NULL)
        return CKR_KEY_HANDLE_INVALID;
    *ret_attributes = object_attributes(key);
    (void)attribute_get_ulong(*ret_attributes, ATTR_CLASS, &class);
    (void)attribute_get_ulong(*ret_attributes, ATTR_KEY_TYPE, &type);
    if (!is_key(class))
        return CKR_KEY_HANDLE_INVALID;
    if (class != row->key_class || (type != row->key_types[0] && type != row->key_types[1]))
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!attribute_get_bool(*ret_attributes, mechanism_permission(row), false))
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    return mechanism_is_allowed(row, *ret_attributes) ? CKR_OK : CKR_MECHANISM_INVALID;
}

/* ---- making ---- */

static CK_RV check_generation(
    const struct session *session, const CK_MECHANISM *mechanism, CK_FLAGS function)
{
    struct writer nothing = writer_of(NULL, 0);
    size_t tag_len;
    const struct mechanism_row *row = mechanism_find(mechanism->mechanism, function);
    if (row == NULL)
        return CKR_MECHANISM_INVALID;
    CK_RV rv = row->parameter(mechanism, &nothing, &tag_len);
    if (rv != CKR_OK)
        return rv;
    module_lock(session->module);
    const bool offered = is_offered(session->slot, row);
    module_unlock(session->module);
    return offered ? CKR_OK : CKR_MECHANISM_INVALID;
}

CK_RV key_generate(struct session *session, const CK_MECHANISM *mechanism,
    const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    uint8_t template[WIRE_TEMPLATE_MAX];
    struct writer w = writer_of(template, sizeof template);
    if (mechanism == NULL || key == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = check_generation(session, mechanism, CKF_GENERATE);
    if (rv == CKR_OK)
        rv = template_write(attributes, count, &w);
    struct wire_generate_request body = {
        .mechanism = (uint32_t)mechanism->mechanism, .template = writer_bytes(&w)};
    if (rv == CKR_OK)
        rv = object_choose_owner(session, body.template, &body.session);
    if (rv == CKR_OK)
        rv = object_make(session, WIRE_GENERATE, &body, body.session, key, 1);
    secret_wipe(template, w.used); /* a program may give a value where none belongs */
    return rv;
}

/* Both keys have one owner: one on the token and the other in the session is refused. */
CK_RV key_generate_pair(struct session *session, const CK_MECHANISM *mechanism,
    const CK_ATTRIBUTE *public_attributes, CK_ULONG public_count,
    const CK_ATTRIBUTE *private_attributes, CK_ULONG private_count, CK_OBJECT_HANDLE *public_key,
    CK_OBJECT_HANDLE *private_key)
{
    uint8_t public_list[WIRE_TEMPLATE_MAX];
    uint8_t private_list[WIRE_TEMPLATE_MAX];
    struct writer public_writer = writer_of(public_list, sizeof public_list);
    struct writer private_writer = writer_of(private_list, sizeof private_list);
    if (mechanism == NULL || public_key == NULL || private_key == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = check_generation(session, mechanism, CKF_GENERATE_KEY_PAIR);
    if (rv == CKR_OK)
        rv = template_write(public_attributes, public_count, &public_writer);
    if (rv == CKR_OK)
        rv = template_write(private_attributes, private_count, &private_writer);
    if (rv != CKR_OK)
        return rv;

    struct wire_generate_pair_request body = {.mechanism = (uint32_t)mechanism->mechanism,
        .public_template = writer_bytes(&public_writer),
        .private_template = writer_bytes(&private_writer)};
    uint64_t private_owner = 0;
    rv = object_choose_owner(session, body.public_template, &body.session);
    if (rv == CKR_OK)
        rv = object_choose_owner(session, body.private_template, &private_owner);
    if (rv == CKR_OK && body.session != private_owner)
        rv = CKR_TEMPLATE_INCONSISTENT;
    CK_OBJECT_HANDLE handles[2];
    if (rv == CKR_OK)
        rv = object_make(session, WIRE_GENERATE_PAIR, &body, body.session, handles, 2);
    if (rv == CKR_OK) {
        *public_key = handles[0];
        *private_key = handles[1];
    }
    return rv;
}

/* ---- wrapping ---- */

/* The codes of key_choose, in the words of wrapping and unwrapping (2.40, 5.13). */
static CK_RV in_words_of(CK_FLAGS function, CK_RV rv)
{
    const bool wraps = function == CKF_WRAP;
    if (rv == CKR_KEY_HANDLE_INVALID)
        return wraps ? CKR_WRAPPING_KEY_HANDLE_INVALID : CKR_UNWRAPPING_KEY_HANDLE_INVALID;
    if (rv == CKR_KEY_TYPE_INCONSISTENT)
        return wraps ? CKR_WRAPPING_KEY_TYPE_INCONSISTENT : CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT;
    return rv;
}

/* Mechanism, parameter and wrapping key. The module's lock is held. */
static CK_RV choose_wrapping(const struct slot *slot, const CK_MECHANISM *mechanism,
    CK_FLAGS function, CK_OBJECT_HANDLE key, struct writer *parameter)
{
    size_t tag_len;
    struct span attributes;
    const struct mechanism_row *row = mechanism_find(mechanism->mechanism, function);
    if (row == NULL)
        return CKR_MECHANISM_INVALID;
    CK_RV rv = row->parameter(mechanism, parameter, &tag_len);
    return rv == CKR_OK ? in_words_of(function, key_choose(slot, key, row, &attributes)) : rv;
}

/* Whether the key can be wrapped, and how long it is then; 0: the device does not tell how long its
 * key is (SoftHSM, of one that was unwrapped). The module's lock is held. */
static CK_RV measure_wrapped(const struct slot *slot, CK_OBJECT_HANDLE key, size_t *ret_len)
{
    uint64_t class = CLASS_DATA;
    uint64_t len = 0;
    const struct object *object = snapshot_find(&slot->snapshot, key, slot->pool.instance);
    if (object == NULL)
        return CKR_KEY_HANDLE_INVALID;
    const struct span attributes = object_attributes(object);
    (void)attribute_get_ulong(attributes, ATTR_CLASS, &class);
    (void)attribute_get_ulong(attributes, ATTR_VALUE_LEN, &len);
    if (!is_key(class))
        return CKR_KEY_HANDLE_INVALID;
    if (!attribute_get_bool(attributes, ATTR_EXTRACTABLE, false))
        return CKR_KEY_UNEXTRACTABLE;
    if (class != CLASS_SECRET_KEY)
        return CKR_KEY_NOT_WRAPPABLE;
    *ret_len = 0;
    if (len == 0)
        return CKR_OK;
    if (len % WRAP_BLOCK != 0 || len < 2 * WRAP_BLOCK || len > WIRE_WRAPPED_MAX - WRAP_BLOCK)
        return CKR_KEY_SIZE_RANGE;
    *ret_len = (size_t)len + WRAP_BLOCK;
    return CKR_OK;
}

/* True where the program asks for the size, or has no room: *ret_rv is then the answer. */
static bool answers_size(
    size_t len, const unsigned char *wrapped, CK_ULONG *wrapped_len, CK_RV *ret_rv)
{
    const bool fits = wrapped != NULL && *wrapped_len >= len;
    *wrapped_len = fits ? *wrapped_len : len;
    *ret_rv = wrapped == NULL || fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    return !fits;
}

/* One round trip. */
static CK_RV ask_wrap(struct session *session, struct wire_wrap_request *body,
    CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, unsigned char *wrapped,
    CK_ULONG *wrapped_len)
{
    const struct slot_object objects[2] = {{wrapping_key, &body->object}, {key, &body->target}};
    struct pool_request request = {WIRE_WRAP, body, 0, true};
    struct wire_wrap_reply reply;
    struct pool_answer answer;
    CK_RV rv;
    err_t err = slot_call_objects(session->slot, objects, &request, &reply, &answer);
    if (err != ERR_OK)
        return ckr_of(err);
    if (!answers_size(reply.wrapped.len, wrapped, wrapped_len, &rv)) {
        memcpy(wrapped, reply.wrapped.ptr, reply.wrapped.len);
        *wrapped_len = reply.wrapped.len;
    }
    pool_release(&session->slot->pool, &answer);
    return rv;
}

CK_RV key_wrap(struct session *session, const CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, unsigned char *wrapped,
    CK_ULONG *wrapped_len)
{
    uint8_t parameter[WIRE_PARAMETER_MAX];
    struct writer w = writer_of(parameter, sizeof parameter);
    size_t len = 0;
    if (mechanism == NULL || wrapped_len == NULL)
        return CKR_ARGUMENTS_BAD;
    module_lock(session->module);
    CK_RV rv = choose_wrapping(session->slot, mechanism, CKF_WRAP, wrapping_key, &w);
    if (rv == CKR_OK)
        rv = measure_wrapped(session->slot, key, &len);
    module_unlock(session->module);
    if (rv != CKR_OK || (len > 0 && answers_size(len, wrapped, wrapped_len, &rv)))
        return rv;
    struct wire_wrap_request body = {
        .mechanism = (uint32_t)mechanism->mechanism, .parameter = writer_bytes(&w)};
    return ask_wrap(session, &body, wrapping_key, key, wrapped, wrapped_len);
}

static CK_RV ask_unwrap(struct session *session, struct wire_unwrap_request *body,
    CK_OBJECT_HANDLE unwrapping_key, CK_OBJECT_HANDLE *ret_key)
{
    struct pool_request request = {WIRE_UNWRAP, body, 0, true};
    struct wire_objects_reply reply;
    struct pool_answer answer;
    session->known = session->known || body->session != 0;
    err_t err =
        slot_call_object(session->slot, unwrapping_key, &request, &body->object, &reply, &answer);
    if (err == ERR_OK)
        err = object_learn(session, reply.objects, &answer, ret_key, 1);
    return ckr_of(err);
}

CK_RV key_unwrap(struct session *session, const CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE unwrapping_key, const unsigned char *wrapped, CK_ULONG wrapped_len,
    const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    uint8_t parameter[WIRE_PARAMETER_MAX];
    uint8_t template[WIRE_TEMPLATE_MAX];
    struct writer parameter_writer = writer_of(parameter, sizeof parameter);
    struct writer template_writer = writer_of(template, sizeof template);
    if (mechanism == NULL || wrapped == NULL || key == NULL)
        return CKR_ARGUMENTS_BAD;
    module_lock(session->module);
    CK_RV rv =
        choose_wrapping(session->slot, mechanism, CKF_UNWRAP, unwrapping_key, &parameter_writer);
    module_unlock(session->module);
    if (rv == CKR_OK && (wrapped_len % WRAP_BLOCK != 0 || wrapped_len < 3 * WRAP_BLOCK ||
                            wrapped_len > WIRE_WRAPPED_MAX))
        rv = CKR_WRAPPED_KEY_LEN_RANGE;
    if (rv == CKR_OK)
        rv = template_write(attributes, count, &template_writer);
    struct wire_unwrap_request body = {.mechanism = (uint32_t)mechanism->mechanism,
        .parameter = writer_bytes(&parameter_writer),
        .wrapped = span_of(wrapped, wrapped_len),
        .template = writer_bytes(&template_writer)};
    if (rv == CKR_OK)
        rv = object_choose_owner(session, body.template, &body.session);
    if (rv == CKR_OK)
        rv = ask_unwrap(session, &body, unwrapping_key, key);
    secret_wipe(template, template_writer.used);
    return rv;
}

CK_RV key_derive(struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
    const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    (void)session;
    (void)mechanism;
    (void)base_key;
    (void)attributes;
    (void)count;
    (void)key;
    return CKR_FUNCTION_NOT_SUPPORTED;
}
