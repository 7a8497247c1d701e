/* SPDX-License-Identifier: MIT
 *
 * The operations that policy explain asks about.
 */
#ifndef SIGNERCTL_EXPLAIN_H
#define SIGNERCTL_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

struct explain_operation {
    const char *name;
    bool has_key; /* it is about a key */
};
extern const struct explain_operation explain_operations[];
extern const size_t explain_operations_count;

#endif
