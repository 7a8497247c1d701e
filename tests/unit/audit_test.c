/* SPDX-License-Identifier: MIT
 *
 * The audit log: a chain that anybody can check, over restarts, new files and full disks.
 */
#include "test.h"

#include "audit_lines.h"
#include "rules.h"
#include "scratch.h"
#include "base/clock.h"
#include "base/log.h"
#include "signerd/audit.h"
#include "wire/attribute.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20, FILES = 3 };

static struct scratch scratch;
static struct audit *audit;
static struct identity alice;
static const struct policy_key key = {
    CLASS_PRIVATE_KEY, {(const uint8_t *)"web", 3}, {(const uint8_t *)"\x01\xff", 2}, false, 0};

static void open_log(void)
{
    assert_int_equal(audit_open(scratch.fd, 1, FILES, &audit), ERR_OK);
}

static void reopen_log(void)
{
    audit_close(audit);
    open_log();
}

static int begin(void **state)
{
    (void)state;
    log_setup("audit_test", LOG_LEVEL_ERROR);
    alice = person(1001, 4711);
    scratch_make(&scratch);
    open_log();
    return 0;
}

static int end(void **state)
{
    (void)state;
    audit_close(audit);
    scratch_remove(&scratch);
    return 0;
}

static struct audit_event sign_event(void)
{
    return (struct audit_event){.operation = "SIGN",
        .who = &alice,
        .key = &key,
        .mechanism = 0x1041,
        .has_mechanism = true,
        .data = span_of_text("abc")};
}

/* One operation: intent and result. */
static err_t one_operation(void)
{
    const struct audit_event event = sign_event();
    uint64_t number;
    err_t err = audit_intent(audit, &event, &number);
    return err == ERR_OK ? audit_result(audit, number, ERR_OK) : err;
}

/* The oldest file first, then the present one. */
static struct audit_lines read_files(size_t older)
{
    char *all = calloc(1, 1);
    size_t size = 0;
    for (size_t i = older + 1; i > 0; i--) {
        char name[32];
        size_t len;
        (void)snprintf(name, sizeof name, i > 1 ? "audit.%zu" : "audit", i - 1);
        char *text = scratch_read(&scratch, name, &len);
        assert_non_null(text);
        assert_int_equal(strlen(text), len);
        all = realloc(all, size + len + 1);
        assert_non_null(all);
        memcpy(all + size, text, len + 1);
        size += len;
        free(text);
    }
    return audit_lines_of(all);
}

static struct audit_lines read_log(void)
{
    return read_files(0);
}

static void expect_chain(size_t lines, size_t older)
{
    struct audit_lines all = read_files(older);
    assert_int_equal(all.count, lines);
    assert_true(audit_chain_holds(&all));
    audit_lines_free(&all);
}

/* ---- lines ---- */

static void lines_say_who_did_what_with_which_key(void **state)
{
    const struct audit_event event = sign_event();
    uint64_t number;
    assert_int_equal(audit_note(audit, "worker started"), ERR_OK);
    assert_int_equal(audit_intent(audit, &event, &number), ERR_OK);
    assert_int_equal(number, 2);
    assert_int_equal(audit_result(audit, number, ERR_DEVICE), ERR_OK);
    assert_int_equal(audit_refused(audit, &event, ERR_DENIED, "signerd.conf:12"), ERR_OK);
    assert_int_equal(audit_refused_more(audit, 1001, 150), ERR_OK);
    struct audit_lines lines = read_log();
    assert_int_equal(lines.count, 5);
    assert_non_null(strstr(lines.lines[0], " note worker started chain="));
    assert_non_null(strstr(lines.lines[1],
        " intent SIGN uid=1001 pid=4711 key=pkcs11:object=web;id=%01%ff;type=private "
        "mechanism=4161 data-sha256="
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad chain="));
    assert_non_null(strstr(lines.lines[2], " result of=2 DEVICE chain="));
    assert_non_null(strstr(lines.lines[3], " refused SIGN uid=1001 pid=4711 key="));
    assert_non_null(strstr(lines.lines[3], " DENIED rule=signerd.conf%3a12 chain="));
    assert_non_null(strstr(lines.lines[4], " refused-more uid=1001 count=150 chain="));
    assert_true(audit_chain_holds(&lines));
    audit_lines_free(&lines);
    (void)state;
}

static void each_result_names_its_intent(void **state)
{
    const struct audit_event event = sign_event();
    uint64_t first;
    uint64_t second;
    assert_int_equal(audit_intent(audit, &event, &first), ERR_OK);
    assert_int_equal(audit_intent(audit, &event, &second), ERR_OK);
    assert_int_equal(audit_result(audit, second, ERR_OK), ERR_OK);
    assert_int_equal(audit_result(audit, first, ERR_DEVICE), ERR_OK);
    struct audit_lines lines = read_log();
    assert_int_equal(strtoul(lines.lines[0], NULL, 10), first);
    assert_int_equal(strtoul(lines.lines[1], NULL, 10), second);
    assert_non_null(strstr(lines.lines[2], " of=2 OK "));
    assert_non_null(strstr(lines.lines[3], " of=1 DEVICE "));
    audit_lines_free(&lines);
    (void)state;
}

static void a_second_key_stands_behind_the_first(void **state)
{
    const struct policy_key target = {
        CLASS_SECRET_KEY, span_of_text("leaves"), span_of_text("2"), false, 0};
    struct audit_event event = sign_event();
    uint64_t number;
    event.operation = "WRAP";
    event.target = &target;
    assert_int_equal(audit_intent(audit, &event, &number), ERR_OK);
    struct audit_lines lines = read_log();
    assert_non_null(strstr(lines.lines[0],
        " intent WRAP uid=1001 pid=4711 key=pkcs11:object=web;id=%01%ff;type=private "
        "target=pkcs11:object=leaves;id=%32;type=secret-key mechanism="));
    audit_lines_free(&lines);
    (void)state;
}

static void what_is_signed_is_not_in_the_log(void **state)
{
    struct audit_event event = sign_event();
    uint64_t number;
    event.data = span_of_text("plaintext-of-the-client");
    assert_int_equal(audit_intent(audit, &event, &number), ERR_OK);
    struct audit_lines lines = read_log();
    assert_int_equal(audit_lines_with(&lines, "plaintext"), 0);
    audit_lines_free(&lines);
    (void)state;
}

static void a_label_cannot_forge_a_line(void **state)
{
    static const char label[] =
        "a\n2 2026-01-01T00:00:00.000000Z note x chain=00\"%\t\r\x01\x7f;type=public";
    const struct policy_key evil = {
        CLASS_PRIVATE_KEY, span_of_text(label), span_of("\0\n", 2), false, 0};
    struct audit_event event = sign_event();
    uint64_t number;
    event.key = &evil;
    assert_int_equal(audit_intent(audit, &event, &number), ERR_OK);
    assert_int_equal(audit_refused(audit, &event, ERR_DENIED, "a b\nc"), ERR_OK);
    struct audit_lines lines = read_log();
    assert_int_equal(lines.count, 2);
    assert_true(audit_chain_holds(&lines));
    assert_non_null(
        strstr(lines.lines[0], " key=pkcs11:object=a%0a2%202026-01-01T00%3a00%3a00.000000Z%20note%"
                               "20x%20chain%3d00%22%25%09%0d%01%7f%3btype%3d"
                               "public;id=%00%0a;type=private "));
    assert_non_null(strstr(lines.lines[1], " rule=a%20b%0ac "));
    audit_lines_free(&lines);
    (void)state;
}

/* Else a client could have refusals without a line: by labels that no line has room for. */
static void the_longest_label_and_id_have_a_line(void **state)
{
    static uint8_t bytes[4096];
    char where[POLICY_TEXT_MAX];
    const struct policy_key long_key = {
        CLASS_PRIVATE_KEY, {bytes, sizeof bytes}, {bytes, sizeof bytes}, false, 0};
    struct audit_event event = sign_event();
    uint64_t number;
    memset(where, '#', sizeof where - 1);
    where[sizeof where - 1] = '\0';
    alice = person(UINT32_MAX, UINT32_MAX);
    event.mechanism = UINT32_MAX;
    event.operation = "GENERATE_PAIR";
    event.key = &long_key;
    event.target = &long_key;
    event.data = span_of(bytes, sizeof bytes);
    assert_int_equal(audit_intent(audit, &event, &number), ERR_OK);
    assert_int_equal(audit_refused(audit, &event, ERR_TOO_MANY_CONNECTIONS, where), ERR_OK);
    struct audit_lines lines = read_log();
    assert_int_equal(
        audit_lines_with(&lines, "%00;type=private label-size=4096 id-size=4096 mechanism="), 2);
    assert_true(audit_chain_holds(&lines));
    audit_lines_free(&lines);
    (void)state;
}

static void a_key_uri_is_always_terminated(void **state)
{
    char text[128];
    audit_key_uri(NULL, text, sizeof text);
    assert_string_equal(text, "(no key)");
    audit_key_uri(&key, text, sizeof text);
    assert_string_equal(text, "pkcs11:object=web;id=%01%ff;type=private");
    for (size_t size = 1; size < 48; size++) {
        memset(text, 'x', sizeof text);
        audit_key_uri(&key, text, size);
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], 'x');
    }
    (void)state;
}

/* ---- the chain ---- */

static void the_chain_holds_over_many_lines(void **state)
{
    for (size_t i = 0; i < 500; i++)
        assert_int_equal(one_operation(), ERR_OK);
    expect_chain(1000, 0);
    (void)state;
}

static void the_chain_goes_on_after_a_restart(void **state)
{
    for (size_t i = 1; i <= 5; i++) {
        assert_int_equal(one_operation(), ERR_OK);
        reopen_log();
        expect_chain(2 * i, 0);
    }
    (void)state;
}

static void any_change_breaks_the_chain(void **state)
{
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(one_operation(), ERR_OK);
    struct audit_lines lines = read_log();
    assert_true(audit_chain_holds(&lines));
    for (size_t i = 0; i < lines.count; i++) {
        char *at = strstr(lines.lines[i], "Z ");
        at[-1] ^= 1;
        assert_false(audit_chain_holds(&lines));
        at[-1] ^= 1;
        char *line = lines.lines[i];
        if (i + 1 < lines.count) { /* two lines in the other order */
            lines.lines[i] = lines.lines[i + 1];
            lines.lines[i + 1] = line;
            assert_false(audit_chain_holds(&lines));
            lines.lines[i + 1] = lines.lines[i];
            lines.lines[i] = line;
        }
    }
    for (size_t left_out = 0; left_out + 1 < lines.count; left_out++) {
        struct audit_lines fewer = lines;
        char *rows[8];
        fewer.lines = rows;
        fewer.count = 0;
        for (size_t i = 0; i < lines.count; i++)
            if (i != left_out)
                rows[fewer.count++] = lines.lines[i];
        assert_false(audit_chain_holds(&fewer));
    }
    audit_lines_free(&lines);
    (void)state;
}

/* The machine stopped while a line was written: that is seen, and the log goes on. */
static void half_a_last_line_is_ended_and_breaks_the_chain(void **state)
{
    assert_int_equal(one_operation(), ERR_OK);
    audit_close(audit);
    int fd = openat(scratch.fd, "audit", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "3 2026-01-01T00:0", 17), 17);
    (void)close(fd);
    capture_begin();
    log_setup("audit_test", LOG_LEVEL_WARNING);
    open_log();
    log_setup("audit_test", LOG_LEVEL_ERROR);
    char *said = capture_end();
    assert_non_null(strstr(said, "not whole"));
    free(said);
    assert_int_equal(one_operation(), ERR_OK);
    struct audit_lines lines = read_log();
    assert_int_equal(lines.count, 5);
    assert_string_equal(lines.lines[2], "3 2026-01-01T00:0");
    assert_int_equal(strtoul(lines.lines[3], NULL, 10), 4);
    assert_false(audit_chain_holds(&lines));
    audit_lines_free(&lines);
    (void)state;
}

/* ---- files ---- */

static bool exists(const char *name)
{
    struct stat status;
    return fstatat(scratch.fd, name, &status, 0) == 0;
}

static void fill_one_file(void)
{
    struct stat before;
    struct stat after;
    assert_int_equal(fstatat(scratch.fd, "audit", &before, 0), 0);
    do {
        assert_int_equal(one_operation(), ERR_OK);
        assert_int_equal(fstatat(scratch.fd, "audit", &after, 0), 0);
    } while (after.st_ino == before.st_ino);
}

static void a_full_file_is_followed_by_the_next_and_some_are_kept(void **state)
{
    for (size_t i = 0; i < FILES; i++)
        fill_one_file();
    struct audit_lines all = read_files(FILES);
    assert_true(audit_chain_holds(&all));
    audit_lines_free(&all);
    fill_one_file();
    assert_true(exists("audit.3"));
    assert_false(exists("audit.4"));
    struct stat status;
    assert_int_equal(fstatat(scratch.fd, "audit.1", &status, 0), 0);
    assert_in_range(status.st_size, MIB, MIB + 4096);
    (void)state;
}

static void intent_and_result_stand_in_one_file(void **state)
{
    fill_one_file();
    size_t len;
    char *older = scratch_read(&scratch, "audit.1", &len);
    struct audit_lines lines = audit_lines_of(older);
    assert_non_null(strstr(lines.lines[lines.count - 1], " result "));
    audit_lines_free(&lines);
    (void)state;
}

static void the_chain_goes_on_from_the_file_before_an_empty_one(void **state)
{
    fill_one_file();
    audit_close(audit);
    assert_int_equal(renameat(scratch.fd, "audit", scratch.fd, "audit.1"), 0);
    scratch_write(&scratch, "audit", "", 0);
    open_log();
    assert_int_equal(one_operation(), ERR_OK);
    struct audit_lines before = audit_lines_of(scratch_read(&scratch, "audit.1", &(size_t){0}));
    struct audit_lines after = read_log();
    assert_int_equal(
        strtoul(after.lines[0], NULL, 10), strtoul(before.lines[before.count - 1], NULL, 10) + 1);
    audit_lines_free(&before);
    audit_lines_free(&after);
    (void)state;
}

/* No descriptor is to be had, so the next file cannot be made, as on a disk that is full. */
static void a_next_file_that_cannot_be_made_pushes_no_older_one_out(void **state)
{
    struct stat oldest;
    struct stat still;
    for (size_t i = 0; i < FILES; i++)
        fill_one_file();
    assert_int_equal(fstatat(scratch.fd, "audit.2", &oldest, 0), 0);
    struct stat status;
    do {
        assert_int_equal(one_operation(), ERR_OK);
        assert_int_equal(fstatat(scratch.fd, "audit", &status, 0), 0);
    } while (status.st_size < MIB);
    limit_descriptors(3);
    for (size_t i = 0; i < 2 * FILES; i++)
        assert_int_equal(one_operation(), ERR_AUDIT);
    limit_descriptors(SIZE_MAX);
    assert_int_equal(fstatat(scratch.fd, "audit.3", &still, 0), 0);
    assert_int_equal(still.st_ino, oldest.st_ino);
    assert_int_equal(one_operation(), ERR_OK);
    struct audit_lines all = read_files(1);
    assert_int_equal(strtoul(all.lines[all.count - 1], NULL, 10),
        strtoul(all.lines[0], NULL, 10) + all.count - 1);
    audit_lines_free(&all);
    (void)state;
}

/* ---- a full disk ---- */

static void a_full_disk_refuses_and_leaves_no_part_of_a_line(void **state)
{
    struct stat before;
    struct stat after;
    assert_int_equal(one_operation(), ERR_OK);
    assert_int_equal(fstatat(scratch.fd, "audit", &before, 0), 0);
    for (size_t room = 0; room < 300; room += 50) {
        limit_file_size((size_t)before.st_size + room); /* more than nothing, less than two lines */
        err_t err = one_operation();
        limit_file_size(SIZE_MAX);
        if (err == ERR_OK) { /* the file system had room for it */
            assert_true(room > 250);
            break;
        }
        assert_int_equal(err, ERR_AUDIT);
        struct audit_lines lines = read_log();
        assert_true(audit_chain_holds(&lines));
        audit_lines_free(&lines);
        assert_int_equal(fstatat(scratch.fd, "audit", &after, 0), 0);
        before = after;
    }
    assert_int_equal(one_operation(), ERR_OK);
    struct audit_lines lines = read_log();
    assert_true(audit_chain_holds(&lines));
    audit_lines_free(&lines);
    (void)state;
}

static void a_closed_log_has_no_reserved_space_behind_its_end(void **state)
{
    struct stat status;
    assert_int_equal(one_operation(), ERR_OK);
    audit_close(audit);
    assert_int_equal(fstatat(scratch.fd, "audit", &status, 0), 0);
    assert_true((size_t)status.st_blocks * 512 < MIB / 2);
    open_log();
    (void)state;
}

static void the_log_is_its_owners_alone_and_no_link_is_followed(void **state)
{
    struct stat status;
    struct audit *other;
    assert_int_equal(fstatat(scratch.fd, "audit", &status, 0), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(renameat(scratch.fd, "audit", scratch.fd, "elsewhere"), 0);
    assert_int_equal(symlinkat("elsewhere", scratch.fd, "audit"), 0);
    assert_int_equal(audit_open(scratch.fd, 1, FILES, &other), ERR_AUDIT);
    (void)state;
}

static void a_flush_is_due_a_second_after_the_first_line(void **state)
{
    assert_true(audit_flush(audit, clock_us()) == UINT64_MAX);
    uint64_t before = clock_us();
    assert_int_equal(one_operation(), ERR_OK);
    uint64_t now = clock_us();
    uint64_t due = audit_flush(audit, now);
    assert_in_range(now + due, before + 1000000, now + 1000000);
    assert_int_equal(audit_flush(audit, now + due - 1), 1);
    assert_true(audit_flush(audit, now + due) == UINT64_MAX);
    assert_true(audit_flush(audit, now + 2 * due) == UINT64_MAX);
    (void)state;
}

#define AUDIT_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUDIT_TEST(lines_say_who_did_what_with_which_key),
        AUDIT_TEST(each_result_names_its_intent),
        AUDIT_TEST(a_second_key_stands_behind_the_first),
        AUDIT_TEST(what_is_signed_is_not_in_the_log),
        AUDIT_TEST(a_label_cannot_forge_a_line),
        AUDIT_TEST(the_longest_label_and_id_have_a_line),
        AUDIT_TEST(a_key_uri_is_always_terminated),
        AUDIT_TEST(the_chain_holds_over_many_lines),
        AUDIT_TEST(the_chain_goes_on_after_a_restart),
        AUDIT_TEST(any_change_breaks_the_chain),
        AUDIT_TEST(half_a_last_line_is_ended_and_breaks_the_chain),
        AUDIT_TEST(a_full_file_is_followed_by_the_next_and_some_are_kept),
        AUDIT_TEST(intent_and_result_stand_in_one_file),
        AUDIT_TEST(the_chain_goes_on_from_the_file_before_an_empty_one),
        AUDIT_TEST(a_next_file_that_cannot_be_made_pushes_no_older_one_out),
        AUDIT_TEST(a_full_disk_refuses_and_leaves_no_part_of_a_line),
        AUDIT_TEST(a_closed_log_has_no_reserved_space_behind_its_end),
        AUDIT_TEST(the_log_is_its_owners_alone_and_no_link_is_followed),
        AUDIT_TEST(a_flush_is_due_a_second_after_the_first_line),
    };
    (void)signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
