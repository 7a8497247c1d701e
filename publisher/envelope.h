/* SPDX-License-Identifier: MIT
 *
 * The envelope (docs/ENVELOPE.md): one reading with its claims, encrypted to the owner and signed
 * by the device: a compact JWS over a compact JWE.
 */
#ifndef PUBLISHER_ENVELOPE_H
#define PUBLISHER_ENVELOPE_H

#include "jwe.h"
#include "jws.h"
#include "sensor.h"
#include "timestamp.h"

#include <openssl/x509.h>

enum {
    ENVELOPE_VERSION = 1,
    ENVELOPE_MAX = 8192, /* bytes of its text */
    CERTIFICATE_ID = 64, /* hexadecimal digits */
    DEVICE_ID_MAX = 128, /* bytes, as AWS IoT has it for client ids */
};

struct envelope_maker;

struct envelope_options {
    const char *device;            /* 1 to DEVICE_ID_MAX bytes of UTF-8; must stay valid */
    X509 *certificate;             /* of the device's key, P-256; read now, not kept */
    const struct jwe_owner *owner; /* must stay valid */
    struct jws_signer signer;
};

/* Faults are logged. The caller frees. */
err_t envelope_maker_new(const struct envelope_options *options, struct envelope_maker **ret_maker);
void envelope_maker_free(struct envelope_maker *maker); /* NULL is allowed */

/* Lower-case hexadecimal SHA-256 of the certificate's DER form. */
err_t envelope_certificate_id(X509 *certificate, char ret_id[CERTIFICATE_ID + 1]);

/* Writes the envelope of a reading that was taken at that time. number: never used before. */
err_t envelope_make(const struct envelope_maker *maker, int64_t number,
    const struct sensor_reading *reading, const struct timestamp *time, struct writer *ret_text);

#endif
