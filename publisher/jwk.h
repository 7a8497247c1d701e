/* SPDX-License-Identifier: MIT
 *
 * Public P-256 keys as JOSE sees them: coordinates, thumbprint (RFC 7638), and the owner's key read
 * from a JWK (RFC 7517) or from PEM.
 */
#ifndef PUBLISHER_JWK_H
#define PUBLISHER_JWK_H

#include "base/bytes.h"
#include "base/err.h"

#include <json-c/json.h>
#include <openssl/evp.h>

enum {
    P256_COORDINATE = 32,
    JWK_THUMBPRINT = 32,
    JWK_FILE_MAX = 16384,
};

struct jwk {
    EVP_PKEY *key; /* public part only is used */
    uint8_t x[P256_COORDINATE];
    uint8_t y[P256_COORDINATE];
    uint8_t thumbprint[JWK_THUMBPRINT];
};

/* Takes a reference to the key. ERR_KEY_TYPE where it is not P-256. jwk_clear frees. */
err_t jwk_from_key(EVP_PKEY *key, struct jwk *ret_jwk);

/* A JWK or PEM text. what names it in the log, where each fault is told. ERR_CONFIG. A private key
 * is refused: it has no place on the device. */
err_t jwk_parse(struct span text, const char *what, struct jwk *ret_jwk);
err_t jwk_read(const char *path, struct jwk *ret_jwk);

void jwk_clear(struct jwk *jwk); /* all zeros is allowed */

/* {"crv":"P-256","kty":"EC","x":…,"y":…}, members in that order; NULL without memory. The caller
 * puts it. */
json_object *jwk_to_json(const struct jwk *jwk);

#endif
