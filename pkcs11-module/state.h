/* SPDX-License-Identifier: MIT
 *
 * The state of a session's operations, saved and restored (2.40, 5.6.6). What can be saved is what
 * is in the module and is no secret: digests, and signatures and verifications whose data is hashed
 * here.
 */
#ifndef PKCS11_MODULE_STATE_H
#define PKCS11_MODULE_STATE_H

#include <p11-kit/pkcs11.h>

struct session;

/* The implementations of C_GetOperationState and C_SetOperationState. What else is active in the
 * session that is restored to, ends. CKR_KEY_NEEDED where a signature was saved: its key is not in
 * the state; CKR_KEY_CHANGED where it is another one. */
CK_RV state_get(struct session *session, unsigned char *state, CK_ULONG *state_len);
CK_RV state_set(struct session *session, const unsigned char *state, CK_ULONG state_len,
    CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key);

#endif
