/* SPDX-License-Identifier: MIT
 *
 * Key, certificate and name of this device, and to whom its readings belong.
 */
#include "device.h"

#include "base/log.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

struct device {
    const struct options *options;
    struct pin_memory *pins;
    struct token *token;
    X509 *certificate;
    struct jwe_owner owner;
    struct token_secret_key *owner_key;
    char id[DEVICE_ID_MAX + 1];
    char topic[TOPIC_ROOM];
};

/* ---- the PIN ---- */

static err_t copy_pin(struct secret *pin, struct secret **ret_copy)
{
    struct span bytes = secret_bytes(pin);
    err_t err = secret_new(bytes.len, ret_copy);
    if (err == ERR_OK)
        memcpy(secret_writable(*ret_copy), bytes.ptr, bytes.len);
    return err;
}

static err_t ask_pin(void *context, const char *label, struct secret **ret_pin)
{
    struct pin_memory *pins = context;
    if (pins->pin != NULL)
        return copy_pin(pins->pin, ret_pin);
    if (!pins->ask)
        return ERR_PIN_INCORRECT;
    err_t err = token_ask_terminal(NULL, label, ret_pin);
    return err == ERR_OK ? copy_pin(*ret_pin, &pins->pin) : err;
}

/* ---- the certificate ---- */

static err_t read_certificate(const char *path, X509 **ret_certificate)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        log_error("--cert %s: %s", path, strerror(errno));
        return ERR_CONFIG;
    }
    *ret_certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    if (*ret_certificate != NULL)
        return ERR_OK;
    ERR_clear_error();
    log_error("--cert %s: holds no certificate in PEM", path);
    return ERR_CONFIG;
}

/* A certificate of another key would sign what nobody can verify. */
static err_t check_certificate(const struct device *device)
{
    EVP_PKEY *public_key = NULL;
    err_t err = token_public_key(device->token, &public_key);
    if (err == ERR_OK && EVP_PKEY_eq(X509_get0_pubkey(device->certificate), public_key) != 1) {
        log_error("the certificate%s%s is for another key than --key names: give the one that was "
                  "issued for it",
            device->options->cert != NULL ? " " : "",
            device->options->cert != NULL ? device->options->cert : "");
        err = ERR_CONFIG;
    }
    EVP_PKEY_free(public_key);
    return err;
}

/* ---- the names ---- */

static err_t take_id(struct device *device)
{
    const char *given = device->options->device_id;
    X509_NAME *subject = X509_get_subject_name(device->certificate);
    int len = given != NULL ? (int)strlen(given)
                            : X509_NAME_get_text_by_NID(subject, NID_commonName, NULL, 0);
    if (len <= 0 || len > DEVICE_ID_MAX) {
        log_error("%s: give one with --device-id, of 1 to %d bytes",
            given != NULL ? "--device-id is empty or too long"
                          : "the certificate has no common name that fits as a device id",
            DEVICE_ID_MAX);
        return ERR_CONFIG;
    }
    if (given != NULL)
        memcpy(device->id, given, (size_t)len + 1);
    else
        (void)X509_NAME_get_text_by_NID(
            subject, NID_commonName, device->id, (int)sizeof device->id);
    return ERR_OK;
}

static err_t take_topic(struct device *device)
{
    char certificate[CERTIFICATE_ID + 1];
    err_t err = envelope_certificate_id(device->certificate, certificate);
    if (err != ERR_OK)
        return err;
    if (device->options->topic != NULL)
        (void)snprintf(device->topic, sizeof device->topic, "%s", device->options->topic);
    else
        (void)snprintf(device->topic, sizeof device->topic, "signerd/v1/%s/data", certificate);
    return ERR_OK;
}

/* ---- open ---- */

err_t device_open(
    const struct options *options, struct pin_memory *pins, struct device **ret_device)
{
    struct device *device = calloc(1, sizeof *device);
    const struct token_options key = {
        .uri = options->key, .way = TOKEN_WAY_ANY, .ask_pin = ask_pin, .context = pins};
    if (device == NULL)
        return ERR_MEMORY;
    device->options = options;
    device->pins = pins;
    err_t err = token_open(&key, &device->token);
    if (err == ERR_OK)
        err = options->cert != NULL ? read_certificate(options->cert, &device->certificate)
                                    : token_certificate(device->token, &device->certificate);
    if (err == ERR_OK)
        err = check_certificate(device);
    if (err == ERR_OK)
        err = take_id(device);
    if (err == ERR_OK)
        err = take_topic(device);
    if (err != ERR_OK) {
        device_close(device);
        return err;
    }
    *ret_device = device;
    return ERR_OK;
}

void device_close(struct device *device)
{
    if (device == NULL)
        return;
    jwk_clear(&device->owner.jwk);
    token_secret_key_close(device->owner_key);
    X509_free(device->certificate);
    token_close(device->token);
    free(device);
}

const char *device_id(const struct device *device)
{
    return device->id;
}

const char *device_topic(const struct device *device)
{
    return device->topic;
}

/* ---- the uses of the key ---- */

static err_t sign(void *context, struct span data, uint8_t ret_signature[JWS_SIGNATURE])
{
    struct device *device = context;
    return token_sign(device->token, data, ret_signature);
}

err_t device_use_key(void *context, SSL_CTX *ctx)
{
    struct device *device = context;
    return token_use_in_ssl_ctx(device->token, device->options->cert, ctx);
}

static err_t encrypt(void *context, const uint8_t iv[JWE_IV], struct span plaintext,
    uint8_t *ret_ciphertext, uint8_t ret_tag[JWE_TAG])
{
    struct device *device = context;
    return token_encrypt_gcm(
        device->owner_key, iv, span_of(NULL, 0), plaintext, ret_ciphertext, ret_tag);
}

_Static_assert((int)JWS_SIGNATURE == (int)TOKEN_SIGNATURE_SIZE, "r and s");
_Static_assert((int)JWE_IV == (int)TOKEN_GCM_IV_SIZE, "96 bits");
_Static_assert((int)JWE_TAG == (int)TOKEN_GCM_TAG_SIZE, "128 bits");

static err_t open_owner(struct device *device)
{
    const char *name = device->options->owner_key;
    const struct token_options key = {.uri = name, .ask_pin = ask_pin, .context = device->pins};
    if (strncmp(name, "pkcs11:", 7) != 0)
        return jwk_read(name, &device->owner.jwk);
    err_t err = token_secret_key_open(&key, &device->owner_key);
    if (err != ERR_OK)
        return err;
    device->owner.encrypt = encrypt;
    device->owner.context = device;
    device->owner.kid = "owner";
    return ERR_OK;
}

err_t device_envelope_maker(struct device *device, struct envelope_maker **ret_maker)
{
    const struct envelope_options options = {
        .device = device->id,
        .certificate = device->certificate,
        .owner = &device->owner,
        .signer = {sign, device},
    };
    err_t err = open_owner(device);
    return err == ERR_OK ? envelope_maker_new(&options, ret_maker) : err;
}
