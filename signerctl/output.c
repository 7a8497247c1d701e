/* SPDX-License-Identifier: MIT
 *
 * JSON (by json-c) and tables.
 */
#include "output.h"

#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { CELL_MAX = 1024, COLUMNS_MAX = 16 };

/* ---- text ---- */

/* The length of the UTF-8 sequence at the reader; 0: it is none (RFC 3629, section 4). */
static size_t sequence_length(const struct reader *r)
{
    const uint8_t *at = r->at;
    const uint8_t first = at[0];
    const size_t len = first < 0x80   ? 1
                       : first < 0xc2 ? 0
                       : first < 0xe0 ? 2
                       : first < 0xf0 ? 3
                       : first < 0xf5 ? 4
                                      : 0;
    if (len == 0 || len > r->left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
        (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
        return 0;
    return len;
}

struct json_object *output_text(struct span bytes)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    struct reader r = reader_of(bytes);
    char *text = malloc(bytes.len * 3 + 1);
    if (text == NULL)
        return NULL;
    struct writer w = writer_of(text, bytes.len * 3);
    while (reader_more(&r)) {
        const size_t len = sequence_length(&r);
        struct span sequence = read_span(&r, len > 0 ? len : 1);
        write_span(&w, len > 0 ? sequence : span_of_text(replacement));
    }
    struct json_object *object = json_object_new_string_len(text, (int)writer_bytes(&w).len);
    free(text);
    return object;
}

struct json_object *output_hex(struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(bytes.len * 2 + 1);
    if (text == NULL)
        return NULL;
    struct writer w = writer_of(text, bytes.len * 2);
    for (size_t i = 0; i < bytes.len; i++) {
        write_uint(&w, 1, (uint8_t)digits[bytes.ptr[i] >> 4]);
        write_uint(&w, 1, (uint8_t)digits[bytes.ptr[i] & 15]);
    }
    struct json_object *object = json_object_new_string_len(text, (int)writer_bytes(&w).len);
    free(text);
    return object;
}

/* ---- objects ---- */

void output_add(struct json_object *parent, const char *name, struct json_object *object)
{
    (void)json_object_object_add(parent, name, object);
}

void output_add_text(struct json_object *parent, const char *name, const char *text)
{
    output_add(parent, name, text != NULL ? output_text(span_of_text(text)) : NULL);
}

void output_add_number(struct json_object *parent, const char *name, uint64_t number)
{
    output_add(parent, name, json_object_new_uint64(number));
}

void output_add_bool(struct json_object *parent, const char *name, bool value)
{
    output_add(parent, name, json_object_new_boolean(value));
}

void output_json(struct json_object *object)
{
    printf("%s\n", json_object_to_json_string_ext(
                       object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* ---- tables ---- */

/* Control characters, C1's too, become \xNN. */
static void put_shown(struct writer *w, const char *text)
{
    struct reader r = reader_of(span_of_text(text));
    while (reader_more(&r)) {
        char escaped[8];
        struct span byte = read_span(&r, 1);
        const bool is_c1 = byte.ptr[0] == 0xc2 && r.left > 0 && r.at[0] < 0xa0;
        if (is_c1)
            byte = read_span(&r, 1);
        if (byte.ptr[0] >= 0x20 && byte.ptr[0] != 0x7f && !is_c1) {
            write_span(w, byte);
        } else {
            (void)snprintf(escaped, sizeof escaped, "\\x%02x", byte.ptr[0]);
            write_span(w, span_of_text(escaped));
        }
    }
}

static void put_value(struct writer *w, struct json_object *value)
{
    if (value == NULL)
        put_shown(w, "-");
    else if (json_object_is_type(value, json_type_boolean))
        put_shown(w, json_object_get_boolean(value) ? "yes" : "no");
    else if (json_object_is_type(value, json_type_string) && json_object_get_string_len(value) == 0)
        put_shown(w, "-");
    else
        put_shown(w, json_object_get_string(value));
}

/* Behind the most characters that are shown, "…" stands for the others. */
static void shorten(char *text, size_t most)
{
    static const char dots[] = "\xe2\x80\xa6";
    size_t width = 0;
    for (size_t i = 0; text[i] != '\0' && most > 0; i++) {
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
        if (width <= most)
            continue;
        if (i + sizeof dots <= CELL_MAX)
            memcpy(text + i, dots, sizeof dots);
        return;
    }
}

/* Text longer than a cell is cut. */
static void cell_of(struct json_object *row, const struct output_column *column, char *text)
{
    struct writer w = writer_of(text, CELL_MAX);
    struct json_object *value = json_object_object_get(row, column->field);
    if (json_object_is_type(value, json_type_array)) {
        const size_t count = json_object_array_length(value);
        for (size_t i = 0; i < count; i++) {
            if (i > 0)
                write_span(&w, span_of_text(","));
            put_value(&w, json_object_array_get_idx(value, i));
        }
        if (count == 0)
            put_value(&w, NULL);
    } else {
        put_value(&w, value);
    }
    text[writer_bytes(&w).len] = '\0';
    shorten(text, column->most);
}

/* Characters, not bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (const char *c = text; *c != '\0'; c++)
        width += ((unsigned char)*c & 0xc0) != 0x80;
    return width;
}

static void print_padded(const char *text, size_t width, bool last)
{
    (void)fputs(text, stdout);
    if (last)
        (void)putchar('\n');
    else
        printf("%*s", (int)(width - width_of(text) + 2), "");
}

static bool wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0');
}

void output_table(
    struct json_object *rows, const struct output_column *columns, size_t column_count)
{
    size_t widths[COLUMNS_MAX];
    char text[CELL_MAX + 1];
    const size_t row_count = json_object_array_length(rows);
    for (size_t c = 0; c < column_count; c++) {
        widths[c] = width_of(columns[c].heading);
        for (size_t i = 0; i < row_count; i++) {
            cell_of(json_object_array_get_idx(rows, i), &columns[c], text);
            const size_t width = width_of(text);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    if (wants_colour())
        printf("\x1b[1m");
    for (size_t c = 0; c < column_count; c++)
        print_padded(columns[c].heading, widths[c], c + 1 == column_count);
    if (wants_colour())
        printf("\x1b[0m");
    for (size_t i = 0; i < row_count; i++) {
        for (size_t c = 0; c < column_count; c++) {
            cell_of(json_object_array_get_idx(rows, i), &columns[c], text);
            print_padded(text, widths[c], c + 1 == column_count);
        }
    }
}

void output_pairs(struct json_object *object, const struct output_column *fields, size_t count)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t one = width_of(fields[i].heading);
        width = one > width ? one : width;
    }
    for (size_t i = 0; i < count; i++) {
        char text[CELL_MAX + 1];
        cell_of(object, &fields[i], text);
        print_padded(fields[i].heading, width, false);
        print_padded(text, 0, true);
    }
}

void output_line(const char *format, ...)
{
    char text[CELL_MAX];
    char shown[4 * CELL_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct writer w = writer_of(shown, sizeof shown - 1);
    put_shown(&w, text);
    shown[writer_bytes(&w).len] = '\0';
    printf("%s\n", shown);
}

int output_finish(int exit_code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_code;
    log_error("standard output cannot be written: %s", strerror(errno));
    return EX_IOERR;
}
