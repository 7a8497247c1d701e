/* SPDX-License-Identifier: MIT
 *
 * Every message. The first byte chooses the schema, in the order of wire/messages.def; the rest is
 * a body. A body that is accepted must be encoded to the same bytes again: there is one way to
 * write each message.
 */
#include "fuzz.h"

#include "wire/messages.h"

#include <string.h>

static const struct schema *const schemas[] = {
#define ROW(name, fields) &wire_##name##_schema,
    WIRE_MESSAGES(ROW)
#undef ROW
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[1 << 20];
    union wire_body message;
    if (size == 0)
        return 0;
    const struct schema *schema = schemas[data[0] % (sizeof schemas / sizeof schemas[0])];
    struct span body = span_of(data + 1, size - 1);
    if (schema_decode_whole(schema, body, &message) != ERR_OK)
        return 0;
    struct writer w = writer_of(room, sizeof room);
    schema_encode(schema, &message, &w);
    must(!writer_failed(&w));
    must(span_equal(writer_bytes(&w), body));
    return 0;
}
