/* SPDX-License-Identifier: MIT
 *
 * The mechanisms that this module serves, as a table: what each asks of the device and what is done
 * here first.
 */
#ifndef PKCS11_MODULE_MECHANISM_H
#define PKCS11_MODULE_MECHANISM_H

#include "wire/messages.h"

#include <nettle/nettle-meta.h>
#include <nettle/sha2.h>
#include <p11-kit/pkcs11.h>

struct mechanism_row {
    CK_MECHANISM_TYPE type;
    CK_FLAGS function; /* CKF_SIGN, CKF_GENERATE_KEY_PAIR: the one thing it is for */
    CK_KEY_TYPE key_type;
    uint32_t device;                /* what the device must offer and is asked for */
    const struct nettle_hash *hash; /* done in the module first; NULL: the data goes as it is */
};

/* Room for the state of any hash in the table. */
union mechanism_hash {
    struct sha256_ctx sha256;
};

enum { MECHANISM_DIGEST_MAX = SHA256_DIGEST_SIZE };

extern const struct mechanism_row mechanism_rows[];
extern const size_t mechanism_rows_count;

/* NULL where this module does not serve the mechanism for that function, whatever the device
 * offers. */
const struct mechanism_row *mechanism_find(CK_MECHANISM_TYPE type, CK_FLAGS function);

/* What C_GetMechanismInfo says, made from what the device tells of row->device. False where the
 * device does not offer the function. */
bool mechanism_info(const struct mechanism_row *row, const struct wire_mechanism *device,
    CK_MECHANISM_INFO *ret_info);

#endif
