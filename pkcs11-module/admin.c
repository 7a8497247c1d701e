/* SPDX-License-Identifier: MIT
 *
 * What only an admin may: initialising the token, setting the client PIN.
 */
#include "admin.h"

CK_RV admin_init_token(struct module *module, CK_SLOT_ID slot, const unsigned char *pin, CK_ULONG pin_len, const unsigned char *label)
{
    (void)module;
    (void)slot;
    (void)pin;
    (void)pin_len;
    (void)label;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV admin_init_pin(struct session *session, const unsigned char *pin, CK_ULONG pin_len)
{
    (void)session;
    (void)pin;
    (void)pin_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV admin_set_pin(struct session *session, const unsigned char *old_pin, CK_ULONG old_len, const unsigned char *new_pin, CK_ULONG new_len)
{
    (void)session;
    (void)old_pin;
    (void)old_len;
    (void)new_pin;
    (void)new_len;
    return CKR_FUNCTION_NOT_SUPPORTED;
}
