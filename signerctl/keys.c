/* SPDX-License-Identifier: MIT
 *
 * Finding devices and objects.
 */
#include "keys.h"

#include "base/log.h"
#include "wire/list_parts.h"

#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_TRIES = 16 };

/* ---- listing ---- */

struct listing {
    struct list_parts parts;
    uint64_t generation;
};

/* ERR_INTERRUPTED: the objects changed between two parts. */
static err_t fetch_parts(struct device *device, struct listing *listing)
{
    struct wire_list_request request = {0, 0};
    struct wire_list_reply reply;
    listing->parts.len = 0;
    do {
        err_t err = device_call(device, WIRE_LIST, &request, &reply);
        if (err != ERR_OK)
            return err;
        const uint64_t generation = link_generation(device->link);
        if (request.cursor != 0 && generation != listing->generation)
            return ERR_INTERRUPTED;
        listing->generation = generation;
        request.cursor = reply.next;
        err = list_parts_add(&listing->parts, reply.objects);
        if (err != ERR_OK)
            return err;
    } while (request.cursor != 0);
    return ERR_OK;
}

static err_t append_key(struct keys *keys, const struct key *key)
{
    struct key *rows = realloc(keys->rows, (keys->count + 1) * sizeof *rows);
    if (rows == NULL)
        return ERR_MEMORY;
    keys->rows = rows;
    keys->rows[keys->count++] = *key;
    return ERR_OK;
}

static err_t take_objects(struct keys *keys, struct device *device, struct span objects)
{
    struct reader r = reader_of(objects);
    err_t err = ERR_OK;
    while (reader_more(&r) && err == ERR_OK) {
        struct wire_object object;
        uint64_t class = CLASS_DATA;
        schema_decode(&wire_object_schema, &r, &object);
        if (r.failed || attribute_list_check(object.attributes) != ERR_OK)
            return ERR_BAD_MESSAGE;
        (void)attribute_get_ulong(object.attributes, ATTR_CLASS, &class);
        const struct key key = {device, object.object, (uint32_t) class, object.attributes};
        if (object.session == 0)
            err = append_key(keys, &key);
    }
    return err;
}

/* The bytes become the keys'. */
static err_t take_listing(struct keys *keys, struct device *device, const struct listing *listing)
{
    uint8_t **buffers = realloc(keys->buffers, (keys->buffer_count + 1) * sizeof *buffers);
    if (buffers == NULL) {
        free(listing->parts.bytes);
        return ERR_MEMORY;
    }
    keys->buffers = buffers;
    keys->buffers[keys->buffer_count++] = listing->parts.bytes;
    return take_objects(keys, device, span_of(listing->parts.bytes, listing->parts.len));
}

err_t keys_take(struct keys *keys, struct device *device, struct span objects)
{
    struct listing listing = {0};
    err_t err = list_parts_copy(&listing.parts, objects);
    return err == ERR_OK ? take_listing(keys, device, &listing) : err;
}

static err_t list_device(struct keys *keys, struct device *device)
{
    struct listing listing = {0};
    err_t err = ERR_INTERRUPTED;
    for (unsigned i = 0; i < LIST_TRIES && err == ERR_INTERRUPTED; i++)
        err = fetch_parts(device, &listing);
    if (err == ERR_OK)
        err = take_listing(keys, device, &listing);
    else
        free(listing.parts.bytes);
    if (err != ERR_OK)
        log_error("device %s: its keys cannot be listed: %s", device->name, device_why(err));
    return err;
}

/* ---- devices ---- */

/* What keeps it from being used; ERR_OK: nothing. */
static err_t state_of(const struct device *device)
{
    return device->err != ERR_OK ? device->err : device->present ? ERR_OK : ERR_TOKEN_ABSENT;
}

static err_t append_named(struct keys *keys, struct device *device)
{
    struct device **named = realloc(keys->named, (keys->named_count + 1) * sizeof *named);
    if (named == NULL)
        return ERR_MEMORY;
    keys->named = named;
    keys->named[keys->named_count++] = device;
    return ERR_OK;
}

/* Those that the URI names. What is not there could be the one that is meant, so it is told. */
static err_t choose_devices(struct keys *keys)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < keys->devices.count && err == ERR_OK; i++) {
        struct device *device = keys->devices.rows[i];
        const err_t state = state_of(device);
        if (state != ERR_OK) {
            log_line(keys->devices.count == 1 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
                "device %s: %s", device->name, device_why(state));
            keys->missing = state;
        } else if (keys->uri == NULL || key_uri_names_device(keys->uri, device)) {
            err = append_named(keys, device);
        }
    }
    if (err == ERR_OK && keys->missing != ERR_OK && keys->named_count == 0)
        return keys->missing;
    if (err == ERR_OK && keys->named_count == 0) {
        log_error("no device has the token that the URI names: see signerctl status");
        return ERR_TOKEN_ABSENT;
    }
    return err;
}

static err_t check_one_device(const struct keys *keys)
{
    if (keys->named_count == 1)
        return ERR_OK;
    log_error("several devices fit:");
    for (size_t i = 0; i < keys->named_count; i++)
        log_error("  --device %s (token '%s')", keys->named[i]->name, keys->named[i]->label);
    return ERR_ARGUMENTS;
}

/* One PIN is of one device. */
static err_t log_in(const struct keys *keys, const char *pin_file)
{
    size_t wanting = 0;
    err_t err = ERR_OK;
    for (size_t i = 0; i < keys->named_count; i++)
        wanting += keys->named[i]->login_required && !keys->named[i]->logged_in;
    if (pin_file != NULL && wanting > 1) {
        log_error("--pin-file is for one device, and %zu want a PIN: give --device", wanting);
        return ERR_ARGUMENTS;
    }
    for (size_t i = 0; i < keys->named_count && err == ERR_OK; i++)
        err = device_login(keys->named[i], pin_file);
    return err;
}

err_t keys_open(
    const struct options *options, const char *target, unsigned flags, struct keys *ret_keys)
{
    const char *name = options->device;
    err_t err = ERR_OK;
    *ret_keys = (struct keys){0};
    if (target != NULL && key_uri_is(target)) {
        err = key_uri_parse(target, &ret_keys->uri);
    } else if (target != NULL && name != NULL && strcmp(target, name) != 0) {
        log_error("'%s' and --device %s are two devices", target, name);
        err = ERR_ARGUMENTS;
    } else if (target != NULL) {
        name = target;
    }
    if (err == ERR_OK)
        err = devices_open(name, &ret_keys->devices);
    if (err == ERR_OK)
        err = choose_devices(ret_keys);
    if (err == ERR_OK && (flags & KEYS_ONE_DEVICE))
        err = check_one_device(ret_keys);
    if (err == ERR_OK && (!(flags & KEYS_NO_PROMPT) || options->pin_file != NULL))
        err = log_in(ret_keys, options->pin_file);
    for (size_t i = 0; i < ret_keys->named_count && err == ERR_OK && (flags & KEYS_LIST); i++)
        err = list_device(ret_keys, ret_keys->named[i]);
    return err;
}

void keys_clear(struct keys *keys)
{
    for (size_t i = 0; i < keys->buffer_count; i++)
        free(keys->buffers[i]);
    free(keys->buffers);
    free(keys->rows);
    free(keys->named);
    devices_clear(&keys->devices);
    key_uri_free(keys->uri);
    *keys = (struct keys){0};
}

/* ---- keys ---- */

bool key_is_secret(const struct key *key)
{
    return key->class == CLASS_PRIVATE_KEY || key->class == CLASS_SECRET_KEY;
}

char *key_name(const struct key *key)
{
    char *text = key_uri_text(key->device, key->attributes);
    if (text == NULL)
        text = strdup("pkcs11:");
    if (text == NULL)
        abort(); /* not even that much memory */
    return text;
}

/* How well a class answers to a URI that says none: a key before its public half before its
 * certificate. */
static unsigned rank_of(const struct key *key)
{
    if (key_is_secret(key))
        return 3;
    return key->class == CLASS_PUBLIC_KEY ? 2 : key->class == CLASS_CERTIFICATE ? 1 : 0;
}

static err_t complain_of_several(const struct keys *keys, unsigned rank)
{
    log_error("several keys fit; name one by its id, label or token:");
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->rows[i];
        if (rank_of(key) != rank || !key_uri_names_object(keys->uri, key->attributes))
            continue;
        char *name = key_name(key);
        log_error("  %s  (--device %s)", name, key->device->name);
        free(name);
    }
    return ERR_ARGUMENTS;
}

err_t keys_one(const struct keys *keys, const struct key **ret_key)
{
    const struct key *found = NULL;
    unsigned rank = 0;
    size_t several = 0;
    if (keys->uri == NULL) {
        log_error("a key is named by a pkcs11: URI: see signerctl keys list");
        return ERR_ARGUMENTS;
    }
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->rows[i];
        if (!key_uri_names_object(keys->uri, key->attributes) || rank_of(key) < rank)
            continue;
        several = rank_of(key) > rank || found == NULL ? 1 : several + 1;
        rank = rank_of(key);
        found = key;
    }
    if (several > 1)
        return complain_of_several(keys, rank);
    if (found == NULL) {
        log_error("you may see no such key: see signerctl keys list");
        return ERR_OBJECT_GONE;
    }
    *ret_key = found;
    return ERR_OK;
}

static struct span value_of(const struct key *key, uint32_t type)
{
    struct span value = {NULL, 0};
    (void)attribute_get(key->attributes, type, &value);
    return value;
}

/* Same device, same id; and an id there must be, else every key without one would be meant. */
static bool stand_together(const struct key *a, const struct key *b)
{
    const struct span id = value_of(a, ATTR_ID);
    return a != b && a->device == b->device && id.len > 0 && span_equal(id, value_of(b, ATTR_ID));
}

const struct key *keys_half(const struct keys *keys, const struct key *key, uint32_t class)
{
    const struct span info = value_of(key, ATTR_PUBLIC_KEY_INFO);
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *other = &keys->rows[i];
        if (other->class == class && stand_together(key, other) && info.len > 0 &&
            span_equal(info, value_of(other, ATTR_PUBLIC_KEY_INFO)))
            return other;
    }
    return NULL;
}

/* Whether the certificate is over this public key (SubjectPublicKeyInfo in DER). */
static bool certifies(struct span certificate, struct span info)
{
    const unsigned char *at = certificate.ptr;
    unsigned char *der = NULL;
    X509 *x509 = d2i_X509(NULL, &at, (long)certificate.len);
    const int len = x509 != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der) : -1;
    const bool same = len > 0 && span_equal(span_of(der, (size_t)len), info);
    OPENSSL_free(der);
    X509_free(x509);
    return same;
}

const struct key *keys_certificate(
    const struct keys *keys, const struct key *key, const struct key *previous)
{
    const struct span info = value_of(key, ATTR_PUBLIC_KEY_INFO);
    const size_t from = previous == NULL ? 0 : (size_t)(previous - keys->rows) + 1;
    for (size_t i = from; i < keys->count; i++) {
        const struct key *other = &keys->rows[i];
        const struct span value = value_of(other, ATTR_VALUE);
        if (other->class == CLASS_CERTIFICATE && stand_together(key, other) && value.len > 0 &&
            certifies(value, info))
            return other;
    }
    return NULL;
}
