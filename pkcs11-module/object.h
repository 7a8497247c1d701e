/* SPDX-License-Identifier: MIT
 *
 * Reading, changing, making and destroying objects. Reading is answered from the snapshot; the rest
 * is one round trip, whose answer brings the snapshot up to date.
 */
#ifndef PKCS11_MODULE_OBJECT_H
#define PKCS11_MODULE_OBJECT_H

#include <p11-kit/pkcs11.h>

struct session;

/* The implementations of C_CreateObject … C_SetAttributeValue, and of C_GenerateKeyPair. */
CK_RV object_create(struct session *session, const CK_ATTRIBUTE *attributes, CK_ULONG count,
    CK_OBJECT_HANDLE *object);
CK_RV object_destroy(struct session *session, CK_OBJECT_HANDLE object);
CK_RV object_get_size(struct session *session, CK_OBJECT_HANDLE object, CK_ULONG *size);
CK_RV object_get_attributes(
    struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, CK_ULONG count);
CK_RV object_set_attributes(struct session *session, CK_OBJECT_HANDLE object,
    const CK_ATTRIBUTE *attributes, CK_ULONG count);
CK_RV object_generate_pair(struct session *session, const CK_MECHANISM *mechanism,
    const CK_ATTRIBUTE *public_attributes, CK_ULONG public_count,
    const CK_ATTRIBUTE *private_attributes, CK_ULONG private_count, CK_OBJECT_HANDLE *public_key,
    CK_OBJECT_HANDLE *private_key);

#endif
