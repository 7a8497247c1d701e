/* SPDX-License-Identifier: MIT
 *
 * Sessions live in the module alone; a worker hears of one only when it owns session
 * objects, or has data on the way that is longer than a message. One
 * call at a time is inside a session: another thread that uses the same handle waits.
 */
#ifndef PKCS11_MODULE_SESSION_H
#define PKCS11_MODULE_SESSION_H

#include "digest.h"
#include "find.h"
#include "operation.h"

#include <stdbool.h>

struct message_process;
struct module;
struct slot;

struct session {
    CK_SESSION_HANDLE handle; /* unique in the process, never used again */
    struct module *module;
    struct slot *slot;
    CK_FLAGS flags; /* of C_OpenSession */
    bool busy;      /* a call is inside; guarded by the module's lock */
    bool closed;    /* no longer in the table; session_leave frees it */
    bool known;     /* the worker has heard of it (objects, BEGIN), and must hear of its end */
    struct find find;
    struct operation operations[OPERATION_KINDS];
    struct digest digest;
    struct message_process *messages; /* OPERATION_KINDS of them; NULL: none was ever begun */
};

/* Enters the module and the session. CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID. Each
 * success needs a leave. */
CK_RV session_enter(CK_SESSION_HANDLE handle, struct session **ret_session);
CK_RV session_leave(struct session *session, CK_RV rv); /* returns rv */

void session_free(struct session *session);
bool session_is_read_write(const struct session *session);

/* The implementations of C_OpenSession … C_GetSessionInfo. */
CK_RV session_open(
    struct module *module, CK_SLOT_ID slot, CK_FLAGS flags, CK_SESSION_HANDLE *handle);
CK_RV session_close(struct session *session);
CK_RV session_close_all(struct module *module, CK_SLOT_ID slot);
CK_RV session_get_info(struct session *session, CK_SESSION_INFO *info);

#endif
