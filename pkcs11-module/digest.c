/* SPDX-License-Identifier: MIT
 *
 * Digests, made in the module: no secret is in them, and no device is asked.
 */
#include "digest.h"

CK_RV digest_begin(struct session *session, const CK_MECHANISM *mechanism)
{
    (void)session;
    (void)mechanism;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV digest_whole(struct session *session, const unsigned char *data, CK_ULONG data_len, unsigned char *digest, CK_ULONG *digest_len)
{
    (void)session;
    (void)data;
    (void)data_len;
    (void)digest;
    (void)digest_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV digest_update(struct session *session, const unsigned char *part, CK_ULONG part_len)
{
    (void)session;
    (void)part;
    (void)part_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV digest_key(struct session *session, CK_OBJECT_HANDLE key)
{
    (void)session;
    (void)key;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV digest_finish(struct session *session, unsigned char *digest, CK_ULONG *digest_len)
{
    (void)session;
    (void)digest;
    (void)digest_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}
