/* SPDX-License-Identifier: MIT
 *
 * TLS as both transports want it: our key, their certificate checked against our CA and the host
 * name, and the reason kept when that check fails.
 */
#ifndef PUBLISHER_TLS_H
#define PUBLISHER_TLS_H

#include "transport.h"

/* Why the other side's certificate was not accepted; X509_V_OK: it was not looked at, or is good.
 */
struct tls_verdict {
    int error;
};

/* Sets key, certificate, TLS 1.2 or later, ALPN, and the host name (or address) that the other
 * side's certificate must have. Its CA too, where load_ca. verdict must live as long as ctx. Faults
 * are logged. */
err_t tls_prepare(SSL_CTX *ctx, const struct transport_options *options, bool load_ca,
    struct tls_verdict *verdict);

/* Text with the advice that fits; for the why of an outcome. */
void tls_explain(const struct tls_verdict *verdict, const struct transport_options *options,
    struct transport_outcome *ret_outcome);

#endif
