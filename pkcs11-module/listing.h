/* SPDX-License-Identifier: MIT
 *
 * Brings the snapshot of a slot up to date: where nothing changed, without a round trip if the
 * worker shows a page (wire/page.h), else with one.
 */
#ifndef PKCS11_MODULE_LISTING_H
#define PKCS11_MODULE_LISTING_H

#include "slot.h"

/* Errors as of pool_call. The module's lock is not held. */
err_t listing_refresh(struct slot *slot);

#endif
