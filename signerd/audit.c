/* SPDX-License-Identifier: MIT
 *
 * The audit chain. Each line ends with the SHA-256 of the line before's chain value and its own
 * text, so that a line that is changed, left out or moved breaks every later one.
 */
#include "audit.h"

#include "base/clock.h"
#include "base/log.h"
#include "wire/attribute.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    CHAIN_SIZE = 32, /* SHA-256 */
    CHAIN_TEXT = 2 * CHAIN_SIZE,
    LINE_ROOM = 4096,
    RESERVE = 1 << 20, /* bytes of disk taken ahead */
    FLUSH_AFTER_US = 1000000,
};
static const char file_name[] = "audit";
static const char chain_mark[] = " chain=";

struct audit {
    int directory;
    int fd;
    uint64_t file_limit;
    uint32_t files;
    uint64_t size;        /* of the file */
    uint64_t reserved;    /* end of the space taken */
    uint64_t number;      /* of the last line */
    uint64_t dirty_since; /* clock_us of the first line that is not flushed; 0: none */
    EVP_MD_CTX *hash;
    EVP_MD *sha256;
    uint8_t chain[CHAIN_SIZE];
    time_t second; /* of second_text, which is empty at first */
    char second_text[64];
};

/* ---- text ---- */

static void put(struct writer *line, const char *text)
{
    write_span(line, span_of_text(text));
}

/* Two lines are written for each use of a key, so what they are made of is written by hand here,
 * not by printf, and in whole pieces. */
static void put_decimal(struct writer *line, uint64_t value, unsigned least_digits)
{
    char text[20];
    size_t at = sizeof text;
    for (; value > 0 || least_digits > 0; value /= 10) {
        text[--at] = (char)('0' + value % 10);
        least_digits -= least_digits > 0;
    }
    write_span(line, span_of(text + at, sizeof text - at));
}

static void put_number(struct writer *line, const char *name, uint64_t value)
{
    put(line, " ");
    put(line, name);
    put(line, "=");
    put_decimal(line, value, 1);
}

static void put_hex(struct writer *line, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    char text[CHAIN_TEXT];
    size_t used = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        text[used++] = digits[bytes.ptr[i] >> 4];
        text[used++] = digits[bytes.ptr[i] & 15];
        if (used == sizeof text || i + 1 == bytes.len) {
            write_span(line, span_of(text, used));
            used = 0;
        }
    }
}

static bool is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void put_escaped(struct writer *line, struct span bytes)
{
    for (size_t i = 0; i < bytes.len;) {
        size_t plain = 0;
        while (i + plain < bytes.len && is_plain(bytes.ptr[i + plain]))
            plain++;
        write_span(line, span_of(bytes.ptr + i, plain));
        i += plain;
        if (i < bytes.len) {
            put(line, "%");
            put_hex(line, span_of(bytes.ptr + i, 1));
            i++;
        }
    }
}

static const char *class_name(uint32_t class)
{
    static const char *const names[] = {"data", "cert", "public", "private", "secret-key"};
    return class < sizeof names / sizeof names[0] ? names[class] : "unknown";
}

/* Label and id come from clients: so much of them as a rule can name stands in a line, so that each
 * line has room. */
static struct span cut(struct span text)
{
    return span_of(text.ptr, text.len < POLICY_TEXT_MAX ? text.len : POLICY_TEXT_MAX);
}

static void put_key(struct writer *line, const struct policy_key *key)
{
    const struct span id = cut(key->id);
    put(line, "pkcs11:object=");
    put_escaped(line, cut(key->label));
    if (id.len > 0) {
        put(line, ";id=");
        for (size_t i = 0; i < id.len; i++) {
            put(line, "%");
            put_hex(line, span_of(id.ptr + i, 1));
        }
    }
    put(line, ";type=");
    put(line, class_name(key->class));
}

void audit_key_uri(const struct policy_key *key, char *text, size_t size)
{
    struct writer w = writer_of(text, size - 1);
    if (key == NULL)
        put(&w, "(no key)");
    else
        put_key(&w, key);
    text[writer_bytes(&w).len] = '\0';
}

/* Date and time of day are worked out once a second. */
static void put_time(struct audit *audit, struct writer *line)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (audit->second_text[0] == '\0' || audit->second != now.tv_sec) {
        struct tm utc;
        (void)gmtime_r(&now.tv_sec, &utc);
        (void)strftime(audit->second_text, sizeof audit->second_text, " %Y-%m-%dT%H:%M:%S.", &utc);
        audit->second = now.tv_sec;
    }
    put(line, audit->second_text);
    put_decimal(line, (uint64_t)now.tv_nsec / 1000, 6);
    put(line, "Z ");
}

static void put_field_of_key(struct writer *line, const char *name, const struct policy_key *key)
{
    if (key == NULL)
        return;
    put(line, name);
    put_key(line, key);
    if (key->label.len > POLICY_TEXT_MAX)
        put_number(line, "label-size", key->label.len);
    if (key->id.len > POLICY_TEXT_MAX)
        put_number(line, "id-size", key->id.len);
}

static void put_event(struct audit *audit, struct writer *line, const struct audit_event *event)
{
    put(line, " ");
    put(line, event->operation);
    put_number(line, "uid", event->who->uid);
    put_number(line, "pid", event->who->pid);
    put_field_of_key(line, " key=", event->key);
    put_field_of_key(line, " target=", event->target);
    if (event->has_mechanism)
        put_number(line, "mechanism", event->mechanism);
    if (event->data.len > 0) {
        uint8_t digest[CHAIN_SIZE];
        if (EVP_DigestInit_ex2(audit->hash, audit->sha256, NULL) != 1 ||
            EVP_DigestUpdate(audit->hash, event->data.ptr, event->data.len) != 1 ||
            EVP_DigestFinal_ex(audit->hash, digest, NULL) != 1)
            line->failed = true;
        put(line, " data-sha256=");
        put_hex(line, span_of(digest, sizeof digest));
    }
}

/* ---- files ---- */

/* Takes disk space ahead of the end. A file system that cannot is no error; a full one is. */
static err_t reserve(struct audit *audit)
{
    if (audit->size + LINE_ROOM * 2 <= audit->reserved)
        return ERR_OK;
    if (fallocate(audit->fd, FALLOC_FL_KEEP_SIZE, (off_t)audit->size, RESERVE) != 0 &&
        errno != EOPNOTSUPP && errno != ENOSYS)
        return ERR_AUDIT;
    audit->reserved = audit->size + RESERVE;
    return ERR_OK;
}

static err_t open_file(struct audit *audit)
{
    struct stat status;
    audit->fd = openat(
        audit->directory, file_name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (audit->fd < 0 || fstat(audit->fd, &status) != 0) {
        log_error("the file 'audit' in the device's state directory cannot be opened: %s (does the "
                  "directory "
                  "belong to the worker's user?)",
            strerror(errno));
        return ERR_AUDIT;
    }
    audit->size = (uint64_t)status.st_size;
    audit->reserved = audit->size;
    return ERR_OK;
}

/* Cuts the file behind its last whole line: gives back what was reserved, or takes half a line
 * away. */
static void cut_behind_last_line(const struct audit *audit)
{
    if (ftruncate(audit->fd, (off_t)audit->size) != 0)
        log_warning("the audit file cannot be cut to its length: %s", strerror(errno));
}

/* audit.1 becomes audit.2 and so on; the oldest goes. */
static err_t next_file(struct audit *audit)
{
    char from[32];
    char to[32];
    if (audit->fd < 0) /* the files have moved, but the new one could not be made */
        return open_file(audit);
    for (uint32_t i = audit->files; i > 0; i--) {
        (void)snprintf(to, sizeof to, "%s.%u", file_name, i);
        (void)snprintf(from, sizeof from, i > 1 ? "%s.%u" : "%s", file_name, i - 1);
        if (renameat(audit->directory, from, audit->directory, to) != 0 && errno != ENOENT)
            return ERR_AUDIT;
    }
    (void)fdatasync(audit->fd);
    cut_behind_last_line(audit);
    (void)close(audit->fd);
    audit->fd = -1;
    return open_file(audit);
}

static bool from_hex(const char *text, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned byte;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            return false;
        bytes[i] = (uint8_t)byte;
    }
    return true;
}

/* Takes number and chain value from the last line; a line without its end (the machine stopped
 * while it was written) is ended here and breaks the chain visibly. */
static err_t take_up_line(struct audit *audit, int fd, uint64_t size)
{
    char tail[LINE_ROOM + 1];
    uint64_t from = size > LINE_ROOM ? size - LINE_ROOM : 0;
    ssize_t n = pread(fd, tail, LINE_ROOM, (off_t)from);
    if (n <= 0)
        return ERR_AUDIT;
    tail[n] = '\0';
    bool whole = tail[n - 1] == '\n';
    if (whole)
        tail[n - 1] = '\0';
    const char *newline = strrchr(tail, '\n');
    const char *last = newline ? newline + 1 : tail;
    const char *mark = strstr(last, chain_mark);
    audit->number = strtoull(last, NULL, 10);
    if (whole && mark != NULL && strlen(mark) == strlen(chain_mark) + CHAIN_TEXT &&
        from_hex(mark + strlen(chain_mark), audit->chain, CHAIN_SIZE))
        return ERR_OK;
    log_warning("the audit log's last line is not whole; the chain begins anew behind it");
    memset(audit->chain, 0, CHAIN_SIZE);
    if (!whole && fd == audit->fd && write(fd, "\n", 1) == 1)
        audit->size++;
    return ERR_OK;
}

/* An empty file goes on from the one before: the worker may have ended between its making and its
 * first line. */
static err_t take_up_chain(struct audit *audit)
{
    struct stat status;
    char before[32];
    if (audit->size > 0)
        return take_up_line(audit, audit->fd, audit->size);
    (void)snprintf(before, sizeof before, "%s.1", file_name);
    int fd = openat(audit->directory, before, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? ERR_OK : ERR_AUDIT;
    err_t err = fstat(fd, &status) == 0 ? ERR_OK : ERR_AUDIT;
    if (err == ERR_OK && status.st_size > 0)
        err = take_up_line(audit, fd, (uint64_t)status.st_size);
    (void)close(fd);
    return err;
}

err_t audit_open(int directory, uint32_t file_mib, uint32_t files, struct audit **ret_audit)
{
    struct audit *audit = calloc(1, sizeof *audit);
    if (audit == NULL)
        return ERR_MEMORY;
    audit->directory = directory;
    audit->file_limit = (uint64_t)file_mib << 20;
    audit->files = files;
    audit->hash = EVP_MD_CTX_new();
    audit->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    audit->fd = -1;
    err_t err = audit->hash && audit->sha256 ? open_file(audit) : ERR_MEMORY;
    if (err == ERR_OK)
        err = take_up_chain(audit);
    if (err != ERR_OK) {
        audit_close(audit);
        return err;
    }
    *ret_audit = audit;
    return ERR_OK;
}

void audit_close(struct audit *audit)
{
    if (audit == NULL)
        return;
    if (audit->fd >= 0) {
        cut_behind_last_line(audit);
        (void)fdatasync(audit->fd);
        (void)close(audit->fd);
    }
    EVP_MD_CTX_free(audit->hash);
    EVP_MD_free(audit->sha256);
    free(audit);
}

/* ---- lines ---- */

static void begin_line(struct audit *audit, struct writer *line, const char *kind)
{
    put_decimal(line, audit->number + 1, 1);
    put_time(audit, line);
    put(line, kind);
}

/* Chains the line, ends it, and writes it whole; what was written in part is cut off again. */
static err_t end_line(struct audit *audit, struct writer *line)
{
    uint8_t chain[CHAIN_SIZE];
    struct span text = writer_bytes(line);
    if (EVP_DigestInit_ex2(audit->hash, audit->sha256, NULL) != 1 ||
        EVP_DigestUpdate(audit->hash, audit->chain, CHAIN_SIZE) != 1 ||
        EVP_DigestUpdate(audit->hash, text.ptr, text.len) != 1 ||
        EVP_DigestFinal_ex(audit->hash, chain, NULL) != 1)
        return ERR_AUDIT;
    put(line, chain_mark);
    put_hex(line, span_of(chain, CHAIN_SIZE));
    put(line, "\n");
    if (writer_failed(line) || reserve(audit) != ERR_OK)
        return ERR_AUDIT;

    text = writer_bytes(line);
    ssize_t n = write(audit->fd, text.ptr, text.len);
    if (n != (ssize_t)text.len) {
        cut_behind_last_line(audit);
        return ERR_AUDIT;
    }
    memcpy(audit->chain, chain, CHAIN_SIZE);
    audit->size += text.len;
    audit->number++;
    if (audit->dirty_since == 0)
        audit->dirty_since = clock_us();
    return ERR_OK;
}

/* A file is left only between operations, so that intent and result stand in one. */
static err_t next_file_if_full(struct audit *audit)
{
    return audit->size < audit->file_limit ? ERR_OK : next_file(audit);
}

err_t audit_note(struct audit *audit, const char *what)
{
    uint8_t room[LINE_ROOM];
    struct writer line = writer_of(room, sizeof room);
    begin_line(audit, &line, "note ");
    put(&line, what);
    return end_line(audit, &line);
}

err_t audit_intent(struct audit *audit, const struct audit_event *event, uint64_t *ret_number)
{
    uint8_t room[LINE_ROOM];
    struct writer line = writer_of(room, sizeof room);
    if (next_file_if_full(audit) != ERR_OK)
        return ERR_AUDIT;
    begin_line(audit, &line, "intent");
    put_event(audit, &line, event);
    err_t err = end_line(audit, &line);
    if (err == ERR_OK)
        *ret_number = audit->number;
    return err;
}

err_t audit_result(struct audit *audit, uint64_t intent_number, err_t outcome)
{
    uint8_t room[LINE_ROOM];
    struct writer line = writer_of(room, sizeof room);
    begin_line(audit, &line, "result");
    put_number(&line, "of", intent_number);
    put(&line, " ");
    put(&line, err_name(outcome));
    return end_line(audit, &line);
}

err_t audit_refused(
    struct audit *audit, const struct audit_event *event, err_t reason, const char *where)
{
    uint8_t room[LINE_ROOM];
    struct writer line = writer_of(room, sizeof room);
    if (next_file_if_full(audit) != ERR_OK)
        return ERR_AUDIT;
    begin_line(audit, &line, "refused");
    put_event(audit, &line, event);
    put(&line, " ");
    put(&line, err_name(reason));
    put(&line, " rule=");
    put_escaped(&line, span_of_text(where ? where : "none"));
    return end_line(audit, &line);
}

err_t audit_refused_more(struct audit *audit, uint32_t uid, uint64_t count)
{
    uint8_t room[LINE_ROOM];
    struct writer line = writer_of(room, sizeof room);
    begin_line(audit, &line, "refused-more");
    put_number(&line, "uid", uid);
    put_number(&line, "count", count);
    return end_line(audit, &line);
}

uint64_t audit_flush(struct audit *audit, uint64_t now_us)
{
    if (audit->dirty_since == 0)
        return UINT64_MAX;
    if (now_us < audit->dirty_since + FLUSH_AFTER_US)
        return audit->dirty_since + FLUSH_AFTER_US - now_us;
    audit->dirty_since = 0;
    if (fdatasync(audit->fd) != 0)
        log_error("the audit log cannot be flushed to disk: %s", strerror(errno));
    return UINT64_MAX;
}
