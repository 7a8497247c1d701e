/* SPDX-License-Identifier: MIT
 *
 * Reading an audit log back, with a check of the chain that shares no code with signerd/audit.c.
 */
#ifndef TESTS_UNIT_AUDIT_LINES_H
#define TESTS_UNIT_AUDIT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AUDIT_LINES_MAX = 65536, AUDIT_CHAIN_SIZE = 32 };

struct audit_lines {
    char *text;
    size_t count;
    char **lines; /* without the newline */
    bool whole;   /* the last line has its end */
};

/* Takes over the text, which may be several files one after another. */
struct audit_lines audit_lines_of(char *text);
void audit_lines_free(struct audit_lines *lines);

/* True where every line's chain value is SHA-256(value of the line before, zeroes for the first ||
 * the line up to " chain=") and the numbers rise by one. */
bool audit_chain_holds(const struct audit_lines *lines);

/* How many lines hold the text. */
size_t audit_lines_with(const struct audit_lines *lines, const char *text);

#endif
