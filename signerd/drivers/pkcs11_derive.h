/* SPDX-License-Identifier: MIT
 *
 * Keys from keys in the driver pkcs11: its functions derive and value of driver.h.
 */
#ifndef SIGNERD_DRIVERS_PKCS11_DERIVE_H
#define SIGNERD_DRIVERS_PKCS11_DERIVE_H

#include "driver.h"

/* The other side's point must lie on the key's curve: else ERR_MECHANISM_PARAMETER. */
err_t pkcs11_derive(struct device *device, driver_ref key, uint32_t mechanism,
    struct span parameter, struct span template, driver_ref *ret_key);
err_t pkcs11_value(struct device *device, driver_ref key, struct writer *value);

#endif
