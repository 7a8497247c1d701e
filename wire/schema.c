/* SPDX-License-Identifier: MIT
 *
 * Encoder and decoder of every message. This is the parser that faces clients: it allocates
 * nothing, does not recurse, and takes every length from the bounded reader.
 */
#include "schema.h"

#include <string.h>

static const unsigned integer_size[] = {
    [FIELD_U8] = 1, [FIELD_U16] = 2, [FIELD_U32] = 4, [FIELD_U64] = 8};

static uint64_t load_integer(enum field_kind kind, const void *member)
{
    switch (kind) {
    case FIELD_U8:
        return *(const uint8_t *)member;
    case FIELD_U16:
        return *(const uint16_t *)member;
    case FIELD_U32:
        return *(const uint32_t *)member;
    default:
        return *(const uint64_t *)member;
    }
}

static void store_integer(enum field_kind kind, void *member, uint64_t value)
{
    switch (kind) {
    case FIELD_U8:
        *(uint8_t *)member = (uint8_t)value;
        break;
    case FIELD_U16:
        *(uint16_t *)member = (uint16_t)value;
        break;
    case FIELD_U32:
        *(uint32_t *)member = (uint32_t)value;
        break;
    default:
        *(uint64_t *)member = value;
        break;
    }
}

void schema_encode(const struct schema *schema, const void *message, struct writer *w)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        const void *member = (const char *)message + field->offset;
        if (field->kind != FIELD_BYTES) {
            write_uint(w, integer_size[field->kind], load_integer(field->kind, member));
            continue;
        }
        const struct span *bytes = member;
        if (bytes->len > field->limit)
            w->failed = true;
        write_uint(w, 4, bytes->len);
        write_span(w, *bytes);
    }
}

void schema_decode(const struct schema *schema, struct reader *r, void *ret_message)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        void *member = (char *)ret_message + field->offset;
        if (field->kind != FIELD_BYTES) {
            store_integer(field->kind, member, read_uint(r, integer_size[field->kind]));
            continue;
        }
        size_t len = (size_t)read_uint(r, 4);
        if (len > field->limit)
            reader_fail(r);
        *(struct span *)member = read_span(r, len);
    }
}

static void clear(const struct schema *schema, void *message)
{
    struct reader nothing = reader_of(span_of(NULL, 0));
    reader_fail(&nothing);
    schema_decode(schema, &nothing, message);
}

err_t schema_decode_whole(const struct schema *schema, struct span body, void *ret_message)
{
    struct reader r = reader_of(body);
    schema_decode(schema, &r, ret_message);
    if (reader_finished(&r))
        return ERR_OK;
    clear(schema, ret_message);
    return ERR_BAD_MESSAGE;
}
