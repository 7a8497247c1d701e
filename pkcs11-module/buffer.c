/* SPDX-License-Identifier: MIT
 *
 * Growing bytes. No realloc: it would leave copies behind.
 */
#include "buffer.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE_MIN = 256 };

static err_t resize(struct buffer *buffer, size_t size)
{
    uint8_t *bytes = malloc(size);
    if (bytes == NULL)
        return ERR_MEMORY;
    if (buffer->len > 0)
        memcpy(bytes, buffer->bytes, buffer->len);
    const size_t len = buffer->len;
    buffer_clear(buffer);
    *buffer = (struct buffer){bytes, len, size};
    return ERR_OK;
}

err_t buffer_reserve(struct buffer *buffer, size_t size)
{
    if (buffer->bytes != NULL && buffer->size >= size)
        return ERR_OK;
    return resize(buffer, size < SIZE_MIN ? SIZE_MIN : size);
}

err_t buffer_append(struct buffer *buffer, struct span bytes)
{
    if (bytes.len == 0)
        return ERR_OK;
    if (bytes.len > SIZE_MAX / 4 || buffer->len > SIZE_MAX / 4)
        return ERR_MEMORY;
    const size_t needed = buffer->len + bytes.len;
    if (needed > buffer->size) {
        const size_t twice = 2 * buffer->size;
        err_t err = buffer_reserve(buffer, needed > twice ? needed : twice);
        if (err != ERR_OK)
            return err;
    }
    memcpy(buffer->bytes + buffer->len, bytes.ptr, bytes.len);
    buffer->len = needed;
    return ERR_OK;
}

struct span buffer_bytes(const struct buffer *buffer)
{
    return span_of(buffer->bytes, buffer->len);
}

void buffer_clear(struct buffer *buffer)
{
    if (buffer->bytes != NULL)
        secret_wipe(buffer->bytes, buffer->size);
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}
