/* SPDX-License-Identifier: MIT
 *
 * Keys of every kind, and their uses in one call.
 */
#include "driver_uses.h"

#include <p11-kit/pkcs11.h>

static const struct driver *const driver = &driver_pkcs11;
const uint8_t key_bytes[64] = {1, 2, 3, 4, 5};
uint8_t out_room[OUT_ROOM];
struct writer out;

/* ---- keys ---- */

static void put_uses(struct writer *w)
{
    static const uint32_t uses[] = {ATTR_SIGN, ATTR_VERIFY, ATTR_ENCRYPT, ATTR_DECRYPT, ATTR_WRAP,
        ATTR_UNWRAP, ATTR_SENSITIVE, ATTR_EXTRACTABLE, ATTR_PRIVATE};
    for (size_t i = 0; i < COUNT(uses); i++)
        attribute_put_bool(w, uses[i], true);
}

void put_secret(struct writer *w, uint64_t type)
{
    attribute_put_ulong(w, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(w, ATTR_KEY_TYPE, type);
    attribute_put_bool(w, ATTR_TOKEN, false);
    put_uses(w);
}

driver_ref import(struct device *device, uint64_t type, size_t len)
{
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof bytes);
    driver_ref key = 0;
    put_secret(&w, type);
    attribute_put(&w, ATTR_VALUE, span_of(key_bytes, len));
    assert_int_equal(driver->create(device, writer_bytes(&w), &key), ERR_OK);
    return key;
}

err_t make_pair(struct device *device, uint32_t mechanism, struct span curve, uint64_t bits,
    struct pair *ret_pair)
{
    static const struct {
        uint32_t public_type;
        uint32_t private_type;
    } uses[] = {{ATTR_VERIFY, ATTR_SIGN}, {ATTR_ENCRYPT, ATTR_DECRYPT}, {ATTR_WRAP, ATTR_UNWRAP}};
    const uint64_t type = mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN     ? KEY_TYPE_RSA
                          : mechanism == CKM_EC_EDWARDS_KEY_PAIR_GEN ? CKK_EC_EDWARDS
                                                                     : KEY_TYPE_EC;
    uint8_t public_bytes[512];
    uint8_t private_bytes[512];
    struct writer public_list = writer_of(public_bytes, sizeof public_bytes);
    struct writer private_list = writer_of(private_bytes, sizeof private_bytes);
    struct writer *const lists[] = {&public_list, &private_list};
    for (size_t i = 0; i < COUNT(lists); i++) {
        attribute_put_ulong(lists[i], ATTR_CLASS, i == 0 ? CLASS_PUBLIC_KEY : CLASS_PRIVATE_KEY);
        attribute_put_ulong(lists[i], ATTR_KEY_TYPE, type);
        attribute_put_bool(lists[i], ATTR_TOKEN, false);
    }
    for (size_t i = 0; i < COUNT(uses) && (type == KEY_TYPE_RSA || i == 0); i++) {
        attribute_put_bool(&public_list, uses[i].public_type, true);
        attribute_put_bool(&private_list, uses[i].private_type, true);
    }
    attribute_put_bool(&private_list, ATTR_PRIVATE, true);
    attribute_put_bool(&private_list, ATTR_SENSITIVE, true);
    attribute_put_bool(&private_list, ATTR_DERIVE, type == KEY_TYPE_EC);
    if (curve.len > 0)
        attribute_put(&public_list, ATTR_EC_PARAMS, curve);
    else
        attribute_put_ulong(&public_list, ATTR_MODULUS_BITS, bits);
    return driver->generate_pair(device, mechanism, writer_bytes(&public_list),
        writer_bytes(&private_list), &ret_pair->public_key, &ret_pair->private_key);
}

/* ---- uses; what comes out is in out ---- */

struct span parameter_of(const struct schema *schema, const void *from)
{
    static uint8_t room[256];
    struct writer w = writer_of(room, sizeof room);
    schema_encode(schema, from, &w);
    return writer_bytes(&w);
}

err_t use_signed(
    struct device *device, struct driver_use use, struct span data, struct span signature)
{
    out = writer_of(out_room, sizeof out_room);
    return driver->use(device, &use, data, signature, &out);
}

err_t use_at_once(struct device *device, struct driver_use use, struct span data)
{
    return use_signed(device, use, data, span_of(NULL, 0));
}

err_t use_in_parts(
    struct device *device, struct driver_use use, struct span data, struct span signature)
{
    struct driver_begun *begun = NULL;
    struct reader r = reader_of(data);
    out = writer_of(out_room, sizeof out_room);
    err_t err = driver->begin(device, &use, &begun);
    while (err == ERR_OK && reader_more(&r)) {
        err = driver->feed(device, begun, read_span(&r, r.left < 7 ? r.left : 7), &out);
        if (err != ERR_OK)
            driver->abandon(device, begun);
    }
    return err == ERR_OK ? driver->finish(device, begun, signature, &out) : err;
}

struct span text(void)
{
    return span_of_text("sixty-four bytes are four blocks of AES, and of this text as well.");
}

struct span blocks(void)
{
    return span_of(text().ptr, 64);
}
