/* SPDX-License-Identifier: MIT
 *
 * The log: one line an event on standard error, where systemd or a terminal takes it up.
 * Control characters in arguments are written as \xNN, so that no client can forge a line.
 * Nothing secret may be given to it: there is no call that takes bytes.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* who stands before each line ("signerd", "signerd[demo]"); it must stay valid. */
void log_setup(const char *who, enum log_level most_verbose);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
