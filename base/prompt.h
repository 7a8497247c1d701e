/* SPDX-License-Identifier: MIT
 *
 * Questions on the terminal, for programs in the foreground (while they wait, signals are theirs to
 * handle: never for the module). What is typed as a secret is neither shown nor kept in any buffer but
 * the secret itself.
 */
#ifndef BASE_PROMPT_H
#define BASE_PROMPT_H

#include "secret.h"

#include <stdbool.h>

/* One line of /dev/tty, without echo and without its newline. ERR_UNREACHABLE: there is no
 * terminal; ERR_CONFIG: empty, or longer than max bytes. Logs nothing. The caller frees. */
err_t prompt_secret(const char *question, size_t max, struct secret **ret_secret);

/* True where a terminal is there to ask on, on standard input. */
bool prompt_possible(void);

/* Asks there; true for y or yes. */
bool prompt_yes(const char *question);

#endif
