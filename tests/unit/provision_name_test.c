/* SPDX-License-Identifier: MIT
 *
 * Subjects and alternative names, as people write them.
 */
#include "test.h"

#include "scratch.h"

#include "provision/name.h"
#include "provision/san.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

/* As OpenSSL prints it, in RFC 4514's order. The caller frees. */
static char *printed(const X509_NAME *name)
{
    char *bytes = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0);
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = strndup(bytes, (size_t)len);
    BIO_free(bio);
    return text;
}

static void a_subject_is_read_in_both_forms(void **state)
{
    static const char *const rows[][2] = {
        {"/CN=a", "CN=a"},
        {"CN=a", "CN=a"},
        {"/O=Example/CN=gate 7", "CN=gate 7,O=Example"},
        {"CN=gate 7,O=Example", "CN=gate 7,O=Example"},
        {"CN=a, O=b ,C=DE", "CN=a,O=b,C=DE"},
        {"/CN=a\\/b", "CN=a/b"},
        {"/CN=a,b", "CN=a\\,b"},
        {"CN=a\\,b", "CN=a\\,b"},
        {"CN=a\\2Cb", "CN=a\\,b"},
        {"CN=a\\ ", "CN=a\\ "},
        {"/CN=\\+49", "CN=\\+49"},
        {"CN=\\#1", "CN=\\#1"},
        {"CN=a=b", "CN=a=b"},
        {"/commonName=a", "CN=a"},
        {"/serialNumber=1/CN=a", "CN=a,serialNumber=1"},
        {"/OU=1/OU=2", "OU=2,OU=1"},
        {"CN=\xc3\xa9", "CN=\\C3\\A9"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        X509_NAME *name = NULL;
        assert_int_equal(name_parse(rows[i][0], &name), ERR_OK);
        char *text = printed(name);
        assert_string_equal(text, rows[i][1]);
        free(text);
        X509_NAME_free(name);
    }
    (void)state;
}

static void what_is_no_subject_is_refused_and_told(void **state)
{
    static const char *const texts[] = {"", "/", "//", "a", "=a", "/=a", "/CN=", "CN=,O=a", "CN=a,",
        "/CN=a/", "/CN=a+O=b", "CN=a+O=b", "CN=#0401", "/XX=a", "/CN=a\\", "CN=a\\4", "CN=a\\00b",
        "CN=\\4g", "/C=Germany", "/CN=\xff\xfe",
        "CN= ", "/CN=0123456789012345678901234567890123456789012345678901234567890123456789", NULL};
    for (size_t i = 0; texts[i] != NULL; i++) {
        X509_NAME *name = NULL;
        capture_begin();
        err_t err = name_parse(texts[i], &name);
        char *log = capture_end();
        assert_int_equal(err, ERR_ARGUMENTS);
        assert_null(name);
        assert_non_null(strstr(log, "subject '"));
        free(log);
    }
    (void)state;
}

static void a_subject_has_at_most_so_many_parts_and_bytes(void **state)
{
    char text[8 * (NAME_PARTS_MAX + 1) + NAME_VALUE_MAX];
    X509_NAME *name = NULL;
    size_t used = 0;
    for (int i = 0; i < NAME_PARTS_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "/OU=%d", i);
    assert_int_equal(name_parse(text, &name), ERR_OK);
    assert_int_equal(X509_NAME_entry_count(name), NAME_PARTS_MAX);
    X509_NAME_free(name);
    (void)snprintf(text + used, sizeof text - used, "/OU=x");
    capture_begin();
    assert_int_equal(name_parse(text, &name), ERR_ARGUMENTS);
    (void)snprintf(text, sizeof text, "/CN=%0*d", NAME_VALUE_MAX + 1, 1);
    assert_int_equal(name_parse(text, &name), ERR_ARGUMENTS);
    free(capture_end());
    (void)state;
}

static void four_types_of_alternative_names_are_taken(void **state)
{
    static const char *const texts[] = {"DNS:a.example", "DNS:*.example", "URI:urn:a:b",
        "IP:192.0.2.1", "IP:::1", "email:a@b.example", "DNS:a,DNS:b"};
    static const int types[] = {
        GEN_DNS, GEN_DNS, GEN_URI, GEN_IPADD, GEN_IPADD, GEN_EMAIL, GEN_DNS};
    GENERAL_NAMES *names = NULL;
    assert_int_equal(san_parse(texts, COUNT(texts), &names), ERR_OK);
    assert_int_equal(sk_GENERAL_NAME_num(names), COUNT(texts));
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_int_equal(sk_GENERAL_NAME_value(names, (int)i)->type, types[i]);
    assert_int_equal(san_check(names, "test"), ERR_OK);
    GENERAL_NAMES_free(names);
    names = NULL;
    assert_int_equal(san_parse(texts, 0, &names), ERR_OK);
    assert_null(names);
    (void)state;
}

static void other_alternative_names_are_refused(void **state)
{
    static const char *const texts[] = {"", "DNS", "DNS:", "dns:a", "a", "URI:", "IP:", "IP:1.2.3",
        "IP:1.2.3.4/8", "IP:::g", "email:", "email:copy me", "DNS:a b", "DNS:a\n", "DNS:\xc3\xa9",
        "dirName:s", "otherName:1.2;UTF8:x", "RID:1.2.3"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        GENERAL_NAMES *names = NULL;
        capture_begin();
        err_t err = san_parse(&texts[i], 1, &names);
        free(capture_end());
        assert_int_equal(err, ERR_ARGUMENTS);
        assert_null(names);
    }
    (void)state;
}

static void names_that_others_ask_for_are_checked(void **state)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    capture_begin();
    assert_int_equal(san_check(names, "test"), ERR_INPUT); /* none at all */
    assert_int_equal(ASN1_STRING_set(text, "evil\x1b[2J", -1), 1);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    assert_true(sk_GENERAL_NAME_push(names, name) > 0);
    assert_int_equal(san_check(names, "test"), ERR_INPUT);
    assert_int_equal(ASN1_STRING_set(text, "good\0evil", 9), 1);
    assert_int_equal(san_check(names, "test"), ERR_INPUT);
    assert_int_equal(ASN1_STRING_set(text, "good", -1), 1);
    assert_int_equal(san_check(names, "test"), ERR_OK);
    name->type = GEN_IPADD; /* four bytes */
    assert_int_equal(san_check(names, "test"), ERR_OK);
    assert_int_equal(ASN1_STRING_set(text, "12345", -1), 1);
    assert_int_equal(san_check(names, "test"), ERR_INPUT);
    free(capture_end());
    GENERAL_NAMES_free(names);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_subject_is_read_in_both_forms),
        TEST(what_is_no_subject_is_refused_and_told),
        TEST(a_subject_has_at_most_so_many_parts_and_bytes),
        TEST(four_types_of_alternative_names_are_taken),
        TEST(other_alternative_names_are_refused),
        TEST(names_that_others_ask_for_are_checked),
    };
    log_setup("provision_name_test", LOG_LEVEL_INFO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
