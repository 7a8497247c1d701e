/* SPDX-License-Identifier: MIT
 *
 * The messages of messages.def as structs, schemas and operation numbers. A packet is a header and
 * one body. Freestanding. The layout, byte by byte, is in docs/PROTOCOL.md.
 */
#ifndef WIRE_MESSAGES_H
#define WIRE_MESSAGES_H

#include "schema.h"

enum {
    WIRE_VERSION_MIN = 1, /* a daemon serves version N and N-1 */
    WIRE_VERSION_MAX = 1,
    WIRE_MESSAGE_MAX =
        65536, /* bytes of a packet; the kernel refuses more than about 208 KiB by default */
    WIRE_DATA_MAX = 61440,
    WIRE_TEMPLATE_MAX = 16384,
    WIRE_OUTPUT_MAX = WIRE_DATA_MAX + 1024, /* what comes out: a tag or padding longer */
    WIRE_PARAMETER_MAX = 3072,
    WIRE_AAD_MAX = 2560,
    WIRE_WRAPPED_MAX = 8192,
    WIRE_RANDOM_MAX = 32768,
    WIRE_LIST_MAX = 262144,
};

#include "messages.def"

#define WIRE_STRUCT(name, fields)                                                                  \
    struct wire_##name {                                                                           \
        fields(SCHEMA_MEMBER, wire_##name)                                                         \
    };                                                                                             \
    extern const struct schema wire_##name##_schema;
WIRE_MESSAGES(WIRE_STRUCT)
#undef WIRE_STRUCT
extern const struct schema wire_nothing_schema; /* a body without fields */

enum wire_operation {
#define WIRE_NUMBER(number, name, request, reply, meaning) WIRE_##name = (number),
    WIRE_OPERATIONS(WIRE_NUMBER)
#undef WIRE_NUMBER
};

struct wire_operation_row {
    enum wire_operation operation;
    const char *name;
    const struct schema *request;
    const struct schema *reply;
    const char *meaning;
};

extern const struct wire_operation_row wire_operations[];
extern const size_t wire_operations_count;

/* NULL for a number that is not in the table. */
const struct wire_operation_row *wire_operation_find(unsigned number);

/* Room for any decoded request or reply body, suitably aligned. */
union wire_body {
#define WIRE_MEMBER(name, fields) struct wire_##name name;
    WIRE_MESSAGES(WIRE_MEMBER)
#undef WIRE_MEMBER
};

#endif
