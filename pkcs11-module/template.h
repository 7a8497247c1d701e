/* SPDX-License-Identifier: MIT
 *
 * CK_ATTRIBUTE arrays of a program to attribute lists of the wire, and values back. The only place
 * that knows how a CK_ULONG of this machine looks in a message; CK_UNAVAILABLE_INFORMATION keeps
 * its meaning at any size.
 */
#ifndef PKCS11_MODULE_TEMPLATE_H
#define PKCS11_MODULE_TEMPLATE_H

#include "wire/attribute.h"

#include <p11-kit/pkcs11.h>

/* A count above this is no count: nothing behind such a pointer is read. */
enum { TEMPLATE_COUNT_MAX = 1024 };

/* Whether there is something to read where a program says so. Asked before what else a call may
 * find wrong: the mechanism, the key. */
bool template_is_given(const CK_ATTRIBUTE *attributes, CK_ULONG count);

/* Appends all attributes to list. CKR_ARGUMENTS_BAD (also for a count over TEMPLATE_COUNT_MAX),
 * CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, or CKR_TEMPLATE_INCONSISTENT where they
 * do not fit the list. */
CK_RV template_write(const CK_ATTRIBUTE *attributes, CK_ULONG count, struct writer *list);

/* True for CKA_VALUE of a secret that may be read, but is in no list: the worker tells it, to the
 * session that owns it. */
bool template_value_is_told(struct span list, CK_ATTRIBUTE_TYPE type);

/* Fills attribute with value, or its length alone where pValue is NULL. CKR_BUFFER_TOO_SMALL, and
 * ulValueLen -1. */
CK_RV template_fill_bytes(CK_ATTRIBUTE *attribute, struct span value);

/* Fills one attribute of C_GetAttributeValue (2.40, 5.7.5) from the list of an object: CKR_OK, or
 * CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_SENSITIVE or CKR_BUFFER_TOO_SMALL, and ulValueLen -1.
 */
CK_RV template_read(struct span list, CK_ATTRIBUTE *attribute);

#endif
