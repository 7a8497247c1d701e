/* SPDX-License-Identifier: MIT
 *
 * What a command prints on standard output when it has done its work: JSON, or the same as lines
 * "name: value".
 */
#ifndef PROVISION_RESULT_H
#define PROVISION_RESULT_H

#include "base/err.h"

#include <openssl/x509.h>

#include <stdbool.h>

struct result;

err_t result_new(struct result **ret_result);
void result_free(struct result *result); /* NULL is allowed */

void result_text(struct result *result, const char *name, const char *text);
void result_name(struct result *result, const char *name, const X509_NAME *value); /* RFC 4514 */

/* subject, issuer, serial, not_before, not_after, sha256. */
void result_certificate(struct result *result, const X509 *certificate);

/* Prints it; the exit code: EX_IOERR where not all could be written. */
int result_print(const struct result *result, bool json);

#endif
