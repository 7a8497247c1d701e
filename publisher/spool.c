/* SPDX-License-Identifier: MIT
 *
 * The spool at work. Every change is one statement and so one transaction; with WAL and
 * synchronous=FULL it is on the disk when the call returns.
 */
#include "spool_db.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NUMBERS_MARKED = 1024 }; /* the mark is moved once in so many numbers */

/* ---- failures ---- */

static const struct failure_row {
    int code; /* extended or primary result code; the first that fits counts */
    err_t err;
    const char *advice;
} failures[] = {
    {SQLITE_FULL, ERR_SPOOL_FULL, "the disk is full: make room; what was accepted is kept"},
    {SQLITE_BUSY, ERR_SPOOL, "another program holds it: end that"},
    {SQLITE_READONLY, ERR_SPOOL, "it is read-only: may this user write there?"},
    {SQLITE_CANTOPEN, ERR_SPOOL, "it cannot be opened: does it exist, and may this user read it?"},
    {SQLITE_CORRUPT, ERR_SPOOL, "it is damaged: start again, and it is set aside"},
    {SQLITE_NOTADB, ERR_SPOOL, "it is no database: start again, and it is set aside"},
    {SQLITE_IOERR_WRITE, ERR_SPOOL_FULL,
        "it cannot be written: the disk is full, over a quota or a limit, or fails; what was "
        "accepted is kept"},
    {SQLITE_IOERR, ERR_SPOOL, "the disk failed"},
};

static const struct failure_row *failure_of(int code)
{
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].code == code || failures[i].code == (code & 0xff))
            return &failures[i];
    return NULL;
}

static err_t tell(const char *file, int code, int system, const char *doing)
{
    bool io = (code & 0xff) == SQLITE_IOERR && system != 0;
    const struct failure_row *row = failure_of(code);
    log_error("spool %s: cannot %s: %s%s%s%s", file, doing,
        row != NULL ? row->advice : sqlite3_errstr(code), io ? " (" : "",
        io ? strerror(system) : "", io ? ")" : "");
    return row != NULL ? row->err : ERR_SPOOL;
}

err_t spool_failed(const char *file, sqlite3 *db, const char *doing)
{
    return db == NULL ? tell(file, SQLITE_NOMEM, 0, doing)
                      : tell(file, sqlite3_extended_errcode(db), sqlite3_system_errno(db), doing);
}

static err_t failed(const struct spool *spool, const char *doing)
{
    return spool_failed(spool->file, spool->db, doing);
}

/* ---- statements ---- */

int spool_connect(const char *file, int flags, sqlite3 **ret_db)
{
    int code = sqlite3_open_v2(file, ret_db, flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_extended_result_codes(*ret_db, 1);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(*ret_db, SPOOL_BUSY_MS);
    if (code == SQLITE_OK && !(flags & SQLITE_OPEN_READONLY))
        code = sqlite3_exec(
            *ret_db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL, NULL, NULL);
    return code;
}

int spool_number_of(sqlite3 *db, const char *query, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, query, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *ret_number = sqlite3_column_int64(statement, 0);
        code = SQLITE_OK;
    }
    (void)sqlite3_finalize(statement);
    return code;
}

/* A statement whose first parameter is a number (and whose second may be a text), run to its end.
 * False: it failed; the database says why. */
static bool run(struct spool *spool, const char *text, int64_t number, const char *second)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(spool->db, text, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_bind_int64(statement, 1, number) == SQLITE_OK &&
              (second == NULL ||
                  sqlite3_bind_text(statement, 2, second, -1, SQLITE_STATIC) == SQLITE_OK) &&
              sqlite3_step(statement) == SQLITE_DONE;
    return (sqlite3_finalize(statement) == SQLITE_OK) && ok;
}

/* ---- open ---- */

static err_t limit_size(struct spool *spool, uint64_t max)
{
    int64_t page_size, set;
    char text[64];
    if (max == 0)
        return ERR_OK;
    if (spool_number_of(spool->db, "PRAGMA page_size", &page_size) != SQLITE_OK)
        return failed(spool, "read its page size");
    (void)snprintf(text, sizeof text, "PRAGMA max_page_count = %llu",
        (unsigned long long)(max / (uint64_t)page_size));
    if (spool_number_of(spool->db, text, &set) != SQLITE_OK)
        return failed(spool, "limit its size");
    spool->max = max;
    return ERR_OK;
}

err_t spool_open(const char *file, int lock, uint64_t max, struct spool **ret_spool)
{
    int64_t application = 0;
    err_t err = ERR_OK;
    struct spool *spool = calloc(1, sizeof *spool);
    if (spool == NULL)
        return ERR_MEMORY;
    spool->file = file;
    spool->lock = lock;
    int flags = lock >= 0 ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    if (spool_connect(file, flags, &spool->db) != SQLITE_OK ||
        spool_number_of(spool->db, "PRAGMA application_id", &application) != SQLITE_OK) {
        err = failed(spool, "open it");
        goto out;
    }
    if (application != SPOOL_APPLICATION) {
        log_error("spool %s: holds no envelopes: is this the right file?", file);
        err = ERR_SPOOL;
        goto out;
    }
    if (lock >= 0)
        err = spool_read_mark(file, lock, &spool->mark);
    if (err == ERR_OK)
        err = limit_size(spool, max);
    if (err != ERR_OK)
        goto out;
    *ret_spool = spool;
    spool = NULL;
out:
    spool_close(spool);
    return err;
}

void spool_close(struct spool *spool)
{
    if (spool == NULL)
        return;
    (void)sqlite3_close(spool->db);
    free(spool);
}

/* ---- in ---- */

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

err_t spool_take_number(struct spool *spool, int64_t *ret_number)
{
    int64_t next;
    if (spool_number_of(spool->db, "SELECT next FROM counter", &next) != SQLITE_OK)
        return failed(spool, "read its counter");
    if (next >= spool->mark) {
        err_t err = spool_write_mark(spool->file, spool->lock, next + NUMBERS_MARKED);
        if (err != ERR_OK)
            return err;
        spool->mark = next + NUMBERS_MARKED;
    }
    if (!run(spool, "UPDATE counter SET next = ?1 + 1", next, NULL))
        return failed(spool, "count on");
    *ret_number = next;
    return ERR_OK;
}

/* The database has grown to its own limit; else it is the disk that is full. */
static bool at_limit(struct spool *spool)
{
    int64_t pages, page_size;
    enum { SLACK = 8 }; /* an envelope may want so many pages at once */
    return spool->max > 0 && spool_number_of(spool->db, "PRAGMA page_count", &pages) == SQLITE_OK &&
           spool_number_of(spool->db, "PRAGMA page_size", &page_size) == SQLITE_OK &&
           (uint64_t)((pages + SLACK) * page_size) >= spool->max;
}

err_t spool_append(struct spool *spool, int64_t number, const char *topic, struct span envelope)
{
    sqlite3_stmt *statement = NULL;
    static const char text[] =
        "INSERT INTO envelope (number, topic, body, accepted_ms) VALUES (?1, ?2, ?3, ?4)";
    bool ok = sqlite3_prepare_v2(spool->db, text, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_bind_int64(statement, 1, number) == SQLITE_OK &&
              sqlite3_bind_text(statement, 2, topic, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_bind_blob(statement, 3, envelope.ptr, (int)envelope.len, SQLITE_STATIC) ==
                  SQLITE_OK &&
              sqlite3_bind_int64(statement, 4, now_ms()) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_DONE;
    ok = (sqlite3_finalize(statement) == SQLITE_OK) && ok;
    if (ok)
        return ERR_OK;
    int code = sqlite3_extended_errcode(spool->db);
    int system = sqlite3_system_errno(spool->db);
    if (code != SQLITE_FULL || !at_limit(spool))
        return tell(spool->file, code, system, "accept an envelope");
    log_error("spool %s: full: it has its %llu MiB (--spool-size): new readings are not accepted "
              "until older ones are delivered",
        spool->file, (unsigned long long)(spool->max >> 20));
    return ERR_SPOOL_FULL;
}

/* ---- out ---- */

static err_t copy_record(sqlite3_stmt *row, struct spool_record **ret_record)
{
    size_t topic = (size_t)sqlite3_column_bytes(row, 2) + 1;
    size_t body = (size_t)sqlite3_column_bytes(row, 3);
    struct spool_record *record = calloc(1, sizeof *record);
    char *room = malloc(topic + body);
    if (record == NULL || room == NULL) {
        free(record);
        free(room);
        return ERR_MEMORY;
    }
    memcpy(room, sqlite3_column_text(row, 2), topic);
    if (body > 0)
        memcpy(room + topic, sqlite3_column_blob(row, 3), body);
    *record = (struct spool_record){sqlite3_column_int64(row, 0), sqlite3_column_int(row, 1), room,
        span_of(room + topic, body)};
    *ret_record = record;
    return ERR_OK;
}

err_t spool_oldest(struct spool *spool, struct spool_record **ret_record)
{
    sqlite3_stmt *statement = NULL;
    static const char text[] =
        "SELECT number, drops, topic, body FROM envelope WHERE parked IS NULL"
        " ORDER BY number LIMIT 1";
    err_t err = ERR_OK;
    int code = sqlite3_prepare_v2(spool->db, text, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        err = copy_record(statement, ret_record);
    else if (code == SQLITE_DONE)
        *ret_record = NULL;
    else
        err = failed(spool, "read the oldest envelope");
    (void)sqlite3_finalize(statement);
    return err;
}

void spool_record_free(struct spool_record *record)
{
    if (record == NULL)
        return;
    free(record->topic); /* the envelope lies behind it */
    free(record);
}

err_t spool_delete(struct spool *spool, int64_t number)
{
    return run(spool, "DELETE FROM envelope WHERE number = ?1", number, NULL)
               ? ERR_OK
               : failed(spool, "delete a delivered envelope (it will be sent again)");
}

err_t spool_count_drop(struct spool *spool, int64_t number)
{
    return run(spool, "UPDATE envelope SET drops = drops + 1 WHERE number = ?1", number, NULL)
               ? ERR_OK
               : failed(spool, "count a lost connection");
}

err_t spool_park(struct spool *spool, int64_t number, const char *reason)
{
    return run(spool, "UPDATE envelope SET parked = ?2 WHERE number = ?1", number, reason)
               ? ERR_OK
               : failed(spool, "park an envelope");
}

err_t spool_unpark(struct spool *spool, int64_t *ret_count)
{
    if (!run(spool,
            "UPDATE envelope SET parked = NULL, drops = 0 WHERE parked IS NOT NULL AND"
            " number >= ?1",
            0, NULL))
        return failed(spool, "bring back parked envelopes");
    *ret_count = sqlite3_changes64(spool->db);
    return ERR_OK;
}

/* ---- to look at ---- */

err_t spool_state(struct spool *spool, struct spool_state *ret_state)
{
    struct spool_state state = {0};
    const struct {
        const char *query;
        int64_t *target;
    } rows[] = {
        {"SELECT count(*) FROM envelope WHERE parked IS NULL", &state.waiting},
        {"SELECT count(*) FROM envelope WHERE parked IS NOT NULL", &state.parked},
        {"SELECT coalesce(min(number), 0) FROM envelope WHERE parked IS NULL",
            &state.oldest_number},
        {"SELECT coalesce((SELECT accepted_ms FROM envelope WHERE parked IS NULL ORDER BY number"
         " LIMIT 1), 0)",
            &state.oldest_unix_ms},
        {"SELECT next FROM counter", &state.next_number},
        {"SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", &state.bytes},
    };
    bool ok = sqlite3_exec(spool->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && ok; i++)
        ok = spool_number_of(spool->db, rows[i].query, rows[i].target) == SQLITE_OK;
    err_t err = ok ? ERR_OK : failed(spool, "look at it");
    (void)sqlite3_exec(spool->db, "ROLLBACK", NULL, NULL, NULL);
    if (err == ERR_OK)
        *ret_state = state;
    return err;
}

err_t spool_parked(struct spool *spool,
    void (*see)(void *context, int64_t number, const char *topic, const char *reason),
    void *context)
{
    sqlite3_stmt *statement = NULL;
    static const char text[] = "SELECT number, topic, parked FROM envelope WHERE parked IS NOT NULL"
                               " ORDER BY number LIMIT 100";
    int code = sqlite3_prepare_v2(spool->db, text, -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            see(context, sqlite3_column_int64(statement, 0),
                (const char *)sqlite3_column_text(statement, 1),
                (const char *)sqlite3_column_text(statement, 2));
    }
    err_t err = code == SQLITE_DONE ? ERR_OK : failed(spool, "list parked envelopes");
    (void)sqlite3_finalize(statement);
    return err;
}
