/* SPDX-License-Identifier: MIT
 *
 * Slots: the device sockets NAME.sock of the runtime directory, in a stable order. A slot keeps its
 * number for the life of the process, also when its socket vanishes.
 */
#ifndef PKCS11_MODULE_SLOT_H
#define PKCS11_MODULE_SLOT_H

#include "pool.h"
#include "snapshot.h"

struct module;

enum slot_told { TOLD_NOTHING, TOLD_NO_SLOT, TOLD_ABSENT, TOLD_PRESENT };

struct slot {
    struct module *module;
    CK_SLOT_ID id;
    char *name; /* NAME, without .sock */
    struct pool pool;
    struct snapshot snapshot;
    pthread_mutex_t login_lock; /* held during LOGIN and LOGOUT: neither overtakes the other */
    bool logged_in; /* by a C_Login that needed no PIN; pool.ticket stands for the other kind */
    bool so;        /* the security officer is logged in, and no user */
    CK_ULONG session_count;
    CK_ULONG read_write_count;
    enum slot_told told; /* what the program knows of its token: see slot_event.c */
};

/* Appends the sockets that are new in the runtime directory, sorted by name. The module's lock is
 * held. A directory that is absent holds none. */
err_t slot_scan(struct module *module);
void slot_free(struct slot *slot);

/* NULL: there is no such slot. */
struct slot *slot_find(struct module *module, CK_SLOT_ID id);

/* CKR_OK where the token is there, asked for where it was not when last heard of. */
CK_RV slot_require_token(struct slot *slot);

/* One round trip about an object, known to the program by its handle. number points to the place in
 * the request's body where its number belongs. A worker that was restarted is asked for its objects
 * first. Else as pool_call. */
err_t slot_call_object(struct slot *slot, CK_OBJECT_HANDLE handle, struct pool_request *request,
    uint64_t *number, void *ret_reply, struct pool_answer *ret_answer);

/* The same about two objects. */
struct slot_object {
    CK_OBJECT_HANDLE handle;
    uint64_t *number;
};
err_t slot_call_objects(struct slot *slot, const struct slot_object objects[2],
    struct pool_request *request, void *ret_reply, struct pool_answer *ret_answer);

/* Whether the worker lives another life than instance. */
bool slot_was_restarted(struct slot *slot, uint64_t instance);

/* Whether its token is there; asks the worker. */
bool slot_is_present_now(struct slot *slot);

/* The first time that it is known whether the token is there: what comes later is an event. The
 * module's lock is held. */
void slot_note_presence(struct slot *slot);

/* Ends C_WaitForSlotEvent in other threads, for C_Finalize; frees what that needed. */
void slot_end_waiting(struct module *module);
void slot_forget_waiting(struct module *module);

/* The implementations of C_GetSlotList … C_WaitForSlotEvent. */
CK_RV slot_get_list(struct module *module, CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count);
CK_RV slot_get_info(struct module *module, CK_SLOT_ID id, CK_SLOT_INFO *info);
CK_RV slot_get_token_info(struct module *module, CK_SLOT_ID id, CK_TOKEN_INFO *info);
CK_RV slot_get_mechanisms(
    struct module *module, CK_SLOT_ID id, CK_MECHANISM_TYPE *list, CK_ULONG *count);
CK_RV slot_get_mechanism(
    struct module *module, CK_SLOT_ID id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info);
CK_RV slot_wait_for_event(struct module *module, CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved);

#endif
