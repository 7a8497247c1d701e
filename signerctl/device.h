/* SPDX-License-Identifier: MIT
 *
 * Devices as signerctl meets them: a connection to each device socket, with what HELLO told. One
 * call at a time; nothing is tried twice.
 */
#ifndef SIGNERCTL_DEVICE_H
#define SIGNERCTL_DEVICE_H

#include "wire/link.h"

enum { DEVICE_MECHANISMS_MAX = 256 };

struct device {
    char *name;
    struct link *link; /* NULL: not reachable */
    err_t err;         /* why not, else ERR_OK */
    /* Of the HELLO reply; empty while the device is not present. */
    bool present;
    bool login_required;
    bool logged_in;
    char label[33];
    char manufacturer[33];
    char model[17];
    char serial[17];
    size_t mechanism_count;
    struct wire_mechanism mechanisms[DEVICE_MECHANISMS_MAX];
};

struct devices {
    size_t count;
    struct device **rows; /* by name */
};

/* Connects to all device sockets, or to that of the device of this name alone. A device that is not
 * reachable is in the list too. Logs where there is none at all (ERR_UNREACHABLE), or not the named
 * one (ERR_TOKEN_ABSENT). The caller clears. */
err_t devices_open(const char *name, struct devices *ret_devices);
void devices_clear(struct devices *devices);

/* One call, up to 180 s. The reply's BYTES stay until the next call. Logs nothing. */
err_t device_call(
    struct device *device, enum wire_operation operation, const void *request, void *ret_reply);

/* Logs in where the device wants a client PIN and has none: from pin_file, or by a prompt. Logs
 * what goes wrong. */
err_t device_login(struct device *device, const char *pin_file);

/* "daemon is not reachable (is signerd running?)" and so on. */
const char *device_why(err_t err);

#endif
