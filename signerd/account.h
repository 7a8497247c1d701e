/* SPDX-License-Identifier: MIT
 *
 * What one user (uid) has of a worker: connections, session objects, what was begun, refusals to be
 * written, failed PINs, and its place in the fair queue. Limits live here, so that no user can take
 * another's share.
 */
#ifndef SIGNERD_ACCOUNT_H
#define SIGNERD_ACCOUNT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue_place;

struct account {
    uint32_t uid;
    uint32_t connections;
    uint32_t session_objects;
    uint32_t begun;          /* uses of keys that are not finished */
    uint32_t refusal_tokens; /* refusals that may still be written one by one */
    uint64_t refusals_left_out;
    uint64_t refusal_refill; /* clock_us */
    uint32_t pin_failures;   /* in a row */
    uint64_t pin_free_at; /* clock_us: when the answer to the next PIN may go out at the earliest */
    struct queue_place *waiting_first; /* queue.c's: requests of this user, in order */
    struct queue_place *waiting_last;
    struct account *turn_next; /* queue.c's: the user who is served next */
    struct account *next;
};

struct accounts {
    struct account *first;
};

/* The account of uid, made where there is none. ERR_MEMORY. */
err_t account_of(struct accounts *accounts, uint32_t uid, struct account **ret_account);

/* Forgets accounts that hold nothing and remember nothing. */
void accounts_tidy(struct accounts *accounts, uint64_t now_us);
void accounts_free(struct accounts *accounts);

/* True when this refusal may have a line of its own; else it is counted. 50 at once, then 10 a
 * second. */
bool account_refusal_has_line(struct account *account, uint64_t now_us);

/* Whether a PIN of this user may be looked at now: not before the answer to the one before is out.
 * Looking takes the worker's time, of which all users have one. */
bool account_pin_may_be_tried(const struct account *account, uint64_t now_us);

/* When the answer to a PIN that was checked now may go out (clock_us). PINs of one user are
 * answered one after another, after n failures in a row each 2^(n-1) seconds, at most 60, later
 * than the one before. */
uint64_t account_pin_answer_at(struct account *account, bool correct, uint64_t now_us);

#endif
