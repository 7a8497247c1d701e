/* SPDX-License-Identifier: MIT
 *
 * How one value of signerd.conf is read: the readers that the tables of settings.c name. Each
 * writes to its target or complains, with file and line, and returns false.
 */
#ifndef SIGNERD_SETTINGS_VALUE_H
#define SIGNERD_SETTINGS_VALUE_H

#include "settings.h"

/* What is being read: one for all files of one settings_read. */
struct reading {
    struct settings *settings;
    struct config_complaints complaints;
    int section_line; /* of the section that the last setting of this file stood in; -1: none yet */
    void *section;    /* the device or rule it describes; NULL for [daemon] */
    uint64_t seen_keys; /* rows of the section's table that were given already */
};

struct key_row;
typedef bool key_reader(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target);

struct key_row {
    const char *name;
    key_reader *read;
    size_t offset;  /* of the target in the section's struct */
    uint32_t least; /* of a number */
    uint32_t most;  /* of a number, or the size of a text */
    bool repeats;
};

bool settings_complain(
    struct reading *reading, const struct config_setting *setting, const char *what); /* false */

key_reader value_text;
key_reader value_path;
key_reader value_path_or_none;
key_reader value_number;
key_reader value_spin;
key_reader value_lock_memory;
key_reader value_environment;
key_reader value_users;
key_reader value_groups;
key_reader value_operations;
key_reader value_key;

#endif
