/* SPDX-License-Identifier: MIT
 *
 * Finding slots, and calls to their devices. What Cryptoki asks about slots is in slot_info.c.
 */
#include "slot.h"

#include "ckr.h"
#include "listing.h"
#include "module.h"

#include "wire/sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECT_TRIES = 3 };

static bool is_known(const struct module *module, const char *file)
{
    const size_t len = sockets_name_length(file);
    for (size_t i = 0; i < module->slot_count; i++) {
        const char *name = module->slots[i]->name;
        if (strlen(name) == len && memcmp(name, file, len) == 0)
            return true;
    }
    return false;
}

static err_t slot_new(struct module *module, const char *file, struct slot **ret_slot)
{
    err_t err = ERR_MEMORY;
    char *path = NULL;
    struct slot *slot = calloc(1, sizeof *slot);
    if (slot == NULL)
        return ERR_MEMORY;
    slot->module = module;
    slot->id = module->slot_count;
    slot->told = module->scanned ? TOLD_NO_SLOT : TOLD_NOTHING;
    slot->name = strndup(file, sockets_name_length(file));
    if (slot->name == NULL || asprintf(&path, "%s/%s", module->directory, file) < 0)
        goto fail;
    err = pool_init(&slot->pool, &module->lock, module->client, path);
    if (err != ERR_OK) {
        free(path);
        goto fail;
    }
    (void)pthread_mutex_init(&slot->login_lock, NULL);
    *ret_slot = slot;
    return ERR_OK;
fail:
    free(slot->name);
    free(slot);
    return err;
}

void slot_free(struct slot *slot)
{
    snapshot_clear(&slot->snapshot);
    pool_clear(&slot->pool);
    (void)pthread_mutex_destroy(&slot->login_lock);
    free(slot->name);
    free(slot);
}

static err_t slot_append(struct module *module, const char *file)
{
    struct slot **slots = realloc(module->slots, (module->slot_count + 1) * sizeof *slots);
    if (slots == NULL)
        return ERR_MEMORY;
    module->slots = slots;
    err_t err = slot_new(module, file, &slots[module->slot_count]);
    if (err == ERR_OK)
        module->slot_count++;
    return err;
}

static int append_new(void *context, const char *file)
{
    struct module *module = context;
    return is_known(module, file) ? 0 : (int)slot_append(module, file);
}

err_t slot_scan(struct module *module)
{
    err_t err = (err_t)sockets_each(module->directory, append_new, module);
    module->scanned = true;
    return err;
}

struct slot *slot_find(struct module *module, CK_SLOT_ID id)
{
    module_lock(module);
    struct slot *slot = id < module->slot_count ? module->slots[id] : NULL;
    module_unlock(module);
    return slot;
}

static bool token_present(struct slot *slot)
{
    module_lock(slot->module);
    const bool present = slot->pool.token.present;
    module_unlock(slot->module);
    return present;
}

bool slot_is_present_now(struct slot *slot)
{
    pool_probe(&slot->pool);
    module_lock(slot->module);
    const bool present = slot->pool.token.present;
    slot_note_presence(slot);
    module_unlock(slot->module);
    return present;
}

CK_RV slot_require_token(struct slot *slot)
{
    if (token_present(slot))
        return CKR_OK;
    return slot_is_present_now(slot) ? CKR_OK : CKR_TOKEN_NOT_PRESENT;
}

bool slot_was_restarted(struct slot *slot, uint64_t instance)
{
    module_lock(slot->module);
    const bool restarted = slot->pool.instance != instance;
    module_unlock(slot->module);
    return restarted;
}

/* ERR_OBJECT_GONE: one of them is not there. *ret_instance is 0 where they were told of in two
 * lives of the worker. */
static err_t find_numbers(
    struct slot *slot, const struct slot_object *objects, size_t count, uint64_t *ret_instance)
{
    err_t err = ERR_OK;
    module_lock(slot->module);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        const struct object *object =
            snapshot_find(&slot->snapshot, objects[i].handle, slot->pool.instance);
        if (object == NULL) {
            err = ERR_OBJECT_GONE;
            continue;
        }
        *objects[i].number = object->number;
        *ret_instance = i == 0 || *ret_instance == object->instance ? object->instance : 0;
    }
    module_unlock(slot->module);
    return err;
}

static err_t call(struct slot *slot, const struct slot_object *objects, size_t count,
    struct pool_request *request, void *ret_reply, struct pool_answer *ret_answer)
{
    err_t err = ERR_OBJECT_GONE;
    bool again = true;
    for (unsigned i = 0; again && i < OBJECT_TRIES; i++) {
        err = find_numbers(slot, objects, count, &request->instance);
        if (err != ERR_OK)
            return err;
        err = request->instance != 0 ? pool_call(&slot->pool, request, ret_reply, ret_answer)
                                     : ERR_OBJECT_GONE;
        again = err == ERR_OBJECT_GONE && slot_was_restarted(slot, request->instance);
        if (again && (err = listing_refresh(slot)) != ERR_OK)
            return err;
    }
    return again ? ERR_DEVICE : err;
}

err_t slot_call_object(struct slot *slot, CK_OBJECT_HANDLE handle, struct pool_request *request,
    uint64_t *number, void *ret_reply, struct pool_answer *ret_answer)
{
    const struct slot_object object = {handle, number};
    return call(slot, &object, 1, request, ret_reply, ret_answer);
}

err_t slot_call_objects(struct slot *slot, const struct slot_object objects[2],
    struct pool_request *request, void *ret_reply, struct pool_answer *ret_answer)
{
    return call(slot, objects, 2, request, ret_reply, ret_answer);
}
