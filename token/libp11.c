/* SPDX-License-Identifier: MIT
 *
 * The way of stock Debian 12: libp11 over p11-kit's proxy module. The proxy shares its modules with
 * the p11-kit of this program, so that our session's login counts for libp11 too, which never gets
 * the PIN. Which key: the one that our session has found, by token, CKA_ID and label.
 */
#include "way.h"

#include "base/log.h"

#include <libp11.h>

#include <stdlib.h>
#include <string.h>

struct way_key {
    PKCS11_CTX *context;
    bool loaded;
    PKCS11_SLOT *slots;
    unsigned slot_count;
};

/* A field of CK_TOKEN_INFO (padded with blanks) is the text of libp11, which has dropped them. */
static bool same_field(const CK_UTF8CHAR *field, size_t size, const char *text)
{
    while (size > 0 && field[size - 1] == ' ')
        size--;
    return text != NULL && strlen(text) == size && memcmp(field, text, size) == 0;
}

static bool same_token(const CK_TOKEN_INFO *info, const PKCS11_TOKEN *token)
{
    return same_field(info->label, sizeof info->label, token->label) &&
           same_field(info->manufacturerID, sizeof info->manufacturerID, token->manufacturer) &&
           same_field(info->model, sizeof info->model, token->model) &&
           same_field(info->serialNumber, sizeof info->serialNumber, token->serialnr);
}

static PKCS11_TOKEN *find_token(const struct way_key *key, const CK_TOKEN_INFO *info)
{
    for (unsigned i = 0; i < key->slot_count; i++)
        if (key->slots[i].token != NULL && same_token(info, key->slots[i].token))
            return key->slots[i].token;
    return NULL;
}

static PKCS11_KEY *find_key(PKCS11_TOKEN *token, const struct token_object *wanted)
{
    PKCS11_KEY *keys = NULL;
    unsigned count = 0;
    if (token == NULL || PKCS11_enumerate_keys(token, &keys, &count) != 0)
        return NULL;
    for (unsigned i = 0; i < count; i++) {
        struct span label = span_of_text(keys[i].label != NULL ? keys[i].label : "");
        if (span_equal(span_of(keys[i].id, keys[i].id_len), span_of(wanted->id, wanted->id_len)) &&
            span_equal(label, span_of(wanted->label, wanted->label_len)))
            return &keys[i];
    }
    return NULL;
}

static void libp11_close(struct way_key *key, EVP_PKEY *private_key)
{
    EVP_PKEY_free(private_key);
    if (key == NULL)
        return;
    if (key->slots != NULL)
        PKCS11_release_all_slots(key->context, key->slots, key->slot_count);
    if (key->loaded)
        PKCS11_CTX_unload(key->context);
    if (key->context != NULL)
        PKCS11_CTX_free(key->context);
    free(key);
}

static err_t libp11_open(struct token_session *session, const struct token_object *object,
    struct way_key **ret_key, EVP_PKEY **ret_private_key)
{
    const char *shown = session->uri->shown;
    struct way_key *key = calloc(1, sizeof *key);
    err_t err = ERR_MEMORY;
    if (key == NULL || (key->context = PKCS11_CTX_new()) == NULL)
        goto out;
    err = ERR_DEVICE;
    if (PKCS11_CTX_load(key->context, TOKEN_P11_KIT_PROXY) != 0) {
        way_log_openssl(shown, "cannot load " TOKEN_P11_KIT_PROXY " (package p11-kit-modules)");
        goto out;
    }
    key->loaded = true;
    if (PKCS11_enumerate_slots(key->context, &key->slots, &key->slot_count) != 0) {
        way_log_openssl(shown, "libp11 cannot list the tokens");
        goto out;
    }
    PKCS11_KEY *found = find_key(find_token(key, &session->info), object);
    EVP_PKEY *private_key = found != NULL ? PKCS11_get_private_key(found) : NULL;
    if (private_key == NULL) {
        way_log_openssl(shown, "libp11 cannot use the key");
        goto out;
    }
    *ret_private_key = private_key;
    *ret_key = key;
    key = NULL;
    err = ERR_OK;
out:
    libp11_close(key, NULL);
    return err;
}

static bool libp11_available(void)
{
    return true;
}

const struct way way_libp11 = {"libp11", libp11_available, libp11_open, libp11_close};
