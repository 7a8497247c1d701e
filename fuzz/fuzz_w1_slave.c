/* SPDX-License-Identifier: MIT
 *
 * w1_slave files of every family. What is accepted must be what the driver would write for its own
 * bytes, and in range.
 */
#include "fuzz.h"

#include "publisher/w1_slave.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"10-000000000001", "22-000000000001", "28-000000000001",
        "3b-000000000001", "42-000000000001", "99-000000000001"};
    if (size == 0)
        return 0;
    const char *name = names[data[0] % (sizeof names / sizeof names[0])];
    struct span file = span_of(data + 1, size - 1);
    int32_t value = INT32_MAX;
    enum w1_fault fault = w1_slave_parse(name, file, &value);
    must(strlen(w1_fault_text(fault)) > 0);
    if (fault != W1_OK) {
        must(value == INT32_MAX);
        return 0;
    }
    must(value >= -270000 && value <= 1800000);
    must(file.len < W1_FILE_MAX);
    must(memcmp(file.ptr, file.ptr + 40, 27) == 0); /* nine bytes, twice */
    must(file.ptr[file.len - 1] == '\n');
    return 0;
}
