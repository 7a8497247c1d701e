/* SPDX-License-Identifier: MIT
 *
 * C_Sign and its kin. C_SignInit is remembered and not sent: key, mechanism and data travel as one
 * message, and only when a signature is wanted. Sizes are answered here.
 */
#ifndef PKCS11_MODULE_SIGN_H
#define PKCS11_MODULE_SIGN_H

#include "mechanism.h"

struct session;

/* The signature that a session is at; it belongs to the call inside. */
struct sign {
    const struct mechanism_row *mechanism; /* NULL: none */
    CK_OBJECT_HANDLE key;
    size_t signature_len;
    bool updated; /* C_SignUpdate was called */
    union mechanism_hash hash;
};

void sign_end(struct sign *sign); /* also where none is active */

/* The implementations of C_SignInit, C_Sign, C_SignUpdate and C_SignFinal. */
CK_RV sign_begin(struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV sign_whole(struct session *session, const unsigned char *data, CK_ULONG data_len,
    unsigned char *signature, CK_ULONG *signature_len);
CK_RV sign_update(struct session *session, const unsigned char *part, CK_ULONG part_len);
CK_RV sign_finish(struct session *session, unsigned char *signature, CK_ULONG *signature_len);

#endif
