/* SPDX-License-Identifier: MIT
 *
 * A token's key: found by our session, opened for OpenSSL by one of the ways.
 */
#include "key.h"

#include "base/log.h"

#include <openssl/err.h>

#include <stdlib.h>

void way_log_openssl(const char *shown, const char *what)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    log_error("%s: %s: %s", shown, what, reason != NULL ? reason : "OpenSSL gives no reason");
    ERR_clear_error();
}

static const struct way *choose(enum token_way way)
{
    if (way == TOKEN_WAY_STORE || (way == TOKEN_WAY_ANY && way_store.available()))
        return &way_store;
    return &way_libp11;
}

err_t token_open(const struct token_options *options, struct token **ret_token)
{
    struct token *token = calloc(1, sizeof *token);
    if (token == NULL)
        return ERR_MEMORY;
    token->way = choose(options->way);
    err_t err = token_session_open(&token->session, options, false);
    if (err == ERR_OK)
        err = token_object_find(&token->session, CKO_PRIVATE_KEY, "private key", &token->object);
    if (err == ERR_OK)
        err =
            token->way->open(&token->session, &token->object, &token->way_key, &token->private_key);
    if (err != ERR_OK) {
        token_close(token);
        return err;
    }
    token_session_forget_pin(&token->session);
    *ret_token = token;
    return ERR_OK;
}

void token_close(struct token *token)
{
    if (token == NULL)
        return;
    token->way->close(token->way_key, token->private_key);
    token_session_close(&token->session);
    free(token);
}

EVP_PKEY *token_private_key(const struct token *token)
{
    return token->private_key;
}

err_t token_public_key(struct token *token, EVP_PKEY **ret_public_key)
{
    return token_object_public_key(&token->session, &token->object, ret_public_key);
}
