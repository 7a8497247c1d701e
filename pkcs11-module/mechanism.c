/* SPDX-License-Identifier: MIT
 *
 * The mechanism table. A new mechanism is a new row.
 */
#include "mechanism.h"

#include "message.h"

#include "wire/attribute.h"

enum { AES_BLOCK = 16 };

/* One macro a family; each line of the table is a mechanism with all its functions. */
#define ROW(mechanism, what, class, key_a, key_b, on, codec, ...)                                  \
    {                                                                                              \
        .type = (mechanism), .function = (what), .key_class = (class),                             \
        .key_types = {(key_a), (key_b)}, .device = (on), .parameter = (codec), __VA_ARGS__         \
    }
#define DIGEST(mechanism, made_by)                                                                 \
    {                                                                                              \
        .type = (mechanism), .function = CKF_DIGEST, .hash = &(made_by),                           \
        .parameter = parameter_none                                                                \
    }
#define GENERATE(mechanism, key)                                                                   \
    ROW(mechanism, CKF_GENERATE, CKO_SECRET_KEY, key, key, mechanism, parameter_none, .block = 0)
#define GENERATE_PAIR(mechanism, key)                                                              \
    ROW(mechanism, CKF_GENERATE_KEY_PAIR, CKO_PRIVATE_KEY, key, key, mechanism, parameter_none,    \
        .block = 0)

/* Signatures: as the device makes them, and with the hash made here. */
#define SIGNATURE(mechanism, key, on, codec, checked_by, ...)                                      \
    ROW(mechanism, CKF_SIGN, CKO_PRIVATE_KEY, key, key, on, codec, .whole = true, __VA_ARGS__),    \
        ROW(mechanism, CKF_VERIFY, CKO_PUBLIC_KEY, key, key, on, codec, .whole = true,             \
            .verify = (checked_by), __VA_ARGS__)
#define RAW(mechanism, key, codec, checked_by)                                                     \
    SIGNATURE(mechanism, key, mechanism, codec, checked_by, .hash = NULL)
#define ECDSA(mechanism, made_by)                                                                  \
    SIGNATURE(mechanism, CKK_EC, CKM_ECDSA, parameter_none, verify_ecdsa, .hash = &(made_by))
#define RSA_PKCS(mechanism, made_by)                                                               \
    SIGNATURE(mechanism, CKK_RSA, CKM_RSA_PKCS, parameter_none, verify_rsa_pkcs,                   \
        .hash = &(made_by), .digest_info = true)
#define RSA_PSS(mechanism, made_by)                                                                \
    SIGNATURE(                                                                                     \
        mechanism, CKK_RSA, CKM_RSA_PKCS_PSS, parameter_pss, verify_rsa_pss, .hash = &(made_by))

#define MAC_ROW(mechanism, what, key_a, key_b, codec, len)                                         \
    ROW(mechanism, what, CKO_SECRET_KEY, key_a, key_b, mechanism, codec, .signature_len = (len))
#define MAC(mechanism, key_a, key_b, codec, len)                                                   \
    MAC_ROW(mechanism, CKF_SIGN, key_a, key_b, codec, len),                                        \
        MAC_ROW(mechanism, CKF_VERIFY, key_a, key_b, codec, len)
#define HMAC(whole, cut, key, len)                                                                 \
    MAC(whole, CKK_GENERIC_SECRET, key, parameter_none, len),                                      \
        MAC(cut, CKK_GENERIC_SECRET, key, parameter_mac, len)

#define AES_ROW(mechanism, what, codec, ...)                                                       \
    ROW(mechanism, what, CKO_SECRET_KEY, CKK_AES, CKK_AES, mechanism, codec, __VA_ARGS__)
#define AES(mechanism, codec, ...)                                                                 \
    AES_ROW(mechanism, CKF_ENCRYPT, codec, __VA_ARGS__),                                           \
        AES_ROW(mechanism, CKF_DECRYPT, codec, __VA_ARGS__)
#define AES_WRAP(mechanism, codec)                                                                 \
    AES_ROW(mechanism, CKF_WRAP, codec, .block = 0),                                               \
        AES_ROW(mechanism, CKF_UNWRAP, codec, .block = 0)

/* The public half encrypts and wraps. Sizes are the modulus'. */
#define RSA_ROW(mechanism, what, class, codec, ...)                                                \
    ROW(mechanism, what, class, CKK_RSA, CKK_RSA, mechanism, codec, __VA_ARGS__)
#define RSA_CIPHER(mechanism, codec)                                                               \
    RSA_ROW(mechanism, CKF_ENCRYPT, CKO_PUBLIC_KEY, codec, .block = 1, .whole = true),             \
        RSA_ROW(mechanism, CKF_DECRYPT, CKO_PRIVATE_KEY, codec, .block = 1, .whole = true),        \
        RSA_ROW(mechanism, CKF_WRAP, CKO_PUBLIC_KEY, codec, .block = 0),                           \
        RSA_ROW(mechanism, CKF_UNWRAP, CKO_PRIVATE_KEY, codec, .block = 0)

const struct mechanism_row mechanism_rows[] = {
    DIGEST(CKM_SHA_1, nettle_sha1),
    DIGEST(CKM_SHA224, nettle_sha224),
    DIGEST(CKM_SHA256, nettle_sha256),
    DIGEST(CKM_SHA384, nettle_sha384),
    DIGEST(CKM_SHA512, nettle_sha512),

    GENERATE_PAIR(CKM_EC_KEY_PAIR_GEN, CKK_EC),
    GENERATE_PAIR(CKM_EC_EDWARDS_KEY_PAIR_GEN, CKK_EC_EDWARDS),
    RAW(CKM_ECDSA, CKK_EC, parameter_none, verify_ecdsa),
    ECDSA(CKM_ECDSA_SHA1, nettle_sha1),
    ECDSA(CKM_ECDSA_SHA224, nettle_sha224),
    ECDSA(CKM_ECDSA_SHA256, nettle_sha256),
    ECDSA(CKM_ECDSA_SHA384, nettle_sha384),
    ECDSA(CKM_ECDSA_SHA512, nettle_sha512),
    RAW(CKM_EDDSA, CKK_EC_EDWARDS, parameter_eddsa, verify_eddsa),
    ROW(CKM_ECDH1_DERIVE, CKF_DERIVE, CKO_PRIVATE_KEY, CKK_EC, CKK_EC, CKM_ECDH1_DERIVE,
        parameter_ecdh, .block = 0),

    GENERATE_PAIR(CKM_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA),
    RAW(CKM_RSA_PKCS, CKK_RSA, parameter_none, verify_rsa_pkcs),
    ROW(CKM_RSA_PKCS, CKF_SIGN_RECOVER, CKO_PRIVATE_KEY, CKK_RSA, CKK_RSA, CKM_RSA_PKCS,
        parameter_none, .whole = true),
    ROW(CKM_RSA_PKCS, CKF_VERIFY_RECOVER, CKO_PUBLIC_KEY, CKK_RSA, CKK_RSA, CKM_RSA_PKCS,
        parameter_none, .whole = true, .verify = verify_rsa_pkcs),
    RSA_PKCS(CKM_SHA1_RSA_PKCS, nettle_sha1),
    RSA_PKCS(CKM_SHA224_RSA_PKCS, nettle_sha224),
    RSA_PKCS(CKM_SHA256_RSA_PKCS, nettle_sha256),
    RSA_PKCS(CKM_SHA384_RSA_PKCS, nettle_sha384),
    RSA_PKCS(CKM_SHA512_RSA_PKCS, nettle_sha512),
    RAW(CKM_RSA_PKCS_PSS, CKK_RSA, parameter_pss, verify_rsa_pss),
    RSA_PSS(CKM_SHA1_RSA_PKCS_PSS, nettle_sha1),
    RSA_PSS(CKM_SHA224_RSA_PKCS_PSS, nettle_sha224),
    RSA_PSS(CKM_SHA256_RSA_PKCS_PSS, nettle_sha256),
    RSA_PSS(CKM_SHA384_RSA_PKCS_PSS, nettle_sha384),
    RSA_PSS(CKM_SHA512_RSA_PKCS_PSS, nettle_sha512),
    RSA_CIPHER(CKM_RSA_PKCS, parameter_none),
    RSA_CIPHER(CKM_RSA_PKCS_OAEP, parameter_oaep),

    GENERATE(CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET),
    HMAC(CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL, CKK_SHA256_HMAC, SHA256_DIGEST_SIZE),
    HMAC(CKM_SHA384_HMAC, CKM_SHA384_HMAC_GENERAL, CKK_SHA384_HMAC, SHA384_DIGEST_SIZE),
    HMAC(CKM_SHA512_HMAC, CKM_SHA512_HMAC_GENERAL, CKK_SHA512_HMAC, SHA512_DIGEST_SIZE),

    GENERATE(CKM_AES_KEY_GEN, CKK_AES),
    AES(CKM_AES_ECB, parameter_none, .block = AES_BLOCK),
    AES(CKM_AES_CBC, parameter_aes_iv, .block = AES_BLOCK),
    AES(CKM_AES_CBC_PAD, parameter_aes_iv, .block = AES_BLOCK, .padded = true),
    AES(CKM_AES_CTR, parameter_ctr, .block = 1),
    AES(CKM_AES_GCM, parameter_gcm, .block = 1, .tagged = true),
    MAC(CKM_AES_CMAC, CKK_AES, CKK_AES, parameter_none, AES_BLOCK),
    MAC(CKM_AES_CMAC_GENERAL, CKK_AES, CKK_AES, parameter_mac, AES_BLOCK),
    AES_WRAP(CKM_AES_KEY_WRAP, parameter_wrap_iv),
    AES_WRAP(CKM_AES_KEY_WRAP_PAD, parameter_none),
};
const size_t mechanism_rows_count = sizeof mechanism_rows / sizeof mechanism_rows[0];

static const struct {
    CK_FLAGS function;
    uint32_t permission;
} permissions[] = {{CKF_SIGN, ATTR_SIGN}, {CKF_VERIFY, ATTR_VERIFY}, {CKF_ENCRYPT, ATTR_ENCRYPT},
    {CKF_DECRYPT, ATTR_DECRYPT}, {CKF_WRAP, ATTR_WRAP}, {CKF_UNWRAP, ATTR_UNWRAP},
    {CKF_DERIVE, ATTR_DERIVE}, {CKF_SIGN_RECOVER, ATTR_SIGN_RECOVER},
    {CKF_VERIFY_RECOVER, ATTR_VERIFY_RECOVER}};

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
    for (size_t i = 0; i < sizeof permissions / sizeof permissions[0]; i++)
        if (permissions[i].function == row->function)
            return permissions[i].permission;
    return ATTR_CLASS; /* no CK_BBOOL: never granted */
}

bool mechanism_needs_device(const struct mechanism_row *row)
{
    return row->function != CKF_DIGEST;
}

bool mechanism_is_allowed(const struct mechanism_row *row, struct span attributes)
{
    struct span allowed;
    if (!attribute_get(attributes, ATTR_ALLOWED_MECHANISMS, &allowed) || allowed.len == 0)
        return true;
    struct reader r = reader_of(allowed);
    while (reader_more(&r))
        if (read_uint(&r, 8) == row->type && !r.failed)
            return true;
    return false;
}

bool mechanism_info(const struct mechanism_row *row, const struct wire_mechanism *device,
    CK_MECHANISM_INFO *ret_info)
{
    if (!mechanism_needs_device(row)) {
        *ret_info = (CK_MECHANISM_INFO){.flags = row->function};
        return true;
    }
    const bool here = row->verify != NULL;
    if ((device->flags & (here ? CKF_SIGN : row->function)) == 0)
        return false;
    const CK_FLAGS by_device = row->hash == NULL && !here ? CKF_HW : 0;
    const bool of_curve = row->key_types[0] == CKK_EC || row->key_types[0] == CKK_EC_EDWARDS;
    const CK_FLAGS of_curves = of_curve ? ec_flags : 0;
    *ret_info = (CK_MECHANISM_INFO){
        .ulMinKeySize = device->min_key_size,
        .ulMaxKeySize = device->max_key_size,
        .flags = row->function | (device->flags & (of_curves | by_device)) | message_flags(row),
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
        if (!row->padded && held % row->block != 0)
            return false;
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
