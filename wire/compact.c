/* SPDX-License-Identifier: MIT
 *
 * The two directions. Each byte that is read is used up, and each byte that is written has room: so
 * a message of any content ends.
 */
#include "compact.h"

enum { NIBBLE_MAX = 15, COPY_MIN = 4, DISTANCE_MAX = 0xffff };

/* ---- writing ---- */

void compact_begin(struct compact *compact, void *room, size_t size)
{
    *compact = (struct compact){.plain = writer_of(room, size)};
}

static uint8_t nibble(size_t number)
{
    return (uint8_t)(number < NIBBLE_MAX ? number : NIBBLE_MAX);
}

static void write_rest(struct writer *out, size_t number)
{
    if (number < NIBBLE_MAX)
        return;
    for (number -= NIBBLE_MAX; number >= UINT8_MAX; number -= UINT8_MAX)
        write_uint(out, 1, UINT8_MAX);
    write_uint(out, 1, number);
}

/* length counts only where distance is not 0. */
static void write_sequence(struct writer *out, struct span literals, size_t distance, size_t length)
{
    const size_t over = distance == 0 ? 0 : length - COPY_MIN;
    write_uint(out, 1, (uint64_t)nibble(literals.len) << 4 | nibble(over));
    write_rest(out, literals.len);
    write_span(out, literals);
    write_uint(out, 2, distance);
    write_rest(out, over);
}

/* Of the four bytes at that place. */
static size_t hash_at(const uint8_t *plain, size_t at)
{
    const uint32_t four = (uint32_t)plain[at] << 24 | (uint32_t)plain[at + 1] << 16 |
                          (uint32_t)plain[at + 2] << 8 | plain[at + 3];
    return (uint32_t)(four * 2654435761U) >> 20; /* Knuth, TAOCP 6.4; 12 bits of it */
}

/* How many bytes at at are those at from, which is before it. */
static size_t common(const uint8_t *plain, size_t from, size_t at, size_t end)
{
    size_t length = 0;
    while (at + length < end && plain[from + length] == plain[at + length])
        length++;
    return length;
}

/* The length of the copy that serves for the bytes at at; 0: none does. */
static size_t find_copy(struct compact *compact, size_t at, size_t end, size_t *ret_distance)
{
    const uint8_t *plain = compact->plain.start;
    uint32_t *place = &compact->places[hash_at(plain, at)];
    const size_t before = *place;
    *place = (uint32_t)at + 1;
    if (before == 0 || before > at || at + 1 - before > DISTANCE_MAX)
        return 0;
    const size_t length = common(plain, before - 1, at, end);
    *ret_distance = at + 1 - before;
    return length >= COPY_MIN ? length : 0;
}

static void pack(struct compact *compact, size_t start, struct writer *out)
{
    const uint8_t *plain = compact->plain.start;
    const size_t end = compact->plain.used;
    size_t literals = start; /* where those begin that were not written yet */
    size_t at = start;
    while (at + COPY_MIN <= end) {
        size_t distance = 0;
        const size_t length = find_copy(compact, at, end, &distance);
        if (length == 0) {
            at++;
            continue;
        }
        write_sequence(out, span_of(plain + literals, at - literals), distance, length);
        for (size_t i = at + 1; i < at + length && i + COPY_MIN <= end; i++)
            compact->places[hash_at(plain, i)] = (uint32_t)i + 1;
        at += length;
        literals = at;
    }
    if (literals < end)
        write_sequence(out, span_of(plain + literals, end - literals), 0, 0);
}

bool compact_put(struct compact *compact, struct span bytes, struct writer *out)
{
    const struct writer plain = compact->plain;
    const struct writer before = *out;
    write_span(&compact->plain, bytes);
    if (!writer_failed(&compact->plain))
        pack(compact, plain.used, out);
    if (!writer_failed(&compact->plain) && !writer_failed(out))
        return true;
    compact->plain = plain;
    *out = before;
    return false;
}

/* ---- reading ---- */

/* What a half of the first byte stands for. No length is more than the room of the whole. */
static size_t read_rest(struct reader *r, size_t half, size_t most)
{
    size_t number = half;
    bool more = half == NIBBLE_MAX;
    while (more && !r->failed) {
        const size_t byte = (size_t)read_uint(r, 1);
        number += byte;
        more = byte == UINT8_MAX && number <= most;
    }
    return number;
}

err_t compact_read(struct span packed, struct writer *plain)
{
    struct reader r = reader_of(packed);
    while (reader_more(&r) && !writer_failed(plain)) {
        const size_t first = (size_t)read_uint(&r, 1);
        write_span(plain, read_span(&r, read_rest(&r, first >> 4, packed.len)));
        const size_t distance = (size_t)read_uint(&r, 2);
        const size_t length = COPY_MIN + read_rest(&r, first & NIBBLE_MAX, plain->size);
        if (writer_failed(plain))
            continue;
        if (distance == 0 ? length != COPY_MIN : distance > plain->used)
            reader_fail(&r);
        if (!r.failed && distance != 0)
            write_again(plain, distance, length);
    }
    if (r.failed)
        return ERR_BAD_MESSAGE;
    return writer_failed(plain) ? ERR_TOO_LARGE : ERR_OK;
}
