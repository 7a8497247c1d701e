/* SPDX-License-Identifier: MIT
 *
 * ES256 (RFC 7518, 3.4): OpenSSL signs with the token's key and gives DER; JOSE wants r and s.
 */
#include "key.h"

#include "base/log.h"

#include <openssl/ec.h>
#include <openssl/objects.h>

#include <string.h>

enum { DER_MAX = 80 };

static bool is_p256(const EVP_PKEY *key)
{
    char group[64];
    size_t len = 0;
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof group, &len) != 1)
        return false;
    int nid = OBJ_sn2nid(group);
    return (nid != NID_undef ? nid : EC_curve_nist2nid(group)) == NID_X9_62_prime256v1;
}

static bool raw_of_der(struct span der, uint8_t ret_signature[static TOKEN_SIGNATURE_SIZE])
{
    const uint8_t *at = der.ptr;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
    const int half = TOKEN_SIGNATURE_SIZE / 2;
    bool fits = pair != NULL && at == der.ptr + der.len &&
                BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret_signature, half) == half &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret_signature + half, half) == half;
    ECDSA_SIG_free(pair);
    return fits;
}

err_t token_sign(
    struct token *token, struct span data, uint8_t ret_signature[static TOKEN_SIGNATURE_SIZE])
{
    const char *shown = token->session.uri->shown;
    if (!is_p256(token->private_key)) {
        log_error("%s: is no P-256 key, and ES256 needs one", shown);
        return ERR_KEY_TYPE;
    }
    uint8_t der[DER_MAX];
    uint8_t raw[TOKEN_SIGNATURE_SIZE];
    size_t len = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    err_t err = ERR_DEVICE;
    if (context == NULL ||
        EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, token->private_key, NULL) != 1 ||
        EVP_DigestSign(context, der, &len, data.ptr, data.len) != 1 ||
        !raw_of_der(span_of(der, len), raw)) {
        way_log_openssl(shown, "cannot sign");
        goto out;
    }
    memcpy(ret_signature, raw, sizeof raw);
    err = ERR_OK;
out:
    EVP_MD_CTX_free(context);
    return err;
}
