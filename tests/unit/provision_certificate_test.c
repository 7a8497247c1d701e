/* SPDX-License-Identifier: MIT
 *
 * Certificates: what is in them, and when none is made.
 */
#include "test.h"

#include "scratch.h"

#include "provision/certificate.h"
#include "provision/name.h"

#include "base/log.h"

#include <openssl/x509_vfy.h>

#include <stdlib.h>
#include <time.h>

static EVP_PKEY *ca_key, *device_key;
static X509_NAME *ca_name, *device_name;

static int make_keys(void **state)
{
    (void)state;
    ca_key = EVP_EC_gen("P-256");
    device_key = EVP_EC_gen("P-256");
    return ca_key == NULL || device_key == NULL || name_parse("/CN=CA", &ca_name) != ERR_OK ||
           name_parse("/CN=device", &device_name) != ERR_OK;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(device_key);
    X509_NAME_free(ca_name);
    X509_NAME_free(device_name);
    return 0;
}

static X509 *new_ca(long days)
{
    const struct certificate_plan plan = {
        .profile = PROFILE_CA, .subject = ca_name, .public_key = ca_key, .days = days};
    X509 *ca = NULL;
    assert_int_equal(certificate_issue(&plan, ca_key, &ca), ERR_OK);
    return ca;
}

static err_t issue(const X509 *ca, enum profile profile, long days, X509 **ret_certificate)
{
    const struct certificate_plan plan = {.profile = profile,
        .subject = device_name,
        .public_key = device_key,
        .issuer = ca,
        .days = days};
    capture_begin();
    err_t err = certificate_issue(&plan, ca_key, ret_certificate);
    free(capture_end());
    return err;
}

static int verify(X509 *ca, X509 *certificate, int purpose)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, ca), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, certificate, NULL), 1);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context),
        X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
    (void)X509_STORE_CTX_set_purpose(context, purpose);
    int result = X509_verify_cert(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return result;
}

static void a_profile_is_for_its_purpose_alone(void **state)
{
    X509 *ca = new_ca(10);
    for (int server = 0; server < 2; server++) {
        X509 *certificate = NULL;
        enum profile profile = server ? PROFILE_SERVER : PROFILE_CLIENT;
        assert_int_equal(issue(ca, profile, 9, &certificate), ERR_OK);
        assert_int_equal(verify(ca, certificate, X509_PURPOSE_SSL_CLIENT), !server);
        assert_int_equal(verify(ca, certificate, X509_PURPOSE_SSL_SERVER), server);
        assert_int_equal(X509_check_ca(certificate), 0);
        assert_int_equal(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE);
        X509_free(certificate);
    }
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_get_pathlen(ca), 0);
    X509_free(ca);
    (void)state;
}

static void a_serial_number_has_twenty_bytes_and_is_never_the_same(void **state)
{
    X509 *first = new_ca(1);
    for (int i = 0; i < 20; i++) {
        X509 *other = new_ca(1);
        const ASN1_INTEGER *serial = X509_get0_serialNumber(other);
        assert_int_equal(ASN1_STRING_length(serial), 20);
        assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER); /* not negative */
        assert_int_equal(ASN1_STRING_get0_data(serial)[0] & 0xc0, 0x40);
        assert_int_not_equal(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(first)), 0);
        X509_free(other);
    }
    X509_free(first);
    (void)state;
}

static void a_certificate_lies_within_its_cas_time(void **state)
{
    X509 *ca = new_ca(10);
    X509 *certificate = NULL;
    assert_int_equal(issue(ca, PROFILE_CLIENT, 11, &certificate), ERR_INPUT);
    assert_null(certificate);
    assert_int_equal(issue(ca, PROFILE_CLIENT, 9, &certificate), ERR_OK);
    assert_true(ASN1_TIME_compare(X509_get0_notBefore(certificate), X509_get0_notBefore(ca)) >= 0);
    X509_free(certificate);
    certificate = NULL;

    /* A CA that begins now: so does the certificate. */
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(ca), -5));
    assert_int_equal(issue(ca, PROFILE_CLIENT, 9, &certificate), ERR_OK);
    assert_int_equal(
        ASN1_TIME_compare(X509_get0_notBefore(certificate), X509_get0_notBefore(ca)), 0);
    X509_free(certificate);
    certificate = NULL;

    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(ca), 100));
    assert_int_equal(issue(ca, PROFILE_CLIENT, 9, &certificate), ERR_INPUT);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(ca), -1000));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(ca), -100));
    assert_int_equal(issue(ca, PROFILE_CLIENT, 9, &certificate), ERR_INPUT);
    assert_null(certificate);
    X509_free(ca);
    (void)state;
}

static void a_key_that_is_not_the_issuers_makes_no_certificate(void **state)
{
    X509 *ca = new_ca(10);
    X509 *certificate = NULL;
    const struct certificate_plan plan = {.profile = PROFILE_CLIENT,
        .subject = device_name,
        .public_key = device_key,
        .issuer = ca,
        .days = 5};
    capture_begin();
    assert_int_equal(certificate_issue(&plan, device_key, &certificate), ERR_DEVICE);
    free(capture_end());
    assert_null(certificate);
    X509_free(ca);
    (void)state;
}

static void only_p256_keys_are_taken(void **state)
{
    EVP_PKEY *p384 = EVP_EC_gen("P-384");
    EVP_PKEY *ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_int_equal(certificate_expect_p256(ca_key, "test"), ERR_OK);
    capture_begin();
    assert_int_equal(certificate_expect_p256(p384, "test"), ERR_INPUT);
    assert_int_equal(certificate_expect_p256(ed25519, "test"), ERR_INPUT);
    assert_int_equal(certificate_expect_p256(NULL, "test"), ERR_INPUT);
    free(capture_end());
    EVP_PKEY_free(p384);
    EVP_PKEY_free(ed25519);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_profile_is_for_its_purpose_alone),
        TEST(a_serial_number_has_twenty_bytes_and_is_never_the_same),
        TEST(a_certificate_lies_within_its_cas_time),
        TEST(a_key_that_is_not_the_issuers_makes_no_certificate),
        TEST(only_p256_keys_are_taken),
    };
    log_setup("provision_certificate_test", LOG_LEVEL_INFO);
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
