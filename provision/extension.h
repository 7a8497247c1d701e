/* SPDX-License-Identifier: MIT
 *
 * The extensions of a certificate: which a profile has, and how each is made.
 */
#ifndef PROVISION_EXTENSION_H
#define PROVISION_EXTENSION_H

#include "certificate.h"

#include <stdbool.h>

/* The certificate must have its public key already. False: OpenSSL failed. */
bool extension_add_all(X509 *certificate, const struct certificate_plan *plan);

#endif
