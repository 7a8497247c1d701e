/* SPDX-License-Identifier: MIT
 *
 * X.509 certificates of the two kinds that we issue: our CA, and what it signs. P-256 and SHA-256;
 * a serial number of 20 random bytes; valid from ten minutes before now (a device's clock may be
 * behind), though not from before its CA.
 */
#ifndef PROVISION_CERTIFICATE_H
#define PROVISION_CERTIFICATE_H

#include "base/err.h"

#include <openssl/x509v3.h>

#include <stdbool.h>

enum { CERTIFICATE_BACKDATED_SECONDS = 600 };

/* What a certificate is for: its extensions (RFC 5280, 4.2.1). */
enum profile {
    PROFILE_CA,     /* CA:TRUE, pathlen:0; keyCertSign, cRLSign */
    PROFILE_CLIENT, /* CA:FALSE; digitalSignature; clientAuth */
    PROFILE_SERVER, /* CA:FALSE; digitalSignature; serverAuth */
};

/* ERR_ARGUMENTS, logged, for another name than client and server; NULL is client. */
err_t profile_of_name(const char *name, enum profile *ret_profile);

struct certificate_plan {
    enum profile profile;
    const X509_NAME *subject;
    EVP_PKEY *public_key;
    const GENERAL_NAMES *names; /* NULL: no subjectAltName */
    const X509 *issuer;         /* NULL: itself */
    long days;
};

/* Makes and signs it, and verifies the signature. ERR_INPUT, logged: it would outlive its issuer.
 * The caller frees. */
err_t certificate_issue(
    const struct certificate_plan *plan, EVP_PKEY *signing_key, X509 **ret_certificate);

/* ERR_INPUT, logged as of source: no P-256 key. */
err_t certificate_expect_p256(const EVP_PKEY *key, const char *source);

/* PEM of one certificate or request, and nothing but text around it. ERR_INPUT and file_read's
 * errors; logged. The caller frees. */
err_t certificate_read(const char *path, X509 **ret_certificate);
err_t certificate_read_request(const char *path, X509_REQ **ret_request);

/* Writes it, as PEM, mode 0644. */
err_t certificate_write(const char *path, const X509 *certificate, bool force);

#endif
