/* SPDX-License-Identifier: MIT
 *
 * The start time in a /proc/PID/stat text: whatever a process calls itself, the number found is the
 * text's 20th word behind the last ')'.
 */
#include "fuzz.h"

#include "signerd/identity.h"

#include <string.h>

enum { TEXT_MAX = 1023, WORDS_BEFORE = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX + 1];
    uint64_t found;
    if (size > TEXT_MAX)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (!identity_parse_start_time(text, &found))
        return 0;
    const char *at = strrchr(text, ')');
    must(at != NULL);
    for (int i = 0; i < WORDS_BEFORE; i++) {
        at = strchr(at + 1, ' ');
        must(at != NULL);
    }
    for (at++; *at >= '0' && *at <= '9'; at++)
        continue;
    must(*at == ' ' || *at == '\n' || *at == '\0');
    must(at[-1] == (char)('0' + found % 10));
    return 0;
}
