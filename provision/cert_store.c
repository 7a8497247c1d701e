/* SPDX-License-Identifier: MIT
 *
 * cert store: a certificate goes into the token, beside its key.
 */
#include "commands.h"

#include "certificate.h"
#include "result.h"
#include "signer.h"

#include "token/objects.h"

#include <stdlib.h>

static const char *const stored_names[] = {
    [TOKEN_STORED_NEW] = "new",
    [TOKEN_STORED_SAME] = "same",
    [TOKEN_STORED_REPLACED] = "replaced",
};

int run_cert_store(const struct options *options)
{
    struct token_options token_options = signer_token_options(options->key);
    struct token_objects *objects = NULL;
    struct result *result = NULL;
    X509 *certificate = NULL;
    enum token_stored stored = TOKEN_STORED_NEW;
    err_t err = result_new(&result);
    if (err == ERR_OK)
        err = certificate_read(options->cert, &certificate);
    if (err == ERR_OK)
        err = token_objects_open(&token_options, &objects);
    if (err == ERR_OK)
        err = token_objects_store_certificate(objects, certificate, options->replace, &stored);
    int exit_code = err_exit_code(err);
    if (err == ERR_OK) {
        result_text(result, "uri", token_objects_uri(objects));
        result_text(result, "stored", stored_names[stored]);
        result_certificate(result, certificate);
        exit_code = result_print(result, options->json);
    }
    token_objects_close(objects);
    X509_free(certificate);
    result_free(result);
    return exit_code;
}
