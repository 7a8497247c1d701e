/* SPDX-License-Identifier: MIT
 *
 * What signerd-provision can do: each returns the exit code, and has logged what failed.
 */
#ifndef PROVISION_COMMANDS_H
#define PROVISION_COMMANDS_H

#include "options.h"

int run_ca_create(const struct options *options);
int run_key_create(const struct options *options);
int run_csr(const struct options *options);
int run_cert_sign(const struct options *options);
int run_cert_store(const struct options *options);

#endif
