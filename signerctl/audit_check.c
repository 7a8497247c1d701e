/* SPDX-License-Identifier: MIT
 *
 * The chain: value of a line = SHA-256(value of the line before || its text up to " chain=").
 */
#include "audit_check.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Intents whose results may still come: one at a time, and one for each that is fed in parts. */
enum { OPEN_MOST = 65536 };

struct open_intent {
    const char *file;
    uint64_t line;
    uint64_t number;
};

struct audit_check {
    audit_report *report;
    void *context;
    const uint8_t *expected;
    struct audit_summary summary;
    const char *file;
    uint64_t line;       /* of the file */
    uint64_t unreadable; /* lines since the last whole one that were none */
    err_t failed;        /* ERR_OK: nothing of ours has */
    EVP_MD_CTX *hash;
    EVP_MD *sha256;
    size_t open_count;
    size_t open_room;
    struct open_intent *open;
    size_t used; /* of a line that goes on in the next bytes */
    bool too_long;
    uint8_t begun[AUDIT_LINE_MOST];
};

static const uint8_t zeroes[AUDIT_CHAIN_BYTES];

static const char *const names[] = {
    [AUDIT_MALFORMED] = "malformed",
    [AUDIT_CUT] = "cut",
    [AUDIT_CHANGED] = "changed",
    [AUDIT_LEFT_OUT] = "left-out",
    [AUDIT_MOVED] = "moved",
    [AUDIT_JUMPED] = "jumped",
    [AUDIT_RESTARTED] = "restarted",
    [AUDIT_NO_RESULT] = "no-result",
    [AUDIT_NO_INTENT] = "no-intent",
};

bool audit_finding_breaks(enum audit_finding_kind kind)
{
    return kind <= AUDIT_RESTARTED;
}

const char *audit_finding_name(enum audit_finding_kind kind)
{
    return names[kind];
}

err_t audit_check_new(
    audit_report *report, void *context, const uint8_t *expected, struct audit_check **ret_check)
{
    struct audit_check *check = calloc(1, sizeof *check);
    if (check == NULL)
        return ERR_MEMORY;
    check->report = report;
    check->context = context;
    check->expected = expected;
    check->hash = EVP_MD_CTX_new();
    check->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (check->hash == NULL || check->sha256 == NULL) {
        audit_check_free(check);
        return ERR_MEMORY;
    }
    *ret_check = check;
    return ERR_OK;
}

void audit_check_free(struct audit_check *check)
{
    if (check == NULL)
        return;
    EVP_MD_CTX_free(check->hash);
    EVP_MD_free(check->sha256);
    free(check->open);
    free(check);
}

/* ---- findings ---- */

static void tell(struct audit_check *check, const struct audit_finding *finding)
{
    if (audit_finding_breaks(finding->kind))
        check->summary.breaks++;
    else
        check->summary.others++;
    check->report(check->context, finding);
}

static void find(struct audit_check *check, enum audit_finding_kind kind, uint64_t number,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Something of the line that is being read. */
static void find(struct audit_check *check, enum audit_finding_kind kind, uint64_t number,
    const char *format, ...)
{
    char what[200];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    const struct audit_finding finding = {kind, check->file, check->line, number, what};
    tell(check, &finding);
}

/* ---- intents and results ---- */

static void tell_open(struct audit_check *check, const char *what)
{
    for (size_t i = 0; i < check->open_count; i++) {
        const struct open_intent *open = &check->open[i];
        const struct audit_finding finding = {
            AUDIT_NO_RESULT, open->file, open->line, open->number, what};
        tell(check, &finding);
    }
    check->open_count = 0;
}

static bool make_room(struct audit_check *check)
{
    if (check->open_count < check->open_room)
        return true;
    const size_t room = check->open_room == 0 ? 16 : 2 * check->open_room;
    struct open_intent *open = realloc(check->open, room * sizeof *open);
    if (open == NULL)
        return false;
    check->open = open;
    check->open_room = room;
    return true;
}

static void open_intent(struct audit_check *check, uint64_t number)
{
    if (check->open_count == OPEN_MOST)
        tell_open(check, "no result follows within the next intents");
    if (!make_room(check)) {
        check->failed = ERR_MEMORY;
        return;
    }
    check->open[check->open_count++] = (struct open_intent){check->file, check->line, number};
}

static void close_intent(struct audit_check *check, const struct audit_line *line)
{
    for (size_t i = check->open_count; i > 0; i--) { /* most often it is the last one */
        if (check->open[i - 1].number == line->of) {
            check->open[i - 1] = check->open[--check->open_count];
            return;
        }
    }
    if (line->of >= check->summary.first.number)
        find(check, AUDIT_NO_INTENT, line->number,
            "result of %" PRIu64 ", but there is no such intent without a result", line->of);
}

static void follow_operations(struct audit_check *check, const struct audit_line *line)
{
    if (line->what == AUDIT_INTENT)
        open_intent(check, line->number);
    else if (line->what == AUDIT_RESULT)
        close_intent(check, line);
    else if (line->what == AUDIT_NOTE && span_equal(line->rest, span_of_text("worker started")))
        tell_open(check, "the worker ended before the result: the device may or may not have "
                         "done it");
}

/* ---- the chain ---- */

static bool follows(struct audit_check *check, const uint8_t *before, const struct audit_line *line)
{
    uint8_t chain[AUDIT_CHAIN_BYTES];
    if (EVP_DigestInit_ex2(check->hash, check->sha256, NULL) != 1 ||
        EVP_DigestUpdate(check->hash, before, AUDIT_CHAIN_BYTES) != 1 ||
        EVP_DigestUpdate(check->hash, line->hashed.ptr, line->hashed.len) != 1 ||
        EVP_DigestFinal_ex(check->hash, chain, NULL) != 1) {
        check->failed = ERR_SYSTEM;
        return true;
    }
    return memcmp(chain, line->chain, sizeof chain) == 0;
}

/* The first line of all: what stood before it is not there, or there was nothing. */
static void check_first(struct audit_check *check, const struct audit_line *line)
{
    const bool from_zero = follows(check, zeroes, line);
    check->summary.from_start = line->number == 1;
    if (line->number == 1 && !from_zero)
        find(check, AUDIT_CHANGED, line->number,
            "it was changed, or is not the first line: its chain value is wrong");
    if (line->number != 1 && from_zero)
        find(check, AUDIT_RESTARTED, line->number, "the chain begins anew here");
}

/* The number is another than the wanted one; a kind of gap is AUDIT_LEFT_OUT or AUDIT_JUMPED. */
static void check_number(struct audit_check *check, const struct audit_line *line, uint64_t wanted,
    enum audit_finding_kind kind_of_gap)
{
    const bool holds = kind_of_gap == AUDIT_JUMPED;
    if (line->number < wanted)
        find(check, holds ? AUDIT_JUMPED : AUDIT_MOVED, line->number,
            "number %" PRIu64 " stands behind %" PRIu64 "%s", line->number,
            check->summary.last.number,
            holds ? ", though the chain holds" : ": the line was moved, repeated or put in");
    else if (line->number == wanted + 1)
        find(check, kind_of_gap, line->number, "number %" PRIu64 " is left out%s", wanted,
            holds ? ", though the chain holds" : "");
    else
        find(check, kind_of_gap, line->number, "numbers %" PRIu64 " to %" PRIu64 " are left out%s",
            wanted, line->number - 1, holds ? ", though the chain holds" : "");
}

static void check_next(struct audit_check *check, const struct audit_line *line)
{
    const struct audit_place *last = &check->summary.last;
    const uint64_t wanted = last->number + 1 + check->unreadable;
    if (follows(check, last->chain, line)) {
        if (line->number != last->number + 1)
            check_number(check, line, last->number + 1, AUDIT_JUMPED);
    } else if (follows(check, zeroes, line)) {
        find(check, AUDIT_RESTARTED, line->number, "the chain begins anew here%s",
            check->unreadable > 0 ? ", behind a line that is not whole, as after a power cut"
                                  : ", and nothing tells why");
    } else if (line->number != wanted) {
        check_number(check, line, wanted, AUDIT_LEFT_OUT);
    } else if (check->unreadable == 0) {
        find(check, AUDIT_CHANGED, line->number,
            "it does not follow from the line before: its text or chain value was changed");
    } /* else: the chain value before it could not be read, which is reported already */
}

static void whole_line(struct audit_check *check, const struct audit_line *line)
{
    struct audit_summary *summary = &check->summary;
    struct audit_place place = {.number = line->number};
    memcpy(place.time, line->time.ptr, AUDIT_TIME_LEN);
    memcpy(place.chain, line->chain, sizeof place.chain);
    if (summary->first.number == 0) {
        check_first(check, line);
        summary->first = place;
    } else {
        check_next(check, line);
    }
    summary->last = place;
    check->unreadable = 0;
    if (check->expected != NULL && memcmp(check->expected, line->chain, sizeof place.chain) == 0) {
        summary->expected_found = true;
        summary->expected_number = line->number;
    }
    follow_operations(check, line);
}

static void one_line(struct audit_check *check, struct span text, bool ended)
{
    struct audit_line line;
    check->line++;
    check->summary.lines++;
    enum audit_shape shape = audit_line_parse(text, &line);
    if (check->too_long || shape == AUDIT_SHAPE_BAD) {
        find(check, AUDIT_MALFORMED, 0,
            check->too_long ? "longer than any line of an audit log" : "no line of an audit log");
        check->unreadable++;
    } else if (shape == AUDIT_SHAPE_CUT) {
        find(check, AUDIT_CUT, 0, "the line is not whole: it has no chain value at its end");
        check->unreadable++;
    } else {
        whole_line(check, &line);
        if (!ended)
            find(check, AUDIT_CUT, line.number, "the line has no newline at its end");
    }
}

/* ---- the stream ---- */

void audit_check_file(struct audit_check *check, const char *name)
{
    check->file = name;
    check->line = 0;
}

static void keep(struct audit_check *check, struct span part)
{
    struct writer w = writer_of(check->begun + check->used, sizeof check->begun - check->used);
    write_span(&w, part);
    if (writer_failed(&w))
        check->too_long = true;
    else
        check->used += part.len;
}

static void end_line(struct audit_check *check, struct span last_part, bool ended)
{
    struct span text = last_part;
    if (check->used > 0 || check->too_long) {
        keep(check, last_part);
        text = span_of(check->begun, check->used);
    }
    one_line(check, text, ended);
    check->used = 0;
    check->too_long = false;
}

void audit_check_bytes(struct audit_check *check, struct span bytes)
{
    struct reader r = reader_of(bytes);
    while (reader_more(&r)) {
        const uint8_t *newline = memchr(r.at, '\n', r.left);
        if (newline == NULL) {
            keep(check, read_span(&r, r.left));
        } else {
            end_line(check, read_span(&r, (size_t)(newline - r.at)), true);
            (void)read_span(&r, 1);
        }
    }
}

bool audit_check_within_line(const struct audit_check *check)
{
    return check->used > 0 || check->too_long;
}

void audit_check_file_end(struct audit_check *check)
{
    if (audit_check_within_line(check))
        end_line(check, span_of(NULL, 0), false);
}

err_t audit_check_end(struct audit_check *check, struct audit_summary *ret_summary)
{
    tell_open(check, "the log ends before its result");
    *ret_summary = check->summary;
    return check->failed;
}
