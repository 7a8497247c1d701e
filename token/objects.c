/* SPDX-License-Identifier: MIT
 *
 * A token open for writing, and the key pair that is made in it.
 */
#include "objects_private.h"

#include "rv.h"

#include "base/log.h"

#include <openssl/rand.h>

#include <stdlib.h>
#include <string.h>

enum { GENERATED_ID_SIZE = 16 };

err_t token_objects_open(const struct token_options *options, struct token_objects **ret_objects)
{
    struct token_objects *objects = calloc(1, sizeof *objects);
    if (objects == NULL)
        return ERR_MEMORY;
    err_t err = token_session_open(&objects->session, options, true);
    if (err != ERR_OK) {
        token_objects_close(objects);
        return err;
    }
    token_session_forget_pin(&objects->session);
    *ret_objects = objects;
    return ERR_OK;
}

void token_objects_close(struct token_objects *objects)
{
    if (objects == NULL)
        return;
    token_session_close(&objects->session);
    free(objects->uri);
    free(objects);
}

const char *token_objects_uri(const struct token_objects *objects)
{
    return objects->uri;
}

/* The URI with the id of objects->key. */
static err_t name_key(struct token_objects *objects)
{
    char *uri = NULL;
    err_t err = token_uri_with_id(
        objects->session.uri, span_of(objects->key.id, objects->key.id_len), &uri);
    if (err != ERR_OK)
        return err;
    free(objects->uri);
    objects->uri = uri;
    return ERR_OK;
}

err_t token_objects_key(struct token_objects *objects, EVP_PKEY **ret_public_key)
{
    EVP_PKEY *public_key = NULL;
    err_t err = token_object_find(&objects->session, CKO_PRIVATE_KEY, "private key", &objects->key);
    if (err == ERR_OK)
        err = token_object_public_key(&objects->session, &objects->key, &public_key);
    if (err == ERR_OK)
        err = name_key(objects);
    if (err != ERR_OK) {
        EVP_PKEY_free(public_key);
        return err;
    }
    *ret_public_key = public_key;
    return ERR_OK;
}

/* ---- a new key pair ---- */

/* Label and id of the key to be made, into objects->key. */
static err_t choose_name(struct token_objects *objects)
{
    const struct token_uri *uri = objects->session.uri;
    const CK_ATTRIBUTE *label = token_uri_attribute(uri, CKA_LABEL);
    const CK_ATTRIBUTE *id = token_uri_attribute(uri, CKA_ID);
    struct token_object *key = &objects->key;
    *key = (struct token_object){0};
    if (label == NULL || label->ulValueLen == 0 || label->ulValueLen > sizeof key->label) {
        log_error("%s: a new key needs a name; add object=LABEL", uri->shown);
        return ERR_ARGUMENTS;
    }
    if (id != NULL && (id->ulValueLen == 0 || id->ulValueLen > sizeof key->id)) {
        log_error("%s: its id is empty or too long", uri->shown);
        return ERR_ARGUMENTS;
    }
    memcpy(key->label, label->pValue, label->ulValueLen);
    key->label_len = label->ulValueLen;
    if (id != NULL) {
        memcpy(key->id, id->pValue, id->ulValueLen);
        key->id_len = id->ulValueLen;
        return ERR_OK;
    }
    key->id_len = GENERATED_ID_SIZE;
    return RAND_bytes(key->id, GENERATED_ID_SIZE) == 1 ? ERR_OK : ERR_SYSTEM;
}

/* ERR_EXISTS where a private or public key has this attribute. */
static err_t expect_free(struct token_objects *objects, CK_ATTRIBUTE name, const char *what)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        CK_OBJECT_CLASS class = classes[i];
        CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, name};
        CK_OBJECT_HANDLE handle = 0;
        CK_ULONG found = 0;
        err_t err = token_objects_matching(&objects->session, wanted, 2, &handle, 1, &found);
        if (err != ERR_OK)
            return err;
        if (found > 0) {
            log_error("%s: a key with this %s exists already; take another, or delete that key",
                objects->session.uri->shown, what);
            return ERR_EXISTS;
        }
    }
    return ERR_OK;
}

static CK_RV generate(struct token_objects *objects)
{
    static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    struct token_object *key = &objects->key;
    const CK_ATTRIBUTE label = {CKA_LABEL, key->label, key->label_len};
    const CK_ATTRIBUTE id = {CKA_ID, key->id, key->id_len};
    CK_ATTRIBUTE public_template[] = {
        {CKA_EC_PARAMS, (void *)(uintptr_t)p256, sizeof p256},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_VERIFY, &yes, sizeof yes},
        {CKA_ENCRYPT, &no, sizeof no},
        {CKA_WRAP, &no, sizeof no},
        label,
        id,
    };
    CK_ATTRIBUTE private_template[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_SIGN, &yes, sizeof yes},
        {CKA_DECRYPT, &no, sizeof no},
        {CKA_UNWRAP, &no, sizeof no},
        {CKA_DERIVE, &no, sizeof no},
        label,
        id,
    };
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    return objects->session.module->C_GenerateKeyPair(objects->session.handle, &mechanism,
        public_template, sizeof public_template / sizeof public_template[0], private_template,
        sizeof private_template / sizeof private_template[0], &objects->made_public, &key->handle);
}

err_t token_objects_generate(struct token_objects *objects, EVP_PKEY **ret_public_key)
{
    EVP_PKEY *public_key = NULL;
    err_t err = choose_name(objects);
    struct token_object *key = &objects->key;
    if (err == ERR_OK)
        err = expect_free(objects, (CK_ATTRIBUTE){CKA_LABEL, key->label, key->label_len}, "name");
    if (err == ERR_OK)
        err = expect_free(objects, (CK_ATTRIBUTE){CKA_ID, key->id, key->id_len}, "id");
    if (err == ERR_OK)
        err = token_rv(
            objects->session.uri->shown, "the token cannot make a P-256 key", generate(objects));
    if (err != ERR_OK)
        return err;
    objects->made = true;
    err = token_object_public_key(&objects->session, key, &public_key);
    if (err == ERR_OK)
        err = name_key(objects);
    if (err != ERR_OK) {
        EVP_PKEY_free(public_key);
        token_objects_take_back(objects);
        return err;
    }
    *ret_public_key = public_key;
    return ERR_OK;
}

void token_objects_take_back(struct token_objects *objects)
{
    if (objects == NULL || !objects->made)
        return;
    objects->made = false;
    CK_FUNCTION_LIST *module = objects->session.module;
    CK_RV private_rv = module->C_DestroyObject(objects->session.handle, objects->key.handle);
    CK_RV public_rv = module->C_DestroyObject(objects->session.handle, objects->made_public);
    (void)token_rv(objects->session.uri->shown, "cannot delete the new key again; do it by hand",
        private_rv != CKR_OK ? private_rv : public_rv);
}
