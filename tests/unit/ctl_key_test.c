/* SPDX-License-Identifier: MIT
 *
 * What signerctl makes of values, types and URIs: a mistake is refused, and never becomes another
 * key than was meant.
 */
#include "test.h"

#include "base/log.h"
#include "signerctl/key_type.h"
#include "signerctl/key_uri.h"
#include "signerctl/value.h"

#include <stdlib.h>

enum { QUIET = -1 };

/* ---- values ---- */

static void decodes_to(enum value_form form, const char *text, const char *bytes, size_t len)
{
    struct secret *value = NULL;
    assert_int_equal(value_decode(form, span_of_text(text), &value), ERR_OK);
    assert_true(span_equal(secret_bytes(value), span_of(bytes, len)));
    secret_free(value);
}

static void hexadecimal_may_have_blanks_lines_and_colons(void **state)
{
    static const char bytes[] = {0x00, 0x01, (char)0xfe, (char)0xff};
    static const char *const texts[] = {
        "0001feff", "0001FEFF\n", "00:01:fe:ff", " 00 01\r\nfe\tff ", "000 1f eff"};
    for (size_t i = 0; i < COUNT(texts); i++)
        decodes_to(VALUE_HEX, texts[i], bytes, sizeof bytes);
    (void)state;
}

static void base64_may_have_lines_and_ends_with_its_padding(void **state)
{
    decodes_to(VALUE_BASE64, "AAH+/w==", "\x00\x01\xfe\xff", 4);
    decodes_to(VALUE_BASE64, "AAH+\n/w==\n", "\x00\x01\xfe\xff", 4);
    decodes_to(VALUE_BASE64, "YWI=", "ab", 2);
    decodes_to(VALUE_BASE64, "YWJj", "abc", 3);
    (void)state;
}

static void raw_bytes_stay_as_they_are(void **state)
{
    decodes_to(VALUE_RAW, " 00\n", " 00\n", 4);
    (void)state;
}

static void a_value_that_is_not_of_its_form_is_refused(void **state)
{
    static const struct {
        enum value_form form;
        struct span text;
    } bad[] = {
        {VALUE_HEX, {(const uint8_t *)"0", 1}},
        {VALUE_HEX, {(const uint8_t *)"012", 3}},
        {VALUE_HEX, {(const uint8_t *)"0g", 2}},
        {VALUE_HEX, {(const uint8_t *)"0x01", 4}},
        {VALUE_HEX, {(const uint8_t *)"00\0"
                                      "01",
                        5}},
        {VALUE_HEX, {(const uint8_t *)" \n", 2}},
        {VALUE_BASE64, {(const uint8_t *)"YWI", 3}},
        {VALUE_BASE64, {(const uint8_t *)"Y===", 4}},
        {VALUE_BASE64, {(const uint8_t *)"YW=j", 4}},
        {VALUE_BASE64, {(const uint8_t *)"====", 4}},
        {VALUE_BASE64, {(const uint8_t *)"YW-j", 4}},
        {VALUE_BASE64, {(const uint8_t *)"YW\x80j", 4}},
        {VALUE_BASE64, {(const uint8_t *)"YWJj----", 8}},
        {VALUE_RAW, {(const uint8_t *)"", 0}},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct secret *value = NULL;
        assert_int_equal(value_decode(bad[i].form, bad[i].text, &value), ERR_ARGUMENTS);
        assert_null(value);
    }
    (void)state;
}

/* ---- types ---- */

static void types_are_read_as_they_are_written(void **state)
{
    static const struct {
        const char *text;
        unsigned bits;
        bool pair;
    } good[] = {{"ec:P-256", 256, true}, {"ec:p-256", 256, true}, {"aes:128", 128, false},
        {"aes:192", 192, false}, {"aes:256", 256, false}, {"generic:64", 64, false},
        {"hmac:4096", 4096, false}};
    for (size_t i = 0; i < COUNT(good); i++) {
        struct key_type type;
        assert_int_equal(key_type_parse(good[i].text, true, &type), ERR_OK);
        assert_int_equal(type.bits, good[i].bits);
        assert_int_equal(type.row->pair, good[i].pair);
    }
    (void)state;
}

static void other_types_and_sizes_are_refused(void **state)
{
    static const char *const bad[] = {"", ":", "ec", "ec:", "ec:P-384", "ec:256", "aes",
        "aes:", "aes:0", "aes:129", "aes:-128", "aes: 128", "aes:128x", "aes:128:1", "rsa:2048",
        "generic:63", "generic:65", "generic:4104", "generic:99999999999999999999", "AES:128"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct key_type type;
        assert_int_equal(key_type_parse(bad[i], true, &type), ERR_ARGUMENTS);
    }
    (void)state;
}

static void an_imported_value_must_have_a_size_of_its_type(void **state)
{
    struct key_type type;
    assert_int_equal(key_type_parse("aes", false, &type), ERR_OK);
    assert_int_equal(key_type_check_size(&type, 16), ERR_OK);
    assert_int_equal(key_type_check_size(&type, 32), ERR_OK);
    assert_int_equal(key_type_check_size(&type, 17), ERR_KEY_SIZE);
    assert_int_equal(key_type_parse("aes:256", false, &type), ERR_OK);
    assert_int_equal(key_type_check_size(&type, 16), ERR_KEY_SIZE);
    assert_int_equal(key_type_check_size(&type, 32), ERR_OK);
    assert_int_equal(key_type_parse("generic", false, &type), ERR_OK);
    assert_int_equal(key_type_check_size(&type, 40), ERR_OK);
    assert_int_equal(key_type_check_size(&type, 0), ERR_KEY_SIZE);
    (void)state;
}

static void uses_are_those_of_the_type_unless_they_are_named(void **state)
{
    struct key_type aes;
    struct key_type ec;
    unsigned use;
    assert_int_equal(key_type_parse("aes:128", true, &aes), ERR_OK);
    assert_int_equal(key_type_parse("ec:P-256", true, &ec), ERR_OK);
    assert_int_equal(key_use_parse(&aes, NULL, &use), ERR_OK);
    assert_int_equal(use, USE_ENCRYPT);
    assert_int_equal(key_use_parse(&aes, "wrap,encrypt", &use), ERR_OK);
    assert_int_equal(use, USE_ENCRYPT | USE_WRAP);
    assert_int_equal(key_use_parse(&ec, "sign,derive", &use), ERR_OK);
    assert_int_equal(use, USE_SIGN | USE_DERIVE);
    assert_int_equal(key_use_parse(&ec, "encrypt", &use), ERR_ARGUMENTS);
    assert_int_equal(key_use_parse(&aes, "", &use), ERR_ARGUMENTS);
    assert_int_equal(key_use_parse(&aes, "sign,", &use), ERR_ARGUMENTS);
    assert_int_equal(key_use_parse(&aes, "signs", &use), ERR_ARGUMENTS);
    (void)state;
}

static void a_secret_key_is_sensitive_and_stays_unless_it_was_asked_for(void **state)
{
    uint8_t room[512];
    struct key_type type;
    struct writer list = writer_of(room, sizeof room);
    assert_int_equal(key_type_parse("aes:128", true, &type), ERR_OK);
    struct key_wish wish = {.type = &type, .label = span_of_text("a"), .use = USE_ENCRYPT};
    key_put_secret(&list, &wish);
    assert_false(writer_failed(&list));
    assert_int_equal(attribute_list_check(writer_bytes(&list)), ERR_OK);
    assert_true(attribute_get_bool(writer_bytes(&list), ATTR_SENSITIVE, false));
    assert_false(attribute_get_bool(writer_bytes(&list), ATTR_EXTRACTABLE, true));
    assert_true(attribute_get_bool(writer_bytes(&list), ATTR_DECRYPT, false));
    assert_false(attribute_get_bool(writer_bytes(&list), ATTR_WRAP, true));
    assert_false(attribute_get_bool(writer_bytes(&list), ATTR_SIGN, true));
    wish.extractable = true;
    list = writer_of(room, sizeof room);
    key_put_secret(&list, &wish);
    assert_true(attribute_get_bool(writer_bytes(&list), ATTR_EXTRACTABLE, false));
    (void)state;
}

/* ---- URIs ---- */

static struct span object_list(struct writer *list, uint64_t class, const char *label)
{
    attribute_put_ulong(list, ATTR_CLASS, class);
    attribute_put(list, ATTR_LABEL, span_of_text(label));
    attribute_put(list, ATTR_ID, span_of("\x01\xff", 2));
    return writer_bytes(list);
}

static void a_uri_names_the_objects_that_are_as_it_says(void **state)
{
    static const struct {
        const char *text;
        bool fits;
    } uris[] = {{"pkcs11:", true}, {"pkcs11:object=web", true}, {"pkcs11:object=we", false},
        {"pkcs11:object=web%20", false}, {"pkcs11:id=%01%ff", true}, {"pkcs11:id=%01", false},
        {"pkcs11:type=private", true}, {"pkcs11:type=public", false},
        {"pkcs11:object=web;id=%01%ff;type=private", true}, {"pkcs11:token=any;object=web", true}};
    uint8_t room[128];
    struct writer list = writer_of(room, sizeof room);
    const struct span object = object_list(&list, CLASS_PRIVATE_KEY, "web");
    for (size_t i = 0; i < COUNT(uris); i++) {
        struct key_uri *uri;
        assert_int_equal(key_uri_parse(uris[i].text, &uri), ERR_OK);
        assert_int_equal(key_uri_names_object(uri, object), uris[i].fits);
        key_uri_free(uri);
    }
    (void)state;
}

static void a_uri_names_devices_by_their_token(void **state)
{
    static struct device device = {.present = true, .label = "demo", .serial = "1234"};
    static const struct {
        const char *text;
        bool fits;
        bool fits_absent;
    } uris[] = {{"pkcs11:object=x", true, true}, {"pkcs11:token=demo", true, false},
        {"pkcs11:token=dem", false, false}, {"pkcs11:serial=1234", true, false},
        {"pkcs11:token=demo;serial=5", false, false}};
    for (size_t i = 0; i < COUNT(uris); i++) {
        struct key_uri *uri;
        assert_int_equal(key_uri_parse(uris[i].text, &uri), ERR_OK);
        device.present = true;
        assert_int_equal(key_uri_names_device(uri, &device), uris[i].fits);
        device.present = false;
        assert_int_equal(key_uri_names_device(uri, &device), uris[i].fits_absent);
        key_uri_free(uri);
    }
    (void)state;
}

static void a_uri_with_a_pin_or_with_what_would_be_ignored_is_refused(void **state)
{
    static const char *const bad[] = {"", "pkcs12:", "pkcs11:object=%", "pkcs11:pin-value=1234",
        "pkcs11:object=x?pin-value=1234", "pkcs11:object=x?pin-source=file:/x",
        "pkcs11:object=x;x-vendor=1", "pkcs11:slot-id=1", "pkcs11:library-manufacturer=x",
        "pkcs11:object=x?module-name=y"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct key_uri *uri = NULL;
        assert_int_equal(key_uri_parse(bad[i], &uri), ERR_ARGUMENTS);
        assert_null(uri);
    }
    (void)state;
}

static void what_an_object_is_called_names_it(void **state)
{
    static const struct device device = {.present = true, .label = "de;mo"};
    uint8_t room[128];
    struct writer list = writer_of(room, sizeof room);
    const struct span object = object_list(&list, CLASS_SECRET_KEY, "a b/\xc3\xa4");
    char *text = key_uri_text(&device, object);
    struct key_uri *uri;
    assert_non_null(text);
    assert_int_equal(key_uri_parse(text, &uri), ERR_OK);
    assert_true(key_uri_names_object(uri, object));
    assert_true(key_uri_names_device(uri, &device));
    key_uri_free(uri);
    free(text);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hexadecimal_may_have_blanks_lines_and_colons),
        TEST(base64_may_have_lines_and_ends_with_its_padding),
        TEST(raw_bytes_stay_as_they_are),
        TEST(a_value_that_is_not_of_its_form_is_refused),
        TEST(types_are_read_as_they_are_written),
        TEST(other_types_and_sizes_are_refused),
        TEST(an_imported_value_must_have_a_size_of_its_type),
        TEST(uses_are_those_of_the_type_unless_they_are_named),
        TEST(a_secret_key_is_sensitive_and_stays_unless_it_was_asked_for),
        TEST(a_uri_names_the_objects_that_are_as_it_says),
        TEST(a_uri_names_devices_by_their_token),
        TEST(a_uri_with_a_pin_or_with_what_would_be_ignored_is_refused),
        TEST(what_an_object_is_called_names_it),
    };
    log_setup("ctl_key_test", (enum log_level)QUIET);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
