/* SPDX-License-Identifier: MIT
 *
 * The object store. Attributes are copied from the device once; what clients must not see or must
 * see in another way is settled here, in present().
 */
#include "object.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- SubjectPublicKeyInfo ---- */

enum { DER_BIT_STRING = 0x03, DER_OCTET_STRING = 0x04, DER_SEQUENCE = 0x30, DER_LONG = 0x80 };

/* id-ecPublicKey, 1.2.840.10045.2.1, as DER */
static const uint8_t oid_ec_public_key[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};

static size_t der_size(size_t content)
{
    return 1 + (content < DER_LONG ? 1U : content < 256 ? 2U : 3U) + content;
}

static void der_header(struct writer *der, uint8_t tag, size_t content)
{
    write_uint(der, 1, tag);
    if (content >= 256) {
        write_uint(der, 1, DER_LONG | 2);
        write_uint(der, 2, content);
    } else {
        if (content >= DER_LONG)
            write_uint(der, 1, DER_LONG | 1);
        write_uint(der, 1, content);
    }
}

/* The content of a DER OCTET STRING that fills its bytes exactly; fails der otherwise. */
static struct span octet_string(struct span bytes, struct writer *der)
{
    struct reader r = reader_of(bytes);
    bool tag_is_right = read_uint(&r, 1) == DER_OCTET_STRING;
    size_t len = (size_t)read_uint(&r, 1);
    bool is_long = len == (DER_LONG | 1);
    if (is_long)
        len = (size_t)read_uint(&r, 1);
    bool length_is_right =
        is_long == (len >= DER_LONG); /* the shortest form, of at most two bytes */
    struct span content = read_span(&r, len);
    if (!tag_is_right || !length_is_right || !reader_finished(&r))
        der->failed = true;
    return content;
}

void object_ec_public_key_info(struct span ec_params, struct span ec_point, struct writer *der)
{
    struct span point = octet_string(ec_point, der);
    size_t algorithm = sizeof oid_ec_public_key + ec_params.len;
    size_t key = 1 + point.len;
    der_header(der, DER_SEQUENCE, der_size(algorithm) + der_size(key));
    der_header(der, DER_SEQUENCE, algorithm);
    write_span(der, span_of(oid_ec_public_key, sizeof oid_ec_public_key));
    write_span(der, ec_params);
    der_header(der, DER_BIT_STRING, key);
    write_uint(der, 1, 0); /* no unused bits */
    write_span(der, point);
}

/* ---- presenting ---- */

static bool is_key(uint64_t class)
{
    return class == CLASS_PUBLIC_KEY || class == CLASS_PRIVATE_KEY || class == CLASS_SECRET_KEY;
}

static bool holds_secret(uint64_t class)
{
    return class == CLASS_PRIVATE_KEY || class == CLASS_SECRET_KEY;
}

/* Attributes whose value we say, whatever the device says of them. */
static bool is_ours(uint32_t type)
{
    return type == ATTR_PRIVATE || type == ATTR_COPYABLE || type == ATTR_PUBLIC_KEY_INFO;
}

/* SoftHSM says 0 of a key that was unwrapped; that is not told as a length. */
static bool is_unknown_length(const struct wire_attribute *attribute)
{
    static const uint8_t zero[8];
    return attribute->type == ATTR_VALUE_LEN &&
           span_equal(attribute->value, span_of(zero, sizeof zero));
}

static void put_public_key_info(
    struct span device_list, struct span public_half, struct writer *list)
{
    struct span info = {NULL, 0};
    struct span params;
    struct span point;
    uint8_t der[1024];
    struct writer w = writer_of(der, sizeof der);
    if (attribute_get(device_list, ATTR_EC_PARAMS, &params) &&
        (attribute_get(device_list, ATTR_EC_POINT, &point) ||
            attribute_get(public_half, ATTR_EC_POINT, &point))) {
        object_ec_public_key_info(params, point, &w);
        if (!writer_failed(&w))
            info = writer_bytes(&w);
    } else if (!attribute_get(device_list, ATTR_PUBLIC_KEY_INFO, &info) || info.len == 0) {
        (void)attribute_get(public_half, ATTR_PUBLIC_KEY_INFO, &info);
    }
    if (info.len > 0)
        attribute_put(list, ATTR_PUBLIC_KEY_INFO, info);
}

/* The device's list as clients shall see it. public_half: the list of the key's public object, or
 * empty. */
static void present(const struct objects *objects, struct span device_list, struct span public_half,
    struct writer *list)
{
    struct reader r = reader_of(device_list);
    struct wire_attribute attribute;
    struct span point;
    uint64_t class = CLASS_DATA;
    (void)attribute_get_ulong(device_list, ATTR_CLASS, &class);

    while (attribute_next(&r, &attribute)) {
        bool is_secret = holds_secret(class) &&
                         (attribute_find(attribute.type)->flags & ATTRIBUTE_SECRET) != 0;
        if (!is_ours(attribute.type) && !is_secret && !is_unknown_length(&attribute))
            attribute_put(list, attribute.type, attribute.value);
    }
    if (!attribute_get(device_list, ATTR_EC_POINT, &point) &&
        attribute_get(public_half, ATTR_EC_POINT, &point))
        attribute_put(list, ATTR_EC_POINT, point);
    attribute_put_bool(list, ATTR_PRIVATE,
        objects->login_required &&
            (holds_secret(class) || attribute_get_bool(device_list, ATTR_PRIVATE, false)));
    attribute_put_bool(list, ATTR_COPYABLE,
        !holds_secret(class) && attribute_get_bool(device_list, ATTR_COPYABLE, true));
    if (is_key(class))
        put_public_key_info(device_list, public_half, list);
}

static struct span text_of(struct span list, uint32_t type)
{
    struct span value = {NULL, 0};
    (void)attribute_get(list, type, &value);
    return value;
}

/* Reads and presents one object; what it had before is freed. */
static err_t fill(const struct objects *objects, struct object *object, struct span public_half)
{
    static uint8_t from_device[WIRE_TEMPLATE_MAX]; /* the worker has one thread */
    static uint8_t presented[WIRE_TEMPLATE_MAX];
    struct writer read = writer_of(from_device, sizeof from_device);
    struct writer list = writer_of(presented, sizeof presented);

    err_t err = objects->driver->attributes(objects->device, object->ref, &read);
    if (err != ERR_OK)
        return err;
    present(objects, writer_bytes(&read), public_half, &list);
    secret_wipe_span(writer_bytes(&read)); /* should a driver have told a value after all */
    if (writer_failed(&read) || writer_failed(&list) ||
        attribute_list_check(writer_bytes(&list)) != ERR_OK)
        return ERR_TOO_LARGE;

    size_t len = writer_bytes(&list).len;
    uint8_t *copy = malloc(len);
    if (copy == NULL)
        return ERR_MEMORY;
    memcpy(copy, presented, len);
    free((void *)object->attributes.ptr);
    object->attributes = span_of(copy, len);

    uint64_t class = CLASS_DATA;
    (void)attribute_get_ulong(object->attributes, ATTR_CLASS, &class);
    object->key.class = (uint32_t) class;
    object->key.label = text_of(object->attributes, ATTR_LABEL);
    object->key.id = text_of(object->attributes, ATTR_ID);
    object->is_private = attribute_get_bool(object->attributes, ATTR_PRIVATE, false);
    return ERR_OK;
}

/* ---- the store ---- */

err_t objects_init(struct objects *objects, const struct driver *driver, struct device *device,
    bool login_required)
{
    uint32_t instance;
    if (getrandom(&instance, sizeof instance, 0) != (ssize_t)sizeof instance)
        return ERR_SYSTEM;
    *objects =
        (struct objects){.driver = driver, .device = device, .login_required = login_required};
    objects->next_number = (uint64_t)instance << 32 | 1;
    objects->generation = (uint64_t)instance << 32 | 1;
    return ERR_OK;
}

static void free_object(struct object *object)
{
    free((void *)object->attributes.ptr);
    free(object);
}

void objects_free(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        free_object(objects->rows[i]);
    free(objects->rows);
    *objects = (struct objects){0};
}

static err_t make_room(struct objects *objects)
{
    if (objects->count < objects->room)
        return ERR_OK;
    size_t room = objects->room ? 2 * objects->room : 64;
    struct object **rows = realloc(objects->rows, room * sizeof *rows);
    if (rows == NULL)
        return ERR_MEMORY;
    objects->rows = rows;
    objects->room = room;
    return ERR_OK;
}

err_t objects_take(struct objects *objects, driver_ref ref, const struct client *owner,
    uint64_t session, struct object **ret_object)
{
    struct object *object = calloc(1, sizeof *object);
    if (object == NULL)
        return ERR_MEMORY;
    object->ref = ref;
    object->owner = owner;
    object->session = session;
    err_t err = make_room(objects);
    if (err == ERR_OK)
        err = fill(objects, object, span_of(NULL, 0));
    if (err != ERR_OK) {
        free_object(object);
        return err;
    }
    object->number = objects->next_number++;
    objects->rows[objects->count++] = object;
    objects->generation++;
    *ret_object = object;
    return ERR_OK;
}

static bool is_candidate(const struct object *other, const struct object *key)
{
    return other->key.class == CLASS_PUBLIC_KEY && other->owner == key->owner &&
           span_equal(other->key.id, key->key.id);
}

/* The public key of the same id, and of the same label where several have that id. Two of the same
 * name are told apart by nothing: then none is the partner, rather than a wrong one. */
static const struct object *public_partner(const struct objects *objects, const struct object *key)
{
    const struct object *of_id = NULL;
    const struct object *of_label = NULL;
    size_t with_id = 0;
    size_t with_label = 0;
    for (size_t i = 0; i < objects->count; i++) {
        const struct object *other = objects->rows[i];
        if (!is_candidate(other, key))
            continue;
        of_id = other;
        with_id++;
        if (span_equal(other->key.label, key->key.label)) {
            of_label = other;
            with_label++;
        }
    }
    if (with_label > 0 && (key->key.id.len > 0 || key->key.label.len > 0))
        return with_label == 1 ? of_label : NULL;
    return with_id == 1 && key->key.id.len > 0 ? of_id : NULL;
}

err_t objects_complete(struct objects *objects, struct object *key, const struct object *public_key)
{
    if (key->key.class != CLASS_PRIVATE_KEY)
        return ERR_OK;
    if (public_key == NULL)
        public_key = public_partner(objects, key);
    return public_key == NULL ? ERR_OK : fill(objects, key, public_key->attributes);
}

err_t objects_refresh(struct objects *objects, struct object *object)
{
    err_t err = fill(objects, object, object->attributes); /* a private key keeps its public half */
    objects->generation++;
    return err;
}

struct loading {
    struct objects *objects;
    err_t err; /* that stopped it */
};

static bool load_one(void *context, driver_ref ref)
{
    struct loading *loading = context;
    struct object *object;
    err_t err = objects_take(loading->objects, ref, NULL, 0, &object);
    if (err != ERR_OK)
        log_warning("an object of the token is left out: %s", err_text(err));
    if (err == ERR_MEMORY || err == ERR_TOKEN_ABSENT)
        loading->err = err;
    return loading->err == ERR_OK;
}

err_t objects_load(struct objects *objects)
{
    struct loading loading = {objects, ERR_OK};
    err_t err = objects->driver->list(objects->device, load_one, &loading);
    if (err == ERR_OK)
        err = loading.err;
    for (size_t i = 0; i < objects->count && err == ERR_OK; i++) {
        err = objects_complete(objects, objects->rows[i], NULL);
        if (err != ERR_OK && err != ERR_MEMORY && err != ERR_TOKEN_ABSENT) {
            log_warning("a private key stays without its public half: %s", err_text(err));
            err = ERR_OK;
        }
    }
    return err;
}

static size_t position(const struct objects *objects, uint64_t number)
{
    size_t low = 0;
    size_t high = objects->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (objects->rows[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct object *objects_find(const struct objects *objects, uint64_t number)
{
    size_t at = position(objects, number);
    return at < objects->count && objects->rows[at]->number == number ? objects->rows[at] : NULL;
}

void objects_drop(struct objects *objects, struct object *object)
{
    size_t at = position(objects, object->number);
    memmove(&objects->rows[at], &objects->rows[at + 1],
        (objects->count - at - 1) * sizeof objects->rows[0]);
    objects->count--;
    objects->generation++;
    free_object(object);
}
