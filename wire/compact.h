/* SPDX-License-Identifier: MIT
 *
 * Bytes of which much was there before, said shorter: keys of one token differ in a few attributes,
 * and a certificate holds its subject and public key once more. A worker's lists travel so.
 * Freestanding; nothing is allocated.
 *
 * Sequences in a row, up to the end:
 *   1 byte   high half: number of literals, low half: length of the copy less 4; 15 in either
 *            stands for 15 and what follows
 *   …        where the high half is 15: bytes to add, up to and with the first that is not 255
 *   …        the literals
 *   2 bytes  the copy begins so many bytes before; 0: no copy (then the low half is 0)
 *   …        where the low half is 15: bytes to add, as above
 */
#ifndef WIRE_COMPACT_H
#define WIRE_COMPACT_H

#include "base/bytes.h"
#include "base/err.h"

enum { COMPACT_PLACES = 1 << 12 };

/* What was put into one message so far. */
struct compact {
    struct writer plain;
    uint32_t
        places[COMPACT_PLACES]; /* by hash of 4 bytes: where such stood last, and 1; 0: nowhere */
};

/* room holds the plain bytes while the message is made, and limits them to size. */
void compact_begin(struct compact *compact, void *room, size_t size);

/* Appends to the message out. False where plain or packed bytes do not fit any more: then out is as
 * it was, and complete. */
bool compact_put(struct compact *compact, struct span bytes, struct writer *out);

/* The plain bytes of a message. ERR_TOO_LARGE: more than plain has room for; ERR_BAD_MESSAGE. plain
 * then holds the beginning of them. */
err_t compact_read(struct span packed, struct writer *plain);

#endif
