/* SPDX-License-Identifier: MIT
 *
 * A message as a table: each field's kind, place in a struct, limit and meaning. One encoder and
 * one decoder serve every message, so that a message cannot be read in another way than it is
 * written. Freestanding: no malloc, no OS. docs/PROTOCOL.md is checked against these tables by a
 * test.
 *
 * On the wire the fields follow each other without padding: U8, U16, U32, U64 big-endian; BYTES as
 * a U32 length and that many bytes.
 */
#ifndef WIRE_SCHEMA_H
#define WIRE_SCHEMA_H

#include "base/bytes.h"
#include "base/err.h"

enum field_kind { FIELD_U8, FIELD_U16, FIELD_U32, FIELD_U64, FIELD_BYTES };

struct schema_field {
    enum field_kind kind;
    size_t offset; /* in the struct, bytes */
    size_t limit;  /* BYTES: the most bytes allowed */
    const char *name;
    const char *meaning;
};

struct schema {
    const char *name;
    const struct schema_field *fields;
    size_t count;
};

/* Fields of a message: F(S, KIND, member, limit, meaning), S its struct, 0 as limit for numbers. */
#define SCHEMA_TYPE_U8                                 uint8_t
#define SCHEMA_TYPE_U16                                uint16_t
#define SCHEMA_TYPE_U32                                uint32_t
#define SCHEMA_TYPE_U64                                uint64_t
#define SCHEMA_TYPE_BYTES                              struct span
#define SCHEMA_MEMBER(s, kind, member, limit, meaning) SCHEMA_TYPE_##kind member;
#define SCHEMA_FIELD(s, kind, member, limit, meaning)                                              \
    {FIELD_##kind, offsetof(struct s, member), limit, #member, meaning},

/* Writes all fields. A BYTES field over its limit, or a full buffer, fails the writer. */
void schema_encode(const struct schema *schema, const void *message, struct writer *w);

/* Reads all fields of one message and leaves the reader behind it (lists hold several in a row). A
 * message that is short or over a limit fails the reader. BYTES point into what is read. */
void schema_decode(const struct schema *schema, struct reader *r, void *ret_message);

/* A whole body: ERR_BAD_MESSAGE also where bytes are left over. On an error ret_message is zeroes.
 */
err_t schema_decode_whole(const struct schema *schema, struct span body, void *ret_message);

#endif
