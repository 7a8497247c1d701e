/* SPDX-License-Identifier: MIT
 *
 * The public half of a private key that comes in: what the client says of it is checked, and what
 * it does not say is made of the value, which is known for this moment only.
 */
#ifndef SIGNERD_PUBLIC_HALF_H
#define SIGNERD_PUBLIC_HALF_H

#include "base/err.h"
#include "wire/attribute.h"

/* asked: the client's template of a private key with its value; list: the same, as the device is to
 * have it. Appends CKA_PUBLIC_KEY_INFO (2.40, 4.9), where the curve is known here. Of a public key,
 * or of what has no value: nothing. ERR_ATTRIBUTE_VALUE for a value that is no key of the curve,
 * ERR_TEMPLATE_INCONSISTENT where CKA_EC_POINT or CKA_PUBLIC_KEY_INFO are those of another key,
 * ERR_MEMORY. */
err_t public_half_complete(struct span asked, struct writer *list);

#endif
