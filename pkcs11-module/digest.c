/* SPDX-License-Identifier: MIT
 *
 * Digests. Only a size query, CKR_BUFFER_TOO_SMALL, and a key that cannot be digested leave an
 * operation active.
 */
#include "digest.h"

#include "base/secret.h"
#include "ckr.h"
#include "module.h"
#include "session.h"
#include "slot.h"

#include <string.h>

void digest_clear(struct digest *digest)
{
    secret_wipe(digest, sizeof *digest);
}

CK_RV digest_begin(struct session *session, const CK_MECHANISM *mechanism)
{
    struct digest *digest = &session->digest;
    const bool active = digest->mechanism != NULL;
    if (mechanism == NULL) {
        digest_clear(digest);
        return active ? CKR_OK : CKR_ARGUMENTS_BAD;
    }
    if (active)
        return CKR_OPERATION_ACTIVE;
    const struct mechanism_row *row = mechanism_find(mechanism->mechanism, CKF_DIGEST);
    if (row == NULL)
        return CKR_MECHANISM_INVALID;
    if (mechanism->ulParameterLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    row->hash->init(&digest->hash);
    digest->mechanism = row;
    return CKR_OK;
}

static void absorb(struct digest *digest, struct span data)
{
    if (data.len > 0)
        digest->mechanism->hash->update(&digest->hash, data.len, data.ptr);
}

/* The end, or the answer to a size query: *ret_ends tells them apart. */
static CK_RV give(
    struct digest *digest, struct span data, unsigned char *out, CK_ULONG *out_len, bool *ret_ends)
{
    const struct nettle_hash *hash = digest->mechanism->hash;
    const bool fits = out != NULL && *out_len >= hash->digest_size;
    *out_len = hash->digest_size;
    *ret_ends = fits;
    if (!fits)
        return out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    absorb(digest, data);
    hash->digest(&digest->hash, hash->digest_size, out);
    return CKR_OK;
}

CK_RV digest_whole(struct session *session, const unsigned char *data, CK_ULONG data_len,
    unsigned char *digest, CK_ULONG *digest_len)
{
    struct digest *active = &session->digest;
    bool ends = true;
    CK_RV rv;
    if (active->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (active->updated)
        rv = CKR_OPERATION_ACTIVE; /* C_Digest does not end what C_DigestUpdate began */
    else if ((data == NULL && data_len != 0) || digest_len == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else
        rv = give(active, span_of(data, data_len), digest, digest_len, &ends);
    if (ends)
        digest_clear(active);
    return rv;
}

CK_RV digest_update(struct session *session, const unsigned char *part, CK_ULONG part_len)
{
    struct digest *active = &session->digest;
    if (active->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (part == NULL && part_len != 0) {
        digest_clear(active);
        return CKR_ARGUMENTS_BAD;
    }
    active->updated = true;
    absorb(active, span_of(part, part_len));
    return CKR_OK;
}

/* Whether a program could read the value as well. The module's lock is held. */
static CK_RV check_key(const struct session *session, CK_OBJECT_HANDLE key)
{
    const struct slot *slot = session->slot;
    uint64_t class = CLASS_DATA;
    const struct object *object = snapshot_find(&slot->snapshot, key, slot->pool.instance);
    if (object == NULL)
        return CKR_KEY_HANDLE_INVALID;
    const struct span attributes = object_attributes(object);
    (void)attribute_get_ulong(attributes, ATTR_CLASS, &class);
    if (class != CLASS_SECRET_KEY && class != CLASS_PRIVATE_KEY && class != CLASS_PUBLIC_KEY)
        return CKR_KEY_HANDLE_INVALID;
    const bool readable = class == CLASS_SECRET_KEY && object->session == session->handle &&
                          !attribute_get_bool(attributes, ATTR_SENSITIVE, true);
    return readable ? CKR_OK : CKR_KEY_INDIGESTIBLE;
}

/* One round trip. The worker has the last word on who may have the value. */
static CK_RV absorb_key(struct session *session, CK_OBJECT_HANDLE key)
{
    struct wire_value_request body = {.session = session->handle};
    struct pool_request request = {WIRE_VALUE, &body, 0, true};
    struct wire_value_reply reply;
    struct pool_answer answer;
    err_t err = slot_call_object(session->slot, key, &request, &body.object, &reply, &answer);
    if (err == ERR_ATTRIBUTE_SENSITIVE || err == ERR_DENIED)
        return CKR_KEY_INDIGESTIBLE;
    if (err == ERR_OBJECT_GONE)
        return CKR_KEY_HANDLE_INVALID;
    if (err != ERR_OK)
        return ckr_of(err);
    session->digest.updated = true;
    session->digest.secret = true;
    absorb(&session->digest, reply.value);
    secret_wipe_span(reply.value);
    pool_release(&session->slot->pool, &answer);
    return CKR_OK;
}

CK_RV digest_key(struct session *session, CK_OBJECT_HANDLE key)
{
    if (session->digest.mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    module_lock(session->module);
    const CK_RV rv = check_key(session, key);
    module_unlock(session->module);
    return rv == CKR_OK ? absorb_key(session, key) : rv;
}

CK_RV digest_finish(struct session *session, unsigned char *digest, CK_ULONG *digest_len)
{
    struct digest *active = &session->digest;
    bool ends = true;
    CK_RV rv = CKR_ARGUMENTS_BAD;
    if (active->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (digest_len != NULL)
        rv = give(active, span_of(NULL, 0), digest, digest_len, &ends);
    if (ends)
        digest_clear(active);
    return rv;
}
