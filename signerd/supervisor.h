/* SPDX-License-Identifier: MIT
 *
 * The parent's hold on one device: its socket, its worker, and the hand-over of connections. The
 * parent reads the kernel's word on who connected; it never reads a byte that a client sent, and
 * never a PIN: it opens PIN files and hands on the descriptors.
 */
#ifndef SIGNERD_SUPERVISOR_H
#define SIGNERD_SUPERVISOR_H

#include "settings.h"

#include <poll.h>

struct supervised;

struct supervisor_options {
    const char *runtime_dir;
    const char *worker_program; /* path of signerd-worker */
};

/* Binds DEVICE.sock and starts the worker. settings is copied. Faults that the administrator can
 * mend are logged. The caller frees. */
err_t supervised_new(const struct supervisor_options *options, const struct settings *settings,
    const struct device_settings *device, struct supervised **ret_supervised);

/* Ends the worker. The socket file stays, so that the slot stays for programs; nobody listens
 * there. */
void supervised_free(struct supervised *supervised);

const struct device_settings *supervised_device(const struct supervised *supervised);

/* True once the worker has answered that it takes connections (with or without its device). */
bool supervised_ready(const struct supervised *supervised);

/* New rules for the running worker and all that follow. */
err_t supervised_set_policy(struct supervised *supervised, const struct settings *settings);

/* What the parent shall poll for (2 rows), then what came of it. */
enum { SUPERVISED_POLLS = 2 };
void supervised_polls(const struct supervised *supervised, struct pollfd polls[SUPERVISED_POLLS]);
void supervised_polled(struct supervised *supervised, const struct pollfd polls[SUPERVISED_POLLS]);

/* A child has ended: true when it was this one's worker. */
bool supervised_reaped(struct supervised *supervised, pid_t pid, int status);

/* Time-driven work: back-off before a restart, the watch over calls that hang. Returns clock_us of
 * the next. */
uint64_t supervised_tick(struct supervised *supervised, uint64_t now_us);

#endif
