/* SPDX-License-Identifier: MIT
 *
 * PKCS#11 URIs (RFC 7512, by libp11-kit): what the user names, and what keys are called.
 */
#ifndef SIGNERCTL_KEY_URI_H
#define SIGNERCTL_KEY_URI_H

#include "device.h"

#include "wire/attribute.h"

struct key_uri;

/* ERR_ARGUMENTS, logged: malformed, attributes that would be ignored, or a PIN in it (which is
 * never shown). The caller frees. */
err_t key_uri_parse(const char *text, struct key_uri **ret_uri);
void key_uri_free(struct key_uri *uri); /* NULL is allowed */

bool key_uri_is(const char *text); /* it begins with pkcs11: */

/* Whether what the URI says of a token is so. A device that is not present fits none that says
 * something. */
bool key_uri_names_device(const struct key_uri *uri, const struct device *device);

/* Whether what it says of an object (type, object, id) is so. */
bool key_uri_names_object(const struct key_uri *uri, struct span attributes);

/* False where the URI does not say it. */
bool key_uri_label(const struct key_uri *uri, struct span *ret_label);
bool key_uri_id(const struct key_uri *uri, struct span *ret_id);
bool key_uri_class(const struct key_uri *uri, uint32_t *ret_class);

/* The URI of an object of a device. NULL: no memory. The caller frees. */
char *key_uri_text(const struct device *device, struct span attributes);

#endif
