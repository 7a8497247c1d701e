/* SPDX-License-Identifier: MIT
 *
 * Who is at the other end of a connection, as the kernel says. Read by the parent at accept,
 * carried to the worker, used by policy, queue and audit. Nothing here ever comes from the client.
 *
 * It is the process that connected: one that hands its connected socket to another process lends it
 * its rights.
 */
#ifndef SIGNERD_IDENTITY_H
#define SIGNERD_IDENTITY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { IDENTITY_GROUPS_MAX = 1024 };

struct identity {
    uint32_t uid;
    uint32_t pid;
    uint64_t start_time; /* of the process, clock ticks since boot: with pid it names one process
                            for ever */
    size_t group_count;
    uint32_t groups[IDENTITY_GROUPS_MAX]; /* primary and supplementary */
};

/* ERR_DENIED for a process that has ended already, or that has more groups than
 * IDENTITY_GROUPS_MAX. */
err_t identity_of_peer(int connection, struct identity *ret_identity);

bool identity_in_group(const struct identity *identity, uint32_t gid);

/* The start time in a /proc/PID/stat text (field 22, proc(5)); false where there is none. The
 * command name in it may hold any byte, so fields are counted from the last ')'. */
bool identity_parse_start_time(const char *stat, uint64_t *ret_start_time);

#endif
