/* SPDX-License-Identifier: MIT
 *
 * The state of an operation, saved and restored (2.40, 5.6.6).
 */
#ifndef PKCS11_MODULE_STATE_H
#define PKCS11_MODULE_STATE_H

#include <p11-kit/pkcs11.h>

struct session;

/* The implementations of C_GetOperationState and C_SetOperationState. */
CK_RV state_get(struct session *session, unsigned char *state, CK_ULONG *state_len);
CK_RV state_set(struct session *session, const unsigned char *state, CK_ULONG state_len, CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key);

#endif
