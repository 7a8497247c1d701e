/* SPDX-License-Identifier: MIT
 *
 * A session of the token that a URI names, logged in where the token needs it: p11-kit's modules,
 * one slot, one Cryptoki session that stays open, so that the login stays.
 */
#ifndef TOKEN_SESSION_H
#define TOKEN_SESSION_H

#include "token.h"
#include "uri.h"

struct token_session {
    struct token_uri *uri;
    CK_FUNCTION_LIST **modules; /* all that p11-kit knows */
    CK_FUNCTION_LIST *module;   /* the one of this token; belongs to modules */
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE handle;
    bool open;
    struct secret *pin; /* what it was logged in with; NULL: no PIN was needed */
};

/* The caller closes it, also where this has failed. ERR_TEMPLATE_INCONSISTENT: several tokens fit;
 * a PIN is never tried on one that may not be meant. */
err_t token_session_open(
    struct token_session *session, const struct token_options *options, bool writable);
void token_session_close(struct token_session *session); /* all zeros is allowed */

/* Logs in, where the token needs it and this program has not done so yet (login.c). */
err_t token_login(struct token_session *session, const struct token_options *options);

/* Once the key is open, no PIN is needed any more. */
void token_session_forget_pin(struct token_session *session);

#endif
