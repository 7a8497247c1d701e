/* SPDX-License-Identifier: MIT
 *
 * C_FindObjects: the snapshot is brought up to date once, at the start, and then gives all answers.
 */
#ifndef PKCS11_MODULE_FIND_H
#define PKCS11_MODULE_FIND_H

#include <p11-kit/pkcs11.h>

#include <stdbool.h>
#include <stddef.h>

struct session;

/* The search of a session; it belongs to the call inside. */
struct find {
    bool active;
    CK_OBJECT_HANDLE *handles;
    size_t count;
    size_t next;
};

void find_end(struct find *find); /* also where none is active */

/* The implementations of C_FindObjectsInit, C_FindObjects and C_FindObjectsFinal. */
CK_RV find_begin(struct session *session, const CK_ATTRIBUTE *attributes, CK_ULONG count);
CK_RV find_more(struct session *session, CK_OBJECT_HANDLE *handles, CK_ULONG room, CK_ULONG *count);
CK_RV find_finish(struct session *session);

#endif
