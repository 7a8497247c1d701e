/* SPDX-License-Identifier: MIT
 *
 * Compact bytes: any input is expanded within its room; and any input, taken as plain bytes in
 * pieces, comes back as it was.
 */
#include "fuzz.h"

#include "wire/compact.h"

#include <string.h>

enum { ROOM = 1 << 16 };

/* Any bytes in a room of any size. */
static void expand(struct reader *r)
{
    static uint8_t room[ROOM + 1];
    const size_t size = (size_t)read_uint(r, 2);
    struct writer plain = writer_of(room, size);
    room[size] = 0x5a;
    const err_t err = compact_read(span_of(r->at, r->left), &plain);
    must(err == ERR_OK || err == ERR_BAD_MESSAGE || err == ERR_TOO_LARGE);
    must(plain.used <= size && room[size] == 0x5a);
    must((err == ERR_OK) <= !writer_failed(&plain));
}

/* Each piece is there whole or not at all. */
static void there_and_back(struct reader *r)
{
    static struct compact compact;
    static uint8_t room[ROOM];
    static uint8_t message[ROOM];
    static uint8_t back[ROOM];
    const size_t piece = 1 + (size_t)read_uint(r, 1);
    struct writer out = writer_of(message, 1 + (size_t)read_uint(r, 2) % sizeof message);
    struct writer plain = writer_of(back, sizeof back);
    compact_begin(&compact, room, 1 + (size_t)read_uint(r, 2) % sizeof room);
    const uint8_t *start = r->at;
    size_t taken = 0;
    bool fits = true;
    while (reader_more(r) && fits) {
        struct span bytes = read_span(r, piece < r->left ? piece : r->left);
        fits = compact_put(&compact, bytes, &out);
        taken += fits ? bytes.len : 0;
    }
    must(!writer_failed(&out));
    must(compact_read(writer_bytes(&out), &plain) == ERR_OK);
    must(plain.used == taken && (taken == 0 || memcmp(back, start, taken) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(span_of(data, size));
    if (read_uint(&r, 1) % 2 == 0)
        expand(&r);
    else
        there_and_back(&r);
    return 0;
}
