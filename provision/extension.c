/* SPDX-License-Identifier: MIT
 *
 * Extensions by structure, not by text: nothing that came from outside is ever parsed as OpenSSL's
 * configuration.
 */
#include "extension.h"

#include <openssl/evp.h>

enum { KEY_IDENTIFIER_SIZE = 20, CRITICAL = 1, NOT_CRITICAL = 0 };

/* Bits of KeyUsage, as RFC 5280, 4.2.1.3 numbers them. */
enum { USE_DIGITAL_SIGNATURE = 0, USE_CERT_SIGN = 5, USE_CRL_SIGN = 6, USE_END = -1 };

static const struct {
    bool ca;
    int uses[3];
    int extended_use; /* NID, or NID_undef */
} profiles[] = {
    [PROFILE_CA] = {true, {USE_CERT_SIGN, USE_CRL_SIGN, USE_END}, NID_undef},
    [PROFILE_CLIENT] = {false, {USE_DIGITAL_SIGNATURE, USE_END}, NID_client_auth},
    [PROFILE_SERVER] = {false, {USE_DIGITAL_SIGNATURE, USE_END}, NID_server_auth},
};

static bool add(X509 *certificate, int nid, void *value, int critical)
{
    return value != NULL &&
           X509_add1_ext_i2d(certificate, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

static bool add_basic_constraints(X509 *certificate, bool ca)
{
    BASIC_CONSTRAINTS *value = BASIC_CONSTRAINTS_new();
    if (value != NULL && ca) {
        value->ca = 0xff;
        value->pathlen = ASN1_INTEGER_new(); /* 0 */
    }
    bool done = (!ca || (value != NULL && value->pathlen != NULL)) &&
                add(certificate, NID_basic_constraints, value, CRITICAL);
    BASIC_CONSTRAINTS_free(value);
    return done;
}

static bool add_key_usage(X509 *certificate, const int *uses)
{
    ASN1_BIT_STRING *value = ASN1_BIT_STRING_new();
    bool done = value != NULL;
    for (; done && *uses != USE_END; uses++)
        done = ASN1_BIT_STRING_set_bit(value, *uses, 1) == 1;
    done = done && add(certificate, NID_key_usage, value, CRITICAL);
    ASN1_BIT_STRING_free(value);
    return done;
}

static bool add_extended_key_usage(X509 *certificate, int nid)
{
    if (nid == NID_undef)
        return true;
    EXTENDED_KEY_USAGE *value = EXTENDED_KEY_USAGE_new();
    bool done = value != NULL && sk_ASN1_OBJECT_push(value, OBJ_nid2obj(nid)) > 0 &&
                add(certificate, NID_ext_key_usage, value, NOT_CRITICAL);
    EXTENDED_KEY_USAGE_free(value);
    return done;
}

/* RFC 7093, 2, method 1: the first 160 bits of the SHA-256 of the public key. */
static ASN1_OCTET_STRING *key_identifier(const X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    if (value == NULL || X509_pubkey_digest(certificate, EVP_sha256(), digest, &len) != 1 ||
        ASN1_OCTET_STRING_set(value, digest, KEY_IDENTIFIER_SIZE) != 1) {
        ASN1_OCTET_STRING_free(value);
        return NULL;
    }
    return value;
}

static bool add_subject_key_identifier(X509 *certificate)
{
    ASN1_OCTET_STRING *value = key_identifier(certificate);
    bool done = add(certificate, NID_subject_key_identifier, value, NOT_CRITICAL);
    ASN1_OCTET_STRING_free(value);
    return done;
}

/* What the issuer calls its key; where it does not say, and for itself, what we would. */
static bool add_authority_key_identifier(X509 *certificate, const X509 *issuer)
{
    const ASN1_OCTET_STRING *named =
        issuer != NULL ? X509_get0_subject_key_id((X509 *)(uintptr_t)issuer) : NULL;
    AUTHORITY_KEYID *value = AUTHORITY_KEYID_new();
    if (value != NULL)
        value->keyid = named != NULL ? ASN1_OCTET_STRING_dup(named)
                                     : key_identifier(issuer != NULL ? issuer : certificate);
    bool done = value != NULL && value->keyid != NULL &&
                add(certificate, NID_authority_key_identifier, value, NOT_CRITICAL);
    AUTHORITY_KEYID_free(value);
    return done;
}

bool extension_add_all(X509 *certificate, const struct certificate_plan *plan)
{
    return add_basic_constraints(certificate, profiles[plan->profile].ca) &&
           add_key_usage(certificate, profiles[plan->profile].uses) &&
           add_extended_key_usage(certificate, profiles[plan->profile].extended_use) &&
           add_subject_key_identifier(certificate) &&
           add_authority_key_identifier(certificate, plan->issuer) &&
           (plan->names == NULL || add(certificate, NID_subject_alt_name,
                                       (void *)(uintptr_t)plan->names, NOT_CRITICAL));
}
