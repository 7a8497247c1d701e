/* SPDX-License-Identifier: MIT
 *
 * What each command does. All of them return the exit code, and have said on standard error what
 * went wrong.
 */
#ifndef SIGNERCTL_COMMANDS_H
#define SIGNERCTL_COMMANDS_H

#include "options.h"

int status_run(const struct options *options);
int keys_list_run(const struct options *options);
int keys_generate_run(const struct options *options);
int keys_import_run(const struct options *options);
int keys_delete_run(const struct options *options);
int keys_label_run(const struct options *options);
int keys_id_run(const struct options *options);
int explain_run(const struct options *options);
int audit_verify_run(const struct options *options);

#endif
