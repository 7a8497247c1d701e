/* SPDX-License-Identifier: MIT
 *
 * Mechanisms as rows: which keys, which parameter, how much data. Called before policy's yes is
 * acted upon; it sees what the client sent and what the store knows of the key.
 */
#include "mechanism.h"

#include <p11-kit/pkcs11.h>
#include <string.h>

/* p11-kit's other names for fields of the standard; fields of ours have them, too. */
#undef tag_bits
#undef counter_bits
#undef shared_data
#undef public_data

enum {
    LONGEST_DIGEST = 64, /* SHA-512 */
    AES_BLOCK = 16,
    WRAP_IV = 8,
    WRAP_PAD_IV = 4,
    WRAP_UNIT = 8,
    TAG_BITS_LEAST = 96, /* shorter ones can be guessed; NIST SP 800-38D, appendix C */
    TAG_BITS_MOST = 128,
    COUNTER_BITS_MOST = 128,
    PKCS1_PADDING = 11, /* RFC 8017, 7.2.1 */
    MAC_LEAST = 8,      /* NIST SP 800-38B, appendix A */
};

/* ---- hashes ---- */

static const struct hash_row {
    CK_MECHANISM_TYPE hash;
    CK_ULONG mgf;
    size_t size; /* bytes */
    /* A mechanism that hashes, and which of the others the module makes of it */
    CK_MECHANISM_TYPE ecdsa;
    CK_MECHANISM_TYPE rsa_pkcs;
    CK_MECHANISM_TYPE rsa_pss;
    size_t info_size; /* of DigestInfo (RFC 8017, 9.2) without the hash */
    uint8_t info[19];
} hash_rows[] = {
    {CKM_SHA_1, CKG_MGF1_SHA1, 20, CKM_ECDSA_SHA1, CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, 15,
        {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14}},
    {CKM_SHA224, CKG_MGF1_SHA224, 28, CKM_ECDSA_SHA224, CKM_SHA224_RSA_PKCS,
        CKM_SHA224_RSA_PKCS_PSS, 19,
        {0x30, 0x2d, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04,
            0x05, 0x00, 0x04, 0x1c}},
    {CKM_SHA256, CKG_MGF1_SHA256, 32, CKM_ECDSA_SHA256, CKM_SHA256_RSA_PKCS,
        CKM_SHA256_RSA_PKCS_PSS, 19,
        {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
            0x05, 0x00, 0x04, 0x20}},
    {CKM_SHA384, CKG_MGF1_SHA384, 48, CKM_ECDSA_SHA384, CKM_SHA384_RSA_PKCS,
        CKM_SHA384_RSA_PKCS_PSS, 19,
        {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,
            0x05, 0x00, 0x04, 0x30}},
    {CKM_SHA512, CKG_MGF1_SHA512, 64, CKM_ECDSA_SHA512, CKM_SHA512_RSA_PKCS,
        CKM_SHA512_RSA_PKCS_PSS, 19,
        {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03,
            0x05, 0x00, 0x04, 0x40}},
};

/* Of a hash and the MGF1 over the same; 0: there is none such. */
static size_t hash_size(uint32_t hash, uint32_t mgf)
{
    for (size_t i = 0; i < sizeof hash_rows / sizeof hash_rows[0]; i++)
        if (hash_rows[i].hash == hash && hash_rows[i].mgf == mgf)
            return hash_rows[i].size;
    return 0;
}

/* ---- what the store knows of a key ---- */

/* Of an RSA key; 0 where the device does not tell its modulus. */
static size_t rsa_bits(const struct object *key)
{
    struct span modulus;
    if (!attribute_get(key->attributes, ATTR_MODULUS, &modulus))
        return 0;
    struct reader r = reader_of(modulus);
    uint64_t byte = 0;
    while (byte == 0 && reader_more(&r))
        byte = read_uint(&r, 1);
    size_t bits = 8 * r.left;
    for (; byte > 0; byte >>= 1)
        bits++;
    return bits;
}

static size_t rsa_size(const struct object *key)
{
    return (rsa_bits(key) + 7) / 8;
}

/* ---- parameters ---- */

static bool no_parameter(const struct mechanism_use *use)
{
    return use->parameter.len == 0;
}

static bool block_parameter(const struct mechanism_use *use)
{
    return use->parameter.len == AES_BLOCK;
}

static bool wrap_parameter(const struct mechanism_use *use)
{
    return use->parameter.len == 0 || use->parameter.len == WRAP_IV;
}

static bool wrap_pad_parameter(const struct mechanism_use *use)
{
    return use->parameter.len == 0 || use->parameter.len == WRAP_PAD_IV;
}

static bool gcm_parameter(const struct mechanism_use *use)
{
    struct wire_gcm_parameter gcm;
    return schema_decode_whole(&wire_gcm_parameter_schema, use->parameter, &gcm) == ERR_OK &&
           gcm.iv.len > 0 && gcm.tag_bits % 8 == 0 && gcm.tag_bits >= TAG_BITS_LEAST &&
           gcm.tag_bits <= TAG_BITS_MOST;
}

static bool ctr_parameter(const struct mechanism_use *use)
{
    struct wire_ctr_parameter ctr;
    return schema_decode_whole(&wire_ctr_parameter_schema, use->parameter, &ctr) == ERR_OK &&
           ctr.block.len == AES_BLOCK && ctr.counter_bits >= 1 &&
           ctr.counter_bits <= COUNTER_BITS_MOST;
}

/* RFC 8017, 9.1.1: hash, salt and two bytes must fit one bit less than the modulus has. */
static bool pss_parameter(const struct mechanism_use *use)
{
    struct wire_pss_parameter pss;
    const size_t bits = rsa_bits(use->key);
    if (schema_decode_whole(&wire_pss_parameter_schema, use->parameter, &pss) != ERR_OK)
        return false;
    const size_t hash = hash_size(pss.hash, pss.mgf);
    const size_t room = bits == 0 ? LONGEST_DIGEST * 8 : (bits + 6) / 8;
    return hash > 0 && room >= hash + 2 && pss.salt_len <= room - hash - 2;
}

static bool oaep_parameter(const struct mechanism_use *use)
{
    struct wire_oaep_parameter oaep;
    return schema_decode_whole(&wire_oaep_parameter_schema, use->parameter, &oaep) == ERR_OK &&
           hash_size(oaep.hash, oaep.mgf) > 0;
}

static bool ecdh_parameter(const struct mechanism_use *use)
{
    struct wire_ecdh_parameter ecdh;
    return schema_decode_whole(&wire_ecdh_parameter_schema, use->parameter, &ecdh) == ERR_OK &&
           ecdh.public_data.len > 0 &&
           ((ecdh.kdf == CKD_NULL && ecdh.shared_data.len == 0) || ecdh.kdf == CKD_SHA256_KDF);
}

static size_t mac_size(uint32_t mechanism);

static bool mac_parameter(const struct mechanism_use *use)
{
    struct wire_mac_parameter mac;
    return schema_decode_whole(&wire_mac_parameter_schema, use->parameter, &mac) == ERR_OK &&
           mac.mac_len >= 1 && mac.mac_len <= mac_size(use->mechanism);
}

/* ---- data that comes at once ---- */

static err_t any_data(const struct mechanism_use *use)
{
    (void)use;
    return ERR_OK;
}

/* A device would sign a document's first bytes without a word. */
static err_t digest_data(const struct mechanism_use *use)
{
    return use->data.len > 0 && use->data.len <= LONGEST_DIGEST ? ERR_OK : ERR_DATA_LENGTH;
}

static err_t block_data(const struct mechanism_use *use)
{
    return mechanism_check_total(use->mechanism, use->flag, use->data.len);
}

/* What fits an RSA block beside `padding`; what comes back is a whole block. */
static err_t rsa_data(const struct mechanism_use *use, size_t padding)
{
    const size_t size = rsa_size(use->key);
    if (size == 0)
        return ERR_OK; /* the device will say */
    if (use->flag == CKF_DECRYPT)
        return use->data.len == size ? ERR_OK : ERR_ENCRYPTED_LENGTH;
    return size >= padding && use->data.len <= size - padding ? ERR_OK : ERR_DATA_LENGTH;
}

static err_t pkcs1_data(const struct mechanism_use *use)
{
    return rsa_data(use, PKCS1_PADDING);
}

static size_t oaep_padding(const struct mechanism_use *use)
{
    struct wire_oaep_parameter oaep;
    if (schema_decode_whole(&wire_oaep_parameter_schema, use->parameter, &oaep) != ERR_OK)
        return 0;
    return 2 * hash_size(oaep.hash, oaep.mgf) + 2;
}

static err_t oaep_data(const struct mechanism_use *use)
{
    return rsa_data(use, oaep_padding(use));
}

static err_t pss_data(const struct mechanism_use *use)
{
    struct wire_pss_parameter pss;
    if (schema_decode_whole(&wire_pss_parameter_schema, use->parameter, &pss) != ERR_OK)
        return ERR_MECHANISM_PARAMETER;
    return use->data.len == hash_size(pss.hash, pss.mgf) ? ERR_OK : ERR_DATA_LENGTH;
}

/* ---- the table ---- */

enum blocks { NO_BLOCKS, WHOLE_BLOCKS, PADDED_BLOCKS };

#define TYPES(type)                                                                                \
    {                                                                                              \
        type, type                                                                                 \
    }
#define PAIR   true
#define SECRET false

/* clang-format off */
static const struct mechanism_row {
    uint32_t mechanism;
    bool pair;             /* of a pair, each half has its functions */
    uint64_t key_types[2]; /* any of them */
    bool (*parameter_fits)(const struct mechanism_use *use);
    err_t (*check_data)(const struct mechanism_use *use);
    bool in_parts;
    enum blocks blocks;
    size_t mac; /* of CKM_…_GENERAL: bytes of the whole MAC */
} rows[] = {
    {CKM_ECDSA, PAIR, TYPES(CKK_EC), no_parameter, digest_data, false, NO_BLOCKS, 0},
    {CKM_EDDSA, PAIR, TYPES(CKK_EC_EDWARDS), no_parameter, any_data, false, NO_BLOCKS, 0},
    {CKM_ECDH1_DERIVE, PAIR, TYPES(CKK_EC), ecdh_parameter, any_data, false, NO_BLOCKS, 0},
    {CKM_RSA_PKCS, PAIR, TYPES(CKK_RSA), no_parameter, pkcs1_data, false, NO_BLOCKS, 0},
    {CKM_RSA_PKCS_PSS, PAIR, TYPES(CKK_RSA), pss_parameter, pss_data, false, NO_BLOCKS, 0},
    {CKM_RSA_PKCS_OAEP, PAIR, TYPES(CKK_RSA), oaep_parameter, oaep_data, false, NO_BLOCKS, 0},
    {CKM_AES_ECB, SECRET, TYPES(CKK_AES), no_parameter, block_data, true, WHOLE_BLOCKS, 0},
    {CKM_AES_CBC, SECRET, TYPES(CKK_AES), block_parameter, block_data, true, WHOLE_BLOCKS, 0},
    {CKM_AES_CBC_PAD, SECRET, TYPES(CKK_AES), block_parameter, block_data, true, PADDED_BLOCKS, 0},
    {CKM_AES_CTR, SECRET, TYPES(CKK_AES), ctr_parameter, any_data, true, NO_BLOCKS, 0},
    {CKM_AES_GCM, SECRET, TYPES(CKK_AES), gcm_parameter, any_data, true, NO_BLOCKS, 0},
    {CKM_AES_CMAC, SECRET, TYPES(CKK_AES), no_parameter, any_data, true, NO_BLOCKS, 0},
    {CKM_AES_CMAC_GENERAL, SECRET, TYPES(CKK_AES), mac_parameter, any_data, true, NO_BLOCKS, 16},
    {CKM_AES_KEY_WRAP, SECRET, TYPES(CKK_AES), wrap_parameter, any_data, false, NO_BLOCKS, 0},
    {CKM_AES_KEY_WRAP_PAD, SECRET, TYPES(CKK_AES), wrap_pad_parameter, any_data, false, NO_BLOCKS,
     0},
#define HMAC(bits, size)                                                                           \
    {CKM_SHA##bits##_HMAC, SECRET, {CKK_GENERIC_SECRET, CKK_SHA##bits##_HMAC}, no_parameter,       \
     any_data, true, NO_BLOCKS, 0},                                                                \
    {CKM_SHA##bits##_HMAC_GENERAL, SECRET, {CKK_GENERIC_SECRET, CKK_SHA##bits##_HMAC},             \
     mac_parameter, any_data, true, NO_BLOCKS, size}
    HMAC(256, 32), HMAC(384, 48), HMAC(512, 64),
};
/* clang-format on */

static const struct mechanism_row *find(uint32_t mechanism)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].mechanism == mechanism)
            return &rows[i];
    return NULL;
}

static size_t mac_size(uint32_t mechanism)
{
    return find(mechanism)->mac;
}

static const struct function_row {
    CK_FLAGS flag;
    uint32_t attribute; /* of the key */
    uint32_t half;      /* of a pair: its class */
} function_rows[] = {
    {CKF_SIGN, ATTR_SIGN, CLASS_PRIVATE_KEY},
    {CKF_VERIFY, ATTR_VERIFY, CLASS_PUBLIC_KEY},
    {CKF_ENCRYPT, ATTR_ENCRYPT, CLASS_PUBLIC_KEY},
    {CKF_DECRYPT, ATTR_DECRYPT, CLASS_PRIVATE_KEY},
    {CKF_WRAP, ATTR_WRAP, CLASS_PUBLIC_KEY},
    {CKF_UNWRAP, ATTR_UNWRAP, CLASS_PRIVATE_KEY},
    {CKF_DERIVE, ATTR_DERIVE, CLASS_PRIVATE_KEY},
};

static const struct function_row *function_find(uint32_t flag)
{
    for (size_t i = 0; i < sizeof function_rows / sizeof function_rows[0]; i++)
        if (function_rows[i].flag == flag)
            return &function_rows[i];
    return NULL;
}

/* ---- CKA_ALLOWED_MECHANISMS ---- */

/* What arrives may be what the module made of a mechanism that hashes. */
static bool hash_is_used(const struct mechanism_use *use, const struct hash_row *hash)
{
    struct wire_pss_parameter pss;
    const struct span info = span_of(hash->info, hash->info_size);
    switch (use->mechanism) {
    case CKM_ECDSA:
        return use->data.len == hash->size;
    case CKM_RSA_PKCS:
        return use->data.len == info.len + hash->size &&
               span_equal(span_of(use->data.ptr, info.len), info);
    case CKM_RSA_PKCS_PSS:
        return schema_decode_whole(&wire_pss_parameter_schema, use->parameter, &pss) == ERR_OK &&
               pss.hash == hash->hash;
    default:
        return false;
    }
}

static bool hashed_form_is(const struct mechanism_use *use, uint64_t mechanism)
{
    if (use->flag != CKF_SIGN)
        return false;
    for (size_t i = 0; i < sizeof hash_rows / sizeof hash_rows[0]; i++) {
        const struct hash_row *hash = &hash_rows[i];
        const CK_MECHANISM_TYPE form = use->mechanism == CKM_ECDSA      ? hash->ecdsa
                                       : use->mechanism == CKM_RSA_PKCS ? hash->rsa_pkcs
                                                                        : hash->rsa_pss;
        if (form == mechanism && hash_is_used(use, hash))
            return true;
    }
    return false;
}

static bool is_allowed(const struct mechanism_use *use)
{
    struct span list;
    if (!attribute_get(use->key->attributes, ATTR_ALLOWED_MECHANISMS, &list) || list.len == 0)
        return true;
    struct reader r = reader_of(list);
    while (reader_more(&r)) {
        uint64_t mechanism = read_uint(&r, 8);
        if (mechanism == use->mechanism || hashed_form_is(use, mechanism))
            return true;
    }
    return false;
}

/* ---- checks ---- */

static const struct wire_mechanism *offer_find(const struct driver_token *token, uint32_t mechanism)
{
    for (size_t i = 0; i < token->mechanism_count; i++)
        if (token->mechanisms[i].type == mechanism)
            return &token->mechanisms[i];
    return NULL;
}

bool mechanism_offers(const struct driver_token *token, uint32_t mechanism, uint32_t flag)
{
    const struct wire_mechanism *offer = offer_find(token, mechanism);
    return offer != NULL && (offer->flags & flag) != 0;
}

static err_t check_key(
    const struct mechanism_use *use, const struct mechanism_row *row, uint64_t *ret_type)
{
    const struct function_row *function = function_find(use->flag);
    const struct object *key = use->key;
    if (!mechanism_offers(use->token, use->mechanism, use->flag))
        return ERR_MECHANISM;
    if (key->key.class != (row->pair ? function->half : (uint32_t)CLASS_SECRET_KEY))
        return ERR_KEY_TYPE;
    *ret_type = row->key_types[0];
    if (attribute_get_ulong(key->attributes, ATTR_KEY_TYPE, ret_type) &&
        *ret_type != row->key_types[0] && *ret_type != row->key_types[1])
        return ERR_KEY_TYPE;
    return attribute_get_bool(key->attributes, function->attribute, true) ? ERR_OK
                                                                          : ERR_KEY_FUNCTION;
}

static err_t check_rsa_size(const struct mechanism_use *use)
{
    const struct wire_mechanism *offer = offer_find(use->token, use->mechanism);
    const size_t bits = rsa_bits(use->key);
    return bits == 0 || (bits >= offer->min_key_size && bits <= offer->max_key_size) ? ERR_OK
                                                                                     : ERR_KEY_SIZE;
}

err_t mechanism_check(const struct mechanism_use *use)
{
    const struct mechanism_row *row = find(use->mechanism);
    uint64_t type;
    if (row == NULL || function_find(use->flag) == NULL)
        return ERR_MECHANISM;
    err_t err = check_key(use, row, &type);
    if (err == ERR_OK && type == CKK_RSA)
        err = check_rsa_size(use);
    if (err != ERR_OK)
        return err;
    if (use->in_parts && !row->in_parts)
        return ERR_MECHANISM;
    if (!row->parameter_fits(use))
        return ERR_MECHANISM_PARAMETER;
    if (!is_allowed(use))
        return ERR_MECHANISM;
    const bool is_about_a_key = (use->flag & (CKF_WRAP | CKF_UNWRAP | CKF_DERIVE)) != 0;
    return use->in_parts || is_about_a_key ? ERR_OK : row->check_data(use);
}

err_t mechanism_check_total(uint32_t mechanism, uint32_t flag, size_t total)
{
    const struct mechanism_row *row = find(mechanism);
    const bool encrypting = flag == CKF_ENCRYPT;
    if (row == NULL || row->blocks == NO_BLOCKS || (row->blocks == PADDED_BLOCKS && encrypting))
        return ERR_OK;
    if (total % AES_BLOCK == 0 && (row->blocks == WHOLE_BLOCKS || total > 0))
        return ERR_OK;
    return encrypting ? ERR_DATA_LENGTH : ERR_ENCRYPTED_LENGTH;
}

bool mechanism_is_guessable(const struct mechanism_use *use)
{
    const struct mechanism_row *row = find(use->mechanism);
    struct wire_mac_parameter mac;
    return row != NULL && row->mac > 0 && use->flag == CKF_VERIFY &&
           schema_decode_whole(&wire_mac_parameter_schema, use->parameter, &mac) == ERR_OK &&
           mac.mac_len < MAC_LEAST;
}

/* ---- keys in keys ---- */

static size_t rsa_padding(const struct mechanism_use *use)
{
    return use->mechanism == CKM_RSA_PKCS_OAEP ? oaep_padding(use) : (size_t)PKCS1_PADDING;
}

/* RFC 3394 makes of n units n + 1; RFC 5649 fills up to whole units first. */
err_t mechanism_unwrapped_size(
    const struct mechanism_use *use, size_t wrapped, size_t *ret_least, size_t *ret_most)
{
    const bool padded = use->mechanism == CKM_AES_KEY_WRAP_PAD;
    if (use->mechanism == CKM_AES_KEY_WRAP || padded) {
        if (wrapped % WRAP_UNIT != 0 || wrapped < (padded ? 2U : 3U) * WRAP_UNIT)
            return ERR_WRAPPED_KEY;
        *ret_most = wrapped - WRAP_UNIT;
        *ret_least = padded ? *ret_most - (WRAP_UNIT - 1) : *ret_most;
        return ERR_OK;
    }
    const size_t size = rsa_size(use->key);
    const size_t padding = rsa_padding(use);
    if (size != 0 && (wrapped != size || size <= padding))
        return ERR_WRAPPED_KEY;
    *ret_least = 1;
    *ret_most = wrapped > padding ? wrapped - padding : 1;
    return ERR_OK;
}

err_t mechanism_check_wrapping(const struct mechanism_use *use, size_t size)
{
    if (use->mechanism == CKM_AES_KEY_WRAP)
        return size % WRAP_UNIT == 0 && size >= 2 * (size_t)WRAP_UNIT ? ERR_OK : ERR_KEY_SIZE;
    if (use->mechanism == CKM_AES_KEY_WRAP_PAD)
        return ERR_OK;
    const size_t room = rsa_size(use->key);
    const size_t padding = rsa_padding(use);
    return room == 0 || (room >= padding && size <= room - padding) ? ERR_OK : ERR_KEY_SIZE;
}

/* ---- keys from keys ---- */

size_t mechanism_derived_size(const struct mechanism_use *use)
{
    static const struct {
        size_t size;
        uint8_t len;
        uint8_t params[10];
    } curves[] = {
        {32, 10, {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}}, /* P-256 */
        {48, 7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}},                    /* P-384 */
        {66, 7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}},                    /* P-521 */
    };
    struct wire_ecdh_parameter ecdh;
    struct span params;
    if (schema_decode_whole(&wire_ecdh_parameter_schema, use->parameter, &ecdh) != ERR_OK ||
        ecdh.kdf != CKD_NULL || !attribute_get(use->key->attributes, ATTR_EC_PARAMS, &params))
        return 0;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (span_equal(params, span_of(curves[i].params, curves[i].len)))
            return curves[i].size;
    return 0;
}
