/* SPDX-License-Identifier: MIT
 *
 * Signatures verified with a public key, in the module: no device is asked, and no secret is in it.
 * Key, data and signature are anybody's.
 *
 * nettle's public-key half takes memory by gmp, which ends the process where there is none left: a
 * few KiB, for the time of the call.
 */
#ifndef PKCS11_MODULE_VERIFY_PUBLIC_H
#define PKCS11_MODULE_VERIFY_PUBLIC_H

#include "public_key.h"

#include "base/err.h"

/* signature has public_key_signature_length bytes. parameter: as it travels. ERR_SIGNATURE. */
typedef err_t public_verifier(
    const struct public_key *key, struct span parameter, struct span data, struct span signature);

public_verifier verify_ecdsa;    /* data: a digest of any length. SEC 1, 4.1.4 */
public_verifier verify_eddsa;    /* data: the message. RFC 8032, 5.1.7 */
public_verifier verify_rsa_pkcs; /* data: a DigestInfo, or what stands for it. RFC 8017, 8.2.2 */
public_verifier verify_rsa_pss;  /* data: a digest as long as the parameter's hash. 8.1.2 */

/* What was signed with CKM_RSA_PKCS. ERR_SIGNATURE; ERR_TOO_LARGE where out has no room. */
err_t verify_rsa_recover(const struct public_key *key, struct span signature, struct writer *out);

/* Whether a point is on its curve, in ranges; keys of other kinds are what public_key_read says. */
bool verify_key_is_valid(const struct public_key *key);

#endif
