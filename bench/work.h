/* SPDX-License-Identifier: MIT
 *
 * What is measured: a row for each kind of work, done once by a function. The keys it needs are
 * made by work_prepare, before anything is measured and before a daemon has the token.
 */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include "token.h"

#include <stdbool.h>

enum { WORK_KINDS = 7, GCM_SIZE = 65536, GCM_TAG = 16, FOUND_MAX = 10000 };

/* A client's place: its token, its keys, and room for what goes in and comes out. */
struct desk {
    struct token token;
    CK_OBJECT_HANDLE keys[WORK_KINDS]; /* of each kind; CK_INVALID_HANDLE: it was not found */
    CK_BYTE in[GCM_SIZE];
    CK_BYTE out[GCM_SIZE + GCM_TAG];
    CK_BYTE iv[12];
    CK_OBJECT_HANDLE found[FOUND_MAX];
    CK_ULONG found_counts[2]; /* by class, and all: what the first time gave */
};

struct work_row {
    const char *name;  /* on the command line, and in each figure */
    const char *title; /* in the table */
    CK_OBJECT_CLASS key_class;
    const char *key_label;
    CK_RV (*once)(struct desk *desk, CK_OBJECT_HANDLE key, struct failure *failure);
};

extern const struct work_row work_rows[WORK_KINDS];

/* Finds the keys. */
CK_RV work_set_up(struct desk *desk, struct failure *failure);

/* Does the kind of work once, and checks that the answer has the right length. */
CK_RV work_once(struct desk *desk, unsigned kind, struct failure *failure);

/* An answer that means: this way of reaching the token does not have that mechanism or function. */
bool work_not_offered(CK_RV rv);

/* Makes the keys in an empty token, and further objects until there are object_count,
 * certificates and secret keys in turn. */
CK_RV work_prepare(const struct token *token, unsigned object_count, struct failure *failure);

#endif
