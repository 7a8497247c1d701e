/* SPDX-License-Identifier: MIT
 *
 * The key that signs certificates and requests: in a token, or (for a CA host) in a file.
 */
#ifndef PROVISION_SIGNER_H
#define PROVISION_SIGNER_H

#include "base/err.h"

#include <openssl/evp.h>

#include <stdbool.h>

struct signer;

/* A key of a token that is there, by its URI. The caller closes. */
err_t signer_open(const char *uri, struct signer **ret_signer);

/* A new one of that name, for a CA. signer_take_back deletes it again. */
err_t signer_create(const char *uri, struct signer **ret_signer);

/* PKCS#8 or SEC1, PEM. passphrase_file: NULL asks on the terminal where the key is encrypted. */
err_t signer_read(const char *path, const char *passphrase_file, struct signer **ret_signer);

/* A new one in a new file of mode 0600, PKCS#8; encrypted (AES-256-CBC, PBKDF2) where encrypt is
 * true or passphrase_file is not NULL. A file that exists is never overwritten: it may be a key.
 * signer_take_back removes the file. */
err_t signer_write(
    const char *path, bool encrypt, const char *passphrase_file, struct signer **ret_signer);

EVP_PKEY *signer_key(const struct signer *signer);        /* signs */
EVP_PKEY *signer_public_key(const struct signer *signer); /* P-256; owes nothing to the token */
const char *signer_place(const struct signer *signer);    /* URI without PIN, or path */

void signer_take_back(struct signer *signer); /* what was made; nothing where it was there before */
void signer_close(struct signer *signer);     /* NULL is allowed */

/* How all commands open a token. warn: once, where a PIN stands in a URI. */
struct token_options;
struct token_options signer_token_options(const char *uri);

#endif
