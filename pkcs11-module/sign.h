/* SPDX-License-Identifier: MIT
 *
 * C_Sign, C_Verify and their kin. Sizes are answered here; one round trip a signature.
 */
#ifndef PKCS11_MODULE_SIGN_H
#define PKCS11_MODULE_SIGN_H

#include "operation.h"

/* The implementations of C_Sign, C_SignFinal, C_Verify and C_VerifyFinal; sign_update that of
 * C_SignUpdate and C_VerifyUpdate. */
CK_RV sign_whole(struct session *session, const unsigned char *data, CK_ULONG data_len,
    unsigned char *signature, CK_ULONG *signature_len);
/* The same for OPERATION_SIGN or OPERATION_SIGN_RECOVER. */
CK_RV sign_whole_as(struct session *session, enum operation_kind kind, const unsigned char *data,
    CK_ULONG data_len, unsigned char *signature, CK_ULONG *signature_len);
CK_RV sign_update(struct session *session, enum operation_kind kind, const unsigned char *part,
    CK_ULONG part_len);
CK_RV sign_finish(struct session *session, unsigned char *signature, CK_ULONG *signature_len);
CK_RV sign_verify_whole(struct session *session, const unsigned char *data, CK_ULONG data_len,
    const unsigned char *signature, CK_ULONG signature_len);
CK_RV sign_verify_finish(
    struct session *session, const unsigned char *signature, CK_ULONG signature_len);

#endif
