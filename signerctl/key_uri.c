/* SPDX-License-Identifier: MIT
 *
 * URIs, by libp11-kit.
 */
#include "key_uri.h"

#include "base/log.h"

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>

struct key_uri {
    P11KitUri *p11;
    bool names_token;
};

static const CK_ATTRIBUTE_TYPE object_types[] = {CKA_CLASS, CKA_LABEL, CKA_ID};

bool key_uri_is(const char *text)
{
    return strncasecmp(text, "pkcs11:", 7) == 0;
}

void key_uri_free(struct key_uri *uri)
{
    if (uri == NULL)
        return;
    p11_kit_uri_free(uri->p11);
    free(uri);
}

/* What is left of it when only some kinds of attributes are written is the same as all. */
static bool says_only(P11KitUri *p11, P11KitUriType kinds)
{
    char *all = NULL;
    char *some = NULL;
    const bool same = p11_kit_uri_format(p11, P11_KIT_URI_FOR_ANY, &all) == P11_KIT_URI_OK &&
                      p11_kit_uri_format(p11, kinds, &some) == P11_KIT_URI_OK &&
                      strcmp(all, some) == 0;
    free(all);
    free(some);
    return same;
}

static const char *fault_of(const char *text, P11KitUri *p11)
{
    if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, p11) != P11_KIT_URI_OK)
        return "is not a pkcs11: URI (RFC 7512)";
    if (p11_kit_uri_get_pin_value(p11) != NULL || p11_kit_uri_get_pin_source(p11) != NULL)
        return "no PIN belongs into it: others can read command lines; give --pin-file";
    if (p11_kit_uri_any_unrecognized(p11) || p11_kit_uri_get_module_name(p11) != NULL ||
        p11_kit_uri_get_module_path(p11) != NULL ||
        !says_only(p11, P11_KIT_URI_FOR_OBJECT_ON_TOKEN))
        return "only token, manufacturer, model, serial, object, id and type belong into it";
    return NULL;
}

err_t key_uri_parse(const char *text, struct key_uri **ret_uri)
{
    struct key_uri *uri = calloc(1, sizeof *uri);
    if (uri == NULL || (uri->p11 = p11_kit_uri_new()) == NULL) {
        free(uri);
        return ERR_MEMORY;
    }
    const char *fault = fault_of(text, uri->p11);
    if (fault != NULL) {
        log_error("the URI: %s", fault); /* without its text: it may hold a PIN */
        key_uri_free(uri);
        return ERR_ARGUMENTS;
    }
    uri->names_token = !says_only(uri->p11, P11_KIT_URI_FOR_OBJECT);
    *ret_uri = uri;
    return ERR_OK;
}

/* ---- devices ---- */

static void pad(unsigned char *field, size_t size, const char *text)
{
    const size_t len = strnlen(text, size);
    memset(field, ' ', size);
    memcpy(field, text, len);
}

static void describe_token(const struct device *device, CK_TOKEN_INFO *info)
{
    memset(info, 0, sizeof *info);
    pad(info->label, sizeof info->label, device->label);
    pad(info->manufacturerID, sizeof info->manufacturerID, device->manufacturer);
    pad(info->model, sizeof info->model, device->model);
    pad(info->serialNumber, sizeof info->serialNumber, device->serial);
}

bool key_uri_names_device(const struct key_uri *uri, const struct device *device)
{
    CK_TOKEN_INFO info;
    if (!uri->names_token)
        return true;
    describe_token(device, &info);
    return device->present && p11_kit_uri_match_token_info(uri->p11, &info) == 1;
}

/* ---- objects ---- */

static bool wanted(const struct key_uri *uri, CK_ATTRIBUTE_TYPE type, struct span *ret_value)
{
    const CK_ATTRIBUTE *attribute = p11_kit_uri_get_attribute(uri->p11, type);
    if (attribute == NULL)
        return false;
    *ret_value = span_of(attribute->pValue, attribute->ulValueLen);
    return true;
}

bool key_uri_label(const struct key_uri *uri, struct span *ret_label)
{
    return wanted(uri, CKA_LABEL, ret_label);
}

bool key_uri_id(const struct key_uri *uri, struct span *ret_id)
{
    return wanted(uri, CKA_ID, ret_id);
}

bool key_uri_class(const struct key_uri *uri, uint32_t *ret_class)
{
    CK_OBJECT_CLASS class;
    struct span value;
    if (!wanted(uri, CKA_CLASS, &value) || value.len != sizeof class)
        return false;
    memcpy(&class, value.ptr, sizeof class);
    *ret_class = (uint32_t) class;
    return true;
}

bool key_uri_names_object(const struct key_uri *uri, struct span attributes)
{
    uint32_t class;
    uint64_t is_class = CLASS_DATA;
    struct span wish;
    struct span value = {NULL, 0};
    (void)attribute_get_ulong(attributes, ATTR_CLASS, &is_class);
    if (key_uri_class(uri, &class) && class != is_class)
        return false;
    if (key_uri_label(uri, &wish) &&
        (!attribute_get(attributes, ATTR_LABEL, &value) || !span_equal(wish, value)))
        return false;
    return !key_uri_id(uri, &wish) ||
           (attribute_get(attributes, ATTR_ID, &value) && span_equal(wish, value));
}

/* libp11-kit copies the value. */
static bool set(P11KitUri *p11, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
    CK_ATTRIBUTE attribute = {type, (void *)value, len};
    return p11_kit_uri_set_attribute(p11, &attribute) == P11_KIT_URI_OK;
}

char *key_uri_text(const struct device *device, struct span attributes)
{
    char *text = NULL;
    uint64_t number = CLASS_DATA;
    (void)attribute_get_ulong(attributes, ATTR_CLASS, &number);
    const CK_OBJECT_CLASS class = (CK_OBJECT_CLASS)number;
    P11KitUri *p11 = p11_kit_uri_new();
    if (p11 == NULL)
        return NULL;
    pad(p11_kit_uri_get_token_info(p11)->label, 32, device->label);
    bool done = set(p11, CKA_CLASS, &class, sizeof class);
    for (size_t i = 1; i < sizeof object_types / sizeof object_types[0] && done; i++) {
        struct span value;
        if (attribute_get(attributes, (uint32_t)object_types[i], &value) && value.len > 0)
            done = set(p11, object_types[i], value.ptr, value.len);
    }
    if (!done || p11_kit_uri_format(p11, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) != P11_KIT_URI_OK)
        text = NULL;
    p11_kit_uri_free(p11);
    return text;
}
