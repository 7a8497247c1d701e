/* SPDX-License-Identifier: MIT
 *
 * What every fuzzer shares.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert, also in a build without assertions: what the fuzzer found is wrong. */
static inline void must(int condition)
{
    if (!condition)
        abort();
}

#endif
