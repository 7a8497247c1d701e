/* SPDX-License-Identifier: MIT
 *
 * Taking in what workers tell. Called by the listing, and with the answers that carry objects.
 */
#include "snapshot.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Unique for the life of the process, over C_Finalize and C_Initialize too. */
static _Atomic CK_OBJECT_HANDLE last_handle;

void snapshot_clear(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        free(snapshot->objects[i].attributes);
    free(snapshot->objects);
    *snapshot = (struct snapshot){0};
}

struct span object_attributes(const struct object *object)
{
    return span_of(object->attributes, object->attributes_len);
}

static void hash_attribute(struct sha256_ctx *hash, struct span list, uint32_t type)
{
    struct span value = span_of(NULL, 0);
    (void)attribute_get(list, type, &value);
    uint8_t length[8];
    struct writer w = writer_of(length, sizeof length);
    write_uint(&w, sizeof length, value.len);
    sha256_update(hash, sizeof length, length);
    sha256_update(hash, value.len, value.ptr);
}

/* SHA-256 over class, CKA_ID, CKA_LABEL and SHA-256 of the public key or certificate, each after
 * its length. */
static void identify(struct span list, uint8_t ret_identity[SHA256_DIGEST_SIZE])
{
    struct span ignored;
    const bool key = attribute_get(list, ATTR_PUBLIC_KEY_INFO, &ignored);
    struct sha256_ctx hash;
    sha256_init(&hash);
    hash_attribute(&hash, list, ATTR_CLASS);
    hash_attribute(&hash, list, ATTR_ID);
    hash_attribute(&hash, list, ATTR_LABEL);
    hash_attribute(&hash, list, key ? ATTR_PUBLIC_KEY_INFO : ATTR_VALUE);
    sha256_digest(&hash, SHA256_DIGEST_SIZE, ret_identity);
}

static bool same(const struct object *object, const struct object *told)
{
    if (object->instance == told->instance)
        return object->number == told->number;
    return !object->told && object->session == 0 && told->session == 0 &&
           memcmp(object->identity, told->identity, sizeof object->identity) == 0;
}

static struct object *find_same(const struct snapshot *snapshot, const struct object *told)
{
    for (size_t i = 0; i < snapshot->count; i++)
        if (same(&snapshot->objects[i], told))
            return &snapshot->objects[i];
    return NULL;
}

static err_t append(struct snapshot *snapshot, const struct object *object)
{
    if (snapshot->count == snapshot->size) {
        const size_t size = snapshot->size == 0 ? 16 : 2 * snapshot->size;
        struct object *objects = realloc(snapshot->objects, size * sizeof *objects);
        if (objects == NULL)
            return ERR_MEMORY;
        snapshot->objects = objects;
        snapshot->size = size;
    }
    snapshot->objects[snapshot->count++] = *object;
    return ERR_OK;
}

/* Puts the object behind all others, with a new handle. */
static void give_new_handle(struct snapshot *snapshot, size_t at)
{
    struct object object = snapshot->objects[at];
    memmove(&snapshot->objects[at], &snapshot->objects[at + 1],
        (snapshot->count - at - 1) * sizeof object);
    object.handle = atomic_fetch_add(&last_handle, 1) + 1;
    object.carried = false;
    snapshot->objects[snapshot->count - 1] = object;
}

/* A key without a public half: its identity is its name, and another key may have the same. */
static bool is_known_by_name_only(const struct object *object)
{
    const struct span list = span_of(object->attributes, object->attributes_len);
    struct span info;
    uint64_t class = CLASS_DATA;
    (void)attribute_get_ulong(list, ATTR_CLASS, &class);
    return (class == CLASS_PRIVATE_KEY || class == CLASS_SECRET_KEY) &&
           !attribute_get(list, ATTR_PUBLIC_KEY_INFO, &info);
}

static bool is_twin(const struct object *object, const struct object *told)
{
    return object->instance == told->instance && object->number != told->number &&
           object->session == 0 && told->session == 0 &&
           memcmp(object->identity, told->identity, sizeof object->identity) == 0;
}

/* Two token keys of one name: which of them a handle from before the restart meant cannot be
 * known, so it means none. True where told has such a twin. */
static bool retire_twins(struct snapshot *snapshot, const struct object *told)
{
    bool found = false;
    if (!is_known_by_name_only(told))
        return false;
    for (size_t i = 0; i < snapshot->count; i++) {
        if (!is_twin(&snapshot->objects[i], told))
            continue;
        found = true;
        if (snapshot->objects[i].carried)
            give_new_handle(snapshot, i--);
    }
    return found;
}

/* told owns its attributes until they are taken over. */
static err_t take_in(struct snapshot *snapshot, struct object *told, CK_OBJECT_HANDLE *ret_handle)
{
    const bool is_one_of_many = retire_twins(snapshot, told);
    struct object *object = find_same(snapshot, told);
    told->told = true;
    if (is_one_of_many && object != NULL && object->instance != told->instance)
        object = NULL;
    if (object == NULL) {
        told->handle = atomic_fetch_add(&last_handle, 1) + 1;
        *ret_handle = told->handle;
        return append(snapshot, told);
    }
    *ret_handle = object->handle;
    if (object->instance == told->instance && object->generation > told->generation) {
        object->told = true; /* what is known is newer */
        free(told->attributes);
        return ERR_OK;
    }
    told->handle = object->handle;
    told->carried = object->carried || object->instance != told->instance;
    free(object->attributes);
    *object = *told;
    return ERR_OK;
}

/* One object of a message, with attributes of its own. */
static err_t read_object(
    struct reader *r, const struct snapshot_news *news, struct object *ret_object)
{
    struct wire_object wire;
    schema_decode(&wire_object_schema, r, &wire);
    if (r->failed || attribute_list_check(wire.attributes) != ERR_OK)
        return ERR_BAD_MESSAGE;
    uint8_t *attributes = malloc(wire.attributes.len + 1);
    if (attributes == NULL)
        return ERR_MEMORY;
    struct writer w = writer_of(attributes, wire.attributes.len);
    write_span(&w, wire.attributes);
    *ret_object = (struct object){
        .instance = news->instance,
        .number = wire.object,
        .session = wire.session,
        .generation = news->generation,
        .attributes = attributes,
        .attributes_len = wire.attributes.len,
    };
    identify(wire.attributes, ret_object->identity);
    return ERR_OK;
}

err_t snapshot_add(struct snapshot *snapshot, const struct snapshot_news *news,
    CK_OBJECT_HANDLE *ret_handles, size_t count)
{
    struct reader r = reader_of(news->objects);
    size_t told = 0;
    err_t err = ERR_OK;
    while (err == ERR_OK && reader_more(&r)) {
        struct object object;
        CK_OBJECT_HANDLE handle;
        err = read_object(&r, news, &object);
        if (err != ERR_OK)
            continue;
        err = take_in(snapshot, &object, &handle);
        if (err != ERR_OK)
            free(object.attributes);
        else if (told < count)
            ret_handles[told] = handle;
        told++;
    }
    if (err == ERR_OK && told < count)
        err = ERR_BAD_MESSAGE;
    return err;
}

/* Removes what gone() says, and keeps the order. */
static void sweep(
    struct snapshot *snapshot, bool (*gone)(const struct object *, uint64_t), uint64_t argument)
{
    size_t kept = 0;
    for (size_t i = 0; i < snapshot->count; i++) {
        if (gone(&snapshot->objects[i], argument))
            free(snapshot->objects[i].attributes);
        else
            snapshot->objects[kept++] = snapshot->objects[i];
    }
    snapshot->count = kept;
}

static bool is_handle(const struct object *object, uint64_t handle)
{
    return object->handle == handle;
}

static bool is_of_session(const struct object *object, uint64_t session)
{
    return object->session == session;
}

static bool is_private(const struct object *object, uint64_t ignored)
{
    (void)ignored;
    return attribute_get_bool(object_attributes(object), ATTR_PRIVATE, false);
}

static bool is_untold_at(const struct object *object, uint64_t generation)
{
    return !object->told && object->generation <= generation;
}

static bool is_of_other_life(const struct object *object, uint64_t instance)
{
    return !object->told && object->instance != instance;
}

err_t snapshot_replace(struct snapshot *snapshot, const struct snapshot_news *news)
{
    for (size_t i = 0; i < snapshot->count; i++)
        snapshot->objects[i].told = false;
    snapshot->generation = 0; /* nothing is whole until the end */
    err_t err = snapshot_add(snapshot, news, NULL, 0);
    if (err != ERR_OK)
        return err;
    sweep(snapshot, is_of_other_life, news->instance);
    sweep(snapshot, is_untold_at, news->generation);
    snapshot->instance = news->instance;
    snapshot->generation = news->generation;
    return ERR_OK;
}

struct object *snapshot_find(
    const struct snapshot *snapshot, CK_OBJECT_HANDLE handle, uint64_t instance)
{
    size_t low = 0;
    size_t high = snapshot->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (snapshot->objects[middle].handle < handle)
            low = middle + 1;
        else
            high = middle;
    }
    struct object *object = low < snapshot->count ? &snapshot->objects[low] : NULL;
    if (object == NULL || object->handle != handle ||
        (object->session != 0 && object->instance != instance))
        return NULL;
    return object;
}

void snapshot_remove(struct snapshot *snapshot, CK_OBJECT_HANDLE handle)
{
    sweep(snapshot, is_handle, handle);
}

void snapshot_remove_session(struct snapshot *snapshot, CK_SESSION_HANDLE session)
{
    sweep(snapshot, is_of_session, session);
}

void snapshot_remove_private(struct snapshot *snapshot)
{
    sweep(snapshot, is_private, 0);
}
