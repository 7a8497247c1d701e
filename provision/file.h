/* SPDX-License-Identifier: MIT
 *
 * Files that are read whole, and written whole or not at all.
 */
#ifndef PROVISION_FILE_H
#define PROVISION_FILE_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

enum { FILE_MAX = 65536 };

/* At most FILE_MAX bytes. ERR_FILE, ERR_INPUT (larger); logged. The caller frees with file_free. */
err_t file_read(const char *path, struct span *ret_bytes);
void file_free(struct span bytes); /* wipes: it may have been a key */

/* ERR_EXISTS, logged, where path exists and force is false. To be asked before the work begins;
 * file_write asks again. */
err_t file_expect_free(const char *path, bool force);

/* A temporary file beside it, synced, which then takes the name: whoever looks sees the old content
 * or the whole new one. Without force a file that exists is never touched. Logged. */
err_t file_write(const char *path, struct span bytes, mode_t mode, bool force);

#endif
