/* SPDX-License-Identifier: MIT
 *
 * Keys at work in the driver pkcs11: its functions use, begin, feed, finish and abandon of driver.h.
 */
#ifndef SIGNERD_DRIVERS_PKCS11_USE_H
#define SIGNERD_DRIVERS_PKCS11_USE_H

#include "driver.h"

err_t pkcs11_use(struct device *device, const struct driver_use *use, struct span data,
    struct span signature, struct writer *output);
err_t pkcs11_begin(
    struct device *device, const struct driver_use *use, struct driver_begun **ret_begun);
err_t pkcs11_feed(
    struct device *device, struct driver_begun *begun, struct span data, struct writer *output);
err_t pkcs11_finish(struct device *device, struct driver_begun *begun, struct span signature,
    struct writer *output);
void pkcs11_abandon(struct device *device, struct driver_begun *begun);

#endif
