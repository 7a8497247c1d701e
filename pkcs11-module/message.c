/* SPDX-License-Identifier: MIT
 *
 * Beginning and ending what is done message by message. The room for it is made when a session
 * first asks: few do.
 */
#include "message.h"

#include "base/secret.h"
#include "session.h"

#include <stdlib.h>

static const struct message_row {
    CK_FLAGS function;
    CK_FLAGS flag;
} rows[OPERATION_KINDS] = {
    [OPERATION_SIGN] = {CKF_SIGN, CKF_MESSAGE_SIGN},
    [OPERATION_VERIFY] = {CKF_VERIFY, CKF_MESSAGE_VERIFY},
    [OPERATION_ENCRYPT] = {CKF_ENCRYPT, CKF_MESSAGE_ENCRYPT},
    [OPERATION_DECRYPT] = {CKF_DECRYPT, CKF_MESSAGE_DECRYPT},
};

static const CK_FLAGS all_flags = CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY | CKF_MESSAGE_ENCRYPT |
                                  CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;

static bool is_cipher(enum operation_kind kind)
{
    return kind == OPERATION_ENCRYPT || kind == OPERATION_DECRYPT;
}

/* Of the ciphers those with a tag, which 3.0 has parameters for. */
CK_FLAGS message_flags(const struct mechanism_row *row)
{
    for (size_t kind = 0; kind < OPERATION_KINDS; kind++)
        if (rows[kind].function == row->function &&
            (!is_cipher((enum operation_kind)kind) || row->tagged))
            return rows[kind].flag | CKF_MULTI_MESSAGE;
    return 0;
}

CK_RV message_hide_flags(CK_RV rv, CK_MECHANISM_INFO *info)
{
    if (rv == CKR_OK)
        info->flags &= ~all_flags;
    return rv;
}

struct message_process *message_find(const struct session *session, enum operation_kind kind)
{
    struct message_process *process = session->messages;
    return process != NULL && process[kind].mechanism != NULL ? &process[kind] : NULL;
}

void message_swap(
    struct session *session, enum operation_kind kind, struct message_process *process)
{
    struct operation own = session->operations[kind];
    session->operations[kind] = process->current;
    process->current = own;
    secret_wipe(&own, sizeof own);
}

/* The mechanism's parameter may be missing, or be like those of the messages; only these count
 * (3.0 mechanisms, 2.13.3). The key is checked as in C_EncryptInit. */
static CK_RV begin_cipher(struct session *session, enum operation_kind kind,
    const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    uint8_t iv[12] = {0};
    CK_GCM_PARAMS some = {.pIv = iv, .ulIvLen = sizeof iv, .ulTagBits = 128};
    const CK_MECHANISM with_some = {mechanism->mechanism, &some, sizeof some};
    if (mechanism->ulParameterLen != 0 &&
        mechanism->ulParameterLen != sizeof(struct gcm_message_params))
        return CKR_MECHANISM_PARAM_INVALID;
    const CK_RV rv = operation_begin(session, kind, &with_some, key);
    operation_clear(&session->operations[kind]);
    return rv;
}

/* Where the session's own operation was. */
static CK_RV begin_in_place(struct session *session, enum operation_kind kind,
    const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct message_process *process)
{
    if (is_cipher(kind))
        return begin_cipher(session, kind, mechanism, key);
    const CK_RV rv = operation_begin(session, kind, mechanism, key);
    if (rv == CKR_OK) {
        process->fresh = session->operations[kind];
        session->operations[kind] = (struct operation){0};
    }
    return rv;
}

CK_RV message_begin(struct session *session, enum operation_kind kind,
    const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    const bool active = message_find(session, kind) != NULL;
    if (mechanism == NULL)
        return active ? message_end(session, kind) : CKR_ARGUMENTS_BAD;
    if (active)
        return CKR_OPERATION_ACTIVE;
    const struct mechanism_row *row = mechanism_find(mechanism->mechanism, rows[kind].function);
    if (row == NULL || message_flags(row) == 0)
        return CKR_MECHANISM_INVALID;
    if (session->messages == NULL)
        session->messages = calloc(OPERATION_KINDS, sizeof *session->messages);
    if (session->messages == NULL)
        return CKR_HOST_MEMORY;
    struct message_process *process = &session->messages[kind];
    message_swap(session, kind, process);
    const CK_RV rv = begin_in_place(session, kind, mechanism, key, process);
    message_swap(session, kind, process);
    if (rv == CKR_OK) {
        process->mechanism = row;
        process->key = key;
    }
    return rv;
}

CK_RV message_end(struct session *session, enum operation_kind kind)
{
    struct message_process *process = message_find(session, kind);
    if (process == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    message_swap(session, kind, process);
    operation_end(session, kind);
    message_swap(session, kind, process);
    operation_clear(&process->fresh);
    process->mechanism = NULL;
    return CKR_OK;
}

void message_clear(struct session *session)
{
    for (size_t kind = 0; session->messages != NULL && kind < OPERATION_KINDS; kind++) {
        operation_clear(&session->messages[kind].fresh);
        operation_clear(&session->messages[kind].current);
    }
    free(session->messages);
    session->messages = NULL;
}
