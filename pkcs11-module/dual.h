/* SPDX-License-Identifier: MIT
 *
 * Two operations on the same data (2.40, 5.12). Each is begun and ended by itself; the data passes
 * to the second only where the first has taken it.
 */
#ifndef PKCS11_MODULE_DUAL_H
#define PKCS11_MODULE_DUAL_H

#include <p11-kit/pkcs11.h>

struct session;

/* The implementations of C_DigestEncryptUpdate … C_DecryptVerifyUpdate. What goes in and what
 * comes out may be in the same place. CKR_OPERATION_NOT_INITIALIZED unless both are active. */
CK_RV dual_digest_encrypt(struct session *session, const unsigned char *part, CK_ULONG part_len,
    unsigned char *encrypted, CK_ULONG *encrypted_len);
CK_RV dual_decrypt_digest(struct session *session, const unsigned char *encrypted,
    CK_ULONG encrypted_len, unsigned char *part, CK_ULONG *part_len);
CK_RV dual_sign_encrypt(struct session *session, const unsigned char *part, CK_ULONG part_len,
    unsigned char *encrypted, CK_ULONG *encrypted_len);
CK_RV dual_decrypt_verify(struct session *session, const unsigned char *encrypted,
    CK_ULONG encrypted_len, unsigned char *part, CK_ULONG *part_len);

#endif
