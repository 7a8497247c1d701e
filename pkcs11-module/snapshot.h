/* SPDX-License-Identifier: MIT
 *
 * The objects of one slot as they were last told, with the handles that the program knows them by.
 * Handles are unique in the process and never used again. An object is the same one while its
 * number is the same within one life of the worker; after a restart a token object is found again
 * by its identity: class, CKA_ID, CKA_LABEL and public key (or certificate).
 */
#ifndef PKCS11_MODULE_SNAPSHOT_H
#define PKCS11_MODULE_SNAPSHOT_H

#include "wire/attribute.h"

#include <nettle/sha2.h>
#include <p11-kit/pkcs11.h>

struct object {
    CK_OBJECT_HANDLE handle;
    uint64_t instance; /* the life of the worker that gave the number */
    uint64_t number;
    uint64_t session;    /* the CK_SESSION_HANDLE that owns it; 0: a token object */
    uint64_t generation; /* of the answer that last told of it */
    uint8_t identity[SHA256_DIGEST_SIZE];
    uint8_t *attributes; /* a well-formed list */
    size_t attributes_len;
    bool told;    /* in the listing that is being taken in */
    bool carried; /* its handle is from an earlier life of the worker */
};

/* The module's lock guards all of it; a pointer to an object holds only while that is held. */
struct snapshot {
    uint64_t instance;      /* of the last whole listing; 0: none */
    uint64_t generation;    /* of the last whole listing; 0: ask for all again */
    struct object *objects; /* in order of their handles */
    size_t count;
    size_t size;
};

/* What a worker told: wire objects in a row. */
struct snapshot_news {
    uint64_t instance;
    uint64_t generation;
    struct span objects;
};

void snapshot_clear(struct snapshot *snapshot);

/* Takes in the objects of an answer and gives the handles of the first count of them.
 * ERR_BAD_MESSAGE also where there are fewer. */
err_t snapshot_add(struct snapshot *snapshot, const struct snapshot_news *news,
    CK_OBJECT_HANDLE *ret_handles, size_t count);

/* Takes in a whole listing: what it lacks is gone, unless it was told of later than the listing was
 * made. */
err_t snapshot_replace(struct snapshot *snapshot, const struct snapshot_news *news);

/* instance: the present life of the worker; session objects of an earlier one are gone. NULL: no
 * such object. */
struct object *snapshot_find(
    const struct snapshot *snapshot, CK_OBJECT_HANDLE handle, uint64_t instance);
struct span object_attributes(const struct object *object);

void snapshot_remove(struct snapshot *snapshot, CK_OBJECT_HANDLE handle);
void snapshot_remove_session(struct snapshot *snapshot, CK_SESSION_HANDLE session);
void snapshot_remove_private(struct snapshot *snapshot);

#endif
