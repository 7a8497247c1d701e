/* SPDX-License-Identifier: MIT
 *
 * A key of a token, opened by its PKCS#11 URI (RFC 7512), for our own programs: publisher,
 * provisioning, gateway. It reaches the token as any other program does, through p11-kit; it knows
 * nothing of signerd.
 *
 * Each function that fails has logged (base/log.h) what failed, on which object (without any PIN:
 * pin-value and pin-source are cut out of a URI before it is shown) and what to do; the err_t
 * gives the exit code. One thread at a time uses a token and all that came from it.
 */
#ifndef TOKEN_TOKEN_H
#define TOKEN_TOKEN_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"

#include <openssl/ssl.h>

enum {
    TOKEN_SIGNATURE_SIZE = 64, /* bytes: r and s of P-256, big-endian, as in RFC 7518, 3.4 */
    TOKEN_PIN_MAX = 256,
    TOKEN_GCM_IV_SIZE = 12,
    TOKEN_GCM_TAG_SIZE = 16,
    TOKEN_GCM_PLAIN_MAX = 256,
};

/* How OpenSSL gets at the key. */
enum token_way {
    TOKEN_WAY_ANY,    /* the provider where OpenSSL has pkcs11-provider loaded, else libp11 */
    TOKEN_WAY_LIBP11, /* PKCS11_get_private_key over p11-kit-proxy: stock Debian 12 */
    /* OSSL_STORE: needs pkcs11-provider in OpenSSL's configuration. All that needs no token stays
     * with OpenSSL's own code: token_open sets the default properties of the process to that end.
     */
    TOKEN_WAY_STORE,
};

struct token_options {
    const char *uri; /* must name one private key; it may hold pin-value or pin-source */
    enum token_way way;
    /* Asked for the PIN where the token needs one and the URI has none. NULL: never ask. label: the
     * token's. ERR_PIN_INCORRECT where nobody answers. The callee's secret becomes the token's. */
    err_t (*ask_pin)(void *context, const char *label, struct secret **ret_pin);
    void *context;
};

/* An ask_pin that prompts on /dev/tty without echo. */
err_t token_ask_terminal(void *context, const char *label, struct secret **ret_pin);

struct token;

/* A token is logged into once for the whole process: while one key of it is open, another is opened
 * without its PIN. Once open, a key stays good while its daemon restarts.
 * ERR_ARGUMENTS: the URI is malformed; ERR_TOKEN_ABSENT: no such token; ERR_OBJECT_GONE: no such
 * key; ERR_TEMPLATE_INCONSISTENT: several fit; ERR_PIN_INCORRECT. The caller closes. */
err_t token_open(const struct token_options *options, struct token **ret_token);
void token_close(struct token *token); /* NULL is allowed */

/* The private key, good until token_close; the caller does not free it. */
EVP_PKEY *token_private_key(const struct token *token);

/* The public key (P-256), which needs the token no more. ERR_KEY_TYPE: another kind of key. The
 * caller frees. */
err_t token_public_key(struct token *token, EVP_PKEY **ret_public_key);

/* ECDSA with SHA-256 over data (ES256), raw. ERR_KEY_TYPE for a key that is not P-256. */
err_t token_sign(
    struct token *token, struct span data, uint8_t ret_signature[static TOKEN_SIGNATURE_SIZE]);

/* The certificate beside the key (same CKA_ID, and public key). ERR_OBJECT_GONE: there is none. The
 * caller frees. */
err_t token_certificate(struct token *token, X509 **ret_certificate);

/* A client's SSL_CTX: key and certificate of the token (or certificate_file, PEM with its chain,
 * where it is not NULL), TLS 1.2 or later, the peer verified against ca_file (PEM; NULL: the
 * system's). Whoever connects sets the host name. The caller frees it before token_close. */
err_t token_ssl_ctx(
    struct token *token, const char *ca_file, const char *certificate_file, SSL_CTX **ret_ctx);

/* The same into a context that somebody else made (libcurl's CURLOPT_SSL_CTX_FUNCTION). */
err_t token_use_in_ssl_ctx(struct token *token, const char *certificate_file, SSL_CTX *ctx);

/* A secret AES key of a token. Opened as a private key is: the URI names one secret key, way counts
 * for nothing. */
struct token_secret_key;
err_t token_secret_key_open(const struct token_options *options, struct token_secret_key **ret_key);
void token_secret_key_close(struct token_secret_key *key); /* NULL is allowed */

/* CKM_AES_GCM in the token, as A256GCMKW wraps a content key (RFC 7518, 4.7): plain is 1 to
 * TOKEN_GCM_PLAIN_MAX bytes, ret_encrypted has as many. The caller draws each iv at random, never
 * the same twice for one key. aad may be empty. */
err_t token_encrypt_gcm(struct token_secret_key *key, const uint8_t iv[static TOKEN_GCM_IV_SIZE],
    struct span aad, struct span plain, uint8_t *ret_encrypted,
    uint8_t ret_tag[static TOKEN_GCM_TAG_SIZE]);

#endif
