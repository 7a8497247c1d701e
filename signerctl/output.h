/* SPDX-License-Identifier: MIT
 *
 * What signerctl prints on standard output: JSON as it is, or tables made from the same objects, so
 * that people and programs are told the same. Text from elsewhere cannot move a terminal's cursor.
 */
#ifndef SIGNERCTL_OUTPUT_H
#define SIGNERCTL_OUTPUT_H

#include "base/bytes.h"

#include <json-c/json.h>

/* A string of bytes that others chose: what is not UTF-8 becomes U+FFFD. The caller owns it. */
struct json_object *output_text(struct span bytes);
struct json_object *output_hex(struct span bytes);

/* object becomes name's value in the parent; a NULL object is null. */
void output_add(struct json_object *parent, const char *name, struct json_object *object);
void output_add_text(struct json_object *parent, const char *name, const char *text);
void output_add_number(struct json_object *parent, const char *name, uint64_t number);
void output_add_bool(struct json_object *parent, const char *name, bool value);

void output_json(struct json_object *object); /* with a newline */

struct output_column {
    const char *heading;
    const char *field; /* of each row */
    size_t most;       /* characters that are shown of it; 0: all */
};

/* rows: an array of objects. Absent and null: "-"; arrays: their elements and commas; booleans: yes
 * and no. */
void output_table(
    struct json_object *rows, const struct output_column *columns, size_t column_count);

/* Names and values, one pair a line, of one object. */
void output_pairs(struct json_object *object, const struct output_column *fields, size_t count);

/* A line of text with arguments from elsewhere: control characters in it are shown as \xNN. */
void output_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* At the end of the program: the exit code, or EX_IOERR where not all could be written. */
int output_finish(int exit_code);

#endif
