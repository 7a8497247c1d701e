/* SPDX-License-Identifier: MIT
 *
 * The files of an audit log, open, oldest first.
 */
#ifndef SIGNERCTL_AUDIT_FILES_H
#define SIGNERCTL_AUDIT_FILES_H

#include "base/err.h"

#include <stddef.h>

struct audit_file {
    char *name;
    int fd;
};

struct audit_files {
    size_t count;
    struct audit_file *files;
};

/* STATE_DIR/DEVICE/audit and the older ones beside it. They are of one moment, though the worker
 * may begin a new file meanwhile. Logs what is wrong. The caller clears. */
err_t audit_files_of_device(
    const char *state_dir, const char *device, struct audit_files *ret_files);

/* These, in this order. */
err_t audit_files_named(char **names, size_t count, struct audit_files *ret_files);

void audit_files_clear(struct audit_files *files);

#endif
