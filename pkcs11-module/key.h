/* SPDX-License-Identifier: MIT
 *
 * Keys: which of them fits a mechanism; making them in the device; taking them out and in,
 * encrypted by another key.
 */
#ifndef PKCS11_MODULE_KEY_H
#define PKCS11_MODULE_KEY_H

#include "mechanism.h"

struct session;
struct slot;

/* Whether the token offers row, and the key is there, fits it and permits its function. The
 * module's lock is held; the key's attributes hold as long. CKR_MECHANISM_INVALID,
 * CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED. */
CK_RV key_choose(const struct slot *slot, CK_OBJECT_HANDLE handle, const struct mechanism_row *row,
    struct span *ret_attributes);

/* The implementations of C_GenerateKey … C_UnwrapKey. */
CK_RV key_generate(struct session *session, const CK_MECHANISM *mechanism,
    const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *key);
CK_RV key_generate_pair(struct session *session, const CK_MECHANISM *mechanism,
    const CK_ATTRIBUTE *public_attributes, CK_ULONG public_count,
    const CK_ATTRIBUTE *private_attributes, CK_ULONG private_count, CK_OBJECT_HANDLE *public_key,
    CK_OBJECT_HANDLE *private_key);
/* wrap.c */
CK_RV key_wrap(struct session *session, const CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, unsigned char *wrapped,
    CK_ULONG *wrapped_len);
CK_RV key_unwrap(struct session *session, const CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE unwrapping_key, const unsigned char *wrapped, CK_ULONG wrapped_len,
    const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *key);
/* key.c */
CK_RV key_derive(struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
    const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *key);

#endif
