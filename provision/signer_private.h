/* SPDX-License-Identifier: MIT
 *
 * What a signing key is made of, for the files of this folder.
 */
#ifndef PROVISION_SIGNER_PRIVATE_H
#define PROVISION_SIGNER_PRIVATE_H

#include "signer.h"

#include "token/objects.h"

struct signer {
    struct token *token;           /* NULL: the key is in a file */
    struct token_objects *objects; /* NULL: no key was made in a token */
    EVP_PKEY *key;                 /* the token's, where there is one */
    EVP_PKEY *public_key;
    char *place;
    bool made_file;
};

#endif
