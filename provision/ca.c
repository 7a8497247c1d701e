/* SPDX-License-Identifier: MIT
 *
 * ca create: a CA of one's own. Order: everything that can be checked is; the key is made; the
 * certificate is made and written. Where that fails, the new key is taken back.
 */
#include "commands.h"

#include "certificate.h"
#include "file.h"
#include "name.h"
#include "result.h"
#include "signer.h"

#include "base/log.h"

#include <stdlib.h>
#include <sysexits.h>

enum { CA_DAYS = 3650 };

/* --key or --key-file, and what goes with each. */
static bool options_fit(const struct options *options)
{
    const char *why = NULL;
    if ((options->key != NULL) == (options->key_file != NULL))
        why = "either --key URI or --key-file FILE must be given";
    else if (options->key_file != NULL && options->existing)
        why = "--existing is for --key URI";
    else if (options->key != NULL && (options->encrypt || options->passphrase_file != NULL))
        why = "--encrypt and --passphrase-file are for --key-file FILE";
    if (why != NULL)
        log_error("ca create: %s", why);
    return why == NULL;
}

static err_t open_signer(const struct options *options, struct signer **ret_signer)
{
    if (options->key_file != NULL)
        return signer_write(
            options->key_file, options->encrypt, options->passphrase_file, ret_signer);
    return options->existing ? signer_open(options->key, ret_signer)
                             : signer_create(options->key, ret_signer);
}

/* The key is there; what fails from here on takes it back. */
static err_t issue(const struct options *options, const X509_NAME *subject, struct signer *signer,
    X509 **ret_certificate)
{
    const struct certificate_plan plan = {
        .profile = PROFILE_CA,
        .subject = subject,
        .public_key = signer_public_key(signer),
        .days = options->days > 0 ? options->days : CA_DAYS,
    };
    err_t err = certificate_issue(&plan, signer_key(signer), ret_certificate);
    if (err == ERR_OK)
        err = certificate_write(options->out, *ret_certificate, options->force);
    return err;
}

int run_ca_create(const struct options *options)
{
    X509_NAME *subject = NULL;
    X509 *certificate = NULL;
    struct signer *signer = NULL;
    struct result *result = NULL;
    int exit_code = EX_USAGE;
    if (!options_fit(options))
        return exit_code;
    err_t err = result_new(&result);
    if (err == ERR_OK)
        err = file_expect_free(options->out, options->force);
    if (err == ERR_OK)
        err = name_parse(options->subject, &subject);
    if (err == ERR_OK)
        err = open_signer(options, &signer);
    if (err == ERR_OK) {
        err = issue(options, subject, signer, &certificate);
        if (err != ERR_OK)
            signer_take_back(signer);
    }
    exit_code = err_exit_code(err);
    if (err == ERR_OK) {
        result_text(result, "certificate", options->out);
        result_text(result, "key", signer_place(signer));
        result_certificate(result, certificate);
        exit_code = result_print(result, options->json);
    }
    X509_free(certificate);
    signer_close(signer);
    X509_NAME_free(subject);
    result_free(result);
    return exit_code;
}
