/* SPDX-License-Identifier: MIT
 *
 * Gathering. A worker that never ends its list must not take all memory of its client.
 */
#include "list_parts.h"

#include <stdlib.h>

enum { PARTS_MAX = 16 << 20 };

err_t list_parts_add(struct list_parts *parts, struct span objects)
{
    if (objects.len > PARTS_MAX - parts->len)
        return ERR_TOO_LARGE;
    uint8_t *bytes = realloc(parts->bytes, parts->len + objects.len + 1);
    if (bytes == NULL)
        return ERR_MEMORY;
    struct writer w = writer_of(bytes + parts->len, objects.len);
    write_span(&w, objects);
    parts->bytes = bytes;
    parts->len += objects.len;
    return ERR_OK;
}
