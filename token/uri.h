/* SPDX-License-Identifier: MIT
 *
 * A PKCS#11 URI (RFC 7512), parsed by libp11-kit. The PIN is taken out at once, so that what is
 * left can be shown.
 */
#ifndef TOKEN_URI_H
#define TOKEN_URI_H

#include "base/err.h"
#include "base/secret.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

struct token_uri {
    P11KitUri *p11;           /* without pin-value, pin-source and type */
    char *shown;              /* the same as text */
    struct secret *pin_value; /* NULL: there is none */
    char *pin_source;         /* NULL: there is none */
    bool has_class;
    CK_OBJECT_CLASS class; /* of the URI's type */
};

/* ERR_ARGUMENTS, logged: malformed, an attribute that is unknown, or pin-value beside pin-source
 * (RFC 7512, 2.4). The caller frees. */
err_t token_uri_parse(const char *text, struct token_uri **ret_uri);
void token_uri_free(struct token_uri *uri); /* NULL is allowed */

/* CKA_LABEL or CKA_ID as the URI has it; NULL where it has none. */
CK_ATTRIBUTE *token_uri_attribute(const struct token_uri *uri, CK_ATTRIBUTE_TYPE type);

/* The URI with another CKA_ID, as text. The caller frees. */
err_t token_uri_with_id(const struct token_uri *uri, struct span id, char **ret_text);

#endif
