/* SPDX-License-Identifier: MIT
 *
 * A PKCS#11 module, its token and the two sessions of the driver pkcs11. libp11-kit loads that
 * module and nothing else: for a module given by its path, unmanaged, it reads no configuration of
 * its own.
 */
#include "pkcs11_device.h"

#include "pkcs11_rv.h"

#include "base/log.h"

#include <p11-kit/p11-kit.h>
#include <stdlib.h>
#include <string.h>

/* Codes with which a library also says that it cannot reach its token any more. */
static bool is_vague(CK_RV rv)
{
    return rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED || rv == CKR_DEVICE_ERROR;
}

/* tpm2-pkcs11 has nothing but CKR_GENERAL_ERROR for a TPM that is gone, then and ever after. A
 * token that cannot even give a byte of random is gone: what a client has asked for has no part in
 * that. */
static bool is_gone(const struct device *device, CK_RV rv)
{
    CK_BYTE byte;
    return is_vague(rv) && device->home != CK_INVALID_HANDLE &&
           is_vague(device->module->C_GenerateRandom(device->home, &byte, sizeof byte));
}

err_t pkcs11_check(const struct device *device, const char *function, CK_RV rv)
{
    err_t err = rv_check(function, rv);
    if (is_gone(device, rv))
        return ERR_TOKEN_ABSENT;
    return rv == CKR_USER_NOT_LOGGED_IN && !device->logged_in ? ERR_ACTION_PROHIBITED : err;
}

static err_t load(struct device *device, const char *path)
{
    p11_kit_be_quiet();
    device->module = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED);
    if (device->module == NULL) {
        const char *why = p11_kit_message();
        log_error("device: %s", why != NULL ? why : "module cannot be loaded");
        return ERR_CONFIG;
    }
    CK_RV rv = p11_kit_module_initialize(device->module);
    device->initialized = rv == CKR_OK;
    return pkcs11_check(device, "C_Initialize", rv);
}

void pkcs11_unpad(char *to, const unsigned char *field, size_t len)
{
    while (len > 0 && (field[len - 1] == ' ' || field[len - 1] == '\0'))
        len--;
    memcpy(to, field, len);
    to[len] = '\0';
}

/* label NULL: a token that is not initialised. */
static bool slot_has(const struct device *device, CK_SLOT_ID slot, const char *label)
{
    CK_TOKEN_INFO info;
    char name[sizeof info.label + 1];
    if (device->module->C_GetTokenInfo(slot, &info) != CKR_OK ||
        ((info.flags & CKF_TOKEN_INITIALIZED) == 0) != (label == NULL))
        return false;
    if (label == NULL)
        return true;
    pkcs11_unpad(name, info.label, sizeof info.label);
    return strcmp(name, label) == 0;
}

/* All slots with a token; the caller frees. */
static err_t get_slots(const struct device *device, CK_SLOT_ID **ret_slots, CK_ULONG *ret_count)
{
    CK_ULONG count = 0;
    CK_SLOT_ID *slots = NULL;
    for (;;) {
        CK_RV rv = device->module->C_GetSlotList(CK_TRUE, slots, &count);
        if (rv == CKR_OK && slots != NULL) {
            *ret_slots = slots;
            *ret_count = count;
            return ERR_OK;
        }
        free(slots);
        if (rv != CKR_OK &&
            rv != CKR_BUFFER_TOO_SMALL) /* too small: a token was plugged in meanwhile */
            return pkcs11_check(device, "C_GetSlotList", rv);
        slots = calloc(count + 1, sizeof *slots);
        if (slots == NULL)
            return ERR_MEMORY;
    }
}

static err_t find_slot(struct device *device, const char *label)
{
    CK_SLOT_ID *slots = NULL;
    CK_ULONG count = 0;
    err_t err = get_slots(device, &slots, &count);
    if (err != ERR_OK)
        return err;
    unsigned found = 0;
    for (CK_ULONG i = 0; i < count; i++) {
        if (slot_has(device, slots[i], label)) {
            device->slot = slots[i];
            found++;
        }
    }
    free(slots);
    if (found > 1) {
        log_error("device: %u tokens have %s%s; it must be one", found,
            label != NULL ? "the label " : "not been initialised", label != NULL ? label : "");
        return ERR_CONFIG;
    }
    return found == 1 ? ERR_OK : ERR_TOKEN_ABSENT;
}

static CK_RV open_session(
    const struct device *device, CK_FLAGS flags, CK_SESSION_HANDLE *ret_session)
{
    return device->module->C_OpenSession(
        device->slot, CKF_SERIAL_SESSION | flags, NULL, NULL, ret_session);
}

static err_t open_sessions(struct device *device)
{
    CK_RV rv = open_session(device, CKF_RW_SESSION, &device->home);
    if (rv == CKR_TOKEN_WRITE_PROTECTED)
        rv = open_session(device, 0, &device->home);
    if (rv == CKR_OK)
        rv = open_session(device, 0, &device->work);
    return pkcs11_check(device, "C_OpenSession", rv);
}

static err_t login(struct device *device, const struct secret *pin)
{
    if (pin == NULL)
        return ERR_OK;
    struct span bytes = secret_bytes(pin);
    CK_RV rv = device->module->C_Login(
        device->home, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)bytes.ptr, bytes.len);
    if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
        return pkcs11_check(device, "C_Login", rv);
    device->logged_in = true;
    err_t err = secret_new(bytes.len, &device->pin);
    if (err == ERR_OK)
        memcpy(secret_writable(device->pin), bytes.ptr, bytes.len);
    return err;
}

CK_RV pkcs11_login_again(struct device *device)
{
    if (device->pin_refused) /* no login was lost that opening again would cure */
        return CKR_FUNCTION_REJECTED;
    if (device->pin == NULL)
        return CKR_USER_NOT_LOGGED_IN;
    struct span bytes = secret_bytes(device->pin);
    CK_RV rv = device->module->C_Login(
        device->work, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR *)(uintptr_t)bytes.ptr, bytes.len);
    if (rv_check("C_Login", rv) == ERR_DEVICE_PIN) {
        device->pin_refused = true;
        return CKR_FUNCTION_REJECTED;
    }
    return rv;
}

void pkcs11_close(struct device *device)
{
    if (device->home != CK_INVALID_HANDLE)
        (void)device->module->C_CloseAllSessions(device->slot); /* which logs out, too */
    if (device->initialized)
        (void)p11_kit_module_finalize(device->module);
    if (device->module != NULL)
        p11_kit_module_release(device->module);
    secret_free(device->pin);
    free(device);
}

err_t pkcs11_attach(
    const struct driver_settings *settings, bool blank_too, struct device **ret_device)
{
    struct device *device = calloc(1, sizeof *device);
    if (device == NULL)
        return ERR_MEMORY;
    err_t err = load(device, settings->module);
    if (err == ERR_OK)
        err = find_slot(device, settings->token);
    if (err == ERR_TOKEN_ABSENT && blank_too)
        err = find_slot(device, NULL);
    if (err == ERR_OK)
        *ret_device = device;
    else
        pkcs11_close(device);
    return err;
}

err_t pkcs11_open(const struct driver_settings *settings, struct device **ret_device)
{
    struct device *device = NULL;
    err_t err = pkcs11_attach(settings, false, &device);
    if (err != ERR_OK)
        return err;
    err = open_sessions(device);
    if (err == ERR_OK)
        err = login(device, settings->pin);
    if (err == ERR_OK)
        *ret_device = device;
    else
        pkcs11_close(device);
    return err;
}

CK_RV pkcs11_session(const struct device *device, CK_SESSION_HANDLE *ret_session)
{
    return open_session(device, 0, ret_session);
}

bool pkcs11_data_is_at_fault(const struct device *device, CK_RV rv)
{
    CK_SESSION_INFO info;
    return (rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED) &&
           device->module->C_GetSessionInfo(device->home, &info) == CKR_OK && !is_gone(device, rv);
}

void pkcs11_settle(struct device *device, CK_RV rv)
{
    if (!rv_leaves_doubt(rv))
        return;
    (void)device->module->C_CloseSession(device->work);
    device->work = CK_INVALID_HANDLE;
    (void)pkcs11_check(device, "C_OpenSession", open_session(device, 0, &device->work));
}
