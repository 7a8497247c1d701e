/* SPDX-License-Identifier: MIT
 *
 * What only an admin may, as messages.
 */
#include "admin.h"

#include "ckr.h"
#include "login.h"
#include "module.h"
#include "session.h"
#include "slot.h"

enum { LABEL_LEN = 32 };

static CK_RV check_new_pin(const unsigned char *pin, CK_ULONG len)
{
    if (pin == NULL)
        return CKR_ARGUMENTS_BAD; /* there is no PIN pad */
    return len == 0 || len > TOKEN_PIN_MAX ? CKR_PIN_LEN_RANGE : CKR_OK;
}

static CK_RV call(struct slot *slot, enum wire_operation operation, const void *body)
{
    const struct pool_request request = {operation, body, 0, true};
    struct pool_answer answer;
    err_t err = pool_call(&slot->pool, &request, NULL, &answer);
    if (err == ERR_OK)
        pool_release(&slot->pool, &answer);
    return ckr_of(err);
}

/* ---- the client PIN ---- */

CK_RV admin_init_pin(struct session *session, const unsigned char *pin, CK_ULONG pin_len)
{
    CK_RV rv = check_new_pin(pin, pin_len);
    if (rv == CKR_ARGUMENTS_BAD)
        return rv;
    module_lock(session->module);
    const bool is_so = login_state(session->slot) == LOGIN_SO;
    module_unlock(session->module);
    if (!is_so)
        return CKR_USER_NOT_LOGGED_IN;
    const struct wire_init_pin_request body = {span_of(pin, pin_len)};
    return rv == CKR_OK ? call(session->slot, WIRE_INIT_PIN, &body) : rv;
}

/* In the security officer's session the standard changes the SO PIN: there is none here. */
CK_RV admin_set_pin(struct session *session, const unsigned char *old_pin, CK_ULONG old_len,
    const unsigned char *new_pin, CK_ULONG new_len)
{
    CK_RV rv = check_new_pin(new_pin, new_len);
    if (old_pin == NULL || rv == CKR_ARGUMENTS_BAD)
        return CKR_ARGUMENTS_BAD;
    if (!session_is_read_write(session))
        return CKR_SESSION_READ_ONLY;
    module_lock(session->module);
    const bool is_so = login_state(session->slot) == LOGIN_SO;
    module_unlock(session->module);
    if (is_so)
        return CKR_TOKEN_WRITE_PROTECTED;
    if (rv != CKR_OK)
        return rv;
    if (old_len > TOKEN_PIN_MAX)
        return CKR_PIN_INCORRECT;
    const struct wire_set_pin_request body = {span_of(old_pin, old_len), span_of(new_pin, new_len)};
    rv = call(session->slot, WIRE_SET_PIN, &body);
    if (rv == CKR_OK || rv == CKR_PIN_INCORRECT)
        login_note_pin(session->slot, rv == CKR_OK);
    return rv;
}

/* ---- the token ---- */

static struct span without_padding(const unsigned char *label)
{
    size_t len = LABEL_LEN;
    while (len > 0 && label[len - 1] == ' ')
        len--;
    return span_of(label, len);
}

/* This one ends with its answer. Whoever asks for the token now shall not find it absent. */
static void wait_for_next_worker(struct slot *slot)
{
    const struct wire_end_session_request no_session = {0};
    (void)call(slot, WIRE_END_SESSION, &no_session);
}

/* The token may be absent: where the device refuses the PIN of pin-file, this is the way out. */
CK_RV admin_init_token(struct module *module, CK_SLOT_ID id, const unsigned char *pin,
    CK_ULONG pin_len, const unsigned char *label)
{
    struct slot *slot = slot_find(module, id);
    if (slot == NULL)
        return CKR_SLOT_ID_INVALID;
    if (pin == NULL || label == NULL)
        return CKR_ARGUMENTS_BAD;
    if (pin_len > TOKEN_PIN_MAX)
        return CKR_PIN_INCORRECT;
    module_lock(module);
    const bool in_use = slot->session_count > 0;
    module_unlock(module);
    if (in_use)
        return CKR_SESSION_EXISTS;
    const struct wire_init_token_request body = {span_of(pin, pin_len), without_padding(label)};
    CK_RV rv = call(slot, WIRE_INIT_TOKEN, &body);
    if (rv == CKR_OK)
        wait_for_next_worker(slot);
    return rv;
}
