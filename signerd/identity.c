/* SPDX-License-Identifier: MIT
 *
 * Identity from the kernel: SO_PEERCRED and SO_PEERGROUPS, then the start time, read while a pidfd
 * shows that the process number has not been given to another process.
 */
#include "identity.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STAT_FIELD_START_TIME = 22, STAT_FIELD_AFTER_NAME = 3 };

bool identity_parse_start_time(const char *stat, uint64_t *ret_start_time)
{
    const char *at = strrchr(stat, ')');
    if (at == NULL)
        return false;
    for (int field = STAT_FIELD_AFTER_NAME - 1; field < STAT_FIELD_START_TIME; field++) {
        at = strchr(at + 1, ' ');
        if (at == NULL)
            return false;
    }
    char *end;
    errno = 0;
    uint64_t value = strtoull(at + 1, &end, 10);
    if (!isdigit((unsigned char)at[1]) || errno != 0 ||
        (*end != ' ' && *end != '\n' && *end != '\0'))
        return false;
    *ret_start_time = value;
    return true;
}

static bool read_start_time(pid_t pid, uint64_t *ret_start_time)
{
    char path[32];
    char text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    (void)close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return identity_parse_start_time(text, ret_start_time);
}

/* A pidfd is readable once its process has ended. */
static bool still_runs(int pidfd)
{
    struct pollfd poller = {.fd = pidfd, .events = POLLIN};
    return poll(&poller, 1, 0) == 0;
}

static bool read_groups(int connection, uint32_t gid, struct identity *identity)
{
    gid_t groups[IDENTITY_GROUPS_MAX - 1];
    socklen_t len = sizeof groups;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
        return false;
    identity->groups[0] = gid;
    identity->group_count = 1;
    for (size_t i = 0; i < len / sizeof groups[0]; i++)
        identity->groups[identity->group_count++] = groups[i];
    return true;
}

err_t identity_of_peer(int connection, struct identity *ret_identity)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return ERR_SYSTEM;
    int pidfd = pidfd_open(peer.pid, 0);
    if (pidfd < 0)
        return ERR_DENIED;

    ret_identity->uid = peer.uid;
    ret_identity->pid = (uint32_t)peer.pid;
    bool ok = read_groups(connection, peer.gid, ret_identity) &&
              read_start_time(peer.pid, &ret_identity->start_time) && still_runs(pidfd);
    (void)close(pidfd);
    return ok ? ERR_OK : ERR_DENIED;
}

bool identity_in_group(const struct identity *identity, uint32_t gid)
{
    for (size_t i = 0; i < identity->group_count; i++)
        if (identity->groups[i] == gid)
            return true;
    return false;
}
