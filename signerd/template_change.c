/* SPDX-License-Identifier: MIT
 *
 * What may become of an object's attributes later: the footnotes of PKCS#11 v2.40, 4.1 to 4.10, as
 * a table. Rules of one direction look at what the object says now.
 */
#include "template.h"

enum change {
    FREELY,        /* to any value, also in a copy */
    TO_TRUE,       /* not back */
    TO_FALSE,      /* not back */
    COPY,          /* only in a copy */
    COPY_TO_TRUE,  /* only in a copy, and not back */
    COPY_TO_FALSE, /* only in a copy, and not back */
};

enum {
    DATA = 1 << CLASS_DATA,
    CERTIFICATE = 1 << CLASS_CERTIFICATE,
    PUBLIC = 1 << CLASS_PUBLIC_KEY,
    PRIVATE = 1 << CLASS_PRIVATE_KEY,
    SECRET = 1 << CLASS_SECRET_KEY,
    KEY = PUBLIC | PRIVATE | SECRET,
    HIDDEN = PRIVATE | SECRET,
    ANY = DATA | CERTIFICATE | KEY,
};

/* CKA_TRUSTED is an administrator's besides. */
static const struct change_row {
    uint32_t type;
    unsigned classes;
    enum change change;
} change_rows[] = {
    {ATTR_LABEL, ANY, FREELY},
    {ATTR_TOKEN, ANY, COPY},
    {ATTR_PRIVATE, ANY, COPY_TO_TRUE},
    {ATTR_MODIFIABLE, ANY, COPY_TO_FALSE},
    {ATTR_DESTROYABLE, ANY, COPY},
    {ATTR_COPYABLE, ANY, TO_FALSE},
    {ATTR_APPLICATION, DATA, FREELY},
    {ATTR_OBJECT_ID, DATA, FREELY},
    {ATTR_VALUE, DATA, FREELY},
    {ATTR_ID, CERTIFICATE | KEY, FREELY},
    {ATTR_ISSUER, CERTIFICATE, FREELY},
    {ATTR_SERIAL_NUMBER, CERTIFICATE, FREELY},
    {ATTR_TRUSTED, CERTIFICATE | PUBLIC | SECRET, FREELY},
    {ATTR_SUBJECT, PUBLIC | PRIVATE, FREELY},
    {ATTR_START_DATE, KEY, FREELY},
    {ATTR_END_DATE, KEY, FREELY},
    {ATTR_DERIVE, KEY, FREELY},
    {ATTR_ENCRYPT, PUBLIC | SECRET, FREELY},
    {ATTR_VERIFY, PUBLIC | SECRET, FREELY},
    {ATTR_VERIFY_RECOVER, PUBLIC, FREELY},
    {ATTR_WRAP, PUBLIC | SECRET, FREELY},
    {ATTR_DECRYPT, HIDDEN, FREELY},
    {ATTR_SIGN, HIDDEN, FREELY},
    {ATTR_SIGN_RECOVER, PRIVATE, FREELY},
    {ATTR_UNWRAP, HIDDEN, FREELY},
    {ATTR_SENSITIVE, HIDDEN, TO_TRUE},
    {ATTR_EXTRACTABLE, HIDDEN, TO_FALSE},
};

static const struct change_row *row_find(uint32_t type, uint64_t class)
{
    for (size_t i = 0; i < sizeof change_rows / sizeof change_rows[0]; i++)
        if (change_rows[i].type == type && (change_rows[i].classes >> class & 1) != 0)
            return &change_rows[i];
    return NULL;
}

/* From a value that may not be left to the other one. What an object does not say is the value that
 * may be left. */
static bool goes_back(enum change change, struct span object, const struct wire_attribute *asked)
{
    const bool to = asked->value.len == 1 && asked->value.ptr[0] == 1;
    if (change == TO_TRUE || change == COPY_TO_TRUE)
        return !to && attribute_get_bool(object, asked->type, false);
    if (change == TO_FALSE || change == COPY_TO_FALSE)
        return to && !attribute_get_bool(object, asked->type, true);
    return false;
}

static bool may_change(enum template_change how, uint64_t class, struct span object,
    const struct wire_attribute *asked)
{
    const struct change_row *row = class <= CLASS_SECRET_KEY ? row_find(asked->type, class) : NULL;
    if (row == NULL || goes_back(row->change, object, asked))
        return false;
    return how == TEMPLATE_COPY || row->change == FREELY || row->change == TO_TRUE ||
           row->change == TO_FALSE;
}

err_t template_check_change(enum template_change how, struct span object, struct span asked)
{
    struct reader r = reader_of(asked);
    struct wire_attribute attribute;
    uint64_t class = UINT64_MAX;
    err_t err = attribute_list_check(asked);
    (void)attribute_get_ulong(object, ATTR_CLASS, &class);
    while (err == ERR_OK && attribute_next(&r, &attribute)) {
        if (!may_change(how, class, object, &attribute))
            err = ERR_ATTRIBUTE_READ_ONLY;
        else if (!template_value_fits(&attribute))
            err = ERR_ATTRIBUTE_VALUE;
    }
    return err;
}

/* ---- dates ---- */

static const uint32_t dates[] = {ATTR_START_DATE, ATTR_END_DATE};

bool template_dates_kept(struct span template, struct span object)
{
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct span asked;
        struct span told = {NULL, 0};
        if (!attribute_get(template, dates[i], &asked))
            continue;
        (void)attribute_get(object, dates[i], &told);
        if (!span_equal(asked, told))
            return false;
    }
    return true;
}

void template_write_dates(struct span template, struct span from, struct writer *list)
{
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct span value = {NULL, 0};
        if (!attribute_get(template, dates[i], &value))
            continue;
        value = span_of(NULL, 0);
        (void)attribute_get(from, dates[i], &value);
        attribute_put(list, dates[i], value);
    }
}
