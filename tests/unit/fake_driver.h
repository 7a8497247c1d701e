/* SPDX-License-Identifier: MIT
 *
 * A device in memory, as the driver "fake": objects with attribute lists, calls that are counted,
 * and one call that fails on demand. For tests and fuzzers; it checks nothing, so that what is
 * checked is the code in front of it.
 */
#ifndef TESTS_UNIT_FAKE_DRIVER_H
#define TESTS_UNIT_FAKE_DRIVER_H

#include "signerd/drivers/driver.h"

enum fake_call {
    FAKE_LIST,
    FAKE_ATTRIBUTES,
    FAKE_USE,
    FAKE_GENERATE,
    FAKE_CREATE,
    FAKE_SET,
    FAKE_DESTROY,
    FAKE_RANDOM,
    FAKE_BEGIN,
    FAKE_FEED,
    FAKE_FINISH,
    FAKE_WRAP,
    FAKE_UNWRAP,
    FAKE_GENERATE_SECRET,
    FAKE_DERIVE,
    FAKE_VALUE,
    FAKE_CALLS,
};

enum { FAKE_OBJECTS_MAX = 1024, FAKE_LIST_MAX = 8192, FAKE_SIGNATURE_SIZE = 64, FAKE_TAG = 16,
    FAKE_MECHANISMS = 23 };

struct fake_object {
    driver_ref ref; /* 0: the row is free */
    size_t len;
    uint8_t *list;
};

struct device {
    struct fake_object objects[FAKE_OBJECTS_MAX];
    driver_ref last_ref;
    unsigned calls[FAKE_CALLS];
    driver_ref last_used;    /* the key that worked last */
    driver_ref last_wrapped; /* and the one that was wrapped */
    unsigned begun;          /* uses that are not ended yet */
    enum fake_call fail_call;
    unsigned fail_in; /* 1: the next call of fail_call; 0: none */
    err_t fail_with;
    bool forgets_dates; /* of what is CKA_PRIVATE, as SoftHSM does */
    size_t signature_size;
};

extern const struct driver fake_driver;

/* P-256: its name and its base point, in DER as CKA_EC_PARAMS and CKA_EC_POINT. */
extern const struct span fake_ec_params;
extern const struct span fake_ec_point;

void fake_reset(struct device *device); /* no objects, nothing counted, nothing fails */
void fake_fail(struct device *device, enum fake_call call, unsigned in, err_t with);
unsigned fake_calls(const struct device *device); /* of all kinds but list and attributes */

/* Puts a token object there; a key and its public half have the same label and id. */
driver_ref fake_put(struct device *device, struct span list);
driver_ref fake_put_private(struct device *device, const char *label, const char *id);
driver_ref fake_put_public(struct device *device, const char *label, const char *id);
driver_ref fake_put_certificate(struct device *device, const char *label, const char *id);

const struct fake_object *fake_find(const struct device *device, driver_ref ref); /* NULL: none */

/* Secret keys: any mechanism works with any of them. */
driver_ref fake_put_secret(
    struct device *device, const char *label, uint64_t key_type, bool extractable);

/* What any secret says that its value is */
#define FAKE_VALUE_TEXT "32 bytes of a secret that is one"

/* A pair of keys of RSA: modulus of so many bits */
void fake_put_rsa(struct device *device, const char *label, size_t bits);

/* init has no device: it counts here, and answers with `with`. */
struct fake_init {
    unsigned calls;
    err_t with;
    char so_pin[32]; /* what it was given last */
    char token[33];
};
extern struct fake_init fake_init;

/* What sign answers for this data. */
void fake_signature(struct span data, uint8_t *signature, size_t size);
enum { FAKE_MASK = 0x55 }; /* encrypting is this on each byte, and for CKM_AES_GCM FAKE_TAG more */

#endif
