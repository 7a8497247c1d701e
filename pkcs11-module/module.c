/* SPDX-License-Identifier: MIT
 *
 * The gate and the state. The gate lies in a page that the kernel wipes in the child of a fork
 * (MADV_WIPEONFORK), with its mutex, so that a child finds it shut and unlocked whatever the
 * parent's threads were doing.
 */
#include "module.h"

#include "ckr.h"
#include "session.h"
#include "slot.h"
#include "text.h"

#include "wire/sockets.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

struct gate {
    pthread_mutex_t lock;  /* all zero is PTHREAD_MUTEX_INITIALIZER */
    struct module *module; /* NULL: not initialised */
    pid_t owner; /* where the kernel does not wipe the page: the process that made it; else 0 */
};

static struct gate *_Atomic the_gate;

/* NULL where this process has none yet. */
static struct gate *gate_find(void)
{
    struct gate *gate = atomic_load(&the_gate);
    return gate != NULL && (gate->owner == 0 || gate->owner == getpid()) ? gate : NULL;
}

static struct gate *gate_make(void)
{
    struct gate *old = atomic_load(&the_gate);
    struct gate *gate =
        mmap(NULL, sizeof *gate, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (gate == MAP_FAILED)
        return NULL;
    if (madvise(gate, sizeof *gate, MADV_WIPEONFORK) != 0)
        gate->owner = getpid();
    if (!atomic_compare_exchange_strong(&the_gate, &old, gate)) {
        (void)munmap(gate, sizeof *gate); /* another thread was quicker */
        gate = old;
    }
    return gate;
}

static void gate_lock(struct gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
}

static void gate_unlock(struct gate *gate)
{
    (void)pthread_mutex_unlock(&gate->lock);
}

void module_lock(struct module *module)
{
    (void)pthread_mutex_lock(&module->lock);
}

void module_unlock(struct module *module)
{
    (void)pthread_mutex_unlock(&module->lock);
}

static void module_free(struct module *module)
{
    for (size_t i = 0; i < module->session_count; i++)
        session_free(module->sessions[i]);
    for (size_t i = 0; i < module->slot_count; i++)
        slot_free(module->slots[i]);
    slot_forget_waiting(module);
    free(module->sessions);
    free(module->slots);
    free(module->directory);
    (void)pthread_cond_destroy(&module->session_idle);
    (void)pthread_mutex_destroy(&module->lock);
    free(module);
}

static err_t module_new(struct module **ret_module)
{
    struct module *module = calloc(1, sizeof *module);
    if (module == NULL)
        return ERR_MEMORY;
    module->users = 1;
    (void)pthread_mutex_init(&module->lock, NULL);
    (void)pthread_cond_init(&module->session_idle, NULL);
    module->directory = strdup(sockets_directory());

    err_t err = module->directory != NULL ? ERR_OK : ERR_MEMORY;
    if (err == ERR_OK &&
        getrandom(&module->client, sizeof module->client, 0) != (ssize_t)sizeof module->client)
        err = ERR_SYSTEM;
    if (err == ERR_OK)
        err = slot_scan(module);
    if (err == ERR_OK)
        *ret_module = module;
    else
        module_free(module);
    return err;
}

struct module *module_enter(void)
{
    struct gate *gate = gate_find();
    if (gate == NULL)
        return NULL;
    gate_lock(gate);
    struct module *module = gate->module;
    if (module != NULL)
        module->users++;
    gate_unlock(gate);
    return module;
}

CK_RV module_leave(struct module *module, CK_RV rv)
{
    struct gate *gate = gate_find();
    gate_lock(gate);
    const bool last = --module->users == 0;
    gate_unlock(gate);
    if (last)
        module_free(module);
    return rv;
}

/* 2.40, 5.4: all four mutex callbacks or none. The locks are pthread's in any case. */
static CK_RV check_args(const CK_C_INITIALIZE_ARGS *args)
{
    if (args == NULL)
        return CKR_OK;
    const int callbacks = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) +
                          (args->LockMutex != NULL) + (args->UnlockMutex != NULL);
    const bool fits = args->pReserved == NULL && (callbacks == 0 || callbacks == 4);
    return fits ? CKR_OK : CKR_ARGUMENTS_BAD;
}

CK_RV module_initialize(const CK_C_INITIALIZE_ARGS *args)
{
    CK_RV rv = check_args(args);
    if (rv != CKR_OK)
        return rv;
    struct gate *gate = gate_find();
    if (gate == NULL)
        gate = gate_make();
    if (gate == NULL)
        return CKR_HOST_MEMORY;
    gate_lock(gate);
    rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
    if (gate->module == NULL)
        rv = ckr_of(module_new(&gate->module));
    gate_unlock(gate);
    return rv;
}

/* Calls that are still inside on other threads end by themselves; those that wait are woken. */
CK_RV module_finalize(const void *reserved)
{
    struct gate *gate = gate_find();
    if (gate == NULL)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    gate_lock(gate);
    struct module *module = gate->module;
    if (reserved == NULL)
        gate->module = NULL;
    gate_unlock(gate);
    if (module == NULL)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    slot_end_waiting(module);
    return module_leave(module, CKR_OK);
}

CK_RV module_get_info(struct module *module, CK_VERSION version, CK_INFO *info)
{
    (void)module;
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    *info = (CK_INFO){
        .cryptokiVersion = version,
        .libraryVersion = {SIGNERD_VERSION_MAJOR, SIGNERD_VERSION_MINOR},
    };
    text_pad(info->manufacturerID, sizeof info->manufacturerID, span_of_text("signerd"));
    text_pad(
        info->libraryDescription, sizeof info->libraryDescription, span_of_text("signerd keys"));
    return CKR_OK;
}
