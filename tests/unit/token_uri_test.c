/* SPDX-License-Identifier: MIT
 *
 * URIs: no PIN is ever shown, whatever is wrong with the URI around it.
 */
#include "test.h"

#include "scratch.h"

#include "token/objects.h"
#include "token/uri.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

/* The shown form, which must parse again; the caller frees. */
static char *shown_of(const char *text)
{
    char *shown = NULL;
    assert_int_equal(token_uri_without_pin(text, &shown), ERR_OK);
    char *again = NULL;
    assert_int_equal(token_uri_without_pin(shown, &again), ERR_OK);
    assert_string_equal(shown, again);
    free(again);
    return shown;
}

static void a_shown_uri_has_no_pin(void **state)
{
    static const char *const rows[][2] = {
        {"pkcs11:token=demo;object=device?pin-value=secret", "pkcs11:token=demo;object=device"},
        {"pkcs11:token=demo;pin-value=secret", "pkcs11:token=demo"}, /* an older form */
        {"pkcs11:token=demo?pin-source=/run/secret", "pkcs11:token=demo"},
        {"pkcs11:object=a%20b;id=%01%FE?pin-value=se%63ret", "pkcs11:id=%01%FE;object=a%20b"},
        {"pkcs11:token=demo;object=k;type=private", "pkcs11:token=demo;object=k"},
        {"pkcs11:", "pkcs11:"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *shown = shown_of(rows[i][0]);
        assert_string_equal(shown, rows[i][1]);
        free(shown);
    }
    (void)state;
}

static void a_refused_uri_is_told_without_its_pin(void **state)
{
    static const char *const texts[] = {
        "pkcs11:token=%zz?pin-value=hushhush",
        "pkcs11:token=demo&pin-value=hushhush",
        "pkcs11:token=demo?pin-valu=hushhush",
        "pkcs11:token=demo?x-pin=hushhush",
        "pkcs11:token=demo?module-path=/hushhush",
        "pkcs11:token=demo%3Fpin-value=hushhush",
        "pkcs11:token=demo;PIN-VALUE=hushhush",
        "pkcs11:token=demo?pin-value=hush%hush",
        "pkcs11:token=demo?pin-value=hushhush&pin-source=/hushhush",
        "pkcs11:colour=red?pin-value=hushhush",
        "http://example.org/?pin-value=hushhush",
        "pin-value=hushhush",
        "hush?pin-value=",
        "pkcs11:token=demo?pin-value=",
        "",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct token_uri *uri = NULL;
        capture_begin();
        err_t err = token_uri_parse(texts[i], &uri);
        char *log = capture_end();
        assert_int_equal(err, ERR_ARGUMENTS);
        assert_null(uri);
        assert_non_null(strstr(log, "error: "));
        assert_null(strstr(log, "hushhush"));
        assert_null(strstr(log, "hush%hush"));
        free(log);
    }
    (void)state;
}

static void pin_and_type_are_taken_out_of_the_uri(void **state)
{
    struct token_uri *uri = NULL;
    assert_int_equal(
        token_uri_parse("pkcs11:token=t;object=o;type=cert?pin-value=a%20%22b", &uri), ERR_OK);
    assert_true(span_equal(secret_bytes(uri->pin_value), span_of_text("a \"b")));
    assert_null(uri->pin_source);
    assert_true(uri->has_class);
    assert_int_equal(uri->class, CKO_CERTIFICATE);
    assert_null(p11_kit_uri_get_pin_value(uri->p11));
    assert_null(token_uri_attribute(uri, CKA_CLASS));
    assert_int_equal(token_uri_attribute(uri, CKA_LABEL)->ulValueLen, 1);
    token_uri_free(uri);

    assert_int_equal(token_uri_parse("pkcs11:?pin-source=file:/a%20b", &uri), ERR_OK);
    assert_null(uri->pin_value);
    assert_string_equal(uri->pin_source, "file:/a b");
    assert_false(uri->has_class);
    token_uri_free(uri);
    (void)state;
}

static void a_pin_of_the_most_bytes_is_taken_and_of_one_more_refused(void **state)
{
    static const char begin[] = "pkcs11:token=t?pin-value=";
    char text[sizeof begin + TOKEN_PIN_MAX + 1];
    struct token_uri *uri = NULL;
    (void)snprintf(text, sizeof text, "%s%0*d", begin, TOKEN_PIN_MAX, 7);
    assert_int_equal(token_uri_parse(text, &uri), ERR_OK);
    assert_int_equal(secret_bytes(uri->pin_value).len, TOKEN_PIN_MAX);
    token_uri_free(uri);
    uri = NULL;
    (void)snprintf(text, sizeof text, "%s%0*d", begin, TOKEN_PIN_MAX + 1, 7);
    assert_int_equal(token_uri_parse(text, &uri), ERR_ARGUMENTS);
    assert_null(uri);
    (void)state;
}

static void another_id_takes_the_place_of_the_uris(void **state)
{
    struct token_uri *uri = NULL;
    char *text = NULL;
    assert_int_equal(token_uri_parse("pkcs11:token=t;id=%01;object=o?pin-value=1", &uri), ERR_OK);
    assert_int_equal(token_uri_with_id(uri, span_of("\x00\xff", 2), &text), ERR_OK);
    assert_string_equal(text, "pkcs11:token=t;id=%00%FF;object=o");
    free(text);
    token_uri_free(uri);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_shown_uri_has_no_pin),
        TEST(a_refused_uri_is_told_without_its_pin),
        TEST(pin_and_type_are_taken_out_of_the_uri),
        TEST(a_pin_of_the_most_bytes_is_taken_and_of_one_more_refused),
        TEST(another_id_takes_the_place_of_the_uris),
    };
    log_setup("token_uri_test", LOG_LEVEL_INFO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
