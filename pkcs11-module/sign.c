/* SPDX-License-Identifier: MIT
 *
 * Signatures. Only a size query and CKR_BUFFER_TOO_SMALL leave the operation active (2.40, 5.11).
 */
#include "sign.h"

#include "base/secret.h"
#include "ckr.h"
#include "module.h"
#include "session.h"
#include "slot.h"
#include "wire/attribute.h"

#include <string.h>

/* CKA_EC_PARAMS (an object identifier in DER), and the length of r and s together. */
static const struct curve_row {
    uint8_t params[12];
    uint8_t params_len;
    uint8_t signature_len;
} curves[] = {
    {{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 10, 64}, /* P-256 */
    {{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, 7, 96},                    /* P-384 */
    {{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}, 7, 132},                   /* P-521 */
};

/* 0: the curve is unknown. */
static size_t signature_length(struct span key)
{
    struct span params;
    if (!attribute_get(key, ATTR_EC_PARAMS, &params))
        return 0;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (span_equal(params, span_of(curves[i].params, curves[i].params_len)))
            return curves[i].signature_len;
    return 0;
}

void sign_end(struct sign *sign)
{
    secret_wipe(sign, sizeof *sign);
}

/* Whether the key (its attributes) fits the mechanism. */
static CK_RV check_key(struct span key, const struct mechanism_row *row)
{
    uint64_t class = CLASS_DATA;
    uint64_t type = CK_UNAVAILABLE_INFORMATION;
    (void)attribute_get_ulong(key, ATTR_CLASS, &class);
    (void)attribute_get_ulong(key, ATTR_KEY_TYPE, &type);
    if (class != CLASS_PRIVATE_KEY && class != CLASS_PUBLIC_KEY && class != CLASS_SECRET_KEY)
        return CKR_KEY_HANDLE_INVALID;
    if (class != CLASS_PRIVATE_KEY || type != row->key_type)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!attribute_get_bool(key, ATTR_SIGN, false))
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    return signature_length(key) == 0 ? CKR_KEY_SIZE_RANGE : CKR_OK;
}

/* The module's lock is held. */
static CK_RV choose_key(const struct slot *slot, CK_OBJECT_HANDLE handle, struct sign *sign)
{
    const CK_MECHANISM_INFO *info = token_mechanism(&slot->pool.token, sign->mechanism->type);
    if (info == NULL || (info->flags & CKF_SIGN) == 0)
        return CKR_MECHANISM_INVALID;
    const struct object *key = snapshot_find(&slot->snapshot, handle, slot->pool.instance);
    if (key == NULL)
        return CKR_KEY_HANDLE_INVALID;
    sign->key = handle;
    sign->signature_len = signature_length(object_attributes(key));
    return check_key(object_attributes(key), sign->mechanism);
}

CK_RV sign_begin(struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    if (mechanism == NULL)
        return CKR_ARGUMENTS_BAD;
    if (session->sign.mechanism != NULL)
        return CKR_OPERATION_ACTIVE;
    struct sign sign = {.mechanism = mechanism_find(mechanism->mechanism, CKF_SIGN)};
    if (sign.mechanism == NULL)
        return CKR_MECHANISM_INVALID;
    if (mechanism->ulParameterLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    module_lock(session->module);
    CK_RV rv = choose_key(session->slot, key, &sign);
    module_unlock(session->module);
    if (rv != CKR_OK)
        return rv;
    if (sign.mechanism->hash != NULL)
        sign.mechanism->hash->init(&sign.hash);
    session->sign = sign;
    return CKR_OK;
}

/* One round trip; signature has room for sign->signature_len bytes. */
static CK_RV ask_device(struct session *session, struct span data, unsigned char *signature)
{
    const struct sign *sign = &session->sign;
    struct wire_sign_request body = {.mechanism = sign->mechanism->device, .data = data};
    struct pool_request request = {WIRE_SIGN, &body, 0, true};
    struct wire_sign_reply reply;
    struct pool_answer answer;
    err_t err = slot_call_object(session->slot, sign->key, &request, &body.object, &reply, &answer);
    if (err != ERR_OK)
        return ckr_of(err);
    if (reply.signature.len == sign->signature_len)
        memcpy(signature, reply.signature.ptr, reply.signature.len);
    else
        err = ERR_DEVICE;
    pool_release(&session->slot->pool, &answer);
    return ckr_of(err);
}

/* True where the program asks for the size, or has no room: *ret_rv is then the answer, and the
 * operation goes on. */
static bool answers_size(
    const struct sign *sign, const unsigned char *signature, CK_ULONG *signature_len, CK_RV *ret_rv)
{
    const bool fits = signature != NULL && *signature_len >= sign->signature_len;
    *signature_len = sign->signature_len;
    *ret_rv = signature == NULL || fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    return !fits;
}

static CK_RV sign_hash(struct session *session, unsigned char *signature)
{
    uint8_t digest[MECHANISM_DIGEST_MAX];
    const struct nettle_hash *hash = session->sign.mechanism->hash;
    hash->digest(&session->sign.hash, hash->digest_size, digest);
    return ask_device(session, span_of(digest, hash->digest_size), signature);
}

CK_RV sign_whole(struct session *session, const unsigned char *data, CK_ULONG data_len,
    unsigned char *signature, CK_ULONG *signature_len)
{
    struct sign *sign = &session->sign;
    CK_RV rv;
    if (sign->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (sign->updated)
        rv = CKR_OPERATION_ACTIVE; /* C_Sign does not end what C_SignUpdate began */
    else if ((data == NULL && data_len != 0) || signature_len == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if (answers_size(sign, signature, signature_len, &rv))
        return rv;
    else if (sign->mechanism->hash == NULL)
        rv = ask_device(session, span_of(data, data_len), signature);
    else {
        sign->mechanism->hash->update(&sign->hash, data_len, data);
        rv = sign_hash(session, signature);
    }
    sign_end(sign);
    return rv;
}

CK_RV sign_update(struct session *session, const unsigned char *part, CK_ULONG part_len)
{
    struct sign *sign = &session->sign;
    CK_RV rv = CKR_OK;
    if (sign->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (part == NULL && part_len != 0)
        rv = CKR_ARGUMENTS_BAD;
    else if (sign->mechanism->hash == NULL)
        rv = CKR_FUNCTION_NOT_SUPPORTED; /* CKM_ECDSA is for single parts only */
    if (rv == CKR_OK) {
        sign->mechanism->hash->update(&sign->hash, part_len, part);
        sign->updated = true;
    } else {
        sign_end(sign);
    }
    return rv;
}

CK_RV sign_finish(struct session *session, unsigned char *signature, CK_ULONG *signature_len)
{
    struct sign *sign = &session->sign;
    CK_RV rv;
    if (sign->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (signature_len == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if (sign->mechanism->hash == NULL)
        rv = CKR_FUNCTION_NOT_SUPPORTED;
    else if (answers_size(sign, signature, signature_len, &rv))
        return rv;
    else
        rv = sign_hash(session, signature);
    sign_end(sign);
    return rv;
}
