/* SPDX-License-Identifier: MIT
 *
 * The table of hashes. DigestInfo: RFC 8017, 9.2, note 1.
 */
#include "hash.h"

#include <p11-kit/pkcs11.h>

#define SHA2_INFO(len, id, digest_len)                                                             \
    {                                                                                              \
        0x30, (len), 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, (id), \
            0x05, 0x00, 0x04, (digest_len)                                                         \
    }

static const struct hash_row rows[] = {
    {CKM_SHA_1, CKG_MGF1_SHA1, CKM_SHA1_RSA_PKCS_PSS, &nettle_sha1,
        {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14},
        15},
    {CKM_SHA224, CKG_MGF1_SHA224, CKM_SHA224_RSA_PKCS_PSS, &nettle_sha224,
        SHA2_INFO(0x2d, 0x04, 0x1c), 19},
    {CKM_SHA256, CKG_MGF1_SHA256, CKM_SHA256_RSA_PKCS_PSS, &nettle_sha256,
        SHA2_INFO(0x31, 0x01, 0x20), 19},
    {CKM_SHA384, CKG_MGF1_SHA384, CKM_SHA384_RSA_PKCS_PSS, &nettle_sha384,
        SHA2_INFO(0x41, 0x02, 0x30), 19},
    {CKM_SHA512, CKG_MGF1_SHA512, CKM_SHA512_RSA_PKCS_PSS, &nettle_sha512,
        SHA2_INFO(0x51, 0x03, 0x40), 19},
};

const struct hash_row *hash_find(uint64_t type)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].type == type)
            return &rows[i];
    return NULL;
}

const struct hash_row *hash_of(const struct nettle_hash *hash)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].hash == hash)
            return &rows[i];
    return NULL;
}
