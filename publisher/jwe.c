/* SPDX-License-Identifier: MIT
 *
 * Encryption to the owner. All keys live in secret memory for one envelope and are wiped with it;
 * this process cannot open what it has sealed.
 */
#include "jwe.h"

#include "base64url.h"

#include "base/secret.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 1024, PART_MAX = 4096 };

/* What one envelope needs and nobody may see. */
struct keys {
    uint8_t content[JWE_KEY];
    uint8_t wrapping[JWE_KEY];
    uint8_t agreed[P256_COORDINATE]; /* Z */
};

/* ---- steps ---- */

static void write_counted(struct writer *w, struct span bytes)
{
    write_uint(w, 4, bytes.len);
    write_span(w, bytes);
}

err_t jwe_concat_kdf(struct span z, const char *algorithm, struct span apu, struct span apv,
    uint8_t *ret_key, size_t size)
{
    uint8_t room[PART_MAX];
    struct writer info = writer_of(room, sizeof room);
    write_counted(&info, span_of_text(algorithm));
    write_counted(&info, apu);
    write_counted(&info, apv);
    write_uint(&info, 4, 8 * size);
    if (writer_failed(&info))
        return ERR_TOO_LARGE;

    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)z.ptr, z.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, room, writer_bytes(&info).len),
        OSSL_PARAM_construct_end(),
    };
    bool ok = ctx != NULL && EVP_KDF_derive(ctx, ret_key, size, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok ? ERR_OK : ERR_INTERNAL;
}

err_t jwe_gcm(const uint8_t key[JWE_KEY], const uint8_t iv[JWE_IV], struct span aad,
    struct span plaintext, uint8_t *ret_ciphertext, uint8_t ret_tag[JWE_TAG])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len;
    bool ok =
        ctx != NULL && plaintext.len <= PART_MAX &&
        EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, iv, NULL) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &len, aad.ptr, (int)aad.len) == 1 &&
        EVP_EncryptUpdate(ctx, ret_ciphertext, &len, plaintext.ptr, (int)plaintext.len) == 1 &&
        EVP_EncryptFinal_ex(ctx, ret_ciphertext + len, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, JWE_TAG, ret_tag) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? ERR_OK : ERR_INTERNAL;
}

err_t jwe_wrap(
    const uint8_t kek[JWE_KEY], const uint8_t key[JWE_KEY], uint8_t ret_wrapped[JWE_WRAPPED])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    if (ctx != NULL)
        EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool ok = ctx != NULL && EVP_EncryptInit_ex2(ctx, EVP_aes_256_wrap(), kek, NULL, NULL) == 1 &&
              EVP_EncryptUpdate(ctx, ret_wrapped, &len, key, JWE_KEY) == 1 && len == JWE_WRAPPED;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? ERR_OK : ERR_INTERNAL;
}

/* ---- the header ---- */

static bool add_string(json_object *object, const char *name, const char *value)
{
    return json_object_object_add(object, name, json_object_new_string(value)) == 0;
}

static bool add_bytes(json_object *object, const char *name, struct span bytes)
{
    char text[BASE64URL_LENGTH(256) + 1];
    if (bytes.len > 256)
        return false;
    base64url_text(bytes, text);
    return add_string(object, name, text);
}

static json_object *new_header(const char *algorithm, const char *cty)
{
    json_object *header = json_object_new_object();
    if (header != NULL && add_string(header, "alg", algorithm) &&
        add_string(header, "enc", "A256GCM") && add_string(header, "cty", cty))
        return header;
    json_object_put(header);
    return NULL;
}

/* base64url of the header, which is also what the content's tag authenticates. */
static err_t write_header(json_object *header, struct writer *w)
{
    const char *text = json_object_to_json_string_ext(
        header, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (text == NULL)
        return ERR_MEMORY;
    base64url_write(w, span_of_text(text));
    return writer_failed(w) ? ERR_TOO_LARGE : ERR_OK;
}

/* ---- ECDH-ES+A256KW ---- */

static const char agreement[] = "ECDH-ES+A256KW";

static err_t agree(EVP_PKEY *mine, EVP_PKEY *theirs, uint8_t ret_z[P256_COORDINATE])
{
    size_t len = P256_COORDINATE;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL);
    bool ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
              EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
              EVP_PKEY_derive(ctx, ret_z, &len) == 1 && len == P256_COORDINATE;
    EVP_PKEY_CTX_free(ctx);
    return ok ? ERR_OK : ERR_INTERNAL;
}

/* Header and wrapped key: the ephemeral key is good for this one envelope. */
static err_t wrap_for_public_key(const struct jwe_owner *owner, struct span apu, const char *cty,
    struct keys *keys, struct writer *header_text, struct writer *wrapped)
{
    struct jwk ephemeral = {.key = NULL};
    struct span apv = span_of(owner->jwk.thumbprint, JWK_THUMBPRINT);
    uint8_t bytes[JWE_WRAPPED];
    json_object *header = new_header(agreement, cty);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    err_t err = header == NULL || key == NULL ? ERR_MEMORY : jwk_from_key(key, &ephemeral);
    if (err == ERR_OK)
        err = agree(key, owner->jwk.key, keys->agreed);
    if (err == ERR_OK)
        err = jwe_concat_kdf(span_of(keys->agreed, sizeof keys->agreed), agreement, apu, apv,
            keys->wrapping, JWE_KEY);
    if (err == ERR_OK)
        err = jwe_wrap(keys->wrapping, keys->content, bytes);
    if (err == ERR_OK && !(add_bytes(header, "kid", apv) &&
                             json_object_object_add(header, "epk", jwk_to_json(&ephemeral)) == 0 &&
                             add_bytes(header, "apu", apu) && add_bytes(header, "apv", apv)))
        err = ERR_MEMORY;
    if (err == ERR_OK)
        err = write_header(header, header_text);
    if (err == ERR_OK)
        write_span(wrapped, span_of(bytes, sizeof bytes));
    json_object_put(header);
    jwk_clear(&ephemeral);
    EVP_PKEY_free(key);
    return err;
}

/* ---- A256GCMKW ---- */

static err_t wrap_for_token_key(const struct jwe_owner *owner, const char *cty,
    const struct keys *keys, struct writer *header_text, struct writer *wrapped)
{
    uint8_t iv[JWE_IV];
    uint8_t tag[JWE_TAG];
    uint8_t bytes[JWE_KEY];
    json_object *header = new_header("A256GCMKW", cty);
    err_t err = header == NULL                   ? ERR_MEMORY
                : RAND_bytes(iv, sizeof iv) != 1 ? ERR_INTERNAL
                                                 : owner->encrypt(owner->context, iv,
                                                       span_of(keys->content, JWE_KEY), bytes, tag);
    if (err == ERR_OK && !(add_string(header, "kid", owner->kid) &&
                             add_bytes(header, "iv", span_of(iv, sizeof iv)) &&
                             add_bytes(header, "tag", span_of(tag, sizeof tag))))
        err = ERR_MEMORY;
    if (err == ERR_OK)
        err = write_header(header, header_text);
    if (err == ERR_OK)
        write_span(wrapped, span_of(bytes, sizeof bytes));
    json_object_put(header);
    return err;
}

/* ---- all ---- */

/* HEADER.KEY.IV.CIPHERTEXT.TAG, each in base64url (RFC 7516, 7.1). */
static void write_compact(struct span header_text, struct span wrapped, struct span iv,
    struct span ciphertext, struct span tag, struct writer *w)
{
    const struct span parts[] = {wrapped, iv, ciphertext, tag};
    write_span(w, header_text);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        write_uint(w, 1, '.');
        base64url_write(w, parts[i]);
    }
}

err_t jwe_encrypt(const struct jwe_owner *owner, struct span apu, const char *cty,
    struct span plaintext, struct writer *ret_text)
{
    struct secret *memory = NULL;
    uint8_t header_room[HEADER_MAX], wrapped_room[JWE_WRAPPED];
    uint8_t ciphertext[PART_MAX], iv[JWE_IV], tag[JWE_TAG];
    struct writer header = writer_of(header_room, sizeof header_room);
    struct writer wrapped = writer_of(wrapped_room, sizeof wrapped_room);
    if (plaintext.len > PART_MAX)
        return ERR_TOO_LARGE;
    err_t err = secret_new(sizeof(struct keys), &memory);
    if (err != ERR_OK)
        return err;
    struct keys *keys = (struct keys *)(void *)secret_writable(memory);

    if (RAND_priv_bytes(keys->content, JWE_KEY) != 1 || RAND_bytes(iv, sizeof iv) != 1)
        err = ERR_INTERNAL;
    if (err == ERR_OK)
        err = owner->encrypt != NULL
                  ? wrap_for_token_key(owner, cty, keys, &header, &wrapped)
                  : wrap_for_public_key(owner, apu, cty, keys, &header, &wrapped);
    if (err == ERR_OK)
        err = jwe_gcm(keys->content, iv, writer_bytes(&header), plaintext, ciphertext, tag);
    if (err == ERR_OK)
        write_compact(writer_bytes(&header), writer_bytes(&wrapped), span_of(iv, sizeof iv),
            span_of(ciphertext, plaintext.len), span_of(tag, sizeof tag), ret_text);
    secret_free(memory);
    return err;
}
