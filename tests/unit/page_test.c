/* SPDX-License-Identifier: MIT
 *
 * The page of the generation: what the worker says, a client reads, and a client can do no more.
 */
#include "test.h"

#include "wire/page.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct page *page;
static int page_fd;

static int make(void **state)
{
    (void)state;
    return page_make(&page, &page_fd) == ERR_OK ? 0 : -1;
}

static int unmake(void **state)
{
    (void)state;
    page_unmap(page);
    return close(page_fd);
}

static void what_the_worker_tells_is_read(void **state)
{
    const struct page *mine;
    assert_int_equal(page_map(dup(page_fd), &mine), ERR_OK);
    assert_int_equal(page_generation(mine), 0);
    page_tell(page, UINT64_MAX - 7);
    assert_true(page_generation(mine) == UINT64_MAX - 7);
    page_tell(NULL, 3);
    page_unmap(mine);
    page_unmap(NULL);
    (void)state;
}

static void another_process_reads_it_and_dies_of_writing(void **state)
{
    const pid_t child = fork();
    if (child == 0) {
        const struct page *mine;
        (void)signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on with the next test */
        if (page_map(dup(page_fd), &mine) != ERR_OK)
            _exit(2);
        while (page_generation(mine) == 0)
            (void)usleep(1000);
        page_tell((struct page *)(uintptr_t)mine, 1);
        _exit(1);
    }
    page_tell(page, 42);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    assert_int_equal(page_generation(page), 42);
    (void)state;
}

static void a_client_cannot_make_it_writable_nor_change_its_size(void **state)
{
    const struct page *mine;
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", page_fd);
    const int again = open(path, O_RDWR | O_CLOEXEC);
    const int fds[] = {page_fd, again};
    for (size_t i = 0; i < COUNT(fds); i++) {
        if (fds[i] < 0)
            continue;
        assert_ptr_equal(mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0), MAP_FAILED);
        assert_int_equal(pwrite(fds[i], "x", 1, 0), -1);
        assert_int_equal(ftruncate(fds[i], 0), -1);
        assert_int_equal(ftruncate(fds[i], 1 << 20), -1);
        assert_int_equal(fallocate(fds[i], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8), -1);
        assert_int_equal(fcntl(fds[i], F_ADD_SEALS, F_SEAL_WRITE), -1);
    }
    assert_int_equal(page_map(again >= 0 ? again : dup(page_fd), &mine), ERR_OK);
    assert_int_equal(mprotect((void *)(uintptr_t)mine, 8, PROT_READ | PROT_WRITE), -1);
    page_unmap(mine);
    (void)state;
}

/* Else who reads it would die of SIGBUS once it shrinks. */
static void what_could_shrink_or_is_too_small_is_refused_and_closed(void **state)
{
    const struct page *mine = NULL;
    for (unsigned kind = 0; kind < 4; kind++) {
        const int fd = memfd_create("no page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, kind == 2 ? 4 : kind == 3 ? 0 : 8), 0);
        if (kind > 0)
            assert_int_equal(
                fcntl(fd, F_ADD_SEALS, kind == 1 ? F_SEAL_GROW : F_SEAL_GROW | F_SEAL_SHRINK), 0);
        assert_int_equal(page_map(fd, &mine), ERR_BAD_MESSAGE);
        assert_int_equal(fcntl(fd, F_GETFD), -1);
    }
    assert_int_equal(page_map(open("/dev/null", O_RDONLY | O_CLOEXEC), &mine), ERR_BAD_MESSAGE);
    assert_null(mine);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_worker_tells_is_read),
        TEST(another_process_reads_it_and_dies_of_writing),
        TEST(a_client_cannot_make_it_writable_nor_change_its_size),
        TEST(what_could_shrink_or_is_too_small_is_refused_and_closed),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
