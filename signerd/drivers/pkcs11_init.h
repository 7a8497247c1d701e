/* SPDX-License-Identifier: MIT
 *
 * driver.h's init of the driver pkcs11.
 */
#ifndef SIGNERD_DRIVERS_PKCS11_INIT_H
#define SIGNERD_DRIVERS_PKCS11_INIT_H

#include "driver.h"

err_t pkcs11_init(const struct driver_settings *settings, struct span so_pin);

#endif
