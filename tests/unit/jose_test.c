/* SPDX-License-Identifier: MIT
 *
 * base64url, keys and encryption against the known answers of the RFCs.
 */
#include "test.h"

#include "publisher/base64url.h"
#include "publisher/jwe.h"
#include "publisher/jwk.h"

#include <stdio.h>
#include <stdlib.h>

static struct span text(const char *string)
{
    return span_of_text(string);
}

/* ---- base64url ---- */

/* RFC 7515, appendix C, and RFC 4648, 10 without padding */
static const struct pair {
    const char *bytes;
    size_t len;
    const char *text;
} pairs[] = {
    {"\x03\xec\xff\xe0\xc1", 5, "A-z_4ME"},
    {"", 0, ""},
    {"f", 1, "Zg"},
    {"fo", 2, "Zm8"},
    {"foo", 3, "Zm9v"},
    {"foob", 4, "Zm9vYg"},
    {"fooba", 5, "Zm9vYmE"},
    {"foobar", 6, "Zm9vYmFy"},
};

static void base64url_is_that_of_the_rfc_both_ways(void **state)
{
    for (size_t i = 0; i < COUNT(pairs); i++) {
        char encoded[16];
        uint8_t decoded[16];
        base64url_text(span_of(pairs[i].bytes, pairs[i].len), encoded);
        assert_string_equal(encoded, pairs[i].text);
        assert_int_equal(base64url_decode(text(encoded), decoded, pairs[i].len), ERR_OK);
        assert_memory_equal(decoded, pairs[i].bytes, pairs[i].len);
    }
    (void)state;
}

static void base64url_of_another_spelling_is_refused(void **state)
{
    static const char *const wrong[] = {
        "Zg==", "Zh", "Z", "Zm9 ", "Zm+v", "Zm/v", " Zg", "Zg\n", "Z=", "Zm9vYh", "Zm9vY"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        for (size_t size = 0; size < 6; size++) {
            uint8_t bytes[8];
            assert_int_equal(base64url_decode(text(wrong[i]), bytes, size), ERR_ARGUMENTS);
        }
    (void)state;
}

static void what_does_not_fit_fails(void **state)
{
    char room[3];
    struct writer w = writer_of(room, sizeof room);
    base64url_write(&w, text("foo"));
    assert_true(writer_failed(&w));
    (void)state;
}

/* ---- keys ---- */

/* RFC 7517, appendix A.1; its thumbprint was computed by another program (jose jwk thp). */
#define RFC_X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define RFC_Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"

static const char *jwk_fault(const char *json)
{
    struct jwk jwk = {.key = NULL};
    err_t err = jwk_parse(text(json), "test", &jwk);
    jwk_clear(&jwk);
    return err_name(err);
}

static void the_key_of_the_rfc_is_read_and_written(void **state)
{
    struct jwk jwk;
    char thumbprint[BASE64URL_LENGTH(JWK_THUMBPRINT) + 1];
    assert_int_equal(jwk_parse(text("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_X
                                    "\",\"y\":\"" RFC_Y "\",\"use\":\"enc\",\"kid\":\"1\"}\n"),
                         "test", &jwk),
        ERR_OK);
    json_object *json = jwk_to_json(&jwk);
    assert_string_equal(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
        "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y "\"}");
    json_object_put(json);
    base64url_text(span_of(jwk.thumbprint, JWK_THUMBPRINT), thumbprint);
    assert_string_equal(thumbprint, "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
    jwk_clear(&jwk);
    (void)state;
}

#define MEMBERS(kty, crv, x, y, more)                                                              \
    "{\"kty\":\"" kty "\",\"crv\":\"" crv "\",\"x\":\"" x "\",\"y\":\"" y "\"" more "}"

static void a_key_that_is_not_the_owners_public_one_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "{}",
        "[]",
        "null",
        "hello",
        "{",
        MEMBERS("EC", "P-256", RFC_X, RFC_Y, "") "x",
        MEMBERS("RSA", "P-256", RFC_X, RFC_Y, ""),
        MEMBERS("EC", "P-384", RFC_X, RFC_Y, ""),
        MEMBERS("EC", "P-256", RFC_X, RFC_X, ""), /* no point of the curve */
        MEMBERS("EC", "P-256", RFC_X, RFC_Y "A", ""),
        MEMBERS("EC", "P-256", "", RFC_Y, ""),
        MEMBERS("EC", "P-256", RFC_X, RFC_Y, ",\"d\":\"AAAA\""),
        MEMBERS("EC", "P-256", RFC_X, RFC_Y, ",\"d\":null"),
        MEMBERS("EC", "P-256", RFC_X, RFC_Y, ",\"use\":\"sig\""),
        MEMBERS("EC", "P-256", RFC_X, RFC_Y, ",\"use\":1"),
        MEMBERS("EC", "P-256", RFC_X, RFC_Y, ",\"alg\":\"ES256\""),
        "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "{\"kty\":1,\"crv\":[],\"x\":{},\"y\":null}",
        "{'kty':'EC'}",
        "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
        "-----BEGIN NOTHING-----\n",
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_string_equal(jwk_fault(wrong[i]), "CONFIG");
    (void)state;
}

/* ---- encryption ---- */

/* RFC 7518, appendix C */
static void concat_kdf_is_that_of_the_rfc(void **state)
{
    static const uint8_t z[] = {158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132,
        38, 156, 251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196};
    uint8_t key[16];
    char encoded[BASE64URL_LENGTH(16) + 1];
    assert_int_equal(
        jwe_concat_kdf(span_of(z, sizeof z), "A128GCM", text("Alice"), text("Bob"), key, 16),
        ERR_OK);
    base64url_text(span_of(key, 16), encoded);
    assert_string_equal(encoded, "VqqN6vgjbSBcIijNcacQGg");
    (void)state;
}

/* RFC 7516, appendix A.1: the content encryption of the example */
static void a256gcm_is_that_of_the_rfc(void **state)
{
    static const uint8_t key[JWE_KEY] = {177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255,
        107, 154, 212, 246, 138, 7, 110, 91, 112, 46, 34, 105, 47, 130, 203, 46, 122, 234, 64, 252};
    static const uint8_t iv[JWE_IV] = {227, 197, 117, 252, 2, 219, 233, 68, 180, 225, 77, 219};
    static const uint8_t tag[JWE_TAG] = {
        92, 80, 104, 49, 133, 25, 161, 215, 173, 101, 219, 211, 136, 91, 210, 145};
    static const char plaintext[] =
        "The true sign of intelligence is not knowledge but imagination.";
    uint8_t ciphertext[sizeof plaintext - 1], got_tag[JWE_TAG];
    char encoded[BASE64URL_LENGTH(sizeof plaintext - 1) + 1];
    assert_int_equal(jwe_gcm(key, iv, text("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ"),
                         text(plaintext), ciphertext, got_tag),
        ERR_OK);
    base64url_text(span_of(ciphertext, sizeof ciphertext), encoded);
    assert_string_equal(encoded,
        "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A");
    assert_memory_equal(got_tag, tag, JWE_TAG);
    (void)state;
}

/* RFC 3394, 4.6: 256 bits of key data with a 256-bit KEK */
static void key_wrap_is_that_of_the_rfc(void **state)
{
    uint8_t kek[JWE_KEY], wrapped[JWE_WRAPPED];
    static const uint8_t key[JWE_KEY] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
        0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
        0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
    static const uint8_t wanted[JWE_WRAPPED] = {0x28, 0xc9, 0xf4, 0x04, 0xc4, 0xb8, 0x10, 0xf4,
        0xcb, 0xcc, 0xb3, 0x5c, 0xfb, 0x87, 0xf8, 0x26, 0x3f, 0x57, 0x86, 0xe2, 0xd8, 0x0e, 0xd3,
        0x26, 0xcb, 0xc7, 0xf0, 0xe7, 0x1a, 0x99, 0xf4, 0x3b, 0xfb, 0x98, 0x8b, 0x9b, 0x7a, 0x02,
        0xdd, 0x21};
    for (unsigned i = 0; i < JWE_KEY; i++)
        kek[i] = (uint8_t)i;
    assert_int_equal(jwe_wrap(kek, key, wrapped), ERR_OK);
    assert_memory_equal(wrapped, wanted, JWE_WRAPPED);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(base64url_is_that_of_the_rfc_both_ways),
        TEST(base64url_of_another_spelling_is_refused),
        TEST(what_does_not_fit_fails),
        TEST(the_key_of_the_rfc_is_read_and_written),
        TEST(a_key_that_is_not_the_owners_public_one_is_refused),
        TEST(concat_kdf_is_that_of_the_rfc),
        TEST(a256gcm_is_that_of_the_rfc),
        TEST(key_wrap_is_that_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
