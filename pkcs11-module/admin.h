/* SPDX-License-Identifier: MIT
 *
 * What only an admin may: initialising the token, setting the client PIN.
 */
#ifndef PKCS11_MODULE_ADMIN_H
#define PKCS11_MODULE_ADMIN_H

#include <p11-kit/pkcs11.h>

struct module;
struct session;

/* The implementations of C_InitToken, C_InitPIN and C_SetPIN. */
CK_RV admin_init_token(struct module *module, CK_SLOT_ID slot, const unsigned char *pin, CK_ULONG pin_len, const unsigned char *label);
CK_RV admin_init_pin(struct session *session, const unsigned char *pin, CK_ULONG pin_len);
CK_RV admin_set_pin(struct session *session, const unsigned char *old_pin, CK_ULONG old_len, const unsigned char *new_pin, CK_ULONG new_len);

#endif
