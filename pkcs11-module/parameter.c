/* SPDX-License-Identifier: MIT
 *
 * The readers of mechanism parameters. Lengths and pointers are a program's: nothing is read that
 * it did not say is there.
 */
#include "parameter.h"

#include "wire/messages.h"

#include <string.h>

enum { AES_IV = 16, WRAP_IV = 8, TAG_MIN = 4, TAG_MAX = 16, GCM_IV_MAX = 256 };

/* CK_GCM_PARAMS as the text of 2.40 has it. Its header, and p11-kit's, have ulIvBits besides; the
 * length tells them apart. */
struct gcm_params_without_bits {
    unsigned char *iv_ptr;
    unsigned long iv_len;
    unsigned char *aad_ptr;
    unsigned long aad_len;
    unsigned long tag_bits;
};

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

/* ulIvBits says nothing that ulIvLen does not; some programs leave it 0. */
static bool load_gcm(const CK_MECHANISM *mechanism, CK_GCM_PARAMS *ret_params)
{
    struct gcm_params_without_bits without;
    if (mechanism->pParameter == NULL)
        return false;
    if (mechanism->ulParameterLen == sizeof *ret_params) {
        memcpy(ret_params, mechanism->pParameter, sizeof *ret_params);
        return ret_params->ulIvBits == 0 || ret_params->ulIvBits == 8 * ret_params->ulIvLen;
    }
    if (mechanism->ulParameterLen != sizeof without)
        return false;
    memcpy(&without, mechanism->pParameter, sizeof without);
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
    schema_encode(&wire_gcm_parameter_schema, &wire, encoded);
    *ret_tag_len = params.ulTagBits / 8;
    return writer_failed(encoded) ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}
