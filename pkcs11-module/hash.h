/* SPDX-License-Identifier: MIT
 *
 * The hashes that the module makes, and what RSA's mechanisms call them.
 */
#ifndef PKCS11_MODULE_HASH_H
#define PKCS11_MODULE_HASH_H

#include "base/bytes.h"

#include <nettle/nettle-meta.h>

enum { HASH_INFO_MAX = 19 };

struct hash_row {
    uint32_t type; /* CKM_SHA256: hashAlg of CK_RSA_PKCS_PSS_PARAMS */
    uint32_t mgf;  /* CKG_MGF1_SHA256 */
    uint32_t pss;  /* CKM_SHA256_RSA_PKCS_PSS: the mechanism that has made the hash */
    const struct nettle_hash *hash;
    uint8_t info[HASH_INFO_MAX]; /* the DigestInfo of PKCS#1, up to the digest */
    uint8_t info_len;
};

/* NULL: it is not made here. */
const struct hash_row *hash_find(uint64_t type);
const struct hash_row *hash_of(const struct nettle_hash *hash);

#endif
