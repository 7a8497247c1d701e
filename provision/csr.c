/* SPDX-License-Identifier: MIT
 *
 * csr: a certificate request (RFC 2986) signed by a token's key.
 */
#include "commands.h"

#include "file.h"
#include "name.h"
#include "result.h"
#include "san.h"
#include "signer.h"

#include "base/log.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <stdlib.h>

/* The extensions asked for: the alternative names, and no others. */
static bool add_names(X509_REQ *request, GENERAL_NAMES *names)
{
    if (names == NULL)
        return true;
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    bool done = X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, 0) == 1 &&
                X509_REQ_add_extensions(request, extensions) == 1;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return done;
}

static err_t make(
    struct signer *signer, X509_NAME *subject, GENERAL_NAMES *names, X509_REQ **ret_request)
{
    X509_REQ *request = X509_REQ_new();
    if (request == NULL || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_subject_name(request, subject) != 1 ||
        X509_REQ_set_pubkey(request, signer_public_key(signer)) != 1 ||
        !add_names(request, names) ||
        X509_REQ_sign(request, signer_key(signer), EVP_sha256()) <= 0 ||
        X509_REQ_verify(request, signer_public_key(signer)) != 1) {
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        log_error("%s: cannot make and sign the request: %s", signer_place(signer),
            reason != NULL ? reason : "OpenSSL gives no reason");
        ERR_clear_error();
        X509_REQ_free(request);
        return ERR_DEVICE;
    }
    *ret_request = request;
    return ERR_OK;
}

static err_t write_request(const char *path, const X509_REQ *request, bool force)
{
    BIO *bio = BIO_new(BIO_s_mem());
    err_t err = ERR_MEMORY;
    if (bio != NULL && PEM_write_bio_X509_REQ(bio, request) == 1) {
        char *bytes = NULL;
        long len = BIO_get_mem_data(bio, &bytes);
        err = file_write(path, span_of(bytes, (size_t)len), 0644, force);
    }
    BIO_free(bio);
    return err;
}

int run_csr(const struct options *options)
{
    X509_NAME *subject = NULL;
    GENERAL_NAMES *names = NULL;
    X509_REQ *request = NULL;
    struct signer *signer = NULL;
    struct result *result = NULL;
    err_t err = result_new(&result);
    if (err == ERR_OK)
        err = file_expect_free(options->out, options->force);
    if (err == ERR_OK)
        err = name_parse(options->subject, &subject);
    if (err == ERR_OK)
        err = san_parse(options->names, options->name_count, &names);
    if (err == ERR_OK)
        err = signer_open(options->key, &signer);
    if (err == ERR_OK)
        err = make(signer, subject, names, &request);
    if (err == ERR_OK)
        err = write_request(options->out, request, options->force);
    int exit_code = err_exit_code(err);
    if (err == ERR_OK) {
        result_text(result, "request", options->out);
        result_text(result, "key", signer_place(signer));
        result_name(result, "subject", subject);
        exit_code = result_print(result, options->json);
    }
    X509_REQ_free(request);
    signer_close(signer);
    GENERAL_NAMES_free(names);
    X509_NAME_free(subject);
    result_free(result);
    return exit_code;
}
