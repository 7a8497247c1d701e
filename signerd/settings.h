/* SPDX-License-Identifier: MIT
 *
 * What signerd.conf says, read by the parent. It names files with PINs but never opens them.
 */
#ifndef SIGNERD_SETTINGS_H
#define SIGNERD_SETTINGS_H

#include "policy.h"

#include "base/config.h"

#include <limits.h>

enum {
    SETTINGS_DEVICES_MAX = 64,
    SETTINGS_RULES_MAX = 1024,
    SETTINGS_ENVIRONMENT_MAX = 8,
    SETTINGS_TEXT_MAX = 192, /* no line is longer */
    SETTINGS_NAME_MAX = 64,
    SETTINGS_TOKEN_MAX = 33, /* a token's label has 32 bytes */
};

struct device_settings {
    char state_dir[SETTINGS_TEXT_MAX]; /* as of [daemon] */
    char name[SETTINGS_NAME_MAX];      /* the socket is NAME.sock */
    char driver[SETTINGS_NAME_MAX];
    char module[SETTINGS_TEXT_MAX];
    char token[SETTINGS_TEXT_MAX];
    char pin_file[SETTINGS_TEXT_MAX];   /* "" for a device without a PIN */
    char client_pin[SETTINGS_TEXT_MAX]; /* "" for none, else a file */
    char user[SETTINGS_NAME_MAX];       /* "" for the daemon's own */
    size_t environment_count;
    char environment[SETTINGS_ENVIRONMENT_MAX][SETTINGS_TEXT_MAX]; /* NAME=VALUE */
    int spin; /* SPIN_AUTO, SPIN_OFF or microseconds */
    bool lock_memory_required;
    uint32_t call_timeout_s;
    uint32_t max_connections;     /* of one user */
    uint32_t max_session_objects; /* of one user */
    uint32_t audit_file_mib;      /* an audit file grows to this size, then the next one begins */
    uint32_t audit_files;         /* so many older ones are kept */
    int line;
    char file[SETTINGS_NAME_MAX];
};

struct settings {
    char state_dir[SETTINGS_TEXT_MAX];
    size_t device_count;
    struct device_settings devices[SETTINGS_DEVICES_MAX];
    size_t rule_count;
    struct rule_settings {
        struct policy_rule rule;
        char device[SETTINGS_NAME_MAX]; /* "" for every device */
        char name[SETTINGS_NAME_MAX];
        int line; /* of the section header */
        char file[SETTINGS_NAME_MAX];
    } rules[SETTINGS_RULES_MAX];
};

/* Reads path and then, in order of their names, the files *.conf of the directory path.d. All
 * faults are logged as FILE:LINE: what; then ERR_CONFIG. The caller frees. */
err_t settings_read(const char *path, struct settings **ret_settings);
void settings_free(struct settings *settings);

/* All but the place in the file is the same. */
bool settings_same_device(const struct device_settings *a, const struct device_settings *b);

#endif
