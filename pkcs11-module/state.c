/* SPDX-License-Identifier: MIT
 *
 * The state of an operation, saved and restored (2.40, 5.6.6).
 */
#include "state.h"

CK_RV state_get(struct session *session, unsigned char *state, CK_ULONG *state_len)
{
    (void)session;
    (void)state;
    (void)state_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV state_set(struct session *session, const unsigned char *state, CK_ULONG state_len, CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)
{
    (void)session;
    (void)state;
    (void)state_len;
    (void)encryption_key;
    (void)authentication_key;
    return CKR_FUNCTION_NOT_SUPPORTED;
}
