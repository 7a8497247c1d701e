/* SPDX-License-Identifier: MIT
 *
 * Keys and certificates in memory.
 */
#include "soft_device.h"

#include "publisher/base64url.h"
#include "publisher/jwk.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int condition)
{
    if (!condition)
        abort();
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

struct soft_device soft_device_new(const char *name, const struct soft_device *ca)
{
    struct soft_device device = {EVP_EC_gen("P-256"), X509_new()};
    char alternative[128];
    static long serial = 1;
    must(device.key != NULL && device.certificate != NULL);
    X509_NAME *subject = X509_get_subject_name(device.certificate);
    must(X509_NAME_add_entry_by_txt(
             subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1);
    X509 *issuer = ca != NULL ? ca->certificate : device.certificate;
    must(X509_set_version(device.certificate, X509_VERSION_3) == 1);
    must(ASN1_INTEGER_set(X509_get_serialNumber(device.certificate), serial++) == 1);
    must(X509_gmtime_adj(X509_getm_notBefore(device.certificate), -60) != NULL);
    must(X509_gmtime_adj(X509_getm_notAfter(device.certificate), 86400) != NULL);
    must(X509_set_issuer_name(device.certificate, X509_get_subject_name(issuer)) == 1);
    must(X509_set_pubkey(device.certificate, device.key) == 1);
    add_extension(device.certificate, issuer, NID_basic_constraints,
        ca == NULL ? "critical,CA:TRUE" : "CA:FALSE");
    (void)snprintf(alternative, sizeof alternative, "DNS:%s", name);
    add_extension(device.certificate, issuer, NID_subject_alt_name, alternative);
    must(X509_sign(device.certificate, ca != NULL ? ca->key : device.key, EVP_sha256()) > 0);
    return device;
}

void soft_device_free(struct soft_device *device)
{
    EVP_PKEY_free(device->key);
    X509_free(device->certificate);
}

/* DER of ECDSA into r and s of 32 bytes each. */
err_t soft_device_sign(void *context, struct span data, uint8_t ret_signature[JWS_SIGNATURE])
{
    struct soft_device *device = context;
    uint8_t der[128];
    size_t len = sizeof der;
    const uint8_t *at = der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    must(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, device->key) == 1);
    must(EVP_DigestSign(ctx, der, &len, data.ptr, data.len) == 1);
    EVP_MD_CTX_free(ctx);
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
    must(BN_bn2binpad(ECDSA_SIG_get0_r(signature), ret_signature, 32) == 32);
    must(BN_bn2binpad(ECDSA_SIG_get0_s(signature), ret_signature + 32, 32) == 32);
    ECDSA_SIG_free(signature);
    return ERR_OK;
}

err_t soft_device_use(void *context, SSL_CTX *ctx)
{
    struct soft_device *device = context;
    must(SSL_CTX_use_certificate(ctx, device->certificate) == 1);
    must(SSL_CTX_use_PrivateKey(ctx, device->key) == 1);
    return ERR_OK;
}

static FILE *create(const char *dir, const char *name, const char *ending)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s.%s", dir, name, ending);
    FILE *file = fopen(path, "w");
    must(file != NULL);
    return file;
}

void soft_device_write_jwk(EVP_PKEY *key, bool private, const char *dir, const char *name)
{
    struct jwk jwk;
    must(jwk_from_key(key, &jwk) == ERR_OK);
    json_object *json = jwk_to_json(&jwk);
    if (private) {
        uint8_t bytes[32];
        char text[BASE64URL_LENGTH(32) + 1];
        BIGNUM *d = NULL;
        must(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1);
        must(BN_bn2binpad(d, bytes, 32) == 32);
        base64url_text(span_of(bytes, 32), text);
        json_object_object_add(json, "d", json_object_new_string(text));
        BN_free(d);
    }
    FILE *file = create(dir, name, "jwk");
    must(fputs(json_object_to_json_string(json), file) >= 0 && fclose(file) == 0);
    json_object_put(json);
    jwk_clear(&jwk);
}

void soft_device_write_pem(const struct soft_device *device, const char *dir, const char *name)
{
    FILE *file = create(dir, name, "crt");
    must(PEM_write_X509(file, device->certificate) == 1 && fclose(file) == 0);
    file = create(dir, name, "key");
    must(PEM_write_PKCS8PrivateKey(file, device->key, NULL, NULL, 0, NULL, NULL) == 1 &&
         fclose(file) == 0);
}
