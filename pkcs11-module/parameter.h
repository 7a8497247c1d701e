/* SPDX-License-Identifier: MIT
 *
 * Mechanism parameters: checked, and copied into the form in which they travel, when an operation
 * begins; the program may then free its own.
 */
#ifndef PKCS11_MODULE_PARAMETER_H
#define PKCS11_MODULE_PARAMETER_H

#include "base/bytes.h"

#include <p11-kit/pkcs11.h>

/* Appends the parameter of a mechanism to encoded (room for WIRE_PARAMETER_MAX bytes). *ret_tag_len
 * is set where there is a tag, in bytes. CKR_MECHANISM_PARAM_INVALID. */
typedef CK_RV parameter_reader(
    const CK_MECHANISM *mechanism, struct writer *encoded, size_t *ret_tag_len);

parameter_reader parameter_none;
parameter_reader parameter_aes_iv;  /* 16 bytes */
parameter_reader parameter_wrap_iv; /* 8 bytes, or nothing: RFC 3394's */
parameter_reader parameter_gcm;     /* CK_GCM_PARAMS */
parameter_reader parameter_ctr;     /* CK_AES_CTR_PARAMS */
parameter_reader parameter_mac;     /* CK_MAC_GENERAL_PARAMS; the tag is what the MAC is cut to */
parameter_reader parameter_pss;     /* CK_RSA_PKCS_PSS_PARAMS; hash and mask go together */
parameter_reader parameter_oaep;    /* CK_RSA_PKCS_OAEP_PARAMS; likewise */
parameter_reader parameter_eddsa;   /* nothing, or CK_EDDSA_PARAMS without context: Ed25519 */
parameter_reader parameter_ecdh;    /* CK_ECDH1_DERIVE_PARAMS, the point as it is or in DER */

#endif
