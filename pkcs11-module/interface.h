/* SPDX-License-Identifier: MIT
 *
 * What a program gets that knows 2.40 only, where it differs: C_GetInfo tells that version, and
 * C_GetMechanismInfo no flags that it had not.
 */
#ifndef PKCS11_MODULE_INTERFACE_H
#define PKCS11_MODULE_INTERFACE_H

#include "cryptoki3.h"

CK_RV C_GetInfo_2_40(CK_INFO *info);
CK_RV C_GetMechanismInfo_2_40(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info);

#endif
