/* SPDX-License-Identifier: MIT
 *
 * signerd.conf: each settings/NAME.in (with its NAME.in.d) gives what NAME.ok says, which is either
 * what was understood or the complaints that an administrator sees. `settings_test --update` writes
 * the .ok files anew, to be read before they are committed.
 */
#include "test.h"

#include "scratch.h"
#include "base/log.h"
#include "signerd/settings.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what was understood, as text ---- */

static void show_bytes(FILE *to, const char *name, bool has, const uint8_t *bytes, size_t len)
{
    if (!has)
        return;
    (void)fprintf(to, " %s='", name);
    for (size_t i = 0; i < len; i++)
        (void)fprintf(to, bytes[i] > 0x20 && bytes[i] < 0x7f ? "%c" : "\\x%02x", bytes[i]);
    (void)fputs("'", to);
}

static void show_numbers(FILE *to, const char *name, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)fprintf(to, " %s=%u", name, numbers[i]);
}

static void show_device(FILE *to, const struct device_settings *device)
{
    (void)fprintf(to, "device %s (%s:%d)\n  driver=%s module=%s token=%s\n", device->name,
        device->file, device->line, device->driver, device->module, device->token);
    (void)fprintf(to, "  pin-file=%s client-pin=%s user=%s\n", device->pin_file, device->client_pin,
        device->user);
    for (size_t i = 0; i < device->environment_count; i++)
        (void)fprintf(to, "  environment %s\n", device->environment[i]);
    (void)fprintf(to,
        "  spin=%d lock-memory=%s call-timeout=%u max-connections=%u max-session-objects=%u "
        "audit-file-size=%u audit-files=%u\n",
        device->spin, device->lock_memory_required ? "required" : "try", device->call_timeout_s,
        device->max_connections, device->max_session_objects, device->audit_file_mib,
        device->audit_files);
}

static void show_rule(FILE *to, const struct rule_settings *row)
{
    const struct policy_rule *rule = &row->rule;
    (void)fprintf(to, "%s %s (%s:%d, where %s) device='%s'\n ", rule->allow ? "allow" : "deny",
        row->name, row->file, row->line, rule->where, row->device);
    if (rule->any_user)
        (void)fputs(" anybody", to);
    show_numbers(to, "user", rule->users, rule->user_count);
    show_numbers(to, "group", rule->groups, rule->group_count);
    if (rule->has_class)
        (void)fprintf(to, " class=%u", rule->class);
    show_bytes(to, "label", rule->has_label, rule->label, rule->label_len);
    show_bytes(to, "id", rule->has_id, rule->id, rule->id_len);
    for (size_t i = 0; i < policy_verbs_count; i++)
        if (rule->verbs & (uint32_t)policy_verbs[i].verb)
            (void)fprintf(to, " +%s", policy_verbs[i].name);
    (void)fputc('\n', to);
}

/* What the file gives: its settings, or the complaints. The caller frees. */
static char *outcome_of(const char *path)
{
    struct settings *settings = NULL;
    capture_begin();
    err_t err = settings_read(path, &settings);
    char *complaints = capture_end();
    assert_int_equal(err == ERR_CONFIG, complaints[0] != '\0');
    if (err == ERR_CONFIG)
        return complaints;
    free(complaints);
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    (void)fprintf(to, "state-dir=%s\n", settings->state_dir);
    for (size_t i = 0; i < settings->device_count; i++)
        show_device(to, &settings->devices[i]);
    for (size_t i = 0; i < settings->rule_count; i++)
        show_rule(to, &settings->rules[i]);
    (void)fclose(to);
    settings_free(settings);
    return text;
}

/* ---- golden files ---- */

static bool update;

static int is_input(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 3 && strcmp(entry->d_name + len - 3, ".in") == 0;
}

static void check_one(const char *name)
{
    char path[512];
    char golden[64];
    size_t len;
    struct scratch folder = {"", open(SIGNERD_TEST_SETTINGS, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    (void)snprintf(path, sizeof path, "%s/%s", SIGNERD_TEST_SETTINGS, name);
    (void)snprintf(golden, sizeof golden, "%.*s.ok", (int)strlen(name) - 3, name);
    char *found = outcome_of(path);
    if (update)
        scratch_write(&folder, golden, found, strlen(found));
    char *expected = scratch_read(&folder, golden, &len);
    if (expected == NULL)
        fail_msg("%s is missing", golden);
    else if (strcmp(found, expected) != 0)
        fail_msg("%s gives\n%s\nbut %s says\n%s", name, found, golden, expected);
    free(expected);
    free(found);
    (void)close(folder.fd);
}

static void every_file_gives_what_its_golden_file_says(void **state)
{
    struct dirent **entries;
    int count = scandir(SIGNERD_TEST_SETTINGS, &entries, is_input, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        check_one(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    (void)state;
}

/* ---- what is too large for a golden file ---- */

static struct scratch scratch;
static char path[96];
static char *text;
static size_t text_len;
static FILE *writing;

static const char device[] = "driver = pkcs11\nmodule = /m\ntoken = t\n";

static int begin(void **state)
{
    (void)state;
    scratch_make(&scratch);
    (void)snprintf(path, sizeof path, "%s/t.conf", scratch.path);
    writing = open_memstream(&text, &text_len);
    return writing != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    free(text);
    scratch_remove(&scratch);
    return 0;
}

/* The outcome of what was written, as t.conf. */
static char *outcome(void)
{
    (void)fclose(writing);
    scratch_write(&scratch, "t.conf", text, text_len);
    return outcome_of(path);
}

static void expect_complaint(const char *complaint)
{
    char *found = outcome();
    assert_string_equal(found, complaint);
    free(found);
}

static void expect_fine(const char *last_line)
{
    char *found = outcome();
    assert_non_null(strstr(found, last_line));
    assert_null(strstr(found, "error"));
    free(found);
}

static void write_devices(int count)
{
    for (int i = 0; i < count; i++)
        (void)fprintf(writing, "[device d%d]\n%s", i, device);
}

static void as_many_devices_as_there_is_room_for(void **state)
{
    write_devices(SETTINGS_DEVICES_MAX);
    expect_fine("device d63 (t.conf:253)");
    (void)state;
}

static void one_device_too_many_is_told_once(void **state)
{
    write_devices(SETTINGS_DEVICES_MAX + 1);
    expect_complaint("signerd: error: t.conf:257: [device d64]: a device's name begins with no '.' "
                     "and has at most 63 of "
                     "letters, digits, '-', '_', "
                     "'.' (at most 64 devices)\n");
    (void)state;
}

static void write_rules(int count)
{
    write_devices(1);
    for (int i = 0; i < count; i++)
        (void)fprintf(writing, "[allow r%d]\nuser = %d\noperations = find\n", i, i);
}

static void as_many_rules_as_there_is_room_for(void **state)
{
    write_rules(SETTINGS_RULES_MAX);
    expect_fine("allow r1023 (t.conf:3074, where t.conf:3074) device=''\n  user=1023 +find\n");
    (void)state;
}

static void one_rule_too_many_is_told_once(void **state)
{
    write_rules(SETTINGS_RULES_MAX + 1);
    expect_complaint("signerd: error: t.conf:3077: more than 1024 rules\n");
    (void)state;
}

static void a_rule_names_so_many_users(void **state)
{
    write_devices(1);
    (void)fputs("[allow a]\noperations = find\nuser =", writing);
    for (int i = 0; i <= POLICY_LIST_MAX; i++)
        (void)fprintf(writing, " %d", i);
    (void)fputc('\n', writing);
    char *found = outcome();
    assert_non_null(strstr(found, "t.conf:7: user = 0 1 2"));
    assert_non_null(strstr(found, "too many users in one rule"));
    free(found);
    (void)state;
}

static void a_file_that_is_not_there_is_told(void **state)
{
    (void)fclose(writing);
    char *found = outcome_of(path);
    assert_non_null(strstr(found, "t.conf:0: cannot be opened: No such file or directory\n"));
    free(found);
    (void)state;
}

static void a_file_without_a_device_is_told(void **state)
{
    (void)fputs("[daemon]\nstate-dir = /srv\n", writing);
    char *found = outcome();
    assert_non_null(strstr(found, "t.conf:0: has no [device NAME]\n"));
    free(found);
    (void)state;
}

/* A URI with a PIN in it is refused, and not shown to whoever reads the log. */
static void a_pin_in_a_uri_is_not_logged(void **state)
{
    write_devices(1);
    (void)fputs("[allow a]\noperations = sign\nkey = pkcs11:object=a?pin-value=4711\n"
                "[allow b]\noperations = sign\nkey = pkcs11:object=%zz?pin-value=4711\n",
        writing);
    char *found = outcome();
    assert_non_null(strstr(found, "t.conf:7: key: "));
    assert_non_null(strstr(found, "t.conf:10: key: "));
    assert_null(strstr(found, "4711"));
    free(found);
    (void)state;
}

/* A name longer than is shown must not take the settings of one section apart. */
static void a_drop_in_with_a_long_name_is_read_as_any_other(void **state)
{
    static const char rule[] = "[allow long]\nuser = 1\nkey = pkcs11:object=a\noperations = sign\n";
    struct scratch folder = scratch;
    char name[128];
    char directory[128];
    memset(name, 'n', 100);
    memcpy(name + 100, ".conf", 6);
    (void)snprintf(directory, sizeof directory, "%s.d", path);
    assert_int_equal(mkdir(directory, 0700), 0);
    folder.fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    scratch_write(&folder, name, rule, sizeof rule - 1);
    write_devices(1);
    char *found = outcome();
    assert_non_null(strstr(found, "  user=1 label='a' +sign\n"));
    free(found);
    assert_int_equal(unlinkat(folder.fd, name, 0), 0);
    (void)close(folder.fd);
    (void)state;
}

#define WRITTEN(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(every_file_gives_what_its_golden_file_says),
        WRITTEN(as_many_devices_as_there_is_room_for),
        WRITTEN(one_device_too_many_is_told_once),
        WRITTEN(as_many_rules_as_there_is_room_for),
        WRITTEN(one_rule_too_many_is_told_once),
        WRITTEN(a_rule_names_so_many_users),
        WRITTEN(a_file_that_is_not_there_is_told),
        WRITTEN(a_file_without_a_device_is_told),
        WRITTEN(a_pin_in_a_uri_is_not_logged),
        WRITTEN(a_drop_in_with_a_long_name_is_read_as_any_other),
    };
    log_setup("signerd", LOG_LEVEL_INFO);
    update = argc == 2 && strcmp(argv[1], "--update") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
