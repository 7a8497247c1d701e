/* SPDX-License-Identifier: MIT
 *
 * Errors as values. Every function of ours that can fail returns an err_t; its outputs go through
 * ret_ pointers that are set only on success. The table is err.def.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

typedef enum err {
#define ERR(name, number, ckr, http, exit_code, text) ERR_##name = (number),
#include "err.def"
#undef ERR
} err_t;

/* A short English text without a full stop; "unknown error" for a number that is not in the table.
 */
const char *err_text(err_t err);

/* The name as in err.def, for logs and audit lines. */
const char *err_name(err_t err);

/* The exit code (sysexits.h) of a program that ends for this error. */
int err_exit_code(err_t err);

/* An err_t from a number that came over the wire: ERR_INTERNAL where it is not in the table. */
err_t err_from_number(unsigned number);

#endif
