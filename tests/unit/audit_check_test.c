/* SPDX-License-Identifier: MIT
 *
 * signerctl's check of audit logs: each kind of damage to a log that the worker's own writer wrote
 * is reported, at its line, and nothing else is.
 */
#include "test.h"

#include "rules.h"
#include "scratch.h"
#include "base/clock.h"
#include "base/log.h"
#include "signerctl/audit_check.h"
#include "signerd/audit.h"
#include "wire/attribute.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { FINDINGS_MOST = 64, OPERATIONS = 4, LINES = 2 + 2 * OPERATIONS };

struct found {
    enum audit_finding_kind kind;
    uint64_t line;
    uint64_t number;
    char file[16];
    char what[200];
};

/* A log of 10 lines: 2 notes, then intent and result 4 times; and what was found in it. */
struct stage {
    char *text;
    size_t len;
    size_t count;
    struct found found[FINDINGS_MOST];
    struct audit_summary summary;
};

static const struct policy_key key = {
    CLASS_PRIVATE_KEY, {(const uint8_t *)"web", 3}, {(const uint8_t *)"\x01\xff", 2}, false, 0};

static void write_operations(struct audit *audit, const struct identity *who, unsigned count)
{
    const struct audit_event event = {.operation = "SIGN",
        .who = who,
        .key = &key,
        .mechanism = 0x1041,
        .has_mechanism = true,
        .data = span_of_text("abc")};
    for (unsigned i = 0; i < count; i++) {
        uint64_t number;
        assert_int_equal(audit_intent(audit, &event, &number), ERR_OK);
        assert_int_equal(audit_result(audit, number, ERR_OK), ERR_OK);
    }
}

static char *written_log(size_t *ret_len)
{
    struct scratch scratch;
    struct audit *audit;
    const struct identity who = person(1001, 4711);
    scratch_make(&scratch);
    assert_int_equal(audit_open(scratch.fd, 1, 3, &audit), ERR_OK);
    assert_int_equal(audit_note(audit, "policy loaded"), ERR_OK);
    assert_int_equal(audit_note(audit, "worker started"), ERR_OK);
    write_operations(audit, &who, OPERATIONS);
    audit_close(audit);
    char *text = scratch_read(&scratch, "audit", ret_len);
    assert_non_null(text);
    scratch_remove(&scratch);
    return text;
}

static int begin(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    log_setup("audit_check_test", LOG_LEVEL_ERROR);
    stage->text = written_log(&stage->len);
    *state = stage;
    return 0;
}

static int end(void **state)
{
    struct stage *stage = *state;
    free(stage->text);
    free(stage);
    return 0;
}

static void note(void *context, const struct audit_finding *finding)
{
    struct stage *stage = context;
    assert_true(stage->count < FINDINGS_MOST);
    struct found *found = &stage->found[stage->count++];
    found->kind = finding->kind;
    found->line = finding->line;
    found->number = finding->number;
    (void)snprintf(found->file, sizeof found->file, "%s", finding->file);
    (void)snprintf(found->what, sizeof found->what, "%s", finding->what);
}

static void check_in_parts(struct stage *stage, const char *text, size_t len, size_t part)
{
    struct audit_check *check;
    stage->count = 0;
    assert_int_equal(audit_check_new(note, stage, NULL, &check), ERR_OK);
    audit_check_file(check, "audit");
    for (size_t at = 0; at < len; at += part)
        audit_check_bytes(check, span_of(text + at, len - at < part ? len - at : part));
    audit_check_file_end(check);
    assert_int_equal(audit_check_end(check, &stage->summary), ERR_OK);
    audit_check_free(check);
}

static void check(struct stage *stage, const char *text)
{
    check_in_parts(stage, text, strlen(text), 1 << 16);
}

/* The start of line n, from 1; line n of a text that has fewer is its end. */
static char *line_of(char *text, size_t n)
{
    for (; n > 1 && *text != '\0'; n--) {
        char *newline = strchr(text, '\n');
        text = newline != NULL ? newline + 1 : text + strlen(text);
    }
    return text;
}

static void cut_line(char *text, size_t n)
{
    char *next = line_of(text, n + 1);
    memmove(line_of(text, n), next, strlen(next) + 1);
}

static void expect(
    const struct stage *stage, size_t index, enum audit_finding_kind kind, uint64_t line)
{
    assert_true(index < stage->count);
    assert_string_equal(audit_finding_name(stage->found[index].kind), audit_finding_name(kind));
    assert_int_equal(stage->found[index].line, line);
}

/* ---- whole logs ---- */

static void a_log_as_the_worker_writes_it_is_whole(void **state)
{
    struct stage *stage = *state;
    check(stage, stage->text);
    assert_int_equal(stage->count, 0);
    assert_int_equal(stage->summary.lines, LINES);
    assert_int_equal(stage->summary.breaks, 0);
    assert_int_equal(stage->summary.first.number, 1);
    assert_int_equal(stage->summary.last.number, LINES);
    assert_true(stage->summary.from_start);
    assert_int_equal(strlen(stage->summary.last.time), AUDIT_TIME_LEN);
}

static void it_does_not_matter_in_which_parts_it_comes(void **state)
{
    static const size_t parts[] = {1, 2, 3, 7, 100, 257, 4096};
    struct stage *stage = *state;
    for (size_t i = 0; i < COUNT(parts); i++) {
        check_in_parts(stage, stage->text, stage->len, parts[i]);
        assert_int_equal(stage->count, 0);
        assert_int_equal(stage->summary.lines, LINES);
    }
}

static void the_chain_goes_on_from_file_to_file(void **state)
{
    struct stage *stage = *state;
    struct audit_check *check_files;
    const char *second = line_of(stage->text, 5);
    const size_t first_len = (size_t)(second - stage->text);
    assert_int_equal(audit_check_new(note, stage, NULL, &check_files), ERR_OK);
    audit_check_file(check_files, "audit.1");
    audit_check_bytes(check_files, span_of(stage->text, first_len));
    audit_check_file_end(check_files);
    audit_check_file(check_files, "audit");
    audit_check_bytes(check_files, span_of_text(second));
    audit_check_file_end(check_files);
    assert_int_equal(audit_check_end(check_files, &stage->summary), ERR_OK);
    audit_check_free(check_files);
    assert_int_equal(stage->count, 0);
    assert_int_equal(stage->summary.lines, LINES);
}

static void a_log_whose_oldest_files_are_gone_is_whole_from_where_it_begins(void **state)
{
    struct stage *stage = *state;
    check(stage, line_of(stage->text, 5));
    assert_int_equal(stage->count, 0);
    assert_int_equal(stage->summary.first.number, 5);
    assert_false(stage->summary.from_start);
}

static void an_empty_log_is_whole(void **state)
{
    struct stage *stage = *state;
    check(stage, "");
    assert_int_equal(stage->count, 0);
    assert_int_equal(stage->summary.lines, 0);
}

/* ---- damage ---- */

static void a_changed_byte_of_any_line_is_found_at_that_line(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 1; i <= LINES; i++) {
        char *digit = strstr(line_of(stage->text, i), "Z ") - 1;
        *digit ^= 1; /* another digit */
        check(stage, stage->text);
        *digit ^= 1;
        assert_int_equal(stage->count, 1);
        expect(stage, 0, AUDIT_CHANGED, i);
        assert_int_equal(stage->found[0].number, i);
    }
    char *uid = strstr(line_of(stage->text, 7), "uid=1001");
    uid[7] = '2';
    check(stage, stage->text);
    assert_int_equal(stage->count, 1);
    expect(stage, 0, AUDIT_CHANGED, 7);
}

static void a_changed_chain_value_is_found_there_and_behind_it(void **state)
{
    struct stage *stage = *state;
    char *newline = strchr(line_of(stage->text, 4), '\n');
    newline[-1] = newline[-1] == '0' ? '1' : '0';
    check(stage, stage->text);
    assert_int_equal(stage->count, 2);
    expect(stage, 0, AUDIT_CHANGED, 4);
    expect(stage, 1, AUDIT_CHANGED, 5);
}

static void a_line_that_was_left_out_is_named_by_its_number(void **state)
{
    struct stage *stage = *state;
    cut_line(stage->text, 6);
    check(stage, stage->text);
    expect(stage, 0, AUDIT_LEFT_OUT, 6);
    assert_int_equal(stage->found[0].number, 7);
    assert_non_null(strstr(stage->found[0].what, "number 6 is left out"));
    assert_int_equal(stage->summary.breaks, 1);
}

static void lines_that_were_left_out_are_named_by_their_numbers(void **state)
{
    struct stage *stage = *state;
    cut_line(stage->text, 5);
    cut_line(stage->text, 5);
    cut_line(stage->text, 5);
    cut_line(stage->text, 5);
    check(stage, stage->text);
    assert_int_equal(stage->count, 1);
    expect(stage, 0, AUDIT_LEFT_OUT, 5);
    assert_non_null(strstr(stage->found[0].what, "numbers 5 to 8 are left out"));
}

static void the_first_line_left_out_of_the_start_is_seen_in_the_summary(void **state)
{
    struct stage *stage = *state;
    cut_line(stage->text, 1);
    check(stage, stage->text);
    assert_int_equal(stage->summary.first.number, 2);
    assert_false(stage->summary.from_start);
}

static void a_line_that_was_moved_is_found(void **state)
{
    struct stage *stage = *state;
    char *moved = strndup(
        line_of(stage->text, 4), (size_t)(line_of(stage->text, 5) - line_of(stage->text, 4)));
    char *text = NULL;
    cut_line(stage->text, 4);
    char *there = line_of(stage->text, 8);
    assert_true(
        asprintf(&text, "%.*s%s%s", (int)(there - stage->text), stage->text, moved, there) > 0);
    check(stage, text);
    expect(stage, 0, AUDIT_LEFT_OUT, 4);
    bool found = false;
    for (size_t i = 0; i < stage->count; i++)
        found = found || (stage->found[i].kind == AUDIT_MOVED && stage->found[i].line == 8);
    assert_true(found);
    free(text);
    free(moved);
}

static void a_line_that_stands_there_twice_is_found(void **state)
{
    struct stage *stage = *state;
    char *text = NULL;
    char *third = line_of(stage->text, 3);
    char *fourth = line_of(stage->text, 4);
    assert_true(asprintf(&text, "%.*s%s", (int)(fourth - stage->text), stage->text, third) > 0);
    check(stage, text);
    expect(stage, 0, AUDIT_MOVED, 4);
    free(text);
}

static void a_half_line_at_the_end_is_found(void **state)
{
    struct stage *stage = *state;
    stage->text[stage->len - 20] = '\0';
    check(stage, stage->text);
    expect(stage, 0, AUDIT_CUT, LINES);
    assert_int_equal(stage->summary.breaks, 1);
    assert_int_equal(stage->summary.last.number, LINES - 1);
}

static void a_last_line_without_its_newline_is_found(void **state)
{
    struct stage *stage = *state;
    stage->text[stage->len - 1] = '\0';
    check(stage, stage->text);
    assert_int_equal(stage->count, 1);
    expect(stage, 0, AUDIT_CUT, LINES);
}

/* What the worker does after a power cut: it ends the half line, and begins a chain anew. */
static void a_restart_of_the_chain_behind_a_half_line_is_told_with_its_cause(void **state)
{
    struct stage *stage = *state;
    struct scratch scratch;
    struct audit *audit;
    size_t len;
    scratch_make(&scratch);
    scratch_write(&scratch, "audit", stage->text, stage->len - 30);
    capture_begin();
    assert_int_equal(audit_open(scratch.fd, 1, 3, &audit), ERR_OK);
    free(capture_end());
    assert_int_equal(audit_note(audit, "worker started"), ERR_OK);
    audit_close(audit);
    char *text = scratch_read(&scratch, "audit", &len);
    check(stage, text);
    expect(stage, 0, AUDIT_CUT, LINES);
    expect(stage, 1, AUDIT_RESTARTED, LINES + 1);
    assert_non_null(strstr(stage->found[1].what, "power cut"));
    free(text);
    scratch_remove(&scratch);
}

static void a_restart_of_the_chain_without_a_cause_is_found(void **state)
{
    struct stage *stage = *state;
    char *text = NULL;
    size_t len;
    char *other = written_log(&len);
    assert_true(asprintf(&text, "%s%s", stage->text, other) > 0);
    check(stage, text);
    assert_int_equal(stage->count, 1);
    expect(stage, 0, AUDIT_RESTARTED, LINES + 1);
    assert_non_null(strstr(stage->found[0].what, "nothing tells why"));
    free(other);
    free(text);
}

static void a_line_that_is_none_is_found_and_the_next_one_still_checked(void **state)
{
    static const char *const bad[] = {"hello", "12 2026 note x", "\x01\x02",
        "0 2026-11-22T03:41:48.650938Z note x "
        "chain=0000000000000000000000000000000000000000000000000000000000000000",
        "7 2026-11-22T03:41:48.650938Z joke x "
        "chain=0000000000000000000000000000000000000000000000000000000000000000"};
    struct stage *stage = *state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char *text = NULL;
        char *third = line_of(stage->text, 3);
        assert_true(asprintf(&text, "%.*s%s\n%s", (int)(third - stage->text), stage->text, bad[i],
                        third) > 0);
        check(stage, text);
        assert_true(stage->count >= 1 && stage->found[0].line == 3);
        assert_true(stage->found[0].kind == AUDIT_MALFORMED || stage->found[0].kind == AUDIT_CUT);
        free(text);
    }
}

static void a_line_longer_than_any_is_skipped_whole(void **state)
{
    struct stage *stage = *state;
    char *text = malloc(stage->len + 20000);
    assert_non_null(text);
    memset(text, 'x', 9999);
    text[9999] = '\n';
    memcpy(text + 10000, stage->text, stage->len + 1);
    check_in_parts(stage, text, 10000 + stage->len, 100);
    assert_int_equal(stage->count, 1);
    expect(stage, 0, AUDIT_MALFORMED, 1);
    assert_int_equal(stage->summary.lines, LINES + 1);
    free(text);
}

/* ---- intents and results ---- */

static void an_intent_without_a_result_is_told_but_breaks_nothing(void **state)
{
    struct stage *stage = *state;
    *line_of(stage->text, LINES) = '\0';
    check(stage, stage->text);
    assert_int_equal(stage->count, 1);
    expect(stage, 0, AUDIT_NO_RESULT, LINES - 1);
    assert_int_equal(stage->summary.breaks, 0);
    assert_int_equal(stage->summary.others, 1);
}

static void an_intent_that_a_crash_left_is_told_when_the_next_worker_starts(void **state)
{
    struct stage *stage = *state;
    struct scratch scratch;
    struct audit *audit;
    const struct identity who = person(1, 2);
    size_t len;
    scratch_make(&scratch);
    scratch_write(
        &scratch, "audit", stage->text, (size_t)(line_of(stage->text, LINES) - stage->text));
    assert_int_equal(audit_open(scratch.fd, 1, 3, &audit), ERR_OK);
    assert_int_equal(audit_note(audit, "worker started"), ERR_OK);
    write_operations(audit, &who, 1);
    audit_close(audit);
    char *text = scratch_read(&scratch, "audit", &len);
    check(stage, text);
    assert_int_equal(stage->count, 1);
    expect(stage, 0, AUDIT_NO_RESULT, LINES - 1);
    assert_non_null(strstr(stage->found[0].what, "worker ended"));
    free(text);
    scratch_remove(&scratch);
}

/* ---- long logs ---- */

/* Many operations that are fed in parts may be under way at once. */
static void results_are_found_behind_thousands_of_other_intents(void **state)
{
    enum { MANY = 5000 };
    struct stage *stage = *state;
    struct scratch scratch;
    struct audit *audit;
    const struct identity who = person(1, 2);
    const struct audit_event event = {.operation = "BEGIN_SIGN", .who = &who, .key = &key};
    static uint64_t numbers[MANY];
    size_t len;
    scratch_make(&scratch);
    assert_int_equal(audit_open(scratch.fd, 64, 3, &audit), ERR_OK);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(audit_intent(audit, &event, &numbers[i]), ERR_OK);
    for (size_t i = 0; i + 1 < MANY; i++)
        assert_int_equal(audit_result(audit, numbers[i], ERR_OK), ERR_OK);
    audit_close(audit);
    char *text = scratch_read(&scratch, "audit", &len);
    check(stage, text);
    assert_int_equal(stage->count, 1);
    expect(stage, 0, AUDIT_NO_RESULT, MANY);
    free(text);
    scratch_remove(&scratch);
}

/* A whole log of so many bytes or some more, chained here: the writer would take its time for the
 * disk. The caller frees. */
static char *long_log(size_t size, size_t *ret_len)
{
    uint8_t chained[AUDIT_CHAIN_BYTES + 512] = {0}; /* the chain value of the line before, a text */
    char *log = malloc(size + 1024);
    assert_non_null(log);
    size_t len = 0;
    for (unsigned long i = 1; len < size || i % 2 == 0; i++) {
        char *text = (char *)chained + AUDIT_CHAIN_BYTES;
        const int text_len =
            i % 2 == 1
                ? snprintf(text, 512,
                      "%lu 2026-11-22T03:41:49.263651Z intent SIGN uid=65534 pid=18390 "
                      "key=pkcs11:object=device;id=%%01;type=private mechanism=4161 "
                      "data-sha256=%064lu",
                      i, i)
                : snprintf(text, 512, "%lu 2026-11-22T03:41:49.263856Z result of=%lu OK", i, i - 1);
        assert_int_equal(EVP_Digest(chained, AUDIT_CHAIN_BYTES + (size_t)text_len, chained, NULL,
                             EVP_sha256(), NULL),
            1);
        len += (size_t)snprintf(log + len, 600, "%s chain=", text);
        for (size_t j = 0; j < AUDIT_CHAIN_BYTES; j++)
            len += (size_t)snprintf(log + len, 3, "%02x", chained[j]);
        log[len++] = '\n';
    }
    *ret_len = len;
    return log;
}

/* A whole file of the default size. Sanitizers take several times as long. */
static void sixty_four_mebibytes_take_a_few_seconds(void **state)
{
    enum { SIZE = 64 << 20, SECONDS_MOST = 20 };
    struct stage *stage = *state;
    size_t len;
    char *text = long_log(SIZE, &len);
    const uint64_t began = clock_us();
    check_in_parts(stage, text, len, 1 << 16);
    const uint64_t took = clock_us() - began;
    assert_int_equal(stage->count, 0);
    assert_true(stage->summary.from_start && stage->summary.lines > 200000);
    print_message("%zu MiB in %llu ms\n", len >> 20, (unsigned long long)took / 1000);
    assert_true(took < SECONDS_MOST * 1000000ULL);
    free(text);
}

/* ---- what was kept elsewhere ---- */

static void the_expected_chain_value_is_found_only_where_it_stands(void **state)
{
    struct stage *stage = *state;
    uint8_t expected[AUDIT_CHAIN_BYTES];
    check(stage, stage->text);
    memcpy(expected, stage->summary.last.chain, sizeof expected);
    for (size_t lines = LINES - 1; lines <= LINES; lines++) {
        struct audit_check *with_expected;
        assert_int_equal(audit_check_new(note, stage, expected, &with_expected), ERR_OK);
        audit_check_file(with_expected, "audit");
        audit_check_bytes(with_expected,
            span_of(stage->text, (size_t)(line_of(stage->text, lines + 1) - stage->text)));
        audit_check_file_end(with_expected);
        assert_int_equal(audit_check_end(with_expected, &stage->summary), ERR_OK);
        audit_check_free(with_expected);
        assert_int_equal(stage->summary.expected_found, lines == LINES);
    }
    assert_int_equal(stage->summary.expected_number, LINES);
}

static void a_chain_value_is_64_small_digits(void **state)
{
    uint8_t chain[AUDIT_CHAIN_BYTES];
    char text[65];
    memset(text, 'a', 64);
    text[64] = '\0';
    assert_true(audit_chain_parse(span_of_text(text), chain));
    assert_int_equal(chain[31], 0xaa);
    assert_false(audit_chain_parse(span_of(text, 63), chain));
    text[10] = 'A';
    assert_false(audit_chain_parse(span_of_text(text), chain));
    text[10] = ' ';
    assert_false(audit_chain_parse(span_of_text(text), chain));
    (void)state;
}

#define ON_STAGE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(a_log_as_the_worker_writes_it_is_whole),
        ON_STAGE(it_does_not_matter_in_which_parts_it_comes),
        ON_STAGE(the_chain_goes_on_from_file_to_file),
        ON_STAGE(a_log_whose_oldest_files_are_gone_is_whole_from_where_it_begins),
        ON_STAGE(an_empty_log_is_whole),
        ON_STAGE(a_changed_byte_of_any_line_is_found_at_that_line),
        ON_STAGE(a_changed_chain_value_is_found_there_and_behind_it),
        ON_STAGE(a_line_that_was_left_out_is_named_by_its_number),
        ON_STAGE(lines_that_were_left_out_are_named_by_their_numbers),
        ON_STAGE(the_first_line_left_out_of_the_start_is_seen_in_the_summary),
        ON_STAGE(a_line_that_was_moved_is_found),
        ON_STAGE(a_line_that_stands_there_twice_is_found),
        ON_STAGE(a_half_line_at_the_end_is_found),
        ON_STAGE(a_last_line_without_its_newline_is_found),
        ON_STAGE(a_restart_of_the_chain_behind_a_half_line_is_told_with_its_cause),
        ON_STAGE(a_restart_of_the_chain_without_a_cause_is_found),
        ON_STAGE(a_line_that_is_none_is_found_and_the_next_one_still_checked),
        ON_STAGE(a_line_longer_than_any_is_skipped_whole),
        ON_STAGE(an_intent_without_a_result_is_told_but_breaks_nothing),
        ON_STAGE(an_intent_that_a_crash_left_is_told_when_the_next_worker_starts),
        ON_STAGE(results_are_found_behind_thousands_of_other_intents),
        ON_STAGE(sixty_four_mebibytes_take_a_few_seconds),
        ON_STAGE(the_expected_chain_value_is_found_only_where_it_stands),
        TEST(a_chain_value_is_64_small_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
