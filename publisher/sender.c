/* SPDX-License-Identifier: MIT
 *
 * The sending half: it may be cut off for days, and then delivers in order what has come together.
 */
#include "sender.h"

#include "backoff.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { IDLE_MS = 60000 };

struct sending {
    struct sender *sender;
    struct backoff backoff;
    bool finishing;
    bool was_down;
    uint64_t give_up_us; /* when finishing */
    err_t parked;        /* ERR_OK, or why something was */
    int parked_in_row;   /* since the last success */
    err_t last;          /* of the last attempt that failed */
};

static bool stop_wanted(const struct sender *sender)
{
    struct pollfd stop = {.fd = sender->stop_fd, .events = POLLIN};
    return poll(&stop, 1, 0) > 0;
}

static void be_patient(struct sending *sending)
{
    sending->give_up_us = clock_us() + (uint64_t)sending->sender->patience_s * UINT64_C(1000000);
}

/* Takes up what wake_fd says; its end means: finish. */
static void hear(struct sending *sending)
{
    struct sender *sender = sending->sender;
    struct pollfd wake = {.fd = sender->wake_fd, .events = POLLIN};
    char bytes[256];
    while (!sending->finishing && poll(&wake, 1, 0) > 0) {
        ssize_t n = read(sender->wake_fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            sending->finishing = true;
            be_patient(sending);
        }
    }
}

/* Waits a while, or until stopped; new envelopes do not shorten it, an end does. */
static void hold_off(struct sending *sending, int ms)
{
    struct sender *sender = sending->sender;
    uint64_t until = clock_us() + (uint64_t)ms * 1000U;
    while (clock_us() < until && !stop_wanted(sender)) {
        bool was_finishing = sending->finishing;
        sender->kind->wait(
            sender->transport, was_finishing ? -1 : sender->wake_fd, clock_ms_until(until));
        hear(sending);
        if (sending->finishing && !was_finishing)
            return;
    }
}

/* ---- what became of it ---- */

static err_t delivered(struct sending *sending, const struct spool_record *record)
{
    err_t err = spool_delete(sending->sender->spool, record->number);
    if (sending->was_down)
        log_info("%s %s: delivers again", sending->sender->kind->name, sending->sender->peer);
    log_info("seq %lld: delivered", (long long)record->number);
    sending->was_down = false;
    sending->parked_in_row = 0;
    backoff_reset(&sending->backoff);
    be_patient(sending);
    return err;
}

static err_t park(
    struct sending *sending, const struct spool_record *record, const struct transport_outcome *out)
{
    log_error("seq %lld: parked, the others go on: %s: mend that, then: signerd-publisher send "
              "--parked",
        (long long)record->number, out->why);
    sending->parked = ERR_PEER_REFUSES;
    sending->parked_in_row++;
    return spool_park(sending->sender->spool, record->number, out->why);
}

static void try_later(struct sending *sending, const struct transport_outcome *out)
{
    int ms = backoff_next_ms(&sending->backoff);
    if (sending->last == ERR_OK || out->err != ERR_PEER_UNREACHABLE)
        sending->last = out->err; /* the more telling one */
    sending->was_down = true;
    log_warning("%s %s: %s; next try in %d.%d s", sending->sender->kind->name,
        sending->sender->peer, out->why, ms / 1000, ms % 1000 / 100);
    hold_off(sending, ms);
}

static err_t settle(
    struct sending *sending, const struct spool_record *record, const struct transport_outcome *out)
{
    err_t err = ERR_OK;
    bool may_park = sending->parked_in_row < SENDER_PARKS_MAX;
    switch (out->result) {
    case TRANSPORT_DELIVERED:
        return delivered(sending, record);
    case TRANSPORT_REFUSED:
        if (may_park)
            return park(sending, record, out);
        break;
    case TRANSPORT_DROPPED:
        if (may_park && record->drops + 1 >= SENDER_DROPS_MAX)
            return park(sending, record, out);
        err = spool_count_drop(sending->sender->spool, record->number);
        break;
    default:
        break;
    }
    if (err == ERR_OK && out->result != TRANSPORT_STOPPED)
        try_later(sending, out);
    return err;
}

/* ---- the loop ---- */

static err_t give_up(const struct sending *sending)
{
    struct spool_state state = {0};
    (void)spool_state(sending->sender->spool, &state);
    log_error("%s %s: nothing could be delivered for %d s: %lld wait in the spool, and are sent "
              "with the next start",
        sending->sender->kind->name, sending->sender->peer, sending->sender->patience_s,
        (long long)state.waiting);
    return sending->last != ERR_OK ? sending->last : ERR_PEER_UNREACHABLE;
}

static err_t one_turn(struct sending *sending, bool *ret_more)
{
    struct sender *sender = sending->sender;
    struct spool_record *record = NULL;
    struct transport_outcome out = {.result = TRANSPORT_LATER};
    err_t err = spool_oldest(sender->spool, &record);
    if (err != ERR_OK)
        return err;
    if (record == NULL && sending->finishing) {
        *ret_more = false;
        return sending->parked;
    }
    if (record == NULL) {
        sender->kind->wait(sender->transport, sender->wake_fd, IDLE_MS);
        return ERR_OK;
    }
    sender->kind->send(sender->transport, record->topic, record->envelope, &out);
    err = settle(sending, record, &out);
    if (err == ERR_OK && out.result == TRANSPORT_DELIVERED)
        hold_off(sending, SENDER_PAUSE_MS);
    spool_record_free(record);
    return err;
}

err_t sender_run(struct sender *sender)
{
    struct sending sending = {.sender = sender, .finishing = sender->wake_fd < 0};
    bool more = true;
    err_t err = ERR_OK;
    be_patient(&sending);
    while (more && err == ERR_OK && !stop_wanted(sender)) {
        hear(&sending);
        if (sending.finishing && clock_us() > sending.give_up_us)
            return give_up(&sending);
        err = one_turn(&sending, &more);
        if (err == ERR_SPOOL_FULL) { /* told already; somebody may make room */
            hold_off(&sending, backoff_next_ms(&sending.backoff));
            sending.last = err;
            err = ERR_OK;
        }
    }
    return err;
}
