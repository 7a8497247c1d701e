/* SPDX-License-Identifier: MIT
 *
 * Lists of attributes. A list that is well formed must be walked to its end, give each of its
 * attributes by type, and be the same when it is put together again.
 */
#include "fuzz.h"

#include "wire/attribute.h"

static void check_get(struct span list, const struct wire_attribute *attribute)
{
    struct span value;
    uint64_t number;
    must(attribute_get(list, attribute->type, &value));
    must(span_equal(value, attribute->value));
    if (attribute_find(attribute->type)->kind == ATTRIBUTE_ULONG)
        must(attribute_get_ulong(list, attribute->type, &number));
    if (attribute_find(attribute->type)->kind == ATTRIBUTE_BOOL)
        must(attribute_get_bool(list, attribute->type, false) ==
             attribute_get_bool(list, attribute->type, true));
}

/* Whatever the list is, asking it must be safe. Which type is asked for depends on the size: all
 * would take too long. */
static void ask(struct span list)
{
    const uint32_t type = attribute_rows[list.len % attribute_rows_count].type;
    struct span value;
    uint64_t number;
    (void)attribute_get(list, type, &value);
    (void)attribute_get_ulong(list, type, &number);
    (void)attribute_get_bool(list, type, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[1 << 20];
    struct span list = span_of(data, size);
    ask(list);
    if (attribute_list_check(list) != ERR_OK)
        return 0;

    struct writer w = writer_of(room, sizeof room);
    struct reader r = reader_of(list);
    struct wire_attribute attribute;
    while (attribute_next(&r, &attribute)) {
        check_get(list, &attribute);
        attribute_put(&w, attribute.type, attribute.value);
    }
    must(reader_finished(&r));
    must(span_equal(writer_bytes(&w), list));
    return 0;
}
