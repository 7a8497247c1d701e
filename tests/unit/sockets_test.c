/* SPDX-License-Identifier: MIT
 *
 * Which device sockets there are.
 */
#include "test.h"

#include "scratch.h"
#include "wire/sockets.h"

#include <stdlib.h>

enum { LIST_ROOM = 256, STOPPED = 7 };

static int append(void *context, const char *file)
{
    char *list = context;
    strcat(list, file);
    strcat(list, " ");
    return 0;
}

static int stop(void *context, const char *file)
{
    (void)append(context, file);
    return STOPPED;
}

static void sockets_are_listed_by_name_and_nothing_else_is(void **state)
{
    static const char *const files[] = {"b.sock", "a.sock", "a.b.sock", "A.sock", ".hidden.sock",
        ".sock", ".lock", "a.socket", "sock", "a.sock.old"};
    char list[LIST_ROOM] = "";
    struct scratch scratch;
    scratch_make(&scratch);
    for (size_t i = 0; i < COUNT(files); i++)
        scratch_write(&scratch, files[i], "", 0);
    assert_int_equal(sockets_each(scratch.path, append, list), 0);
    assert_string_equal(list, "A.sock a.b.sock a.sock b.sock ");
    list[0] = '\0';
    assert_int_equal(sockets_each(scratch.path, stop, list), STOPPED);
    assert_string_equal(list, "A.sock ");
    scratch_remove(&scratch);
    (void)state;
}

static void a_directory_that_is_absent_holds_none(void **state)
{
    char list[LIST_ROOM] = "";
    assert_int_equal(sockets_each("/nonexistent/directory", append, list), 0);
    assert_string_equal(list, "");
    (void)state;
}

static void a_name_is_what_stands_before_its_end(void **state)
{
    assert_int_equal(sockets_name_length("demo.sock"), 4);
    assert_int_equal(sockets_name_length("a.b.sock"), 3);
    assert_int_equal(sockets_name_length(".sock"), 0);
    assert_int_equal(sockets_name_length("demo"), 0);
    assert_int_equal(sockets_name_length(""), 0);
    (void)state;
}

static void the_environment_says_another_directory(void **state)
{
    assert_int_equal(setenv("SIGNERD_RUNTIME_DIR", "/elsewhere", 1), 0);
    assert_string_equal(sockets_directory(), "/elsewhere");
    assert_int_equal(unsetenv("SIGNERD_RUNTIME_DIR"), 0);
    assert_string_not_equal(sockets_directory(), "/elsewhere");
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sockets_are_listed_by_name_and_nothing_else_is),
        TEST(a_directory_that_is_absent_holds_none),
        TEST(a_name_is_what_stands_before_its_end),
        TEST(the_environment_says_another_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
