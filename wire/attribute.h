/* SPDX-License-Identifier: MIT
 *
 * PKCS#11 attributes as they travel: a list of (type, value), CK_ULONG as 8 bytes big-endian,
 * CK_BBOOL as one byte. One table says of each attribute what its value is, who may set it, and
 * whether it is secret. Freestanding; types are CK_ATTRIBUTE_TYPE numbers of PKCS#11 v2.40, so no
 * Cryptoki header is needed.
 */
#ifndef WIRE_ATTRIBUTE_H
#define WIRE_ATTRIBUTE_H

#include "messages.h"

enum attribute_kind { ATTRIBUTE_BOOL, ATTRIBUTE_ULONG, ATTRIBUTE_ULONG_LIST, ATTRIBUTE_BYTES };

/* ATTR_LABEL and so on: the CKA_ numbers. */
enum {
#define ATTRIBUTE(type, name, kind, flags) ATTR_##name = (type),
#include "attribute.def"
#undef ATTRIBUTE
};

/* CKO_ and CKK_ numbers, as in the standard. */
enum {
    CLASS_DATA = 0,
    CLASS_CERTIFICATE = 1,
    CLASS_PUBLIC_KEY = 2,
    CLASS_PRIVATE_KEY = 3,
    CLASS_SECRET_KEY = 4,

    KEY_TYPE_RSA = 0,
    KEY_TYPE_EC = 3,
    KEY_TYPE_EC_EDWARDS = 0x40,
};

enum {
    ATTRIBUTE_SECRET = 1, /* key material: never on the wire from a private or secret key */
};

struct attribute_row {
    uint32_t type;
    enum attribute_kind kind;
    unsigned flags;
    const char *name; /* "CKA_LABEL" */
};

/* NULL for a type that signerd does not know. */
const struct attribute_row *attribute_find(uint32_t type);
extern const struct attribute_row attribute_rows[];
extern const size_t attribute_rows_count;

/* Walks a list: true and the next attribute, or false at its end or at a fault (then the reader has
 * failed). An unknown type, a value of the wrong size, and a CK_BBOOL other than 0 or 1 are faults.
 */
bool attribute_next(struct reader *list, struct wire_attribute *ret_attribute);

/* ERR_OK when the whole list is well formed and no type stands in it twice. */
err_t attribute_list_check(struct span list);

/* The value in a well-formed list; false where it is absent. */
bool attribute_get(struct span list, uint32_t type, struct span *ret_value);
bool attribute_get_ulong(struct span list, uint32_t type, uint64_t *ret_value);
bool attribute_get_bool(struct span list, uint32_t type, bool fallback);

void attribute_put(struct writer *list, uint32_t type, struct span value);
void attribute_put_ulong(struct writer *list, uint32_t type, uint64_t value);
void attribute_put_bool(struct writer *list, uint32_t type, bool value);

#endif
