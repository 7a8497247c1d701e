/* SPDX-License-Identifier: MIT
 *
 * The runtime directory: which device sockets (NAME.sock) there are, for whoever calls devices: the
 * module and signerctl. Not freestanding.
 */
#ifndef WIRE_SOCKETS_H
#define WIRE_SOCKETS_H

#include <stddef.h>

/* The directory of SIGNERD_RUNTIME_DIR, or the one of this build; in a set-uid program always the
 * latter. The caller does not free it. */
const char *sockets_directory(void);

/* The length of NAME in the file name NAME.sock; 0 for any other file. */
size_t sockets_name_length(const char *file);

/* Calls each() with the file name of each socket, by name in strcmp's order, until it returns
 * another number than 0; returns that number. A directory that is absent holds none. */
int sockets_each(
    const char *directory, int (*each)(void *context, const char *file), void *context);

#endif
