/* SPDX-License-Identifier: MIT
 *
 * Results are JSON objects; a person sees their texts. Names are printed by OpenSSL, which escapes
 * control characters.
 */
#include "result.h"

#include <json-c/json.h>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

struct result {
    struct json_object *values;
    bool incomplete; /* memory ran out */
};

err_t result_new(struct result **ret_result)
{
    struct result *result = calloc(1, sizeof *result);
    if (result == NULL)
        return ERR_MEMORY;
    result->values = json_object_new_object();
    if (result->values == NULL) {
        free(result);
        return ERR_MEMORY;
    }
    *ret_result = result;
    return ERR_OK;
}

void result_free(struct result *result)
{
    if (result == NULL)
        return;
    (void)json_object_put(result->values);
    free(result);
}

void result_text(struct result *result, const char *name, const char *text)
{
    struct json_object *value = text != NULL ? json_object_new_string(text) : NULL;
    if (value == NULL || json_object_object_add(result->values, name, value) != 0) {
        (void)json_object_put(value);
        result->incomplete = true;
    }
}

void result_name(struct result *result, const char *name, const X509_NAME *value)
{
    char *text = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    if (out != NULL &&
        X509_NAME_print_ex(out, value, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0 &&
        BIO_write(out, "", 1) == 1)
        (void)BIO_get_mem_data(out, &text);
    result_text(result, name, text);
    BIO_free(out);
}

static void add_time(struct result *result, const char *name, const ASN1_TIME *value)
{
    struct tm tm;
    char text[40] = "";
    if (ASN1_TIME_to_tm(value, &tm) == 1)
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    result_text(result, name, text);
}

static void add_serial(struct result *result, const ASN1_INTEGER *value)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(value, NULL);
    char *text = number != NULL ? BN_bn2hex(number) : NULL;
    result_text(result, "serial", text);
    OPENSSL_free(text);
    BN_free(number);
}

static void add_digest(struct result *result, const X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[2 * EVP_MAX_MD_SIZE + 1] = "";
    unsigned len = 0;
    if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1)
        len = 0;
    for (unsigned i = 0; i < len; i++)
        (void)snprintf(text + (size_t)2 * i, 3, "%02x", digest[i]);
    result_text(result, "sha256", text);
}

void result_certificate(struct result *result, const X509 *certificate)
{
    result_name(result, "subject", X509_get_subject_name(certificate));
    result_name(result, "issuer", X509_get_issuer_name(certificate));
    add_serial(result, X509_get0_serialNumber(certificate));
    add_time(result, "not_before", X509_get0_notBefore(certificate));
    add_time(result, "not_after", X509_get0_notAfter(certificate));
    add_digest(result, certificate);
}

/* PEM stands alone, so that it can be copied out. */
static void print_lines(const struct result *result)
{
    json_object_object_foreach(result->values, name, value)
    {
        const char *text = json_object_get_string(value);
        size_t len = strlen(text);
        if (len > 0 && text[len - 1] == '\n')
            printf("%s", text);
        else
            printf("%s: %s\n", name, text);
    }
}

int result_print(const struct result *result, bool json)
{
    if (json)
        printf("%s\n", json_object_to_json_string_ext(result->values,
                           JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    else
        print_lines(result);
    return fflush(stdout) != 0 || ferror(stdout) || result->incomplete ? EX_IOERR : EX_OK;
}
