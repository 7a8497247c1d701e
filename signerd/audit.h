/* SPDX-License-Identifier: MIT
 *
 * The audit log of one device: a chain of lines, appended by its worker alone. Each private-key
 * operation has an intent line, written before the device is asked, and a result line, written
 * before the answer goes out; each refusal has one line. docs/AUDIT.md tells the format.
 *
 * Lines are given to the kernel at once (they survive a crash of the worker) and to the disk by
 * audit_flush; space is reserved ahead, so that a full disk refuses an operation before it is done.
 */
#ifndef SIGNERD_AUDIT_H
#define SIGNERD_AUDIT_H

#include "identity.h"
#include "policy.h"

struct audit;

struct audit_event {
    const char *operation; /* "SIGN" */
    const struct identity *who;
    const struct policy_key *key;    /* NULL: none */
    const struct policy_key *target; /* the key that is wrapped or unwrapped; NULL: none */
    uint32_t mechanism;              /* CKM_ number, where has_mechanism */
    bool has_mechanism;
    struct span data; /* what is signed, …: only its SHA-256 is written */
};

/* Opens or makes the file "audit" in the directory and takes up its chain. file_mib: size at which
 * the next file is begun; files: how many older ones ("audit.1" is the newest) are kept. The caller
 * closes; directory stays the caller's. */
err_t audit_open(int directory, uint32_t file_mib, uint32_t files, struct audit **ret_audit);
void audit_close(struct audit *audit);

/* ERR_AUDIT: the line could not be written, so the operation must not be done. */
err_t audit_note(struct audit *audit, const char *what); /* start, end, reload */
err_t audit_intent(struct audit *audit, const struct audit_event *event, uint64_t *ret_number);
err_t audit_result(struct audit *audit, uint64_t intent_number, err_t outcome);
err_t audit_refused(
    struct audit *audit, const struct audit_event *event, err_t reason, const char *where);
err_t audit_refused_more(struct audit *audit, uint32_t uid, uint64_t count); /* lines left out */

/* To the disk, when due: a second after the first unflushed line. Returns microseconds until it
 * will be due, or UINT64_MAX. */
uint64_t audit_flush(struct audit *audit, uint64_t now_us);

/* "pkcs11:object=…;id=…;type=…", percent-encoded, always NUL-terminated, cut where the room ends.
 */
void audit_key_uri(const struct policy_key *key, char *text, size_t size);

#endif
