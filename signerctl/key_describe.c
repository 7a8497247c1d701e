/* SPDX-License-Identifier: MIT
 *
 * A key, for people and programs: type, size, uses, fingerprint.
 */
#include "keys.h"

#include "output.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>

enum { TYPE_TEXT_MAX = 48 };

static const struct {
    uint32_t attribute;
    const char *name;
} uses[] = {
    {ATTR_SIGN, "sign"},
    {ATTR_VERIFY, "verify"},
    {ATTR_ENCRYPT, "encrypt"},
    {ATTR_DECRYPT, "decrypt"},
    {ATTR_WRAP, "wrap"},
    {ATTR_UNWRAP, "unwrap"},
    {ATTR_DERIVE, "derive"},
};

static const char *const class_names[] = {"data", "certificate", "public", "private", "secret"};

static struct span value_of(const struct key *key, uint32_t type)
{
    struct span value = {NULL, 0};
    (void)attribute_get(key->attributes, type, &value);
    return value;
}

static uint64_t number_of(const struct key *key, uint32_t type, uint64_t fallback)
{
    uint64_t number = fallback;
    (void)attribute_get_ulong(key->attributes, type, &number);
    return number;
}

/* NULL where the key has none. The caller frees. */
static EVP_PKEY *public_key_of(const struct key *key)
{
    const struct span info = value_of(key, ATTR_PUBLIC_KEY_INFO);
    const unsigned char *at = info.ptr;
    return info.len > 0 ? d2i_PUBKEY(NULL, &at, (long)info.len) : NULL;
}

/* "P-256" where NIST has a name for it, else OpenSSL's. */
static void write_curve(const EVP_PKEY *public_key, char *text, size_t size)
{
    char group[TYPE_TEXT_MAX] = "?";
    (void)EVP_PKEY_get_group_name(public_key, group, sizeof group, NULL);
    const char *nist = EC_curve_nid2nist(OBJ_txt2nid(group));
    (void)snprintf(text, size, "ec:%s", nist != NULL ? nist : group);
}

/* As --type wants it. Sets *ret_bits, 0 where it is not known. */
static void write_type(const struct key *key, char *text, size_t size, uint64_t *ret_bits)
{
    const uint64_t type = number_of(key, ATTR_KEY_TYPE, UINT64_MAX);
    EVP_PKEY *public_key = public_key_of(key);
    const uint64_t public_bits = public_key != NULL ? (uint64_t)EVP_PKEY_get_bits(public_key) : 0;
    const uint64_t bits = number_of(key, ATTR_VALUE_LEN, 0) * 8;
    *ret_bits = public_bits > 0 ? public_bits : bits;
    if (key->class == CLASS_CERTIFICATE)
        (void)snprintf(text, size, "x509");
    else if (type == CKK_EC && public_key != NULL)
        write_curve(public_key, text, size);
    else if (type == CKK_EC)
        (void)snprintf(text, size, "ec");
    else if (type == CKK_RSA)
        (void)snprintf(text, size, "rsa:%llu", (unsigned long long)*ret_bits);
    else if (type == CKK_AES || type == CKK_GENERIC_SECRET)
        (void)snprintf(
            text, size, "%s:%llu", type == CKK_AES ? "aes" : "generic", (unsigned long long)bits);
    else
        (void)snprintf(text, size, "type-%llu", (unsigned long long)type);
    EVP_PKEY_free(public_key);
}

static struct json_object *uses_of(const struct key *key)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        if (attribute_get_bool(key->attributes, uses[i].attribute, false))
            (void)json_object_array_add(list, json_object_new_string(uses[i].name));
    return list;
}

/* SHA-256 of the SubjectPublicKeyInfo in DER, hexadecimal: what
 * `openssl pkey -pubin -outform DER | sha256sum` says. */
static struct json_object *fingerprint_of(const struct key *key)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    const struct span info = value_of(key, ATTR_PUBLIC_KEY_INFO);
    if (info.len == 0 || EVP_Digest(info.ptr, info.len, digest, &len, EVP_sha256(), NULL) != 1)
        return NULL;
    return output_hex(span_of(digest, len));
}

struct json_object *key_describe(const struct keys *keys, const struct key *key)
{
    char type[TYPE_TEXT_MAX + 8];
    uint64_t bits;
    char *name = key_name(key);
    struct json_object *object = json_object_new_object();
    write_type(key, type, sizeof type, &bits);
    output_add_text(object, "uri", name);
    output_add_text(object, "device", key->device->name);
    output_add_text(object, "token", key->device->label);
    output_add(object, "label", output_text(value_of(key, ATTR_LABEL)));
    output_add(object, "id", output_hex(value_of(key, ATTR_ID)));
    output_add_text(object, "class",
        key->class < sizeof class_names / sizeof class_names[0] ? class_names[key->class]
                                                                : "other");
    output_add_text(object, "type", type);
    output_add(object, "bits", bits > 0 ? json_object_new_uint64(bits) : NULL);
    output_add(object, "uses", uses_of(key));
    output_add_bool(object, "extractable",
        attribute_get_bool(key->attributes, ATTR_EXTRACTABLE, !key_is_secret(key)));
    output_add(object, "fingerprint", fingerprint_of(key));
    output_add_bool(object, "certificate",
        key->class == CLASS_CERTIFICATE || keys_certificate(keys, key, NULL) != NULL);
    free(name);
    return object;
}
