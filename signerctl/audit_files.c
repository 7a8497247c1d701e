/* SPDX-License-Identifier: MIT
 *
 * Opens audit files. Newest first: a file that the worker renames in between is then met twice, by
 * its inode, and not missed.
 */
#include "audit_files.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 8 };

static err_t complain(const char *name)
{
    const int why = errno;
    log_error("%s: %s%s", name, strerror(why),
        why == EACCES ? " (audit logs belong to the worker's user; root may read them)" : "");
    return why == ENOENT || why == ENOTDIR ? ERR_OBJECT_GONE
           : why == EACCES                 ? ERR_DENIED
                                           : ERR_SYSTEM;
}

/* name becomes the files'. */
static err_t append(struct audit_files *files, char *name, int fd)
{
    struct audit_file *grown = realloc(files->files, (files->count + 1) * sizeof *grown);
    if (grown == NULL)
        return ERR_MEMORY;
    files->files = grown;
    files->files[files->count++] = (struct audit_file){name, fd};
    return ERR_OK;
}

/* ERR_OBJECT_GONE without a word where it is absent and may be. */
static err_t open_one(struct audit_files *files, const char *path, bool may_be_absent, int flags)
{
    char *name = strdup(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
    err_t err = name == NULL ? ERR_MEMORY : ERR_OK;
    if (fd < 0)
        err = may_be_absent && errno == ENOENT ? ERR_OBJECT_GONE : complain(path);
    if (err == ERR_OK)
        err = append(files, name, fd);
    if (err != ERR_OK) {
        free(name);
        if (fd >= 0)
            (void)close(fd);
    }
    return err;
}

static bool last_is_there_twice(const struct audit_files *files)
{
    struct stat last;
    struct stat before;
    if (files->count < 2 || fstat(files->files[files->count - 1].fd, &last) != 0)
        return false;
    return fstat(files->files[files->count - 2].fd, &before) == 0 && last.st_dev == before.st_dev &&
           last.st_ino == before.st_ino;
}

static void turn_round(struct audit_files *files)
{
    for (size_t i = 0; i < files->count / 2; i++) {
        const struct audit_file file = files->files[i];
        files->files[i] = files->files[files->count - 1 - i];
        files->files[files->count - 1 - i] = file;
    }
}

/* ERR_INTERRUPTED: the worker began a new file meanwhile. */
static err_t open_newest_first(const char *state_dir, const char *device, struct audit_files *files)
{
    char path[PATH_MAX];
    err_t err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK; i++) {
        int n = i == 0 ? snprintf(path, sizeof path, "%s/%s/audit", state_dir, device)
                       : snprintf(path, sizeof path, "%s/%s/audit.%u", state_dir, device, i);
        if (n < 0 || (size_t)n >= sizeof path)
            return ERR_ARGUMENTS;
        err = open_one(files, path, i > 0, O_NOFOLLOW | O_NONBLOCK);
        if (err == ERR_OK && last_is_there_twice(files))
            err = ERR_INTERRUPTED;
    }
    return err == ERR_OBJECT_GONE && files->count > 0 ? ERR_OK : err;
}

static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

err_t audit_files_of_device(
    const char *state_dir, const char *device, struct audit_files *ret_files)
{
    struct audit_files files = {0};
    err_t err = ERR_INTERRUPTED;
    if (device[0] == '\0' || device[0] == '.' || strchr(device, '/') != NULL) {
        log_error("'%s' is no name of a device", device);
        return ERR_ARGUMENTS;
    }
    allow_many_files(); /* audit-files may be 10000 */
    for (unsigned i = 0; i < TRIES && err == ERR_INTERRUPTED; i++) {
        audit_files_clear(&files);
        err = open_newest_first(state_dir, device, &files);
    }
    if (err == ERR_OK) {
        turn_round(&files);
        *ret_files = files;
    } else {
        audit_files_clear(&files);
    }
    return err;
}

err_t audit_files_named(char **names, size_t count, struct audit_files *ret_files)
{
    struct audit_files files = {0};
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = open_one(&files, names[i], false, 0);
    if (err == ERR_OK)
        *ret_files = files;
    else
        audit_files_clear(&files);
    return err;
}

void audit_files_clear(struct audit_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->files[i].name);
        (void)close(files->files[i].fd);
    }
    free(files->files);
    *files = (struct audit_files){0};
}
