/* SPDX-License-Identifier: MIT
 *
 * JSON Web Encryption (RFC 7516) to the owner: content A256GCM with a fresh key each, which is
 * wrapped by ECDH-ES+A256KW (RFC 7518, 4.6) to the owner's public P-256 key, or by A256GCMKW (4.7)
 * under an AES key of a token.
 */
#ifndef PUBLISHER_JWE_H
#define PUBLISHER_JWE_H

#include "jwk.h"

enum {
    JWE_KEY = 32, /* of A256GCM and A256KW */
    JWE_IV = 12,
    JWE_TAG = 16,
    JWE_WRAPPED = JWE_KEY + 8,
};

/* The owner: a public key, or, where encrypt is set, an AES-256 key that somebody else uses. */
struct jwe_owner {
    struct jwk jwk;
    /* AES-256-GCM of plaintext under that key with this IV (a fresh one each time); ret_ciphertext
     * has plaintext.len bytes. */
    err_t (*encrypt)(void *context, const uint8_t iv[JWE_IV], struct span plaintext,
        uint8_t *ret_ciphertext, uint8_t ret_tag[JWE_TAG]);
    void *context;
    const char *kid; /* that key's name, for the header */
};

/* Writes the compact form. apu: who sends (PartyUInfo, not secret, only with a public key). cty: of
 * the plaintext, as RFC 7516, 4.1.12 has it. ERR_INTERNAL where OpenSSL fails; a text that does not
 * fit leaves the writer failed. */
err_t jwe_encrypt(const struct jwe_owner *owner, struct span apu, const char *cty,
    struct span plaintext, struct writer *ret_text);

/* ---- the steps, for known answers ---- */

/* Concat KDF with SHA-256 (RFC 7518, 4.6.2); SuppPubInfo is 8 * size, SuppPrivInfo is empty. */
err_t jwe_concat_kdf(struct span z, const char *algorithm, struct span apu, struct span apv,
    uint8_t *ret_key, size_t size);

/* ret_ciphertext has plaintext.len bytes. */
err_t jwe_gcm(const uint8_t key[JWE_KEY], const uint8_t iv[JWE_IV], struct span aad,
    struct span plaintext, uint8_t *ret_ciphertext, uint8_t ret_tag[JWE_TAG]);

/* AES key wrap (RFC 3394). */
err_t jwe_wrap(
    const uint8_t kek[JWE_KEY], const uint8_t key[JWE_KEY], uint8_t ret_wrapped[JWE_WRAPPED]);

#endif
