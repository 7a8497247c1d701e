/* SPDX-License-Identifier: MIT
 *
 * Checks the chain of an audit log as a stream, file after file, oldest first, in constant memory.
 * Each thing found is reported with file and line. A line that does not follow is taken as it is
 * from there on, so that one fault is one report.
 */
#ifndef SIGNERCTL_AUDIT_CHECK_H
#define SIGNERCTL_AUDIT_CHECK_H

#include "audit_line.h"

#include "base/err.h"

/* Those up to AUDIT_RESTARTED break the log; the others tell what happened to the daemon. */
enum audit_finding_kind {
    AUDIT_MALFORMED,
    AUDIT_CUT,
    AUDIT_CHANGED,
    AUDIT_LEFT_OUT,
    AUDIT_MOVED,
    AUDIT_JUMPED,
    AUDIT_RESTARTED,
    AUDIT_NO_RESULT,
    AUDIT_NO_INTENT,
};

struct audit_finding {
    enum audit_finding_kind kind;
    const char *file;
    uint64_t line;   /* in the file, from 1 */
    uint64_t number; /* of the audit line; 0: it has none */
    const char *what;
};

bool audit_finding_breaks(enum audit_finding_kind kind);
const char *audit_finding_name(enum audit_finding_kind kind); /* "left-out" */

typedef void audit_report(void *context, const struct audit_finding *finding);

struct audit_place {
    uint64_t number;
    char time[AUDIT_TIME_LEN + 1];
    uint8_t chain[AUDIT_CHAIN_BYTES];
};

struct audit_summary {
    uint64_t lines;  /* of all files, whole or not */
    uint64_t breaks; /* findings that break the log */
    uint64_t others; /* findings that do not */
    struct audit_place first;
    struct audit_place last;
    bool from_start;     /* the first line is number 1, so that it was checked too */
    bool expected_found; /* a line has the chain value that was expected */
    uint64_t expected_number;
};

struct audit_check;

/* expected: a chain value to look for, or NULL; it stays the caller's, as do the names of files,
 * until audit_check_end. The caller frees. */
err_t audit_check_new(
    audit_report *report, void *context, const uint8_t *expected, struct audit_check **ret_check);
void audit_check_free(struct audit_check *check);

void audit_check_file(struct audit_check *check, const char *name); /* what follows is of it */
void audit_check_bytes(struct audit_check *check, struct span bytes);
bool audit_check_within_line(const struct audit_check *check); /* the last line has no end yet */

/* Ends the file: a line without its end is reported. */
void audit_check_file_end(struct audit_check *check);

/* ERR_SYSTEM: a hash could not be computed; ERR_MEMORY. Then nothing is said of the log. */
err_t audit_check_end(struct audit_check *check, struct audit_summary *ret_summary);

#endif
