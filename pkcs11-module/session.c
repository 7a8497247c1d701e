/* SPDX-License-Identifier: MIT
 *
 * The table of sessions. The module's lock guards the table; what is in a session belongs to the
 * call inside.
 */
#include "session.h"

#include "login.h"
#include "message.h"
#include "module.h"
#include "slot.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic CK_SESSION_HANDLE last_handle;

/* The index of the first session whose handle is at least this one; the lock is held. */
static size_t lower_bound(const struct module *module, CK_SESSION_HANDLE handle)
{
    size_t low = 0;
    size_t high = module->session_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (module->sessions[middle]->handle < handle)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct session *lookup(const struct module *module, CK_SESSION_HANDLE handle)
{
    const size_t i = lower_bound(module, handle);
    struct session *session = i < module->session_count ? module->sessions[i] : NULL;
    return session != NULL && session->handle == handle ? session : NULL;
}

/* The session may be closed while we wait, so it is looked up again each time. */
static struct session *acquire(struct module *module, CK_SESSION_HANDLE handle)
{
    struct session *session;
    module_lock(module);
    while ((session = lookup(module, handle)) != NULL && session->busy)
        (void)pthread_cond_wait(&module->session_idle, &module->lock);
    if (session != NULL)
        session->busy = true;
    module_unlock(module);
    return session;
}

static void release(struct session *session)
{
    struct module *module = session->module;
    module_lock(module);
    session->busy = false;
    const bool closed = session->closed; /* if not, it may be gone once the lock is */
    (void)pthread_cond_broadcast(&module->session_idle);
    module_unlock(module);
    if (closed)
        session_free(session);
}

CK_RV session_enter(CK_SESSION_HANDLE handle, struct session **ret_session)
{
    struct module *module = module_enter();
    if (module == NULL)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    struct session *session = acquire(module, handle);
    if (session == NULL)
        return module_leave(module, CKR_SESSION_HANDLE_INVALID);
    *ret_session = session;
    return CKR_OK;
}

CK_RV session_leave(struct session *session, CK_RV rv)
{
    struct module *module = session->module;
    release(session);
    return module_leave(module, rv);
}

void session_free(struct session *session)
{
    find_end(&session->find);
    for (size_t i = 0; i < OPERATION_KINDS; i++)
        operation_clear(&session->operations[i]);
    message_clear(session);
    digest_clear(&session->digest);
    free(session);
}

bool session_is_read_write(const struct session *session)
{
    return (session->flags & CKF_RW_SESSION) != 0;
}

/* The lock is held. */
static CK_RV append(struct module *module, struct session *session)
{
    struct slot *slot = session->slot;
    if (slot->session_count == TOKEN_SESSIONS_MAX)
        return CKR_SESSION_COUNT;
    if (slot->so && !session_is_read_write(session))
        return CKR_SESSION_READ_WRITE_SO_EXISTS;
    if (module->session_count == module->session_size) {
        const size_t size = module->session_size == 0 ? 16 : 2 * module->session_size;
        struct session **sessions = realloc(module->sessions, size * sizeof *sessions);
        if (sessions == NULL)
            return CKR_HOST_MEMORY;
        module->sessions = sessions;
        module->session_size = size;
    }
    session->handle = atomic_fetch_add(&last_handle, 1) + 1;
    module->sessions[module->session_count++] = session;
    slot->session_count++;
    slot->read_write_count += session_is_read_write(session);
    return CKR_OK;
}

CK_RV session_open(struct module *module, CK_SLOT_ID id, CK_FLAGS flags, CK_SESSION_HANDLE *handle)
{
    struct slot *slot = slot_find(module, id);
    if (slot == NULL)
        return CKR_SLOT_ID_INVALID;
    if (handle == NULL)
        return CKR_ARGUMENTS_BAD;
    if ((flags & CKF_SERIAL_SESSION) == 0)
        return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    CK_RV rv = slot_require_token(slot);
    if (rv != CKR_OK)
        return rv;
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return CKR_HOST_MEMORY;
    session->module = module;
    session->slot = slot;
    session->flags = flags & (CKF_SERIAL_SESSION | CKF_RW_SESSION);

    module_lock(module);
    rv = append(module, session);
    if (rv == CKR_OK)
        *handle = session->handle;
    module_unlock(module);
    if (rv != CKR_OK)
        free(session);
    return rv;
}

/* The worker destroys the session's objects and drops what was begun; if it is away, they are gone
 * with it. */
static void tell_end(struct session *session)
{
    struct slot *slot = session->slot;
    const struct wire_end_session_request body = {session->handle};
    const struct pool_request request = {WIRE_END_SESSION, &body, 0, false};
    struct pool_answer answer;
    if (pool_call(&slot->pool, &request, NULL, &answer) == ERR_OK)
        pool_release(&slot->pool, &answer);
    module_lock(session->module);
    snapshot_remove_session(&slot->snapshot, session->handle);
    module_unlock(session->module);
}

/* Takes a session out of the table. True: it was the last of its slot. */
static bool take_out(struct module *module, struct session *session)
{
    struct slot *slot = session->slot;
    module_lock(module);
    const size_t i = lower_bound(module, session->handle);
    module->session_count--;
    memmove(&module->sessions[i], &module->sessions[i + 1],
        (module->session_count - i) * sizeof *module->sessions);
    session->closed = true;
    slot->read_write_count -= session_is_read_write(session);
    const bool last = --slot->session_count == 0;
    module_unlock(module);
    return last;
}

CK_RV session_close(struct session *session)
{
    if (session->known)
        tell_end(session);
    if (take_out(session->module, session))
        login_end_with_last_session(session->slot);
    return CKR_OK;
}

/* The last session of the slot at or before *handle, which becomes its handle; false: there is
 * none. */
static bool last_of_slot(struct module *module, CK_SLOT_ID slot, CK_SESSION_HANDLE *handle)
{
    module_lock(module);
    size_t i = lower_bound(module, *handle + 1);
    while (i > 0 && module->sessions[i - 1]->slot->id != slot)
        i--;
    const bool found = i > 0;
    if (found)
        *handle = module->sessions[i - 1]->handle;
    module_unlock(module);
    return found;
}

/* Those that are opened meanwhile stay. From the end, where the table is cut for nothing. */
CK_RV session_close_all(struct module *module, CK_SLOT_ID slot)
{
    if (slot_find(module, slot) == NULL)
        return CKR_SLOT_ID_INVALID;
    CK_SESSION_HANDLE handle = atomic_load(&last_handle);
    for (; last_of_slot(module, slot, &handle); handle--) {
        struct session *session = acquire(module, handle);
        if (session == NULL)
            continue; /* closed by another thread */
        (void)session_close(session);
        release(session);
    }
    return CKR_OK;
}

CK_RV session_get_info(struct session *session, CK_SESSION_INFO *info)
{
    static const CK_STATE states[][2] = {/* [read/write] */
        [LOGIN_NONE] = {CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION},
        [LOGIN_USER] = {CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS},
        [LOGIN_SO] = {CKS_RW_SO_FUNCTIONS, CKS_RW_SO_FUNCTIONS}}; /* none is read-only then */
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    module_lock(session->module);
    const enum login_state login = login_state(session->slot);
    module_unlock(session->module);
    *info = (CK_SESSION_INFO){
        .slotID = session->slot->id,
        .state = states[login][session_is_read_write(session)],
        .flags = session->flags,
    };
    return CKR_OK;
}
