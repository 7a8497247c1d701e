/* SPDX-License-Identifier: MIT
 *
 * The objects of a LIST that comes in several messages, gathered into one run of bytes. Used by
 * whoever asks a worker for its objects.
 */
#ifndef WIRE_LIST_PARTS_H
#define WIRE_LIST_PARTS_H

#include "base/bytes.h"
#include "base/err.h"

struct list_parts {
    uint8_t *bytes; /* the owner frees */
    size_t len;
};

/* Appends what a part says: objects as they stand in a list_reply, compact. ERR_TOO_LARGE over 16
 * MiB in all, ERR_BAD_MESSAGE, ERR_MEMORY; then nothing has changed. */
err_t list_parts_add(struct list_parts *parts, struct span objects);

/* The same of objects that are not compact: an objects_reply's. */
err_t list_parts_copy(struct list_parts *parts, struct span objects);

#endif
