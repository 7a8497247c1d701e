/* SPDX-License-Identifier: MIT
 *
 * The spool: envelopes that wait to be sent, in an SQLite database. What spool_append has accepted
 * survives a power cut, leaves in order, and is deleted only after the other side's
 * acknowledgement. It holds envelopes and topics, never a plaintext.
 *
 * One process claims a spool (and its children with it); each opens it for itself. Every failure is
 * logged here, with the file and what to do: ERR_SPOOL, ERR_SPOOL_FULL, ERR_IN_USE.
 */
#ifndef PUBLISHER_SPOOL_H
#define PUBLISHER_SPOOL_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdint.h>

/* Takes the lock of the spool (FILE.lock; ERR_IN_USE where another has it), makes the database
 * where there is none, and sets a damaged one aside as FILE.damaged-TIME. The lock holds while
 * *ret_lock, a descriptor, is open here or in a child. */
err_t spool_claim(const char *file, int *ret_lock);

struct spool;

/* max: bytes that the database may have; 0: no limit. lock: of spool_claim; -1: only to look
 * (spool_state). ERR_SPOOL where it does not exist. The caller closes. */
err_t spool_open(const char *file, int lock, uint64_t max, struct spool **ret_spool);
void spool_close(struct spool *spool); /* NULL is allowed */

/* A number from 1 that this spool has never given and never gives again, also after a crash, a
 * restart, and when its database was lost. */
err_t spool_take_number(struct spool *spool, int64_t *ret_number);

/* Accepted, for good, once this is ERR_OK. ERR_SPOOL_FULL: it was not; what was is kept. */
err_t spool_append(struct spool *spool, int64_t number, const char *topic, struct span envelope);

struct spool_record {
    int64_t number;
    int drops; /* how often the connection was lost with this record on its way */
    char *topic;
    struct span envelope;
};

/* The oldest that is not parked; NULL where none waits. The caller frees. */
err_t spool_oldest(struct spool *spool, struct spool_record **ret_record);
void spool_record_free(struct spool_record *record); /* NULL is allowed */

err_t spool_delete(struct spool *spool, int64_t number); /* after the acknowledgement */
err_t spool_count_drop(struct spool *spool, int64_t number);

/* Out of the way of the others, kept with the reason; spool_unpark brings all back. */
err_t spool_park(struct spool *spool, int64_t number, const char *reason);
err_t spool_unpark(struct spool *spool, int64_t *ret_count);

struct spool_state {
    int64_t waiting;
    int64_t parked;
    int64_t oldest_number;  /* of those that wait; 0: none does */
    int64_t oldest_unix_ms; /* when it was accepted */
    int64_t next_number;
    int64_t bytes; /* of the database */
};

err_t spool_state(struct spool *spool, struct spool_state *ret_state);

/* Calls see for each parked record, oldest first. */
err_t spool_parked(struct spool *spool,
    void (*see)(void *context, int64_t number, const char *topic, const char *reason),
    void *context);

#endif
