/* SPDX-License-Identifier: MIT
 *
 * Digests, made in the module: no secret is in them, and no device is asked.
 */
#ifndef PKCS11_MODULE_DIGEST_H
#define PKCS11_MODULE_DIGEST_H

#include <p11-kit/pkcs11.h>

struct session;

/* The implementations of C_DigestInit … C_DigestFinal. */
CK_RV digest_begin(struct session *session, const CK_MECHANISM *mechanism);
CK_RV digest_whole(struct session *session, const unsigned char *data, CK_ULONG data_len, unsigned char *digest, CK_ULONG *digest_len);
CK_RV digest_update(struct session *session, const unsigned char *part, CK_ULONG part_len);
CK_RV digest_key(struct session *session, CK_OBJECT_HANDLE key);
CK_RV digest_finish(struct session *session, unsigned char *digest, CK_ULONG *digest_len);

#endif
