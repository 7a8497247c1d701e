/* SPDX-License-Identifier: MIT
 *
 * The mechanism table. A new mechanism is a new row.
 */
#include "mechanism.h"

#include "message.h"

#include "wire/attribute.h"

enum { AES_BLOCK = 16 };

/* Rows of one mechanism that differ in nothing but the function. */
#define HMAC_SHA256(what)                                                                          \
    {                                                                                              \
        .type = CKM_SHA256_HMAC, .function = (what), .key_class = CKO_SECRET_KEY,                  \
        .key_types = {CKK_GENERIC_SECRET, CKK_SHA256_HMAC}, .device = CKM_SHA256_HMAC,             \
        .parameter = parameter_none, .signature_len = SHA256_DIGEST_SIZE                           \
    }
#define AES(mechanism, what, codec, ...)                                                           \
    {                                                                                              \
        .type = (mechanism), .function = (what), .key_class = CKO_SECRET_KEY,                      \
        .key_types = {CKK_AES, CKK_AES}, .device = (mechanism), .parameter = (codec), __VA_ARGS__  \
    }

/* The device is not asked. */
#define DIGEST(mechanism, nettle)                                                                  \
    {                                                                                              \
        .type = (mechanism), .function = CKF_DIGEST, .device = 0, .hash = &(nettle),               \
        .parameter = parameter_none                                                                \
    }

const struct mechanism_row mechanism_rows[] = {
    DIGEST(CKM_SHA_1, nettle_sha1),
    DIGEST(CKM_SHA224, nettle_sha224),
    DIGEST(CKM_SHA256, nettle_sha256),
    DIGEST(CKM_SHA384, nettle_sha384),
    DIGEST(CKM_SHA512, nettle_sha512),
    {.type = CKM_EC_KEY_PAIR_GEN,
        .function = CKF_GENERATE_KEY_PAIR,
        .key_class = CKO_PRIVATE_KEY,
        .key_types = {CKK_EC, CKK_EC},
        .device = CKM_EC_KEY_PAIR_GEN,
        .parameter = parameter_none},
    {.type = CKM_ECDSA,
        .function = CKF_SIGN,
        .key_class = CKO_PRIVATE_KEY,
        .key_types = {CKK_EC, CKK_EC},
        .device = CKM_ECDSA,
        .parameter = parameter_none,
        .single_part = true},
    {.type = CKM_ECDSA_SHA256,
        .function = CKF_SIGN,
        .key_class = CKO_PRIVATE_KEY,
        .key_types = {CKK_EC, CKK_EC},
        .device = CKM_ECDSA,
        .hash = &nettle_sha256,
        .parameter = parameter_none},
    {.type = CKM_GENERIC_SECRET_KEY_GEN,
        .function = CKF_GENERATE,
        .key_class = CKO_SECRET_KEY,
        .key_types = {CKK_GENERIC_SECRET, CKK_GENERIC_SECRET},
        .device = CKM_GENERIC_SECRET_KEY_GEN,
        .parameter = parameter_none},
    HMAC_SHA256(CKF_SIGN),
    HMAC_SHA256(CKF_VERIFY),
    AES(CKM_AES_KEY_GEN, CKF_GENERATE, parameter_none, .block = 0),
    AES(CKM_AES_GCM, CKF_ENCRYPT, parameter_gcm, .block = 1, .tagged = true),
    AES(CKM_AES_GCM, CKF_DECRYPT, parameter_gcm, .block = 1, .tagged = true),
    AES(CKM_AES_CBC_PAD, CKF_ENCRYPT, parameter_aes_iv, .block = AES_BLOCK, .padded = true),
    AES(CKM_AES_CBC_PAD, CKF_DECRYPT, parameter_aes_iv, .block = AES_BLOCK, .padded = true),
    AES(CKM_AES_KEY_WRAP, CKF_WRAP, parameter_wrap_iv, .block = 0),
    AES(CKM_AES_KEY_WRAP, CKF_UNWRAP, parameter_wrap_iv, .block = 0),
};
const size_t mechanism_rows_count = sizeof mechanism_rows / sizeof mechanism_rows[0];

static const struct {
    CK_FLAGS function;
    uint32_t permission;
} permissions[] = {{CKF_SIGN, ATTR_SIGN}, {CKF_VERIFY, ATTR_VERIFY}, {CKF_ENCRYPT, ATTR_ENCRYPT},
    {CKF_DECRYPT, ATTR_DECRYPT}, {CKF_WRAP, ATTR_WRAP}, {CKF_UNWRAP, ATTR_UNWRAP}};

/* CKF_EC_F_P to CKF_EC_COMPRESS (2.40 mechanisms, 2.3) */
static const CK_FLAGS ec_flags = 0x3fUL << 20;

const struct mechanism_row *mechanism_find(CK_MECHANISM_TYPE type, CK_FLAGS function)
{
    for (size_t i = 0; i < mechanism_rows_count; i++)
        if (mechanism_rows[i].type == type && mechanism_rows[i].function == function)
            return &mechanism_rows[i];
    return NULL;
}

uint32_t mechanism_permission(const struct mechanism_row *row)
{
    size_t i = 0;
    while (permissions[i].function != row->function)
        i++;
    return permissions[i].permission;
}

bool mechanism_info(const struct mechanism_row *row, const struct wire_mechanism *device,
    CK_MECHANISM_INFO *ret_info)
{
    if ((device->flags & row->function) == 0)
        return false;
    const CK_FLAGS by_device = row->hash == NULL ? CKF_HW : 0; /* a hash done here is no hardware */
    const CK_FLAGS of_curves = row->key_types[0] == CKK_EC ? ec_flags : 0;
    *ret_info = (CK_MECHANISM_INFO){
        .ulMinKeySize = device->min_key_size,
        .ulMaxKeySize = device->max_key_size,
        .flags = (device->flags & (row->function | of_curves | by_device)) | message_flags(row),
    };
    return true;
}

static bool decrypts(const struct mechanism_row *row)
{
    return row->function == CKF_DECRYPT;
}

bool mechanism_end_output(const struct mechanism_row *row, size_t tag_len, size_t held,
    size_t *ret_least, size_t *ret_most)
{
    const size_t padding = row->padded ? row->block : 0;
    if (!decrypts(row)) {
        *ret_most = (held + padding) / row->block * row->block + tag_len;
        *ret_least = *ret_most;
        return true;
    }
    if (held < padding + tag_len || (held - tag_len) % row->block != 0)
        return false;
    *ret_least = held - tag_len - padding;
    *ret_most = held - tag_len - (row->padded ? 1 : 0);
    return true;
}

/* A last block that may be padding is held back. */
size_t mechanism_part_output(const struct mechanism_row *row, size_t held)
{
    if (decrypts(row) && row->tagged)
        return 0;
    if (decrypts(row) && row->padded && held > 0)
        held--;
    return held / row->block * row->block;
}
