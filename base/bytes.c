/* SPDX-License-Identifier: MIT
 *
 * Bounded reading and writing. The one place with pointer arithmetic over a message.
 */
#include "bytes.h"

#include <string.h>

struct span span_of(const void *ptr, size_t len)
{
    return (struct span){ptr, len};
}

struct span span_of_text(const char *text)
{
    return span_of(text, strlen(text));
}

bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

struct reader reader_of(struct span bytes)
{
    return (struct reader){bytes.ptr, bytes.len, false};
}

void reader_fail(struct reader *r)
{
    r->failed = true;
    r->left = 0;
}

struct span read_span(struct reader *r, size_t len)
{
    if (r->failed || len > r->left) {
        reader_fail(r);
        return span_of(NULL, 0);
    }
    struct span bytes = span_of(r->at, len);
    if (len > 0)
        r->at += len;
    r->left -= len;
    return bytes;
}

uint64_t read_uint(struct reader *r, unsigned size_in_bytes)
{
    struct span bytes = read_span(r, size_in_bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.ptr[i];
    return value;
}

bool reader_more(const struct reader *r)
{
    return !r->failed && r->left > 0;
}

bool reader_finished(const struct reader *r)
{
    return !r->failed && r->left == 0;
}

struct writer writer_of(void *buffer, size_t size)
{
    return (struct writer){buffer, 0, size, false};
}

void write_span(struct writer *w, struct span bytes)
{
    if (w->failed || bytes.len > w->size - w->used) {
        w->failed = true;
        return;
    }
    if (bytes.len > 0)
        memcpy(w->start + w->used, bytes.ptr, bytes.len);
    w->used += bytes.len;
}

void write_uint(struct writer *w, unsigned size_in_bytes, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = size_in_bytes; i > 0; i--) {
        bytes[i - 1] = (uint8_t)value;
        value >>= 8;
    }
    if (value != 0)
        w->failed = true;
    write_span(w, span_of(bytes, size_in_bytes));
}

void write_again(struct writer *w, size_t distance, size_t len)
{
    if (w->failed || distance == 0 || distance > w->used || len > w->size - w->used) {
        w->failed = true;
        return;
    }
    for (size_t i = 0; i < len; i++, w->used++)
        w->start[w->used] = w->start[w->used - distance];
}

bool writer_failed(const struct writer *w)
{
    return w->failed;
}

struct span writer_bytes(const struct writer *w)
{
    return span_of(w->start, w->used);
}

uint8_t *writer_room(struct writer *w, size_t *ret_size)
{
    *ret_size = w->failed ? 0 : w->size - w->used;
    return w->start + w->used;
}

void writer_took(struct writer *w, size_t len)
{
    if (w->failed || len > w->size - w->used)
        w->failed = true;
    else
        w->used += len;
}
