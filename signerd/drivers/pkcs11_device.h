/* SPDX-License-Identifier: MIT
 *
 * The open device of the driver pkcs11, shared by its files.
 *
 * Two sessions. `home` stays as long as the device is open: it keeps the login and owns the session
 * objects. `work` is for what takes several calls (signing, finding). Where a failure leaves its
 * state in doubt, it is replaced, which costs no login and no object.
 */
#ifndef SIGNERD_DRIVERS_PKCS11_DEVICE_H
#define SIGNERD_DRIVERS_PKCS11_DEVICE_H

#include "driver.h"

#include <p11-kit/pkcs11.h>

struct device {
    CK_FUNCTION_LIST *module;
    bool initialized;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE home; /* CK_INVALID_HANDLE: not open */
    CK_SESSION_HANDLE work;
    bool logged_in;
    struct secret *pin; /* for keys with CKA_ALWAYS_AUTHENTICATE; NULL: none */
    bool pin_refused;   /* when it was given again */
};

err_t pkcs11_open(const struct driver_settings *settings, struct device **ret_device);
void pkcs11_close(struct device *device);

/* The module loaded and the token settings->token found, with no session yet. blank_too: or else
 * the only token that is not initialised. Errors as of driver.h's open. */
err_t pkcs11_attach(
    const struct driver_settings *settings, bool blank_too, struct device **ret_device);

/* rv_check, and two things more: without a PIN, "not logged in" is no lost login that opening again
 * could cure; and a vague error of a token that does not even give random is ERR_TOKEN_ABSENT. */
err_t pkcs11_check(const struct device *device, const char *function, CK_RV rv);

/* Gives the PIN again for the operation that is active in `work`, whose key has
 * CKA_ALWAYS_AUTHENTICATE. A PIN that is refused is not tried again, since tokens lock: then, and
 * afterwards, CKR_FUNCTION_REJECTED. */
CK_RV pkcs11_login_again(struct device *device);

/* A session for what comes in parts; the caller closes it. */
CK_RV pkcs11_session(const struct device *device, CK_SESSION_HANDLE *ret_session);

/* True where a failed decryption or unwrapping says no more than "it failed", but the device goes
 * on answering: then what it was given is wrong. SoftHSM says CKR_GENERAL_ERROR for a wrong tag, a
 * wrong padding and a wrapped key that was changed. */
bool pkcs11_data_is_at_fault(const struct device *device, CK_RV rv);

/* To be called after a failure in `work`: where its state is in doubt, a new session takes its
 * place. Where even that fails, the handle stays invalid, and the next call says ERR_TOKEN_ABSENT.
 */
void pkcs11_settle(struct device *device, CK_RV rv);

/* Copies a field of CK_TOKEN_INFO (len bytes) without its padding; to has room for len + 1. */
void pkcs11_unpad(char *to, const unsigned char *field, size_t len);

#endif
