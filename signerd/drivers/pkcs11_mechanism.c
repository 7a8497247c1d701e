/* SPDX-License-Identifier: MIT
 *
 * The table of mechanisms of the driver pkcs11. The worker has checked a client's parameter before;
 * here it is only put into the structs of the standard.
 */
#include "pkcs11_mechanism.h"

/* p11-kit's other names for fields of the standard; fields of ours have them, too. */
#undef tag_bits
#undef counter_bits
#undef shared_data
#undef public_data

#include <string.h>

#define EC_FLAGS (CKF_HW | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

/* clang-format off */
#define AES(type, functions, parameter) {type, functions, CKF_HW, 16, 32, parameter, 0}
#define MAC(type, most) {type, CKF_SIGN | CKF_VERIFY, CKF_HW, 1, most, PARAMETER_NONE, 0}
#define CUT_MAC(whole, most)                                                                       \
    {whole##_GENERAL, CKF_SIGN | CKF_VERIFY, CKF_HW, 1, most, PARAMETER_MAC, whole}
#define RSA(type, functions, parameter) {type, functions, CKF_HW, 2048, 4096, parameter, 0}
#define EC(type, function, least, most, parameter)                                                 \
    {type, function, EC_FLAGS, least, most, parameter, 0}

const struct ck_mechanism_row ck_mechanism_rows[] = {
    EC(CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, 256, 521, PARAMETER_NONE),
    EC(CKM_ECDSA, CKF_SIGN, 256, 521, PARAMETER_NONE),
    EC(CKM_ECDH1_DERIVE, CKF_DERIVE, 256, 521, PARAMETER_ECDH),
    EC(CKM_EC_EDWARDS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, 255, 256, PARAMETER_NONE),
    EC(CKM_EDDSA, CKF_SIGN, 255, 256, PARAMETER_NONE),
    RSA(CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, PARAMETER_NONE),
    RSA(CKM_RSA_PKCS, CKF_SIGN | CKF_ENCRYPT | CKF_DECRYPT | CKF_WRAP | CKF_UNWRAP, PARAMETER_NONE),
    RSA(CKM_RSA_PKCS_PSS, CKF_SIGN, PARAMETER_PSS),
    RSA(CKM_RSA_PKCS_OAEP, CKF_ENCRYPT | CKF_DECRYPT | CKF_WRAP | CKF_UNWRAP, PARAMETER_OAEP),
    AES(CKM_AES_KEY_GEN, CKF_GENERATE, PARAMETER_NONE),
    AES(CKM_AES_ECB, CKF_ENCRYPT | CKF_DECRYPT, PARAMETER_NONE),
    AES(CKM_AES_CBC, CKF_ENCRYPT | CKF_DECRYPT, PARAMETER_IV),
    AES(CKM_AES_CBC_PAD, CKF_ENCRYPT | CKF_DECRYPT, PARAMETER_IV),
    AES(CKM_AES_CTR, CKF_ENCRYPT | CKF_DECRYPT, PARAMETER_CTR),
    AES(CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT, PARAMETER_GCM),
    AES(CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP, PARAMETER_IV),
    AES(CKM_AES_KEY_WRAP_PAD, CKF_WRAP | CKF_UNWRAP, PARAMETER_IV),
    MAC(CKM_AES_CMAC, 32),
    CUT_MAC(CKM_AES_CMAC, 32),
    {CKM_GENERIC_SECRET_KEY_GEN, CKF_GENERATE, CKF_HW, 1, 4096, PARAMETER_NONE, 0},
    MAC(CKM_SHA256_HMAC, 512),
    MAC(CKM_SHA384_HMAC, 512),
    MAC(CKM_SHA512_HMAC, 512),
    CUT_MAC(CKM_SHA256_HMAC, 512),
    CUT_MAC(CKM_SHA384_HMAC, 512),
    CUT_MAC(CKM_SHA512_HMAC, 512),
};
/* clang-format on */
const size_t ck_mechanism_rows_count = sizeof ck_mechanism_rows / sizeof ck_mechanism_rows[0];

const struct ck_mechanism_row *ck_mechanism_find(uint32_t type, CK_FLAGS functions)
{
    for (size_t i = 0; i < ck_mechanism_rows_count; i++)
        if (ck_mechanism_rows[i].type == type && (ck_mechanism_rows[i].functions & functions) != 0)
            return &ck_mechanism_rows[i];
    return NULL;
}

bool ck_mechanism_is_rsa(uint32_t type)
{
    return type == CKM_RSA_PKCS || type == CKM_RSA_PKCS_OAEP;
}

bool ck_mechanism_meet(const struct ck_mechanism_row *row, const CK_MECHANISM_INFO *info,
    struct wire_mechanism *ret_mechanism)
{
    CK_ULONG min = info->ulMinKeySize > row->min_key_size ? info->ulMinKeySize : row->min_key_size;
    CK_ULONG max = info->ulMaxKeySize < row->max_key_size ? info->ulMaxKeySize : row->max_key_size;
    if ((info->flags & row->functions) == 0 || min > max)
        return false;
    *ret_mechanism = (struct wire_mechanism){
        .type = (uint32_t)row->type,
        .min_key_size = (uint32_t)min,
        .max_key_size = (uint32_t)max,
        .flags = (uint32_t)(info->flags & (row->functions | row->more)),
    };
    return true;
}

/* ---- parameters, one function a kind ---- */

static unsigned char *bytes_or_null(struct span bytes)
{
    return bytes.len > 0 ? (unsigned char *)(uintptr_t)bytes.ptr : NULL;
}

static void set(struct ck_mechanism *how, void *parameter, size_t len)
{
    how->ck.pParameter = parameter;
    how->ck.ulParameterLen = len;
}

static bool parse_none(struct span parameter, struct ck_mechanism *how)
{
    (void)how;
    return parameter.len == 0;
}

static bool parse_iv(struct span parameter, struct ck_mechanism *how)
{
    set(how, bytes_or_null(parameter), parameter.len);
    return true;
}

static bool parse_gcm(struct span parameter, struct ck_mechanism *how)
{
    struct wire_gcm_parameter from;
    if (schema_decode_whole(&wire_gcm_parameter_schema, parameter, &from) != ERR_OK)
        return false;
    how->as.gcm = (CK_GCM_PARAMS){
        .pIv = (unsigned char *)(uintptr_t)from.iv.ptr,
        .ulIvLen = from.iv.len,
        .ulIvBits = from.iv.len * 8,
        .pAAD = bytes_or_null(from.aad),
        .ulAADLen = from.aad.len,
        .ulTagBits = from.tag_bits,
    };
    set(how, &how->as.gcm, sizeof how->as.gcm);
    return true;
}

static bool parse_ctr(struct span parameter, struct ck_mechanism *how)
{
    struct wire_ctr_parameter from;
    if (schema_decode_whole(&wire_ctr_parameter_schema, parameter, &from) != ERR_OK ||
        from.block.len != sizeof how->as.ctr.cb)
        return false;
    how->as.ctr.ulCounterBits = from.counter_bits;
    memcpy(how->as.ctr.cb, from.block.ptr, sizeof how->as.ctr.cb);
    set(how, &how->as.ctr, sizeof how->as.ctr);
    return true;
}

static bool parse_pss(struct span parameter, struct ck_mechanism *how)
{
    struct wire_pss_parameter from;
    if (schema_decode_whole(&wire_pss_parameter_schema, parameter, &from) != ERR_OK)
        return false;
    how->as.pss = (CK_RSA_PKCS_PSS_PARAMS){from.hash, from.mgf, from.salt_len};
    set(how, &how->as.pss, sizeof how->as.pss);
    return true;
}

static bool parse_oaep(struct span parameter, struct ck_mechanism *how)
{
    struct wire_oaep_parameter from;
    if (schema_decode_whole(&wire_oaep_parameter_schema, parameter, &from) != ERR_OK)
        return false;
    how->as.oaep = (CK_RSA_PKCS_OAEP_PARAMS){
        from.hash, from.mgf, CKZ_DATA_SPECIFIED, bytes_or_null(from.label), from.label.len};
    set(how, &how->as.oaep, sizeof how->as.oaep);
    return true;
}

static bool parse_mac(struct span parameter, struct ck_mechanism *how)
{
    struct wire_mac_parameter from;
    if (schema_decode_whole(&wire_mac_parameter_schema, parameter, &from) != ERR_OK)
        return false;
    how->as.mac_len = from.mac_len;
    set(how, &how->as.mac_len, sizeof how->as.mac_len);
    return true;
}

static bool parse_ecdh(struct span parameter, struct ck_mechanism *how)
{
    struct wire_ecdh_parameter from;
    if (schema_decode_whole(&wire_ecdh_parameter_schema, parameter, &from) != ERR_OK)
        return false;
    how->as.ecdh = (CK_ECDH1_DERIVE_PARAMS){
        .kdf = from.kdf,
        .ulSharedDataLen = from.shared_data.len,
        .pSharedData = bytes_or_null(from.shared_data),
        .ulPublicDataLen = from.public_data.len,
        .pPublicData = bytes_or_null(from.public_data),
    };
    set(how, &how->as.ecdh, sizeof how->as.ecdh);
    return true;
}

static bool (*const parsers[])(struct span parameter, struct ck_mechanism *how) = {
    [PARAMETER_NONE] = parse_none,
    [PARAMETER_IV] = parse_iv,
    [PARAMETER_GCM] = parse_gcm,
    [PARAMETER_CTR] = parse_ctr,
    [PARAMETER_PSS] = parse_pss,
    [PARAMETER_OAEP] = parse_oaep,
    [PARAMETER_MAC] = parse_mac,
    [PARAMETER_ECDH] = parse_ecdh,
};

err_t ck_mechanism_parse(
    uint32_t type, CK_FLAGS function, struct span parameter, struct ck_mechanism *ret_mechanism)
{
    const struct ck_mechanism_row *row = ck_mechanism_find(type, function);
    if (row == NULL)
        return ERR_MECHANISM;
    ret_mechanism->ck = (CK_MECHANISM){type, NULL, 0};
    return parsers[row->parameter](parameter, ret_mechanism) ? ERR_OK : ERR_MECHANISM_PARAMETER;
}
