/* SPDX-License-Identifier: MIT
 *
 * Attributes between the lists of wire/attribute.h and the arrays of PKCS#11, both ways.
 */
#ifndef SIGNERD_DRIVERS_PKCS11_TEMPLATE_H
#define SIGNERD_DRIVERS_PKCS11_TEMPLATE_H

#include "wire/attribute.h"

#include <p11-kit/pkcs11.h>

enum {
    TEMPLATE_ATTRIBUTES_MAX = 96, /* more than the table of wire/attribute.h has rows */
    TEMPLATE_NUMBERS_MAX = WIRE_TEMPLATE_MAX / 8,
};

/* Points into itself and into the list that it was made of: not to be copied, good as long as both
 * stay. */
struct ck_template {
    CK_ATTRIBUTE attributes[TEMPLATE_ATTRIBUTES_MAX];
    CK_ULONG count;
    CK_ULONG numbers[TEMPLATE_NUMBERS_MAX];
    size_t numbers_used;
};

/* Where C_GetAttributeValue is asked. */
struct ck_template_source {
    CK_FUNCTION_LIST *module;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE object;
};

/* From a list; the result is in *template also on an error, but of no use then. ERR_BAD_MESSAGE,
 * ERR_TEMPLATE_INCONSISTENT, ERR_ATTRIBUTE_VALUE for a number that a CK_ULONG here cannot hold. */
err_t ck_template_parse(struct span list, struct ck_template *template);

/* Appends all attributes of an object that are in the table to the list. ERR_TOO_LARGE where the
 * list has no room; errors of the device as rv_check has them, not logged for attributes that the
 * object lacks. */
err_t ck_template_fetch(const struct ck_template_source *source, struct writer *list);

#endif
