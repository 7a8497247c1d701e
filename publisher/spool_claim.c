/* SPDX-License-Identifier: MIT
 *
 * How a spool begins: the lock, a new database or the one that is there, a damaged one set aside.
 * A file that holds something else is never touched.
 */
#include "spool_db.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* ---- the lock, and the mark in it ---- */

err_t spool_read_mark(const char *file, int lock, int64_t *ret_mark)
{
    char text[SPOOL_MARK + 2] = "";
    ssize_t len = pread(lock, text, sizeof text - 1, 0);
    if (len == 0) {
        *ret_mark = 0;
        return ERR_OK;
    }
    if (len != SPOOL_MARK + 1 || strspn(text, "0123456789") != SPOOL_MARK ||
        text[SPOOL_MARK] != '\n') {
        log_error("spool %s: its lock file %s.lock holds no number: was it edited? Write there, "
                  "with %d digits and a newline, a number over every one that the receiver has "
                  "seen",
            file, file, SPOOL_MARK);
        return ERR_SPOOL;
    }
    *ret_mark = strtoll(text, NULL, 10);
    return ERR_OK;
}

err_t spool_write_mark(const char *file, int lock, int64_t mark)
{
    char text[SPOOL_MARK + 2];
    int len = snprintf(text, sizeof text, "%0*lld\n", SPOOL_MARK, (long long)mark);
    if (pwrite(lock, text, (size_t)len, 0) == len && fdatasync(lock) == 0)
        return ERR_OK;
    log_error("spool %s: cannot write %s.lock: %s", file, file, strerror(errno));
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_SPOOL_FULL : ERR_SPOOL;
}

static err_t take_lock(const char *file, int *ret_lock)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s.lock", file);
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        log_error("spool %s: cannot open %s: %s: does its directory exist, and may this user write "
                  "there?",
            file, path, strerror(errno));
        return ERR_SPOOL;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        log_error("spool %s: another signerd-publisher works with it: end that first, or give each "
                  "its own --spool",
            file);
        (void)close(fd);
        return ERR_IN_USE;
    }
    *ret_lock = fd;
    return ERR_OK;
}

/* ---- the database ---- */

enum condition { SOUND, NEW, DAMAGED, FOREIGN, UNKNOWN };

static const char schema[] =
    "PRAGMA application_id = 1936159498;" /* SPOOL_APPLICATION */
    "PRAGMA user_version = 1;"
    "CREATE TABLE envelope (number INTEGER PRIMARY KEY, topic TEXT NOT NULL, body BLOB NOT NULL,"
    " accepted_ms INTEGER NOT NULL, drops INTEGER NOT NULL DEFAULT 0, parked TEXT) STRICT;"
    "CREATE INDEX waiting ON envelope (number) WHERE parked IS NULL;"
    "CREATE TABLE counter (one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER NOT NULL) STRICT;";

_Static_assert(SPOOL_APPLICATION == 1936159498, "the schema says the same");

static bool is_damage(int code)
{
    return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

static bool passes_check(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW &&
              strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    (void)sqlite3_finalize(statement);
    return ok;
}

/* What is there; where this cannot be told, UNKNOWN and *ret_code says why. */
static enum condition condition_of(sqlite3 *db, int *ret_code)
{
    int64_t tables, application, version, next;
    int code = spool_number_of(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (code == SQLITE_OK)
        code = spool_number_of(db, "PRAGMA application_id", &application);
    if (code == SQLITE_OK)
        code = spool_number_of(db, "PRAGMA user_version", &version);
    *ret_code = code;
    if (code != SQLITE_OK)
        return is_damage(code) ? DAMAGED : UNKNOWN;
    if (tables == 0 && application == 0)
        return NEW;
    if (application != SPOOL_APPLICATION || version != SPOOL_SCHEMA)
        return FOREIGN;
    code = spool_number_of(db, "SELECT next FROM counter", &next);
    if (code == SQLITE_OK)
        return passes_check(db) ? SOUND : DAMAGED;
    *ret_code = code;
    return is_damage(code) || code == SQLITE_DONE || code == SQLITE_ERROR ? DAMAGED : UNKNOWN;
}

static err_t create(const char *file, sqlite3 *db, int64_t mark)
{
    char text[1024];
    int64_t first = mark > 0 ? mark : 1;
    (void)snprintf(text, sizeof text,
        "BEGIN IMMEDIATE; %s INSERT INTO counter VALUES (1, %lld); COMMIT;", schema,
        (long long)first);
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) {
        err_t err = spool_failed(file, db, "make the database");
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return err;
    }
    if (mark > 0)
        log_warning("spool %s: new; its numbers go on at %lld, behind all that were ever given",
            file, (long long)first);
    return ERR_OK;
}

/* FILE.damaged-TIME, with what belongs to it: nothing is thrown away. */
static err_t set_aside(const char *file)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char when[32], from[PATH_MAX], to[PATH_MAX];
    time_t now = time(NULL);
    struct tm utc;
    (void)gmtime_r(&now, &utc);
    (void)strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &utc);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        (void)snprintf(from, sizeof from, "%s%s", file, parts[i]);
        (void)snprintf(to, sizeof to, "%s.damaged-%s%s", file, when, parts[i]);
        int done = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
        if (done != 0 && errno == EINVAL) /* a file system that cannot refuse to replace */
            done = access(to, F_OK) == 0 ? -1 : rename(from, to);
        if (done != 0 && !(i > 0 && errno == ENOENT)) {
            log_error(
                "spool %s: damaged, and cannot be renamed to %s: %s", file, to, strerror(errno));
            return ERR_SPOOL;
        }
    }
    log_error("spool %s: the database is damaged: set aside as %s.damaged-%s; try to recover its "
              "envelopes with: sqlite3 %s.damaged-%s .recover",
        file, file, when, file, when);
    return ERR_OK;
}

/* Opens, looks, and mends once. */
static err_t prepare(const char *file, int64_t mark, bool may_set_aside)
{
    sqlite3 *db = NULL;
    int code = spool_connect(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db);
    enum condition condition = code == SQLITE_OK ? condition_of(db, &code)
                               : is_damage(code) ? DAMAGED
                                                 : UNKNOWN;
    err_t err = ERR_OK;
    switch (condition) {
    case NEW:
        err = create(file, db, mark);
        break;
    case FOREIGN:
        log_error("spool %s: holds something else than envelopes of this version: give another "
                  "--spool",
            file);
        err = ERR_SPOOL;
        break;
    case UNKNOWN:
        err = spool_failed(file, db, "open it");
        break;
    default:
        break;
    }
    (void)sqlite3_close(db);
    if (condition != DAMAGED)
        return err;
    err = may_set_aside ? set_aside(file) : ERR_SPOOL;
    return err == ERR_OK ? prepare(file, mark, false) : err;
}

err_t spool_claim(const char *file, int *ret_lock)
{
    int lock = -1;
    int64_t mark = 0;
    err_t err = take_lock(file, &lock);
    if (err != ERR_OK)
        return err;
    err = spool_read_mark(file, lock, &mark);
    if (err == ERR_OK)
        err = prepare(file, mark, true);
    if (err != ERR_OK) {
        (void)close(lock);
        return err;
    }
    *ret_lock = lock;
    return ERR_OK;
}
