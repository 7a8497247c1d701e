/* SPDX-License-Identifier: MIT
 *
 * OpenSSL's results.
 */
#include "reference.h"

#include "test.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static const EVP_CIPHER *by_length(size_t len, const EVP_CIPHER *a, const EVP_CIPHER *b)
{
    return len == 16 ? a : b;
}

/* The data goes in in pieces that an int can count. */
static size_t encrypt_data(EVP_CIPHER_CTX *context, struct bytes data, uint8_t *ret_out)
{
    size_t used = 0;
    int len = 0;
    for (size_t at = 0; at < data.len;) {
        const size_t part = data.len - at < 100000 ? data.len - at : 100000;
        assert_int_equal(
            EVP_EncryptUpdate(context, ret_out + used, &len, data.ptr + at, (int)part), 1);
        used += (size_t)len;
        at += part;
    }
    assert_int_equal(EVP_EncryptFinal_ex(context, ret_out + used, &len), 1);
    return used + (size_t)len;
}

size_t reference_gcm(
    struct bytes key, struct bytes iv, struct bytes aad, struct bytes data, uint8_t *ret_out)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int len = 0;
    assert_int_equal(
        EVP_EncryptInit_ex(
            context, by_length(key.len, EVP_aes_128_gcm(), EVP_aes_256_gcm()), NULL, NULL, NULL),
        1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.len, NULL), 1);
    assert_int_equal(EVP_EncryptInit_ex(context, NULL, NULL, key.ptr, iv.ptr), 1);
    if (aad.len > 0)
        assert_int_equal(EVP_EncryptUpdate(context, NULL, &len, aad.ptr, (int)aad.len), 1);
    const size_t used = encrypt_data(context, data, ret_out);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, ret_out + used), 1);
    EVP_CIPHER_CTX_free(context);
    return used + TAG;
}

size_t reference_cbc(struct bytes key, const uint8_t iv[BLOCK], struct bytes data, uint8_t *ret_out)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_int_equal(
        EVP_EncryptInit_ex(
            context, by_length(key.len, EVP_aes_128_cbc(), EVP_aes_256_cbc()), NULL, key.ptr, iv),
        1);
    const size_t used = encrypt_data(context, data, ret_out);
    EVP_CIPHER_CTX_free(context);
    return used;
}

void reference_hmac(struct bytes key, struct bytes data, uint8_t ret_mac[MAC_LEN])
{
    assert_non_null(HMAC(EVP_sha256(), key.ptr, (int)key.len, data.ptr, data.len, ret_mac, NULL));
}

size_t reference_wrap(struct bytes wrapping_key, struct bytes key, uint8_t *ret_out)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    assert_int_equal(EVP_EncryptInit_ex(context,
                         by_length(wrapping_key.len, EVP_aes_128_wrap(), EVP_aes_256_wrap()), NULL,
                         wrapping_key.ptr, NULL),
        1);
    const size_t used = encrypt_data(context, key, ret_out);
    EVP_CIPHER_CTX_free(context);
    return used;
}

void fill_bytes(uint8_t *bytes, size_t len, uint32_t seed)
{
    uint32_t x = seed * 2654435761U + 1;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        bytes[i] = (uint8_t)(x >> 11);
    }
}
