/* SPDX-License-Identifier: MIT
 *
 * P-256 keys in and out of JOSE's notation. The owner's key is a file that an administrator brought
 * here: whatever is wrong with it is told in full.
 */
#include "jwk.h"

#include "base64url.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

enum { POINT = 1 + 2 * P256_COORDINATE, POINT_UNCOMPRESSED = 4 };

static const char curve_name[] = "P-256";

/* ---- from a key ---- */

static bool add_text(json_object *object, const char *name, struct span bytes)
{
    char text[BASE64URL_LENGTH(P256_COORDINATE) + 1];
    base64url_text(bytes, text);
    return json_object_object_add(object, name, json_object_new_string(text)) == 0;
}

json_object *jwk_to_json(const struct jwk *jwk)
{
    json_object *object = json_object_new_object();
    if (object == NULL)
        return NULL;
    if (json_object_object_add(object, "crv", json_object_new_string(curve_name)) == 0 &&
        json_object_object_add(object, "kty", json_object_new_string("EC")) == 0 &&
        add_text(object, "x", span_of(jwk->x, sizeof jwk->x)) &&
        add_text(object, "y", span_of(jwk->y, sizeof jwk->y)))
        return object;
    json_object_put(object);
    return NULL;
}

/* RFC 7638, 3: SHA-256 of the required members, in alphabetic order, without blanks. */
static bool set_thumbprint(struct jwk *jwk)
{
    json_object *object = jwk_to_json(jwk);
    const char *text =
        object != NULL ? json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN) : NULL;
    bool ok = text != NULL &&
              EVP_Digest(text, strlen(text), jwk->thumbprint, NULL, EVP_sha256(), NULL) == 1;
    json_object_put(object);
    return ok;
}

static bool get_coordinate(EVP_PKEY *key, const char *name, uint8_t ret[P256_COORDINATE])
{
    BIGNUM *number = NULL;
    bool ok = EVP_PKEY_get_bn_param(key, name, &number) == 1 &&
              BN_bn2binpad(number, ret, P256_COORDINATE) == P256_COORDINATE;
    BN_free(number);
    return ok;
}

err_t jwk_from_key(EVP_PKEY *key, struct jwk *ret_jwk)
{
    struct jwk jwk = {.key = key};
    char group[32];
    size_t len = 0;
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof group, &len) != 1 ||
        (strcmp(group, "prime256v1") != 0 && strcmp(group, curve_name) != 0))
        return ERR_KEY_TYPE;
    if (!get_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, jwk.x) ||
        !get_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, jwk.y) || !set_thumbprint(&jwk))
        return ERR_INTERNAL;
    (void)EVP_PKEY_up_ref(key);
    *ret_jwk = jwk;
    return ERR_OK;
}

void jwk_clear(struct jwk *jwk)
{
    EVP_PKEY_free(jwk->key);
    *jwk = (struct jwk){.key = NULL};
}

/* ---- from a JWK ---- */

/* The point must be on the curve: OpenSSL looks when it takes it. */
static EVP_PKEY *key_from_point(const uint8_t point[POINT])
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(
            OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)curve_name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point, POINT),
        OSSL_PARAM_construct_end(),
    };
    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* The text of a member; NULL where there is none, or it is no string. */
static const char *member(const json_object *object, const char *name)
{
    json_object *value;
    if (!json_object_object_get_ex(object, name, &value) ||
        !json_object_is_type(value, json_type_string))
        return NULL;
    return json_object_get_string(value);
}

static bool member_is(const json_object *object, const char *name, const char *wanted, bool needed)
{
    const char *value = member(object, name);
    if (value == NULL)
        return !needed && !json_object_object_get_ex(object, name, NULL);
    return strcmp(value, wanted) == 0;
}

static bool read_coordinate(const json_object *object, const char *name, uint8_t *ret)
{
    const char *text = member(object, name);
    return text != NULL && base64url_decode(span_of_text(text), ret, P256_COORDINATE) == ERR_OK;
}

/* NULL where it is a key for us; else what is wrong with it. */
static const char *take_jwk(const json_object *object, EVP_PKEY **ret_key)
{
    uint8_t point[POINT] = {POINT_UNCOMPRESSED};
    if (!json_object_is_type(object, json_type_object))
        return "it is no JSON object";
    if (json_object_object_get_ex(object, "d", NULL) ||
        json_object_object_get_ex(object, "k", NULL))
        return "it is a private key, which does not belong on this device: give the public part "
               "(jose jwk pub)";
    if (!member_is(object, "kty", "EC", true) || !member_is(object, "crv", curve_name, true))
        return "it is no key of kty EC and crv P-256 (make one with: jose jwk gen -i "
               "'{\"kty\":\"EC\",\"crv\":\"P-256\"}')";
    if (!member_is(object, "use", "enc", false) ||
        !member_is(object, "alg", "ECDH-ES+A256KW", false))
        return "its use or alg is not for ECDH-ES+A256KW";
    if (!read_coordinate(object, "x", point + 1) ||
        !read_coordinate(object, "y", point + 1 + P256_COORDINATE))
        return "x and y must be 32 bytes each, in base64url without padding";
    *ret_key = key_from_point(point);
    return *ret_key != NULL ? NULL : "x and y are no point of the curve";
}

static const char *parse_json(struct span text, EVP_PKEY **ret_key)
{
    const char *wrong = "it is neither a JWK (JSON) nor PEM";
    json_tokener *tokener = json_tokener_new_ex(4);
    if (tokener == NULL)
        return "no memory";
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object *object = json_tokener_parse_ex(tokener, (const char *)text.ptr, (int)text.len);
    if (object != NULL && json_tokener_get_parse_end(tokener) == text.len)
        wrong = take_jwk(object, ret_key);
    json_object_put(object);
    json_tokener_free(tokener);
    return wrong;
}

/* ---- from PEM ---- */

static const char *parse_pem(struct span text, EVP_PKEY **ret_key)
{
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    char *name = NULL;
    char *header = NULL;
    unsigned char *der = NULL;
    long der_len = 0;
    const char *wrong = "it is no PEM file";
    if (bio == NULL || PEM_read_bio(bio, &name, &header, &der, &der_len) != 1)
        goto out;
    const unsigned char *at = der;
    if (strstr(name, "PRIVATE KEY") != NULL) {
        wrong = "it is a private key, which does not belong on this device: give the public part "
                "(openssl pkey -pubout)";
    } else if (strcmp(name, PEM_STRING_PUBLIC) != 0) {
        wrong = "it is PEM, but not a PUBLIC KEY";
    } else {
        *ret_key = d2i_PUBKEY(NULL, &at, der_len);
        wrong = *ret_key != NULL ? NULL : "its public key is malformed";
    }
out:
    OPENSSL_clear_free(der, (size_t)der_len);
    OPENSSL_free(name);
    OPENSSL_free(header);
    BIO_free(bio);
    return wrong;
}

/* ---- either ---- */

/* A file of one line usually ends in a newline, which strict JSON does not know. */
static struct span without_blanks(struct span text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) != NULL &&
           text.ptr[text.len - 1] != 0)
        text.len--;
    return text;
}

err_t jwk_parse(struct span text, const char *what, struct jwk *ret_jwk)
{
    EVP_PKEY *key = NULL;
    text = without_blanks(text);
    bool pem = text.len > 5 && memcmp(text.ptr, "-----", 5) == 0;
    const char *wrong = text.len == 0 ? "it is empty"
                        : pem         ? parse_pem(text, &key)
                                      : parse_json(text, &key);
    if (wrong == NULL && jwk_from_key(key, ret_jwk) != ERR_OK)
        wrong = "it is not a key of the curve P-256";
    EVP_PKEY_free(key);
    if (wrong == NULL)
        return ERR_OK;
    log_error("--owner-key %s: %s", what, wrong);
    return ERR_CONFIG;
}

err_t jwk_read(const char *path, struct jwk *ret_jwk)
{
    uint8_t text[JWK_FILE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text) : -1;
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    if (len < 0) {
        log_error("--owner-key %s: %s", path, strerror(error));
        return ERR_CONFIG;
    }
    if (len == JWK_FILE_MAX) {
        log_error("--owner-key %s: longer than any key", path);
        return ERR_CONFIG;
    }
    err_t err = jwk_parse(span_of(text, (size_t)len), path, ret_jwk);
    OPENSSL_cleanse(text, sizeof text); /* it could have been the private key */
    return err;
}
