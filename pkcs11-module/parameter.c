/* SPDX-License-Identifier: MIT
 *
 * The readers of mechanism parameters. Lengths and pointers are a program's: nothing is read that
 * it did not say is there.
 */
#include "parameter.h"

#include "cryptoki3.h"
#include "hash.h"
#include "public_key.h"
#include "wire/messages.h"

#include <string.h>

enum {
    AES_IV = 16,
    WRAP_IV = 8,
    TAG_MIN = 4,
    TAG_MAX = 16,
    GCM_IV_MAX = 256,
    CTR_BITS_MAX = 128,
    MAC_MAX = 64,
    SALT_MAX = 512,
    LABEL_MAX = 1024,
    SHARED_DATA_MAX = 512,
    PUBLIC_DATA_MAX = 256,
};

/* CK_GCM_PARAMS as the text of 2.40 has it. Its header, and p11-kit's, have ulIvBits besides; the
 * length tells them apart. */
struct gcm_params_without_bits {
    unsigned char *iv_ptr;
    unsigned long iv_len;
    unsigned char *aad_ptr;
    unsigned long aad_len;
    unsigned long tag_bits;
};

/* Copies the program's structure, which may have any alignment. */
static bool load(const CK_MECHANISM *mechanism, void *ret_params, size_t size)
{
    if (mechanism->pParameter == NULL || mechanism->ulParameterLen != size)
        return false;
    memcpy(ret_params, mechanism->pParameter, size);
    return true;
}

static CK_RV encode(const struct schema *schema, const void *parameter, struct writer *encoded)
{
    schema_encode(schema, parameter, encoded);
    return writer_failed(encoded) ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

CK_RV parameter_none(const CK_MECHANISM *mechanism, struct writer *encoded, size_t *ret_tag_len)
{
    (void)encoded;
    (void)ret_tag_len;
    return mechanism->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV read_iv(const CK_MECHANISM *mechanism, size_t len, struct writer *encoded)
{
    if (mechanism->ulParameterLen != len || mechanism->pParameter == NULL)
        return CKR_MECHANISM_PARAM_INVALID;
    write_span(encoded, span_of(mechanism->pParameter, len));
    return writer_failed(encoded) ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

CK_RV parameter_aes_iv(const CK_MECHANISM *mechanism, struct writer *encoded, size_t *ret_tag_len)
{
    (void)ret_tag_len;
    return read_iv(mechanism, AES_IV, encoded);
}

CK_RV parameter_wrap_iv(const CK_MECHANISM *mechanism, struct writer *encoded, size_t *ret_tag_len)
{
    (void)ret_tag_len;
    return mechanism->ulParameterLen == 0 ? CKR_OK : read_iv(mechanism, WRAP_IV, encoded);
}

/* ulIvBits is not read: "do not use ulIvBits to specify the length" (3.0, 2.11.1). Programs leave 0
 * or anything in it; OpenSC's p11test has 64 beside an IV of 16 bytes. */
static bool load_gcm(const CK_MECHANISM *mechanism, CK_GCM_PARAMS *ret_params)
{
    struct gcm_params_without_bits without;
    if (load(mechanism, ret_params, sizeof *ret_params))
        return true;
    if (!load(mechanism, &without, sizeof without))
        return false;
    *ret_params = (CK_GCM_PARAMS){.pIv = without.iv_ptr,
        .ulIvLen = without.iv_len,
        .pAAD = without.aad_ptr,
        .ulAADLen = without.aad_len,
        .ulTagBits = without.tag_bits};
    return true;
}

static bool gcm_is_valid(const CK_GCM_PARAMS *params)
{
    return params->pIv != NULL && params->ulIvLen > 0 && params->ulIvLen <= GCM_IV_MAX &&
           (params->pAAD != NULL || params->ulAADLen == 0) && params->ulAADLen <= WIRE_AAD_MAX &&
           params->ulTagBits % 8 == 0 && params->ulTagBits / 8 >= TAG_MIN &&
           params->ulTagBits / 8 <= TAG_MAX;
}

CK_RV parameter_gcm(const CK_MECHANISM *mechanism, struct writer *encoded, size_t *ret_tag_len)
{
    CK_GCM_PARAMS params;
    if (!load_gcm(mechanism, &params) || !gcm_is_valid(&params))
        return CKR_MECHANISM_PARAM_INVALID;
    const struct wire_gcm_parameter wire = {
        .iv = span_of(params.pIv, params.ulIvLen),
        .aad = span_of(params.pAAD, params.ulAADLen),
        .tag_bits = (uint16_t)params.ulTagBits,
    };
    *ret_tag_len = params.ulTagBits / 8;
    return encode(&wire_gcm_parameter_schema, &wire, encoded);
}

CK_RV parameter_ctr(const CK_MECHANISM *mechanism, struct writer *encoded, size_t *ret_tag_len)
{
    CK_AES_CTR_PARAMS params;
    (void)ret_tag_len;
    if (!load(mechanism, &params, sizeof params) || params.ulCounterBits == 0 ||
        params.ulCounterBits > CTR_BITS_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    const struct wire_ctr_parameter wire = {
        .counter_bits = (uint32_t)params.ulCounterBits, .block = span_of(params.cb, AES_IV)};
    return encode(&wire_ctr_parameter_schema, &wire, encoded);
}

CK_RV parameter_mac(const CK_MECHANISM *mechanism, struct writer *encoded, size_t *ret_tag_len)
{
    CK_ULONG len; /* CK_MAC_GENERAL_PARAMS */
    if (!load(mechanism, &len, sizeof len) || len == 0 || len > MAC_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    const struct wire_mac_parameter wire = {.mac_len = (uint32_t)len};
    *ret_tag_len = len;
    return encode(&wire_mac_parameter_schema, &wire, encoded);
}

/* A mechanism that makes the hash itself takes no other one in its parameter (2.40, 2.1.14). */
CK_RV parameter_pss(const CK_MECHANISM *mechanism, struct writer *encoded, size_t *ret_tag_len)
{
    CK_RSA_PKCS_PSS_PARAMS params;
    (void)ret_tag_len;
    if (!load(mechanism, &params, sizeof params) || params.sLen > SALT_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    const struct hash_row *hash = hash_find(params.hashAlg);
    if (hash == NULL || hash->mgf != params.mgf ||
        (mechanism->mechanism != CKM_RSA_PKCS_PSS && mechanism->mechanism != hash->pss))
        return CKR_MECHANISM_PARAM_INVALID;
    const struct wire_pss_parameter wire = {
        .hash = hash->type, .mgf = hash->mgf, .salt_len = (uint32_t)params.sLen};
    return encode(&wire_pss_parameter_schema, &wire, encoded);
}

/* source 0 with nothing in it is what some programs say for no label. */
static bool oaep_source_is_valid(const CK_RSA_PKCS_OAEP_PARAMS *params)
{
    if (params->ulSourceDataLen == 0)
        return params->source == CKZ_DATA_SPECIFIED || params->source == 0;
    return params->source == CKZ_DATA_SPECIFIED && params->pSourceData != NULL &&
           params->ulSourceDataLen <= LABEL_MAX;
}

CK_RV parameter_oaep(const CK_MECHANISM *mechanism, struct writer *encoded, size_t *ret_tag_len)
{
    CK_RSA_PKCS_OAEP_PARAMS params;
    (void)ret_tag_len;
    if (!load(mechanism, &params, sizeof params) || !oaep_source_is_valid(&params))
        return CKR_MECHANISM_PARAM_INVALID;
    const struct hash_row *hash = hash_find(params.hashAlg);
    if (hash == NULL || hash->mgf != params.mgf)
        return CKR_MECHANISM_PARAM_INVALID;
    const struct wire_oaep_parameter wire = {.hash = hash->type,
        .mgf = hash->mgf,
        .label = span_of(params.pSourceData, params.ulSourceDataLen)};
    return encode(&wire_oaep_parameter_schema, &wire, encoded);
}

/* Ed25519ph and a context are other algorithms; no device of ours has them. */
CK_RV parameter_eddsa(const CK_MECHANISM *mechanism, struct writer *encoded, size_t *ret_tag_len)
{
    struct eddsa_params params;
    if (mechanism->ulParameterLen == 0)
        return parameter_none(mechanism, encoded, ret_tag_len);
    if (!load(mechanism, &params, sizeof params) || params.prehashed != CK_FALSE ||
        params.context_len != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    return CKR_OK;
}

CK_RV parameter_ecdh(const CK_MECHANISM *mechanism, struct writer *encoded, size_t *ret_tag_len)
{
    CK_ECDH1_DERIVE_PARAMS params;
    struct wire_ecdh_parameter wire;
    (void)ret_tag_len;
    if (!load(mechanism, &params, sizeof params) || params.pPublicData == NULL ||
        params.ulPublicDataLen > PUBLIC_DATA_MAX ||
        (params.kdf != CKD_NULL && params.kdf != CKD_SHA256_KDF))
        return CKR_MECHANISM_PARAM_INVALID;
    const struct span shared = span_of(params.pSharedData, params.ulSharedDataLen);
    if (shared.len > SHARED_DATA_MAX || (shared.ptr == NULL && shared.len != 0) ||
        (params.kdf == CKD_NULL && shared.len != 0) ||
        !public_key_point(span_of(params.pPublicData, params.ulPublicDataLen), &wire.public_data))
        return CKR_MECHANISM_PARAM_INVALID;
    wire.kdf = (uint32_t)params.kdf;
    wire.shared_data = shared;
    return encode(&wire_ecdh_parameter_schema, &wire, encoded);
}
