/* SPDX-License-Identifier: MIT
 *
 * Secret memory. munmap is wrapped (linker --wrap), to look at the pages in the moment in which
 * they go.
 */
#include "test.h"

#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned unmapped;
static unsigned unmapped_with_content;

int __real_munmap(void *start, size_t len);
int __wrap_munmap(void *start, size_t len);

int __wrap_munmap(void *start, size_t len)
{
    unmapped++;
    for (size_t i = 0; i < len; i++)
        if (((const uint8_t *)start)[i] != 0) {
            unmapped_with_content++;
            break;
        }
    return __real_munmap(start, len);
}

/* secret_read over a pipe that holds the bytes. */
static err_t read_bytes(const void *bytes, size_t len, size_t max, struct secret **ret_secret)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, len), (ssize_t)len);
    (void)close(ends[1]);
    err_t err = secret_read(ends[0], max, ret_secret);
    (void)close(ends[0]);
    return err;
}

static void expect_content(const char *written, size_t max, const char *expected)
{
    struct secret *secret = NULL;
    assert_int_equal(read_bytes(written, strlen(written), max, &secret), ERR_OK);
    assert_true(span_equal(secret_bytes(secret), span_of_text(expected)));
    secret_free(secret);
}

static void one_trailing_newline_is_dropped_and_no_more(void **state)
{
    expect_content("1234", 8, "1234");
    expect_content("1234\n", 8, "1234");
    expect_content("1234\n\n", 8, "1234\n");
    expect_content(" 12\n34 \n", 8, " 12\n34 ");
    (void)state;
}

static void the_longest_content_is_read_whole(void **state)
{
    expect_content("12345678", 8, "12345678");
    expect_content("1", 1, "1");
    (void)state;
}

static void a_longer_or_empty_content_is_refused_and_wiped(void **state)
{
    static const char *const wrong[] = {
        "", "\n", "123456789", "123456789\n", "12345678901234567890"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct secret *secret = NULL;
        unmapped = unmapped_with_content = 0;
        assert_int_equal(read_bytes(wrong[i], strlen(wrong[i]), 8, &secret), ERR_CONFIG);
        assert_null(secret);
        assert_int_equal(unmapped, 1);
        assert_int_equal(unmapped_with_content, 0);
    }
    (void)state;
}

static void a_descriptor_that_cannot_be_read_is_a_system_error(void **state)
{
    struct secret *secret = NULL;
    assert_int_equal(secret_read(-1, 8, &secret), ERR_SYSTEM);
    assert_null(secret);
    (void)state;
}

static void sizes_are_bounded(void **state)
{
    struct secret *secret = NULL;
    assert_int_equal(secret_new(0, &secret), ERR_ARGUMENTS);
    assert_int_equal(secret_new((4 << 20) + 1, &secret), ERR_ARGUMENTS);
    assert_null(secret);
    assert_int_equal(secret_new(4 << 20, &secret), ERR_OK);
    assert_int_equal(secret_bytes(secret).len, 4 << 20);
    secret_free(secret);
    (void)state;
}

static void free_wipes_before_the_pages_go(void **state)
{
    struct secret *secret = NULL;
    unmapped = unmapped_with_content = 0;
    assert_int_equal(read_bytes("top secret", 10, 64, &secret), ERR_OK);
    secret_free(secret);
    assert_int_equal(unmapped, 1);
    assert_int_equal(unmapped_with_content, 0);
    secret_free(NULL);
    (void)state;
}

static void a_forked_child_has_zeroes(void **state)
{
    struct secret *secret = NULL;
    assert_int_equal(read_bytes("top secret", 10, 64, &secret), ERR_OK);
    struct span bytes = secret_bytes(secret);
    pid_t child = fork();
    if (child == 0) {
        unsigned rest = 0;
        for (size_t i = 0; i < bytes.len; i++)
            rest |= bytes.ptr[i];
        _exit(rest == 0 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    secret_free(secret);
    (void)state;
}

/* The line "VmFlags:" of the mapping that holds ptr. */
static void flags_of(const void *ptr, char *ret_flags, size_t size)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    char line[512];
    bool inside = false;
    ret_flags[0] = '\0';
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start;
        unsigned long end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            inside = (uintptr_t)ptr >= start && (uintptr_t)ptr < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            (void)snprintf(ret_flags, size, "%s", line);
    }
    (void)fclose(maps);
}

static bool sanitizers_ignore_mlock(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
    return false;
}

static void the_pages_are_locked_and_left_out_of_core_files(void **state)
{
    struct secret *secret = NULL;
    struct rlimit limit;
    char flags[512];
    assert_int_equal(secret_new(32, &secret), ERR_OK);
    flags_of(secret_bytes(secret).ptr, flags, sizeof flags);
    assert_non_null(strstr(flags, " dd")); /* do not dump */
    assert_non_null(strstr(flags, " wf")); /* wipe on fork */
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (!sanitizers_ignore_mlock() && limit.rlim_cur >= 1 << 16)
        assert_non_null(strstr(flags, " lo"));
    secret_free(secret);
    (void)state;
}

static void equal_compares_content_and_length(void **state)
{
    assert_true(secret_equal(span_of_text("abc"), span_of_text("abc")));
    assert_true(secret_equal(span_of(NULL, 0), span_of_text("")));
    assert_false(secret_equal(span_of_text("abc"), span_of_text("abd")));
    assert_false(secret_equal(span_of_text("bbc"), span_of_text("abc")));
    assert_false(secret_equal(span_of_text("abc"), span_of_text("abcd")));
    assert_false(secret_equal(span_of("\x80", 1), span_of("\0", 1)));
    (void)state;
}

static void wipe_leaves_zeroes(void **state)
{
    uint8_t bytes[33];
    memset(bytes, 0xaa, sizeof bytes);
    secret_wipe(bytes, 32);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(bytes[i], 0);
    assert_int_equal(bytes[32], 0xaa);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_trailing_newline_is_dropped_and_no_more),
        TEST(the_longest_content_is_read_whole),
        TEST(a_longer_or_empty_content_is_refused_and_wiped),
        TEST(a_descriptor_that_cannot_be_read_is_a_system_error),
        TEST(sizes_are_bounded),
        TEST(free_wipes_before_the_pages_go),
        TEST(a_forked_child_has_zeroes),
        TEST(the_pages_are_locked_and_left_out_of_core_files),
        TEST(equal_compares_content_and_length),
        TEST(wipe_leaves_zeroes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
