/* SPDX-License-Identifier: MIT
 *
 * Device sockets, in a stable order.
 */
#include "sockets.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static const char suffix[] = ".sock";

const char *sockets_directory(void)
{
    const char *directory = secure_getenv("SIGNERD_RUNTIME_DIR");
    return directory != NULL ? directory : SIGNERD_RUNTIME_DIR;
}

size_t sockets_name_length(const char *file)
{
    const size_t len = strlen(file);
    const size_t tail = sizeof suffix - 1;
    if (file[0] == '.' || len <= tail || strcmp(file + len - tail, suffix) != 0)
        return 0;
    return len - tail;
}

static int is_socket_name(const struct dirent *entry)
{
    return sockets_name_length(entry->d_name) > 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int sockets_each(const char *directory, int (*each)(void *context, const char *file), void *context)
{
    struct dirent **entries = NULL;
    const int count = scandir(directory, &entries, is_socket_name, by_name);
    int stopped = 0;
    for (int i = 0; i < count; i++) {
        if (stopped == 0)
            stopped = each(context, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return stopped;
}
