/* SPDX-License-Identifier: MIT
 *
 * The error table: what travels on the wire must be unambiguous, what people read must be there.
 */
#include "test.h"

#include "base/err.h"

#include <stdbool.h>
#include <sysexits.h>

#include <p11-kit/pkcs11.h>

struct row {
    unsigned number;
    CK_RV ckr;
    int http;
    int exit_code;
    const char *name;
    const char *text;
};

static const struct row rows[] = {
#define ERR(name, number, ckr, http, exit_code, text)                                              \
    {(number), (ckr), (http), (exit_code), #name, (text)},
#include "base/err.def"
#undef ERR
};

static void numbers_and_names_are_unique(void **state)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(rows[i].number, rows[j].number);
            assert_string_not_equal(rows[i].name, rows[j].name);
            assert_string_not_equal(rows[i].text, rows[j].text);
        }
    }
    (void)state;
}

static void numbers_fit_the_field_of_the_reply(void **state)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_in_range(rows[i].number, 0, UINT16_MAX);
    (void)state;
}

static void every_text_is_there_without_a_full_stop(void **state)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *text = err_text((err_t)rows[i].number);
        assert_string_equal(text, rows[i].text);
        assert_in_range(strlen(text), 3, 80);
        assert_int_not_equal(text[strlen(text) - 1], '.');
        assert_string_equal(err_name((err_t)rows[i].number), rows[i].name);
    }
    (void)state;
}

static void only_success_is_success(void **state)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool ok = rows[i].number == ERR_OK;
        assert_int_equal(rows[i].ckr == CKR_OK, ok);
        assert_int_equal(rows[i].http < 400, ok);
        assert_int_equal(rows[i].exit_code == EX_OK, ok);
    }
    (void)state;
}

static void codes_are_of_their_standards(void **state)
{
    for (size_t i = 1; i < COUNT(rows); i++) {
        assert_in_range(rows[i].http, 400, 599);
        assert_in_range(rows[i].exit_code, EX__BASE, EX__MAX);
        assert_int_equal(err_exit_code((err_t)rows[i].number), rows[i].exit_code);
    }
    (void)state;
}

static void a_number_from_the_wire_is_never_invented_into_success(void **state)
{
    for (unsigned number = 0; number <= UINT16_MAX; number++) {
        bool known = false;
        for (size_t i = 0; i < COUNT(rows); i++)
            known = known || rows[i].number == number;
        assert_int_equal(err_from_number(number), known ? number : (unsigned)ERR_INTERNAL);
    }
    (void)state;
}

static void an_unknown_error_has_a_text_too(void **state)
{
    assert_string_equal(err_text((err_t)9999), "unknown error");
    assert_string_equal(err_name((err_t)9999), "UNKNOWN");
    assert_int_equal(err_exit_code((err_t)9999), EX_SOFTWARE);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_and_names_are_unique),
        TEST(numbers_fit_the_field_of_the_reply),
        TEST(every_text_is_there_without_a_full_stop),
        TEST(only_success_is_success),
        TEST(codes_are_of_their_standards),
        TEST(a_number_from_the_wire_is_never_invented_into_success),
        TEST(an_unknown_error_has_a_text_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
