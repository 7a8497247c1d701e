/* SPDX-License-Identifier: MIT
 *
 * Random bytes of the device.
 */
#ifndef PKCS11_MODULE_RANDOM_H
#define PKCS11_MODULE_RANDOM_H

#include <p11-kit/pkcs11.h>

struct session;

/* CKR_RANDOM_SEED_NOT_SUPPORTED, where there is a seed at all: the device's random is not for its
 * clients to seed (C_SeedRandom). */
CK_RV random_seed(const unsigned char *seed, CK_ULONG len);

/* The implementation of C_GenerateRandom. */
CK_RV random_generate(struct session *session, unsigned char *random, CK_ULONG len);

#endif
