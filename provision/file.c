/* SPDX-License-Identifier: MIT
 *
 * Whole files.
 */
#include "file.h"

#include "base/log.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

err_t file_read(const char *path, struct span *ret_bytes)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        log_error("%s: cannot read it: %s", path, strerror(errno));
        return ERR_FILE;
    }
    uint8_t *bytes = malloc(FILE_MAX + 1);
    err_t err = bytes != NULL ? ERR_OK : ERR_MEMORY;
    size_t len = 0;
    if (err == ERR_OK) {
        (void)setvbuf(file, NULL, _IONBF, 0); /* no copy of a key stays in a buffer of stdio */
        len = fread(bytes, 1, FILE_MAX + 1, file);
        if (ferror(file)) {
            log_error("%s: cannot read it: %s", path, strerror(errno));
            err = ERR_FILE;
        } else if (len > FILE_MAX) {
            log_error("%s: is larger than %d bytes", path, FILE_MAX);
            err = ERR_INPUT;
        }
    }
    (void)fclose(file);
    if (err != ERR_OK) {
        file_free(span_of(bytes, len));
        return err;
    }
    *ret_bytes = span_of(bytes, len);
    return ERR_OK;
}

void file_free(struct span bytes)
{
    secret_wipe_span(bytes);
    free((void *)(uintptr_t)bytes.ptr);
}

static err_t exists(const char *path)
{
    log_error(
        "%s: exists already; take another name, or say --force (which overwrites no key)", path);
    return ERR_EXISTS;
}

err_t file_expect_free(const char *path, bool force)
{
    struct stat info;
    return !force && lstat(path, &info) == 0 ? exists(path) : ERR_OK;
}

static bool write_all(int fd, struct span bytes)
{
    struct reader rest = reader_of(bytes);
    while (reader_more(&rest)) {
        ssize_t n = write(fd, rest.at, rest.left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        (void)read_span(&rest, (size_t)n);
    }
    return true;
}

/* Gives temporary the name path. Where the file system cannot rename without overwriting, a second
 * link does the same. */
static bool take_name(const char *temporary, const char *path, bool force)
{
    if (force)
        return rename(temporary, path) == 0;
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    if (link(temporary, path) != 0)
        return false;
    (void)unlink(temporary);
    return true;
}

static void sync_directory(const char *path)
{
    char copy[PATH_MAX];
    (void)snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

err_t file_write(const char *path, struct span bytes, mode_t mode, bool force)
{
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int fd = n > 0 && (size_t)n < sizeof temporary ? mkostemp(temporary, O_CLOEXEC) : -1;
    bool done = fd >= 0 && write_all(fd, bytes) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    if (fd >= 0 && close(fd) != 0)
        done = false;
    done = done && take_name(temporary, path, force);
    if (done) {
        sync_directory(path);
        return ERR_OK;
    }
    int why = errno;
    if (fd >= 0)
        (void)unlink(temporary);
    if (why == EEXIST)
        return exists(path);
    log_error("%s: cannot write it: %s", path, strerror(why));
    return ERR_SYSTEM;
}
