/* SPDX-License-Identifier: MIT
 *
 * Memory for secrets: locked, left out of core files, gone in a child after fork, wiped on free.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "bytes.h"
#include "err.h"

struct secret;

/* size in bytes, 1 to 4 MiB; the content is zero. Locking that the limit forbids is no error. The
 * caller frees. */
err_t secret_new(size_t size, struct secret **ret_secret);

/* Reads all of fd, which must hold 1 to max bytes; one trailing newline is dropped. ERR_CONFIG
 * where it is empty or longer. The caller frees the secret and closes fd. */
err_t secret_read(int fd, size_t max, struct secret **ret_secret);

struct span secret_bytes(const struct secret *secret);
uint8_t *secret_writable(struct secret *secret); /* as many bytes as secret_bytes tells */
void secret_free(struct secret *secret);         /* NULL is allowed */

void secret_wipe(void *ptr, size_t len);         /* never optimised away */
void secret_wipe_span(struct span bytes);        /* for bytes in a buffer of the caller's own */
bool secret_equal(struct span a, struct span b); /* time depends on the lengths only */

#endif
