/* SPDX-License-Identifier: MIT
 *
 * The kinds of work. Each is what programs do: init and operation are two calls, data and result in
 * one piece.
 */
#include "work.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { DIGEST_SIZE = 32, ECDSA_SIZE = 64, HMAC_INPUT = 256, HMAC_SIZE = 32, GCM_TAG_BITS = 128 };

static CK_RV sign(struct desk *desk, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, CK_ULONG in_len,
    CK_ULONG out_len, struct failure *failure)
{
    CK_MECHANISM how = {type, NULL, 0};
    CK_ULONG len = sizeof desk->out;
    const struct token *token = &desk->token;
    CK_RV rv =
        failure_note(failure, "C_SignInit", token->module->C_SignInit(token->session, &how, key));
    if (rv == CKR_OK)
        rv = failure_note(failure, "C_Sign",
            token->module->C_Sign(token->session, desk->in, in_len, desk->out, &len));
    if (rv == CKR_OK && len != out_len)
        rv = failure_note(failure, "C_Sign (length)", CKR_GENERAL_ERROR);
    return rv;
}

static CK_RV ecdsa(struct desk *desk, CK_OBJECT_HANDLE key, struct failure *failure)
{
    return sign(desk, CKM_ECDSA, key, DIGEST_SIZE, ECDSA_SIZE, failure);
}

static CK_RV hmac(struct desk *desk, CK_OBJECT_HANDLE key, struct failure *failure)
{
    return sign(desk, CKM_SHA256_HMAC, key, HMAC_INPUT, HMAC_SIZE, failure);
}

/* A nonce is used once. */
static void next_iv(struct desk *desk)
{
    for (size_t i = sizeof desk->iv; i > 0 && ++desk->iv[i - 1] == 0;)
        i--;
}

static CK_RV gcm(struct desk *desk, CK_OBJECT_HANDLE key, struct failure *failure)
{
    CK_GCM_PARAMS params = {desk->iv, sizeof desk->iv, 8 * sizeof desk->iv, NULL, 0, GCM_TAG_BITS};
    CK_MECHANISM how = {CKM_AES_GCM, &params, sizeof params};
    CK_ULONG len = sizeof desk->out;
    const struct token *token = &desk->token;
    next_iv(desk);
    CK_RV rv = failure_note(
        failure, "C_EncryptInit", token->module->C_EncryptInit(token->session, &how, key));
    if (rv == CKR_OK)
        rv = failure_note(failure, "C_Encrypt",
            token->module->C_Encrypt(token->session, desk->in, GCM_SIZE, desk->out, &len));
    if (rv == CKR_OK && len != GCM_SIZE + GCM_TAG)
        rv = failure_note(failure, "C_Encrypt (length)", CKR_GENERAL_ERROR);
    return rv;
}

static CK_RV find_named(const struct token *token, CK_OBJECT_CLASS class, const char *label,
    CK_OBJECT_HANDLE *ret_object, struct failure *failure)
{
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
    CK_ULONG count = 0;
    CK_RV rv = token_find(token, template, 2, ret_object, 1, &count, failure);
    return rv == CKR_OK && count != 1
               ? failure_note(failure, "C_FindObjects", CKR_KEY_HANDLE_INVALID)
               : rv;
}

static CK_RV find(struct desk *desk, CK_OBJECT_HANDLE key, struct failure *failure)
{
    CK_OBJECT_HANDLE found;
    (void)key;
    return find_named(&desk->token, CKO_PRIVATE_KEY, "bench-ec", &found, failure);
}

const struct work_row work_rows[WORK_KINDS] = {
    {"ecdsa", "ECDSA P-256: C_SignInit and C_Sign, CKM_ECDSA, a digest of 32 bytes",
        CKO_PRIVATE_KEY, "bench-ec", ecdsa},
    {"hmac", "HMAC: C_SignInit and C_Sign, CKM_SHA256_HMAC, 256 bytes", CKO_SECRET_KEY,
        "bench-hmac", hmac},
    {"gcm", "AES-256-GCM: C_EncryptInit and C_Encrypt, CKM_AES_GCM, 64 KiB", CKO_SECRET_KEY,
        "bench-aes", gcm},
    {"find", "find: C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal, one key by label",
        CKO_PRIVATE_KEY, "bench-ec", find},
};

CK_RV work_set_up(struct desk *desk, struct failure *failure)
{
    for (unsigned i = 0; i < WORK_KINDS; i++) {
        const struct work_row *row = &work_rows[i];
        CK_RV rv =
            find_named(&desk->token, row->key_class, row->key_label, &desk->keys[i], failure);
        if (rv != CKR_OK)
            return rv;
    }
    return CKR_OK;
}

CK_RV work_once(struct desk *desk, unsigned kind, struct failure *failure)
{
    return work_rows[kind].once(desk, desk->keys[kind], failure);
}

bool work_not_offered(CK_RV rv)
{
    return rv == CKR_MECHANISM_INVALID || rv == CKR_FUNCTION_NOT_SUPPORTED;
}

/* ---- the token's content ---- */

static CK_RV make_pair(const struct token *token, const char *label, struct failure *failure)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL yes = CK_TRUE;
    void *name = (void *)(uintptr_t)label;
    const CK_ULONG name_len = strlen(label);
    CK_ATTRIBUTE public[] = {{CKA_TOKEN, &yes, sizeof yes}, {CKA_EC_PARAMS, p256, sizeof p256},
        {CKA_LABEL, name, name_len}, {CKA_ID, name, name_len}, {CKA_VERIFY, &yes, sizeof yes}};
    CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, sizeof yes}, {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes}, {CKA_LABEL, name, name_len}, {CKA_ID, name, name_len},
        {CKA_SIGN, &yes, sizeof yes}};
    CK_MECHANISM how = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE keys[2];
    return failure_note(failure, "C_GenerateKeyPair",
        token->module->C_GenerateKeyPair(
            token->session, &how, public, 5, private, 6, &keys[0], &keys[1]));
}

/* A key of 32 bytes; use_a and use_b: what it may be used for. */
static CK_RV make_secret(const struct token *token, const char *label, CK_MECHANISM_TYPE type,
    CK_ATTRIBUTE_TYPE use_a, CK_ATTRIBUTE_TYPE use_b, struct failure *failure)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG size = 32;
    void *name = (void *)(uintptr_t)label;
    const CK_ULONG name_len = strlen(label);
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &yes, sizeof yes}, {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes}, {CKA_LABEL, name, name_len}, {CKA_ID, name, name_len},
        {CKA_VALUE_LEN, &size, sizeof size}, {use_a, &yes, sizeof yes}, {use_b, &yes, sizeof yes}};
    CK_MECHANISM how = {type, NULL, 0};
    CK_OBJECT_HANDLE key;
    return failure_note(failure, "C_GenerateKey",
        token->module->C_GenerateKey(token->session, &how, template, 8, &key));
}

/* A data object, as small as any. */
static CK_RV make_filler(const struct token *token, unsigned number, struct failure *failure)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    char label[24];
    const CK_ULONG len = (CK_ULONG)snprintf(label, sizeof label, "filler-%u", number);
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &no, sizeof no}, {CKA_LABEL, label, len}, {CKA_VALUE, label, len}};
    CK_OBJECT_HANDLE object;
    return failure_note(failure, "C_CreateObject",
        token->module->C_CreateObject(token->session, template, 5, &object));
}

CK_RV work_prepare(const struct token *token, unsigned object_count, struct failure *failure)
{
    CK_RV rv = make_pair(token, "bench-ec", failure);
    if (rv == CKR_OK)
        rv = make_secret(
            token, "bench-hmac", CKM_GENERIC_SECRET_KEY_GEN, CKA_SIGN, CKA_VERIFY, failure);
    if (rv == CKR_OK)
        rv = make_secret(token, "bench-aes", CKM_AES_KEY_GEN, CKA_ENCRYPT, CKA_DECRYPT, failure);
    for (unsigned i = 4; rv == CKR_OK && i < object_count; i++)
        rv = make_filler(token, i, failure);
    return rv;
}
