/* SPDX-License-Identifier: MIT
 *
 * Ending what is active in a session.
 */
#ifndef PKCS11_MODULE_CANCEL_H
#define PKCS11_MODULE_CANCEL_H

#include "cryptoki3.h"

struct session;

#define CANCEL_ALL (~0UL)

/* The implementation of C_SessionCancel (3.0, 5.6.8): ends the operations of these flags, tells the
 * worker of what it had begun for them, and passes over those that are not active. Always CKR_OK.
 */
CK_RV cancel_operations(struct session *session, CK_FLAGS flags);

#endif
