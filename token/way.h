/* SPDX-License-Identifier: MIT
 *
 * The two ways in which OpenSSL gets at a private key of a token. Each is a const struct, as
 * drivers are; token.c chooses.
 */
#ifndef TOKEN_WAY_H
#define TOKEN_WAY_H

#include "object.h"

struct way_key; /* what a way holds for one key */

struct way {
    const char *name;
    bool (*available)(void);
    /* session is logged in, and key was found in it. Failures are logged. */
    err_t (*open)(struct token_session *session, const struct token_object *key,
        struct way_key **ret_key, EVP_PKEY **ret_private_key);
    void (*close)(struct way_key *key, EVP_PKEY *private_key); /* NULL is allowed */
};

extern const struct way way_libp11;
extern const struct way way_store;

/* Logs "SHOWN: WHAT: reason", with the first reason of OpenSSL's queue, which is emptied. */
void way_log_openssl(const char *shown, const char *what);

#endif
