/* SPDX-License-Identifier: MIT
 *
 * What an opened key is made of, for the files of this folder.
 */
#ifndef TOKEN_KEY_H
#define TOKEN_KEY_H

#include "way.h"

struct token {
    const struct way *way;
    struct token_session session;
    struct token_object object;
    struct way_key *way_key;
    EVP_PKEY *private_key;
};

#endif
