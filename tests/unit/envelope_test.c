/* SPDX-License-Identifier: MIT
 *
 * Envelopes, opened by Debian's jose, which is not ours: a good one verifies and decrypts, a
 * changed one never does, and what is inside is what was put in.
 */
#include "test.h"

#include "publisher/base64url.h"
#include "publisher/envelope.h"

#include "scratch.h"
#include "soft_device.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static struct scratch scratch;
static struct soft_device device, owner;
static struct jwe_owner to_owner;
static struct envelope_maker *maker;
static uint8_t token_key[JWE_KEY];

static const struct sensor_reading reading = {"28-000005e2fdc3", -10125};
static const struct timestamp when = {1764084686123, true, 12345, 9876543};
static const int64_t number = INT64_C(9007199254740993); /* more than a double can hold */

static int begin(void **state)
{
    scratch_make(&scratch);
    device = soft_device_new("device-1", NULL);
    owner = soft_device_new("owner", NULL);
    soft_device_write_jwk(device.key, false, scratch.path, "device");
    soft_device_write_jwk(owner.key, true, scratch.path, "owner");
    assert_int_equal(jwk_from_key(owner.key, &to_owner.jwk), ERR_OK);
    const struct envelope_options options = {
        "device-1", device.certificate, &to_owner, {soft_device_sign, &device}};
    assert_int_equal(envelope_maker_new(&options, &maker), ERR_OK);
    (void)state;
    return 0;
}

static int end(void **state)
{
    envelope_maker_free(maker);
    jwk_clear(&to_owner.jwk);
    soft_device_free(&device);
    soft_device_free(&owner);
    scratch_remove(&scratch);
    (void)state;
    return 0;
}

static void make(char text[ENVELOPE_MAX])
{
    struct writer w = writer_of(text, ENVELOPE_MAX - 1);
    assert_int_equal(envelope_make(maker, number, &reading, &when, &w), ERR_OK);
    text[writer_bytes(&w).len] = '\0';
}

/* Runs a command of jose in the directory; its exit code. */
static int run(const char *command)
{
    char line[512];
    (void)snprintf(line, sizeof line, "exec 2>/dev/null; cd %s && %s", scratch.path, command);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* 0 where it verifies and decrypts; the claims are then in the file claims. */
static int open_with_jose(const char *text, const char *owner_jwk)
{
    char command[256];
    scratch_write(&scratch, "envelope", text, strlen(text));
    scratch_write(&scratch, "claims", "", 0);
    (void)snprintf(command, sizeof command,
        "jose jws ver -i envelope -k device.jwk -O jwe && jose jwe dec -i jwe -k %s -O claims",
        owner_jwk);
    return run(command);
}

static json_object *claims(void)
{
    size_t len;
    char *text = scratch_read(&scratch, "claims", &len);
    json_object *object = json_tokener_parse(text);
    assert_non_null(object);
    free(text);
    return object;
}

static const char *member(json_object *object, const char *name)
{
    json_object *value;
    assert_true(json_object_object_get_ex(object, name, &value));
    return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
}

/* Part i of a compact serialisation, decoded. */
static json_object *header_of(const char *text)
{
    uint8_t bytes[2048];
    size_t len = strcspn(text, ".");
    size_t size = len * 3 / 4;
    assert_int_equal(base64url_decode(span_of(text, len), bytes, size), ERR_OK);
    bytes[size] = '\0';
    json_object *object = json_tokener_parse((const char *)bytes);
    assert_non_null(object);
    return object;
}

static void a_good_one_verifies_decrypts_and_says_what_was_measured(void **state)
{
    char text[ENVELOPE_MAX], id[CERTIFICATE_ID + 1], wanted[128];
    make(text);
    assert_int_equal(open_with_jose(text, "owner.jwk"), 0);
    assert_int_equal(envelope_certificate_id(device.certificate, id), ERR_OK);
    (void)snprintf(wanted, sizeof wanted, "\"%s\"", id);

    json_object *object = claims();
    assert_int_equal(json_object_object_length(object), 8);
    assert_string_equal(member(object, "v"), "1");
    assert_string_equal(member(object, "device"), "\"device-1\"");
    assert_string_equal(member(object, "certificate"), wanted);
    assert_int_equal(strlen(member(object, "boot")), 2 + BOOT_ID_LENGTH);
    assert_string_equal(member(object, "seq"), "9007199254740993");
    assert_string_equal(member(object, "time"), "1764084686123");
    assert_string_equal(member(object, "clock"),
        "{\"synchronised\":true,\"max_error_us\":12345,\"since_boot_ms\":9876543}");
    assert_string_equal(member(object, "reading"),
        "{\"sensor\":\"28-000005e2fdc3\",\"kind\":\"temperature\",\"value\":-10125,"
        "\"unit\":\"millidegree Celsius\"}");
    json_object_put(object);
    (void)state;
}

static void a_clock_that_nobody_keeps_right_says_so(void **state)
{
    char text[ENVELOPE_MAX];
    const struct timestamp doubtful = {1000, false, 0, 5};
    struct writer w = writer_of(text, sizeof text - 1);
    assert_int_equal(envelope_make(maker, 1, &reading, &doubtful, &w), ERR_OK);
    text[writer_bytes(&w).len] = '\0';
    assert_int_equal(open_with_jose(text, "owner.jwk"), 0);
    json_object *object = claims();
    assert_string_equal(member(object, "clock"), "{\"synchronised\":false,\"since_boot_ms\":5}");
    json_object_put(object);
    (void)state;
}

static void its_headers_are_those_of_the_rfcs(void **state)
{
    char text[ENVELOPE_MAX];
    make(text);
    json_object *object = header_of(text);
    assert_int_equal(json_object_object_length(object), 5);
    assert_string_equal(member(object, "alg"), "\"ES256\"");
    assert_string_equal(member(object, "typ"), "\"JOSE\"");
    assert_string_equal(member(object, "cty"), "\"JWE\"");
    assert_int_equal(strlen(member(object, "kid")), 2 + 43);
    assert_int_equal(strlen(member(object, "x5t#S256")), 2 + 43);
    json_object_put(object);

    assert_int_equal(open_with_jose(text, "owner.jwk"), 0);
    size_t len;
    char *jwe = scratch_read(&scratch, "jwe", &len);
    object = header_of(jwe);
    assert_string_equal(member(object, "alg"), "\"ECDH-ES+A256KW\"");
    assert_string_equal(member(object, "enc"), "\"A256GCM\"");
    assert_string_equal(member(object, "cty"), "\"json\"");
    assert_string_equal(member(object, "apu"), "\"ZGV2aWNlLTE\"");
    assert_string_equal(member(object, "apv"), member(object, "kid"));
    json_object_put(object);
    free(jwe);
    (void)state;
}

static void two_of_one_reading_have_nothing_secret_in_common(void **state)
{
    char a[ENVELOPE_MAX], b[ENVELOPE_MAX];
    make(a);
    make(b);
    size_t header = strcspn(a, ".");
    assert_memory_equal(a, b, header);
    assert_string_not_equal(a + header, b + header);
    (void)state;
}

/* Each character is replaced by its neighbour in the alphabet. The last one of the signature has
 * two bits that mean nothing: there a bit that means something is changed. */
static void any_changed_character_is_rejected(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char text[ENVELOPE_MAX];
    make(text);
    size_t len = strlen(text);
    assert_int_equal(open_with_jose(text, "owner.jwk"), 0);
    for (size_t i = 0; i < len; i++) {
        char original = text[i];
        const char *at = strchr(alphabet, original);
        text[i] = at == NULL ? 'A' : alphabet[(at - alphabet + (i + 1 == len ? 16 : 1)) % 64];
        if (open_with_jose(text, "owner.jwk") == 0)
            fail_msg("changed at %zu of %zu, and accepted", i, len);
        text[i] = original;
    }
    assert_int_equal(open_with_jose(text, "owner.jwk"), 0);
    (void)state;
}

static void a_part_that_is_cut_off_is_rejected(void **state)
{
    char text[ENVELOPE_MAX];
    make(text);
    for (size_t len = strlen(text); len > 0; len -= len > 37 ? 37 : len) {
        text[len - 1] = '\0';
        assert_int_not_equal(open_with_jose(text, "owner.jwk"), 0);
    }
    (void)state;
}

static void another_key_neither_verifies_nor_decrypts(void **state)
{
    char text[ENVELOPE_MAX];
    struct soft_device other = soft_device_new("other", NULL);
    soft_device_write_jwk(other.key, true, scratch.path, "other");
    make(text);
    assert_int_not_equal(open_with_jose(text, "other.jwk"), 0);
    assert_int_not_equal(run("jose jws ver -i envelope -k other.jwk"), 0);
    soft_device_free(&other);
    (void)state;
}

/* ---- with an AES key that somebody else holds ---- */

static err_t encrypt_as_token(void *context, const uint8_t iv[JWE_IV], struct span plaintext,
    uint8_t *ret_ciphertext, uint8_t ret_tag[JWE_TAG])
{
    (void)context;
    return jwe_gcm(token_key, iv, span_of(NULL, 0), plaintext, ret_ciphertext, ret_tag);
}

static void one_for_an_aes_key_is_opened_by_jose(void **state)
{
    char text[ENVELOPE_MAX], jwk[128], k[BASE64URL_LENGTH(JWE_KEY) + 1];
    struct envelope_maker *other;
    const struct jwe_owner aes = {.encrypt = encrypt_as_token, .kid = "owner"};
    const struct envelope_options options = {
        "device-1", device.certificate, &aes, {soft_device_sign, &device}};
    assert_int_equal(RAND_bytes(token_key, sizeof token_key), 1);
    base64url_text(span_of(token_key, sizeof token_key), k);
    (void)snprintf(jwk, sizeof jwk, "{\"kty\":\"oct\",\"k\":\"%s\"}", k);
    scratch_write(&scratch, "aes.jwk", jwk, strlen(jwk));

    assert_int_equal(envelope_maker_new(&options, &other), ERR_OK);
    struct writer w = writer_of(text, sizeof text - 1);
    assert_int_equal(envelope_make(other, number, &reading, &when, &w), ERR_OK);
    text[writer_bytes(&w).len] = '\0';
    assert_int_equal(open_with_jose(text, "aes.jwk"), 0);
    json_object *object = claims();
    assert_string_equal(member(object, "seq"), "9007199254740993");
    json_object_put(object);
    assert_int_not_equal(open_with_jose(text, "owner.jwk"), 0);
    envelope_maker_free(other);
    (void)state;
}

/* ---- what cannot be ---- */

static err_t no_signature(void *context, struct span data, uint8_t ret_signature[JWS_SIGNATURE])
{
    (void)context;
    (void)data;
    (void)ret_signature;
    return ERR_TOKEN_ABSENT;
}

static void a_key_that_does_not_sign_is_told(void **state)
{
    char text[ENVELOPE_MAX];
    struct envelope_maker *other;
    const struct envelope_options options = {
        "device-1", device.certificate, &to_owner, {no_signature, NULL}};
    assert_int_equal(envelope_maker_new(&options, &other), ERR_OK);
    struct writer w = writer_of(text, sizeof text);
    assert_int_equal(envelope_make(other, 1, &reading, &when, &w), ERR_TOKEN_ABSENT);
    envelope_maker_free(other);
    (void)state;
}

static void no_room_is_told_for_every_size(void **state)
{
    char text[ENVELOPE_MAX];
    make(text);
    size_t len = strlen(text);
    for (size_t size = 0; size < len; size += 19) {
        struct writer w = writer_of(text, size);
        assert_int_equal(envelope_make(maker, number, &reading, &when, &w), ERR_TOO_LARGE);
    }
    (void)state;
}

static void the_longest_name_of_a_device_fits(void **state)
{
    char name[DEVICE_ID_MAX + 1], text[ENVELOPE_MAX];
    struct envelope_maker *other;
    memset(name, '"', DEVICE_ID_MAX); /* each takes two characters in JSON */
    name[DEVICE_ID_MAX] = '\0';
    const struct envelope_options options = {
        name, device.certificate, &to_owner, {soft_device_sign, &device}};
    assert_int_equal(envelope_maker_new(&options, &other), ERR_OK);
    struct writer w = writer_of(text, sizeof text - 1);
    assert_int_equal(envelope_make(other, INT64_MAX, &reading, &when, &w), ERR_OK);
    text[writer_bytes(&w).len] = '\0';
    assert_int_equal(open_with_jose(text, "owner.jwk"), 0);
    envelope_maker_free(other);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_one_verifies_decrypts_and_says_what_was_measured),
        TEST(a_clock_that_nobody_keeps_right_says_so),
        TEST(its_headers_are_those_of_the_rfcs),
        TEST(two_of_one_reading_have_nothing_secret_in_common),
        TEST(any_changed_character_is_rejected),
        TEST(a_part_that_is_cut_off_is_rejected),
        TEST(another_key_neither_verifies_nor_decrypts),
        TEST(one_for_an_aes_key_is_opened_by_jose),
        TEST(a_key_that_does_not_sign_is_told),
        TEST(no_room_is_told_for_every_size),
        TEST(the_longest_name_of_a_device_fits),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
