/* SPDX-License-Identifier: MIT
 *
 * signerctl keys delete, keys label and keys id: a key with what belongs to it. The key itself
 * comes first: where the rules do not allow that, nothing has changed.
 */
#include "commands.h"
#include "keys.h"
#include "output.h"
#include "value.h"

#include "base/log.h"
#include "base/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 32, ID_MAX = 128 };

/* A key and what goes with it. */
struct parts {
    size_t count;
    const struct key *keys[PARTS_MAX];
};

static void add(struct parts *parts, const struct key *key)
{
    if (key != NULL && parts->count < PARTS_MAX)
        parts->keys[parts->count++] = key;
}

static void collect(
    const struct keys *keys, const struct key *key, bool certificates, struct parts *ret_parts)
{
    const struct key *certificate = NULL;
    *ret_parts = (struct parts){0};
    add(ret_parts, key);
    if (key->class != CLASS_PRIVATE_KEY)
        return;
    add(ret_parts, keys_half(keys, key, CLASS_PUBLIC_KEY));
    while (certificates && (certificate = keys_certificate(keys, key, certificate)) != NULL)
        add(ret_parts, certificate);
}

/* What was done before a fault is told, too. */
static void complain(const struct parts *parts, size_t done, const char *what, err_t err)
{
    for (size_t i = 0; i < parts->count; i++) {
        char *name = key_name(parts->keys[i]);
        if (i < done)
            log_error("%s: %s", name, what);
        else if (i == done)
            log_error("%s: was not %s: %s", name, what, device_why(err));
        else
            log_error("%s: stays as it was", name);
        free(name);
    }
}

/* ---- delete ---- */

static bool confirm(const struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        char *name = key_name(parts->keys[i]);
        log_info("%s  (device %s)", name, parts->keys[i]->device->name);
        free(name);
    }
    return prompt_yes("Destroy this for ever? [y/N] ");
}

static err_t permit_delete(const struct options *options, const struct parts *parts)
{
    if (options->yes)
        return ERR_OK;
    if (!prompt_possible()) {
        log_error("keys delete: there is no terminal to ask on: give --yes");
        return ERR_ARGUMENTS;
    }
    if (confirm(parts))
        return ERR_OK;
    log_error("nothing was deleted");
    return ERR_ACTION_PROHIBITED;
}

static err_t delete_parts(const struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        const struct wire_destroy_request request = {parts->keys[i]->number};
        err_t err = device_call(parts->keys[i]->device, WIRE_DESTROY, &request, NULL);
        if (err != ERR_OK) {
            complain(parts, i, "deleted", err);
            return err;
        }
    }
    return ERR_OK;
}

static void tell_deleted(const struct parts *parts, bool json)
{
    struct json_object *names = json_object_new_array();
    for (size_t i = 0; i < parts->count; i++) {
        char *name = key_name(parts->keys[i]);
        if (json)
            (void)json_object_array_add(names, output_text(span_of_text(name)));
        else
            output_line("deleted %s", name);
        free(name);
    }
    if (json) {
        struct json_object *object = json_object_new_object();
        output_add(object, "deleted", names);
        output_json(object);
        (void)json_object_put(object);
    } else {
        (void)json_object_put(names);
    }
}

int keys_delete_run(const struct options *options)
{
    struct keys keys;
    const struct key *key;
    struct parts parts;
    err_t err = keys_open(options, options->words[0], KEYS_LIST, &keys);
    if (err == ERR_OK)
        err = keys_one(&keys, &key);
    if (err == ERR_OK) {
        collect(&keys, key, options->with_certificate, &parts);
        err = permit_delete(options, &parts);
    }
    if (err == ERR_OK)
        err = delete_parts(&parts);
    if (err == ERR_OK) {
        tell_deleted(&parts, options->json);
        if (!options->with_certificate && keys_certificate(&keys, key, NULL) != NULL)
            log_info("its certificate stays (--with-certificate)");
    }
    keys_clear(&keys);
    return err_exit_code(err);
}

/* ---- label and id ---- */

/* The URI of the object in the reply of SET. The caller frees. */
static char *name_after(const struct device *device, struct span objects)
{
    struct wire_object object;
    struct reader r = reader_of(objects);
    schema_decode(&wire_object_schema, &r, &object);
    return r.failed ? NULL : key_uri_text(device, object.attributes);
}

static void add_change(struct json_object *changes, const struct key *key, struct span objects)
{
    struct json_object *change = json_object_new_object();
    char *before = key_name(key);
    char *after = name_after(key->device, objects);
    output_add_text(change, "from", before);
    output_add_text(change, "to", after);
    (void)json_object_array_add(changes, change);
    free(before);
    free(after);
}

static err_t set_parts(const struct parts *parts, struct span template, struct json_object *changes)
{
    for (size_t i = 0; i < parts->count; i++) {
        const struct wire_set_request request = {parts->keys[i]->number, template};
        struct wire_objects_reply reply;
        err_t err = device_call(parts->keys[i]->device, WIRE_SET, &request, &reply);
        if (err != ERR_OK) {
            complain(parts, i, "changed", err);
            return err;
        }
        add_change(changes, parts->keys[i], reply.objects);
    }
    return ERR_OK;
}

static void tell_changes(struct json_object *changes, bool json)
{
    const size_t count = json_object_array_length(changes);
    for (size_t i = 0; i < count && !json; i++) {
        struct json_object *change = json_object_array_get_idx(changes, i);
        output_line("%s is now %s", json_object_get_string(json_object_object_get(change, "from")),
            json_object_get_string(json_object_object_get(change, "to")));
    }
    if (json) {
        struct json_object *object = json_object_new_object();
        output_add(object, "changed", json_object_get(changes));
        output_json(object);
        (void)json_object_put(object);
    }
}

static int change(const struct options *options, uint32_t type, struct span value)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    struct json_object *changes = json_object_new_array();
    struct keys keys;
    const struct key *key;
    struct parts parts;
    attribute_put(&list, type, value);
    err_t err = keys_open(options, options->words[0], KEYS_LIST, &keys);
    if (err == ERR_OK)
        err = keys_one(&keys, &key);
    if (err == ERR_OK) {
        collect(&keys, key, true, &parts);
        err = set_parts(&parts, writer_bytes(&list), changes);
    }
    if (err == ERR_OK)
        tell_changes(changes, options->json);
    (void)json_object_put(changes);
    keys_clear(&keys);
    return err_exit_code(err);
}

int keys_label_run(const struct options *options)
{
    const char *label = options->words[1];
    if (label[0] == '\0' || strlen(label) > ID_MAX) {
        log_error("a label has 1 to %d bytes", ID_MAX);
        return err_exit_code(ERR_ARGUMENTS);
    }
    return change(options, ATTR_LABEL, span_of_text(label));
}

int keys_id_run(const struct options *options)
{
    struct secret *id = NULL;
    err_t err = value_decode(VALUE_HEX, span_of_text(options->words[1]), &id);
    if (err != ERR_OK || secret_bytes(id).len > ID_MAX) {
        log_error("'%s' is no id: 1 to %d bytes in hexadecimal", options->words[1], ID_MAX);
        secret_free(id);
        return err_exit_code(ERR_ARGUMENTS);
    }
    int exit_code = change(options, ATTR_ID, secret_bytes(id));
    secret_free(id);
    return exit_code;
}
