/* SPDX-License-Identifier: MIT
 *
 * The object store. Attributes are copied from the device once, as present.h has them.
 */
#include "object.h"

#include "present.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static struct span text_of(struct span list, uint32_t type)
{
    struct span value = {NULL, 0};
    (void)attribute_get(list, type, &value);
    return value;
}

/* What policy knows the object by. */
static void name(struct object *object)
{
    uint64_t class = CLASS_DATA;
    (void)attribute_get_ulong(object->attributes, ATTR_CLASS, &class);
    object->key = (struct policy_key){.class = (uint32_t) class,
        .label = text_of(object->attributes, ATTR_LABEL),
        .id = text_of(object->attributes, ATTR_ID)};
    if (object->base == NULL || object->key.label.len > 0 || object->key.id.len > 0)
        return;
    object->key.label = object->base->label;
    object->key.id = object->base->id;
    object->key.is_derived = true;
    object->key.base_class = object->base->class;
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
    const struct presentation how = {
        .of_token = object->owner == NULL, .login_required = objects->login_required};
    present(&how, writer_bytes(&read), public_half, &list);
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

    name(object);
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
    free(object->base);
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

err_t objects_tell(struct objects *objects, struct object *key, struct span list)
{
    struct span info;
    if (key->key.class != CLASS_PRIVATE_KEY || !attribute_get(list, ATTR_PUBLIC_KEY_INFO, &info) ||
        attribute_get(key->attributes, ATTR_PUBLIC_KEY_INFO, &info))
        return ERR_OK;
    return fill(objects, key, list);
}

err_t objects_join(struct objects *objects, struct object *object)
{
    struct span info;
    err_t err = objects_complete(objects, object, NULL);
    if (object->key.class != CLASS_PUBLIC_KEY)
        return err;
    for (size_t i = 0; i < objects->count && err == ERR_OK; i++) {
        struct object *key = objects->rows[i];
        if (key->key.class == CLASS_PRIVATE_KEY && is_candidate(object, key) &&
            !attribute_get(key->attributes, ATTR_PUBLIC_KEY_INFO, &info) &&
            public_partner(objects, key) == object)
            err = fill(objects, key, object->attributes);
    }
    return err;
}

err_t objects_refresh(struct objects *objects, struct object *object)
{
    err_t err = fill(objects, object, object->attributes); /* a private key keeps its public half */
    objects->generation++;
    return err;
}

err_t objects_set_base(struct object *object, const struct policy_key *base)
{
    struct policy_key *copy = malloc(sizeof *copy + base->label.len + base->id.len);
    if (copy == NULL)
        return ERR_MEMORY;
    struct writer names = writer_of(copy + 1, base->label.len + base->id.len);
    write_span(&names, base->label);
    write_span(&names, base->id);
    struct reader r = reader_of(writer_bytes(&names));
    *copy = (struct policy_key){.class = base->is_derived ? base->base_class : base->class};
    copy->label = read_span(&r, base->label.len);
    copy->id = read_span(&r, base->id.len);
    free(object->base);
    object->base = copy;
    name(object);
    return ERR_OK;
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
