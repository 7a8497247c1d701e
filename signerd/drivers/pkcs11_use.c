/* SPDX-License-Identifier: MIT
 *
 * Signing, verifying, encrypting and decrypting: at once in the session `work`, in parts in a
 * session of its own for each. What comes out goes straight into the caller's room; no copy stays
 * here.
 */
#include "pkcs11_use.h"

#include "pkcs11_device.h"
#include "pkcs11_mechanism.h"

#include <stdlib.h>

/* The four functions of the standard for each of ours, as names for the log. */
static const struct function_row {
    CK_FLAGS flag;
    const char *init;
    const char *whole;
    const char *update;
    const char *final;
} function_rows[] = {
    [DRIVER_SIGN] = {CKF_SIGN, "C_SignInit", "C_Sign", "C_SignUpdate", "C_SignFinal"},
    [DRIVER_VERIFY] = {CKF_VERIFY, "C_VerifyInit", "C_Verify", "C_VerifyUpdate", "C_VerifyFinal"},
    [DRIVER_ENCRYPT] = {CKF_ENCRYPT, "C_EncryptInit", "C_Encrypt", "C_EncryptUpdate",
        "C_EncryptFinal"},
    [DRIVER_DECRYPT] = {CKF_DECRYPT, "C_DecryptInit", "C_Decrypt", "C_DecryptUpdate",
        "C_DecryptFinal"},
};

struct driver_begun {
    enum driver_function function;
    CK_SESSION_HANDLE session;
};

/* Modules refuse NULL even where the length is 0. */
static CK_BYTE *bytes_of(struct span data)
{
    static CK_BYTE nothing[1];
    return data.len > 0 ? (CK_BYTE *)(uintptr_t)data.ptr : nothing;
}

static CK_RV init(const struct device *device, CK_SESSION_HANDLE session,
    enum driver_function function, CK_MECHANISM *how, CK_OBJECT_HANDLE key)
{
    const CK_FUNCTION_LIST *module = device->module;
    switch (function) {
    case DRIVER_SIGN:
        return module->C_SignInit(session, how, key);
    case DRIVER_VERIFY:
        return module->C_VerifyInit(session, how, key);
    case DRIVER_ENCRYPT:
        return module->C_EncryptInit(session, how, key);
    default:
        return module->C_DecryptInit(session, how, key);
    }
}

/* An operation that an earlier failure left active is dropped, and the start tried once more:
 * nothing was done yet. */
static CK_RV init_work(struct device *device, const struct driver_use *use, CK_MECHANISM *how)
{
    CK_RV rv = init(device, device->work, use->function, how, use->key);
    if (rv != CKR_OPERATION_ACTIVE)
        return rv;
    pkcs11_settle(device, rv);
    return init(device, device->work, use->function, how, use->key);
}

static CK_RV whole(const struct device *device, enum driver_function function, struct span data,
    struct span signature, uint8_t *room, CK_ULONG *len)
{
    const CK_FUNCTION_LIST *module = device->module;
    CK_BYTE *in = bytes_of(data);
    switch (function) {
    case DRIVER_SIGN:
        return module->C_Sign(device->work, in, data.len, room, len);
    case DRIVER_VERIFY:
        *len = 0;
        return module->C_Verify(
            device->work, in, data.len, bytes_of(signature), signature.len);
    case DRIVER_ENCRYPT:
        return module->C_Encrypt(device->work, in, data.len, room, len);
    default:
        return module->C_Decrypt(device->work, in, data.len, room, len);
    }
}

static CK_RV update(const struct device *device, const struct driver_begun *begun,
    struct span data, uint8_t *room, CK_ULONG *len)
{
    const CK_FUNCTION_LIST *module = device->module;
    CK_BYTE *in = bytes_of(data);
    switch (begun->function) {
    case DRIVER_SIGN:
        *len = 0;
        return module->C_SignUpdate(begun->session, in, data.len);
    case DRIVER_VERIFY:
        *len = 0;
        return module->C_VerifyUpdate(begun->session, in, data.len);
    case DRIVER_ENCRYPT:
        return module->C_EncryptUpdate(begun->session, in, data.len, room, len);
    default:
        return module->C_DecryptUpdate(begun->session, in, data.len, room, len);
    }
}

static CK_RV final(const struct device *device, const struct driver_begun *begun,
    struct span signature, uint8_t *room, CK_ULONG *len)
{
    const CK_FUNCTION_LIST *module = device->module;
    switch (begun->function) {
    case DRIVER_SIGN:
        return module->C_SignFinal(begun->session, room, len);
    case DRIVER_VERIFY:
        *len = 0;
        return module->C_VerifyFinal(begun->session, bytes_of(signature), signature.len);
    case DRIVER_ENCRYPT:
        return module->C_EncryptFinal(begun->session, room, len);
    default:
        return module->C_DecryptFinal(begun->session, room, len);
    }
}

/* What the answer to the data (not to init) means. */
static err_t judge(
    const struct device *device, enum driver_function function, const char *name, CK_RV rv)
{
    if (function == DRIVER_DECRYPT && pkcs11_data_is_at_fault(device, rv))
        return ERR_ENCRYPTED;
    return pkcs11_check(device, name, rv);
}

/* Behind a failure nobody looks at the room any more, and a module may have written plaintext there.
 */
static void forget(enum driver_function function, uint8_t *room, size_t size)
{
    if (function == DRIVER_DECRYPT && size > 0)
        secret_wipe(room, size);
}

/* What the module wrote becomes part of output. */
static err_t take(enum driver_function function, CK_ULONG len, struct writer *output)
{
    writer_took(output, len);
    return writer_failed(output) || (function == DRIVER_SIGN && len == 0) ? ERR_DEVICE : ERR_OK;
}

err_t pkcs11_use(struct device *device, const struct driver_use *use, struct span data,
    struct span signature, struct writer *output)
{
    const struct function_row *row = &function_rows[use->function];
    struct ck_mechanism how;
    err_t err = ck_mechanism_parse(use->mechanism, row->flag, use->parameter, &how);
    if (err != ERR_OK)
        return err;

    size_t size;
    uint8_t *room = writer_room(output, &size);
    CK_ULONG len = size;
    CK_RV rv = init_work(device, use, &how.ck);
    if (rv != CKR_OK) {
        err = pkcs11_check(device, row->init, rv);
    } else {
        rv = whole(device, use->function, data, signature, room, &len);
        err = judge(device, use->function, row->whole, rv);
    }
    if (rv != CKR_OK) {
        pkcs11_settle(device, rv);
        forget(use->function, room, size);
        return err;
    }
    return take(use->function, len, output);
}

err_t pkcs11_begin(
    struct device *device, const struct driver_use *use, struct driver_begun **ret_begun)
{
    const struct function_row *row = &function_rows[use->function];
    struct ck_mechanism how;
    err_t err = ck_mechanism_parse(use->mechanism, row->flag, use->parameter, &how);
    if (err != ERR_OK)
        return err;
    struct driver_begun *begun = malloc(sizeof *begun);
    if (begun == NULL)
        return ERR_MEMORY;
    begun->function = use->function;
    CK_RV rv = pkcs11_session(device, &begun->session);
    if (rv != CKR_OK) {
        free(begun);
        return pkcs11_check(device, "C_OpenSession", rv);
    }
    rv = init(device, begun->session, use->function, &how.ck, use->key);
    if (rv != CKR_OK) {
        pkcs11_abandon(device, begun);
        return pkcs11_check(device, row->init, rv);
    }
    *ret_begun = begun;
    return ERR_OK;
}

err_t pkcs11_feed(
    struct device *device, struct driver_begun *begun, struct span data, struct writer *output)
{
    size_t size;
    uint8_t *room = writer_room(output, &size);
    CK_ULONG len = size;
    if (data.len == 0)
        return ERR_OK;
    CK_RV rv = update(device, begun, data, room, &len);
    if (rv != CKR_OK) {
        forget(begun->function, room, size);
        return judge(device, begun->function, function_rows[begun->function].update, rv);
    }
    writer_took(output, len);
    return writer_failed(output) ? ERR_DEVICE : ERR_OK;
}

err_t pkcs11_finish(struct device *device, struct driver_begun *begun, struct span signature,
    struct writer *output)
{
    const enum driver_function function = begun->function;
    size_t size;
    uint8_t *room = writer_room(output, &size);
    CK_ULONG len = size;
    CK_RV rv = final(device, begun, signature, room, &len);
    err_t err = judge(device, function, function_rows[function].final, rv);
    pkcs11_abandon(device, begun);
    if (rv == CKR_OK)
        return take(function, len, output);
    forget(function, room, size);
    return err;
}

void pkcs11_abandon(struct device *device, struct driver_begun *begun)
{
    (void)device->module->C_CloseSession(begun->session);
    free(begun);
}
