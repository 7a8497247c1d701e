/* SPDX-License-Identifier: MIT
 *
 * C_InitToken of the device's module, and what the worker needs to open the token again: its user
 * PIN. Called with no device open: a token with a session cannot be initialised (2.40, 5.5).
 */
#include "pkcs11_init.h"

#include "pkcs11_device.h"

#include "base/log.h"

#include <string.h>

static CK_UTF8CHAR *text_of(struct span text)
{
    return (CK_UTF8CHAR *)(uintptr_t)text.ptr;
}

/* Of the SO PIN; pkcs11_check speaks of the user's. */
static err_t check_so_pin(const struct device *device, const char *function, CK_RV rv)
{
    err_t err = pkcs11_check(device, function, rv);
    switch (rv) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
        return ERR_PIN_INCORRECT;
    case CKR_PIN_LEN_RANGE:
        return ERR_PIN_LENGTH;
    case CKR_PIN_LOCKED:
        return ERR_PIN_LOCKED;
    default:
        return err;
    }
}

static err_t set_user_pin(struct device *device, struct span so_pin, struct span user_pin)
{
    CK_RV rv = device->module->C_OpenSession(
        device->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &device->home);
    if (rv != CKR_OK)
        return pkcs11_check(device, "C_OpenSession", rv);
    rv = device->module->C_Login(device->home, CKU_SO, text_of(so_pin), so_pin.len);
    if (rv != CKR_OK)
        return check_so_pin(device, "C_Login(CKU_SO)", rv);
    rv = device->module->C_InitPIN(device->home, text_of(user_pin), user_pin.len);
    if (rv != CKR_OK)
        log_error("device: the token is initialised, but does not take the PIN of pin-file");
    return pkcs11_check(device, "C_InitPIN", rv);
}

err_t pkcs11_init(const struct driver_settings *settings, struct span so_pin)
{
    CK_UTF8CHAR label[32];
    struct device *device = NULL;
    const size_t len = strlen(settings->token);
    if (len > sizeof label)
        return ERR_CONFIG;
    memset(label, ' ', sizeof label);
    memcpy(label, settings->token, len);
    err_t err = pkcs11_attach(settings, true, &device);
    if (err != ERR_OK)
        return err;
    err = check_so_pin(device, "C_InitToken",
        device->module->C_InitToken(device->slot, text_of(so_pin), so_pin.len, label));
    if (err == ERR_OK && settings->pin != NULL)
        err = set_user_pin(device, so_pin, secret_bytes(settings->pin));
    pkcs11_close(device);
    return err;
}
