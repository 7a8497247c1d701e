/* SPDX-License-Identifier: MIT
 *
 * signerctl keys list.
 */
#include "commands.h"
#include "keys.h"
#include "output.h"

#include <sysexits.h>

enum { FINGERPRINT_SHOWN = 16 };

static const struct output_column columns[] = {
    {"DEVICE", "device", 0},
    {"LABEL", "label", 0},
    {"ID", "id", 0},
    {"CLASS", "class", 0},
    {"TYPE", "type", 0},
    {"USES", "uses", 0},
    {"EXTRACTABLE", "extractable", 0},
    {"CERTIFICATE", "certificate", 0},
    {"FINGERPRINT", "fingerprint", FINGERPRINT_SHOWN},
};

/* Some key has this certificate. */
static bool is_taken(const struct keys *keys, const struct key *certificate)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->rows[i];
        const struct key *its = NULL;
        if (key->class != CLASS_PRIVATE_KEY && key->class != CLASS_PUBLIC_KEY)
            continue;
        while ((its = keys_certificate(keys, key, its)) != NULL)
            if (its == certificate)
                return true;
    }
    return false;
}

/* A pair is one row, and what belongs to another row is none, unless the URI asks for its type. */
static bool is_row(const struct keys *keys, const struct key *key)
{
    uint32_t class;
    if (keys->uri != NULL && !key_uri_names_object(keys->uri, key->attributes))
        return false;
    if (keys->uri != NULL && key_uri_class(keys->uri, &class))
        return true;
    if (key->class == CLASS_PUBLIC_KEY)
        return keys_half(keys, key, CLASS_PRIVATE_KEY) == NULL;
    if (key->class == CLASS_CERTIFICATE)
        return !is_taken(keys, key);
    return key_is_secret(key);
}

static void print(const struct keys *keys, bool json)
{
    struct json_object *rows = json_object_new_array();
    for (size_t i = 0; i < keys->count; i++)
        if (is_row(keys, &keys->rows[i]))
            (void)json_object_array_add(rows, key_describe(keys, &keys->rows[i]));
    if (json)
        output_json(rows);
    else if (json_object_array_length(rows) == 0)
        output_line("no keys");
    else
        output_table(rows, columns, sizeof columns / sizeof columns[0]);
    (void)json_object_put(rows);
}

int keys_list_run(const struct options *options)
{
    struct keys keys;
    err_t err = keys_open(options, options->count > 0 ? options->words[0] : NULL, KEYS_LIST, &keys);
    if (err == ERR_OK)
        print(&keys, options->json);
    if (err == ERR_OK && keys.uri == NULL)
        err = keys.missing; /* the list is not that of all devices */
    keys_clear(&keys);
    return err_exit_code(err);
}
