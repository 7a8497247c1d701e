/* SPDX-License-Identifier: MIT
 *
 * Digests, made in the module: no device is asked, so that they need no daemon either.
 */
#ifndef PKCS11_MODULE_DIGEST_H
#define PKCS11_MODULE_DIGEST_H

#include "mechanism.h"

#include <stdbool.h>

struct session;

/* It belongs to the call inside the session. All zeroes: none is active. */
struct digest {
    const struct mechanism_row *mechanism;
    bool updated; /* a part was given */
    bool secret;  /* a key was: then the state must not leave */
    union mechanism_hash hash;
};

void digest_clear(struct digest *digest);

/* The implementations of C_DigestInit … C_DigestFinal (2.40, 5.10). digest may be where data is.
 * digest_begin without a mechanism ends what is active (3.0, 5.12.1). digest_key takes the secrets
 * only that this session has derived with CKA_SENSITIVE false: the values of others are nowhere to
 * be had. */
CK_RV digest_begin(struct session *session, const CK_MECHANISM *mechanism);
CK_RV digest_whole(struct session *session, const unsigned char *data, CK_ULONG data_len,
    unsigned char *digest, CK_ULONG *digest_len);
CK_RV digest_update(struct session *session, const unsigned char *part, CK_ULONG part_len);
CK_RV digest_key(struct session *session, CK_OBJECT_HANDLE key);
CK_RV digest_finish(struct session *session, unsigned char *digest, CK_ULONG *digest_len);

#endif
