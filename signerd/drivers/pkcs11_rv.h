/* SPDX-License-Identifier: MIT
 *
 * What a PKCS#11 module answers, as errors of ours: one table for all of the driver pkcs11.
 */
#ifndef SIGNERD_DRIVERS_PKCS11_RV_H
#define SIGNERD_DRIVERS_PKCS11_RV_H

#include "base/err.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

/* The error for what a function ("C_Sign") returned. Anything but CKR_OK is logged, by name and
 * number, but for answers that are no fault (a signature is wrong). */
err_t rv_check(const char *function, CK_RV rv);

/* True where, after this answer, nobody knows whether an operation is still active in the session.
 */
bool rv_leaves_doubt(CK_RV rv);

#endif
