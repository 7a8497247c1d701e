/* SPDX-License-Identifier: MIT
 *
 * The configuration reader: every setting with its line, every doubtful line refused.
 */
#include "test.h"

#include "base/config.h"
#include "base/log.h"

enum { SETTINGS_MAX = 16 };

struct seen {
    size_t count;
    const char *refuse; /* the name of a setting that the handler complains of */
    struct config_complaints *complaints;
    struct {
        int line;
        char section[64];
        char name[64];
        char value[256];
    } all[SETTINGS_MAX];
};

static bool see(void *context, const struct config_setting *setting)
{
    struct seen *seen = context;
    assert_true(seen->count < SETTINGS_MAX);
    seen->all[seen->count].line = setting->line;
    (void)snprintf(seen->all[seen->count].section, 64, "%s", setting->section);
    (void)snprintf(seen->all[seen->count].name, 64, "%s", setting->name);
    (void)snprintf(seen->all[seen->count].value, 256, "%s", setting->value);
    seen->count++;
    if (seen->refuse == NULL || strcmp(seen->refuse, setting->name) != 0)
        return true;
    config_complain(seen->complaints, setting->file, setting->line, "%s is wrong", setting->name);
    return false;
}

static err_t read_bytes(
    const char *text, size_t len, struct seen *seen, struct config_complaints *complaints)
{
    seen->complaints = complaints;
    FILE *stream = fmemopen((void *)(uintptr_t)text, len, "r");
    assert_non_null(stream);
    err_t err = config_read(stream, "test.conf", see, seen, complaints);
    (void)fclose(stream);
    return err;
}

static void expect_setting(const struct seen *seen, size_t i, int line, const char *section,
    const char *name, const char *value)
{
    assert_true(i < seen->count);
    assert_int_equal(seen->all[i].line, line);
    assert_string_equal(seen->all[i].section, section);
    assert_string_equal(seen->all[i].name, name);
    assert_string_equal(seen->all[i].value, value);
}

static struct seen read_good(const char *text)
{
    struct seen seen = {0};
    struct config_complaints complaints = {0};
    assert_int_equal(read_bytes(text, strlen(text), &seen, &complaints), ERR_OK);
    assert_int_equal(complaints.count, 0);
    return seen;
}

static void expect_complaint(const char *text, size_t len, const char *expected, unsigned count)
{
    struct seen seen = {0};
    struct config_complaints complaints = {0};
    assert_int_equal(read_bytes(text, len, &seen, &complaints), ERR_CONFIG);
    assert_string_equal(complaints.first, expected);
    assert_int_equal(complaints.count, count);
}

static void each_setting_knows_its_line(void **state)
{
    struct seen seen = read_good("# comment\n[device demo]\n\ndriver = pkcs11\n; "
                                 "comment\nmodule=/a b/c.so\n[log]\nlevel = info");
    assert_int_equal(seen.count, 3);
    expect_setting(&seen, 0, 4, "device demo", "driver", "pkcs11");
    expect_setting(&seen, 1, 6, "device demo", "module", "/a b/c.so");
    expect_setting(&seen, 2, 8, "log", "level", "info");
    (void)state;
}

static void a_uri_in_a_value_is_not_cut(void **state)
{
    struct seen seen = read_good("[allow a]\nkey = pkcs11:token=demo;object=k#1\n");
    expect_setting(&seen, 0, 2, "allow a", "key", "pkcs11:token=demo;object=k#1");
    (void)state;
}

static void a_repeated_name_is_handed_over_each_time(void **state)
{
    struct seen seen = read_good("[a]\nuid = 1\nuid = 2\n[a]\nuid = 3\n");
    assert_int_equal(seen.count, 3);
    expect_setting(&seen, 1, 3, "a", "uid", "2");
    expect_setting(&seen, 2, 5, "a", "uid", "3");
    (void)state;
}

/* inih would take it as one more value of the line before. */
static void an_indented_setting_is_a_setting_of_its_own(void **state)
{
    struct seen seen = read_good("[a]\nuid = 1\n    gid = 2\n\tunit = x\n  [b]\n  uid = 3\n");
    assert_int_equal(seen.count, 4);
    expect_setting(&seen, 1, 3, "a", "gid", "2");
    expect_setting(&seen, 2, 4, "a", "unit", "x");
    expect_setting(&seen, 3, 6, "b", "uid", "3");
    (void)state;
}

static void an_empty_file_and_windows_lines_are_fine(void **state)
{
    assert_int_equal(read_good("\n").count, 0);
    struct seen seen = read_good("[a]\r\nuid = 1\r\n");
    expect_setting(&seen, 0, 2, "a", "uid", "1");
    (void)state;
}

static void a_line_without_an_equals_sign_is_refused(void **state)
{
    expect_complaint("[a]\nuid\n", 8, "test.conf:2: not a section, a comment or 'name = value'", 1);
    expect_complaint(
        "[a\nuid = 1\n", 11, "test.conf:1: not a section, a comment or 'name = value'", 1);
    (void)state;
}

static void a_fault_beside_a_refused_setting_is_reported_too(void **state)
{
    static const char *const texts[] = {"[a]\nnonsense\nbad = 1\n", "[a]\nbad = 1\nnonsense\n"};
    struct config_complaints complaints = {0};
    struct seen seen = {.refuse = "bad"};
    assert_int_equal(read_bytes(texts[0], strlen(texts[0]), &seen, &complaints), ERR_CONFIG);
    assert_int_equal(complaints.count, 2);
    struct config_complaints again = {0};
    seen.count = 0;
    assert_int_equal(read_bytes(texts[1], strlen(texts[1]), &seen, &again), ERR_CONFIG);
    assert_string_equal(again.first, "test.conf:2: bad is wrong");
    (void)state;
}

static void a_setting_that_the_handler_refuses_makes_the_file_bad(void **state)
{
    static const char text[] = "[a]\ngood = 1\nbad = 1\nfine = 1\n";
    struct config_complaints complaints = {0};
    struct seen seen = {.refuse = "bad"};
    assert_int_equal(read_bytes(text, strlen(text), &seen, &complaints), ERR_CONFIG);
    assert_string_equal(complaints.first, "test.conf:3: bad is wrong");
    assert_int_equal(complaints.count, 1);
    assert_int_equal(seen.count, 3);
    (void)state;
}

/* [a]\nk = xxx…: a line of that many bytes. */
static size_t line_of(char *text, size_t bytes)
{
    memcpy(text, "[a]\nk = ", 8);
    memset(text + 8, 'x', bytes - 4);
    memcpy(text + 4 + bytes, "\nl = 1\n", 8);
    return 4 + bytes + 7;
}

static void the_longest_line_is_taken_whole(void **state)
{
    char text[512];
    (void)line_of(text, 190);
    struct seen seen = read_good(text);
    assert_int_equal(seen.count, 2);
    assert_int_equal(strlen(seen.all[0].value), 186);
    (void)state;
}

static void a_longer_line_is_refused_and_not_cut(void **state)
{
    char text[1024];
    static const size_t lengths[] = {191, 199, 200, 201, 400, 800};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct seen seen = {0};
        struct config_complaints complaints = {0};
        size_t len = line_of(text, lengths[i]);
        assert_int_equal(read_bytes(text, len, &seen, &complaints), ERR_CONFIG);
        assert_string_equal(complaints.first, "test.conf:2: line is longer than 190 bytes");
        assert_int_equal(complaints.count, 1);
        assert_int_equal(seen.count, 1);
        expect_setting(&seen, 0, 3, "a", "l", "1");
    }
    (void)state;
}

/* inih keeps 49 bytes of a section's name. */
static void a_long_section_name_is_refused_and_not_cut(void **state)
{
    struct seen seen = read_good("[1234567890123456789012345678901234567890123456789]\nk = 1\n");
    assert_int_equal(strlen(seen.all[0].section), 49);
    static const char text[] = "[12345678901234567890123456789012345678901234567890]\nk = 1\n";
    expect_complaint(text, strlen(text), "test.conf:1: section name is longer than 49 bytes", 1);
    (void)state;
}

static void an_empty_section_is_refused_so_that_no_rule_is_silently_nothing(void **state)
{
    static const char middle[] = "[deny x]\n# nothing\n\n[a]\nk = 1\n";
    static const char last[] = "[a]\nk = 1\n[deny x]\n";
    expect_complaint(middle, strlen(middle), "test.conf:1: this section is empty", 1);
    expect_complaint(last, strlen(last), "test.conf:3: this section is empty", 1);
    (void)state;
}

static void a_comment_behind_a_value_is_refused_and_not_cut(void **state)
{
    static const char text[] = "[a]\nkey = pkcs11:object=a ;type=private\n";
    static const char tab[] = "[a]\nk = 1\t; one\n";
    static const char behind[] = "[a] junk\nk = 1\n";
    expect_complaint(text, strlen(text),
        "test.conf:2: a ';' behind a blank: comments stand on lines of their own", 1);
    expect_complaint(tab, strlen(tab),
        "test.conf:2: a ';' behind a blank: comments stand on lines of their own", 1);
    expect_complaint(
        behind, strlen(behind), "test.conf:1: something stands behind the section's ']'", 1);
    (void)state;
}

static void control_characters_are_refused(void **state)
{
    static const char text[] = "[a]\nk = 1\x01\n";
    for (int c = 0; c < 0x20; c++) {
        char changed[sizeof text];
        memcpy(changed, text, sizeof text);
        changed[9] = (char)c;
        if (c == '\t' || c == '\n' || c == '\r')
            continue;
        expect_complaint(changed, strlen(text), "test.conf:2: line holds a control character", 1);
    }
    expect_complaint("k = \x7f\n", 6, "test.conf:1: line holds a control character", 1);
    (void)state;
}

static void all_complaints_are_counted_and_the_first_is_kept(void **state)
{
    static const char text[] = "\x01\n\x02\n\x03\n";
    expect_complaint(text, strlen(text), "test.conf:1: line holds a control character", 3);
    (void)state;
}

static int be_quiet(void **state)
{
    (void)state;
    log_setup("config_test", (enum log_level) - 1); /* every complaint is logged, too */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_setting_knows_its_line),
        TEST(a_uri_in_a_value_is_not_cut),
        TEST(a_repeated_name_is_handed_over_each_time),
        TEST(an_indented_setting_is_a_setting_of_its_own),
        TEST(an_empty_file_and_windows_lines_are_fine),
        TEST(a_line_without_an_equals_sign_is_refused),
        TEST(a_fault_beside_a_refused_setting_is_reported_too),
        TEST(a_setting_that_the_handler_refuses_makes_the_file_bad),
        TEST(the_longest_line_is_taken_whole),
        TEST(a_longer_line_is_refused_and_not_cut),
        TEST(a_long_section_name_is_refused_and_not_cut),
        TEST(an_empty_section_is_refused_so_that_no_rule_is_silently_nothing),
        TEST(a_comment_behind_a_value_is_refused_and_not_cut),
        TEST(control_characters_are_refused),
        TEST(all_complaints_are_counted_and_the_first_is_kept),
    };
    return cmocka_run_group_tests(tests, be_quiet, NULL);
}
