/* SPDX-License-Identifier: MIT
 *
 * The value of a key that is imported: from a file, standard input or a prompt into secret memory,
 * and from there, decoded, into other secret memory. No other copy is made.
 */
#ifndef SIGNERCTL_VALUE_H
#define SIGNERCTL_VALUE_H

#include "base/secret.h"

enum value_form { VALUE_RAW, VALUE_HEX, VALUE_BASE64 };

enum { VALUE_TEXT_MAX = 16384 };

/* file NULL: standard input, where that is a terminal a prompt. Logs what is wrong. The caller
 * frees. */
err_t value_read(const char *file, enum value_form form, struct secret **ret_value);

/* Blanks and line ends, and in hexadecimal ':', may stand anywhere. ERR_ARGUMENTS: it is not of
 * that form, or empty. The caller frees. */
err_t value_decode(enum value_form form, struct span text, struct secret **ret_value);

#endif
