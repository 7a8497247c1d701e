/* SPDX-License-Identifier: MIT
 *
 * `run`: two processes, so that neither waits for the other. This one reads, seals and spools; its
 * child sends, and never sees a reading.
 */
#ifndef PUBLISHER_PAIR_H
#define PUBLISHER_PAIR_H

#include "options.h"

/* Until SIGTERM or SIGINT, or the end of --count. lock: of spool_claim. */
err_t pair_run(const struct options *options, int lock);

#endif
