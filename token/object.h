/* SPDX-License-Identifier: MIT
 *
 * An object of an open session: found by class and what the URI says, and its attributes.
 */
#ifndef TOKEN_OBJECT_H
#define TOKEN_OBJECT_H

#include "session.h"

enum { TOKEN_ID_MAX = 128, TOKEN_LABEL_MAX = 256, TOKEN_CERTIFICATE_MAX = 16384 };

struct token_object {
    CK_OBJECT_HANDLE handle;
    uint8_t id[TOKEN_ID_MAX];
    size_t id_len;
    char label[TOKEN_LABEL_MAX];
    size_t label_len;
};

/* Up to size objects with these attributes; *ret_count may be larger than size, where there are
 * more. */
err_t token_objects_matching(struct token_session *session, CK_ATTRIBUTE *wanted, CK_ULONG count,
    CK_OBJECT_HANDLE *ret_handles, CK_ULONG size, CK_ULONG *ret_count);

/* The one object of this class which the URI names. Logged: ERR_OBJECT_GONE, none (what: "private
 * key"); ERR_TEMPLATE_INCONSISTENT, several; ERR_ARGUMENTS, the URI has a type which is another. */
err_t token_object_find(struct token_session *session, CK_OBJECT_CLASS class, const char *what,
    struct token_object *ret_object);

/* An attribute of at most size bytes. ERR_ATTRIBUTE_TYPE: it has none, or a longer one. */
err_t token_object_attribute(struct token_session *session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, void *ret_value, size_t size, size_t *ret_len);

/* The certificate in an object: ERR_ATTRIBUTE_VALUE where it has none that parses to its end. The
 * caller frees. */
err_t token_object_certificate(
    struct token_session *session, CK_OBJECT_HANDLE object, X509 **ret_certificate);

/* The P-256 public key with this CKA_ID, or of the private key itself. ERR_OBJECT_GONE,
 * ERR_KEY_TYPE: another kind of key; logged. The caller frees. */
err_t token_object_public_key(
    struct token_session *session, const struct token_object *key, EVP_PKEY **ret_public_key);

#endif
