/* SPDX-License-Identifier: MIT
 *
 * The error table, looked up by number. Used by every folder.
 */
#include "err.h"

#include <stddef.h>
#include <sysexits.h>

struct row {
    err_t err;
    int exit_code;
    const char *name;
    const char *text;
};

static const struct row rows[] = {
#define ERR(name, number, ckr, http, exit_code, text) {ERR_##name, exit_code, #name, text},
#include "err.def"
#undef ERR
};

static const struct row *find(unsigned number)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((unsigned)rows[i].err == number)
            return &rows[i];
    return NULL;
}

const char *err_text(err_t err)
{
    const struct row *row = find((unsigned)err);
    return row ? row->text : "unknown error";
}

const char *err_name(err_t err)
{
    const struct row *row = find((unsigned)err);
    return row ? row->name : "UNKNOWN";
}

int err_exit_code(err_t err)
{
    const struct row *row = find((unsigned)err);
    return row ? row->exit_code : EX_SOFTWARE;
}

err_t err_from_number(unsigned number)
{
    const struct row *row = find(number);
    return row ? row->err : ERR_INTERNAL;
}
