/* SPDX-License-Identifier: MIT
 *
 * Signatures that hold their data.
 */
#include "recover.h"

CK_RV recover_sign_begin(struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session;
    (void)mechanism;
    (void)key;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV recover_sign(struct session *session, const unsigned char *data, CK_ULONG data_len, unsigned char *signature, CK_ULONG *signature_len)
{
    (void)session;
    (void)data;
    (void)data_len;
    (void)signature;
    (void)signature_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV recover_verify_begin(struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session;
    (void)mechanism;
    (void)key;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV recover_verify(struct session *session, const unsigned char *signature, CK_ULONG signature_len, unsigned char *data, CK_ULONG *data_len)
{
    (void)session;
    (void)signature;
    (void)signature_len;
    (void)data;
    (void)data_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}
