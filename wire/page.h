/* SPDX-License-Identifier: MIT
 *
 * A page of memory in which a worker shows its clients the generation of its objects, so that they
 * need not ask for it. The worker alone can write it, and nothing else stands in it. Its descriptor
 * goes with HELLO's reply. Not freestanding.
 */
#ifndef WIRE_PAGE_H
#define WIRE_PAGE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct page;

/* The worker's: an empty page, and the descriptor to send, which stays open. ERR_SYSTEM where the
 * kernel cannot make one that is safe to share (Linux before 5.1). */
err_t page_make(struct page **ret_page, int *ret_fd);

/* To be said before the answer that tells of the change. NULL is allowed. */
void page_tell(struct page *page, uint64_t generation);

/* A client's: maps what it got and closes fd in any case. ERR_BAD_MESSAGE: it is no such page; one
 * that could shrink would kill who reads it. */
err_t page_map(int fd, const struct page **ret_page);
uint64_t page_generation(const struct page *page);
void page_unmap(const struct page *page); /* NULL is allowed */

#endif
