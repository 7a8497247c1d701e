/* SPDX-License-Identifier: MIT
 *
 * The passphrase of a key file: from a file, or from the terminal. Never from a command line.
 */
#ifndef PROVISION_PASSPHRASE_H
#define PROVISION_PASSPHRASE_H

#include "base/err.h"
#include "base/secret.h"

#include <stdbool.h>

enum { PASSPHRASE_MAX = 256 };

/* For OpenSSL's PEM functions: u is a struct passphrase. */
struct passphrase {
    const char *file;    /* NULL: ask on the terminal */
    const char *subject; /* of what */
    bool asked;          /* set when OpenSSL wanted it */
    err_t err;           /* why there is none; logged */
};
int passphrase_callback(char *buffer, int size, int writing, void *u);

/* For a new key: on the terminal it is asked for twice. The caller frees. */
err_t passphrase_choose(const char *file, const char *subject, struct secret **ret_passphrase);

#endif
