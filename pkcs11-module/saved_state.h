/* SPDX-License-Identifier: MIT
 *
 * The bytes that C_GetOperationState gives and C_SetOperationState takes: digests on their way,
 * each with its mechanism. No key, no pointer and no length of ours is in them. They come back from
 * a program, so they are read like any message; a sum over all tells those that were changed.
 */
#ifndef PKCS11_MODULE_SAVED_STATE_H
#define PKCS11_MODULE_SAVED_STATE_H

#include "mechanism.h"

#include "base/err.h"

enum { SAVED_STATE_MAX = 640, SAVED_KEY = SHA256_DIGEST_SIZE };

enum saved_kind { SAVED_DIGEST = 1, SAVED_SIGN = 2, SAVED_VERIFY = 3 };

/* A digest, or a signature whose data is hashed here */
struct saved_operation {
    const struct mechanism_row *mechanism; /* NULL: there is none */
    enum saved_kind kind;
    bool updated;
    uint8_t key[SAVED_KEY]; /* tells whether it is the same key; zeroes for a digest */
    union mechanism_hash hash;
};

struct saved_state {
    struct saved_operation digest;
    struct saved_operation signature; /* made or verified */
};

/* Whether a mechanism's state is its hash alone: it has no parameter, and its hash is done here. */
bool saved_state_holds(const struct mechanism_row *row);

/* Appends the state to w: SAVED_STATE_MAX bytes at most. */
void saved_state_write(const struct saved_state *state, struct writer *w);

/* ERR_BAD_MESSAGE where the bytes are not what saved_state_write makes. */
err_t saved_state_read(struct span bytes, struct saved_state *ret_state);

#endif
