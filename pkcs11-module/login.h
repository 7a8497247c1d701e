/* SPDX-License-Identifier: MIT
 *
 * C_Login and C_Logout: one state for all sessions of this process on a slot. Where the token wants
 * no PIN, both are answered here and nothing depends on them; else the worker checks its client PIN
 * and gives a ticket, which each new connection shows. The device's own PIN is never asked for.
 *
 * A security officer is whom the daemon's rules give "admin": C_Login(CKU_SO) asks the worker
 * whether this program is one, and looks at no PIN. The state is ours; the worker asks its rules
 * again at each act.
 */
#ifndef PKCS11_MODULE_LOGIN_H
#define PKCS11_MODULE_LOGIN_H

#include <p11-kit/pkcs11.h>

#include <stdbool.h>

struct session;
struct slot;

enum login_state { LOGIN_NONE, LOGIN_USER, LOGIN_SO };
enum login_state login_state(const struct slot *slot); /* the module's lock is held */

/* A client PIN was right or wrong: CKF_USER_PIN_COUNT_LOW, as the worker will say it in its next
 * HELLO. */
void login_note_pin(struct slot *slot, bool right);

/* 2.40, 6.7.4: the login ends with the last session. */
void login_end_with_last_session(struct slot *slot);

/* The implementations of C_Login and C_Logout. */
CK_RV login_begin(
    struct session *session, CK_USER_TYPE user, const unsigned char *pin, CK_ULONG pin_len);
CK_RV login_end(struct session *session);

#endif
