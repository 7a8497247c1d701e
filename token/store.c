/* SPDX-License-Identifier: MIT
 *
 * The way of a machine where OpenSSL's configuration loads pkcs11-provider: OSSL_STORE, with a URI
 * that names exactly the key which our session has found. The provider has a module and a login of
 * its own; it is given the PIN where it asks for one.
 */
#include "way.h"

#include "base/log.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include <stdlib.h>
#include <string.h>

/* OpenSSL reads its configuration when it is first used, which may not have been yet. */
static bool store_available(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    OSSL_STORE_LOADER *loader = OSSL_STORE_LOADER_fetch(NULL, "pkcs11", NULL);
    OSSL_STORE_LOADER_free(loader);
    return loader != NULL;
}

/* The token's four names, the key's id, label and type: one object. The caller frees. */
static err_t exact_uri(
    struct token_session *session, const struct token_object *object, char **ret_text)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_ID, (void *)(uintptr_t)object->id, object->id_len},
        {CKA_LABEL, (void *)(uintptr_t)object->label, object->label_len},
    };
    P11KitUri *uri = p11_kit_uri_new();
    err_t err = ERR_MEMORY;
    if (uri != NULL) {
        *p11_kit_uri_get_token_info(uri) = session->info;
        for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
            if (attributes[i].ulValueLen > 0)
                (void)p11_kit_uri_set_attribute(uri, &attributes[i]);
        if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, ret_text) == P11_KIT_URI_OK)
            err = ERR_OK;
    }
    p11_kit_uri_free(uri);
    return err;
}

/* What can be done without the token is: else OpenSSL 3.0 may, once the key has signed, ask the
 * token to verify signatures with other people's public keys too. The key itself stays with the
 * provider, which has it alone. This holds for the whole process. */
static void prefer_others(void)
{
    (void)EVP_set_default_properties(NULL, EVP_default_properties_is_fips_enabled(NULL) == 1
                                               ? "fips=yes,?provider!=pkcs11"
                                               : "?provider!=pkcs11");
}

/* ---- the PIN, for whoever asks by UI ---- */

static int answer(UI *ui, UI_STRING *string)
{
    const struct token_session *session = UI_get0_user_data(ui);
    if (UI_get_string_type(string) != UIT_PROMPT || session->pin == NULL)
        return 1;
    struct span pin = secret_bytes(session->pin);
    return UI_set_result_ex(ui, string, (const char *)pin.ptr, (int)pin.len) == 0 ? 1 : 0;
}

static UI_METHOD *answering_method(void)
{
    UI_METHOD *method = UI_create_method("signerd token");
    if (method != NULL)
        (void)UI_method_set_reader(method, answer);
    return method;
}

/* ---- the key ---- */

static EVP_PKEY *load(struct token_session *session, const char *uri)
{
    EVP_PKEY *found = NULL;
    UI_METHOD *method = answering_method();
    OSSL_STORE_CTX *store =
        method != NULL ? OSSL_STORE_open(uri, method, session, NULL, NULL) : NULL;
    if (store != NULL)
        (void)OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
    while (store != NULL && found == NULL && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (info == NULL)
            break;
        if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
            found = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    (void)OSSL_STORE_close(store);
    UI_destroy_method(method);
    return found;
}

static err_t store_open(struct token_session *session, const struct token_object *object,
    struct way_key **ret_key, EVP_PKEY **ret_private_key)
{
    const char *shown = session->uri->shown;
    if (!store_available()) {
        log_error("%s: OpenSSL has no pkcs11-provider loaded; switch it on in openssl.cnf", shown);
        return ERR_UNSUPPORTED;
    }
    prefer_others();
    char *uri = NULL;
    err_t err = exact_uri(session, object, &uri);
    if (err != ERR_OK)
        return err;
    EVP_PKEY *key = load(session, uri);
    free(uri);
    if (key == NULL) {
        way_log_openssl(shown, "OpenSSL's pkcs11-provider cannot use the key");
        return ERR_DEVICE;
    }
    *ret_key = NULL;
    *ret_private_key = key;
    return ERR_OK;
}

static void store_close(struct way_key *key, EVP_PKEY *private_key)
{
    (void)key;
    EVP_PKEY_free(private_key);
}

const struct way way_store = {"store", store_available, store_open, store_close};
