/* SPDX-License-Identifier: MIT
 *
 * The objects that a command is about: the user names devices or keys, here they are found. What
 * belongs to one key (its public half, its certificates) is told by id and public key.
 */
#ifndef SIGNERCTL_KEYS_H
#define SIGNERCTL_KEYS_H

#include "device.h"
#include "key_uri.h"
#include "options.h"

#include <json-c/json.h>

struct key {
    struct device *device;
    uint64_t number; /* of the worker */
    uint32_t class;  /* CLASS_… */
    struct span attributes;
};

struct keys {
    struct devices devices;
    struct key_uri *uri;   /* NULL: the user named none */
    struct device **named; /* those of devices that URI and options name, reachable, logged in */
    size_t named_count;
    struct key *rows; /* token objects of the named devices that this user may see */
    size_t count;
    uint8_t **buffers; /* what the rows point into */
    size_t buffer_count;
    err_t missing; /* why a device is not among the named ones; ERR_OK: all are there */
};

enum keys_flags {
    KEYS_LIST = 1,       /* list the objects, too */
    KEYS_ONE_DEVICE = 2, /* exactly one device must be named */
    KEYS_NO_PROMPT = 4,  /* log in with --pin-file, or not at all */
};

/* target: a URI, a device's name, or NULL for all. Logs what is wrong. The caller clears, also
 * after an error. */
err_t keys_open(
    const struct options *options, const char *target, unsigned flags, struct keys *ret_keys);
void keys_clear(struct keys *keys);

/* Takes in the objects of a reply: the last row is the last of them. Keys that were found before
 * move.
 */
err_t keys_take(struct keys *keys, struct device *device, struct span objects);

/* The one key that the URI names: a private or secret key where it does not say otherwise. None or
 * several are logged: ERR_OBJECT_GONE, ERR_ARGUMENTS. */
err_t keys_one(const struct keys *keys, const struct key **ret_key);

bool key_is_secret(const struct key *key); /* a private or a secret key */

/* The other half of a pair; NULL: there is none. */
const struct key *keys_half(const struct keys *keys, const struct key *key, uint32_t class);

/* Certificates of the key: the same id and public key. previous NULL: the first. */
const struct key *keys_certificate(
    const struct keys *keys, const struct key *key, const struct key *previous);

/* The key's URI. The caller frees; never NULL. */
char *key_name(const struct key *key);

/* What `keys list` tells of it. The caller owns it. */
struct json_object *key_describe(const struct keys *keys, const struct key *key);

#endif
