/* SPDX-License-Identifier: MIT
 *
 * The state between C_Initialize and C_Finalize, and the gate before it. Every function enters
 * through the gate and leaves through it; the last to leave after C_Finalize frees the state. In
 * the child of a fork the gate is shut until C_Initialize, and what the parent had is neither freed
 * nor touched.
 */
#ifndef PKCS11_MODULE_MODULE_H
#define PKCS11_MODULE_MODULE_H

#include <p11-kit/pkcs11.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slot;
struct session;
struct waker;

struct module {
    unsigned users; /* the gate's own, and each call that is inside; guarded by the gate */

    pthread_mutex_t lock; /* of all below, slots and sessions; never held during a round trip */
    char *directory;      /* where the device sockets are */
    uint64_t client;      /* names this process to the workers */
    struct slot **slots;
    size_t slot_count;
    bool scanned;              /* the runtime directory has been read once */
    struct session **sessions; /* in order of their handles */
    size_t session_count;
    size_t session_size;
    pthread_cond_t session_idle; /* a session has no longer a call inside */

    bool ending;         /* C_Finalize was called */
    struct waker *waker; /* slot_event.c's; NULL: nobody has waited yet */
};

/* NULL where Cryptoki is not initialised in this process. Each enter needs a leave. */
struct module *module_enter(void);
CK_RV module_leave(struct module *module, CK_RV rv); /* returns rv */

void module_lock(struct module *module);
void module_unlock(struct module *module);

/* C_Initialize, C_Finalize and C_GetInfo. version: of the list that C_GetInfo is in. */
CK_RV module_initialize(const CK_C_INITIALIZE_ARGS *args);
CK_RV module_finalize(const void *reserved);
CK_RV module_get_info(struct module *module, CK_VERSION version, CK_INFO *info);

#endif
