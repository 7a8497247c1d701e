/* SPDX-License-Identifier: MIT
 *
 * URIs. The one place that sees a URI with its PIN.
 */
#include "uri.h"

#include "objects.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 200 };

/* How much may be shown of a text that is no URI: a PIN may stand anywhere behind these. */
static int harmless_length(const char *text)
{
    size_t len = strcspn(text, "?");
    const char *pin = strcasestr(text, "pin");
    if (pin != NULL && (size_t)(pin - text) < len)
        len = (size_t)(pin - text);
    return len < SHOWN_MAX ? (int)len : SHOWN_MAX;
}

static err_t refuse(const char *text, const char *why)
{
    int len = harmless_length(text);
    log_error("%.*s%s: %s; a key's URI looks like pkcs11:token=NAME;object=LABEL", len, text,
        text[len] != '\0' ? "..." : "", why);
    return ERR_ARGUMENTS;
}

static const char *fault(const P11KitUri *p11, int result)
{
    if (result == P11_KIT_URI_BAD_SCHEME)
        return "is no PKCS#11 URI";
    if (result == P11_KIT_URI_BAD_ENCODING)
        return "has a % that two hexadecimal digits do not follow";
    if (result != P11_KIT_URI_OK)
        return "is a malformed PKCS#11 URI";
    if (p11_kit_uri_any_unrecognized((P11KitUri *)p11))
        return "has an attribute that is unknown";
    if (p11_kit_uri_get_pin_value(p11) != NULL && p11_kit_uri_get_pin_source(p11) != NULL)
        return "has pin-value and pin-source, and only one may be there";
    const char *pin = p11_kit_uri_get_pin_value(p11);
    if (pin != NULL && (*pin == '\0' || strlen(pin) > TOKEN_PIN_MAX))
        return "has a pin-value that is empty or too long";
    return NULL;
}

/* What stands wrong in a URI whose PIN was taken out: libp11-kit keeps what it does not know behind
 * the '?', and takes "&pin-value=" for a part of the value before it. */
static const char *fault_left(const char *shown)
{
    if (strchr(shown, '?') != NULL)
        return "has something behind the ? other than pin-value or pin-source";
    if (strcasestr(shown, "pin-value") != NULL || strcasestr(shown, "pin-source") != NULL)
        return "has a pin-value or pin-source in a wrong place; it stands behind the ?";
    return NULL;
}

/* Moves pin-value into a secret. */
static err_t take_pin_value(struct token_uri *uri)
{
    const char *pin = p11_kit_uri_get_pin_value(uri->p11);
    if (pin == NULL)
        return ERR_OK;
    struct span bytes = span_of_text(pin);
    err_t err = secret_new(bytes.len, &uri->pin_value);
    if (err == ERR_OK)
        memcpy(secret_writable(uri->pin_value), bytes.ptr, bytes.len);
    secret_wipe_span(bytes);
    p11_kit_uri_set_pin_value(uri->p11, NULL);
    return err;
}

static err_t take_pin_source(struct token_uri *uri)
{
    const char *source = p11_kit_uri_get_pin_source(uri->p11);
    if (source == NULL)
        return ERR_OK;
    uri->pin_source = strdup(source);
    p11_kit_uri_set_pin_source(uri->p11, NULL);
    return uri->pin_source != NULL ? ERR_OK : ERR_MEMORY;
}

static void take_class(struct token_uri *uri)
{
    const CK_ATTRIBUTE *class = p11_kit_uri_get_attribute(uri->p11, CKA_CLASS);
    if (class == NULL || class->ulValueLen != sizeof uri->class)
        return;
    memcpy(&uri->class, class->pValue, sizeof uri->class);
    uri->has_class = true;
    (void)p11_kit_uri_clear_attribute(uri->p11, CKA_CLASS);
}

err_t token_uri_parse(const char *text, struct token_uri **ret_uri)
{
    struct token_uri *uri = calloc(1, sizeof *uri);
    err_t err = ERR_MEMORY;
    if (uri == NULL || (uri->p11 = p11_kit_uri_new()) == NULL)
        goto out;
    const char *why = fault(uri->p11, p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri->p11));
    if (why != NULL) {
        err = refuse(text, why);
        goto out;
    }
    err = take_pin_value(uri);
    if (err == ERR_OK)
        err = take_pin_source(uri);
    if (err != ERR_OK)
        goto out;
    take_class(uri);
    err = ERR_MEMORY;
    if (p11_kit_uri_format(uri->p11, P11_KIT_URI_FOR_ANY, &uri->shown) != P11_KIT_URI_OK)
        goto out;
    why = fault_left(uri->shown);
    err = why != NULL ? refuse(text, why) : ERR_OK;
    if (err == ERR_OK) {
        *ret_uri = uri;
        uri = NULL;
    }
out:
    token_uri_free(uri);
    return err;
}

void token_uri_free(struct token_uri *uri)
{
    if (uri == NULL)
        return;
    if (uri->p11 != NULL && p11_kit_uri_get_pin_value(uri->p11) != NULL)
        secret_wipe_span(span_of_text(p11_kit_uri_get_pin_value(uri->p11)));
    p11_kit_uri_free(uri->p11);
    free(uri->shown);
    secret_free(uri->pin_value);
    free(uri->pin_source);
    free(uri);
}

CK_ATTRIBUTE *token_uri_attribute(const struct token_uri *uri, CK_ATTRIBUTE_TYPE type)
{
    return p11_kit_uri_get_attribute(uri->p11, type);
}

err_t token_uri_with_id(const struct token_uri *uri, struct span id, char **ret_text)
{
    P11KitUri *copy = p11_kit_uri_new();
    char *text = NULL;
    CK_ATTRIBUTE attribute = {CKA_ID, (void *)id.ptr, id.len};
    err_t err = ERR_MEMORY;
    if (copy != NULL && p11_kit_uri_parse(uri->shown, P11_KIT_URI_FOR_ANY, copy) == 0 &&
        p11_kit_uri_set_attribute(copy, &attribute) == 0 &&
        p11_kit_uri_format(copy, P11_KIT_URI_FOR_ANY, &text) == 0) {
        *ret_text = text;
        err = ERR_OK;
    }
    p11_kit_uri_free(copy);
    return err;
}

err_t token_uri_without_pin(const char *text, char **ret_text)
{
    struct token_uri *uri = NULL;
    err_t err = token_uri_parse(text, &uri);
    if (err != ERR_OK)
        return err;
    *ret_text = uri->shown;
    uri->shown = NULL;
    token_uri_free(uri);
    return ERR_OK;
}
