/* SPDX-License-Identifier: MIT
 *
 * Signatures, made and verified. Only a size query and CKR_BUFFER_TOO_SMALL leave an operation
 * active (2.40, 5.11).
 */
#include "sign.h"

#include "ckr.h"
#include "session.h"

/* True where the program asks for the size, or has no room: *ret_rv is then the answer, and the
 * operation goes on. */
static bool answers_size(const struct operation *operation, const unsigned char *signature,
    CK_ULONG *signature_len, CK_RV *ret_rv)
{
    const bool fits = signature != NULL && *signature_len >= operation->signature_len;
    *signature_len = operation->signature_len;
    *ret_rv = signature == NULL || fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    return !fits;
}

/* signature has room for operation->signature_len bytes. */
static CK_RV sign_data(
    struct session *session, enum operation_kind kind, struct span data, unsigned char *signature)
{
    const size_t len = session->operations[kind].signature_len;
    struct writer w = writer_of(signature, len);
    err_t err = operation_finish(session, kind, data, span_of(NULL, 0), &w);
    if (err == ERR_OK && w.used != len)
        err = ERR_DEVICE;
    return ckr_of(err);
}

CK_RV sign_whole_as(struct session *session, enum operation_kind kind, const unsigned char *data,
    CK_ULONG data_len, unsigned char *signature, CK_ULONG *signature_len)
{
    const struct operation *operation = &session->operations[kind];
    CK_RV rv;
    if (operation->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (operation->updated)
        rv = CKR_OPERATION_ACTIVE; /* C_Sign does not end what C_SignUpdate began */
    else if ((data == NULL && data_len != 0) || signature_len == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if (answers_size(operation, signature, signature_len, &rv))
        return rv;
    else
        rv = sign_data(session, kind, span_of(data, data_len), signature);
    operation_end(session, kind);
    return rv;
}

CK_RV sign_whole(struct session *session, const unsigned char *data, CK_ULONG data_len,
    unsigned char *signature, CK_ULONG *signature_len)
{
    return sign_whole_as(session, OPERATION_SIGN, data, data_len, signature, signature_len);
}

CK_RV sign_update(
    struct session *session, enum operation_kind kind, const unsigned char *part, CK_ULONG part_len)
{
    const struct operation *operation = &session->operations[kind];
    CK_RV rv;
    if (operation->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (part == NULL && part_len != 0)
        rv = CKR_ARGUMENTS_BAD;
    else
        rv = ckr_of(operation_absorb(session, kind, span_of(part, part_len)));
    if (rv != CKR_OK)
        operation_end(session, kind);
    return rv;
}

CK_RV sign_finish(struct session *session, unsigned char *signature, CK_ULONG *signature_len)
{
    const struct operation *operation = &session->operations[OPERATION_SIGN];
    CK_RV rv;
    if (operation->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (signature_len == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if (answers_size(operation, signature, signature_len, &rv))
        return rv;
    else
        rv = sign_data(session, OPERATION_SIGN, span_of(NULL, 0), signature);
    operation_end(session, OPERATION_SIGN);
    return rv;
}

static CK_RV verify_data(
    struct session *session, struct span data, const unsigned char *signature, CK_ULONG len)
{
    struct writer nothing = writer_of(NULL, 0);
    if (signature == NULL)
        return CKR_ARGUMENTS_BAD;
    if (len != session->operations[OPERATION_VERIFY].signature_len)
        return CKR_SIGNATURE_LEN_RANGE;
    return ckr_of(
        operation_finish(session, OPERATION_VERIFY, data, span_of(signature, len), &nothing));
}

CK_RV sign_verify_whole(struct session *session, const unsigned char *data, CK_ULONG data_len,
    const unsigned char *signature, CK_ULONG signature_len)
{
    const struct operation *operation = &session->operations[OPERATION_VERIFY];
    CK_RV rv;
    if (operation->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (operation->updated)
        rv = CKR_OPERATION_ACTIVE;
    else if (data == NULL && data_len != 0)
        rv = CKR_ARGUMENTS_BAD;
    else
        rv = verify_data(session, span_of(data, data_len), signature, signature_len);
    operation_end(session, OPERATION_VERIFY);
    return rv;
}

CK_RV sign_verify_finish(
    struct session *session, const unsigned char *signature, CK_ULONG signature_len)
{
    if (session->operations[OPERATION_VERIFY].mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = verify_data(session, span_of(NULL, 0), signature, signature_len);
    operation_end(session, OPERATION_VERIFY);
    return rv;
}
