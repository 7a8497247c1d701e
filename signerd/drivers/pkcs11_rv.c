/* SPDX-License-Identifier: MIT
 *
 * The table of CK_RV codes. A code that says "the device, the session or the login is gone" becomes
 * ERR_TOKEN_ABSENT, so that the worker opens the device again, PIN and all.
 */
#include "pkcs11_rv.h"

#include "base/clock.h"
#include "base/log.h"

#include <stddef.h>

enum { LINES_AT_ONCE = 50, LINE_REFILL_US = 1000000 };

struct rv_row {
    CK_RV rv;
    err_t err;
    bool doubt;  /* see rv_leaves_doubt */
    bool answer; /* about what was asked, no fault: not logged, lest clients fill the log */
    const char *name;
};

#define ENDED(rv, error)                                                                           \
    {                                                                                              \
        rv, ERR_##error, false, false, #rv                                                         \
    }
#define ANSWER(rv, error)                                                                          \
    {                                                                                              \
        rv, ERR_##error, false, true, #rv                                                          \
    }
#define DOUBT(rv, error)                                                                           \
    {                                                                                              \
        rv, ERR_##error, true, false, #rv                                                          \
    }

static const struct rv_row rows[] = {
    ENDED(CKR_OK, OK),
    DOUBT(CKR_CANCEL, DEVICE),
    DOUBT(CKR_HOST_MEMORY, MEMORY),
    ENDED(CKR_SLOT_ID_INVALID, TOKEN_ABSENT),
    DOUBT(CKR_GENERAL_ERROR, DEVICE),
    DOUBT(CKR_FUNCTION_FAILED, DEVICE),
    DOUBT(CKR_ARGUMENTS_BAD, ARGUMENTS),
    ENDED(CKR_NEED_TO_CREATE_THREADS, CONFIG),
    ENDED(CKR_CANT_LOCK, CONFIG),
    ENDED(CKR_ATTRIBUTE_READ_ONLY, ATTRIBUTE_READ_ONLY),
    ENDED(CKR_ATTRIBUTE_SENSITIVE, ATTRIBUTE_SENSITIVE),
    ENDED(CKR_ATTRIBUTE_TYPE_INVALID, ATTRIBUTE_TYPE),
    ENDED(CKR_ATTRIBUTE_VALUE_INVALID, ATTRIBUTE_VALUE),
    ENDED(CKR_ACTION_PROHIBITED, ACTION_PROHIBITED),
    ENDED(CKR_DATA_INVALID, DATA_LENGTH),
    ENDED(CKR_DATA_LEN_RANGE, DATA_LENGTH),
    DOUBT(CKR_DEVICE_ERROR, DEVICE),
    DOUBT(CKR_DEVICE_MEMORY, DEVICE_MEMORY),
    ENDED(CKR_DEVICE_REMOVED, TOKEN_ABSENT),
    DOUBT(CKR_FUNCTION_CANCELED, DEVICE),
    ANSWER(CKR_ENCRYPTED_DATA_INVALID, ENCRYPTED),
    ANSWER(CKR_ENCRYPTED_DATA_LEN_RANGE, ENCRYPTED_LENGTH),
    ENDED(CKR_FUNCTION_NOT_SUPPORTED, UNSUPPORTED),
    ENDED(CKR_FUNCTION_REJECTED, ACTION_PROHIBITED),
    ENDED(CKR_KEY_HANDLE_INVALID, OBJECT_GONE),
    ENDED(CKR_KEY_SIZE_RANGE, KEY_SIZE),
    ENDED(CKR_KEY_TYPE_INCONSISTENT, KEY_TYPE),
    ENDED(CKR_KEY_FUNCTION_NOT_PERMITTED, KEY_FUNCTION),
    ENDED(CKR_KEY_UNEXTRACTABLE, KEY_UNEXTRACTABLE),
    ENDED(CKR_KEY_NOT_WRAPPABLE, KEY_NOT_WRAPPABLE),
    ENDED(CKR_MECHANISM_INVALID, MECHANISM),
    ENDED(CKR_MECHANISM_PARAM_INVALID, MECHANISM_PARAMETER),
    ENDED(CKR_OBJECT_HANDLE_INVALID, OBJECT_GONE),
    DOUBT(CKR_OPERATION_ACTIVE, DEVICE),
    DOUBT(CKR_OPERATION_NOT_INITIALIZED, DEVICE),
    ENDED(CKR_PIN_INCORRECT, DEVICE_PIN),
    ENDED(CKR_PIN_INVALID, DEVICE_PIN),
    ENDED(CKR_PIN_LEN_RANGE, DEVICE_PIN),
    ENDED(CKR_PIN_EXPIRED, DEVICE_PIN),
    ENDED(CKR_PIN_LOCKED, DEVICE_PIN),
    ENDED(CKR_PIN_TOO_WEAK, DEVICE_PIN),
    ENDED(CKR_SESSION_CLOSED, TOKEN_ABSENT),
    ENDED(CKR_SESSION_COUNT, DEVICE),
    ENDED(CKR_SESSION_HANDLE_INVALID, TOKEN_ABSENT),
    ENDED(CKR_SESSION_READ_ONLY, READ_ONLY),
    ENDED(CKR_SESSION_READ_WRITE_SO_EXISTS, DEVICE),
    ANSWER(CKR_SIGNATURE_INVALID, SIGNATURE),
    ANSWER(CKR_SIGNATURE_LEN_RANGE, SIGNATURE_LENGTH),
    ENDED(CKR_TEMPLATE_INCOMPLETE, TEMPLATE_INCOMPLETE),
    ENDED(CKR_TEMPLATE_INCONSISTENT, TEMPLATE_INCONSISTENT),
    ENDED(CKR_TOKEN_NOT_PRESENT, TOKEN_ABSENT),
    ENDED(CKR_TOKEN_NOT_RECOGNIZED, TOKEN_ABSENT),
    ENDED(CKR_TOKEN_WRITE_PROTECTED, READ_ONLY),
    ENDED(CKR_UNWRAPPING_KEY_HANDLE_INVALID, OBJECT_GONE),
    ENDED(CKR_UNWRAPPING_KEY_SIZE_RANGE, KEY_SIZE),
    ENDED(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, KEY_TYPE),
    ENDED(CKR_USER_ALREADY_LOGGED_IN, DEVICE),
    ENDED(CKR_USER_NOT_LOGGED_IN, TOKEN_ABSENT),
    ENDED(CKR_USER_PIN_NOT_INITIALIZED, DEVICE_PIN),
    ENDED(CKR_USER_TYPE_INVALID, DEVICE_PIN),
    ENDED(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, DEVICE),
    ENDED(CKR_USER_TOO_MANY_TYPES, DEVICE),
    ANSWER(CKR_WRAPPED_KEY_INVALID, WRAPPED_KEY),
    ANSWER(CKR_WRAPPED_KEY_LEN_RANGE, WRAPPED_KEY),
    ENDED(CKR_WRAPPING_KEY_HANDLE_INVALID, OBJECT_GONE),
    ENDED(CKR_WRAPPING_KEY_SIZE_RANGE, KEY_SIZE),
    ENDED(CKR_WRAPPING_KEY_TYPE_INCONSISTENT, KEY_TYPE),
    ENDED(CKR_RANDOM_NO_RNG, UNSUPPORTED),
    ENDED(CKR_DOMAIN_PARAMS_INVALID, CURVE),
    ENDED(CKR_CURVE_NOT_SUPPORTED, CURVE),
    DOUBT(CKR_BUFFER_TOO_SMALL, TOO_LARGE),
    ENDED(CKR_CRYPTOKI_NOT_INITIALIZED, TOKEN_ABSENT),
    ENDED(CKR_FIPS_SELF_TEST_FAILED, DEVICE),
    ENDED(CKR_LIBRARY_LOAD_FAILED, CONFIG),
    ENDED(CKR_PUBLIC_KEY_INVALID, ATTRIBUTE_VALUE),
};

static const struct rv_row *find(CK_RV rv)
{
    static const struct rv_row unknown = {0, ERR_DEVICE, true, false, "code not of the standard"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].rv == rv)
            return &rows[i];
    return &unknown;
}

/* Most codes can be caused by a client, as often as it likes, and the log is everybody's. */
static bool has_line(void)
{
    static uint64_t left = LINES_AT_ONCE;
    static uint64_t refilled;
    static unsigned long left_out;
    const uint64_t now = clock_us();
    const uint64_t refill = (now - refilled) / LINE_REFILL_US;
    if (refill > 0) {
        left = left + refill < LINES_AT_ONCE ? left + refill : LINES_AT_ONCE;
        refilled = now;
    }
    if (left == 0) {
        left_out++;
        return false;
    }
    left--;
    if (left_out > 0)
        log_warning("device: %lu more answers like these had no line", left_out);
    left_out = 0;
    return true;
}

err_t rv_check(const char *function, CK_RV rv)
{
    const struct rv_row *row = find(rv);
    if (rv != CKR_OK && !row->answer && has_line())
        log_warning("device: %s: %s (0x%lx)", function, row->name, rv);
    return row->err;
}

bool rv_leaves_doubt(CK_RV rv)
{
    return find(rv)->doubt;
}
