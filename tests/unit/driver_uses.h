/* SPDX-License-Identifier: MIT
 *
 * What the tests of the driver's mechanisms share, beside driver_stand.h: session keys, and each
 * use in one call, which gives the driver's error. What comes out is in out.
 */
#ifndef TESTS_UNIT_DRIVER_USES_H
#define TESTS_UNIT_DRIVER_USES_H

#include "driver_stand.h"

enum { OUT_ROOM = 4096 };

extern const uint8_t key_bytes[64]; /* of each imported key, its first ones */
extern uint8_t out_room[OUT_ROOM];
extern struct writer out; /* of the last use; in out_room */

/* Class, type and all uses of a session secret. */
void put_secret(struct writer *w, uint64_t type);
driver_ref import(struct device *device, uint64_t type, size_t len);

/* curve: CKA_EC_PARAMS; none: an RSA pair of so many bits */
err_t make_pair(struct device *device, uint32_t mechanism, struct span curve, uint64_t bits,
    struct pair *ret_pair);

/* A parameter as it travels; good until the next call. */
struct span parameter_of(const struct schema *schema, const void *from);

err_t use_at_once(struct device *device, struct driver_use use, struct span data);
err_t use_signed(
    struct device *device, struct driver_use use, struct span data, struct span signature);
err_t use_in_parts(
    struct device *device, struct driver_use use, struct span data, struct span signature);

struct span text(void);   /* 66 bytes */
struct span blocks(void); /* its first 64 */

#endif
