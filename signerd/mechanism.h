/* SPDX-License-Identifier: MIT
 *
 * What each mechanism wants of key, parameter and data: the rules of PKCS#11 v2.40 (Current
 * Mechanisms) that hold for every device, so that none is asked for what breaks them. Pure
 * functions; only what a device offers comes from the device.
 */
#ifndef SIGNERD_MECHANISM_H
#define SIGNERD_MECHANISM_H

#include "object.h"

/* A key at work, as a client asks for it. */
struct mechanism_use {
    const struct driver_token *token;
    const struct object *key;
    uint32_t mechanism; /* CKM_ number */
    uint32_t flag;      /* CKF_ flag of the function, one */
    struct span parameter;
    struct span data; /* what the key works on; nothing where it comes in parts, or is a key */
    bool in_parts;
};

/* True where the device offers the mechanism for the function of that CKF_ flag. */
bool mechanism_offers(const struct driver_token *token, uint32_t mechanism, uint32_t flag);

/* ERR_MECHANISM for what the device does not offer or CKA_ALLOWED_MECHANISMS does not name,
 * ERR_KEY_TYPE, ERR_KEY_SIZE, ERR_KEY_FUNCTION for a key that is not for it,
 * ERR_MECHANISM_PARAMETER, ERR_DATA_LENGTH, ERR_ENCRYPTED_LENGTH. */
err_t mechanism_check(const struct mechanism_use *use);

/* At the end of data that came in parts: its bytes. ERR_DATA_LENGTH, ERR_ENCRYPTED_LENGTH. */
err_t mechanism_check_total(uint32_t mechanism, uint32_t flag, size_t total);

/* True for a MAC that is cut so short that whoever may verify could find it byte by byte: then
 * verifying takes the right to sign. */
bool mechanism_is_guessable(const struct mechanism_use *use);

/* How many bytes the key can have that is wrapped in so many. ERR_WRAPPED_KEY where it is none. */
err_t mechanism_unwrapped_size(
    const struct mechanism_use *use, size_t wrapped, size_t *ret_least, size_t *ret_most);

/* Bytes of what a derivation gives by itself; 0: as many as are asked for, or not known here. */
size_t mechanism_derived_size(const struct mechanism_use *use);

/* Whether a key of so many bytes can be wrapped: ERR_KEY_SIZE. */
err_t mechanism_check_wrapping(const struct mechanism_use *use, size_t size);

#endif
