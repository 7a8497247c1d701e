/* SPDX-License-Identifier: MIT
 *
 * The schema tables, expanded from messages.def.
 */
#include "messages.h"

#define WIRE_SCHEMA(name, fields)                                                                  \
    static const struct schema_field name##_fields[] = {fields(SCHEMA_FIELD, wire_##name)};        \
    const struct schema wire_##name##_schema = {                                                   \
        #name, name##_fields, sizeof name##_fields / sizeof name##_fields[0]};
WIRE_MESSAGES(WIRE_SCHEMA)

const struct schema wire_nothing_schema = {"nothing", NULL, 0};

#define WIRE_ROW(number, name, request, reply, meaning)                                            \
    {WIRE_##name, #name, &wire_##request##_schema, &wire_##reply##_schema, meaning},
const struct wire_operation_row wire_operations[] = {WIRE_OPERATIONS(WIRE_ROW)};
const size_t wire_operations_count = sizeof wire_operations / sizeof wire_operations[0];

const struct wire_operation_row *wire_operation_find(unsigned number)
{
    for (size_t i = 0; i < wire_operations_count; i++)
        if (wire_operations[i].operation == number)
            return &wire_operations[i];
    return NULL;
}
