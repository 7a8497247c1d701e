/* SPDX-License-Identifier: MIT
 *
 * signerctl keys generate and keys import: new keys, named by a URI.
 */
#include "commands.h"
#include "key_type.h"
#include "keys.h"
#include "output.h"
#include "value.h"

#include "base/log.h"
#include "base/secret.h"

#include <p11-kit/pkcs11.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { RANDOM_ID_SIZE = 8 };

/* What the command line wishes, and where it shall be. */
struct making {
    struct keys keys;
    struct device *device;
    struct key_type type;
    struct key_wish wish;
    uint8_t random_id[RANDOM_ID_SIZE];
};

/* ---- what is wished ---- */

static err_t name_wish(struct making *making)
{
    const struct key_uri *uri = making->keys.uri;
    if (uri == NULL || !key_uri_label(uri, &making->wish.label)) {
        log_error("a new key needs a URI with a label: 'pkcs11:token=...;object=LABEL'");
        return ERR_ARGUMENTS;
    }
    if (key_uri_id(uri, &making->wish.id))
        return ERR_OK;
    if (getrandom(making->random_id, RANDOM_ID_SIZE, 0) != RANDOM_ID_SIZE)
        return ERR_SYSTEM;
    making->wish.id = span_of(making->random_id, RANDOM_ID_SIZE);
    return ERR_OK;
}

/* Two keys of one name would make every later URI ambiguous. */
static err_t check_new(const struct making *making)
{
    for (size_t i = 0; i < making->keys.count; i++) {
        const struct key *key = &making->keys.rows[i];
        struct span label = {NULL, 0};
        struct span id = {NULL, 0};
        (void)attribute_get(key->attributes, ATTR_LABEL, &label);
        (void)attribute_get(key->attributes, ATTR_ID, &id);
        if (!key_is_secret(key) ||
            (!span_equal(label, making->wish.label) && !span_equal(id, making->wish.id)))
            continue;
        char *name = key_name(key);
        log_error("%s has this label or id already: take another, or delete it first", name);
        free(name);
        return ERR_TEMPLATE_INCONSISTENT;
    }
    return ERR_OK;
}

static err_t check_type(const struct options *options, bool import, struct making *making)
{
    if (options->type == NULL) {
        log_error("%s wants --type: see --help", import ? "keys import" : "keys generate");
        return ERR_ARGUMENTS;
    }
    err_t err = key_type_parse(options->type, !import, &making->type);
    if (err != ERR_OK)
        return err;
    if (making->type.row->pair && (import || options->extractable)) {
        log_error("--type %s: %s", options->type,
            import ? "only secret keys are imported; a pair is made in the device"
                   : "a private key never leaves the device: no --extractable");
        return ERR_ARGUMENTS;
    }
    making->wish.type = &making->type;
    making->wish.extractable = options->extractable;
    return key_use_parse(&making->type, options->use, &making->wish.use);
}

static err_t check_offer(const struct making *making)
{
    const struct device *device = making->device;
    for (size_t i = 0; i < device->mechanism_count; i++)
        if (device->mechanisms[i].type == making->type.row->mechanism)
            return ERR_OK;
    log_error("device %s does not make keys of the type %s", device->name, making->type.row->name);
    return ERR_MECHANISM;
}

/* All but the value of an imported key. making is cleared by the caller, also after an error. */
static err_t prepare(const struct options *options, bool import, struct making *making)
{
    *making = (struct making){0};
    err_t err = check_type(options, import, making);
    if (err == ERR_OK)
        err = keys_open(options, options->words[0], KEYS_LIST | KEYS_ONE_DEVICE, &making->keys);
    if (err == ERR_OK)
        err = name_wish(making);
    if (err == ERR_OK)
        err = check_new(making);
    if (err != ERR_OK)
        return err;
    making->device = making->keys.named[0];
    return import ? ERR_OK : check_offer(making);
}

/* ---- what becomes of it ---- */

/* Shows the key that the reply is about: the last of its objects. */
static err_t tell(struct making *making, const char *done, struct span objects, bool json)
{
    err_t err = keys_take(&making->keys, making->device, objects);
    if (err == ERR_OK && making->keys.count == 0)
        err = ERR_BAD_MESSAGE;
    if (err != ERR_OK)
        return err;
    const struct key *key = &making->keys.rows[making->keys.count - 1];
    char *name = key_name(key);
    if (json) {
        struct json_object *object = key_describe(&making->keys, key);
        output_json(object);
        (void)json_object_put(object);
    } else {
        output_line("%s %s", done, name);
    }
    free(name);
    return ERR_OK;
}

static void complain(const struct making *making, const char *what, err_t err)
{
    struct json_object *label = output_text(making->wish.label);
    log_error("device %s: the key '%s' was not %s: %s", making->device->name,
        json_object_get_string(label), what, device_why(err));
    (void)json_object_put(label);
}

static err_t call_generate(struct making *making, struct wire_objects_reply *ret_reply)
{
    static uint8_t public_room[WIRE_TEMPLATE_MAX];
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer public_list = writer_of(public_room, sizeof public_room);
    struct writer list = writer_of(room, sizeof room);
    const struct key_type_row *type = making->type.row;
    if (type->pair) {
        key_put_public(&public_list, &making->wish);
        key_put_private(&list, &making->wish);
        const struct wire_generate_pair_request request = {
            0, type->mechanism, writer_bytes(&public_list), writer_bytes(&list)};
        return device_call(making->device, WIRE_GENERATE_PAIR, &request, ret_reply);
    }
    key_put_secret(&list, &making->wish);
    attribute_put_ulong(&list, ATTR_VALUE_LEN, making->type.bits / 8);
    const struct wire_generate_request request = {0, type->mechanism, writer_bytes(&list)};
    return device_call(making->device, WIRE_GENERATE, &request, ret_reply);
}

int keys_generate_run(const struct options *options)
{
    struct making making;
    struct wire_objects_reply reply;
    err_t err = prepare(options, false, &making);
    if (err == ERR_OK) {
        err = call_generate(&making, &reply);
        if (err == ERR_OK)
            err = tell(&making, "made", reply.objects, options->json);
        else
            complain(&making, "made", err);
    }
    keys_clear(&making.keys);
    return err_exit_code(err);
}

/* ---- import ---- */

static err_t form_of(const struct options *options, enum value_form *ret_form)
{
    if (options->hex + options->base64 + options->raw > 1) {
        log_error("--hex, --base64 and --raw: give one of them");
        return ERR_ARGUMENTS;
    }
    *ret_form = options->hex ? VALUE_HEX : options->base64 ? VALUE_BASE64 : VALUE_RAW;
    return ERR_OK;
}

/* The template with the value stands in secret memory; the link wipes its copy. */
static err_t call_create(
    struct making *making, struct span value, struct wire_objects_reply *ret_reply)
{
    struct secret *room = NULL;
    err_t err = secret_new(WIRE_TEMPLATE_MAX, &room);
    if (err != ERR_OK)
        return err;
    struct writer list = writer_of(secret_writable(room), WIRE_TEMPLATE_MAX);
    key_put_secret(&list, &making->wish);
    attribute_put(&list, ATTR_VALUE, value);
    const struct wire_create_request request = {0, writer_bytes(&list)};
    err = writer_failed(&list) ? ERR_TOO_LARGE
                               : device_call(making->device, WIRE_CREATE, &request, ret_reply);
    secret_free(room);
    return err;
}

/* The value is gone from this process when the answer is there. */
static err_t import(const struct options *options, enum value_form form, struct making *making)
{
    struct secret *value = NULL;
    struct wire_objects_reply reply;
    err_t err = value_read(options->file, form, &value);
    if (err != ERR_OK)
        return err;
    err = key_type_check_size(&making->type, secret_bytes(value).len);
    if (err == ERR_OK) {
        err = call_create(making, secret_bytes(value), &reply);
        if (err != ERR_OK)
            complain(making, "imported", err);
    }
    secret_free(value);
    return err == ERR_OK ? tell(making, "imported", reply.objects, options->json) : err;
}

int keys_import_run(const struct options *options)
{
    struct making making = {0};
    enum value_form form = VALUE_RAW;
    err_t err = form_of(options, &form);
    if (err == ERR_OK)
        err = prepare(options, true, &making);
    if (err == ERR_OK)
        err = import(options, form, &making);
    keys_clear(&making.keys);
    return err_exit_code(err);
}
