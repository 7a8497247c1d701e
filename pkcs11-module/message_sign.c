/* SPDX-License-Identifier: MIT
 *
 * Signing and verifying, message by message. An error ends the message and not what
 * C_MessageSignInit began.
 */
#include "message.h"

#include "ckr.h"
#include "session.h"
#include "sign.h"

/* Whether a message can begin, or (inside) go on. */
static CK_RV check(struct session *session, enum operation_kind kind, bool inside,
    CK_ULONG params_len, struct message_process **ret_process)
{
    struct message_process *process = message_find(session, kind);
    if (process == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (inside != (process->current.mechanism != NULL))
        return inside ? CKR_OPERATION_NOT_INITIALIZED : CKR_OPERATION_ACTIVE;
    *ret_process = process;
    return params_len == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV begin(struct session *session, enum operation_kind kind, CK_ULONG params_len,
    struct message_process **ret_process)
{
    const CK_RV rv = check(session, kind, false, params_len, ret_process);
    return rv != CKR_OK ? rv
                        : ckr_of(operation_copy(&(*ret_process)->fresh, &(*ret_process)->current));
}

CK_RV message_sign(struct session *session, CK_ULONG params_len, struct span data,
    unsigned char *signature, CK_ULONG *signature_len)
{
    struct message_process *process;
    CK_RV rv = begin(session, OPERATION_SIGN, params_len, &process);
    if (rv != CKR_OK)
        return rv;
    message_swap(session, OPERATION_SIGN, process);
    rv = sign_whole(session, data.ptr, data.len, signature, signature_len);
    operation_end(session, OPERATION_SIGN);
    message_swap(session, OPERATION_SIGN, process);
    return rv;
}

CK_RV message_verify(struct session *session, CK_ULONG params_len, struct span data,
    const unsigned char *signature, CK_ULONG signature_len)
{
    struct message_process *process;
    CK_RV rv = begin(session, OPERATION_VERIFY, params_len, &process);
    if (rv != CKR_OK)
        return rv;
    message_swap(session, OPERATION_VERIFY, process);
    rv = sign_verify_whole(session, data.ptr, data.len, signature, signature_len);
    operation_end(session, OPERATION_VERIFY);
    message_swap(session, OPERATION_VERIFY, process);
    return rv;
}

CK_RV message_sign_begin(struct session *session, enum operation_kind kind, CK_ULONG params_len)
{
    struct message_process *process;
    return begin(session, kind, params_len, &process);
}

/* A part; where that fails, the message is over. */
static CK_RV take(struct session *session, enum operation_kind kind, CK_RV rv, struct span part)
{
    if (rv == CKR_OK)
        return sign_update(session, kind, part.ptr, part.len);
    operation_end(session, kind);
    return rv;
}

/* The size is answered before the part is taken: the program gives it again. */
CK_RV message_sign_next(struct session *session, CK_ULONG params_len, struct span part,
    unsigned char *signature, CK_ULONG *signature_len)
{
    struct message_process *process = NULL;
    CK_RV rv = check(session, OPERATION_SIGN, true, params_len, &process);
    if (process == NULL)
        return rv;
    const size_t size = process->current.signature_len;
    if (rv == CKR_OK && signature_len != NULL && (signature == NULL || *signature_len < size)) {
        *signature_len = size;
        return signature == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    }
    message_swap(session, OPERATION_SIGN, process);
    rv = take(session, OPERATION_SIGN, rv, part);
    if (rv == CKR_OK && signature_len != NULL)
        rv = sign_finish(session, signature, signature_len);
    message_swap(session, OPERATION_SIGN, process);
    return rv;
}

CK_RV message_verify_next(struct session *session, CK_ULONG params_len, struct span part,
    const unsigned char *signature, CK_ULONG signature_len)
{
    struct message_process *process = NULL;
    CK_RV rv = check(session, OPERATION_VERIFY, true, params_len, &process);
    if (process == NULL)
        return rv;
    message_swap(session, OPERATION_VERIFY, process);
    rv = take(session, OPERATION_VERIFY, rv, part);
    if (rv == CKR_OK && signature != NULL)
        rv = sign_verify_finish(session, signature, signature_len);
    message_swap(session, OPERATION_VERIFY, process);
    return rv;
}
