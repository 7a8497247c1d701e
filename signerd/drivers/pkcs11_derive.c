/* SPDX-License-Identifier: MIT
 *
 * CKM_ECDH1_DERIVE. The other side's point is checked here, on whatever device: one that is not on
 * the curve tells, bit by bit, the private key. What the device lacks (a key derivation function, a
 * type of key) is done here as well: the device makes the bare secret as a session object, which is
 * read into secret memory, derived from, and destroyed.
 */
#include "pkcs11_derive.h"

#include "pkcs11_device.h"
#include "pkcs11_mechanism.h"
#include "pkcs11_template.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

enum { FIELD_MOST = 66, PARAMS_MOST = 64, UNCOMPRESSED = 4 };

struct curve {
    const char *name; /* as OpenSSL calls it */
    size_t field;     /* bytes of a coordinate, and of the bare secret */
    uint8_t len;
    uint8_t params[10];
};

static const struct curve curves[] = {
    {"P-256", 32, 10, {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}},
    {"P-384", 48, 7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}},
    {"P-521", 66, 7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}},
};

/* One derivation */
struct derivation {
    struct device *device;
    CK_OBJECT_HANDLE base;
    const struct curve *curve;
    CK_ECDH1_DERIVE_PARAMS *how;
    size_t len; /* bytes of the key that results */
};

/* ---- checks ---- */

static err_t curve_of(
    const struct device *device, CK_OBJECT_HANDLE key, const struct curve **ret_curve)
{
    uint8_t params[PARAMS_MOST];
    CK_ATTRIBUTE attribute = {CKA_EC_PARAMS, params, sizeof params};
    CK_RV rv = device->module->C_GetAttributeValue(device->home, key, &attribute, 1);
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID)
        return ERR_KEY_TYPE;
    if (rv != CKR_OK)
        return pkcs11_check(device, "C_GetAttributeValue", rv);
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        if (span_equal(
                span_of(params, attribute.ulValueLen), span_of(curves[i].params, curves[i].len))) {
            *ret_curve = &curves[i];
            return ERR_OK;
        }
    }
    return ERR_CURVE;
}

/* These curves have no points of small order but infinity, which has no coordinates. */
static bool is_on_curve(const struct curve *curve, struct span point)
{
    if (point.len != 1 + 2 * curve->field || point.ptr[0] != UNCOMPRESSED)
        return false;
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (void *)(uintptr_t)curve->name, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.ptr, point.len),
        OSSL_PARAM_END,
    };
    params[0].data_size = strlen(curve->name);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *check = NULL;
    bool is = context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
              EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) == 1;
    if (is)
        check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    is = check != NULL && EVP_PKEY_public_check(check) == 1;
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return is;
}

/* How long the key shall be: as the template says, or as the bare secret is. */
static err_t check_length(
    const struct derivation *derivation, struct span template, size_t *ret_len)
{
    uint64_t len = 0;
    (void)attribute_get_ulong(template, ATTR_VALUE_LEN, &len);
    if (derivation->how->kdf != CKD_NULL) {
        *ret_len = (size_t)len;
        return len > 0 ? ERR_OK : ERR_TEMPLATE_INCOMPLETE;
    }
    *ret_len = len > 0 ? (size_t)len : derivation->curve->field;
    return len <= derivation->curve->field ? ERR_OK : ERR_KEY_SIZE;
}

/* ---- what the device does not do ---- */

/* The bare secret into secret[0..field). */
static err_t read_bare(const struct derivation *derivation, uint8_t *secret)
{
    const struct device *device = derivation->device;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ULONG field = derivation->curve->field;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &no, sizeof no},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &no, sizeof no},
        {CKA_EXTRACTABLE, &yes, sizeof yes},
        {CKA_VALUE_LEN, &field, sizeof field},
    };
    CK_ECDH1_DERIVE_PARAMS bare = *derivation->how;
    bare.kdf = CKD_NULL;
    bare.pSharedData = NULL;
    bare.ulSharedDataLen = 0;
    CK_MECHANISM how = {CKM_ECDH1_DERIVE, &bare, sizeof bare};
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    CK_RV rv = device->module->C_DeriveKey(device->home, &how, derivation->base, template,
        sizeof template / sizeof template[0], &made);
    if (rv != CKR_OK)
        return pkcs11_check(device, "C_DeriveKey", rv);
    CK_ATTRIBUTE value = {CKA_VALUE, secret, field};
    rv = device->module->C_GetAttributeValue(device->home, made, &value, 1);
    err_t err = pkcs11_check(device, "C_GetAttributeValue", rv);
    rv = device->module->C_DestroyObject(device->home, made);
    err_t gone = pkcs11_check(device, "C_DestroyObject", rv);
    if (err == ERR_OK)
        err = gone;
    return err == ERR_OK && value.ulValueLen != field ? ERR_DEVICE : err;
}

/* ANSI X9.63, 5.6.3 */
static err_t apply_kdf(const struct derivation *derivation, uint8_t *secret, uint8_t *key)
{
    static char hash[] = "SHA256";
    const CK_ECDH1_DERIVE_PARAMS *how = derivation->how;
    static uint8_t nothing[1];
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, sizeof hash - 1),
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SECRET, secret, derivation->curve->field),
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_INFO,
            how->ulSharedDataLen > 0 ? how->pSharedData : nothing, how->ulSharedDataLen),
        OSSL_PARAM_END,
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "X963KDF", NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    bool done = context != NULL && EVP_KDF_derive(context, key, derivation->len, params) == 1;
    EVP_KDF_CTX_free(context); /* which wipes its copy of the secret */
    EVP_KDF_free(kdf);
    ERR_clear_error();
    return done ? ERR_OK : ERR_INTERNAL;
}

/* PKCS#11 v2.40, 2.3.9: what is cut off is the leading end. */
static void cut_front(const struct derivation *derivation, const uint8_t *secret, uint8_t *key)
{
    memcpy(key, secret + (derivation->curve->field - derivation->len), derivation->len);
}

/* The template with the value that came out in the place of its length. */
static void put_value(struct writer *list, struct span template, struct span value)
{
    struct reader r = reader_of(template);
    struct wire_attribute attribute;
    while (attribute_next(&r, &attribute))
        if (attribute.type != ATTR_VALUE_LEN)
            attribute_put(list, attribute.type, attribute.value);
    attribute_put(list, ATTR_VALUE, value);
}

static err_t create(
    const struct derivation *derivation, struct span template, CK_OBJECT_HANDLE *ret_key)
{
    const struct device *device = derivation->device;
    struct ck_template parsed;
    err_t err = ck_template_parse(template, &parsed);
    if (err != ERR_OK)
        return err;
    return pkcs11_check(device, "C_CreateObject",
        device->module->C_CreateObject(device->home, parsed.attributes, parsed.count, ret_key));
}

static err_t derive_here(
    const struct derivation *derivation, struct span template, CK_OBJECT_HANDLE *ret_key)
{
    struct secret *room;
    const size_t list_size = template.len + derivation->len + FIELD_MOST;
    err_t err = secret_new(FIELD_MOST + derivation->len + list_size, &room);
    if (err != ERR_OK)
        return err;
    uint8_t *secret = secret_writable(room);
    uint8_t *key = secret + FIELD_MOST;
    struct writer list = writer_of(key + derivation->len, list_size);
    err = read_bare(derivation, secret);
    if (err == ERR_OK && derivation->how->kdf != CKD_NULL)
        err = apply_kdf(derivation, secret, key);
    else if (err == ERR_OK)
        cut_front(derivation, secret, key);
    if (err == ERR_OK) {
        put_value(&list, template, span_of(key, derivation->len));
        err =
            writer_failed(&list) ? ERR_INTERNAL : create(derivation, writer_bytes(&list), ret_key);
    }
    secret_free(room);
    return err;
}

/* ---- the functions of driver.h ---- */

/* What a device says that derives, but not with this function, or not such a key. */
static bool is_not_served(const struct derivation *derivation, CK_RV rv)
{
    const bool refuses_kdf = rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD;
    const bool refuses_type = rv == CKR_TEMPLATE_INCONSISTENT ||
                              rv == CKR_ATTRIBUTE_VALUE_INVALID || rv == CKR_TEMPLATE_INCOMPLETE;
    return (refuses_kdf && derivation->how->kdf != CKD_NULL) || refuses_type;
}

err_t pkcs11_derive(struct device *device, driver_ref key, uint32_t mechanism,
    struct span parameter, struct span template, driver_ref *ret_key)
{
    struct ck_mechanism how;
    struct ck_template parsed;
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    err_t err = ck_mechanism_parse(mechanism, CKF_DERIVE, parameter, &how);
    if (err == ERR_OK)
        err = ck_template_parse(template, &parsed);
    if (err != ERR_OK)
        return err;
    struct derivation derivation = {.device = device, .base = key, .how = &how.as.ecdh};
    err = curve_of(device, key, &derivation.curve);
    if (err == ERR_OK && !is_on_curve(derivation.curve,
                             span_of(derivation.how->pPublicData, derivation.how->ulPublicDataLen)))
        err = ERR_MECHANISM_PARAMETER;
    if (err == ERR_OK)
        err = check_length(&derivation, template, &derivation.len);
    if (err != ERR_OK)
        return err;

    CK_RV rv = device->module->C_DeriveKey(
        device->home, &how.ck, key, parsed.attributes, parsed.count, &made);
    err = is_not_served(&derivation, rv) ? derive_here(&derivation, template, &made)
                                         : pkcs11_check(device, "C_DeriveKey", rv);
    if (err == ERR_OK)
        *ret_key = made;
    return err;
}

err_t pkcs11_value(struct device *device, driver_ref key, struct writer *value)
{
    size_t size;
    uint8_t *room = writer_room(value, &size);
    CK_ATTRIBUTE attribute = {CKA_VALUE, room, size};
    CK_RV rv = device->module->C_GetAttributeValue(device->home, key, &attribute, 1);
    if (rv != CKR_OK)
        return pkcs11_check(device, "C_GetAttributeValue", rv);
    writer_took(value, attribute.ulValueLen);
    return writer_failed(value) || attribute.ulValueLen == 0 ? ERR_DEVICE : ERR_OK;
}
