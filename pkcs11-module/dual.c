/* SPDX-License-Identifier: MIT
 *
 * Two operations on the same data (2.40, 5.12).
 */
#include "dual.h"

CK_RV dual_digest_encrypt(struct session *session, const unsigned char *part, CK_ULONG part_len, unsigned char *encrypted, CK_ULONG *encrypted_len)
{
    (void)session;
    (void)part;
    (void)part_len;
    (void)encrypted;
    (void)encrypted_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV dual_decrypt_digest(struct session *session, const unsigned char *encrypted, CK_ULONG encrypted_len, unsigned char *part, CK_ULONG *part_len)
{
    (void)session;
    (void)encrypted;
    (void)encrypted_len;
    (void)part;
    (void)part_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV dual_sign_encrypt(struct session *session, const unsigned char *part, CK_ULONG part_len, unsigned char *encrypted, CK_ULONG *encrypted_len)
{
    (void)session;
    (void)part;
    (void)part_len;
    (void)encrypted;
    (void)encrypted_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV dual_decrypt_verify(struct session *session, const unsigned char *encrypted, CK_ULONG encrypted_len, unsigned char *part, CK_ULONG *part_len)
{
    (void)session;
    (void)encrypted;
    (void)encrypted_len;
    (void)part;
    (void)part_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}
