/* SPDX-License-Identifier: MIT
 *
 * Waiting for a quiet moment. Clients and daemon need two processors where SoftHSM used directly
 * needs one, so what others do on the machine does not hit all ways alike.
 */
#ifndef BENCH_CALM_H
#define BENCH_CALM_H

#include <stdbool.h>

/* Returns when nearly nothing has run on any processor for some milliseconds; after that many
 * milliseconds in any case. True: it was quiet. Where /proc/stat cannot be read it never is. */
bool calm_wait(unsigned most_ms);

#endif
