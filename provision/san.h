/* SPDX-License-Identifier: MIT
 *
 * Subject alternative names (RFC 5280, 4.2.1.6) of the four types that TLS clients and servers use.
 */
#ifndef PROVISION_SAN_H
#define PROVISION_SAN_H

#include "base/err.h"

#include <openssl/x509v3.h>

#include <stddef.h>

/* "DNS:gate-7.example", "URI:urn:gate:7", "IP:192.0.2.7", "email:gate@example.org". ERR_ARGUMENTS,
 * logged. The caller frees with GENERAL_NAMES_free; NULL where count is 0. */
err_t san_parse(const char *const *texts, size_t count, GENERAL_NAMES **ret_names);

/* Names that somebody else asks for: only those four types, and only printable ASCII. ERR_INPUT,
 * logged as of source. */
err_t san_check(const GENERAL_NAMES *names, const char *source);

#endif
