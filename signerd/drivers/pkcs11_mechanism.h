/* SPDX-License-Identifier: MIT
 *
 * The mechanisms that the driver pkcs11 serves, and their parameters as the module wants them.
 */
#ifndef SIGNERD_DRIVERS_PKCS11_MECHANISM_H
#define SIGNERD_DRIVERS_PKCS11_MECHANISM_H

#include "base/err.h"
#include "wire/messages.h"

#include <p11-kit/pkcs11.h>

/* A mechanism that this driver serves: with which functions, and for which key sizes (in the unit
 * of the mechanism: bits, or for AES and HMAC bytes). */
struct ck_mechanism_row {
    CK_MECHANISM_TYPE type;
    CK_FLAGS functions; /* the device must have one of them, too */
    CK_FLAGS more;      /* passed on where the device has it */
    CK_ULONG min_key_size;
    CK_ULONG max_key_size;
    enum {
        PARAMETER_NONE,
        PARAMETER_IV,
        PARAMETER_GCM,
        PARAMETER_CTR,
        PARAMETER_PSS,
        PARAMETER_OAEP,
        PARAMETER_MAC,
        PARAMETER_ECDH,
    } parameter;
    CK_MECHANISM_TYPE whole; /* CKM_…_GENERAL: what makes the whole MAC; else 0 */
};

extern const struct ck_mechanism_row ck_mechanism_rows[];
extern const size_t ck_mechanism_rows_count;

/* What device and driver have in common; false where that is nothing. */
bool ck_mechanism_meet(const struct ck_mechanism_row *row, const CK_MECHANISM_INFO *info,
    struct wire_mechanism *ret_mechanism);

/* Of one that this driver serves with one of these functions; NULL: none. */
const struct ck_mechanism_row *ck_mechanism_find(uint32_t type, CK_FLAGS functions);

/* Points into itself and into the parameter that it was made of: not to be copied. */
struct ck_mechanism {
    CK_MECHANISM ck;
    union {
        CK_GCM_PARAMS gcm;
        CK_AES_CTR_PARAMS ctr;
        CK_RSA_PKCS_PSS_PARAMS pss;
        CK_RSA_PKCS_OAEP_PARAMS oaep;
        CK_ULONG mac_len; /* CK_MAC_GENERAL_PARAMS */
        CK_ECDH1_DERIVE_PARAMS ecdh;
    } as;
};

/* function: one CKF_ flag. parameter: as in wire/messages.def. ERR_MECHANISM,
 * ERR_MECHANISM_PARAMETER. */
err_t ck_mechanism_parse(
    uint32_t type, CK_FLAGS function, struct span parameter, struct ck_mechanism *ret_mechanism);

/* PKCS#1: where such a key decrypts or unwraps, what failed must not be told. */
bool ck_mechanism_is_rsa(uint32_t type);

#endif
