/* SPDX-License-Identifier: MIT
 *
 * A client's connection to one worker: connect, one call at a time, close. Not freestanding.
 * Never blocks past its deadline, never raises SIGPIPE, makes no thread. Not for two threads at
 * once.
 */
#ifndef WIRE_LINK_H
#define WIRE_LINK_H

#include "messages.h"
#include "spin.h"

struct link;

/* What became of a call that failed: whether the worker can have acted on it. */
enum link_fate { LINK_NOT_SENT, LINK_MAYBE_DONE, LINK_ANSWERED };

/* Connects to a device socket (path) before the deadline (clock_us). While nobody listens there:
 * ERR_UNREACHABLE at once. The caller closes. */
err_t link_open(const char *path, uint64_t deadline_us, struct link **ret_link);
void link_close(struct link *link); /* NULL is allowed */

/* One round trip. On ERR_OK *ret_reply (a wire_ struct of the operation's reply; NULL where it has
 * none) is set; its BYTES point into the link and stay until the next call. Any other error either
 * came from the worker
 * (*ret_fate == LINK_ANSWERED; the link goes on) or from the transport (the link is dead: close
 * it). The request's copy in the link is wiped. */
err_t link_call(struct link *link, enum wire_operation operation, const void *request,
    void *ret_reply, uint64_t deadline_us, enum link_fate *ret_fate);

/* The generation that the last answer told. */
uint64_t link_generation(const struct link *link);

/* The descriptor of the worker's page (wire/page.h), which came with HELLO's reply and becomes the
 * caller's; -1: none did, or it was taken. What is not taken is closed with the link. */
int link_take_descriptor(struct link *link);

/* Whether an idle link is still connected: one look, without waiting. */
bool link_quiet(const struct link *link);

/* To poll for its end; nothing else. */
int link_descriptor(const struct link *link);

/* False where the program closed the descriptor behind our back (daemons do): the link is dead. */
bool link_alive(const struct link *link);

#endif
