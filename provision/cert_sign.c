/* SPDX-License-Identifier: MIT
 *
 * cert sign: the CA grants a request. Of the request only public key, subject and alternative names
 * are taken; all else is the profile's.
 */
#include "commands.h"

#include "certificate.h"
#include "file.h"
#include "result.h"
#include "san.h"
#include "signer.h"

#include "base/log.h"

#include <openssl/err.h>

#include <stdlib.h>
#include <sysexits.h>

/* What is taken from a request, once it was found good. */
struct wish {
    X509_REQ *request;
    GENERAL_NAMES *names; /* NULL: none */
};

static void wish_free(struct wish *wish)
{
    GENERAL_NAMES_free(wish->names);
    X509_REQ_free(wish->request);
}

static err_t wish_take_names(struct wish *wish, const char *path)
{
    int found = -1;
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(wish->request);
    wish->names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, &found);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ERR_clear_error();
    if (wish->names == NULL && found == -1)
        return ERR_OK;
    if (wish->names == NULL) {
        log_error("%s: its alternative names cannot be read", path);
        return ERR_INPUT;
    }
    return san_check(wish->names, path);
}

static err_t wish_read(const char *path, struct wish *wish)
{
    err_t err = certificate_read_request(path, &wish->request);
    if (err != ERR_OK)
        return err;
    EVP_PKEY *public_key = X509_REQ_get0_pubkey(wish->request);
    err = certificate_expect_p256(public_key, path);
    if (err != ERR_OK)
        return err;
    if (X509_REQ_verify(wish->request, public_key) != 1) {
        ERR_clear_error();
        log_error("%s: its own signature is wrong: it was changed, or not made with its key", path);
        return ERR_SIGNATURE;
    }
    if (X509_NAME_entry_count(X509_REQ_get_subject_name(wish->request)) == 0) {
        log_error("%s: has no subject", path);
        return ERR_INPUT;
    }
    return wish_take_names(wish, path);
}

static err_t expect_ca(const X509 *ca, const char *path, const struct signer *signer)
{
    err_t err = certificate_expect_p256(X509_get0_pubkey(ca), path);
    if (err != ERR_OK)
        return err;
    if (X509_check_ca((X509 *)(uintptr_t)ca) != 1) {
        log_error("%s: is no CA's certificate", path);
        return ERR_INPUT;
    }
    if (EVP_PKEY_eq(X509_get0_pubkey(ca), signer_public_key(signer)) != 1) {
        log_error("%s: is not of the key %s", path, signer_place(signer));
        return ERR_INPUT;
    }
    return ERR_OK;
}

static err_t open_signer(const struct options *options, struct signer **ret_signer)
{
    return options->ca_key != NULL
               ? signer_open(options->ca_key, ret_signer)
               : signer_read(options->ca_key_file, options->passphrase_file, ret_signer);
}

static bool options_fit(const struct options *options)
{
    const char *why = NULL;
    if ((options->ca_key != NULL) == (options->ca_key_file != NULL))
        why = "either --ca-key URI or --ca-key-file FILE must be given";
    else if (options->ca_key != NULL && options->passphrase_file != NULL)
        why = "--passphrase-file is for --ca-key-file FILE";
    if (why != NULL)
        log_error("cert sign: %s", why);
    return why == NULL;
}

int run_cert_sign(const struct options *options)
{
    struct certificate_plan plan = {.days = options->days};
    struct wish wish = {NULL, NULL};
    X509 *ca = NULL;
    X509 *certificate = NULL;
    struct signer *signer = NULL;
    struct result *result = NULL;
    if (!options_fit(options))
        return EX_USAGE;
    err_t err = result_new(&result);
    if (err == ERR_OK)
        err = profile_of_name(options->profile, &plan.profile);
    if (err == ERR_OK)
        err = file_expect_free(options->out, options->force);
    if (err == ERR_OK)
        err = wish_read(options->csr, &wish);
    if (err == ERR_OK)
        err = certificate_read(options->ca, &ca);
    if (err == ERR_OK)
        err = open_signer(options, &signer);
    if (err == ERR_OK)
        err = expect_ca(ca, options->ca, signer);
    if (err == ERR_OK) {
        plan.subject = X509_REQ_get_subject_name(wish.request);
        plan.public_key = X509_REQ_get0_pubkey(wish.request);
        plan.names = wish.names;
        plan.issuer = ca;
        err = certificate_issue(&plan, signer_key(signer), &certificate);
    }
    if (err == ERR_OK)
        err = certificate_write(options->out, certificate, options->force);
    int exit_code = err_exit_code(err);
    if (err == ERR_OK) {
        result_text(result, "certificate", options->out);
        result_certificate(result, certificate);
        exit_code = result_print(result, options->json);
    }
    X509_free(certificate);
    X509_free(ca);
    signer_close(signer);
    wish_free(&wish);
    result_free(result);
    return exit_code;
}
