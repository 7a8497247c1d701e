/* SPDX-License-Identifier: MIT
 *
 * C_WaitForSlotEvent: a token came or went, or a new slot did. An event is a difference between
 * what is so now and what the program was told by this function, or what was so when its token was
 * first looked at.
 *
 * Waiting takes no thread and no clock: a connection to each worker, which ends when the token
 * comes or goes; the kernel's word (inotify) where a socket appears; and C_Finalize's. Only where
 * one of these fails does it look again every two seconds.
 */
#include "slot.h"

#include "ckr.h"
#include "module.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MS = 2000, LOOK_US = LOOK_MS * 1000, NO_POLLS_OF_SLOTS = 2 };

static enum slot_told now_of(const struct slot *slot)
{
    return slot->pool.token.present ? TOLD_PRESENT : TOLD_ABSENT;
}

void slot_note_presence(struct slot *slot)
{
    if (slot->told == TOLD_NOTHING)
        slot->told = now_of(slot);
}

/* The first slot that is other than the program was told, which it is now. False: there is none. */
static bool tell(struct module *module, CK_SLOT_ID *ret_slot)
{
    bool found = false;
    module_lock(module);
    for (size_t i = 0; i < module->slot_count && !found; i++) {
        struct slot *slot = module->slots[i];
        slot_note_presence(slot);
        found = slot->told != now_of(slot);
        slot->told = now_of(slot);
        if (found)
            *ret_slot = slot->id;
    }
    module_unlock(module);
    return found;
}

static err_t scan(struct module *module, size_t *ret_count)
{
    module_lock(module);
    err_t err = slot_scan(module);
    *ret_count = module->slot_count;
    module_unlock(module);
    return err;
}

static CK_RV look_once(struct module *module, CK_SLOT_ID *ret_slot)
{
    size_t count;
    err_t err = scan(module, &count);
    if (err != ERR_OK)
        return ckr_of(err);
    for (CK_SLOT_ID id = 0; id < count; id++)
        (void)slot_is_present_now(slot_find(module, id));
    return tell(module, ret_slot) ? CKR_OK : CKR_NO_EVENT;
}

/* ---- C_Finalize's word ---- */

/* A pair of sockets, one of which is shut down. Unlike an eventfd it can be told from what a
 * program, which has closed all descriptors, has under the same number. */
struct waker {
    int ends[2];
    struct stat status[2];
};

static bool is_end(const struct waker *waker, int i)
{
    struct stat status;
    return fstat(waker->ends[i], &status) == 0 && status.st_dev == waker->status[i].st_dev &&
           status.st_ino == waker->status[i].st_ino;
}

static struct waker *waker_new(void)
{
    struct waker *waker = malloc(sizeof *waker);
    if (waker == NULL)
        return NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, waker->ends) != 0) {
        free(waker);
        return NULL;
    }
    for (int i = 0; i < 2; i++)
        (void)fstat(waker->ends[i], &waker->status[i]);
    return waker;
}

static void waker_free(struct waker *waker)
{
    for (int i = 0; waker != NULL && i < 2; i++)
        if (is_end(waker, i))
            (void)close(waker->ends[i]);
    free(waker);
}

/* The descriptor that C_Finalize ends; -1: there is none to be had. */
static int waker_of(struct module *module)
{
    module_lock(module);
    if (module->waker != NULL && !(is_end(module->waker, 0) && is_end(module->waker, 1))) {
        waker_free(module->waker);
        module->waker = NULL;
    }
    if (module->waker == NULL)
        module->waker = waker_new();
    const int fd = module->waker != NULL ? module->waker->ends[0] : -1;
    module_unlock(module);
    return fd;
}

void slot_end_waiting(struct module *module)
{
    module_lock(module);
    module->ending = true;
    if (module->waker != NULL && is_end(module->waker, 1))
        (void)shutdown(module->waker->ends[1], SHUT_RDWR);
    module_unlock(module);
}

void slot_forget_waiting(struct module *module)
{
    waker_free(module->waker);
    module->waker = NULL;
}

static bool is_ending(struct module *module)
{
    module_lock(module);
    const bool ending = module->ending;
    module_unlock(module);
    return ending;
}

/* ---- waiting ---- */

struct watch {
    struct link *link; /* NULL: nobody listens, or nothing is known */
    bool unsure;       /* it did not answer: look again by and by */
};

struct waiting {
    struct module *module;
    int waker;
    int directory; /* inotify; -1: there is none to be had */
    bool blind;    /* the directory is not watched */
    size_t count;
    struct watch *watches; /* one a slot */
    struct pollfd *polls;  /* the waker, the directory, then one a slot */
};

/* Room for a watch of each slot. */
static err_t grow(struct waiting *waiting, size_t count)
{
    struct watch *watches = realloc(waiting->watches, (count + 1) * sizeof *watches);
    if (watches == NULL)
        return ERR_MEMORY;
    waiting->watches = watches;
    struct pollfd *polls =
        realloc(waiting->polls, (count + NO_POLLS_OF_SLOTS) * sizeof *waiting->polls);
    if (polls == NULL)
        return ERR_MEMORY;
    waiting->polls = polls;
    for (; waiting->count < count; waiting->count++)
        watches[waiting->count] = (struct watch){0};
    return ERR_OK;
}

/* The directory may have been made anew since; watching it twice is once. */
static void watch_directory(struct waiting *waiting)
{
    const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    waiting->blind = waiting->directory < 0 ||
                     inotify_add_watch(waiting->directory, waiting->module->directory, events) < 0;
}

/* Asks each worker that is not watched for its token. */
static err_t look(struct waiting *waiting)
{
    size_t count;
    watch_directory(waiting); /* before it is read: what comes in between is seen */
    err_t err = scan(waiting->module, &count);
    if (err == ERR_OK)
        err = grow(waiting, count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        struct watch *watch = &waiting->watches[i];
        if (watch->link != NULL)
            continue;
        struct slot *slot = slot_find(waiting->module, i);
        err_t answer = pool_watch(&slot->pool, clock_us() + LOOK_US, &watch->link);
        watch->unsure = answer != ERR_OK && answer != ERR_UNREACHABLE;
    }
    return err;
}

static bool is_unsure(const struct waiting *waiting)
{
    bool unsure = waiting->blind;
    for (size_t i = 0; i < waiting->count; i++)
        unsure = unsure || waiting->watches[i].unsure;
    return unsure;
}

/* Until something may be otherwise. */
static err_t sleep_until_change(struct waiting *waiting)
{
    char events[4096];
    struct pollfd *polls = waiting->polls;
    polls[0] = (struct pollfd){.fd = waiting->waker, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = waiting->directory, .events = POLLIN};
    for (size_t i = 0; i < waiting->count; i++) {
        const struct link *link = waiting->watches[i].link;
        polls[NO_POLLS_OF_SLOTS + i] =
            (struct pollfd){.fd = link != NULL ? link_descriptor(link) : -1, .events = POLLIN};
    }
    const int n = poll(
        polls, (nfds_t)(NO_POLLS_OF_SLOTS + waiting->count), is_unsure(waiting) ? LOOK_MS : -1);
    if (n < 0)
        return errno == EINTR ? ERR_OK : ERR_SYSTEM;
    if (polls[1].revents != 0)
        (void)!read(
            waiting->directory, events, sizeof events); /* one is enough: all is read anew */
    for (size_t i = 0; i < waiting->count; i++) {
        if (polls[NO_POLLS_OF_SLOTS + i].revents == 0)
            continue;
        link_close(waiting->watches[i].link);
        waiting->watches[i].link = NULL;
    }
    return ERR_OK;
}

static CK_RV wait_for_event(struct waiting *waiting, CK_SLOT_ID *ret_slot)
{
    err_t err = look(waiting);
    while (err == ERR_OK && !is_ending(waiting->module)) {
        if (tell(waiting->module, ret_slot))
            return CKR_OK;
        err = sleep_until_change(waiting);
        if (err == ERR_OK && !is_ending(waiting->module))
            err = look(waiting);
    }
    return err == ERR_OK ? CKR_CRYPTOKI_NOT_INITIALIZED : ckr_of(err);
}

static CK_RV block(struct module *module, CK_SLOT_ID *ret_slot)
{
    struct waiting waiting = {.module = module,
        .waker = waker_of(module),
        .directory = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    CK_RV rv = waiting.waker >= 0 ? wait_for_event(&waiting, ret_slot) : CKR_HOST_MEMORY;
    for (size_t i = 0; i < waiting.count; i++)
        link_close(waiting.watches[i].link);
    if (waiting.directory >= 0)
        (void)close(waiting.directory);
    free(waiting.watches);
    free(waiting.polls);
    return rv;
}

CK_RV slot_wait_for_event(struct module *module, CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    if (slot == NULL || reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    return (flags & CKF_DONT_BLOCK) != 0 ? look_once(module, slot) : block(module, slot);
}
