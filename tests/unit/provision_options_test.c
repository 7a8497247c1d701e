/* SPDX-License-Identifier: MIT
 *
 * Command lines: each command knows its own options and needs those it cannot do without.
 */
#include "test.h"

#include "scratch.h"

#include "provision/options.h"

#include "base/log.h"

#include <getopt.h>
#include <stdlib.h>
#include <sysexits.h>

enum { WORDS_MAX = 80 };

static int parse(unsigned bit, const char *const *words, struct options *ret_options)
{
    const struct command command = {"test", "", "", "", bit, NULL};
    char *argv[WORDS_MAX + 1] = {(char *)(uintptr_t) "test"};
    int argc = 1;
    int exit_code = EX_OK;
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    optind = 0;
    capture_begin();
    bool good = options_parse(&command, argc, argv, ret_options, &exit_code);
    free(capture_end());
    return good ? -1 : exit_code;
}

static void values_arrive_where_they_belong(void **state)
{
    const char *const words[] = {"--key", "pkcs11:a", "--subject=/CN=a", "--san", "DNS:a", "--out",
        "f", "--san", "DNS:b", "--force", "--json", NULL};
    struct options options;
    assert_int_equal(parse(COMMAND_CSR, words, &options), -1);
    assert_string_equal(options.key, "pkcs11:a");
    assert_string_equal(options.subject, "/CN=a");
    assert_string_equal(options.out, "f");
    assert_int_equal(options.name_count, 2);
    assert_string_equal(options.names[1], "DNS:b");
    assert_true(options.force && options.json);
    assert_false(options.existing || options.replace || options.encrypt);
    assert_null(options.uri);
    assert_int_equal(options.days, 0);
    (void)state;
}

static void a_command_knows_only_its_own_options(void **state)
{
    const char *const words[] = {
        "--key", "pkcs11:a", "--cert", "f", "--replace", "--days", "3", NULL};
    const char *const fewer[] = {"--key", "pkcs11:a", "--cert", "f", "--replace", NULL};
    struct options options;
    assert_int_equal(parse(COMMAND_CERT_STORE, words, &options), EX_USAGE);
    assert_int_equal(parse(COMMAND_CERT_STORE, fewer, &options), -1);
    assert_int_equal(parse(COMMAND_CSR, fewer, &options), EX_USAGE);
    (void)state;
}

static void what_is_missing_doubled_or_too_much_is_refused(void **state)
{
    static const struct {
        unsigned bit;
        const char *words[8];
    } rows[] = {
        {COMMAND_CERT_STORE, {"--key", "a"}},
        {COMMAND_CERT_STORE, {"--key", "a", "--cert"}},
        {COMMAND_CERT_STORE, {"--key", "a", "--cert", ""}},
        {COMMAND_CERT_STORE, {"--key", "a", "--key", "b", "--cert", "c"}},
        {COMMAND_CERT_STORE, {"--key", "a", "--cert", "c", "word"}},
        {COMMAND_CERT_STORE, {"--key", "a", "--cert", "c", "--replace=yes"}},
        {COMMAND_KEY_CREATE, {NULL}},
        {COMMAND_KEY_CREATE, {"a", "b"}},
        {COMMAND_KEY_CREATE, {"a", "-x"}},
    };
    struct options options;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(parse(rows[i].bit, rows[i].words, &options), EX_USAGE);
    (void)state;
}

static void days_are_a_number_within_a_century(void **state)
{
    static const struct {
        const char *text;
        int exit_code;
    } rows[] = {{"1", -1}, {"36500", -1}, {"36501", EX_USAGE}, {"0", EX_USAGE}, {"-1", EX_USAGE},
        {"+1", EX_USAGE}, {" 1", EX_USAGE}, {"1d", EX_USAGE}, {"0x10", EX_USAGE},
        {"99999999999999999999", EX_USAGE}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *const words[] = {
            "--key", "a", "--subject", "b", "--out", "c", "--days", rows[i].text, NULL};
        struct options options;
        assert_int_equal(parse(COMMAND_CA_CREATE, words, &options), rows[i].exit_code);
    }
    (void)state;
}

static void names_beyond_the_most_are_refused(void **state)
{
    const char *words[WORDS_MAX] = {"--key", "a", "--subject", "b", "--out", "c"};
    struct options options;
    for (int i = 0; i < OPTIONS_NAMES_MAX; i++) {
        words[6 + 2 * i] = "--san";
        words[7 + 2 * i] = "DNS:a";
    }
    assert_int_equal(parse(COMMAND_CSR, words, &options), -1);
    words[6 + 2 * OPTIONS_NAMES_MAX] = "--san=DNS:a";
    assert_int_equal(parse(COMMAND_CSR, words, &options), EX_USAGE);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_arrive_where_they_belong),
        TEST(a_command_knows_only_its_own_options),
        TEST(what_is_missing_doubled_or_too_much_is_refused),
        TEST(days_are_a_number_within_a_century),
        TEST(names_beyond_the_most_are_refused),
    };
    log_setup("provision_options_test", LOG_LEVEL_INFO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
