/* SPDX-License-Identifier: MIT
 *
 * The objects of a device as clients see them: a number, an owner, and the attributes, read once
 * from the driver and presented honestly. The store is the worker's; SIGN and LIST are answered
 * from it.
 */
#ifndef SIGNERD_OBJECT_H
#define SIGNERD_OBJECT_H

#include "drivers/driver.h"
#include "policy.h"

struct client;

struct object {
    uint64_t number; /* the store's instance in the high half, a counter in the low */
    driver_ref ref;
    const struct client *owner; /* NULL: a token object */
    uint64_t session;           /* of the owner */
    bool is_private;            /* a client must be logged in to see it */
    struct policy_key key;      /* points into attributes or base */
    struct policy_key *base;    /* of a secret that was derived here: from what; owned; else NULL */
    struct span attributes;     /* the presented list; owned */
};

struct objects {
    const struct driver *driver;
    struct device *device;
    bool login_required; /* client-pin is set: keys are CKA_PRIVATE, and so is what the device says
                          */
    uint64_t generation; /* grows with every change */
    uint64_t next_number;
    size_t count;
    size_t room;
    struct object **rows; /* by rising number */
};

/* An empty store with a random instance. */
err_t objects_init(struct objects *objects, const struct driver *driver, struct device *device,
    bool login_required);
void objects_free(struct objects *objects);

/* Reads all token objects from the device; objects that cannot be read are logged and left out. */
err_t objects_load(struct objects *objects);

/* Takes up an object that the driver has just made. */
err_t objects_take(struct objects *objects, driver_ref ref, const struct client *owner,
    uint64_t session, struct object **ret_object);

/* Gives a private key its public half, which tokens keep apart: that of public_key, or, where it is
 * NULL, of the one public key with the same CKA_ID (and label, where several have that id). */
err_t objects_complete(
    struct objects *objects, struct object *key, const struct object *public_key);

/* Gives a private key that lacks its public half the one that this list tells, until the device is
 * read anew. */
err_t objects_tell(struct objects *objects, struct object *key, struct span list);

/* A private key and its public object find each other, whichever came first. object is the new one;
 * a private key that has its public half already keeps it. */
err_t objects_join(struct objects *objects, struct object *object);

/* Says of a secret what it was derived from. Where it has neither label nor id, policy judges it as
 * that key. ERR_MEMORY. */
err_t objects_set_base(struct object *object, const struct policy_key *base);

/* Reads an object's attributes again after a change. */
err_t objects_refresh(struct objects *objects, struct object *object);

struct object *objects_find(const struct objects *objects, uint64_t number); /* NULL: none */
void objects_drop(struct objects *objects, struct object *object); /* from the store only */

#endif
