/* SPDX-License-Identifier: MIT
 *
 * The attribute table and the list format.
 */
#include "attribute.h"

const struct attribute_row attribute_rows[] = {
#define ATTRIBUTE(type, name, kind, flags) {type, ATTRIBUTE_##kind, flags, "CKA_" #name},
#include "attribute.def"
#undef ATTRIBUTE
};
const size_t attribute_rows_count = sizeof attribute_rows / sizeof attribute_rows[0];

const struct attribute_row *attribute_find(uint32_t type)
{
    for (size_t i = 0; i < attribute_rows_count; i++)
        if (attribute_rows[i].type == type)
            return &attribute_rows[i];
    return NULL;
}

static bool value_fits(enum attribute_kind kind, struct span value)
{
    switch (kind) {
    case ATTRIBUTE_BOOL:
        return value.len == 1 && value.ptr[0] <= 1;
    case ATTRIBUTE_ULONG:
        return value.len == 8;
    case ATTRIBUTE_ULONG_LIST:
        return value.len % 8 == 0;
    default:
        return true;
    }
}

bool attribute_next(struct reader *list, struct wire_attribute *ret_attribute)
{
    if (!reader_more(list))
        return false;
    schema_decode(&wire_attribute_schema, list, ret_attribute);
    const struct attribute_row *row = attribute_find(ret_attribute->type);
    if (list->failed || row == NULL || !value_fits(row->kind, ret_attribute->value)) {
        reader_fail(list);
        return false;
    }
    return true;
}

err_t attribute_list_check(struct span list)
{
    bool seen[sizeof attribute_rows / sizeof attribute_rows[0]] = {false};
    struct reader r = reader_of(list);
    struct wire_attribute attribute;
    while (attribute_next(&r, &attribute)) {
        size_t row = (size_t)(attribute_find(attribute.type) - attribute_rows);
        if (seen[row])
            return ERR_TEMPLATE_INCONSISTENT;
        seen[row] = true;
    }
    return r.failed ? ERR_BAD_MESSAGE : ERR_OK;
}

bool attribute_get(struct span list, uint32_t type, struct span *ret_value)
{
    struct reader r = reader_of(list);
    struct wire_attribute attribute;
    while (attribute_next(&r, &attribute)) {
        if (attribute.type == type) {
            *ret_value = attribute.value;
            return true;
        }
    }
    return false;
}

bool attribute_get_ulong(struct span list, uint32_t type, uint64_t *ret_value)
{
    struct span value;
    if (!attribute_get(list, type, &value) || value.len != 8)
        return false;
    struct reader r = reader_of(value);
    *ret_value = read_uint(&r, 8);
    return true;
}

bool attribute_get_bool(struct span list, uint32_t type, bool fallback)
{
    struct span value;
    if (!attribute_get(list, type, &value) || value.len != 1)
        return fallback;
    return value.ptr[0] == 1;
}

void attribute_put(struct writer *list, uint32_t type, struct span value)
{
    const struct wire_attribute attribute = {type, value};
    schema_encode(&wire_attribute_schema, &attribute, list);
}

void attribute_put_ulong(struct writer *list, uint32_t type, uint64_t value)
{
    uint8_t bytes[8];
    struct writer w = writer_of(bytes, sizeof bytes);
    write_uint(&w, 8, value);
    attribute_put(list, type, writer_bytes(&w));
}

void attribute_put_bool(struct writer *list, uint32_t type, bool value)
{
    const uint8_t byte = value ? 1 : 0;
    attribute_put(list, type, span_of(&byte, 1));
}
