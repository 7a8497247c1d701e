/* SPDX-License-Identifier: MIT
 *
 * Signatures that hold their data. Only a size query and CKR_BUFFER_TOO_SMALL leave an operation
 * active.
 */
#include "recover.h"

#include "ckr.h"
#include "session.h"
#include "sign.h"
#include "verify_public.h"

#include <string.h>

CK_RV recover_sign_begin(
    struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return operation_begin(session, OPERATION_SIGN_RECOVER, mechanism, key);
}

CK_RV recover_sign(struct session *session, const unsigned char *data, CK_ULONG data_len,
    unsigned char *signature, CK_ULONG *signature_len)
{
    return sign_whole_as(session, OPERATION_SIGN_RECOVER, data, data_len, signature, signature_len);
}

CK_RV recover_verify_begin(
    struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return operation_begin(session, OPERATION_VERIFY_RECOVER, mechanism, key);
}

/* Nothing is kept of what was found: opening it again costs some microseconds. */
static CK_RV open_signature(
    const struct operation *operation, struct span signature, struct writer *out)
{
    struct public_key key;
    if (signature.ptr == NULL)
        return CKR_ARGUMENTS_BAD;
    if (signature.len != operation->signature_len)
        return CKR_SIGNATURE_LEN_RANGE;
    if (!public_key_read(buffer_bytes(&operation->public_key), &key))
        return CKR_GENERAL_ERROR;
    return ckr_of(verify_rsa_recover(&key, signature, out));
}

CK_RV recover_verify(struct session *session, const unsigned char *signature,
    CK_ULONG signature_len, unsigned char *data, CK_ULONG *data_len)
{
    const struct operation *operation = &session->operations[OPERATION_VERIFY_RECOVER];
    uint8_t found[PUBLIC_KEY_MODULUS_MAX];
    struct writer w = writer_of(found, sizeof found);
    CK_RV rv = CKR_ARGUMENTS_BAD;
    if (operation->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (data_len != NULL)
        rv = open_signature(operation, span_of(signature, signature_len), &w);
    if (rv == CKR_OK) {
        const bool fits = data != NULL && *data_len >= w.used;
        *data_len = w.used;
        if (!fits)
            return data == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
        memcpy(data, found, w.used);
    }
    operation_end(session, OPERATION_VERIFY_RECOVER);
    return rv;
}
