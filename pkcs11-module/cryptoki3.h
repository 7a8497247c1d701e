/* SPDX-License-Identifier: MIT
 *
 * What Debian 12's p11-kit header lacks of PKCS#11 2.40 and 3.0, or has otherwise than the
 * standard.
 */
#ifndef PKCS11_MODULE_CRYPTOKI3_H
#define PKCS11_MODULE_CRYPTOKI3_H

#include <p11-kit/pkcs11.h>

/* p11-kit 0.24.1 says 0x1c4; the standard's number is this (2.40, pkcs11t.h). */
#undef CKR_PUBLIC_KEY_INVALID
#define CKR_PUBLIC_KEY_INVALID 0x1b9UL

/* ---- mechanism parameters ---- */

typedef CK_ULONG CK_MAC_GENERAL_PARAMS;

/* CKM_EDDSA (3.0, mechanisms 2.3.14) */
typedef struct CK_EDDSA_PARAMS {
    CK_BBOOL phFlag;
    CK_ULONG ulContextDataLen;
    CK_BYTE *pContextData;
} CK_EDDSA_PARAMS;

#endif
