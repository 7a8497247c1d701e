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

bool login_is_done(const struct slot *slot)
{
    return slot->logged_in || slot->pool.ticket != NULL;
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
        return CKR_PIN_LEN_RANGE;
    const struct wire_login_request body = {CKU_USER, span_of(pin, pin_len)};
    const struct pool_request request = {WIRE_LOGIN, &body, 0, true};
    struct wire_login_reply reply;
    struct pool_answer answer;
    err_t err = pool_call(&slot->pool, &request, &reply, &answer);
    if (err != ERR_OK)
        return ckr_of(err);
    err = keep_ticket(slot, reply.ticket);
    pool_release(&slot->pool, &answer);
    return ckr_of(err);
}

CK_RV login_begin(
    struct session *session, CK_USER_TYPE user, const unsigned char *pin, CK_ULONG pin_len)
{
    struct slot *slot = session->slot;
    if (user == CKU_CONTEXT_SPECIFIC)
        return CKR_OPERATION_NOT_INITIALIZED; /* no key is CKA_ALWAYS_AUTHENTICATE */
    if (user != CKU_USER)
        return CKR_USER_TYPE_INVALID;

    (void)pthread_mutex_lock(&slot->login_lock);
    module_lock(slot->module);
    const bool done = login_is_done(slot);
    const bool needs_pin = slot->pool.token.login_required;
    if (!done && !needs_pin)
        slot->logged_in = true;
    module_unlock(slot->module);
    CK_RV rv = CKR_OK;
    if (done)
        rv = CKR_USER_ALREADY_LOGGED_IN;
    else if (needs_pin)
        rv = login_by_pin(slot, pin, pin_len);
    (void)pthread_mutex_unlock(&slot->login_lock);
    return rv;
}

/* Forgets the login, and with it the private objects. True: the worker must hear of it. The lock is
 * held. */
static bool forget(struct slot *slot)
{
    const bool by_pin = slot->pool.ticket != NULL;
    slot->logged_in = false;
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
    const bool done = login_is_done(slot);
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
    CK_ULONG all;
    CK_ULONG read_write;
    (void)pthread_mutex_lock(&slot->login_lock);
    module_lock(slot->module);
    session_count(slot->module, slot->id, &all, &read_write);
    const bool by_pin = all == 0 && forget(slot);
    module_unlock(slot->module);
    if (by_pin)
        (void)send_logout(slot, false);
    (void)pthread_mutex_unlock(&slot->login_lock);
}
