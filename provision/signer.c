/* SPDX-License-Identifier: MIT
 *
 * Signing keys of tokens; those of files are in key_file.c.
 */
#include "signer_private.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct token_options signer_token_options(const char *uri)
{
    if (strstr(uri, "pin-value=") != NULL)
        log_warning(
            "a pin-value can be seen in the list of processes; put the PIN into a file that "
            "only you can read, and say pin-source=/PATH instead");
    return (struct token_options){.uri = uri, .way = TOKEN_WAY_ANY, .ask_pin = token_ask_terminal};
}

/* The key of an object that is there. */
static err_t open_token(const struct token_options *options, struct signer *signer)
{
    err_t err = token_open(options, &signer->token);
    if (err != ERR_OK)
        return err;
    signer->key = token_private_key(signer->token);
    return token_public_key(signer->token, &signer->public_key);
}

err_t signer_open(const char *uri, struct signer **ret_signer)
{
    struct signer *signer = calloc(1, sizeof *signer);
    if (signer == NULL)
        return ERR_MEMORY;
    struct token_options options = signer_token_options(uri);
    err_t err = open_token(&options, signer);
    if (err == ERR_OK)
        err = token_uri_without_pin(uri, &signer->place);
    if (err != ERR_OK) {
        signer_close(signer);
        return err;
    }
    *ret_signer = signer;
    return ERR_OK;
}

err_t signer_create(const char *uri, struct signer **ret_signer)
{
    struct signer *signer = calloc(1, sizeof *signer);
    if (signer == NULL)
        return ERR_MEMORY;
    struct token_options options = signer_token_options(uri);
    EVP_PKEY *made = NULL;
    err_t err = token_objects_open(&options, &signer->objects);
    if (err == ERR_OK)
        err = token_objects_generate(signer->objects, &made);
    EVP_PKEY_free(made);
    if (err == ERR_OK) {
        signer->place = strdup(token_objects_uri(signer->objects));
        options.uri = signer->place; /* logged in already, and with its id */
        err = signer->place != NULL ? open_token(&options, signer) : ERR_MEMORY;
    }
    if (err != ERR_OK) {
        signer_take_back(signer);
        signer_close(signer);
        return err;
    }
    *ret_signer = signer;
    return ERR_OK;
}

EVP_PKEY *signer_key(const struct signer *signer)
{
    return signer->key;
}

EVP_PKEY *signer_public_key(const struct signer *signer)
{
    return signer->public_key;
}

const char *signer_place(const struct signer *signer)
{
    return signer->place;
}

void signer_take_back(struct signer *signer)
{
    token_objects_take_back(signer->objects);
    if (signer->made_file)
        (void)unlink(signer->place);
    signer->made_file = false;
}

void signer_close(struct signer *signer)
{
    if (signer == NULL)
        return;
    if (signer->token == NULL)
        EVP_PKEY_free(signer->key);
    EVP_PKEY_free(signer->public_key);
    token_close(signer->token);
    token_objects_close(signer->objects);
    free(signer->place);
    free(signer);
}
