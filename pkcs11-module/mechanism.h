/* SPDX-License-Identifier: MIT
 *
 * The mechanisms that this module serves, as a table: what each asks of the device, what is done
 * here first, which keys and parameters it takes, and how much comes out.
 */
#ifndef PKCS11_MODULE_MECHANISM_H
#define PKCS11_MODULE_MECHANISM_H

#include "parameter.h"
#include "verify_public.h"

#include "wire/messages.h"

#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <p11-kit/pkcs11.h>

/* Where the work is done: hash and verify say what is done in the module; all else is by the
 * device.
 */
struct mechanism_row {
    CK_MECHANISM_TYPE type;
    CK_FLAGS function; /* CKF_SIGN, CKF_GENERATE_KEY_PAIR: the one thing it is for */
    CK_OBJECT_CLASS key_class;
    CK_KEY_TYPE key_types[2];       /* either of them */
    uint32_t device;                /* what the device must offer and is asked for; CKF_DIGEST: 0 */
    const struct nettle_hash *hash; /* done in the module first; NULL: the data goes as it is */
    bool digest_info;               /* the hash goes in a DigestInfo */
    parameter_reader *parameter;
    public_verifier *verify; /* with a public key, in the module; the device must offer to sign */
    bool whole;              /* the device takes data in one message only: parts are gathered */
    uint8_t signature_len;   /* MACs, bytes, at most; 0: as the key's curve or modulus says */
    uint8_t block; /* encrypt and decrypt: what comes out comes in blocks of so many bytes */
    bool padded;   /* encryption adds 1 to block bytes */
    bool tagged;   /* a tag is added; decryption gives nothing before it was checked */
};

/* Room for the state of any hash in the table. */
union mechanism_hash {
    struct sha1_ctx sha1;
    struct sha256_ctx sha256; /* and SHA-224 */
    struct sha512_ctx sha512; /* and SHA-384 */
};

enum { MECHANISM_DIGEST_MAX = SHA512_DIGEST_SIZE };

extern const struct mechanism_row mechanism_rows[];
extern const size_t mechanism_rows_count;

/* NULL where this module does not serve the mechanism for that function, whatever the device
 * offers. */
const struct mechanism_row *mechanism_find(CK_MECHANISM_TYPE type, CK_FLAGS function);

/* The attribute that a key needs for the row's function: CKA_SIGN and so on. Not for making keys
 * and digests. */
uint32_t mechanism_permission(const struct mechanism_row *row);

/* Digests are made without the device. CKM_RSA_PKCS_KEY_PAIR_GEN is 0, so row->device does not
 * tell. */
bool mechanism_needs_device(const struct mechanism_row *row);

/* Whether CKA_ALLOWED_MECHANISMS, where a key with these attributes has any, holds the row's type.
 */
bool mechanism_is_allowed(const struct mechanism_row *row, struct span attributes);

/* What C_GetMechanismInfo says, made from what the device tells of row->device (NULL where none is
 * needed). False where the device does not offer the function. */
bool mechanism_info(const struct mechanism_row *row, const struct wire_mechanism *device,
    CK_MECHANISM_INFO *ret_info);

/* How many bytes the end of an encryption or decryption gives, at least and at most, where held
 * bytes (up to SIZE_MAX / 2) went in and did not come out yet. False where data of such a length
 * cannot be encrypted or decrypted. */
bool mechanism_end_output(const struct mechanism_row *row, size_t tag_len, size_t held,
    size_t *ret_least, size_t *ret_most);

/* The same for a part that is not the last, which counts in held: at most. */
size_t mechanism_part_output(const struct mechanism_row *row, size_t held);

#endif
