/* SPDX-License-Identifier: MIT
 *
 * Templates. The kind of each attribute comes from the table of wire/attribute.h, never from its
 * length.
 */
#include "template.h"

#include <string.h>

/* Empty rather than unknown where the object does not have them. */
static const uint32_t empty_where_absent[] = {CKA_ALLOWED_MECHANISMS, CKA_START_DATE, CKA_END_DATE};

static const struct attribute_row *find_row(CK_ATTRIBUTE_TYPE type)
{
    return type <= UINT32_MAX ? attribute_find((uint32_t)type) : NULL;
}

static uint64_t widen(CK_ULONG value)
{
    return value == CK_UNAVAILABLE_INFORMATION ? UINT64_MAX : value;
}

static CK_ULONG narrow(uint64_t value)
{
    return value > CK_UNAVAILABLE_INFORMATION ? CK_UNAVAILABLE_INFORMATION : (CK_ULONG)value;
}

/* pValue may have any alignment. */
static void put_ulongs(struct writer *w, const CK_ATTRIBUTE *attribute)
{
    const unsigned char *at = attribute->pValue;
    for (CK_ULONG i = 0; i < attribute->ulValueLen / sizeof(CK_ULONG); i++) {
        CK_ULONG value;
        memcpy(&value, at + i * sizeof value, sizeof value);
        write_uint(w, 8, widen(value));
    }
}

static bool size_fits(enum attribute_kind kind, const CK_ATTRIBUTE *attribute)
{
    switch (kind) {
    case ATTRIBUTE_BOOL:
        return attribute->ulValueLen == sizeof(CK_BBOOL) &&
               *(const CK_BBOOL *)attribute->pValue <= CK_TRUE;
    case ATTRIBUTE_ULONG:
        return attribute->ulValueLen == sizeof(CK_ULONG);
    case ATTRIBUTE_ULONG_LIST:
        return attribute->ulValueLen % sizeof(CK_ULONG) == 0;
    default:
        return true;
    }
}

static CK_RV write_one(const CK_ATTRIBUTE *attribute, struct writer *list)
{
    const struct attribute_row *row = find_row(attribute->type);
    if (row == NULL)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if ((attribute->pValue == NULL && attribute->ulValueLen != 0) ||
        !size_fits(row->kind, attribute))
        return CKR_ATTRIBUTE_VALUE_INVALID;

    struct span value = span_of(attribute->pValue, attribute->ulValueLen);
    uint8_t numbers[512];
    struct writer w = writer_of(numbers, sizeof numbers);
    if (row->kind == ATTRIBUTE_ULONG || row->kind == ATTRIBUTE_ULONG_LIST) {
        put_ulongs(&w, attribute);
        value = writer_bytes(&w);
    }
    attribute_put(list, row->type, value);
    return w.failed || list->failed ? CKR_TEMPLATE_INCONSISTENT : CKR_OK;
}

bool template_is_given(const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    return count <= TEMPLATE_COUNT_MAX && (attributes != NULL || count == 0);
}

CK_RV template_write(const CK_ATTRIBUTE *attributes, CK_ULONG count, struct writer *list)
{
    if (!template_is_given(attributes, count))
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = CKR_OK;
    for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++)
        rv = write_one(&attributes[i], list);
    return rv;
}

static CK_RV refuse(CK_ATTRIBUTE *attribute, CK_RV rv)
{
    attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return rv;
}

/* A value of the wire into the program's buffer, or its length alone. */
static CK_RV fill(CK_ATTRIBUTE *attribute, enum attribute_kind kind, struct span value)
{
    const bool numbers = kind == ATTRIBUTE_ULONG || kind == ATTRIBUTE_ULONG_LIST;
    const size_t len = numbers ? value.len / 8 * sizeof(CK_ULONG) : value.len;
    unsigned char *out = attribute->pValue;
    if (out != NULL && attribute->ulValueLen < len)
        return refuse(attribute, CKR_BUFFER_TOO_SMALL);
    attribute->ulValueLen = len;
    if (out == NULL || len == 0)
        return CKR_OK;
    struct reader r = reader_of(value);
    while (numbers && reader_more(&r)) {
        const CK_ULONG number = narrow(read_uint(&r, 8));
        memcpy(out, &number, sizeof number);
        out += sizeof number;
    }
    if (!numbers)
        memcpy(out, value.ptr, len);
    return CKR_OK;
}

static bool is_secret(struct span list, const struct attribute_row *row)
{
    uint64_t class = 0;
    return (row->flags & ATTRIBUTE_SECRET) != 0 && attribute_get_ulong(list, ATTR_CLASS, &class) &&
           (class == CLASS_PRIVATE_KEY || class == CLASS_SECRET_KEY);
}

static bool may_be_absent(uint32_t type)
{
    for (size_t i = 0; i < sizeof empty_where_absent / sizeof empty_where_absent[0]; i++)
        if (empty_where_absent[i] == type)
            return true;
    return false;
}

bool template_value_is_told(struct span list, CK_ATTRIBUTE_TYPE type)
{
    uint64_t class = 0;
    return type == CKA_VALUE && attribute_get_ulong(list, ATTR_CLASS, &class) &&
           class == CLASS_SECRET_KEY && !attribute_get_bool(list, ATTR_SENSITIVE, true) &&
           attribute_get_bool(list, ATTR_EXTRACTABLE, false);
}

CK_RV template_fill_bytes(CK_ATTRIBUTE *attribute, struct span value)
{
    return fill(attribute, ATTRIBUTE_BYTES, value);
}

CK_RV template_read(struct span list, CK_ATTRIBUTE *attribute)
{
    const struct attribute_row *row = find_row(attribute->type);
    struct span value = span_of(NULL, 0);
    if (row == NULL)
        return refuse(attribute, CKR_ATTRIBUTE_TYPE_INVALID);
    if (is_secret(list, row))
        return refuse(attribute, CKR_ATTRIBUTE_SENSITIVE);
    if (!attribute_get(list, row->type, &value) && !may_be_absent(row->type))
        return refuse(attribute, CKR_ATTRIBUTE_TYPE_INVALID);
    return fill(attribute, row->kind, value);
}
