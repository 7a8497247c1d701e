/* SPDX-License-Identifier: MIT
 *
 * Claims, sealed and signed. The plaintext lives in secret memory and nowhere else; json-c's own
 * copy of it is wiped before json-c frees it.
 */
#include "envelope.h"

#include "base64url.h"

#include "base/log.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

enum { DIGEST = 32, HEADER_MAX = 512, JWE_MAX = 6000, CLAIMS_MAX = 2048 };

struct envelope_maker {
    const char *device;
    const struct jwe_owner *owner;
    struct jws_signer signer;
    char certificate[CERTIFICATE_ID + 1];
    char boot[BOOT_ID_LENGTH + 1];
    char header[HEADER_MAX]; /* of the JWS: the same for every envelope */
};

/* ---- the device ---- */

static err_t digest_certificate(X509 *certificate, uint8_t ret_digest[DIGEST])
{
    return X509_digest(certificate, EVP_sha256(), ret_digest, NULL) == 1 ? ERR_OK : ERR_INTERNAL;
}

err_t envelope_certificate_id(X509 *certificate, char ret_id[CERTIFICATE_ID + 1])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t digest[DIGEST];
    err_t err = digest_certificate(certificate, digest);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < DIGEST; i++) {
        ret_id[2 * i] = hex[digest[i] >> 4];
        ret_id[2 * i + 1] = hex[digest[i] & 15];
    }
    ret_id[CERTIFICATE_ID] = '\0';
    return ERR_OK;
}

static bool add_string(json_object *object, const char *name, const char *value)
{
    return json_object_object_add(object, name, json_object_new_string(value)) == 0;
}

static bool add_number(json_object *object, const char *name, int64_t value)
{
    return json_object_object_add(object, name, json_object_new_int64(value)) == 0;
}

/* The protected header: which key, which certificate, and that an encrypted text is inside. */
static err_t make_header(struct envelope_maker *maker, X509 *certificate)
{
    uint8_t digest[DIGEST];
    char x5t[BASE64URL_LENGTH(DIGEST) + 1];
    char kid[BASE64URL_LENGTH(JWK_THUMBPRINT) + 1];
    struct jwk jwk = {.key = NULL};
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    json_object *header = json_object_new_object();
    err_t err = key == NULL ? ERR_KEY_TYPE : jwk_from_key(key, &jwk);
    if (err == ERR_OK)
        err = digest_certificate(certificate, digest);
    if (err != ERR_OK)
        goto out;
    base64url_text(span_of(digest, sizeof digest), x5t);
    base64url_text(span_of(jwk.thumbprint, JWK_THUMBPRINT), kid);
    err = ERR_MEMORY;
    if (header != NULL && add_string(header, "alg", "ES256") && add_string(header, "kid", kid) &&
        add_string(header, "x5t#S256", x5t) && add_string(header, "typ", "JOSE") &&
        add_string(header, "cty", "JWE")) {
        (void)snprintf(maker->header, sizeof maker->header, "%s",
            json_object_to_json_string_ext(header, JSON_C_TO_STRING_PLAIN));
        err = ERR_OK;
    }
out:
    json_object_put(header);
    jwk_clear(&jwk);
    return err;
}

err_t envelope_maker_new(const struct envelope_options *options, struct envelope_maker **ret_maker)
{
    struct envelope_maker *maker = calloc(1, sizeof *maker);
    if (maker == NULL)
        return ERR_MEMORY;
    maker->device = options->device;
    maker->owner = options->owner;
    maker->signer = options->signer;
    err_t err = make_header(maker, options->certificate);
    if (err == ERR_KEY_TYPE)
        log_error("the device's certificate is not for a P-256 key: envelopes are signed with "
                  "ES256 only");
    if (err == ERR_OK)
        err = envelope_certificate_id(options->certificate, maker->certificate);
    if (err == ERR_OK)
        err = timestamp_boot_id(maker->boot);
    if (err != ERR_OK) {
        envelope_maker_free(maker);
        return err;
    }
    *ret_maker = maker;
    return ERR_OK;
}

void envelope_maker_free(struct envelope_maker *maker)
{
    free(maker);
}

/* ---- the claims ---- */

static json_object *clock_claim(const struct timestamp *time)
{
    json_object *object = json_object_new_object();
    bool ok = object != NULL &&
              json_object_object_add(
                  object, "synchronised", json_object_new_boolean(time->synchronised)) == 0 &&
              (!time->synchronised || add_number(object, "max_error_us", time->max_error_us)) &&
              add_number(object, "since_boot_ms", time->since_boot_ms);
    if (ok)
        return object;
    json_object_put(object);
    return NULL;
}

static json_object *reading_claim(const struct sensor_reading *reading)
{
    json_object *object = json_object_new_object();
    bool ok = object != NULL && add_string(object, "sensor", reading->sensor) &&
              add_string(object, "kind", "temperature") &&
              add_number(object, "value", reading->millidegrees) &&
              add_string(object, "unit", "millidegree Celsius");
    if (ok)
        return object;
    json_object_put(object);
    return NULL;
}

static bool add_object(json_object *object, const char *name, json_object *value)
{
    return value != NULL && json_object_object_add(object, name, value) == 0;
}

/* Writes the claims to text and wipes json-c's copy. */
static err_t write_claims(const struct envelope_maker *maker, int64_t number,
    const struct sensor_reading *reading, const struct timestamp *time, struct writer *text)
{
    err_t err = ERR_MEMORY;
    json_object *claims = json_object_new_object();
    if (claims == NULL || !add_number(claims, "v", ENVELOPE_VERSION) ||
        !add_string(claims, "device", maker->device) ||
        !add_string(claims, "certificate", maker->certificate) ||
        !add_string(claims, "boot", maker->boot) || !add_number(claims, "seq", number) ||
        !add_number(claims, "time", time->unix_ms) ||
        !add_object(claims, "clock", clock_claim(time)) ||
        !add_object(claims, "reading", reading_claim(reading)))
        goto out;
    const char *json = json_object_to_json_string_ext(
        claims, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (json == NULL)
        goto out;
    struct span bytes = span_of_text(json);
    write_span(text, bytes);
    secret_wipe_span(bytes);
    err = writer_failed(text) ? ERR_TOO_LARGE : ERR_OK;
out:
    json_object_put(claims);
    return err;
}

err_t envelope_make(const struct envelope_maker *maker, int64_t number,
    const struct sensor_reading *reading, const struct timestamp *time, struct writer *ret_text)
{
    struct secret *memory = NULL;
    uint8_t jwe_room[JWE_MAX];
    struct writer jwe = writer_of(jwe_room, sizeof jwe_room);
    err_t err = secret_new(CLAIMS_MAX, &memory);
    if (err != ERR_OK)
        return err;
    struct writer claims = writer_of(secret_writable(memory), CLAIMS_MAX);
    err = write_claims(maker, number, reading, time, &claims);
    if (err == ERR_OK)
        err = jwe_encrypt(
            maker->owner, span_of_text(maker->device), "json", writer_bytes(&claims), &jwe);
    if (err == ERR_OK && writer_failed(&jwe))
        err = ERR_TOO_LARGE;
    if (err == ERR_OK)
        err = jws_sign(&maker->signer, span_of_text(maker->header), writer_bytes(&jwe), ret_text);
    secret_free(memory);
    return err;
}
