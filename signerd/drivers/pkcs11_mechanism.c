/* SPDX-License-Identifier: MIT
 *
 * The table of mechanisms of the driver pkcs11. The worker has checked a client's parameter before;
 * here it is only put into the structs of the standard.
 */
#include "pkcs11_mechanism.h"

#undef tag_bits /* p11-kit's other name for ulTagBits; a field of wire_gcm_parameter has it, too */

#define EC_FLAGS (CKF_HW | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

const struct ck_mechanism_row ck_mechanism_rows[] = {
    {CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, EC_FLAGS, 256, 521, PARAMETER_NONE},
    {CKM_ECDSA, CKF_SIGN, EC_FLAGS, 256, 521, PARAMETER_NONE},
    {CKM_AES_KEY_GEN, CKF_GENERATE, CKF_HW, 16, 32, PARAMETER_NONE},
    {CKM_AES_CBC_PAD, CKF_ENCRYPT | CKF_DECRYPT, CKF_HW, 16, 32, PARAMETER_IV},
    {CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT, CKF_HW, 16, 32, PARAMETER_GCM},
    {CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP, CKF_HW, 16, 32, PARAMETER_IV},
    {CKM_GENERIC_SECRET_KEY_GEN, CKF_GENERATE, CKF_HW, 1, 4096, PARAMETER_NONE},
    {CKM_SHA256_HMAC, CKF_SIGN | CKF_VERIFY, CKF_HW, 1, 512, PARAMETER_NONE},
};
const size_t ck_mechanism_rows_count = sizeof ck_mechanism_rows / sizeof ck_mechanism_rows[0];

static const struct ck_mechanism_row *find(uint32_t type, CK_FLAGS function)
{
    for (size_t i = 0; i < ck_mechanism_rows_count; i++)
        if (ck_mechanism_rows[i].type == type && (ck_mechanism_rows[i].functions & function) != 0)
            return &ck_mechanism_rows[i];
    return NULL;
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

static err_t parse_gcm(struct span parameter, CK_GCM_PARAMS *ret_gcm)
{
    struct wire_gcm_parameter from;
    if (schema_decode_whole(&wire_gcm_parameter_schema, parameter, &from) != ERR_OK)
        return ERR_MECHANISM_PARAMETER;
    *ret_gcm = (CK_GCM_PARAMS){
        .pIv = (unsigned char *)(uintptr_t)from.iv.ptr,
        .ulIvLen = from.iv.len,
        .ulIvBits = from.iv.len * 8,
        .pAAD = from.aad.len > 0 ? (unsigned char *)(uintptr_t)from.aad.ptr : NULL,
        .ulAADLen = from.aad.len,
        .ulTagBits = from.tag_bits,
    };
    return ERR_OK;
}

err_t ck_mechanism_parse(
    uint32_t type, CK_FLAGS function, struct span parameter, struct ck_mechanism *ret_mechanism)
{
    const struct ck_mechanism_row *row = find(type, function);
    if (row == NULL)
        return ERR_MECHANISM;
    ret_mechanism->ck = (CK_MECHANISM){type, NULL, 0};
    if (row->parameter == PARAMETER_GCM) {
        ret_mechanism->ck.pParameter = &ret_mechanism->gcm;
        ret_mechanism->ck.ulParameterLen = sizeof ret_mechanism->gcm;
        return parse_gcm(parameter, &ret_mechanism->gcm);
    }
    if (parameter.len > 0 && row->parameter == PARAMETER_NONE)
        return ERR_MECHANISM_PARAMETER;
    if (parameter.len > 0) {
        ret_mechanism->ck.pParameter = (void *)(uintptr_t)parameter.ptr;
        ret_mechanism->ck.ulParameterLen = parameter.len;
    }
    return ERR_OK;
}
