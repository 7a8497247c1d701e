/* SPDX-License-Identifier: MIT
 *
 * What spool.c and spool_claim.c share: the open database, its statements, and how a failure of
 * SQLite is told. Nobody else includes it.
 */
#ifndef PUBLISHER_SPOOL_DB_H
#define PUBLISHER_SPOOL_DB_H

#include "spool.h"

#include <sqlite3.h>
#include <stdbool.h>

enum {
    SPOOL_APPLICATION = 0x7367730a, /* "sgs\n": PRAGMA application_id of a spool */
    SPOOL_SCHEMA = 1,               /* PRAGMA user_version */
    SPOOL_BUSY_MS = 10000,
    SPOOL_MARK = 20, /* digits of the mark in FILE.lock */
};

struct spool {
    const char *file;
    sqlite3 *db;
    int lock;
    int64_t mark; /* numbers below it may have been given; it is in FILE.lock */
    uint64_t max;
};

/* Logs what failed, why, and what to do, and gives the error for it. doing: "accept an envelope".
 */
err_t spool_failed(const char *file, sqlite3 *db, const char *doing);

/* Flags as of sqlite3_open_v2. The settings that every connection has. On failure *ret_db is still
 * to be closed, and may be asked why. */
int spool_connect(const char *file, int flags, sqlite3 **ret_db);

/* The first column of the first row of a query; SQLite's code. */
int spool_number_of(sqlite3 *db, const char *query, int64_t *ret_number);

/* The mark of FILE.lock; 0 in a new one. ERR_SPOOL, logged. */
err_t spool_read_mark(const char *file, int lock, int64_t *ret_mark);
err_t spool_write_mark(const char *file, int lock, int64_t mark);

#endif
