/* SPDX-License-Identifier: MIT
 *
 * What provisioning changes in a token, by Cryptoki directly: it makes a P-256 key pair and stores
 * a certificate beside it. Key, public key and certificate have the same CKA_ID and CKA_LABEL.
 *
 * As in token.h, what fails has been logged.
 */
#ifndef TOKEN_OBJECTS_H
#define TOKEN_OBJECTS_H

#include "token.h"

/* A URI without pin-value, pin-source and type. ERR_ARGUMENTS: malformed. The caller frees. */
err_t token_uri_without_pin(const char *uri, char **ret_text);

struct token_objects;

/* A session for writing, at the token that options->uri names; its object and id say which key the
 * functions below mean (way counts for nothing). While it is open, token_open of the same token
 * needs no PIN again. The caller closes. */
err_t token_objects_open(const struct token_options *options, struct token_objects **ret_objects);
void token_objects_close(struct token_objects *objects); /* NULL is allowed */

/* The URI without PIN, with the key's id; token_objects_key must have found it, or
 * token_objects_generate made it. Belongs to objects. */
const char *token_objects_uri(const struct token_objects *objects);

/* The public key (P-256) of the private key that the URI names. ERR_OBJECT_GONE,
 * ERR_TEMPLATE_INCONSISTENT (several fit), ERR_KEY_TYPE. The caller frees. */
err_t token_objects_key(struct token_objects *objects, EVP_PKEY **ret_public_key);

/* Makes a P-256 key pair with the URI's label, and its id or one of 16 random bytes: SENSITIVE, not
 * EXTRACTABLE, to sign. ERR_EXISTS: a key has that label or id. The caller frees. */
err_t token_objects_generate(struct token_objects *objects, EVP_PKEY **ret_public_key);

/* Takes back what token_objects_generate has made; nothing where it has made nothing. */
void token_objects_take_back(struct token_objects *objects);

enum token_stored { TOKEN_STORED_NEW, TOKEN_STORED_SAME, TOKEN_STORED_REPLACED };

/* Stores a certificate beside the key. TOKEN_STORED_SAME: it was there already. ERR_EXISTS: another
 * is there, and replace is false. ERR_INPUT: its public key is not the key's. The new one is stored
 * and read back before an old one is destroyed; what fails takes the new one away again. */
err_t token_objects_store_certificate(struct token_objects *objects, const X509 *certificate,
    bool replace, enum token_stored *ret_stored);

#endif
