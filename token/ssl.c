/* SPDX-License-Identifier: MIT
 *
 * TLS with a key that stays in its token.
 */
#include "key.h"

#include "base/log.h"

static err_t use_certificate(struct token *token, const char *certificate_file, SSL_CTX *ctx)
{
    const char *shown = token->session.uri->shown;
    if (certificate_file != NULL) {
        if (SSL_CTX_use_certificate_chain_file(ctx, certificate_file) == 1)
            return ERR_OK;
        way_log_openssl(certificate_file, "cannot read the certificate (PEM)");
        return ERR_CONFIG;
    }
    X509 *certificate = NULL;
    err_t err = token_certificate(token, &certificate);
    if (err != ERR_OK)
        return err;
    if (SSL_CTX_use_certificate(ctx, certificate) != 1) {
        way_log_openssl(shown, "TLS cannot use the certificate");
        err = ERR_CONFIG;
    }
    X509_free(certificate);
    return err;
}

err_t token_use_in_ssl_ctx(struct token *token, const char *certificate_file, SSL_CTX *ctx)
{
    err_t err = use_certificate(token, certificate_file, ctx);
    if (err != ERR_OK)
        return err;
    if (SSL_CTX_use_PrivateKey(ctx, token->private_key) != 1) {
        way_log_openssl(
            token->session.uri->shown, "TLS cannot use the key; is the certificate of this key?");
        return ERR_CONFIG;
    }
    return ERR_OK;
}

static err_t trust(const char *ca_file, SSL_CTX *ctx)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (ca_file == NULL ? SSL_CTX_set_default_verify_paths(ctx) == 1
                        : SSL_CTX_load_verify_file(ctx, ca_file) == 1)
        return ERR_OK;
    way_log_openssl(
        ca_file != NULL ? ca_file : "the system's CA certificates", "cannot read it (PEM)");
    return ERR_CONFIG;
}

err_t token_ssl_ctx(
    struct token *token, const char *ca_file, const char *certificate_file, SSL_CTX **ret_ctx)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        way_log_openssl(token->session.uri->shown, "cannot make a TLS context");
        SSL_CTX_free(ctx);
        return ERR_MEMORY;
    }
    err_t err = trust(ca_file, ctx);
    if (err == ERR_OK)
        err = token_use_in_ssl_ctx(token, certificate_file, ctx);
    if (err != ERR_OK) {
        SSL_CTX_free(ctx);
        return err;
    }
    *ret_ctx = ctx;
    return ERR_OK;
}
