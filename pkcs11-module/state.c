/* SPDX-License-Identifier: MIT
 *
 * The state of a session's operations: which of them can be saved, and putting them back.
 */
#include "state.h"

#include "cancel.h"
#include "message.h"
#include "module.h"
#include "saved_state.h"
#include "session.h"
#include "slot.h"

#include "base/secret.h"

#include <string.h>

/* ---- saving ---- */

static bool is_active(const struct session *session, enum operation_kind kind)
{
    return session->operations[kind].mechanism != NULL;
}

/* Of the two that can be saved, the one that is active; else OPERATION_ENCRYPT, which cannot. */
static enum operation_kind signature_kind(const struct session *session)
{
    if (is_active(session, OPERATION_SIGN))
        return OPERATION_SIGN;
    return is_active(session, OPERATION_VERIFY) ? OPERATION_VERIFY : OPERATION_ENCRYPT;
}

static unsigned count_active(const struct session *session)
{
    unsigned count = 0;
    for (size_t kind = 0; kind < OPERATION_KINDS; kind++) {
        count += session->operations[kind].mechanism != NULL ? 1 : 0;
        count += message_find(session, (enum operation_kind)kind) != NULL ? 1 : 0;
    }
    return count;
}

/* What tells one key from another, whatever handle it has. */
static CK_RV read_key(
    const struct session *session, CK_OBJECT_HANDLE key, uint8_t ret_key[SAVED_KEY])
{
    const struct slot *slot = session->slot;
    module_lock(session->module);
    const struct object *object = snapshot_find(&slot->snapshot, key, slot->pool.instance);
    if (object != NULL)
        memcpy(ret_key, object->identity, SAVED_KEY);
    module_unlock(session->module);
    return object != NULL ? CKR_OK : CKR_STATE_UNSAVEABLE;
}

static CK_RV collect_signature(
    const struct session *session, enum operation_kind kind, struct saved_operation *ret_saved)
{
    const struct operation *operation = &session->operations[kind];
    if (!saved_state_holds(operation->mechanism))
        return CKR_STATE_UNSAVEABLE;
    *ret_saved = (struct saved_operation){.mechanism = operation->mechanism,
        .kind = kind == OPERATION_SIGN ? SAVED_SIGN : SAVED_VERIFY,
        .updated = operation->updated,
        .hash = operation->hash};
    return read_key(session, operation->key, ret_saved->key);
}

static CK_RV collect(const struct session *session, struct saved_state *ret_state)
{
    const struct digest *digest = &session->digest;
    const enum operation_kind kind = signature_kind(session);
    const unsigned active = count_active(session);
    *ret_state = (struct saved_state){0};
    if (active == 0 && digest->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (active > (kind == OPERATION_ENCRYPT ? 0U : 1U) || digest->secret)
        return CKR_STATE_UNSAVEABLE;
    if (digest->mechanism != NULL)
        ret_state->digest = (struct saved_operation){.mechanism = digest->mechanism,
            .kind = SAVED_DIGEST,
            .updated = digest->updated,
            .hash = digest->hash};
    return active == 0 ? CKR_OK : collect_signature(session, kind, &ret_state->signature);
}

CK_RV state_get(struct session *session, unsigned char *state, CK_ULONG *state_len)
{
    struct saved_state saved;
    uint8_t bytes[SAVED_STATE_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    if (state_len == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = collect(session, &saved);
    if (rv != CKR_OK)
        return rv;
    saved_state_write(&saved, &w);
    const bool fits = state != NULL && *state_len >= w.used;
    if (fits)
        memcpy(state, bytes, w.used);
    else if (state != NULL)
        rv = CKR_BUFFER_TOO_SMALL;
    *state_len = w.used;
    secret_wipe(bytes, sizeof bytes);
    return writer_failed(&w) ? CKR_GENERAL_ERROR : rv;
}

/* ---- restoring ---- */

static CK_RV check_keys(const struct session *session, const struct saved_state *saved,
    CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)
{
    uint8_t key[SAVED_KEY];
    const bool has_key = saved->signature.mechanism != NULL;
    if (encryption_key != CK_INVALID_HANDLE ||
        (!has_key && authentication_key != CK_INVALID_HANDLE))
        return CKR_KEY_NOT_NEEDED;
    if (!has_key)
        return CKR_OK;
    if (authentication_key == CK_INVALID_HANDLE)
        return CKR_KEY_NEEDED;
    const bool same = read_key(session, authentication_key, key) == CKR_OK &&
                      memcmp(key, saved->signature.key, sizeof key) == 0;
    return same ? CKR_OK : CKR_KEY_CHANGED;
}

/* The key is checked anew, as C_SignInit does. */
static CK_RV restore_signature(
    struct session *session, const struct saved_operation *saved, CK_OBJECT_HANDLE key)
{
    const enum operation_kind kind = saved->kind == SAVED_SIGN ? OPERATION_SIGN : OPERATION_VERIFY;
    const CK_MECHANISM mechanism = {saved->mechanism->type, NULL, 0};
    const CK_RV rv = operation_begin(session, kind, &mechanism, key);
    if (rv == CKR_OK) {
        session->operations[kind].hash = saved->hash;
        session->operations[kind].updated = saved->updated;
    }
    return rv;
}

CK_RV state_set(struct session *session, const unsigned char *state, CK_ULONG state_len,
    CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)
{
    struct saved_state saved;
    if (state == NULL)
        return CKR_ARGUMENTS_BAD;
    if (saved_state_read(span_of(state, state_len), &saved) != ERR_OK)
        return CKR_SAVED_STATE_INVALID;
    CK_RV rv = check_keys(session, &saved, encryption_key, authentication_key);
    if (rv != CKR_OK)
        return rv;
    (void)cancel_operations(session, CANCEL_ALL);
    if (saved.signature.mechanism != NULL)
        rv = restore_signature(session, &saved.signature, authentication_key);
    if (rv == CKR_OK && saved.digest.mechanism != NULL)
        session->digest = (struct digest){.mechanism = saved.digest.mechanism,
            .updated = saved.digest.updated,
            .hash = saved.digest.hash};
    secret_wipe(&saved, sizeof saved);
    return rv;
}
