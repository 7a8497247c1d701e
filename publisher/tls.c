/* SPDX-License-Identifier: MIT
 *
 * One SSL_CTX, set up the same way for libmosquitto and libcurl. OpenSSL itself compares the host
 * name, whatever the library above does.
 */
#include "tls.h"

#include "base/log.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* OpenSSL's own check; only its result is kept. */
static int verify(X509_STORE_CTX *store, void *context)
{
    struct tls_verdict *verdict = context;
    int ok = X509_verify_cert(store);
    verdict->error = ok == 1 ? X509_V_OK : X509_STORE_CTX_get_error(store);
    if (ok != 1 && verdict->error == X509_V_OK)
        verdict->error = X509_V_ERR_UNSPECIFIED;
    return ok;
}

static bool set_name(SSL_CTX *ctx, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1 ||
           X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
}

/* One name behind its length (RFC 7301, 3.1). */
static bool set_alpn(SSL_CTX *ctx, const char *name)
{
    uint8_t list[256];
    struct writer w = writer_of(list, sizeof list);
    if (name == NULL)
        return true;
    write_uint(&w, 1, strlen(name));
    write_span(&w, span_of_text(name));
    return !writer_failed(&w) &&
           SSL_CTX_set_alpn_protos(ctx, list, (unsigned)writer_bytes(&w).len) == 0;
}

err_t tls_prepare(SSL_CTX *ctx, const struct transport_options *options, bool load_ca,
    struct tls_verdict *verdict)
{
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 || !set_name(ctx, options->host) ||
        !set_alpn(ctx, options->alpn))
        return ERR_INTERNAL;
    if (load_ca && options->ca_file != NULL &&
        SSL_CTX_load_verify_file(ctx, options->ca_file) != 1) {
        log_error("--ca %s: %s", options->ca_file, ERR_reason_error_string(ERR_peek_error()));
        ERR_clear_error();
        return ERR_CONFIG;
    }
    if (load_ca && options->ca_file == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1)
        return ERR_INTERNAL;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    verdict->error = X509_V_OK;
    SSL_CTX_set_cert_verify_callback(ctx, verify, verdict);
    return options->use_key(options->context, ctx);
}

static const struct advice_row {
    int error;
    const char *advice;
} advices[] = {
    {X509_V_ERR_HOSTNAME_MISMATCH, "its certificate is for another host name"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "its certificate is for another address"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "its certificate is of another CA than --ca"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "its certificate is of another CA than --ca"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "its certificate is of another CA than --ca"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "its certificate is of another CA than --ca"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "its certificate is of another CA than --ca"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "its certificate is of another CA than --ca"},
    {X509_V_ERR_CERT_HAS_EXPIRED, "its certificate has expired, or this device's clock is wrong"},
    {X509_V_ERR_CERT_NOT_YET_VALID,
        "its certificate is not valid yet: is this device's clock right?"},
};

void tls_explain(const struct tls_verdict *verdict, const struct transport_options *options,
    struct transport_outcome *ret_outcome)
{
    const char *advice = "its certificate is not accepted";
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if (advices[i].error == verdict->error)
            advice = advices[i].advice;
    *ret_outcome = (struct transport_outcome){.result = TRANSPORT_LATER, .err = ERR_PEER_UNTRUSTED};
    (void)snprintf(ret_outcome->why, sizeof ret_outcome->why, "%s (%s): nothing is sent to %s",
        advice, X509_verify_cert_error_string(verdict->error), options->host);
}
