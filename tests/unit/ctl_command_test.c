/* SPDX-License-Identifier: MIT
 *
 * signerctl's command lines and what it prints.
 */
#include "test.h"

#include "scratch.h"
#include "base/log.h"
#include "signerctl/explain.h"
#include "signerctl/options.h"
#include "signerctl/output.h"
#include "signerd/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- command lines ---- */

static const struct option_row rows[] = {
    {"device", "NAME", offsetof(struct options, device), "a device"},
    {"json", NULL, offsetof(struct options, json), "print JSON"},
    {"yes", NULL, offsetof(struct options, yes), "do not ask"},
};
static const struct command command = {"test", "URI", 1, 2, rows, COUNT(rows), NULL, "", ""};

/* The words behind the command's name. */
static bool parse(const char *line, struct options *ret_options, int *ret_exit)
{
    static char words[256]; /* both stay: what is parsed points into them */
    static char *argv[16];
    int argc = 1;
    char *rest = NULL;
    argv[0] = (char *)"test";
    (void)snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    argv[argc] = NULL;
    capture_begin();
    const bool goes_on = options_parse(&command, argc, argv, ret_options, ret_exit);
    free(capture_end());
    return goes_on;
}

static void options_and_words_may_stand_in_any_order(void **state)
{
    static const char *const lines[] = {"--device d --json uri", "uri --json --device=d",
        "--json uri --device d", "--device d --json -- uri"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct options options;
        int exit_code;
        assert_true(parse(lines[i], &options, &exit_code));
        assert_string_equal(options.device, "d");
        assert_true(options.json);
        assert_false(options.yes);
        assert_int_equal(options.count, 1);
        assert_string_equal(options.words[0], "uri");
    }
    (void)state;
}

static void a_wrong_command_line_is_64(void **state)
{
    static const char *const lines[] = {
        "", "a b c", "--unknown a", "--device", "--json=x a", "-j a", "--pin 1234 a"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct options options;
        int exit_code = EX_OK;
        assert_false(parse(lines[i], &options, &exit_code));
        assert_int_equal(exit_code, EX_USAGE);
    }
    (void)state;
}

/* ---- output ---- */

static void json_holds_utf8_alone_and_says_where_there_was_none(void **state)
{
    static const struct {
        struct span bytes;
        const char *text;
    } cases[] = {
        {{(const uint8_t *)"plain", 5}, "plain"},
        {{(const uint8_t *)"\xc3\xa4\xe2\x82\xac", 5}, "\xc3\xa4\xe2\x82\xac"},
        {{(const uint8_t *)"a\xff", 2}, "a\xef\xbf\xbd"},
        {{(const uint8_t *)"\xc3", 1}, "\xef\xbf\xbd"},
        {{(const uint8_t *)"\xc0\x80", 2}, "\xef\xbf\xbd\xef\xbf\xbd"},
        {{(const uint8_t *)"\xed\xa0\x80", 3}, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {{(const uint8_t *)"", 0}, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_object *object = output_text(cases[i].bytes);
        assert_string_equal(json_object_get_string(object), cases[i].text);
        (void)json_object_put(object);
    }
    (void)state;
}

/* What is printed on standard output meanwhile. */
static char *printed(void (*print)(struct json_object *), struct json_object *object)
{
    char *text = NULL;
    size_t len = 0;
    FILE *before = stdout;
    FILE *memory = open_memstream(&text, &len);
    assert_non_null(memory);
    stdout = memory;
    print(object);
    stdout = before;
    (void)fclose(memory);
    return text;
}

static void print_table(struct json_object *list)
{
    static const struct output_column columns[] = {{"NAME", "name", 0}, {"N", "n", 3}};
    output_table(list, columns, COUNT(columns));
}

static void add_row(struct json_object *list, const char *name, struct json_object *n)
{
    struct json_object *row = json_object_new_object();
    output_add(row, "name", output_text(span_of_text(name)));
    output_add(row, "n", n);
    (void)json_object_array_add(list, row);
}

static void a_table_is_aligned_and_cannot_move_the_cursor(void **state)
{
    struct json_object *list = json_object_new_array();
    add_row(list, "\xc3\xa4", json_object_new_int(1));
    add_row(list, "a\x1b[2J\n", NULL);
    add_row(list, "\xc2\x9b", json_object_new_string("123456"));
    char *text = printed(print_table, list);
    assert_string_equal(text, "NAME          N\n"
                              "\xc3\xa4             1\n"
                              "a\\x1b[2J\\x0a  -\n"
                              "\\x9b          123\xe2\x80\xa6\n");
    free(text);
    (void)json_object_put(list);
    (void)state;
}

/* ---- operations ---- */

/* signerctl must not include signerd/: so its list is compared here. */
static void policy_explain_knows_each_operation_of_the_worker_and_no_other(void **state)
{
    assert_int_equal(explain_operations_count, policy_verbs_count);
    for (size_t i = 0; i < policy_verbs_count; i++) {
        bool known = false;
        for (size_t j = 0; j < explain_operations_count; j++)
            if (strcmp(policy_verbs[i].name, explain_operations[j].name) == 0)
                known =
                    explain_operations[j].has_key == ((policy_verbs[i].verb & VERBS_KEYLESS) == 0);
        assert_true(known);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(options_and_words_may_stand_in_any_order),
        TEST(a_wrong_command_line_is_64),
        TEST(json_holds_utf8_alone_and_says_where_there_was_none),
        TEST(a_table_is_aligned_and_cannot_move_the_cursor),
        TEST(policy_explain_knows_each_operation_of_the_worker_and_no_other),
    };
    log_setup("ctl_command_test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
