/* SPDX-License-Identifier: MIT
 *
 * C_Encrypt, C_Decrypt and their kin. How much comes out is known before the device is asked, so
 * that a size query, and a buffer that is too small, cost no round trip; where padding hides it,
 * the result waits until the program has room.
 */
#ifndef PKCS11_MODULE_CIPHER_H
#define PKCS11_MODULE_CIPHER_H

#include "operation.h"

/* The implementations of C_Encrypt and C_Decrypt, C_EncryptUpdate and C_DecryptUpdate,
 * C_EncryptFinal and C_DecryptFinal. out may be where in is. */
CK_RV cipher_whole(struct session *session, enum operation_kind kind, const unsigned char *in,
    CK_ULONG in_len, unsigned char *out, CK_ULONG *out_len);
CK_RV cipher_update(struct session *session, enum operation_kind kind, const unsigned char *in,
    CK_ULONG in_len, unsigned char *out, CK_ULONG *out_len);
CK_RV cipher_finish(
    struct session *session, enum operation_kind kind, unsigned char *out, CK_ULONG *out_len);

/* Whether out and out_len bytes of room behind it have a byte of in. The room may be said to have
 * more bytes than there are behind out. */
bool cipher_overlaps(struct span in, const unsigned char *out, CK_ULONG out_len);

#endif
