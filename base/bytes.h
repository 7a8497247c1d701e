/* SPDX-License-Identifier: MIT
 *
 * The bounded reader and writer: the only way in which bytes are taken apart or put together.
 * Freestanding (no malloc, no OS), so that firmware shares it. All integers are big-endian.
 *
 * Both remember a failure: after the first read or write that does not fit, every later one fails
 * too and gives zeros, so that a caller checks once, at the end (reader_finished, writer_failed).
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns. ptr may be NULL only where len is 0. */
struct span {
    const uint8_t *ptr;
    size_t len;
};

struct reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

struct writer {
    uint8_t *start;
    size_t used;
    size_t size;
    bool failed;
};

struct span span_of(const void *ptr, size_t len);
struct span span_of_text(const char *text);    /* without the terminating NUL */
bool span_equal(struct span a, struct span b); /* not in constant time: never for secrets */

struct reader reader_of(struct span bytes);
uint64_t read_uint(struct reader *r, unsigned size_in_bytes); /* 1, 2, 4 or 8 */
struct span read_span(struct reader *r, size_t len);          /* points into the reader's bytes */
bool reader_more(const struct reader *r);     /* something is left and nothing has failed */
bool reader_finished(const struct reader *r); /* all was read and nothing has failed */
void reader_fail(struct reader *r);

struct writer writer_of(void *buffer, size_t size);
void write_uint(
    struct writer *w, unsigned size_in_bytes, uint64_t value); /* fails where it does not fit */
void write_span(struct writer *w, struct span bytes);
/* Appends len bytes of what was written distance bytes before, of the copy itself too where len is
 * more; fails where there are no such bytes. */
void write_again(struct writer *w, size_t distance, size_t len);
bool writer_failed(const struct writer *w);
struct span writer_bytes(const struct writer *w); /* what was written so far */

/* Where somebody else (a library) may write up to *ret_size bytes; then writer_took tells how many
 * it did. More than there was room for fails the writer. */
uint8_t *writer_room(struct writer *w, size_t *ret_size);
void writer_took(struct writer *w, size_t len);

#endif
