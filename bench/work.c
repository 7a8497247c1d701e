/* SPDX-License-Identifier: MIT
 *
 * The kinds of work. Each is what programs do: init and operation are two calls, data and result in
 * one piece.
 */
#include "work.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    DIGEST_SIZE = 32,
    ECDSA_SIZE = 64,
    HMAC_INPUT = 256,
    HMAC_SIZE = 32,
    GCM_TAG_BITS = 128,
    KEY_SIZE = 32,
    CERTIFICATE_SIZE = 600
};

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

static CK_RV find_id(struct desk *desk, CK_OBJECT_HANDLE key, struct failure *failure)
{
    static CK_BYTE id[] = "bench-ec";
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[] = {{CKA_ID, id, sizeof id - 1}, {CKA_CLASS, &class, sizeof class}};
    CK_OBJECT_HANDLE found;
    CK_ULONG count = 0;
    (void)key;
    CK_RV rv = token_find(&desk->token, template, 2, &found, 1, &count, failure);
    return rv == CKR_OK && count != 1
               ? failure_note(failure, "C_FindObjects", CKR_KEY_HANDLE_INVALID)
               : rv;
}

/* first_count: 0, or how many there were. */
static CK_RV find_many(struct desk *desk, CK_ATTRIBUTE *template, CK_ULONG template_count,
    CK_ULONG *first_count, struct failure *failure)
{
    CK_ULONG count = 0;
    CK_RV rv =
        token_find(&desk->token, template, template_count, desk->found, FOUND_MAX, &count, failure);
    if (rv == CKR_OK && (count == 0 || (*first_count != 0 && *first_count != count)))
        rv = failure_note(failure, "C_FindObjects (count)", CKR_GENERAL_ERROR);
    *first_count = count;
    return rv;
}

static CK_RV find_class(struct desk *desk, CK_OBJECT_HANDLE key, struct failure *failure)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}};
    (void)key;
    return find_many(desk, template, 1, &desk->found_counts[0], failure);
}

static CK_RV find_all(struct desk *desk, CK_OBJECT_HANDLE key, struct failure *failure)
{
    (void)key;
    return find_many(desk, NULL, 0, &desk->found_counts[1], failure);
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
    {"findid", "find: one key by CKA_ID and class", CKO_PRIVATE_KEY, "bench-ec", find_id},
    {"findclass", "find: all secret keys, by class alone", CKO_PRIVATE_KEY, "bench-ec", find_class},
    {"findall", "find: all objects, by an empty template", CKO_PRIVATE_KEY, "bench-ec", find_all},
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

/* Bytes that are those of no other number; they need not be secret. */
static void scatter(CK_BYTE *bytes, size_t len, unsigned number)
{
    uint64_t state = number + 1;
    for (size_t i = 0; i < len; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407U; /* Knuth's MMIX */
        bytes[i] = (CK_BYTE)(state >> 56);
    }
}

/* Nobody reads the certificate, so it need not be one. */
static CK_RV make_certificate(const struct token *token, unsigned number, struct failure *failure)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_BYTE value[CERTIFICATE_SIZE];
    CK_BYTE id[] = {1, (CK_BYTE)(number >> 8), (CK_BYTE)number};
    char label[24];
    const CK_ULONG len = (CK_ULONG)snprintf(label, sizeof label, "certificate-%u", number);
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &no, sizeof no}, {CKA_CERTIFICATE_TYPE, &type, sizeof type},
        {CKA_LABEL, label, len}, {CKA_ID, id, sizeof id}, {CKA_SUBJECT, label, len},
        {CKA_VALUE, value, sizeof value}};
    CK_OBJECT_HANDLE object;
    scatter(value, sizeof value, number);
    return failure_note(failure, "C_CreateObject",
        token->module->C_CreateObject(token->session, template, 8, &object));
}

static CK_RV import_secret(const struct token *token, unsigned number, struct failure *failure)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE;
    CK_BYTE value[KEY_SIZE];
    CK_BYTE id[] = {2, (CK_BYTE)(number >> 8), (CK_BYTE)number};
    char label[24];
    const CK_ULONG len = (CK_ULONG)snprintf(label, sizeof label, "secret-%u", number);
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes}, {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_KEY_TYPE, &type, sizeof type}, {CKA_LABEL, label, len}, {CKA_ID, id, sizeof id},
        {CKA_SIGN, &yes, sizeof yes}, {CKA_VALUE, value, sizeof value}};
    CK_OBJECT_HANDLE object;
    scatter(value, sizeof value, number);
    return failure_note(failure, "C_CreateObject",
        token->module->C_CreateObject(token->session, template, 9, &object));
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
        rv = i % 2 == 0 ? make_certificate(token, i, failure) : import_secret(token, i, failure);
    return rv;
}
