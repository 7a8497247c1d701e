/* SPDX-License-Identifier: MIT
 *
 * key create: a device's key, made in its token.
 */
#include "commands.h"

#include "result.h"
#include "signer.h"

#include "token/objects.h"

#include <openssl/pem.h>

#include <stdlib.h>

static err_t put_public_key(struct result *result, EVP_PKEY *public_key)
{
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    err_t err = ERR_MEMORY;
    if (bio != NULL && PEM_write_bio_PUBKEY(bio, public_key) == 1 && BIO_write(bio, "", 1) == 1) {
        (void)BIO_get_mem_data(bio, &text);
        result_text(result, "public_key", text);
        err = ERR_OK;
    }
    BIO_free(bio);
    return err;
}

int run_key_create(const struct options *options)
{
    struct token_options token_options = signer_token_options(options->uri);
    struct token_objects *objects = NULL;
    struct result *result = NULL;
    EVP_PKEY *public_key = NULL;
    err_t err = result_new(&result);
    if (err == ERR_OK)
        err = token_objects_open(&token_options, &objects);
    if (err == ERR_OK)
        err = token_objects_generate(objects, &public_key);
    if (err == ERR_OK) {
        err = put_public_key(result, public_key);
        if (err != ERR_OK)
            token_objects_take_back(objects);
    }
    int exit_code = err_exit_code(err);
    if (err == ERR_OK) {
        result_text(result, "uri", token_objects_uri(objects));
        exit_code = result_print(result, options->json);
    }
    EVP_PKEY_free(public_key);
    token_objects_close(objects);
    result_free(result);
    return exit_code;
}
