/* SPDX-License-Identifier: MIT
 *
 * Our errors as Cryptoki return values: the CK_RV column of base/err.def.
 */
#ifndef PKCS11_MODULE_CKR_H
#define PKCS11_MODULE_CKR_H

#include "base/err.h"

#include <p11-kit/pkcs11.h>

CK_RV ckr_of(err_t err);

#endif
