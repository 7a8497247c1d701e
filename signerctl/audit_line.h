/* SPDX-License-Identifier: MIT
 *
 * One line of an audit log (docs/AUDIT.md), taken apart. It shares nothing with the writer of the
 * log, so that a mistake there is seen here. Strict: what the writer cannot have written is no
 * line.
 */
#ifndef SIGNERCTL_AUDIT_LINE_H
#define SIGNERCTL_AUDIT_LINE_H

#include "base/bytes.h"

enum {
    AUDIT_CHAIN_BYTES = 32, /* SHA-256 */
    AUDIT_LINE_MOST = 4096, /* bytes; the writer's are at most 2048 */
    AUDIT_TIME_LEN = 27,    /* 2026-11-22T03:41:48.650938Z */
};

enum audit_shape {
    AUDIT_SHAPE_WHOLE,
    AUDIT_SHAPE_CUT, /* it has no chain value at its end: the writer stopped within it */
    AUDIT_SHAPE_BAD,
};

enum audit_what { AUDIT_NOTE, AUDIT_INTENT, AUDIT_RESULT, AUDIT_REFUSED, AUDIT_REFUSED_MORE };

/* Of a whole line. The spans point into it. */
struct audit_line {
    uint64_t number;
    struct span time;
    enum audit_what what;
    struct span rest;   /* behind the word that says what it is, without the chain value */
    uint64_t of;        /* of a result: the number of its intent */
    struct span hashed; /* what the chain value is over, behind the one of the line before */
    uint8_t chain[AUDIT_CHAIN_BYTES];
};

/* text: without the newline. *ret_line is set for AUDIT_SHAPE_WHOLE alone. */
enum audit_shape audit_line_parse(struct span text, struct audit_line *ret_line);

/* A chain value of 64 lower-case hexadecimal digits; false for anything else. */
bool audit_chain_parse(struct span text, uint8_t ret_chain[static AUDIT_CHAIN_BYTES]);

#endif
