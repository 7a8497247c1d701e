/* SPDX-License-Identifier: MIT
 *
 * Files are written whole or not at all, and what exists is safe.
 */
#include "test.h"

#include "scratch.h"

#include "provision/file.h"

#include "base/log.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct scratch scratch;
static char path[128];

static int make(void **state)
{
    (void)state;
    scratch_make(&scratch);
    (void)snprintf(path, sizeof path, "%s/file", scratch.path);
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static unsigned entries(void)
{
    unsigned count = 0;
    DIR *directory = opendir(scratch.path);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    (void)closedir(directory);
    return count;
}

static void expect_content(const char *content)
{
    size_t len = 0;
    char *found = scratch_read(&scratch, "file", &len);
    assert_non_null(found);
    assert_string_equal(found, content);
    free(found);
}

static err_t quiet_write(const char *content, bool force)
{
    capture_begin();
    err_t err = file_write(path, span_of_text(content), 0600, force);
    free(capture_end());
    return err;
}

static void a_new_file_has_content_and_mode_and_nothing_beside_it(void **state)
{
    struct stat info;
    assert_int_equal(file_write(path, span_of_text("one"), 0640, false), ERR_OK);
    expect_content("one");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_int_equal(entries(), 1);
    (void)state;
}

static void a_file_that_exists_is_replaced_by_force_alone(void **state)
{
    scratch_write(&scratch, "file", "old", 3);
    assert_int_equal(quiet_write("new", false), ERR_EXISTS);
    capture_begin();
    assert_int_equal(file_expect_free(path, false), ERR_EXISTS);
    free(capture_end());
    expect_content("old");
    assert_int_equal(entries(), 1);
    assert_int_equal(file_expect_free(path, true), ERR_OK);
    assert_int_equal(quiet_write("new", true), ERR_OK);
    expect_content("new");
    assert_int_equal(entries(), 1);
    (void)state;
}

static void a_link_that_leads_nowhere_is_a_file_that_exists(void **state)
{
    char target[160];
    (void)snprintf(target, sizeof target, "%s.elsewhere", path);
    assert_int_equal(symlink(target, path), 0);
    capture_begin();
    assert_int_equal(file_expect_free(path, false), ERR_EXISTS);
    assert_int_equal(file_write(path, span_of_text("new"), 0600, false), ERR_EXISTS);
    free(capture_end());
    assert_int_not_equal(access(target, F_OK), 0);
    assert_int_equal(quiet_write("new", true), ERR_OK); /* the link, not what it leads to */
    assert_int_not_equal(access(target, F_OK), 0);
    (void)state;
}

static void a_full_disk_leaves_the_old_file_and_no_other(void **state)
{
    scratch_write(&scratch, "file", "old", 3);
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_file_size(2);
    err_t err = quiet_write("a new content", true);
    limit_file_size(SIZE_MAX);
    assert_int_equal(err, ERR_SYSTEM);
    expect_content("old");
    assert_int_equal(entries(), 1);
    (void)state;
}

static void what_is_read_is_whole_and_bounded(void **state)
{
    struct span bytes = {NULL, 0};
    char *large = calloc(1, FILE_MAX + 1);
    scratch_write(&scratch, "file", large, FILE_MAX);
    assert_int_equal(file_read(path, &bytes), ERR_OK);
    assert_int_equal(bytes.len, FILE_MAX);
    file_free(bytes);
    scratch_write(&scratch, "file", large, FILE_MAX + 1);
    capture_begin();
    assert_int_equal(file_read(path, &bytes), ERR_INPUT);
    assert_int_equal(file_read(scratch.path, &bytes), ERR_FILE); /* a directory */
    assert_int_equal(file_read("/nonexistent", &bytes), ERR_FILE);
    free(capture_end());
    free(large);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_new_file_has_content_and_mode_and_nothing_beside_it, make, remove_all),
        cmocka_unit_test_setup_teardown(
            a_file_that_exists_is_replaced_by_force_alone, make, remove_all),
        cmocka_unit_test_setup_teardown(
            a_link_that_leads_nowhere_is_a_file_that_exists, make, remove_all),
        cmocka_unit_test_setup_teardown(
            a_full_disk_leaves_the_old_file_and_no_other, make, remove_all),
        cmocka_unit_test_setup_teardown(what_is_read_is_whole_and_bounded, make, remove_all),
    };
    log_setup("provision_file_test", LOG_LEVEL_INFO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
