/* SPDX-License-Identifier: MIT
 *
 * What PKCS#11 3.0 adds and this module uses, for headers of p11-kit that end at 2.40 (Debian 12).
 * Newer ones (0.25) have most of it; then only the rest is defined here. Names are those of the
 * standard where both can be meant, our own where p11-kit's differ from version to version.
 */
#ifndef PKCS11_MODULE_CRYPTOKI3_H
#define PKCS11_MODULE_CRYPTOKI3_H

#include <p11-kit/pkcs11.h>

/* p11-kit 0.24.1 says 0x1c4; the standard's number is this (2.40, pkcs11t.h). */
#undef CKR_PUBLIC_KEY_INVALID
#define CKR_PUBLIC_KEY_INVALID 0x1b9UL

/* ---- interfaces (3.0, 3.6), and the functions behind the list of 2.40 (5.4 to 5.17) ---- */

#ifndef CKF_INTERFACE_FORK_SAFE
#define CKF_INTERFACE_FORK_SAFE 1UL

typedef struct CK_INTERFACE {
    CK_UTF8CHAR *pInterfaceName; /* ends with a NUL */
    void *pFunctionList;         /* begins with a CK_VERSION */
    CK_FLAGS flags;
} CK_INTERFACE;

/* The function NAME, and CK_NAME, a pointer to such a function. */
#define CRYPTOKI3(name, ...)                                                                       \
    typedef CK_RV (*CK_##name)(__VA_ARGS__);                                                       \
    CK_RV name(__VA_ARGS__)
#define IN(name)  unsigned char *name, CK_ULONG name##_len
#define OUT(name) unsigned char *name, CK_ULONG *name##_len
#define WITH      CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len

CRYPTOKI3(C_GetInterfaceList, CK_INTERFACE *list, CK_ULONG *count);
CRYPTOKI3(C_GetInterface, CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface,
    CK_FLAGS flags);
CRYPTOKI3(C_LoginUser, CK_SESSION_HANDLE session, CK_USER_TYPE user, IN(pin), IN(username));
CRYPTOKI3(C_SessionCancel, CK_SESSION_HANDLE session, CK_FLAGS flags);

CRYPTOKI3(
    C_MessageEncryptInit, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CRYPTOKI3(C_EncryptMessage, WITH, IN(associated), IN(plaintext), OUT(ciphertext));
CRYPTOKI3(C_EncryptMessageBegin, WITH, IN(associated));
CRYPTOKI3(C_EncryptMessageNext, WITH, IN(plaintext), OUT(ciphertext), CK_FLAGS flags);
CRYPTOKI3(C_MessageEncryptFinal, CK_SESSION_HANDLE session);

CRYPTOKI3(
    C_MessageDecryptInit, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CRYPTOKI3(C_DecryptMessage, WITH, IN(associated), IN(ciphertext), OUT(plaintext));
CRYPTOKI3(C_DecryptMessageBegin, WITH, IN(associated));
CRYPTOKI3(C_DecryptMessageNext, WITH, IN(ciphertext), OUT(plaintext), CK_FLAGS flags);
CRYPTOKI3(C_MessageDecryptFinal, CK_SESSION_HANDLE session);

CRYPTOKI3(
    C_MessageSignInit, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CRYPTOKI3(C_SignMessage, WITH, IN(data), OUT(signature));
CRYPTOKI3(C_SignMessageBegin, WITH);
CRYPTOKI3(C_SignMessageNext, WITH, IN(data), OUT(signature));
CRYPTOKI3(C_MessageSignFinal, CK_SESSION_HANDLE session);

CRYPTOKI3(
    C_MessageVerifyInit, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CRYPTOKI3(C_VerifyMessage, WITH, IN(data), IN(signature));
CRYPTOKI3(C_VerifyMessageBegin, WITH);
CRYPTOKI3(C_VerifyMessageNext, WITH, IN(data), IN(signature));
CRYPTOKI3(C_MessageVerifyFinal, CK_SESSION_HANDLE session);

#undef WITH
#undef OUT
#undef IN
#undef CRYPTOKI3

typedef struct CK_FUNCTION_LIST_3_0 {
    CK_VERSION version;
#define FUNCTION(name)     CK_##name name;
#define FUNCTION_3_0(name) FUNCTION(name)
#include "functions.def"
#undef FUNCTION
} CK_FUNCTION_LIST_3_0;
#endif

/* ---- constants ---- */

/* CK_MECHANISM_INFO, and what C_SessionCancel ends (3.0, 3.5 and 5.6) */
#ifndef CKF_MESSAGE_ENCRYPT
#define CKF_MESSAGE_ENCRYPT (1UL << 1)
#define CKF_MESSAGE_DECRYPT (1UL << 2)
#define CKF_MESSAGE_SIGN    (1UL << 3)
#define CKF_MESSAGE_VERIFY  (1UL << 4)
#endif
#ifndef CKF_MULTI_MESSAGE
#define CKF_MULTI_MESSAGE (1UL << 5)
#endif
#ifndef CKF_FIND_OBJECTS
#define CKF_FIND_OBJECTS (1UL << 6)
#endif

/* C_EncryptMessageNext and C_DecryptMessageNext (3.0, 5.9.4) */
#ifndef CKF_END_OF_MESSAGE
#define CKF_END_OF_MESSAGE 1UL
#endif

#ifndef CKR_AEAD_DECRYPT_FAILED
#define CKR_AEAD_DECRYPT_FAILED 0x42UL
#endif
#ifndef CKR_OPERATION_CANCEL_FAILED
#define CKR_OPERATION_CANCEL_FAILED 0x202UL
#endif

#ifndef CKA_UNIQUE_ID
#define CKA_UNIQUE_ID 4UL
#endif
#ifndef CKO_PROFILE
#define CKO_PROFILE 9UL
#endif

/* ---- parameters (3.0 mechanisms, 2.13.2 and 2.3.5) ---- */

/* Who makes the IV: CKG_NO_GENERATE and its kin */
enum cryptoki_generator {
    GENERATE_NOT = 0,
    GENERATE_ANYHOW = 1,
    GENERATE_COUNTER = 2,
    GENERATE_RANDOM = 3,
    GENERATE_COUNTER_XOR = 4
};

/* CK_GCM_MESSAGE_PARAMS */
struct gcm_message_params {
    unsigned char *iv;
    CK_ULONG iv_len;
    CK_ULONG iv_fixed_bits; /* so many at the front are the program's, where the rest is made */
    CK_ULONG iv_generator;
    unsigned char *tag;
    CK_ULONG tag_len_bits;
};

/* CK_EDDSA_PARAMS */
struct eddsa_params {
    CK_BBOOL prehashed;
    CK_ULONG context_len;
    unsigned char *context;
};

#endif
