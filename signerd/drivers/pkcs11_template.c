/* SPDX-License-Identifier: MIT
 *
 * Attributes of the driver pkcs11. Reading takes two calls an object with a module that keeps to
 * the standard: all lengths, then all values. Values of key material are not even asked for.
 */
#include "pkcs11_template.h"

#include "pkcs11_rv.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

static CK_ULONG ulong_of(uint64_t number)
{
    return number == UINT64_MAX ? CK_UNAVAILABLE_INFORMATION : (CK_ULONG)number;
}

static uint64_t number_of(CK_ULONG value)
{
    return value == CK_UNAVAILABLE_INFORMATION ? UINT64_MAX : value;
}

/* The numbers of a CK_ULONG or of a list of them, put behind the template. */
static err_t add_numbers(struct ck_template *template, struct span value, CK_ATTRIBUTE *attribute)
{
    CK_ULONG *first = &template->numbers[template->numbers_used];
    struct reader r = reader_of(value);
    while (reader_more(&r)) {
        uint64_t number = read_uint(&r, 8);
        if (number > (CK_ULONG)-1 && number != UINT64_MAX)
            return ERR_ATTRIBUTE_VALUE;
        if (template->numbers_used == TEMPLATE_NUMBERS_MAX)
            return ERR_TOO_LARGE;
        template->numbers[template->numbers_used++] = ulong_of(number);
    }
    attribute->pValue = first;
    attribute->ulValueLen = value.len / 8 * sizeof(CK_ULONG);
    return ERR_OK;
}

err_t ck_template_parse(struct span list, struct ck_template *template)
{
    template->count = 0;
    template->numbers_used = 0;
    err_t err = attribute_list_check(list);
    struct reader r = reader_of(list);
    struct wire_attribute from;
    while (err == ERR_OK && attribute_next(&r, &from)) {
        if (template->count == TEMPLATE_ATTRIBUTES_MAX)
            return ERR_TOO_LARGE;
        CK_ATTRIBUTE *to = &template->attributes[template->count++];
        enum attribute_kind kind = attribute_find(from.type)->kind;
        to->type = from.type;
        if (kind == ATTRIBUTE_ULONG || kind == ATTRIBUTE_ULONG_LIST) {
            err = add_numbers(template, from.value, to);
        } else {
            to->pValue = (void *)(uintptr_t)from.value.ptr; /* the module only reads it */
            to->ulValueLen = from.value.len;
        }
    }
    return err;
}

/* One fetch: the attributes asked for, and room for their values, each at a multiple of 8 (it may
 * be a CK_ULONG). */
enum { VALUES_MAX = WIRE_TEMPLATE_MAX + 8 * TEMPLATE_ATTRIBUTES_MAX };

struct fetch {
    CK_ATTRIBUTE attributes[TEMPLATE_ATTRIBUTES_MAX];
    CK_ULONG count;
    union {
        CK_ULONG align;
        uint8_t bytes[VALUES_MAX];
    } values;
};

static const CK_ULONG NOT_ASKED = (CK_ULONG)-2; /* a length that no module answers */

/* True for the answers that only say: some of these attributes are not to be had. */
static bool rv_says_missing(CK_RV rv)
{
    return rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_ATTRIBUTE_TYPE_INVALID ||
           rv == CKR_BUFFER_TOO_SMALL;
}

static CK_RV get(const struct ck_template_source *source, CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    return source->module->C_GetAttributeValue(source->session, source->object, attributes, count);
}

/* SoftHSM 2.6 answers so where a private object was given a date. */
static bool is_unreadable_date(const CK_ATTRIBUTE *attribute, CK_RV rv)
{
    return rv == CKR_GENERAL_ERROR &&
           (attribute->type == CKA_START_DATE || attribute->type == CKA_END_DATE);
}

/* One attribute alone; a missing one gets CK_UNAVAILABLE_INFORMATION as length. */
static err_t get_one(const struct ck_template_source *source, CK_ATTRIBUTE *attribute)
{
    CK_RV rv = get(source, attribute, 1);
    if (rv == CKR_OK)
        return ERR_OK;
    attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return rv_says_missing(rv) || is_unreadable_date(attribute, rv)
               ? ERR_OK
               : rv_check("C_GetAttributeValue", rv);
}

static bool wanted(const struct attribute_row *row, CK_OBJECT_CLASS class)
{
    bool open_class = class == CKO_CERTIFICATE || class == CKO_DATA || class == CKO_PUBLIC_KEY;
    return open_class || (row->flags & ATTRIBUTE_SECRET) == 0;
}

/* All lengths. A module may stop at the first attribute that the object lacks: the rest is asked
 * one by one. */
static err_t fetch_lengths(
    const struct ck_template_source *source, CK_OBJECT_CLASS class, struct fetch *fetch)
{
    fetch->count = 0;
    for (size_t i = 0; i < attribute_rows_count && fetch->count < TEMPLATE_ATTRIBUTES_MAX; i++)
        if (wanted(&attribute_rows[i], class))
            fetch->attributes[fetch->count++] =
                (CK_ATTRIBUTE){attribute_rows[i].type, NULL, NOT_ASKED};

    CK_RV rv = get(source, fetch->attributes, fetch->count);
    if (rv != CKR_OK && rv != CKR_GENERAL_ERROR && !rv_says_missing(rv))
        return rv_check("C_GetAttributeValue", rv);
    err_t err = ERR_OK;
    for (CK_ULONG i = 0; i < fetch->count && err == ERR_OK; i++)
        if (rv == CKR_GENERAL_ERROR || fetch->attributes[i].ulValueLen == NOT_ASKED)
            err = get_one(source, &fetch->attributes[i]);
    return err;
}

/* Drops what the object has not and what no message can hold, and gives the others their room. */
static void place_values(struct fetch *fetch)
{
    CK_ULONG kept = 0;
    size_t used = 0;
    for (CK_ULONG i = 0; i < fetch->count; i++) {
        CK_ATTRIBUTE attribute = fetch->attributes[i];
        if (attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION)
            continue;
        if (attribute.ulValueLen > WIRE_TEMPLATE_MAX || attribute.ulValueLen > VALUES_MAX - used) {
            log_warning("device: attribute 0x%lx of an object is left out: %lu bytes",
                attribute.type, attribute.ulValueLen);
            continue;
        }
        attribute.pValue = &fetch->values.bytes[used];
        used += (attribute.ulValueLen + 7) / 8 * 8;
        fetch->attributes[kept++] = attribute;
    }
    fetch->count = kept;
}

static err_t fetch_values(const struct ck_template_source *source, struct fetch *fetch)
{
    CK_ULONG room[TEMPLATE_ATTRIBUTES_MAX];
    for (CK_ULONG i = 0; i < fetch->count; i++)
        room[i] = fetch->attributes[i].ulValueLen;
    CK_RV rv = fetch->count == 0 ? CKR_OK : get(source, fetch->attributes, fetch->count);
    if (rv != CKR_OK && rv != CKR_GENERAL_ERROR && !rv_says_missing(rv))
        return rv_check("C_GetAttributeValue", rv);

    err_t err = ERR_OK;
    for (CK_ULONG i = 0; i < fetch->count && err == ERR_OK; i++) {
        CK_ATTRIBUTE *attribute = &fetch->attributes[i];
        if (rv != CKR_OK) { /* the object changed meanwhile */
            attribute->ulValueLen = room[i];
            err = get_one(source, attribute);
        }
        if (attribute->ulValueLen > room[i])
            attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    }
    return err;
}

static void put_numbers(struct writer *list, const CK_ATTRIBUTE *attribute)
{
    uint8_t bytes[WIRE_TEMPLATE_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    for (size_t i = 0; i < attribute->ulValueLen / sizeof(CK_ULONG); i++)
        write_uint(&w, 8, number_of(((const CK_ULONG *)attribute->pValue)[i]));
    if (writer_failed(&w))
        list->failed = true;
    attribute_put(list, (uint32_t)attribute->type, writer_bytes(&w));
}

/* A value of a size that does not fit its type is a device's fault: the attribute is left out. */
static void put(struct writer *list, const CK_ATTRIBUTE *attribute)
{
    const struct attribute_row *row = attribute_find((uint32_t)attribute->type);
    const CK_ULONG len = attribute->ulValueLen;
    if (len == CK_UNAVAILABLE_INFORMATION)
        return;
    switch (row->kind) {
    case ATTRIBUTE_BOOL:
        if (len == sizeof(CK_BBOOL))
            attribute_put_bool(list, row->type, *(const CK_BBOOL *)attribute->pValue != CK_FALSE);
        break;
    case ATTRIBUTE_ULONG:
        if (len == sizeof(CK_ULONG))
            put_numbers(list, attribute);
        break;
    case ATTRIBUTE_ULONG_LIST:
        if (len % sizeof(CK_ULONG) == 0)
            put_numbers(list, attribute);
        break;
    default:
        attribute_put(list, row->type, span_of(attribute->pValue, len));
        break;
    }
}

err_t ck_template_fetch(const struct ck_template_source *source, struct writer *list)
{
    CK_OBJECT_CLASS class = 0;
    CK_ATTRIBUTE of_class = {CKA_CLASS, &class, sizeof class};
    CK_RV rv = get(source, &of_class, 1);
    if (rv != CKR_OK)
        return rv_check("C_GetAttributeValue", rv);

    struct fetch *fetch = malloc(sizeof *fetch);
    if (fetch == NULL)
        return ERR_MEMORY;
    err_t err = fetch_lengths(source, class, fetch);
    if (err != ERR_OK)
        goto out;
    place_values(fetch);
    err = fetch_values(source, fetch);
    if (err != ERR_OK)
        goto out;
    for (CK_ULONG i = 0; i < fetch->count; i++)
        put(list, &fetch->attributes[i]);
    if (writer_failed(list))
        err = ERR_TOO_LARGE;
out:
    free(fetch);
    return err;
}
