/* SPDX-License-Identifier: MIT
 *
 * Choosing, making and deriving keys. What a key may be is decided by the worker, whose policy
 * looks at the result; here only what a program can know is checked.
 */
#include "key.h"

#include "base/secret.h"
#include "ckr.h"
#include "module.h"
#include "object.h"
#include "session.h"
#include "slot.h"
#include "template.h"

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
    if (mechanism == NULL || key == NULL || !template_is_given(attributes, count))
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
    if (mechanism == NULL || public_key == NULL || private_key == NULL ||
        !template_is_given(public_attributes, public_count) ||
        !template_is_given(private_attributes, private_count))
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

/* ---- deriving ---- */

/* Class and type that a program leaves out are those that it can only mean: a generic secret. */
static void complete_derived(struct writer *template)
{
    struct span ignored;
    const struct span asked = writer_bytes(template);
    const bool has_class = attribute_get(asked, ATTR_CLASS, &ignored);
    const bool has_type = attribute_get(asked, ATTR_KEY_TYPE, &ignored);
    if (!has_class)
        attribute_put_ulong(template, ATTR_CLASS, CLASS_SECRET_KEY);
    if (!has_type)
        attribute_put_ulong(template, ATTR_KEY_TYPE, CKK_GENERIC_SECRET);
}

/* Mechanism, parameter and base key. */
static CK_RV choose_base(const struct session *session, const CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE base_key, struct writer *parameter)
{
    size_t tag_len;
    struct span attributes;
    const struct mechanism_row *row = mechanism_find(mechanism->mechanism, CKF_DERIVE);
    if (row == NULL)
        return CKR_MECHANISM_INVALID;
    CK_RV rv = row->parameter(mechanism, parameter, &tag_len);
    if (rv != CKR_OK)
        return rv;
    module_lock(session->module);
    rv = key_choose(session->slot, base_key, row, &attributes);
    module_unlock(session->module);
    return rv;
}

static CK_RV ask_derive(struct session *session, struct wire_derive_request *body,
    CK_OBJECT_HANDLE base_key, CK_OBJECT_HANDLE *ret_key)
{
    struct pool_request request = {WIRE_DERIVE, body, 0, true};
    struct wire_objects_reply reply;
    struct pool_answer answer;
    session->known = session->known || body->session != 0;
    err_t err = slot_call_object(session->slot, base_key, &request, &body->object, &reply, &answer);
    if (err == ERR_OK)
        err = object_learn(session, reply.objects, &answer, ret_key, 1);
    return err == ERR_OBJECT_GONE ? CKR_KEY_HANDLE_INVALID : ckr_of(err);
}

CK_RV key_derive(struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
    const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    uint8_t parameter[WIRE_PARAMETER_MAX];
    uint8_t template[WIRE_TEMPLATE_MAX];
    struct writer parameter_writer = writer_of(parameter, sizeof parameter);
    struct writer template_writer = writer_of(template, sizeof template);
    if (mechanism == NULL || key == NULL || !template_is_given(attributes, count))
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = choose_base(session, mechanism, base_key, &parameter_writer);
    if (rv == CKR_OK)
        rv = template_write(attributes, count, &template_writer);
    if (rv == CKR_OK)
        complete_derived(&template_writer);
    struct wire_derive_request body = {.mechanism = (uint32_t)mechanism->mechanism,
        .parameter = writer_bytes(&parameter_writer),
        .template = writer_bytes(&template_writer)};
    if (rv == CKR_OK)
        rv = object_choose_owner(session, body.template, &body.session);
    if (rv == CKR_OK)
        rv = ask_derive(session, &body, base_key, key);
    secret_wipe(template, template_writer.used);
    return rv;
}
