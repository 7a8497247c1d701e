/* SPDX-License-Identifier: MIT
 *
 * Options of signerd-publisher: what the command line and the file say, and that everything
 * doubtful is refused with an exit code and a reason.
 */
#include "test.h"

#include "publisher/options.h"

#include "scratch.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { WORDS_MAX = 24 };

/* Reads a command line, blanks between its words. */
static bool read_line(const char *line, struct options *ret, int *ret_exit)
{
    char *words[WORDS_MAX] = {"signerd-publisher"};
    char *copy = strdup(line), *rest = copy;
    int count = 1;
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
        words[count++] = word;
    *ret_exit = -1;
    optind = 0; /* glibc: begin anew */
    bool ok = options_read(count, words, ret, ret_exit);
    free(copy);
    return ok;
}

static struct options good(const char *line)
{
    struct options options;
    int exit_code;
    if (!read_line(line, &options, &exit_code))
        fail_msg("refused with %d: %s", exit_code, line);
    return options;
}

static void bad(const char *line, int wanted, const char *reason)
{
    struct options options;
    int exit_code;
    capture_begin();
    bool ok = read_line(line, &options, &exit_code);
    char *log = capture_end();
    if (ok || exit_code != wanted || strstr(log, reason) == NULL)
        fail_msg("%s: exit %d, said '%s', wanted '%s'", line, ok ? 0 : exit_code, log, reason);
    free(log);
}

#define BASE "run --key pkcs11:object=k --owner-key o "

static void defaults_are_those_of_the_help(void **state)
{
    struct options options = good(BASE "--mqtt h:8883");
    assert_int_equal(options.command, COMMAND_RUN);
    assert_string_equal(options.sensors, "/sys/bus/w1/devices");
    assert_int_equal(options.interval_s, 60);
    assert_int_equal(options.wait_s, 60);
    assert_int_equal(options.spool_mib, 64);
    assert_int_equal(options.count, 0);
    assert_null(options.ca);
    (void)state;
}

static void doubtful_command_lines_are_refused(void **state)
{
    static const struct {
        const char *line;
        const char *reason;
    } rows[] = {
        {"", "which command"},
        {"walk", "which command"},
        {"run once", "which command"},
        {"run --nonsense", "Try 'signerd-publisher --help'"},
        {"status --key pkcs11:object=k", "--key is not for this command"},
        {"send --key k --sensors d --mqtt h:1", "--sensors is not for this command"},
        {"run --owner-key o --mqtt h:1", "--key is missing"},
        {"run --key pkcs11:object=k --mqtt h:1", "--owner-key is missing"},
        {BASE, "where to?"},
        {BASE "--mqtt h:1 --https h:1", "where to?"},
        {BASE "--mqtt h", "not HOST:PORT"},
        {BASE "--mqtt h:0", "not HOST:PORT"},
        {BASE "--mqtt h:65536", "not HOST:PORT"},
        {BASE "--mqtt h:1x", "not HOST:PORT"},
        {BASE "--mqtt :1", "not HOST:PORT"},
        {BASE "--mqtt ::1:8883", "not HOST:PORT"},
        {BASE "--https https://h:1", "not HOST:PORT"},
        {BASE "--mqtt u@h:1", "not HOST:PORT"},
        {BASE "--mqtt h:1 --interval -1", "--interval must be a number from 0 to 86400"},
        {BASE "--mqtt h:1 --interval 86401", "--interval must be a number from 0 to 86400"},
        {BASE "--mqtt h:1 --count 0", "--count must be a number from 1"},
        {BASE "--mqtt h:1 --topic a/+/b", "wildcard"},
        {BASE "--mqtt h:1 --topic a/b/c/d/e/f/g/h/i", "more than 7 slashes"},
        {"run --key pkcs11:object=k?pin-value=123456 --owner-key o --mqtt h:1", "has a PIN in it"},
        {"run --key pkcs11:object=k --owner-key pkcs11:object=o?pin-value=1 --mqtt h:1",
            "has a PIN in it"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        bad(rows[i].line, EX_USAGE, rows[i].reason);
    (void)state;
}

static void endpoints_are_taken_apart(void **state)
{
    char host[64];
    uint16_t port;
    assert_int_equal(options_endpoint("broker.example:8883", host, sizeof host, &port), ERR_OK);
    assert_string_equal(host, "broker.example");
    assert_int_equal(port, 8883);
    assert_int_equal(options_endpoint("[fd00::1]:443", host, sizeof host, &port), ERR_OK);
    assert_string_equal(host, "fd00::1");
    assert_int_equal(options_endpoint("broker.example:1", host, 14, &port), ERR_ARGUMENTS);
    (void)state;
}

static void topics_are_those_that_may_be_published_to(void **state)
{
    char long_one[300];
    memset(long_one, 'x', 257);
    long_one[257] = '\0';
    assert_non_null(options_topic_fault(long_one));
    long_one[256] = '\0';
    assert_null(options_topic_fault(long_one));
    assert_null(options_topic_fault("signerd/v1/abc/data"));
    assert_null(options_topic_fault("$aws/rules/readings/a/b/c/d/e/f/g/h"));
    assert_non_null(options_topic_fault("$aws/rules/readings/a/b/c/d/e/f/g/h/i"));
    assert_non_null(options_topic_fault(""));
    assert_non_null(options_topic_fault("a#"));
    assert_non_null(options_topic_fault("a\tb"));
    (void)state;
}

/* ---- the file ---- */

static struct scratch scratch;

static const char *line_with_file(const char *text, const char *more)
{
    static char line[256];
    scratch_write(&scratch, "conf", text, strlen(text));
    (void)snprintf(line, sizeof line, "run --config %s/conf %s", scratch.path, more);
    return line;
}

static void the_file_counts_where_the_command_line_says_nothing(void **state)
{
    scratch_make(&scratch);
    struct options options = good(line_with_file(
        "[publisher]\n# a comment\nkey = pkcs11:object=k?pin-value=123456\nowner-key = /o\n"
        "mqtt = file:1\ninterval = 5\n",
        "--interval 7"));
    assert_string_equal(options.key, "pkcs11:object=k?pin-value=123456");
    assert_string_equal(options.mqtt, "file:1");
    assert_int_equal(options.interval_s, 7);
    scratch_remove(&scratch);
    (void)state;
}

static void a_file_with_a_fault_is_refused_with_its_line(void **state)
{
    scratch_make(&scratch);
    bad(line_with_file("[publisher]\nkye = k\n", ""), EX_CONFIG,
        "conf:2: there is no setting 'kye'");
    bad(line_with_file("[publisher]\ncount = 3\n", ""), EX_CONFIG,
        "conf:2: there is no setting 'count'");
    bad(line_with_file("[publisher]\nkey = a\nkey = b\n", ""), EX_CONFIG,
        "conf:3: key is there already");
    bad(line_with_file("[other]\nkey = a\n", ""), EX_CONFIG,
        "conf:2: only the section [publisher]");
    bad(line_with_file("[publisher]\ninterval = soon\n", ""), EX_CONFIG,
        "conf:2: interval must be a number");
    bad(line_with_file("[publisher]\nkey =\n", ""), EX_CONFIG, "conf:2: key is empty");
    bad("run --config /nonexistent", EX_CONFIG, "--config /nonexistent: No such file");
    scratch_remove(&scratch);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_those_of_the_help),
        TEST(doubtful_command_lines_are_refused),
        TEST(endpoints_are_taken_apart),
        TEST(topics_are_those_that_may_be_published_to),
        TEST(the_file_counts_where_the_command_line_says_nothing),
        TEST(a_file_with_a_fault_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
