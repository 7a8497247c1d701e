/* SPDX-License-Identifier: MIT
 *
 * Signing, verifying, encrypting and decrypting: at once in the session `work`, in parts in a
 * session of its own for each. What comes out goes straight into the caller's room; no copy stays
 * here.
 *
 * CKM_…_GENERAL, a MAC that is cut, is what few devices have. For the others the whole MAC is made,
 * and cut or compared here; so that verifying needs a key that may sign.
 */
#include "pkcs11_use.h"

#include "pkcs11_device.h"
#include "pkcs11_mechanism.h"

#include <stdlib.h>

enum {
    MAC_MOST = 64,  /* of SHA-512 */
    RSA_MOST = 512, /* bytes of a modulus */
};

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
    enum driver_function function; /* as the device does it */
    CK_SESSION_HANDLE session;
    uint32_t mechanism;
    size_t cut;    /* bytes of the MAC that count; 0: what the device says is the answer */
    bool compares; /* with the cut MAC */
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
        return module->C_Verify(device->work, in, data.len, bytes_of(signature), signature.len);
    case DRIVER_ENCRYPT:
        return module->C_Encrypt(device->work, in, data.len, room, len);
    default:
        return module->C_Decrypt(device->work, in, data.len, room, len);
    }
}

static CK_RV update(const struct device *device, const struct driver_begun *begun, struct span data,
    uint8_t *room, CK_ULONG *len)
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

/* What the answer to the data (not to init) means. Of what an RSA key decrypts nobody is told why
 * it failed: each difference is a padding oracle. */
static err_t judge(const struct device *device, enum driver_function function, uint32_t mechanism,
    const char *name, CK_RV rv)
{
    if (function == DRIVER_DECRYPT && pkcs11_data_is_at_fault(device, rv))
        return ERR_ENCRYPTED;
    if (function != DRIVER_DECRYPT || !ck_mechanism_is_rsa(mechanism) || rv == CKR_OK)
        return pkcs11_check(device, name, rv);
    return pkcs11_check(device, name, rv) == ERR_TOKEN_ABSENT ? ERR_TOKEN_ABSENT : ERR_ENCRYPTED;
}

/* A device that does not take the parameter may say no more than that. */
static err_t judge_init(
    const struct device *device, const char *name, CK_RV rv, struct span parameter)
{
    err_t err = pkcs11_check(device, name, rv);
    return rv == CKR_ARGUMENTS_BAD && parameter.len > 0 ? ERR_MECHANISM_PARAMETER : err;
}

/* Behind a failure nobody looks at the room any more, and a module may have written plaintext
 * there.
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

/* ---- MACs that are cut here ---- */

static bool device_has(const struct device *device, CK_MECHANISM_TYPE type, CK_FLAGS function)
{
    CK_MECHANISM_INFO info;
    return device->module->C_GetMechanismInfo(device->slot, type, &info) == CKR_OK &&
           (info.flags & function) != 0;
}

/* What the device is asked for in the place of use; the cut is 0 where that is the same. */
static err_t replace(const struct device *device, const struct driver_use *use,
    struct driver_use *ret_use, size_t *ret_cut)
{
    const CK_FLAGS function = function_rows[use->function].flag;
    const struct ck_mechanism_row *row = ck_mechanism_find(use->mechanism, function);
    struct wire_mac_parameter parameter;
    *ret_use = *use;
    *ret_cut = 0;
    if (row == NULL || row->whole == 0 || device_has(device, row->type, function))
        return ERR_OK;
    if (schema_decode_whole(&wire_mac_parameter_schema, use->parameter, &parameter) != ERR_OK ||
        parameter.mac_len == 0 || parameter.mac_len > MAC_MOST)
        return ERR_MECHANISM_PARAMETER;
    *ret_use = (struct driver_use){DRIVER_SIGN, use->key, (uint32_t)row->whole, span_of(NULL, 0)};
    *ret_cut = parameter.mac_len;
    return ERR_OK;
}

/* whole: the MAC as the device made it. */
static err_t settle_mac(
    bool compares, size_t cut, struct span whole, struct span signature, struct writer *output)
{
    if (cut > whole.len)
        return ERR_MECHANISM_PARAMETER;
    const struct span mac = span_of(whole.ptr, cut);
    if (!compares) {
        write_span(output, mac);
        return writer_failed(output) ? ERR_TOO_LARGE : ERR_OK;
    }
    if (signature.len != cut)
        return ERR_SIGNATURE_LENGTH;
    return secret_equal(signature, mac) ? ERR_OK : ERR_SIGNATURE;
}

/* ---- at once ---- */

/* A key with CKA_ALWAYS_AUTHENTICATE wants the PIN between init and the data. Most devices have
 * ended the operation when they say so. */
static CK_RV whole_again(struct device *device, const struct driver_use *use, CK_MECHANISM *how,
    struct span data, uint8_t *room, CK_ULONG *len)
{
    CK_RV rv = init_work(device, use, how);
    if (rv == CKR_OK)
        rv = pkcs11_login_again(device);
    return rv == CKR_OK ? whole(device, use->function, data, span_of(NULL, 0), room, len) : rv;
}

static err_t use_device(struct device *device, const struct driver_use *use, struct span data,
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
        err = judge_init(device, row->init, rv, use->parameter);
    } else {
        rv = whole(device, use->function, data, signature, room, &len);
        if (rv == CKR_USER_NOT_LOGGED_IN && device->logged_in) {
            len = size;
            rv = whole_again(device, use, &how.ck, data, room, &len);
        }
        err = judge(device, use->function, use->mechanism, row->whole, rv);
    }
    if (rv != CKR_OK) {
        pkcs11_settle(device, rv);
        forget(use->function, room, size);
        return err;
    }
    return take(use->function, len, output);
}

/* SoftHSM passes over the label of OAEP when it decrypts. What opens without the label was not made
 * with it: so that is tried first, on whatever device. */
static err_t refuse_other_label(
    struct device *device, const struct driver_use *use, struct span data)
{
    struct wire_oaep_parameter oaep;
    struct driver_use bare = *use;
    uint8_t parameter[WIRE_PARAMETER_MAX];
    uint8_t plain[RSA_MOST];
    struct writer p = writer_of(parameter, sizeof parameter);
    struct writer w = writer_of(plain, sizeof plain);
    if (use->mechanism != CKM_RSA_PKCS_OAEP || use->function != DRIVER_DECRYPT ||
        schema_decode_whole(&wire_oaep_parameter_schema, use->parameter, &oaep) != ERR_OK ||
        oaep.label.len == 0)
        return ERR_OK;
    oaep.label = span_of(NULL, 0);
    schema_encode(&wire_oaep_parameter_schema, &oaep, &p);
    bare.parameter = writer_bytes(&p);
    err_t err = use_device(device, &bare, data, span_of(NULL, 0), &w);
    secret_wipe(plain, sizeof plain);
    if (err == ERR_OK)
        return ERR_ENCRYPTED;
    return err == ERR_ENCRYPTED ? ERR_OK : err;
}

err_t pkcs11_use(struct device *device, const struct driver_use *use, struct span data,
    struct span signature, struct writer *output)
{
    struct driver_use done;
    size_t cut;
    uint8_t mac[MAC_MOST];
    struct writer w = writer_of(mac, sizeof mac);
    err_t err = refuse_other_label(device, use, data);
    if (err == ERR_OK)
        err = replace(device, use, &done, &cut);
    if (err != ERR_OK)
        return err;
    if (cut == 0)
        return use_device(device, use, data, signature, output);
    err = use_device(device, &done, data, span_of(NULL, 0), &w);
    if (err == ERR_OK)
        err = settle_mac(use->function == DRIVER_VERIFY, cut, writer_bytes(&w), signature, output);
    secret_wipe(mac, sizeof mac);
    return err;
}

/* ---- in parts ---- */

err_t pkcs11_begin(
    struct device *device, const struct driver_use *use, struct driver_begun **ret_begun)
{
    struct driver_use done;
    struct ck_mechanism how;
    size_t cut;
    err_t err = replace(device, use, &done, &cut);
    if (err != ERR_OK)
        return err;
    const struct function_row *row = &function_rows[done.function];
    err = ck_mechanism_parse(done.mechanism, row->flag, done.parameter, &how);
    if (err != ERR_OK)
        return err;
    struct driver_begun *begun = malloc(sizeof *begun);
    if (begun == NULL)
        return ERR_MEMORY;
    *begun = (struct driver_begun){.function = done.function,
        .mechanism = done.mechanism,
        .cut = cut,
        .compares = use->function == DRIVER_VERIFY};
    CK_RV rv = pkcs11_session(device, &begun->session);
    if (rv != CKR_OK) {
        free(begun);
        return pkcs11_check(device, "C_OpenSession", rv);
    }
    rv = init(device, begun->session, done.function, &how.ck, done.key);
    if (rv != CKR_OK) {
        pkcs11_abandon(device, begun);
        return judge_init(device, row->init, rv, done.parameter);
    }
    *ret_begun = begun;
    return ERR_OK;
}

err_t pkcs11_feed(
    struct device *device, struct driver_begun *begun, struct span data, struct writer *output)
{
    const enum driver_function function = begun->function;
    size_t size;
    uint8_t *room = writer_room(output, &size);
    CK_ULONG len = size;
    if (data.len == 0)
        return ERR_OK;
    CK_RV rv = update(device, begun, data, room, &len);
    if (rv != CKR_OK) {
        forget(function, room, size);
        return judge(device, function, begun->mechanism, function_rows[function].update, rv);
    }
    writer_took(output, len);
    return writer_failed(output) ? ERR_DEVICE : ERR_OK;
}

/* Ends it in the device. */
static err_t finish_device(
    struct device *device, struct driver_begun *begun, struct span signature, struct writer *output)
{
    const enum driver_function function = begun->function;
    size_t size;
    uint8_t *room = writer_room(output, &size);
    CK_ULONG len = size;
    CK_RV rv = final(device, begun, signature, room, &len);
    err_t err = judge(device, function, begun->mechanism, function_rows[function].final, rv);
    pkcs11_abandon(device, begun);
    if (rv == CKR_OK)
        return take(function, len, output);
    forget(function, room, size);
    return err;
}

err_t pkcs11_finish(
    struct device *device, struct driver_begun *begun, struct span signature, struct writer *output)
{
    const size_t cut = begun->cut;
    const bool compares = begun->compares;
    uint8_t mac[MAC_MOST];
    struct writer w = writer_of(mac, sizeof mac);
    if (cut == 0)
        return finish_device(device, begun, signature, output);
    err_t err = finish_device(device, begun, span_of(NULL, 0), &w);
    if (err == ERR_OK)
        err = settle_mac(compares, cut, writer_bytes(&w), signature, output);
    secret_wipe(mac, sizeof mac);
    return err;
}

void pkcs11_abandon(struct device *device, struct driver_begun *begun)
{
    (void)device->module->C_CloseSession(begun->session);
    free(begun);
}
