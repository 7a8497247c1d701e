/* SPDX-License-Identifier: MIT
 *
 * A subject as people write it: "/CN=gate 7/O=Example" (OpenSSL's form, first part first) or
 * "CN=gate 7,O=Example" (RFC 4514, which has the last part first).
 */
#ifndef PROVISION_NAME_H
#define PROVISION_NAME_H

#include "base/err.h"

#include <openssl/x509.h>

enum { NAME_PARTS_MAX = 16, NAME_VALUE_MAX = 256 };

/* UTF-8. A backslash takes the meaning from the character behind it; in RFC 4514's form it may
 * stand before two hexadecimal digits too. Several values in one part (+) and #hex values are
 * refused. ERR_ARGUMENTS, logged. The caller frees. */
err_t name_parse(const char *text, X509_NAME **ret_name);

#endif
