/* SPDX-License-Identifier: MIT
 *
 * The driver for any token with a PKCS#11 module: the functions of driver.h as calls of that
 * module. Keys at work are in pkcs11_use.c.
 */
#include "pkcs11_derive.h"
#include "pkcs11_device.h"
#include "pkcs11_init.h"
#include "pkcs11_mechanism.h"
#include "pkcs11_template.h"
#include "pkcs11_use.h"

#include <stdlib.h>

enum { FIND_BATCH = 256 };

enum { RSA_BITS_LEAST = 2048, RSA_BITS_MOST = 4096, RSA_EXPONENT_LEAST = 65537 };

struct curve_row {
    CK_MECHANISM_TYPE mechanism; /* that makes its pairs */
    uint8_t len;
    uint8_t params[14]; /* CKA_EC_PARAMS: a namedCurve, or a curveName */
};

static const struct curve_row curve_rows[] = {
    /* P-256, P-384, P-521 */
    {CKM_EC_KEY_PAIR_GEN, 10, {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}},
    {CKM_EC_KEY_PAIR_GEN, 7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}},
    {CKM_EC_KEY_PAIR_GEN, 7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}},
    /* Ed25519; devices differ in which of the two they know */
    {CKM_EC_EDWARDS_KEY_PAIR_GEN, 5, {0x06, 0x03, 0x2b, 0x65, 0x70}},
    {CKM_EC_EDWARDS_KEY_PAIR_GEN, 14,
        {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'}},
};

/* ------------------------------------------------------------------ the token */

static uint16_t version_of(CK_VERSION version)
{
    return (uint16_t)(version.major << 8 | version.minor);
}

static err_t pkcs11_token(struct device *device, struct driver_token *ret_token)
{
    CK_TOKEN_INFO info;
    CK_RV rv = device->module->C_GetTokenInfo(device->slot, &info);
    if (rv != CKR_OK)
        return pkcs11_check(device, "C_GetTokenInfo", rv);

    struct driver_token token = {.mechanism_count = 0};
    pkcs11_unpad(token.label, info.label, sizeof info.label);
    pkcs11_unpad(token.manufacturer, info.manufacturerID, sizeof info.manufacturerID);
    pkcs11_unpad(token.model, info.model, sizeof info.model);
    pkcs11_unpad(token.serial, info.serialNumber, sizeof info.serialNumber);
    token.hardware_version = version_of(info.hardwareVersion);
    token.firmware_version = version_of(info.firmwareVersion);

    for (size_t i = 0; i < ck_mechanism_rows_count; i++) {
        const struct ck_mechanism_row *row = &ck_mechanism_rows[i];
        CK_MECHANISM_INFO its;
        rv = device->module->C_GetMechanismInfo(device->slot, row->type, &its);
        if (rv == CKR_MECHANISM_INVALID && row->whole != 0) /* pkcs11_use.c cuts it */
            rv = device->module->C_GetMechanismInfo(device->slot, row->whole, &its);
        if (rv == CKR_OK &&
            ck_mechanism_meet(row, &its, &token.mechanisms[token.mechanism_count]))
            token.mechanism_count++;
        else if (rv != CKR_OK && rv != CKR_MECHANISM_INVALID)
            return pkcs11_check(device, "C_GetMechanismInfo", rv);
    }
    *ret_token = token;
    return ERR_OK;
}

/* ------------------------------------------------------------------ objects */

struct handles {
    CK_OBJECT_HANDLE *all;
    size_t count;
};

/* Between C_FindObjectsInit and C_FindObjectsFinal. */
static CK_RV find_batches(const struct device *device, struct handles *handles)
{
    for (;;) {
        if (handles->count + FIND_BATCH > DRIVER_OBJECTS_MAX)
            return CKR_GENERAL_ERROR;
        CK_OBJECT_HANDLE *more =
            reallocarray(handles->all, handles->count + FIND_BATCH, sizeof *handles->all);
        if (more == NULL)
            return CKR_HOST_MEMORY;
        handles->all = more;
        CK_ULONG found = 0;
        CK_RV rv =
            device->module->C_FindObjects(device->work, more + handles->count, FIND_BATCH, &found);
        if (rv != CKR_OK || found == 0)
            return rv;
        handles->count += found <= FIND_BATCH ? found : FIND_BATCH;
    }
}

/* All handles are fetched first, so that the visitor may call this driver again. */
static err_t pkcs11_list(struct device *device, driver_visit *visit, void *context)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE on_token = {CKA_TOKEN, &yes, sizeof yes};
    struct handles handles = {NULL, 0};
    CK_RV rv = device->module->C_FindObjectsInit(device->work, &on_token, 1);
    if (rv == CKR_OK) {
        rv = find_batches(device, &handles);
        CK_RV final = device->module->C_FindObjectsFinal(device->work);
        rv = rv == CKR_OK ? final : rv;
    }
    err_t err = pkcs11_check(device, "C_FindObjects", rv);
    pkcs11_settle(device, rv);
    for (size_t i = 0; err == ERR_OK && i < handles.count; i++)
        if (handles.all[i] != CK_INVALID_HANDLE && !visit(context, handles.all[i]))
            break;
    free(handles.all);
    return err;
}

static err_t pkcs11_attributes(struct device *device, driver_ref object, struct writer *list)
{
    const struct ck_template_source source = {device->module, device->home, object};
    return ck_template_fetch(&source, list);
}

/* CKA_EC_PARAMS must name a curve whose keys this driver works with. */
static err_t check_curve(uint32_t mechanism, struct span public_template)
{
    struct span params;
    if (!attribute_get(public_template, ATTR_EC_PARAMS, &params))
        return ERR_TEMPLATE_INCOMPLETE;
    for (size_t i = 0; i < sizeof curve_rows / sizeof curve_rows[0]; i++)
        if (curve_rows[i].mechanism == mechanism &&
            span_equal(params, span_of(curve_rows[i].params, curve_rows[i].len)))
            return ERR_OK;
    return ERR_CURVE;
}

/* An odd exponent of at most 8 bytes; smaller ones than the usual are traps. */
static bool exponent_fits(struct span exponent)
{
    uint64_t value = 0;
    struct reader r = reader_of(exponent);
    if (exponent.len > 8)
        return false;
    while (reader_more(&r))
        value = value << 8 | read_uint(&r, 1);
    return value >= RSA_EXPONENT_LEAST && (value & 1) != 0;
}

static err_t check_modulus(struct span public_template)
{
    struct span exponent;
    uint64_t bits;
    if (!attribute_get_ulong(public_template, ATTR_MODULUS_BITS, &bits))
        return ERR_TEMPLATE_INCOMPLETE;
    if (bits < RSA_BITS_LEAST || bits > RSA_BITS_MOST || bits % 8 != 0)
        return ERR_KEY_SIZE;
    return attribute_get(public_template, ATTR_PUBLIC_EXPONENT, &exponent) &&
                   !exponent_fits(exponent)
               ? ERR_ATTRIBUTE_VALUE
               : ERR_OK;
}

static err_t pkcs11_generate_pair(struct device *device, uint32_t mechanism,
    struct span public_template, struct span private_template, driver_ref *ret_public,
    driver_ref *ret_private)
{
    struct ck_mechanism how;
    struct ck_template public;
    struct ck_template private;
    err_t err = ck_mechanism_parse(mechanism, CKF_GENERATE_KEY_PAIR, span_of(NULL, 0), &how);
    if (err == ERR_OK)
        err = ck_template_parse(public_template, &public);
    if (err == ERR_OK)
        err = ck_template_parse(private_template, &private);
    if (err == ERR_OK)
        err = mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN ? check_modulus(public_template)
                                                     : check_curve(mechanism, public_template);
    if (err != ERR_OK)
        return err;

    CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
    CK_RV rv = device->module->C_GenerateKeyPair(device->home, &how.ck, public.attributes,
        public.count, private.attributes, private.count, &public_key, &private_key);
    if (rv != CKR_OK)
        return pkcs11_check(device, "C_GenerateKeyPair", rv);
    *ret_public = public_key;
    *ret_private = private_key;
    return ERR_OK;
}

static err_t pkcs11_generate(
    struct device *device, uint32_t mechanism, struct span template, driver_ref *ret_key)
{
    struct ck_mechanism how;
    struct ck_template parsed;
    err_t err = ck_mechanism_parse(mechanism, CKF_GENERATE, span_of(NULL, 0), &how);
    if (err == ERR_OK)
        err = ck_template_parse(template, &parsed);
    if (err != ERR_OK)
        return err;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_RV rv = device->module->C_GenerateKey(
        device->home, &how.ck, parsed.attributes, parsed.count, &key);
    if (rv != CKR_OK)
        return pkcs11_check(device, "C_GenerateKey", rv);
    *ret_key = key;
    return ERR_OK;
}

static err_t pkcs11_create(struct device *device, struct span template, driver_ref *ret_object)
{
    struct ck_template parsed;
    err_t err = ck_template_parse(template, &parsed);
    if (err != ERR_OK)
        return err;
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    CK_RV rv =
        device->module->C_CreateObject(device->home, parsed.attributes, parsed.count, &object);
    if (rv != CKR_OK)
        return pkcs11_check(device, "C_CreateObject", rv);
    *ret_object = object;
    return ERR_OK;
}

static err_t pkcs11_set(struct device *device, driver_ref object, struct span template)
{
    struct ck_template parsed;
    err_t err = ck_template_parse(template, &parsed);
    if (err != ERR_OK)
        return err;
    return pkcs11_check(device, "C_SetAttributeValue",
        device->module->C_SetAttributeValue(device->home, object, parsed.attributes, parsed.count));
}

static err_t pkcs11_destroy(struct device *device, driver_ref object)
{
    return pkcs11_check(
        device, "C_DestroyObject", device->module->C_DestroyObject(device->home, object));
}

/* ------------------------------------------------------------------ keys in keys */

/* A token that takes no parameter where we have one says no more than that. */
static err_t check_wrapping(
    const struct device *device, const char *function, CK_RV rv, struct span parameter)
{
    err_t err = pkcs11_check(device, function, rv);
    return rv == CKR_ARGUMENTS_BAD && parameter.len > 0 ? ERR_MECHANISM_PARAMETER : err;
}

static err_t pkcs11_wrap(struct device *device, driver_ref key, uint32_t mechanism,
    struct span parameter, driver_ref target, struct writer *wrapped)
{
    struct ck_mechanism how;
    err_t err = ck_mechanism_parse(mechanism, CKF_WRAP, parameter, &how);
    if (err != ERR_OK)
        return err;
    size_t size;
    uint8_t *room = writer_room(wrapped, &size);
    CK_ULONG len = size;
    CK_RV rv = device->module->C_WrapKey(device->home, &how.ck, key, target, room, &len);
    if (rv != CKR_OK)
        return check_wrapping(device, "C_WrapKey", rv, parameter);
    writer_took(wrapped, len);
    return writer_failed(wrapped) || len == 0 ? ERR_DEVICE : ERR_OK;
}

/* What a device says before it has decrypted; the rest, with an RSA key, would be an oracle. */
static bool is_no_secret(err_t err)
{
    return err == ERR_MECHANISM || err == ERR_MECHANISM_PARAMETER || err == ERR_KEY_FUNCTION ||
           err == ERR_TOKEN_ABSENT || err == ERR_OBJECT_GONE;
}

static err_t check_unwrapping(
    const struct device *device, uint32_t mechanism, CK_RV rv, struct span parameter)
{
    if (pkcs11_data_is_at_fault(device, rv))
        return ERR_WRAPPED_KEY;
    err_t err = check_wrapping(device, "C_UnwrapKey", rv, parameter);
    return ck_mechanism_is_rsa(mechanism) && !is_no_secret(err) ? ERR_WRAPPED_KEY : err;
}

static err_t pkcs11_unwrap(struct device *device, driver_ref key, uint32_t mechanism,
    struct span parameter, struct span wrapped, struct span template, driver_ref *ret_key)
{
    struct ck_mechanism how;
    struct ck_template parsed;
    err_t err = ck_mechanism_parse(mechanism, CKF_UNWRAP, parameter, &how);
    if (err == ERR_OK)
        err = ck_template_parse(template, &parsed);
    if (err != ERR_OK)
        return err;
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    CK_RV rv = device->module->C_UnwrapKey(device->home, &how.ck, key,
        (CK_BYTE *)(uintptr_t)wrapped.ptr, wrapped.len, parsed.attributes, parsed.count, &made);
    if (rv != CKR_OK)
        return check_unwrapping(device, mechanism, rv, parameter);
    *ret_key = made;
    return ERR_OK;
}

static err_t pkcs11_random(struct device *device, uint8_t *random, size_t len)
{
    return pkcs11_check(
        device, "C_GenerateRandom", device->module->C_GenerateRandom(device->home, random, len));
}

const struct driver driver_pkcs11 = {
    .name = "pkcs11",
    .open = pkcs11_open,
    .close = pkcs11_close,
    .token = pkcs11_token,
    .list = pkcs11_list,
    .attributes = pkcs11_attributes,
    .use = pkcs11_use,
    .begin = pkcs11_begin,
    .feed = pkcs11_feed,
    .finish = pkcs11_finish,
    .abandon = pkcs11_abandon,
    .wrap = pkcs11_wrap,
    .unwrap = pkcs11_unwrap,
    .generate = pkcs11_generate,
    .generate_pair = pkcs11_generate_pair,
    .create = pkcs11_create,
    .set = pkcs11_set,
    .destroy = pkcs11_destroy,
    .derive = pkcs11_derive,
    .value = pkcs11_value,
    .init = pkcs11_init,
    .random = pkcs11_random,
};
