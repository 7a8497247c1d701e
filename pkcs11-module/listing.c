/* SPDX-License-Identifier: MIT
 *
 * LIST, part by part. The parts must be of one generation and of one life of the worker; otherwise
 * it starts over.
 */
#include "listing.h"

#include "module.h"
#include "wire/list_parts.h"

#include <stdlib.h>

enum { LISTING_TRIES = 16 };

struct listing {
    uint64_t login;    /* pool.ticket_serial: who we were */
    uint64_t instance; /* 0: not known yet */
    uint64_t generation;
    bool unchanged;
    bool whole;
    uint32_t cursor;
    struct list_parts parts;
};

/* ERR_OBJECT_GONE: the parts do not belong together. */
static err_t fetch_part(struct slot *slot, struct listing *listing, uint64_t since)
{
    const bool first = listing->cursor == 0;
    const struct wire_list_request body = {first ? since : 0, listing->cursor};
    const struct pool_request request = {WIRE_LIST, &body, listing->instance, true};
    struct wire_list_reply reply;
    struct pool_answer answer;
    err_t err = pool_call(&slot->pool, &request, &reply, &answer);
    if (err != ERR_OK)
        return err;
    if (!first && answer.generation != listing->generation)
        err = ERR_OBJECT_GONE;
    else
        err = list_parts_add(&listing->parts, reply.objects);
    listing->instance = answer.connection.instance;
    listing->generation = answer.generation;
    listing->unchanged = first && since != 0 && reply.unchanged == 1;
    listing->cursor = reply.next;
    listing->whole = listing->unchanged || reply.next == 0;
    pool_release(&slot->pool, &answer);
    return err;
}

/* All parts. since counts only in the life of the worker that it is of. */
static err_t fetch(struct slot *slot, uint64_t instance, uint64_t since, struct listing *listing)
{
    *listing = (struct listing){
        .instance = since != 0 ? instance : 0, .parts.bytes = listing->parts.bytes};
    module_lock(slot->module);
    listing->login = slot->pool.ticket_serial;
    module_unlock(slot->module);
    err_t err = ERR_OK;
    while (err == ERR_OK && !listing->whole)
        err = fetch_part(slot, listing, since);
    return err;
}

/* ERR_OBJECT_GONE: a restart, a login or a logout came in between, so that the listing is worth
 * nothing. */
static err_t take_in(struct slot *slot, const struct listing *listing)
{
    const struct snapshot_news news = {
        listing->instance, listing->generation, span_of(listing->parts.bytes, listing->parts.len)};
    struct snapshot *snapshot = &slot->snapshot;
    err_t err = ERR_OK;
    module_lock(slot->module);
    if (listing->instance != slot->pool.instance || listing->login != slot->pool.ticket_serial)
        err = ERR_OBJECT_GONE;
    else if (snapshot->instance == news.instance && snapshot->generation >= news.generation)
        err = ERR_OK; /* another thread was quicker */
    else
        err = snapshot_replace(snapshot, &news);
    module_unlock(slot->module);
    return err;
}

err_t listing_refresh(struct slot *slot)
{
    module_lock(slot->module);
    const uint64_t instance = slot->snapshot.instance;
    uint64_t since = slot->snapshot.generation;
    const bool current = pool_is_current(&slot->pool, instance, since);
    module_unlock(slot->module);
    if (current)
        return ERR_OK;

    struct listing listing = {0};
    err_t err = ERR_OBJECT_GONE;
    for (unsigned i = 0; i < LISTING_TRIES && err == ERR_OBJECT_GONE; i++) {
        err = fetch(slot, instance, since, &listing);
        if (err == ERR_OK && !listing.unchanged)
            err = take_in(slot, &listing);
        since = 0;
    }
    free(listing.parts.bytes);
    return err == ERR_OBJECT_GONE ? ERR_DEVICE : err;
}
