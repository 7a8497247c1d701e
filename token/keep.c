/* SPDX-License-Identifier: MIT
 *
 * A certificate is kept beside its key. Order: the new one is stored and read back, then old ones
 * are destroyed; so there is at no moment none.
 */
#include "objects_private.h"

#include "rv.h"

#include "base/log.h"

#include <openssl/x509.h>

#include <stdlib.h>

enum { BESIDE_MAX = 16 };

/* A certificate's parts in DER, as attributes want them. */
struct der {
    uint8_t *bytes[4];
    int len[4];
};
enum { DER_VALUE, DER_SUBJECT, DER_ISSUER, DER_SERIAL };

static bool encode(const X509 *certificate, struct der *der)
{
    der->len[DER_VALUE] = i2d_X509(certificate, &der->bytes[DER_VALUE]);
    der->len[DER_SUBJECT] =
        i2d_X509_NAME(X509_get_subject_name(certificate), &der->bytes[DER_SUBJECT]);
    der->len[DER_ISSUER] =
        i2d_X509_NAME(X509_get_issuer_name(certificate), &der->bytes[DER_ISSUER]);
    der->len[DER_SERIAL] =
        i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &der->bytes[DER_SERIAL]);
    for (int i = DER_VALUE; i <= DER_SERIAL; i++)
        if (der->len[i] <= 0)
            return false;
    return der->len[DER_VALUE] <= TOKEN_CERTIFICATE_MAX;
}

static void der_free(struct der *der)
{
    for (int i = DER_VALUE; i <= DER_SERIAL; i++)
        OPENSSL_free(der->bytes[i]);
}

static CK_ATTRIBUTE der_attribute(CK_ATTRIBUTE_TYPE type, const struct der *der, int part)
{
    return (CK_ATTRIBUTE){type, der->bytes[part], (CK_ULONG)der->len[part]};
}

static CK_RV create(
    struct token_objects *objects, const struct der *der, CK_OBJECT_HANDLE *ret_object)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_CERTIFICATE_TYPE, &type, sizeof type},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &no, sizeof no},
        {CKA_LABEL, objects->key.label, objects->key.label_len},
        {CKA_ID, objects->key.id, objects->key.id_len},
        der_attribute(CKA_VALUE, der, DER_VALUE),
        der_attribute(CKA_SUBJECT, der, DER_SUBJECT),
        der_attribute(CKA_ISSUER, der, DER_ISSUER),
        der_attribute(CKA_SERIAL_NUMBER, der, DER_SERIAL),
    };
    return objects->session.module->C_CreateObject(
        objects->session.handle, template, sizeof template / sizeof template[0], ret_object);
}

static bool is_same(struct token_objects *objects, CK_OBJECT_HANDLE object, const X509 *certificate)
{
    X509 *found = NULL;
    bool same = token_object_certificate(&objects->session, object, &found) == ERR_OK &&
                X509_cmp(found, certificate) == 0;
    X509_free(found);
    return same;
}

/* What has the key's CKA_ID now: same is among them or 0; others are the rest. */
struct beside {
    CK_OBJECT_HANDLE same;
    CK_OBJECT_HANDLE others[BESIDE_MAX];
    CK_ULONG other_count;
};

static err_t look(struct token_objects *objects, const X509 *certificate, struct beside *ret_beside)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_ID, objects->key.id, objects->key.id_len},
    };
    CK_OBJECT_HANDLE handles[BESIDE_MAX];
    CK_ULONG count = 0;
    err_t err = token_objects_matching(&objects->session, wanted, 2, handles, BESIDE_MAX, &count);
    if (err != ERR_OK)
        return err;
    *ret_beside = (struct beside){0};
    for (CK_ULONG i = 0; i < count; i++) {
        if (ret_beside->same == 0 && is_same(objects, handles[i], certificate))
            ret_beside->same = handles[i];
        else
            ret_beside->others[ret_beside->other_count++] = handles[i];
    }
    return ERR_OK;
}

static err_t expect_key_of(struct token_objects *objects, const X509 *certificate)
{
    EVP_PKEY *public_key = NULL;
    err_t err = token_objects_key(objects, &public_key);
    if (err != ERR_OK)
        return err;
    bool fits = EVP_PKEY_eq(X509_get0_pubkey(certificate), public_key) == 1;
    EVP_PKEY_free(public_key);
    if (!fits)
        log_error("%s: the certificate is of another key", objects->session.uri->shown);
    return fits ? ERR_OK : ERR_INPUT;
}

/* Stores it, and reads it back. */
static err_t add(
    struct token_objects *objects, const X509 *certificate, CK_OBJECT_HANDLE *ret_object)
{
    const char *shown = objects->session.uri->shown;
    struct der der = {{NULL}, {0}};
    CK_OBJECT_HANDLE object = 0;
    err_t err = ERR_INPUT;
    if (encode(certificate, &der))
        err = token_rv(shown, "cannot store the certificate", create(objects, &der, &object));
    else
        log_error("%s: the certificate is larger than %d bytes", shown, TOKEN_CERTIFICATE_MAX);
    der_free(&der);
    if (err != ERR_OK)
        return err;
    if (!is_same(objects, object, certificate)) {
        (void)objects->session.module->C_DestroyObject(objects->session.handle, object);
        log_error("%s: the token did not keep the certificate as it was given", shown);
        return ERR_DEVICE;
    }
    *ret_object = object;
    return ERR_OK;
}

/* Where an old one stays, the new one goes again. */
static err_t destroy_others(
    struct token_objects *objects, const struct beside *beside, CK_OBJECT_HANDLE added)
{
    const char *shown = objects->session.uri->shown;
    CK_FUNCTION_LIST *module = objects->session.module;
    CK_RV rv = CKR_OK;
    for (CK_ULONG i = 0; rv == CKR_OK && i < beside->other_count; i++)
        rv = module->C_DestroyObject(objects->session.handle, beside->others[i]);
    if (rv == CKR_OK)
        return ERR_OK;
    err_t err = token_rv(shown, "cannot remove the old certificate", rv);
    if (added != 0 && module->C_DestroyObject(objects->session.handle, added) != CKR_OK)
        log_error("%s: and the new one cannot be removed again; both are in the token now", shown);
    return err;
}

err_t token_objects_store_certificate(struct token_objects *objects, const X509 *certificate,
    bool replace, enum token_stored *ret_stored)
{
    struct beside beside;
    CK_OBJECT_HANDLE added = 0;
    err_t err = expect_key_of(objects, certificate);
    if (err == ERR_OK)
        err = look(objects, certificate, &beside);
    if (err != ERR_OK)
        return err;
    if (beside.other_count > 0 && !replace) {
        log_error("%s: another certificate of this key is in the token; replace it with --replace",
            objects->session.uri->shown);
        return ERR_EXISTS;
    }
    if (beside.same == 0)
        err = add(objects, certificate, &added);
    if (err != ERR_OK)
        return err;
    err = destroy_others(objects, &beside, added);
    if (err != ERR_OK)
        return err;
    *ret_stored = beside.other_count > 0 ? TOKEN_STORED_REPLACED
                  : beside.same != 0     ? TOKEN_STORED_SAME
                                         : TOKEN_STORED_NEW;
    return ERR_OK;
}
