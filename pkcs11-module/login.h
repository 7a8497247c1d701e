/* SPDX-License-Identifier: MIT
 *
 * C_Login and C_Logout: one state for all sessions of this process on a slot. Where the token wants
 * no PIN, both are answered here and nothing depends on them; else the worker checks its client PIN
 * and gives a ticket, which each new connection shows. The device's own PIN is never asked for.
 */
#ifndef PKCS11_MODULE_LOGIN_H
#define PKCS11_MODULE_LOGIN_H

#include <p11-kit/pkcs11.h>

#include <stdbool.h>

struct session;
struct slot;

bool login_is_done(const struct slot *slot); /* the module's lock is held */

/* 2.40, 6.7.4: the login ends with the last session. */
void login_end_with_last_session(struct slot *slot);

/* The implementations of C_Login and C_Logout. */
CK_RV login_begin(
    struct session *session, CK_USER_TYPE user, const unsigned char *pin, CK_ULONG pin_len);
CK_RV login_end(struct session *session);

#endif
