/* SPDX-License-Identifier: MIT
 *
 * The configuration reader: INI files (by inih) as a stream of settings, each with its place.
 * Only processes without keys and PINs may link it (library signerd_config).
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "err.h"

#include <stdbool.h>
#include <stdio.h>

/* One line `name = value` under `[section]`. The texts are valid during the call only. */
struct config_setting {
    const char *file; /* base name, as it is shown to people */
    int line;
    int section_line; /* of the last line that begins with '[': two sections of one name differ in
                         it */
    const char *section;
    const char *name;
    const char *value;
};

/* Returns false where the setting is wrong, after it has reported why (config_complain). */
typedef bool config_handler(void *context, const struct config_setting *setting);

/* Collects complaints; the text is shown to the administrator as it is. */
struct config_complaints {
    unsigned count;
    char first[512];
};

/* "FILE:LINE: what". The first is kept, all are logged. */
void config_complain(struct config_complaints *complaints, const char *file, int line,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Reads a stream to its end and hands each setting over. Lines of more than 190 bytes, bytes that
 * are no text, and lines that are no setting are complained of. ERR_CONFIG when there was any
 * complaint. */
err_t config_read(FILE *stream, const char *file, config_handler *handler, void *context,
    struct config_complaints *complaints);

#endif
