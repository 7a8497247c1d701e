/* SPDX-License-Identifier: MIT
 *
 * Signatures that hold their data: CKM_RSA_PKCS. They are made where the device offers it, and
 * opened in the module.
 */
#ifndef PKCS11_MODULE_RECOVER_H
#define PKCS11_MODULE_RECOVER_H

#include <p11-kit/pkcs11.h>

struct session;

/* The implementations of C_SignRecoverInit … C_VerifyRecover (2.40, 5.12, 5.14). */
CK_RV recover_sign_begin(
    struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV recover_sign(struct session *session, const unsigned char *data, CK_ULONG data_len,
    unsigned char *signature, CK_ULONG *signature_len);
CK_RV recover_verify_begin(
    struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV recover_verify(struct session *session, const unsigned char *signature,
    CK_ULONG signature_len, unsigned char *data, CK_ULONG *data_len);

#endif
