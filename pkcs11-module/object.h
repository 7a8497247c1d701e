/* SPDX-License-Identifier: MIT
 *
 * Reading, changing, making and destroying objects. Reading is answered from the snapshot; the rest
 * is one round trip, whose answer brings the snapshot up to date.
 */
#ifndef PKCS11_MODULE_OBJECT_H
#define PKCS11_MODULE_OBJECT_H

#include "wire/messages.h"

#include <p11-kit/pkcs11.h>

struct pool_answer;
struct session;

/* The implementations of C_CreateObject … C_SetAttributeValue. */
CK_RV object_create(struct session *session, const CK_ATTRIBUTE *attributes, CK_ULONG count,
    CK_OBJECT_HANDLE *object);
CK_RV object_destroy(struct session *session, CK_OBJECT_HANDLE object);
CK_RV object_get_size(struct session *session, CK_OBJECT_HANDLE object, CK_ULONG *size);
CK_RV object_get_attributes(
    struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, CK_ULONG count);
CK_RV object_set_attributes(struct session *session, CK_OBJECT_HANDLE object,
    const CK_ATTRIBUTE *attributes, CK_ULONG count);

/* Who shall own what a template describes (CKA_TOKEN, by default false): *ret_session is 0 for the
 * token. CKR_SESSION_READ_ONLY. */
CK_RV object_choose_owner(
    const struct session *session, struct span template, uint64_t *ret_session);

/* One round trip whose request (body) names no object and makes count of them, owned by owner. */
CK_RV object_make(struct session *session, enum wire_operation operation, const void *body,
    uint64_t owner, CK_OBJECT_HANDLE *ret_handles, size_t count);

/* Takes in the objects of an answer, gives the handles of the first count, and gives the connection
 * back. */
err_t object_learn(struct session *session, struct span objects, struct pool_answer *answer,
    CK_OBJECT_HANDLE *ret_handles, size_t count);
CK_RV object_copy(struct session *session, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *attributes,
    CK_ULONG count, CK_OBJECT_HANDLE *copy);

#endif
