/* SPDX-License-Identifier: MIT
 *
 * Gathering. A worker that never ends its list must not take all memory of its client.
 */
#include "list_parts.h"

#include "compact.h"
#include "messages.h"

#include <stdlib.h>

enum { PARTS_MAX = 16 << 20 };

/* Room for so many more, of which PARTS_MAX leaves what is left. */
static err_t make_room(struct list_parts *parts, size_t more, struct writer *ret_room)
{
    if (more > PARTS_MAX - parts->len)
        more = PARTS_MAX - parts->len;
    uint8_t *bytes = realloc(parts->bytes, parts->len + more + 1);
    if (bytes == NULL)
        return ERR_MEMORY;
    parts->bytes = bytes;
    *ret_room = writer_of(bytes + parts->len, more);
    return ERR_OK;
}

err_t list_parts_add(struct list_parts *parts, struct span objects)
{
    struct writer room;
    err_t err = make_room(parts, WIRE_LIST_MAX, &room);
    if (err == ERR_OK)
        err = compact_read(objects, &room);
    if (err == ERR_OK)
        parts->len += room.used;
    return err;
}

err_t list_parts_copy(struct list_parts *parts, struct span objects)
{
    struct writer room;
    err_t err = make_room(parts, objects.len, &room);
    if (err != ERR_OK)
        return err;
    write_span(&room, objects);
    if (writer_failed(&room))
        return ERR_TOO_LARGE;
    parts->len += room.used;
    return ERR_OK;
}
