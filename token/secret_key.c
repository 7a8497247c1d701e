/* SPDX-License-Identifier: MIT
 *
 * Encryption with a secret AES key of a token, by Cryptoki directly: neither libp11 nor the
 * provider has secret keys.
 */
#include "object.h"

#include "rv.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

struct token_secret_key {
    struct token_session session;
    struct token_object object;
};

err_t token_secret_key_open(const struct token_options *options, struct token_secret_key **ret_key)
{
    struct token_secret_key *key = calloc(1, sizeof *key);
    if (key == NULL)
        return ERR_MEMORY;
    err_t err = token_session_open(&key->session, options, false);
    if (err == ERR_OK)
        err = token_object_find(&key->session, CKO_SECRET_KEY, "secret key", &key->object);
    if (err != ERR_OK) {
        token_secret_key_close(key);
        return err;
    }
    token_session_forget_pin(&key->session);
    *ret_key = key;
    return ERR_OK;
}

void token_secret_key_close(struct token_secret_key *key)
{
    if (key == NULL)
        return;
    token_session_close(&key->session);
    free(key);
}

/* What C_Encrypt gives is the encrypted bytes with the tag behind them. */
err_t token_encrypt_gcm(struct token_secret_key *key, const uint8_t iv[static TOKEN_GCM_IV_SIZE],
    struct span aad, struct span plain, uint8_t *ret_encrypted,
    uint8_t ret_tag[static TOKEN_GCM_TAG_SIZE])
{
    const char *shown = key->session.uri->shown;
    CK_FUNCTION_LIST *module = key->session.module;
    if (plain.len == 0 || plain.len > TOKEN_GCM_PLAIN_MAX)
        return token_rv(shown, "cannot encrypt", CKR_DATA_LEN_RANGE);
    CK_GCM_PARAMS gcm = {
        .pIv = (CK_BYTE *)(uintptr_t)iv,
        .ulIvLen = TOKEN_GCM_IV_SIZE,
        .ulIvBits = 8 * TOKEN_GCM_IV_SIZE,
        .pAAD = (CK_BYTE *)(uintptr_t)aad.ptr,
        .ulAADLen = aad.len,
        .ulTagBits = 8 * TOKEN_GCM_TAG_SIZE,
    };
    CK_MECHANISM mechanism = {CKM_AES_GCM, &gcm, sizeof gcm};
    uint8_t out[TOKEN_GCM_PLAIN_MAX + TOKEN_GCM_TAG_SIZE];
    CK_ULONG len = sizeof out;
    CK_RV rv = module->C_EncryptInit(key->session.handle, &mechanism, key->object.handle);
    if (rv == CKR_OK)
        rv = module->C_Encrypt(
            key->session.handle, (CK_BYTE *)(uintptr_t)plain.ptr, plain.len, out, &len);
    if (rv != CKR_OK)
        return token_rv(shown, "cannot encrypt with the key", rv);
    if (len != plain.len + TOKEN_GCM_TAG_SIZE) {
        log_error("%s: the token gave %lu bytes instead of %zu", shown, len,
            plain.len + TOKEN_GCM_TAG_SIZE);
        return ERR_DEVICE;
    }
    memcpy(ret_encrypted, out, plain.len);
    memcpy(ret_tag, out + plain.len, TOKEN_GCM_TAG_SIZE);
    return ERR_OK;
}
