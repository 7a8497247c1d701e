/* SPDX-License-Identifier: MIT
 *
 * The table of CK_RV codes that a program can do something about; all others are ERR_DEVICE.
 */
#include "rv.h"

#include "base/log.h"

#include <stddef.h>

static const struct {
    CK_RV rv;
    err_t err;
    const char *advice; /* NULL: the error's text says all */
} rows[] = {
    {CKR_OK, ERR_OK, NULL},
    {CKR_HOST_MEMORY, ERR_MEMORY, NULL},
    {CKR_PIN_INCORRECT, ERR_PIN_INCORRECT, NULL},
    {CKR_PIN_INVALID, ERR_PIN_INCORRECT, NULL},
    {CKR_PIN_LEN_RANGE, ERR_PIN_INCORRECT, NULL},
    {CKR_PIN_EXPIRED, ERR_PIN_INCORRECT, "the PIN has expired; set a new one"},
    {CKR_PIN_LOCKED, ERR_PIN_INCORRECT,
        "the PIN is locked; the token's security officer unlocks it"},
    {CKR_USER_PIN_NOT_INITIALIZED, ERR_PIN_INCORRECT, "the token has no user PIN yet; set one"},
    {CKR_USER_NOT_LOGGED_IN, ERR_NOT_LOGGED_IN, NULL},
    {CKR_SLOT_ID_INVALID, ERR_TOKEN_ABSENT, NULL},
    {CKR_TOKEN_NOT_PRESENT, ERR_TOKEN_ABSENT, NULL},
    {CKR_TOKEN_NOT_RECOGNIZED, ERR_TOKEN_ABSENT, NULL},
    {CKR_DEVICE_REMOVED, ERR_TOKEN_ABSENT, NULL},
    {CKR_SESSION_COUNT, ERR_RATE, "the token has no session left; end other programs that use it"},
    {CKR_SESSION_READ_ONLY, ERR_READ_ONLY, NULL},
    {CKR_TOKEN_WRITE_PROTECTED, ERR_READ_ONLY, NULL},
    {CKR_DEVICE_MEMORY, ERR_DEVICE_MEMORY, NULL},
    {CKR_OBJECT_HANDLE_INVALID, ERR_OBJECT_GONE, NULL},
    {CKR_KEY_HANDLE_INVALID, ERR_OBJECT_GONE, NULL},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, ERR_KEY_FUNCTION,
        "the key, or the policy of its device, does not allow this"},
    {CKR_KEY_TYPE_INCONSISTENT, ERR_KEY_TYPE, NULL},
    {CKR_KEY_SIZE_RANGE, ERR_KEY_SIZE, NULL},
    {CKR_MECHANISM_INVALID, ERR_MECHANISM, NULL},
    {CKR_MECHANISM_PARAM_INVALID, ERR_MECHANISM_PARAMETER, NULL},
    {CKR_CURVE_NOT_SUPPORTED, ERR_CURVE, NULL},
    {CKR_DOMAIN_PARAMS_INVALID, ERR_CURVE, NULL},
    {CKR_ACTION_PROHIBITED, ERR_ACTION_PROHIBITED, NULL},
    {CKR_ATTRIBUTE_READ_ONLY, ERR_ATTRIBUTE_READ_ONLY, NULL},
    {CKR_ATTRIBUTE_TYPE_INVALID, ERR_ATTRIBUTE_TYPE, NULL},
    {CKR_ATTRIBUTE_VALUE_INVALID, ERR_ATTRIBUTE_VALUE, NULL},
    {CKR_TEMPLATE_INCOMPLETE, ERR_TEMPLATE_INCOMPLETE, NULL},
    {CKR_TEMPLATE_INCONSISTENT, ERR_TEMPLATE_INCONSISTENT, NULL},
    {CKR_FUNCTION_NOT_SUPPORTED, ERR_UNSUPPORTED, NULL},
    {CKR_FUNCTION_REJECTED, ERR_RATE, "the token refuses; too much was asked of it at a time"},
    {CKR_DATA_LEN_RANGE, ERR_DATA_LENGTH, NULL},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static size_t find(CK_RV rv)
{
    size_t i = 0;
    while (i < ROWS && rows[i].rv != rv)
        i++;
    return i;
}

err_t token_rv_err(CK_RV rv)
{
    size_t i = find(rv);
    return i < ROWS ? rows[i].err : ERR_DEVICE;
}

err_t token_rv(const char *shown, const char *what, CK_RV rv)
{
    size_t i = find(rv);
    if (i == ROWS) {
        log_error("%s: %s: %s", shown, what, p11_kit_strerror(rv));
        return ERR_DEVICE;
    }
    if (rv != CKR_OK)
        log_error("%s: %s: %s", shown, what,
            rows[i].advice != NULL ? rows[i].advice : err_text(rows[i].err));
    return rows[i].err;
}
