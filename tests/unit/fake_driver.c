/* SPDX-License-Identifier: MIT
 *
 * The device in memory. Its signatures are the bytes of the data over and over; encrypting hides
 * nothing.
 */
#include "fake_driver.h"

#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t base_point[] = {0x04, 0x41, 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42,
    0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33,
    0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f,
    0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e,
    0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
const struct span fake_ec_params = {p256, sizeof p256};
const struct span fake_ec_point = {base_point, sizeof base_point};

/* ---- the test's side ---- */

static void row_free(struct fake_object *row)
{
    free(row->list);
    *row = (struct fake_object){0};
}

void fake_reset(struct device *device)
{
    for (size_t i = 0; i < FAKE_OBJECTS_MAX; i++)
        row_free(&device->objects[i]);
    *device = (struct device){.signature_size = FAKE_SIGNATURE_SIZE};
}

void fake_fail(struct device *device, enum fake_call call, unsigned in, err_t with)
{
    device->fail_call = call;
    device->fail_in = in;
    device->fail_with = with;
}

unsigned fake_calls(const struct device *device)
{
    unsigned sum = 0;
    for (size_t i = FAKE_USE; i < FAKE_CALLS; i++)
        sum += device->calls[i];
    return sum;
}

static struct fake_object *row_find(struct device *device, driver_ref ref)
{
    for (size_t i = 0; i < FAKE_OBJECTS_MAX; i++)
        if (device->objects[i].ref == ref)
            return &device->objects[i];
    return NULL;
}

const struct fake_object *fake_find(const struct device *device, driver_ref ref)
{
    return ref == 0 ? NULL : row_find((struct device *)(uintptr_t)device, ref);
}

/* 0: the device is full. */
static driver_ref put(struct device *device, struct span list)
{
    struct fake_object *row = row_find(device, 0);
    if (row == NULL)
        return 0;
    row->list = malloc(list.len + 1);
    if (row->list == NULL)
        abort();
    if (list.len > 0)
        memcpy(row->list, list.ptr, list.len);
    row->len = list.len;
    row->ref = ++device->last_ref;
    return row->ref;
}

driver_ref fake_put(struct device *device, struct span list)
{
    driver_ref ref = put(device, list);
    if (ref == 0)
        abort();
    return ref;
}

static void put_names(struct writer *list, uint32_t class, const char *label, const char *id)
{
    attribute_put_ulong(list, ATTR_CLASS, class);
    attribute_put_bool(list, ATTR_TOKEN, true);
    attribute_put_bool(list, ATTR_PRIVATE, class == CLASS_PRIVATE_KEY);
    attribute_put(list, ATTR_LABEL, span_of_text(label));
    attribute_put(list, ATTR_ID, span_of_text(id));
}

driver_ref fake_put_private(struct device *device, const char *label, const char *id)
{
    uint8_t room[FAKE_LIST_MAX];
    struct writer list = writer_of(room, sizeof room);
    put_names(&list, CLASS_PRIVATE_KEY, label, id);
    attribute_put_ulong(&list, ATTR_KEY_TYPE, KEY_TYPE_EC);
    attribute_put(&list, ATTR_EC_PARAMS, fake_ec_params);
    attribute_put_bool(&list, ATTR_SIGN, true);
    return fake_put(device, writer_bytes(&list));
}

driver_ref fake_put_public(struct device *device, const char *label, const char *id)
{
    uint8_t room[FAKE_LIST_MAX];
    struct writer list = writer_of(room, sizeof room);
    put_names(&list, CLASS_PUBLIC_KEY, label, id);
    attribute_put_ulong(&list, ATTR_KEY_TYPE, KEY_TYPE_EC);
    attribute_put(&list, ATTR_EC_PARAMS, fake_ec_params);
    attribute_put(&list, ATTR_EC_POINT, fake_ec_point);
    return fake_put(device, writer_bytes(&list));
}

driver_ref fake_put_secret(
    struct device *device, const char *label, uint64_t key_type, bool extractable)
{
    static const uint32_t uses[] = {ATTR_SIGN, ATTR_VERIFY, ATTR_ENCRYPT, ATTR_DECRYPT, ATTR_WRAP,
        ATTR_UNWRAP, ATTR_SENSITIVE};
    uint8_t room[FAKE_LIST_MAX];
    struct writer list = writer_of(room, sizeof room);
    put_names(&list, CLASS_SECRET_KEY, label, "7");
    attribute_put_ulong(&list, ATTR_KEY_TYPE, key_type);
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        attribute_put_bool(&list, uses[i], true);
    attribute_put_bool(&list, ATTR_EXTRACTABLE, extractable);
    return fake_put(device, writer_bytes(&list));
}

void fake_put_rsa(struct device *device, const char *label, size_t bits)
{
    static const uint32_t classes[] = {CLASS_PUBLIC_KEY, CLASS_PRIVATE_KEY};
    uint8_t modulus[1024] = {0x80};
    for (size_t i = 0; i < 2; i++) {
        uint8_t room[FAKE_LIST_MAX];
        struct writer list = writer_of(room, sizeof room);
        put_names(&list, classes[i], label, "r");
        attribute_put_ulong(&list, ATTR_KEY_TYPE, KEY_TYPE_RSA);
        attribute_put(&list, ATTR_MODULUS, span_of(modulus, bits / 8));
        (void)fake_put(device, writer_bytes(&list));
    }
}

driver_ref fake_put_certificate(struct device *device, const char *label, const char *id)
{
    uint8_t room[FAKE_LIST_MAX];
    struct writer list = writer_of(room, sizeof room);
    put_names(&list, CLASS_CERTIFICATE, label, id);
    attribute_put_ulong(&list, ATTR_CERTIFICATE_TYPE, 0);
    attribute_put(&list, ATTR_VALUE, span_of_text("certificate"));
    return fake_put(device, writer_bytes(&list));
}

void fake_signature(struct span data, uint8_t *signature, size_t size)
{
    for (size_t i = 0; i < size; i++)
        signature[i] = data.len > 0 ? data.ptr[i % data.len] : 0;
}

/* ---- the driver's side ---- */

/* Counts the call; not ERR_OK where it shall fail. */
static err_t begin(struct device *device, enum fake_call call)
{
    device->calls[call]++;
    if (device->fail_in == 0 || device->fail_call != call || --device->fail_in > 0)
        return ERR_OK;
    return device->fail_with;
}

static err_t fake_open(const struct driver_settings *settings, struct device **ret_device)
{
    (void)settings;
    (void)ret_device;
    return ERR_UNSUPPORTED; /* the test has it open already */
}

static void fake_close(struct device *device)
{
    (void)device;
}

static err_t fake_token(struct device *device, struct driver_token *ret_token)
{
    (void)device;
    *ret_token = (struct driver_token){.label = "demo",
        .manufacturer = "fake",
        .model = "memory",
        .serial = "1",
        .hardware_version = 0x0102,
        .firmware_version = 0x0304,
        .mechanism_count = FAKE_MECHANISMS,
        .mechanisms = {{CKM_ECDSA, 256, 521, CKF_SIGN},
            {CKM_EC_KEY_PAIR_GEN, 256, 521, CKF_GENERATE_KEY_PAIR},
            {CKM_AES_KEY_GEN, 16, 32, CKF_GENERATE},
            {CKM_GENERIC_SECRET_KEY_GEN, 1, 4096, CKF_GENERATE},
            {CKM_SHA256_HMAC, 1, 512, CKF_SIGN | CKF_VERIFY},
            {CKM_AES_CBC_PAD, 16, 32, CKF_ENCRYPT | CKF_DECRYPT},
            {CKM_AES_GCM, 16, 32, CKF_ENCRYPT | CKF_DECRYPT},
            {CKM_AES_KEY_WRAP, 16, 32, CKF_WRAP | CKF_UNWRAP},
            {CKM_AES_KEY_WRAP_PAD, 16, 32, CKF_WRAP | CKF_UNWRAP},
            {CKM_AES_ECB, 16, 32, CKF_ENCRYPT | CKF_DECRYPT},
            {CKM_AES_CBC, 16, 32, CKF_ENCRYPT | CKF_DECRYPT},
            {CKM_AES_CTR, 16, 32, CKF_ENCRYPT | CKF_DECRYPT},
            {CKM_AES_CMAC, 16, 32, CKF_SIGN | CKF_VERIFY},
            {CKM_AES_CMAC_GENERAL, 16, 32, CKF_SIGN | CKF_VERIFY},
            {CKM_SHA256_HMAC_GENERAL, 1, 512, CKF_SIGN | CKF_VERIFY},
            {CKM_SHA512_HMAC, 1, 512, CKF_SIGN | CKF_VERIFY},
            {CKM_ECDH1_DERIVE, 256, 521, CKF_DERIVE},
            {CKM_EDDSA, 255, 256, CKF_SIGN},
            {CKM_EC_EDWARDS_KEY_PAIR_GEN, 255, 256, CKF_GENERATE_KEY_PAIR},
            {CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, 4096, CKF_GENERATE_KEY_PAIR},
            {CKM_RSA_PKCS, 2048, 4096,
                CKF_SIGN | CKF_ENCRYPT | CKF_DECRYPT | CKF_WRAP | CKF_UNWRAP},
            {CKM_RSA_PKCS_PSS, 2048, 4096, CKF_SIGN},
            {CKM_RSA_PKCS_OAEP, 2048, 4096,
                CKF_ENCRYPT | CKF_DECRYPT | CKF_WRAP | CKF_UNWRAP}}};
    return ERR_OK;
}

static err_t fake_list(struct device *device, driver_visit *visit, void *context)
{
    err_t err = begin(device, FAKE_LIST);
    for (size_t i = 0; i < FAKE_OBJECTS_MAX && err == ERR_OK; i++)
        if (device->objects[i].ref != 0 && !visit(context, device->objects[i].ref))
            break;
    return err;
}

/* Of one object, with or without its dates */
static void put_all(const struct device *device, struct span all, struct writer *list)
{
    struct reader r = reader_of(all);
    struct wire_attribute attribute;
    const bool forgets = device->forgets_dates && attribute_get_bool(all, ATTR_PRIVATE, false);
    if (!forgets) {
        write_span(list, all);
        return;
    }
    while (attribute_next(&r, &attribute))
        if (attribute.type != ATTR_START_DATE && attribute.type != ATTR_END_DATE)
            attribute_put(list, attribute.type, attribute.value);
}

static err_t fake_attributes(struct device *device, driver_ref object, struct writer *list)
{
    err_t err = begin(device, FAKE_ATTRIBUTES);
    const struct fake_object *row = fake_find(device, object);
    if (err == ERR_OK && row == NULL)
        err = ERR_OBJECT_GONE;
    if (err == ERR_OK)
        put_all(device, span_of(row->list, row->len), list);
    return err;
}

/* A use, begun or at once. What it was fed waits in kept where it is needed at the end. */
struct driver_begun {
    enum driver_function function;
    bool has_tag;
    size_t len;
    uint8_t *kept;
};

static struct driver_begun begun_of(const struct driver_use *use)
{
    return (struct driver_begun){use->function, use->mechanism == CKM_AES_GCM, 0, NULL};
}

static void put_masked(struct span data, struct writer *output)
{
    for (size_t i = 0; i < data.len; i++)
        write_uint(output, 1, data.ptr[i] ^ FAKE_MASK);
}

static err_t feed(struct driver_begun *begun, struct span data, struct writer *output)
{
    bool at_once =
        begun->function == DRIVER_ENCRYPT || (begun->function == DRIVER_DECRYPT && !begun->has_tag);
    if (at_once) {
        put_masked(data, output);
    } else if (data.len > 0) {
        uint8_t *kept = realloc(begun->kept, begun->len + data.len);
        if (kept == NULL)
            abort();
        memcpy(kept + begun->len, data.ptr, data.len);
        begun->kept = kept;
        begun->len += data.len;
    }
    return writer_failed(output) ? ERR_DEVICE : ERR_OK;
}

static err_t finish(const struct device *device, struct driver_begun *begun, struct span given,
    struct writer *output)
{
    static const char tag[FAKE_TAG + 1] = "0123456789abcdef";
    uint8_t bytes[FAKE_LIST_MAX];
    const struct span kept = span_of(begun->kept, begun->len);
    struct span end = span_of(NULL, 0);
    fake_signature(kept, bytes, device->signature_size);
    const struct span signature = span_of(bytes, device->signature_size);
    switch (begun->function) {
    case DRIVER_SIGN:
        write_span(output, signature);
        break;
    case DRIVER_VERIFY:
        return span_equal(given, signature) ? ERR_OK : ERR_SIGNATURE;
    case DRIVER_ENCRYPT:
        write_span(output, span_of(tag, begun->has_tag ? FAKE_TAG : 0));
        break;
    case DRIVER_DECRYPT:
        if (!begun->has_tag)
            break;
        if (kept.len >= FAKE_TAG)
            end = span_of(kept.ptr + kept.len - FAKE_TAG, FAKE_TAG);
        if (!span_equal(end, span_of(tag, FAKE_TAG)))
            return ERR_ENCRYPTED;
        put_masked(span_of(kept.ptr, kept.len - FAKE_TAG), output);
        break;
    }
    return writer_failed(output) ? ERR_DEVICE : ERR_OK;
}

static err_t fake_use(struct device *device, const struct driver_use *use, struct span data,
    struct span signature, struct writer *output)
{
    struct driver_begun begun = begun_of(use);
    err_t err = begin(device, FAKE_USE);
    device->last_used = use->key;
    if (err == ERR_OK)
        err = feed(&begun, data, output);
    if (err == ERR_OK)
        err = finish(device, &begun, signature, output);
    free(begun.kept);
    return err;
}

static err_t fake_begin(
    struct device *device, const struct driver_use *use, struct driver_begun **ret_begun)
{
    err_t err = begin(device, FAKE_BEGIN);
    device->last_used = use->key;
    if (err != ERR_OK)
        return err;
    struct driver_begun *begun = malloc(sizeof *begun);
    if (begun == NULL)
        abort();
    *begun = begun_of(use);
    device->begun++;
    *ret_begun = begun;
    return ERR_OK;
}

static err_t fake_feed(
    struct device *device, struct driver_begun *begun, struct span data, struct writer *output)
{
    err_t err = begin(device, FAKE_FEED);
    return err == ERR_OK ? feed(begun, data, output) : err;
}

static void fake_abandon(struct device *device, struct driver_begun *begun)
{
    device->begun--;
    free(begun->kept);
    free(begun);
}

static err_t fake_finish(
    struct device *device, struct driver_begun *begun, struct span signature, struct writer *output)
{
    err_t err = begin(device, FAKE_FINISH);
    if (err == ERR_OK)
        err = finish(device, begun, signature, output);
    fake_abandon(device, begun);
    return err;
}

static err_t fake_wrap(struct device *device, driver_ref key, uint32_t mechanism,
    struct span parameter, driver_ref target, struct writer *wrapped)
{
    (void)mechanism;
    (void)parameter;
    err_t err = begin(device, FAKE_WRAP);
    device->last_used = key;
    device->last_wrapped = target;
    if (err == ERR_OK)
        write_span(wrapped, span_of_text("wrapped key of 24 bytes."));
    return err;
}

static err_t fake_derive(struct device *device, driver_ref key, uint32_t mechanism,
    struct span parameter, struct span template, driver_ref *ret_key)
{
    (void)mechanism;
    (void)parameter;
    err_t err = begin(device, FAKE_DERIVE);
    device->last_used = key;
    if (err != ERR_OK)
        return err;
    *ret_key = put(device, template);
    return *ret_key != 0 ? ERR_OK : ERR_DEVICE_MEMORY;
}

static err_t fake_value(struct device *device, driver_ref key, struct writer *value)
{
    err_t err = begin(device, FAKE_VALUE);
    device->last_used = key;
    if (err == ERR_OK)
        write_span(value, span_of_text(FAKE_VALUE_TEXT));
    return err;
}

static err_t fake_create(struct device *device, struct span template, driver_ref *ret_object)
{
    err_t err = begin(device, FAKE_CREATE);
    if (err != ERR_OK)
        return err;
    *ret_object = put(device, template);
    return *ret_object != 0 ? ERR_OK : ERR_DEVICE_MEMORY;
}

static err_t fake_unwrap(struct device *device, driver_ref key, uint32_t mechanism,
    struct span parameter, struct span wrapped, struct span template, driver_ref *ret_key)
{
    (void)mechanism;
    (void)parameter;
    (void)wrapped;
    err_t err = begin(device, FAKE_UNWRAP);
    device->last_used = key;
    if (err != ERR_OK)
        return err;
    *ret_key = put(device, template);
    return *ret_key != 0 ? ERR_OK : ERR_DEVICE_MEMORY;
}

static err_t fake_generate(
    struct device *device, uint32_t mechanism, struct span template, driver_ref *ret_key)
{
    (void)mechanism;
    err_t err = begin(device, FAKE_GENERATE_SECRET);
    if (err != ERR_OK)
        return err;
    *ret_key = put(device, template);
    return *ret_key != 0 ? ERR_OK : ERR_DEVICE_MEMORY;
}

static err_t fake_generate_pair(struct device *device, uint32_t mechanism,
    struct span public_template, struct span private_template, driver_ref *ret_public,
    driver_ref *ret_private)
{
    uint8_t room[2 * WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    (void)mechanism;
    err_t err = begin(device, FAKE_GENERATE);
    if (err != ERR_OK)
        return err;
    write_span(&list, public_template);
    attribute_put(&list, ATTR_EC_POINT, fake_ec_point);
    *ret_public = put(device, writer_bytes(&list));
    list = writer_of(room, sizeof room);
    write_span(&list, private_template);
    attribute_put(&list, ATTR_EC_PARAMS, fake_ec_params);
    *ret_private = put(device, writer_bytes(&list));
    return *ret_public != 0 && *ret_private != 0 ? ERR_OK : ERR_DEVICE_MEMORY;
}

/* The row's list without what the template has, and then the template. */
static void put_changed(const struct fake_object *row, struct span template, struct writer *list)
{
    struct wire_attribute attribute;
    struct span ignored;
    struct reader r = reader_of(span_of(row->list, row->len));
    while (attribute_next(&r, &attribute))
        if (!attribute_get(template, attribute.type, &ignored))
            attribute_put(list, attribute.type, attribute.value);
    write_span(list, template);
}

static err_t fake_set(struct device *device, driver_ref object, struct span template)
{
    uint8_t room[2 * WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    err_t err = begin(device, FAKE_SET);
    struct fake_object *row = row_find(device, object);
    if (err != ERR_OK || row == NULL)
        return err != ERR_OK ? err : ERR_OBJECT_GONE;
    put_changed(row, template, &list);
    struct span whole = writer_bytes(&list);
    uint8_t *copy = malloc(whole.len + 1);
    if (copy == NULL)
        return ERR_MEMORY;
    memcpy(copy, room, whole.len);
    free(row->list);
    row->list = copy;
    row->len = whole.len;
    return ERR_OK;
}

static err_t fake_destroy(struct device *device, driver_ref object)
{
    err_t err = begin(device, FAKE_DESTROY);
    struct fake_object *row = row_find(device, object);
    if (err == ERR_OK && row == NULL)
        err = ERR_OBJECT_GONE;
    if (err == ERR_OK)
        row_free(row);
    return err;
}

static err_t fake_random(struct device *device, uint8_t *random, size_t len)
{
    err_t err = begin(device, FAKE_RANDOM);
    if (err == ERR_OK)
        memset(random, 0x5a, len);
    return err;
}

struct fake_init fake_init;

static err_t init_token(const struct driver_settings *settings, struct span so_pin)
{
    fake_init.calls++;
    (void)snprintf(fake_init.so_pin, sizeof fake_init.so_pin, "%.*s", (int)so_pin.len,
        (const char *)so_pin.ptr);
    (void)snprintf(fake_init.token, sizeof fake_init.token, "%s", settings->token);
    return fake_init.with;
}

const struct driver fake_driver = {
    .name = "fake",
    .open = fake_open,
    .close = fake_close,
    .token = fake_token,
    .list = fake_list,
    .attributes = fake_attributes,
    .use = fake_use,
    .begin = fake_begin,
    .feed = fake_feed,
    .finish = fake_finish,
    .abandon = fake_abandon,
    .wrap = fake_wrap,
    .unwrap = fake_unwrap,
    .generate = fake_generate,
    .generate_pair = fake_generate_pair,
    .create = fake_create,
    .set = fake_set,
    .destroy = fake_destroy,
    .derive = fake_derive,
    .value = fake_value,
    .init = init_token,
    .random = fake_random,
};
