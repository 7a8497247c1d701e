/* SPDX-License-Identifier: MIT
 *
 * A directory of a test's own, small files in it, and what the code under test writes to standard
 * error. For tests and fuzzers: what fails here aborts.
 */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stddef.h>

struct scratch {
    char path[64];
    int fd; /* of the directory */
};

void scratch_make(struct scratch *scratch);
void scratch_remove(struct scratch *scratch); /* with all that is in it, one level deep */

/* The whole file, NUL-terminated; NULL where there is none. The caller frees. */
char *scratch_read(const struct scratch *scratch, const char *name, size_t *ret_len);
void scratch_write(const struct scratch *scratch, const char *name, const void *bytes, size_t len);

/* From begin to end, standard error is kept in memory. The caller of end frees the text. */
void capture_begin(void);
char *capture_end(void);

/* From now on no file of this process grows over so many bytes, as on a disk that is full (ignore
 * SIGXFSZ), and no descriptor is opened over so many. SIZE_MAX: the most that is allowed. */
void limit_file_size(size_t most);
void limit_descriptors(size_t most);

#endif
