/* SPDX-License-Identifier: MIT
 *
 * The attribute table and the list format.
 */
#include "attribute.h"

#define BOOL   ATTRIBUTE_BOOL
#define ULONG  ATTRIBUTE_ULONG
#define LIST   ATTRIBUTE_ULONG_LIST
#define BYTES  ATTRIBUTE_BYTES
#define SECRET ATTRIBUTE_SECRET
#define CHANGE ATTRIBUTE_CHANGEABLE

const struct attribute_row attribute_rows[] = {
    {0x000, ULONG, 0, "CKA_CLASS"},
    {0x001, BOOL, 0, "CKA_TOKEN"},
    {0x002, BOOL, 0, "CKA_PRIVATE"},
    {0x003, BYTES, CHANGE, "CKA_LABEL"},
    {0x010, BYTES, 0, "CKA_APPLICATION"},
    {0x011, BYTES, SECRET, "CKA_VALUE"},
    {0x012, BYTES, 0, "CKA_OBJECT_ID"},
    {0x080, ULONG, 0, "CKA_CERTIFICATE_TYPE"},
    {0x081, BYTES, 0, "CKA_ISSUER"},
    {0x082, BYTES, 0, "CKA_SERIAL_NUMBER"},
    {0x086, BOOL, 0, "CKA_TRUSTED"},
    {0x087, ULONG, 0, "CKA_CERTIFICATE_CATEGORY"},
    {0x088, ULONG, 0, "CKA_JAVA_MIDP_SECURITY_DOMAIN"},
    {0x089, BYTES, 0, "CKA_URL"},
    {0x08a, BYTES, 0, "CKA_HASH_OF_SUBJECT_PUBLIC_KEY"},
    {0x08b, BYTES, 0, "CKA_HASH_OF_ISSUER_PUBLIC_KEY"},
    {0x090, BYTES, 0, "CKA_CHECK_VALUE"},
    {0x100, ULONG, 0, "CKA_KEY_TYPE"},
    {0x101, BYTES, CHANGE, "CKA_SUBJECT"},
    {0x102, BYTES, CHANGE, "CKA_ID"},
    {0x103, BOOL, 0, "CKA_SENSITIVE"},
    {0x104, BOOL, 0, "CKA_ENCRYPT"},
    {0x105, BOOL, 0, "CKA_DECRYPT"},
    {0x106, BOOL, 0, "CKA_WRAP"},
    {0x107, BOOL, 0, "CKA_UNWRAP"},
    {0x108, BOOL, 0, "CKA_SIGN"},
    {0x109, BOOL, 0, "CKA_SIGN_RECOVER"},
    {0x10a, BOOL, 0, "CKA_VERIFY"},
    {0x10b, BOOL, 0, "CKA_VERIFY_RECOVER"},
    {0x10c, BOOL, 0, "CKA_DERIVE"},
    {0x110, BYTES, 0, "CKA_START_DATE"},
    {0x111, BYTES, 0, "CKA_END_DATE"},
    {0x120, BYTES, 0, "CKA_MODULUS"},
    {0x121, ULONG, 0, "CKA_MODULUS_BITS"},
    {0x122, BYTES, 0, "CKA_PUBLIC_EXPONENT"},
    {0x123, BYTES, SECRET, "CKA_PRIVATE_EXPONENT"},
    {0x124, BYTES, SECRET, "CKA_PRIME_1"},
    {0x125, BYTES, SECRET, "CKA_PRIME_2"},
    {0x126, BYTES, SECRET, "CKA_EXPONENT_1"},
    {0x127, BYTES, SECRET, "CKA_EXPONENT_2"},
    {0x128, BYTES, SECRET, "CKA_COEFFICIENT"},
    {0x129, BYTES, 0, "CKA_PUBLIC_KEY_INFO"},
    {0x161, ULONG, 0, "CKA_VALUE_LEN"},
    {0x162, BOOL, 0, "CKA_EXTRACTABLE"},
    {0x163, BOOL, 0, "CKA_LOCAL"},
    {0x164, BOOL, 0, "CKA_NEVER_EXTRACTABLE"},
    {0x165, BOOL, 0, "CKA_ALWAYS_SENSITIVE"},
    {0x166, ULONG, 0, "CKA_KEY_GEN_MECHANISM"},
    {0x170, BOOL, 0, "CKA_MODIFIABLE"},
    {0x171, BOOL, 0, "CKA_COPYABLE"},
    {0x172, BOOL, 0, "CKA_DESTROYABLE"},
    {0x180, BYTES, 0, "CKA_EC_PARAMS"},
    {0x181, BYTES, 0, "CKA_EC_POINT"},
    {0x202, BOOL, 0, "CKA_ALWAYS_AUTHENTICATE"},
    {0x210, BOOL, 0, "CKA_WRAP_WITH_TRUSTED"},
    {0x40000600, LIST, 0, "CKA_ALLOWED_MECHANISMS"},
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
