/* SPDX-License-Identifier: MIT
 *
 * Template tables. A key that is made here is always sensitive and never extractable: a client that
 * asks for less is told so, and not given something else than it asked for.
 */
#include "template.h"

/* What a device adds to a template must fit the object's list as well. */
enum { TEMPLATE_MOST = WIRE_TEMPLATE_MAX - 2048 };

enum rule {
    FREE,      /* the client's choice */
    NEEDED,    /* the client's choice, and it must make one */
    OURS,      /* the client may name it, we set it */
    MUST_BE,   /* the client may name it with this value; we set it */
    MUST_OMIT, /* the client may name it with this value; the device is not told */
};

struct template_row {
    uint32_t type;
    enum rule rule;
    uint64_t value;
};

struct template_kind {
    const struct template_row *rows;
    size_t count;
};

/* clang-format off */
#define COMMON                                                                                     \
    {ATTR_TOKEN, OURS, 0}, {ATTR_LABEL, FREE, 0}, {ATTR_MODIFIABLE, FREE, 0},                      \
    {ATTR_DESTROYABLE, FREE, 0}, {ATTR_COPYABLE, MUST_OMIT, 0}
#define KEY                                                                                        \
    {ATTR_KEY_TYPE, MUST_BE, KEY_TYPE_EC}, {ATTR_ID, FREE, 0}, {ATTR_SUBJECT, FREE, 0},            \
    {ATTR_START_DATE, FREE, 0}, {ATTR_END_DATE, FREE, 0}, {ATTR_DERIVE, FREE, 0}
/* clang-format on */

static const struct template_row ec_public_rows[] = {
    COMMON,
    KEY,
    {ATTR_CLASS, MUST_BE, CLASS_PUBLIC_KEY},
    {ATTR_PRIVATE, MUST_BE, 0},
    {ATTR_EC_PARAMS, NEEDED, 0},
    {ATTR_ENCRYPT, FREE, 0},
    {ATTR_WRAP, FREE, 0},
    {ATTR_VERIFY, FREE, 0},
    {ATTR_VERIFY_RECOVER, FREE, 0},
    {ATTR_TRUSTED, MUST_OMIT, 0},
};

static const struct template_row ec_private_rows[] = {
    COMMON,
    KEY,
    {ATTR_CLASS, MUST_BE, CLASS_PRIVATE_KEY},
    {ATTR_PRIVATE, OURS, 1},
    {ATTR_SENSITIVE, MUST_BE, 1},
    {ATTR_EXTRACTABLE, MUST_BE, 0},
    {ATTR_DECRYPT, FREE, 0},
    {ATTR_UNWRAP, FREE, 0},
    {ATTR_SIGN, FREE, 0},
    {ATTR_SIGN_RECOVER, FREE, 0},
    {ATTR_ALWAYS_AUTHENTICATE, MUST_OMIT, 0},
    {ATTR_WRAP_WITH_TRUSTED, MUST_OMIT, 0},
};

static const struct template_row certificate_rows[] = {
    COMMON,
    {ATTR_CLASS, MUST_BE, CLASS_CERTIFICATE},
    {ATTR_PRIVATE, MUST_BE, 0},
    {ATTR_CERTIFICATE_TYPE, MUST_BE, 0 /* X.509 */},
    {ATTR_VALUE, NEEDED, 0},
    {ATTR_SUBJECT, NEEDED, 0},
    {ATTR_ID, FREE, 0},
    {ATTR_ISSUER, FREE, 0},
    {ATTR_SERIAL_NUMBER, FREE, 0},
    {ATTR_CERTIFICATE_CATEGORY, FREE, 0},
    {ATTR_START_DATE, FREE, 0},
    {ATTR_END_DATE, FREE, 0},
    {ATTR_TRUSTED, MUST_OMIT, 0},
};

/* clang-format off */
#define KIND(rows) {rows, sizeof rows / sizeof rows[0]}
/* clang-format on */
const struct template_kind template_ec_public = KIND(ec_public_rows);
const struct template_kind template_ec_private = KIND(ec_private_rows);
const struct template_kind template_certificate = KIND(certificate_rows);

static const struct template_row *row_find(const struct template_kind *kind, uint32_t type)
{
    for (size_t i = 0; i < kind->count; i++)
        if (kind->rows[i].type == type)
            return &kind->rows[i];
    return NULL;
}

static uint64_t number_in(struct span value)
{
    struct reader r = reader_of(value);
    return read_uint(&r, (unsigned)value.len);
}

static void put_number(struct writer *list, uint32_t type, uint64_t value)
{
    if (attribute_find(type)->kind == ATTRIBUTE_BOOL)
        attribute_put_bool(list, type, value == 1);
    else
        attribute_put_ulong(list, type, value);
}

static err_t check_asked(const struct template_kind *kind, struct span asked)
{
    struct reader r = reader_of(asked);
    struct wire_attribute attribute;
    while (attribute_next(&r, &attribute)) {
        const struct template_row *row = row_find(kind, attribute.type);
        if (row == NULL)
            return ERR_ATTRIBUTE_TYPE;
        if ((row->rule == MUST_BE || row->rule == MUST_OMIT) &&
            number_in(attribute.value) != row->value)
            return ERR_TEMPLATE_INCONSISTENT;
    }
    return ERR_OK;
}

err_t template_complete(
    const struct template_kind *kind, struct span asked, bool token, struct writer *list)
{
    err_t err = attribute_list_check(asked);
    if (err == ERR_OK)
        err = check_asked(kind, asked);
    for (size_t i = 0; i < kind->count && err == ERR_OK; i++) {
        const struct template_row *row = &kind->rows[i];
        struct span value;
        bool given = attribute_get(asked, row->type, &value);
        if (row->rule == NEEDED && (!given || value.len == 0))
            err = ERR_TEMPLATE_INCOMPLETE;
        else if (row->type == ATTR_TOKEN)
            attribute_put_bool(list, ATTR_TOKEN, token);
        else if (row->rule == OURS || row->rule == MUST_BE)
            put_number(list, row->type, row->value);
        else if (given && row->rule != MUST_OMIT)
            attribute_put(list, row->type, value);
    }
    if (err == ERR_OK && (writer_failed(list) || writer_bytes(list).len > TEMPLATE_MOST))
        err = ERR_TOO_LARGE;
    return err;
}

err_t template_check_change(struct span asked)
{
    struct reader r = reader_of(asked);
    struct wire_attribute attribute;
    err_t err = attribute_list_check(asked);
    while (err == ERR_OK && attribute_next(&r, &attribute))
        if (!(attribute_find(attribute.type)->flags & ATTRIBUTE_CHANGEABLE))
            err = ERR_ATTRIBUTE_READ_ONLY;
    return err;
}
