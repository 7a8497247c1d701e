/* SPDX-License-Identifier: MIT
 *
 * Bytes on the heap that grow, for a program's data on its way. All that was ever in them is wiped
 * before it is given back.
 */
#ifndef PKCS11_MODULE_BUFFER_H
#define PKCS11_MODULE_BUFFER_H

#include "base/bytes.h"
#include "base/err.h"

/* All zeroes: empty. */
struct buffer {
    uint8_t *bytes;
    size_t len;
    size_t size;
};

err_t buffer_reserve(struct buffer *buffer, size_t size); /* bytes is then not NULL */
err_t buffer_append(struct buffer *buffer, struct span bytes);
struct span buffer_bytes(const struct buffer *buffer);
void buffer_clear(struct buffer *buffer);

#endif
