/* SPDX-License-Identifier: MIT
 *
 * Certificates of a token: an object's value, and the one beside a key.
 */
#include "key.h"

#include "base/log.h"

#include <openssl/x509.h>

#include <stdlib.h>

enum { CERTIFICATES_MAX = 16 };

err_t token_object_certificate(
    struct token_session *session, CK_OBJECT_HANDLE object, X509 **ret_certificate)
{
    uint8_t *der = malloc(TOKEN_CERTIFICATE_MAX);
    size_t len = 0;
    if (der == NULL)
        return ERR_MEMORY;
    err_t err =
        token_object_attribute(session, object, CKA_VALUE, der, TOKEN_CERTIFICATE_MAX, &len);
    if (err == ERR_OK) {
        const uint8_t *at = der;
        X509 *certificate = d2i_X509(NULL, &at, (long)len);
        if (certificate != NULL && at == der + len) {
            *ret_certificate = certificate;
        } else {
            X509_free(certificate);
            err = ERR_ATTRIBUTE_VALUE;
        }
    }
    free(der);
    return err;
}

err_t token_certificate(struct token *token, X509 **ret_certificate)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_ID, token->object.id, token->object.id_len},
    };
    CK_OBJECT_HANDLE handles[CERTIFICATES_MAX];
    CK_ULONG count = 0;
    err_t err =
        token_objects_matching(&token->session, wanted, 2, handles, CERTIFICATES_MAX, &count);
    if (err != ERR_OK)
        return err;
    for (CK_ULONG i = 0; i < count; i++) {
        X509 *certificate = NULL;
        if (token_object_certificate(&token->session, handles[i], &certificate) != ERR_OK)
            continue;
        if (EVP_PKEY_eq(X509_get0_pubkey(certificate), token->private_key) == 1) {
            *ret_certificate = certificate;
            return ERR_OK;
        }
        X509_free(certificate);
    }
    log_error(
        "%s: no certificate of this key is in the token; store one: signerd-provision cert store",
        token->session.uri->shown);
    return ERR_OBJECT_GONE;
}
