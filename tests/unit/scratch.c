/* SPDX-License-Identifier: MIT
 *
 * Scratch directories.
 */
#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(bool condition)
{
    if (!condition)
        abort();
}

void scratch_make(struct scratch *scratch)
{
    const char *parent = getenv("TMPDIR");
    (void)snprintf(
        scratch->path, sizeof scratch->path, "%s/signerd-unit-XXXXXX", parent ? parent : "/tmp");
    must(mkdtemp(scratch->path) != NULL);
    scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(scratch->fd >= 0);
}

void scratch_remove(struct scratch *scratch)
{
    DIR *directory = fdopendir(scratch->fd);
    must(directory != NULL);
    rewinddir(directory);
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL)
        if (unlinkat(dirfd(directory), entry->d_name, 0) != 0)
            (void)unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
    (void)closedir(directory);
    (void)rmdir(scratch->path);
}

static char *read_all(int fd, size_t *ret_len)
{
    struct stat status;
    must(fd >= 0 && fstat(fd, &status) == 0);
    size_t len = (size_t)status.st_size;
    char *text = malloc(len + 1);
    must(text != NULL && pread(fd, text, len, 0) == (ssize_t)len);
    text[len] = '\0';
    *ret_len = len;
    return text;
}

char *scratch_read(const struct scratch *scratch, const char *name, size_t *ret_len)
{
    int fd = openat(scratch->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = read_all(fd, ret_len);
    (void)close(fd);
    return text;
}

void scratch_write(const struct scratch *scratch, const char *name, const void *bytes, size_t len)
{
    int fd = openat(scratch->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    (void)close(fd);
}

static int captured = -1;
static int real_stderr = -1;

void capture_begin(void)
{
    captured = memfd_create("stderr", MFD_CLOEXEC);
    real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    must(captured >= 0 && real_stderr >= 0 && dup2(captured, STDERR_FILENO) >= 0);
}

char *capture_end(void)
{
    size_t len;
    must(dup2(real_stderr, STDERR_FILENO) >= 0);
    char *text = read_all(captured, &len);
    (void)close(real_stderr);
    (void)close(captured);
    return text;
}

static struct rlimit lowered(struct rlimit limit, size_t most)
{
    limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
    return limit;
}

void limit_file_size(size_t most)
{
    struct rlimit limit;
    must(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit = lowered(limit, most);
    must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

void limit_descriptors(size_t most)
{
    struct rlimit limit;
    must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit = lowered(limit, most);
    must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}
