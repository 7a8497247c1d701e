/* SPDX-License-Identifier: MIT
 *
 * What a module answers (CK_RV), as our errors.
 */
#ifndef TOKEN_RV_H
#define TOKEN_RV_H

#include "base/err.h"

#include <p11-kit/p11-kit.h>

/* Logs a failure: "SHOWN: WHAT: why". shown is a URI without PIN. */
err_t token_rv(const char *shown, const char *what, CK_RV rv);

/* The same without a log line. */
err_t token_rv_err(CK_RV rv);

#endif
