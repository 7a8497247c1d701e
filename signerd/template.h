/* SPDX-License-Identifier: MIT
 *
 * A client's template, checked and completed before a driver sees it: what may be asked for, what
 * must be, and what we decide. One table a kind of object.
 */
#ifndef SIGNERD_TEMPLATE_H
#define SIGNERD_TEMPLATE_H

#include "wire/attribute.h"

struct template_kind;

/* How an object comes into being. Its value is given only at an import, its length only where it is
 * made. A derived secret alone may be readable, and only in a session. */
enum template_origin { TEMPLATE_GENERATE, TEMPLATE_IMPORT, TEMPLATE_UNWRAP, TEMPLATE_DERIVE };

/* Of CKA_CLASS and, for keys alone, CKA_KEY_TYPE. NULL for what is not offered in this way. The two
 * halves of a pair are both TEMPLATE_GENERATE. */
const struct template_kind *template_find(
    uint64_t class, uint64_t key_type, enum template_origin origin);

/* The same of a secret key. */
const struct template_kind *template_secret(uint64_t key_type, enum template_origin origin);

/* True for a length in bytes that such a secret key can have; of others any. */
bool template_length_fits(const struct template_kind *kind, uint64_t length);

/* Writes the complete template to list (CKA_TOKEN as token says). ERR_ATTRIBUTE_TYPE for an
 * attribute that such an object does not have, ERR_ATTRIBUTE_READ_ONLY for one that only a token
 * sets, ERR_TEMPLATE_INCONSISTENT for a value that it may not have, ERR_ATTRIBUTE_VALUE for a
 * length that such a key cannot have, ERR_TEMPLATE_INCOMPLETE for what is missing, ERR_TOO_LARGE
 * for more than 14 KiB. */
err_t template_complete(
    const struct template_kind *kind, struct span asked, bool token, struct writer *list);

/* Of an object that is no secret: what it would be imported from to be the same, with those asked
 * for instead. For template_complete; the writer fails where it has no room. */
void template_write_copy(
    const struct template_kind *kind, struct span object, struct span asked, struct writer *list);

/* ---- dates ---- */

enum { DATES_MAX = 64 }; /* bytes of a list of two */

/* Whether an object with these attributes has the dates of template; one that it does not name may
 * be any, and an empty one is none. */
bool template_dates_kept(struct span template, struct span object);

/* The dates that template names, with their values in from; empty where it has none. */
void template_write_dates(struct span template, struct span from, struct writer *list);

/* False for a CK_DATE that is none: neither empty nor eight digits. */
bool template_value_fits(const struct wire_attribute *attribute);

/* Whether an object with these attributes may be given those asked for, by C_SetAttributeValue or
 * in a copy: ERR_ATTRIBUTE_READ_ONLY where one of them may not change in this way,
 * ERR_ATTRIBUTE_VALUE. CKA_MODIFIABLE, CKA_COPYABLE, and who may say CKA_TRUSTED, are the caller's
 * to look at. */
enum template_change { TEMPLATE_SET, TEMPLATE_COPY };
err_t template_check_change(enum template_change how, struct span object, struct span asked);

#endif
