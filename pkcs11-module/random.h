/* SPDX-License-Identifier: MIT
 *
 * Random bytes of the device.
 */
#ifndef PKCS11_MODULE_RANDOM_H
#define PKCS11_MODULE_RANDOM_H

#include <p11-kit/pkcs11.h>

struct session;

/* The implementation of C_GenerateRandom. */
CK_RV random_generate(struct session *session, unsigned char *random, CK_ULONG len);

#endif
