/* SPDX-License-Identifier: MIT
 *
 * What a worker last told of its token in a HELLO reply, in the words of Cryptoki.
 */
#ifndef PKCS11_MODULE_TOKEN_H
#define PKCS11_MODULE_TOKEN_H

#include "mechanism.h"

enum {
    TOKEN_MECHANISMS_MAX = 64,  /* types in mechanism_rows */
    TOKEN_SESSIONS_MAX = 65536, /* of one process on one token */
    TOKEN_PIN_MAX = 256,
};

struct token {
    bool present;        /* false: the rest is what was told before it went, or empty */
    bool login_required; /* C_Login needs the client PIN; else it succeeds with anything */
    CK_TOKEN_INFO info;  /* without the session counts */
    size_t mechanism_count;
    CK_MECHANISM_TYPE mechanisms[TOKEN_MECHANISMS_MAX];
    CK_MECHANISM_INFO mechanism_infos[TOKEN_MECHANISMS_MAX];
};

/* ERR_BAD_MESSAGE where the list of mechanisms is malformed. */
err_t token_read(const struct wire_hello_reply *hello, struct token *ret_token);

/* NULL where the token does not offer it. */
const CK_MECHANISM_INFO *token_mechanism(const struct token *token, CK_MECHANISM_TYPE type);

#endif
