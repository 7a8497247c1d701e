/* SPDX-License-Identifier: MIT
 *
 * The login state. A login changes what the worker shows, so that each change asks for a new
 * listing.
 */
#include "login.h"

#include "base/secret.h"
#include "ckr.h"
#include "module.h"
#include "session.h"
#include "slot.h"

enum login_state login_state(const struct slot *slot)
{
    if (slot->so)
        return LOGIN_SO;
    return slot->logged_in || slot->pool.ticket != NULL ? LOGIN_USER : LOGIN_NONE;
}

void login_note_pin(struct slot *slot, bool right)
{
    module_lock(slot->module);
    CK_FLAGS *flags = &slot->pool.token.info.flags;
    *flags = right ? *flags & ~CKF_USER_PIN_COUNT_LOW : *flags | CKF_USER_PIN_COUNT_LOW;
    module_unlock(slot->module);
}

/* Takes over the ticket of the reply and wipes it there. */
static err_t keep_ticket(struct slot *slot, struct span ticket)
{
    module_lock(slot->module);
    err_t err = pool_set_ticket(&slot->pool, ticket);
    slot->snapshot.generation = 0;
    module_unlock(slot->module);
    secret_wipe_span(ticket);
    return err;
}

static CK_RV login_by_pin(struct slot *slot, const unsigned char *pin, CK_ULONG pin_len)
{
    if (pin == NULL)
        return CKR_ARGUMENTS_BAD;
    if (pin_len > TOKEN_PIN_MAX)
        return CKR_PIN_INCORRECT; /* its length is told only where a PIN is set (2.40, 5.1.6) */
    const struct wire_login_request body = {CKU_USER, span_of(pin, pin_len)};
    const struct pool_request request = {WIRE_LOGIN, &body, 0, true};
    struct wire_login_reply reply;
    struct pool_answer answer;
    err_t err = pool_call(&slot->pool, &request, &reply, &answer);
    if (err == ERR_OK || err == ERR_PIN_INCORRECT)
        login_note_pin(slot, err == ERR_OK);
    if (err != ERR_OK)
        return ckr_of(err);
    err = keep_ticket(slot, reply.ticket);
    pool_release(&slot->pool, &answer);
    return ckr_of(err);
}

/* The lock is held. */
static CK_RV become_so(struct slot *slot)
{
    if (slot->session_count > slot->read_write_count)
        return CKR_SESSION_READ_ONLY_EXISTS;
    slot->so = true;
    return CKR_OK;
}

/* A read-only session may come while the worker is asked. */
static CK_RV login_so(struct slot *slot)
{
    const struct wire_login_request body = {CKU_SO, span_of(NULL, 0)};
    const struct pool_request request = {WIRE_LOGIN, &body, 0, true};
    struct wire_login_reply reply;
    struct pool_answer answer;
    module_lock(slot->module);
    const bool all_read_write = slot->session_count == slot->read_write_count;
    module_unlock(slot->module);
    if (!all_read_write)
        return CKR_SESSION_READ_ONLY_EXISTS;
    err_t err = pool_call(&slot->pool, &request, &reply, &answer);
    if (err != ERR_OK)
        return ckr_of(err);
    pool_release(&slot->pool, &answer);
    module_lock(slot->module);
    CK_RV rv = become_so(slot);
    module_unlock(slot->module);
    return rv;
}

static CK_RV login_user(struct slot *slot, const unsigned char *pin, CK_ULONG pin_len)
{
    module_lock(slot->module);
    const bool needs_pin = slot->pool.token.login_required;
    if (!needs_pin)
        slot->logged_in = true;
    module_unlock(slot->module);
    return needs_pin ? login_by_pin(slot, pin, pin_len) : CKR_OK;
}

CK_RV login_begin(
    struct session *session, CK_USER_TYPE user, const unsigned char *pin, CK_ULONG pin_len)
{
    struct slot *slot = session->slot;
    if (user == CKU_CONTEXT_SPECIFIC)
        return CKR_OPERATION_NOT_INITIALIZED; /* no key is CKA_ALWAYS_AUTHENTICATE */
    if (user != CKU_USER && user != CKU_SO)
        return CKR_USER_TYPE_INVALID;

    (void)pthread_mutex_lock(&slot->login_lock);
    module_lock(slot->module);
    const enum login_state state = login_state(slot);
    module_unlock(slot->module);
    CK_RV rv;
    if (state != LOGIN_NONE)
        rv = (state == LOGIN_SO) == (user == CKU_SO) ? CKR_USER_ALREADY_LOGGED_IN
                                                     : CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
    else
        rv = user == CKU_SO ? login_so(slot) : login_user(slot, pin, pin_len);
    (void)pthread_mutex_unlock(&slot->login_lock);
    return rv;
}

/* Forgets the login, and with it the private objects. True: the worker must hear of it. The lock is
 * held. */
static bool forget(struct slot *slot)
{
    const bool by_pin = slot->pool.ticket != NULL;
    slot->logged_in = false;
    slot->so = false;
    if (by_pin) {
        (void)pool_set_ticket(&slot->pool, span_of(NULL, 0));
        snapshot_remove_private(&slot->snapshot);
        slot->snapshot.generation = 0;
    }
    return by_pin;
}

static err_t send_logout(struct slot *slot, bool patient)
{
    const struct pool_request request = {WIRE_LOGOUT, NULL, 0, patient};
    struct pool_answer answer;
    err_t err = pool_call(&slot->pool, &request, NULL, &answer);
    if (err == ERR_OK)
        pool_release(&slot->pool, &answer);
    return err == ERR_NOT_LOGGED_IN ? ERR_OK : err;
}

CK_RV login_end(struct session *session)
{
    struct slot *slot = session->slot;
    err_t err = ERR_OK;
    (void)pthread_mutex_lock(&slot->login_lock);
    module_lock(slot->module);
    const bool done = login_state(slot) != LOGIN_NONE;
    const bool by_pin = forget(slot);
    module_unlock(slot->module);
    if (by_pin)
        err = send_logout(slot, true);
    (void)pthread_mutex_unlock(&slot->login_lock);
    return done ? ckr_of(err) : CKR_USER_NOT_LOGGED_IN;
}

/* Another thread may have opened a session and logged in since: then the login stays. */
void login_end_with_last_session(struct slot *slot)
{
    (void)pthread_mutex_lock(&slot->login_lock);
    module_lock(slot->module);
    const bool by_pin = slot->session_count == 0 && forget(slot);
    module_unlock(slot->module);
    if (by_pin)
        (void)send_logout(slot, false);
    (void)pthread_mutex_unlock(&slot->login_lock);
}
