/* SPDX-License-Identifier: MIT
 *
 * One small parser for both forms; types and values are judged by OpenSSL, which knows what each
 * may hold.
 */
#include "name.h"

#include "base/bytes.h"
#include "base/log.h"

#include <openssl/err.h>

#include <stdbool.h>
#include <string.h>

enum { TYPE_MAX = 64 };

struct form {
    char separator;
    bool rfc4514; /* last part first; blanks around a part count for nothing; \XX */
};

/* One part, as C strings. */
struct part {
    char type[TYPE_MAX + 1];
    char value[NAME_VALUE_MAX + 1];
};

static int digit(uint64_t c)
{
    if (c >= '0' && c <= '9')
        return (int)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (int)(c - 'a') + 10 : -1;
}

/* What stands behind a backslash. 0: nothing, or a NUL. */
static uint64_t read_escaped(struct reader *text, struct form form)
{
    uint64_t c = read_uint(text, 1);
    if (!form.rfc4514 || digit(c) < 0)
        return c;
    int low = digit(read_uint(text, 1));
    return low < 0 ? 0 : (uint64_t)(digit(c) << 4 | low);
}

/* The type, and the "=" behind it. */
static const char *read_type(struct reader *text, struct form form, struct part *part)
{
    struct writer out = writer_of(part->type, TYPE_MAX);
    uint64_t c = read_uint(text, 1);
    while (form.rfc4514 && c == ' ')
        c = read_uint(text, 1);
    for (; c != '=' && c != 0; c = read_uint(text, 1))
        write_uint(&out, 1, c);
    if (c != '=' || writer_failed(&out) || out.used == 0)
        return "each part must be TYPE=VALUE";
    part->type[out.used] = '\0';
    return NULL;
}

/* The value, and the separator behind it; *ret_more where there was one. */
static const char *read_value(
    struct reader *text, struct form form, struct part *part, bool *ret_more)
{
    struct writer out = writer_of(part->value, NAME_VALUE_MAX);
    size_t significant = 0; /* so much, without unescaped blanks at the end */
    *ret_more = false;
    while (reader_more(text)) {
        uint64_t c = read_uint(text, 1);
        if (c == (uint8_t)form.separator) {
            *ret_more = true;
            break;
        }
        if (c == '+' || (form.rfc4514 && c == '#' && out.used == 0))
            return "'+' and a leading '#' mean something else here; write \\+ or \\#";
        if (form.rfc4514 && c == ' ' && out.used == 0)
            continue;
        bool escaped = c == '\\';
        if (escaped)
            c = read_escaped(text, form);
        if (c == 0)
            return "a backslash stands before nothing that it could mean";
        write_uint(&out, 1, c);
        if (escaped || c != ' ' || !form.rfc4514)
            significant = out.used;
    }
    if (writer_failed(&out) || significant == 0)
        return "a value is empty or too long";
    part->value[significant] = '\0';
    return NULL;
}

static const char *add(X509_NAME *name, const struct part *part, struct form form)
{
    int place = form.rfc4514 ? 0 : -1;
    if (X509_NAME_add_entry_by_txt(
            name, part->type, MBSTRING_UTF8, (const unsigned char *)part->value, -1, place, 0) == 1)
        return NULL;
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "OpenSSL does not take it";
}

/* NULL, or what is wrong. */
static const char *parse(struct reader *text, struct form form, X509_NAME *name)
{
    bool more = true;
    for (int i = 0; more; i++) {
        struct part part;
        const char *why = i < NAME_PARTS_MAX ? NULL : "it has too many parts";
        if (why == NULL)
            why = read_type(text, form, &part);
        if (why == NULL)
            why = read_value(text, form, &part, &more);
        if (why == NULL)
            why = add(name, &part, form);
        if (why != NULL)
            return why;
    }
    return NULL;
}

err_t name_parse(const char *text, X509_NAME **ret_name)
{
    struct form form = {*text == '/' ? '/' : ',', *text != '/'};
    struct reader reader = reader_of(span_of_text(text));
    if (!form.rfc4514)
        (void)read_uint(&reader, 1);
    X509_NAME *name = X509_NAME_new();
    if (name == NULL)
        return ERR_MEMORY;
    const char *why = parse(&reader, form, name);
    ERR_clear_error();
    if (why != NULL) {
        log_error("subject '%s': %s; write it like /CN=gate 7/O=Example", text, why);
        X509_NAME_free(name);
        return ERR_ARGUMENTS;
    }
    *ret_name = name;
    return ERR_OK;
}
