/* SPDX-License-Identifier: MIT
 *
 * JSON Web Signature (RFC 7515) with ES256, compact form. The key is somebody else's: a callback.
 */
#ifndef PUBLISHER_JWS_H
#define PUBLISHER_JWS_H

#include "base/bytes.h"
#include "base/err.h"

enum { JWS_SIGNATURE = 64 };

/* ECDSA P-256 with SHA-256 over data; r and s, 32 bytes each (RFC 7518, 3.4). */
struct jws_signer {
    err_t (*sign)(void *context, struct span data, uint8_t ret_signature[JWS_SIGNATURE]);
    void *context;
};

/* Writes HEADER.PAYLOAD.SIGNATURE. header: the protected header, JSON. ERR_TOO_LARGE where ret_text
 * is too small; else what the signer says. */
err_t jws_sign(const struct jws_signer *signer, struct span header, struct span payload,
    struct writer *ret_text);

#endif
