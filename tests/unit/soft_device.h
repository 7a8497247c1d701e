/* SPDX-License-Identifier: MIT
 *
 * A device whose key is in memory, for tests of envelopes and transports without a token, and files
 * with its keys and certificates. What fails here aborts the test.
 */
#ifndef TESTS_UNIT_SOFT_DEVICE_H
#define TESTS_UNIT_SOFT_DEVICE_H

#include "publisher/jws.h"

#include <openssl/ssl.h>

struct soft_device {
    EVP_PKEY *key;
    X509 *certificate;
};

/* A new key, and a certificate for name, signed by ca; by itself, as a CA, where ca is NULL. */
struct soft_device soft_device_new(const char *name, const struct soft_device *ca);
void soft_device_free(struct soft_device *device);

/* For struct jws_signer and struct transport_options; context is the device. */
err_t soft_device_sign(void *context, struct span data, uint8_t ret_signature[JWS_SIGNATURE]);
err_t soft_device_use(void *context, SSL_CTX *ctx);

/* DIR/NAME.jwk: the public key, with the private one where private is set. DIR/NAME.crt and
 * DIR/NAME.key: PEM. */
void soft_device_write_jwk(EVP_PKEY *key, bool private, const char *dir, const char *name);
void soft_device_write_pem(const struct soft_device *device, const char *dir, const char *name);

#endif
