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
    enum { PARAMETER_NONE, PARAMETER_IV, PARAMETER_GCM } parameter;
};

extern const struct ck_mechanism_row ck_mechanism_rows[];
extern const size_t ck_mechanism_rows_count;

/* What device and driver have in common; false where that is nothing. */
bool ck_mechanism_meet(const struct ck_mechanism_row *row, const CK_MECHANISM_INFO *info,
    struct wire_mechanism *ret_mechanism);

/* Points into itself and into the parameter that it was made of: not to be copied. */
struct ck_mechanism {
    CK_MECHANISM ck;
    CK_GCM_PARAMS gcm;
};

/* function: one CKF_ flag. parameter: as in wire/messages.def. ERR_MECHANISM,
 * ERR_MECHANISM_PARAMETER. */
err_t ck_mechanism_parse(
    uint32_t type, CK_FLAGS function, struct span parameter, struct ck_mechanism *ret_mechanism);

#endif
