/* SPDX-License-Identifier: MIT
 *
 * A client's template, checked and completed before a driver sees it: what may be asked for, what
 * must be, and what we decide. One table a kind of object.
 */
#ifndef SIGNERD_TEMPLATE_H
#define SIGNERD_TEMPLATE_H

#include "wire/attribute.h"

struct template_kind;
extern const struct template_kind template_ec_public;
extern const struct template_kind template_ec_private;
extern const struct template_kind template_certificate;

/* Writes the complete template to list (CKA_TOKEN as token says). ERR_ATTRIBUTE_TYPE for an
 * attribute that such an object does not have, ERR_TEMPLATE_INCONSISTENT for a value that it may
 * not have, ERR_TEMPLATE_INCOMPLETE for one that is missing, ERR_TOO_LARGE for more than 14 KiB. */
err_t template_complete(
    const struct template_kind *kind, struct span asked, bool token, struct writer *list);

/* What C_SetAttributeValue may change: ERR_ATTRIBUTE_READ_ONLY for the rest. */
err_t template_check_change(struct span asked);

#endif
