/* SPDX-License-Identifier: MIT
 *
 * From a URI to a session.
 */
#include "session.h"

#include "rv.h"

#include "base/log.h"

#include <string.h>

enum { SLOTS_MAX = 256 };

/* Whether the URI means the token in this slot, which must be set up; *ret_info tells about it. */
static bool slot_fits(
    P11KitUri *uri, CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_TOKEN_INFO *ret_info)
{
    CK_SLOT_ID number = p11_kit_uri_get_slot_id(uri);
    CK_SLOT_INFO info;
    return (number == (CK_SLOT_ID)-1 || number == slot) &&
           module->C_GetSlotInfo(slot, &info) == CKR_OK &&
           p11_kit_uri_match_slot_info(uri, &info) == 1 &&
           module->C_GetTokenInfo(slot, ret_info) == CKR_OK &&
           (ret_info->flags & CKF_TOKEN_INITIALIZED) != 0 &&
           p11_kit_uri_match_token_info(uri, ret_info) == 1;
}

/* Takes the first token of the module that fits; how many do. */
static unsigned find_in_module(struct token_session *session, CK_FUNCTION_LIST *module)
{
    P11KitUri *uri = session->uri->p11;
    CK_INFO info;
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    unsigned found = 0;
    if (module->C_GetInfo(&info) != CKR_OK || p11_kit_uri_match_module_info(uri, &info) != 1 ||
        module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return 0;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO token;
        if (!slot_fits(uri, module, slots[i], &token) || found++ > 0)
            continue;
        session->module = module;
        session->slot = slots[i];
        session->info = token;
    }
    return found;
}

static err_t find_token(struct token_session *session)
{
    unsigned found = 0;
    for (CK_FUNCTION_LIST **module = session->modules; *module != NULL; module++)
        found += find_in_module(session, *module);

    const char *shown = session->uri->shown;
    if (found == 0) {
        log_error(
            "%s: there is no such token; see what there is: p11tool --list-token-urls", shown);
        return ERR_TOKEN_ABSENT;
    }
    if (found > 1) {
        log_error("%s: %u tokens fit; add token=NAME or serial=NUMBER", shown, found);
        return ERR_TEMPLATE_INCONSISTENT;
    }
    return ERR_OK;
}

err_t token_session_open(
    struct token_session *session, const struct token_options *options, bool writable)
{
    *session = (struct token_session){0};
    err_t err = token_uri_parse(options->uri, &session->uri);
    if (err != ERR_OK)
        return err;
    const char *shown = session->uri->shown;
    session->modules = p11_kit_modules_load_and_initialize(0);
    if (session->modules == NULL) {
        const char *why = p11_kit_message();
        log_error("%s: p11-kit cannot load its modules: %s", shown, why != NULL ? why : "?");
        return ERR_DEVICE;
    }
    err = find_token(session);
    if (err != ERR_OK)
        return err;
    CK_FLAGS flags = CKF_SERIAL_SESSION | (writable ? CKF_RW_SESSION : 0);
    err = token_rv(shown, "cannot open a session",
        session->module->C_OpenSession(session->slot, flags, NULL, NULL, &session->handle));
    if (err != ERR_OK)
        return err;
    session->open = true;
    return token_login(session, options);
}

void token_session_close(struct token_session *session)
{
    if (session->open)
        (void)session->module->C_CloseSession(session->handle);
    if (session->modules != NULL)
        p11_kit_modules_finalize_and_release(session->modules);
    token_uri_free(session->uri);
    secret_free(session->pin);
    *session = (struct token_session){0};
}
