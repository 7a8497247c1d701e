/* SPDX-License-Identifier: MIT
 *
 * Keys that leave and enter, encrypted by another key. How long a wrapped key is follows from its
 * mechanism and its length, so that a size query is no round trip; where a device does not tell how
 * long its key is, the device is asked, and asked again for the wrapped key itself.
 */
#include "key.h"

#include "base/secret.h"
#include "ckr.h"
#include "listing.h"
#include "module.h"
#include "object.h"
#include "session.h"
#include "slot.h"
#include "template.h"

#include <string.h>

/* Wrapped in whole blocks: (length + padding) / block * block + extra bytes. block 0: as long as
 * the wrapping key's modulus. */
static const struct wrap_row {
    CK_MECHANISM_TYPE type;
    size_t block;
    size_t padding;
    size_t extra;
    size_t least; /* bytes of a wrapped key */
    bool exact;   /* takes whole blocks only, two at least */
} wrap_rows[] = {
    {CKM_AES_KEY_WRAP, 8, 0, 8, 24, true},      /* RFC 3394 */
    {CKM_AES_KEY_WRAP_PAD, 8, 7, 8, 16, false}, /* RFC 5649 */
    {CKM_RSA_PKCS, 0, 0, 0, 64, false},
    {CKM_RSA_PKCS_OAEP, 0, 0, 0, 64, false},
};

static const struct wrap_row *wrap_find(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < sizeof wrap_rows / sizeof wrap_rows[0]; i++)
        if (wrap_rows[i].type == type)
            return &wrap_rows[i];
    return NULL;
}

/* What is said of a key, in the words of wrapping and unwrapping (2.40, 5.13). That a size does not
 * fit is, of wrapping, said of the key that leaves: the other one's was looked at before. */
static const struct {
    CK_RV of_key;
    CK_RV wrapping;
    CK_RV unwrapping;
} words[] = {
    {CKR_KEY_HANDLE_INVALID, CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_UNWRAPPING_KEY_HANDLE_INVALID},
    {CKR_OBJECT_HANDLE_INVALID, CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_UNWRAPPING_KEY_HANDLE_INVALID},
    {CKR_KEY_TYPE_INCONSISTENT, CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
        CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT},
    {CKR_KEY_SIZE_RANGE, CKR_KEY_SIZE_RANGE, CKR_UNWRAPPING_KEY_SIZE_RANGE},
};

static CK_RV in_words_of(CK_FLAGS function, CK_RV rv)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].of_key == rv)
            return function == CKF_WRAP ? words[i].wrapping : words[i].unwrapping;
    return rv;
}

static size_t modulus_size(struct span attributes)
{
    struct span modulus = span_of(NULL, 0);
    (void)attribute_get(attributes, ATTR_MODULUS, &modulus);
    while (modulus.len > 0 && modulus.ptr[0] == 0)
        modulus = span_of(modulus.ptr + 1, modulus.len - 1);
    return modulus.len;
}

/* Of the key that wraps or unwraps; only those of RSA have sizes that a mechanism does not take. */
static CK_RV check_size(const struct slot *slot, const struct mechanism_row *row, struct span key)
{
    const CK_MECHANISM_INFO *info = token_mechanism(&slot->pool.token, row->type);
    const size_t bits = 8 * modulus_size(key);
    if (info == NULL || bits == 0 || (bits >= info->ulMinKeySize && bits <= info->ulMaxKeySize))
        return CKR_OK;
    return row->function == CKF_WRAP ? CKR_WRAPPING_KEY_SIZE_RANGE : CKR_UNWRAPPING_KEY_SIZE_RANGE;
}

/* Mechanism, parameter and wrapping key. The module's lock is held. */
static CK_RV choose_wrapping(const struct slot *slot, const CK_MECHANISM *mechanism,
    CK_FLAGS function, CK_OBJECT_HANDLE key, struct writer *parameter, struct span *ret_attributes)
{
    size_t tag_len;
    const struct mechanism_row *row = mechanism_find(mechanism->mechanism, function);
    if (row == NULL || wrap_find(mechanism->mechanism) == NULL)
        return CKR_MECHANISM_INVALID;
    CK_RV rv = row->parameter(mechanism, parameter, &tag_len);
    if (rv == CKR_OK)
        rv = in_words_of(function, key_choose(slot, key, row, ret_attributes));
    return rv == CKR_OK ? check_size(slot, row, *ret_attributes) : rv;
}

/* ---- wrapping ---- */

/* How long a key of len bytes is once it is wrapped; 0: that is not known. */
static CK_RV wrapped_size(
    const struct wrap_row *row, struct span wrapping_key, uint64_t len, size_t *ret_len)
{
    *ret_len = row->block == 0 ? modulus_size(wrapping_key) : 0;
    if (row->block == 0 || len == 0)
        return CKR_OK;
    if (len > WIRE_WRAPPED_MAX - 32 ||
        (row->exact && (len % row->block != 0 || len < 2 * row->block)))
        return CKR_KEY_SIZE_RANGE;
    *ret_len = ((size_t)len + row->padding) / row->block * row->block + row->extra;
    return CKR_OK;
}

/* Whether the key can be wrapped, and how long it is then; 0: that is not known (a private key; or
 * one of SoftHSM that was unwrapped, and whose length it does not tell). The module's lock is
 * held. */
static CK_RV measure_wrapped(const struct slot *slot, CK_MECHANISM_TYPE mechanism,
    struct span wrapping_key, CK_OBJECT_HANDLE key, size_t *ret_len)
{
    uint64_t class = CLASS_DATA;
    uint64_t len = 0;
    const struct object *object = snapshot_find(&slot->snapshot, key, slot->pool.instance);
    if (object == NULL)
        return CKR_KEY_HANDLE_INVALID;
    const struct span attributes = object_attributes(object);
    (void)attribute_get_ulong(attributes, ATTR_CLASS, &class);
    (void)attribute_get_ulong(attributes, ATTR_VALUE_LEN, &len);
    if (class != CLASS_SECRET_KEY && class != CLASS_PRIVATE_KEY)
        return class == CLASS_PUBLIC_KEY ? CKR_KEY_NOT_WRAPPABLE : CKR_KEY_HANDLE_INVALID;
    if (!attribute_get_bool(attributes, ATTR_EXTRACTABLE, false))
        return CKR_KEY_UNEXTRACTABLE;
    return wrapped_size(wrap_find(mechanism), wrapping_key, len, ret_len);
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

/* The worker says that a key is gone, and not which of the two. */
static CK_RV name_the_gone(struct slot *slot, CK_OBJECT_HANDLE wrapping_key)
{
    err_t err = listing_refresh(slot);
    if (err != ERR_OK)
        return ckr_of(err);
    module_lock(slot->module);
    const bool is_there = snapshot_find(&slot->snapshot, wrapping_key, slot->pool.instance) != NULL;
    module_unlock(slot->module);
    return is_there ? CKR_KEY_HANDLE_INVALID : CKR_WRAPPING_KEY_HANDLE_INVALID;
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
    if (err == ERR_OBJECT_GONE)
        return name_the_gone(session->slot, wrapping_key);
    if (err != ERR_OK)
        return in_words_of(CKF_WRAP, ckr_of(err));
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
    struct span attributes;
    size_t len = 0;
    if (mechanism == NULL || wrapped_len == NULL)
        return CKR_ARGUMENTS_BAD;
    module_lock(session->module);
    CK_RV rv = choose_wrapping(session->slot, mechanism, CKF_WRAP, wrapping_key, &w, &attributes);
    if (rv == CKR_OK)
        rv = measure_wrapped(session->slot, mechanism->mechanism, attributes, key, &len);
    module_unlock(session->module);
    if (rv != CKR_OK || (len > 0 && answers_size(len, wrapped, wrapped_len, &rv)))
        return rv;
    struct wire_wrap_request body = {
        .mechanism = (uint32_t)mechanism->mechanism, .parameter = writer_bytes(&w)};
    return ask_wrap(session, &body, wrapping_key, key, wrapped, wrapped_len);
}

/* ---- unwrapping ---- */

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
    return in_words_of(CKF_UNWRAP, ckr_of(err));
}

/* What no wrapped key can be so long as. */
static CK_RV check_wrapped_length(CK_MECHANISM_TYPE mechanism, CK_ULONG len)
{
    const struct wrap_row *row = wrap_find(mechanism);
    if (len < row->least || len > WIRE_WRAPPED_MAX || (row->block != 0 && len % row->block != 0))
        return CKR_WRAPPED_KEY_LEN_RANGE;
    return CKR_OK;
}

CK_RV key_unwrap(struct session *session, const CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE unwrapping_key, const unsigned char *wrapped, CK_ULONG wrapped_len,
    const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    uint8_t parameter[WIRE_PARAMETER_MAX];
    uint8_t template[WIRE_TEMPLATE_MAX];
    struct writer parameter_writer = writer_of(parameter, sizeof parameter);
    struct writer template_writer = writer_of(template, sizeof template);
    struct span ignored;
    if (mechanism == NULL || wrapped == NULL || key == NULL ||
        !template_is_given(attributes, count))
        return CKR_ARGUMENTS_BAD;
    module_lock(session->module);
    CK_RV rv = choose_wrapping(
        session->slot, mechanism, CKF_UNWRAP, unwrapping_key, &parameter_writer, &ignored);
    module_unlock(session->module);
    if (rv == CKR_OK)
        rv = check_wrapped_length(mechanism->mechanism, wrapped_len);
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
