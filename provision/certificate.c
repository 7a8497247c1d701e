/* SPDX-License-Identifier: MIT
 *
 * Certificates: made from a plan, step by step; each step is one that OpenSSL can fail.
 */
#include "certificate.h"

#include "extension.h"

#include "base/log.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <string.h>
#include <time.h>

enum { SERIAL_SIZE = 20, SECONDS_A_DAY = 86400 };

err_t profile_of_name(const char *name, enum profile *ret_profile)
{
    if (name == NULL || strcmp(name, "client") == 0) {
        *ret_profile = PROFILE_CLIENT;
    } else if (strcmp(name, "server") == 0) {
        *ret_profile = PROFILE_SERVER;
    } else {
        log_error("--profile '%s': there are client and server", name);
        return ERR_ARGUMENTS;
    }
    return ERR_OK;
}

/* The curve by its parameters, not by its name: RFC 5480, 2.1.1 forbids that in certificates. */
static bool has_explicit_parameters(const EVP_PKEY *key)
{
    int explicit = 0;
    return EVP_PKEY_get_int_param(
               key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit) == 1 &&
           explicit != 0;
}

err_t certificate_expect_p256(const EVP_PKEY *key, const char *source)
{
    char group[64];
    size_t len = 0;
    bool p256 = key != NULL && EVP_PKEY_is_a(key, "EC") &&
                EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 &&
                (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
    bool explicit = p256 && has_explicit_parameters(key);
    ERR_clear_error();
    if (p256 && !explicit)
        return ERR_OK;
    log_error("%s: its key %s", source,
        explicit ? "does not name its curve; make one with -param_enc named_curve"
                 : "is no P-256 key");
    return ERR_INPUT;
}

/* Positive, and of exactly so many bytes. */
static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_SIZE];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    ASN1_INTEGER *serial = number != NULL ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    bool done = serial != NULL && X509_set_serialNumber(certificate, serial) == 1;
    ASN1_INTEGER_free(serial);
    BN_free(number);
    return done;
}

/* days count from now. False: OpenSSL failed. */
static bool set_validity(X509 *certificate, const X509 *issuer, long days)
{
    time_t now = time(NULL);
    ASN1_TIME *begin = X509_getm_notBefore(certificate);
    if (X509_time_adj_ex(begin, 0, -CERTIFICATE_BACKDATED_SECONDS, &now) == NULL ||
        X509_time_adj_ex(X509_getm_notAfter(certificate), (int)days, 0, &now) == NULL)
        return false;
    return issuer == NULL || ASN1_TIME_compare(begin, X509_get0_notBefore(issuer)) >= 0 ||
           X509_set1_notBefore(certificate, X509_get0_notBefore(issuer)) == 1;
}

/* Whole days from now until the issuer ends; less than 0: it has. */
static int days_left(const X509 *issuer)
{
    int days = 0;
    int seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(issuer)) != 1)
        return -1;
    return seconds < 0 ? days - 1 : days;
}

static err_t expect_within(const X509 *certificate, const X509 *issuer)
{
    int left = days_left(issuer);
    if (X509_cmp_current_time(X509_get0_notBefore(issuer)) > 0)
        log_error("the CA's certificate is not valid yet; is this machine's clock right?");
    else if (left < 0)
        log_error("the CA's certificate has expired; make a new CA");
    else if (ASN1_TIME_compare(X509_get0_notAfter(certificate), X509_get0_notAfter(issuer)) > 0)
        log_error("--days: the CA's certificate ends before that; %d is the most", left);
    else
        return ERR_OK;
    return ERR_INPUT;
}

static bool fill(X509 *certificate, const struct certificate_plan *plan)
{
    const X509_NAME *issuer =
        plan->issuer != NULL ? X509_get_subject_name(plan->issuer) : plan->subject;
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_set_subject_name(certificate, plan->subject) == 1 &&
           X509_set_issuer_name(certificate, issuer) == 1 &&
           X509_set_pubkey(certificate, plan->public_key) == 1 &&
           set_validity(certificate, plan->issuer, plan->days) &&
           extension_add_all(certificate, plan);
}

static err_t openssl_failed(const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    log_error("%s: %s", what, reason != NULL ? reason : "OpenSSL gives no reason");
    ERR_clear_error();
    return ERR_DEVICE;
}

err_t certificate_issue(
    const struct certificate_plan *plan, EVP_PKEY *signing_key, X509 **ret_certificate)
{
    X509 *certificate = X509_new();
    err_t err = ERR_OK;
    if (certificate == NULL || !fill(certificate, plan))
        err = openssl_failed("cannot make the certificate");
    else if (plan->issuer != NULL)
        err = expect_within(certificate, plan->issuer);
    if (err == ERR_OK && X509_sign(certificate, signing_key, EVP_sha256()) <= 0)
        err = openssl_failed("cannot sign the certificate");
    EVP_PKEY *issuer_key = plan->issuer != NULL ? X509_get0_pubkey(plan->issuer) : plan->public_key;
    if (err == ERR_OK && X509_verify(certificate, issuer_key) != 1)
        err = openssl_failed("the certificate's own signature is wrong");
    if (err != ERR_OK) {
        X509_free(certificate);
        return err;
    }
    *ret_certificate = certificate;
    return ERR_OK;
}
