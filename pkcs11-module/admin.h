/* SPDX-License-Identifier: MIT
 *
 * C_InitToken, C_InitPIN and C_SetPIN: one message each; the worker decides whether this program
 * may. C_InitPIN and C_SetPIN set the client PIN, which is the daemon's. The device's own user PIN
 * is the daemon's business; its SO PIN is what C_InitToken takes.
 */
#ifndef PKCS11_MODULE_ADMIN_H
#define PKCS11_MODULE_ADMIN_H

#include <p11-kit/pkcs11.h>

struct module;
struct session;

/* label: 32 bytes, padded with blanks. */
CK_RV admin_init_token(struct module *module, CK_SLOT_ID slot, const unsigned char *pin,
    CK_ULONG pin_len, const unsigned char *label);
CK_RV admin_init_pin(struct session *session, const unsigned char *pin, CK_ULONG pin_len);
CK_RV admin_set_pin(struct session *session, const unsigned char *old_pin, CK_ULONG old_len,
    const unsigned char *new_pin, CK_ULONG new_len);

#endif
