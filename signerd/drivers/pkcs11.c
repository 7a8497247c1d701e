/* SPDX-License-Identifier: MIT
 *
 * The driver for any token with a PKCS#11 module: the functions of driver.h as calls of that
 * module, and the table of the mechanisms that are served.
 */
#include "pkcs11_device.h"
#include "pkcs11_rv.h"
#include "pkcs11_template.h"

#include <stdlib.h>

enum {
    SIGNATURE_MAX = 1024, /* bytes: RSA with 8192 bits, and far more than ECDSA needs */
    FIND_BATCH = 256,
    OBJECTS_MAX = 65536, /* a token that claims more is broken */
};

/* A mechanism that this driver serves: with which functions, and for which key sizes in bits. */
struct mechanism_row {
    CK_MECHANISM_TYPE type;
    CK_FLAGS function; /* the device must have it, too */
    CK_FLAGS more;     /* passed on where the device has it */
    CK_ULONG min_key_size;
    CK_ULONG max_key_size;
};

#define EC_FLAGS (CKF_HW | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

static const struct mechanism_row mechanism_rows[] = {
    {CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, EC_FLAGS, 256, 521},
    {CKM_ECDSA, CKF_SIGN, EC_FLAGS, 256, 521},
};
enum { MECHANISM_ROWS = sizeof mechanism_rows / sizeof mechanism_rows[0] };

struct curve_row {
    uint8_t len;
    uint8_t oid[10]; /* CKA_EC_PARAMS: a namedCurve */
};

static const struct curve_row curve_rows[] = {
    {10, {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}}, /* P-256 */
    {7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}},                    /* P-384 */
    {7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}},                    /* P-521 */
};

/* ------------------------------------------------------------------ the token */

static const struct mechanism_row *find_mechanism(uint32_t type, CK_FLAGS function)
{
    for (size_t i = 0; i < MECHANISM_ROWS; i++)
        if (mechanism_rows[i].type == type && mechanism_rows[i].function == function)
            return &mechanism_rows[i];
    return NULL;
}

/* What device and driver have in common; false where that is nothing. */
static bool meet(const struct mechanism_row *row, const CK_MECHANISM_INFO *info,
    struct wire_mechanism *ret_mechanism)
{
    CK_ULONG min = info->ulMinKeySize > row->min_key_size ? info->ulMinKeySize : row->min_key_size;
    CK_ULONG max = info->ulMaxKeySize < row->max_key_size ? info->ulMaxKeySize : row->max_key_size;
    if ((info->flags & row->function) == 0 || min > max)
        return false;
    *ret_mechanism = (struct wire_mechanism){
        .type = (uint32_t)row->type,
        .min_key_size = (uint32_t)min,
        .max_key_size = (uint32_t)max,
        .flags = (uint32_t)(info->flags & (row->function | row->more)),
    };
    return true;
}

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

    for (size_t i = 0; i < MECHANISM_ROWS; i++) {
        CK_MECHANISM_INFO mechanism;
        rv = device->module->C_GetMechanismInfo(device->slot, mechanism_rows[i].type, &mechanism);
        if (rv == CKR_OK &&
            meet(&mechanism_rows[i], &mechanism, &token.mechanisms[token.mechanism_count]))
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
        if (handles->count + FIND_BATCH > OBJECTS_MAX)
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

/* CKA_EC_PARAMS must name a curve whose keys this driver signs with. */
static err_t check_curve(struct span public_template)
{
    struct span params;
    if (!attribute_get(public_template, ATTR_EC_PARAMS, &params))
        return ERR_TEMPLATE_INCOMPLETE;
    for (size_t i = 0; i < sizeof curve_rows / sizeof curve_rows[0]; i++)
        if (span_equal(params, span_of(curve_rows[i].oid, curve_rows[i].len)))
            return ERR_OK;
    return ERR_CURVE;
}

static err_t pkcs11_generate_pair(struct device *device, uint32_t mechanism,
    struct span public_template, struct span private_template, driver_ref *ret_public,
    driver_ref *ret_private)
{
    if (find_mechanism(mechanism, CKF_GENERATE_KEY_PAIR) == NULL)
        return ERR_MECHANISM;
    struct ck_template public;
    struct ck_template private;
    err_t err = ck_template_parse(public_template, &public);
    if (err == ERR_OK)
        err = ck_template_parse(private_template, &private);
    if (err == ERR_OK)
        err = check_curve(public_template);
    if (err != ERR_OK)
        return err;

    CK_MECHANISM how = {mechanism, NULL, 0};
    CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
    CK_RV rv = device->module->C_GenerateKeyPair(device->home, &how, public.attributes,
        public.count, private.attributes, private.count, &public_key, &private_key);
    if (rv != CKR_OK)
        return pkcs11_check(device, "C_GenerateKeyPair", rv);
    *ret_public = public_key;
    *ret_private = private_key;
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

/* ------------------------------------------------------------------ keys at work */

/* An operation that an earlier failure left active is dropped, and the start tried once more:
 * nothing was done yet. */
static CK_RV sign_init(struct device *device, CK_MECHANISM *how, CK_OBJECT_HANDLE key)
{
    CK_RV rv = device->module->C_SignInit(device->work, how, key);
    if (rv != CKR_OPERATION_ACTIVE)
        return rv;
    pkcs11_settle(device, rv);
    return device->module->C_SignInit(device->work, how, key);
}

static err_t pkcs11_sign(struct device *device, driver_ref key, uint32_t mechanism,
    struct span parameter, struct span data, struct writer *signature)
{
    if (find_mechanism(mechanism, CKF_SIGN) == NULL)
        return ERR_MECHANISM;
    if (parameter.len != 0)
        return ERR_MECHANISM_PARAMETER;

    CK_MECHANISM how = {mechanism, NULL, 0};
    const char *function = "C_SignInit";
    CK_BYTE bytes[SIGNATURE_MAX];
    CK_ULONG len = sizeof bytes;
    CK_RV rv = sign_init(device, &how, key);
    if (rv == CKR_OK) {
        function = "C_Sign";
        rv = device->module->C_Sign(
            device->work, (CK_BYTE *)(uintptr_t)data.ptr, data.len, bytes, &len);
    }
    if (rv != CKR_OK) {
        err_t err = pkcs11_check(device, function, rv);
        pkcs11_settle(device, rv);
        return err;
    }
    if (len == 0 || len > sizeof bytes)
        return ERR_DEVICE;
    write_span(signature, span_of(bytes, len));
    return writer_failed(signature) ? ERR_TOO_LARGE : ERR_OK;
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
    .sign = pkcs11_sign,
    .generate_pair = pkcs11_generate_pair,
    .create = pkcs11_create,
    .set = pkcs11_set,
    .destroy = pkcs11_destroy,
    .random = pkcs11_random,
};
