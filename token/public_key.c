/* SPDX-License-Identifier: MIT
 *
 * The public half of a token's key, as an EVP_PKEY that owes nothing to the token: CKA_EC_PARAMS
 * and CKA_EC_POINT of the public key object, or of the private one where the token keeps them
 * there.
 */
#include "object.h"

#include "base/log.h"

#include <openssl/asn1.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <string.h>

enum { EC_POINT_MAX = 256 };

/* The named curve P-256 (prime256v1), DER. */
static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

/* point: uncompressed, without any DER around it. NULL: no point of the curve. */
static EVP_PKEY *key_of_point(struct span point)
{
    char group[] = "prime256v1";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(
            OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.ptr, point.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

/* ERR_ATTRIBUTE_TYPE: this object does not tell; ERR_KEY_TYPE: it is no P-256 key. */
static err_t key_of_object(
    struct token_session *session, CK_OBJECT_HANDLE object, EVP_PKEY **ret_public_key)
{
    uint8_t curve[sizeof p256 + 1];
    uint8_t point[EC_POINT_MAX];
    size_t len = 0;
    err_t err = token_object_attribute(session, object, CKA_EC_PARAMS, curve, sizeof curve, &len);
    if (err != ERR_OK)
        return err;
    if (!span_equal(span_of(curve, len), span_of(p256, sizeof p256)))
        return ERR_KEY_TYPE;
    err = token_object_attribute(session, object, CKA_EC_POINT, point, sizeof point, &len);
    if (err != ERR_OK || len == 0)
        return ERR_ATTRIBUTE_TYPE;
    const uint8_t *at = point;
    ASN1_OCTET_STRING *octets = d2i_ASN1_OCTET_STRING(NULL, &at, (long)len);
    EVP_PKEY *key = NULL;
    if (octets != NULL && at == point + len)
        key = key_of_point(
            span_of(ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets)));
    ASN1_OCTET_STRING_free(octets);
    if (key == NULL)
        return ERR_KEY_TYPE;
    *ret_public_key = key;
    return ERR_OK;
}

err_t token_object_public_key(
    struct token_session *session, const struct token_object *key, EVP_PKEY **ret_public_key)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_ID, (void *)(uintptr_t)key->id, key->id_len},
        {CKA_LABEL, (void *)(uintptr_t)key->label, key->label_len},
    };
    CK_OBJECT_HANDLE handles[2];
    CK_ULONG found = 0;
    err_t err = token_objects_matching(
        session, wanted, sizeof wanted / sizeof wanted[0], handles, 2, &found);
    if (err != ERR_OK)
        return err;
    err = key_of_object(session, found == 1 ? handles[0] : key->handle, ret_public_key);
    if (err == ERR_KEY_TYPE)
        log_error("%s: is no P-256 key", session->uri->shown);
    else if (err != ERR_OK)
        log_error("%s: the token does not tell the public key", session->uri->shown);
    return err;
}
