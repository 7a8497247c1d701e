/* SPDX-License-Identifier: MIT
 *
 * Opening a token. The PIN stays in this process only until C_Login has returned.
 */
#include "token.h"

#include "base/secret.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PIN_MAX = 256, SLOTS_MAX = 64 };

CK_RV failure_note(struct failure *failure, const char *where, CK_RV rv)
{
    if (rv != CKR_OK) {
        (void)snprintf(failure->where, sizeof failure->where, "%s", where);
        failure->rv = rv;
    }
    return rv;
}

static CK_RV load(const char *path, struct token *token, struct failure *failure)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return failure_note(failure, "dlopen", CKR_GENERAL_ERROR);
    CK_C_GetFunctionList get_list;
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    if (get_list == NULL)
        return failure_note(failure, "dlsym", CKR_GENERAL_ERROR);
    CK_RV rv = failure_note(failure, "C_GetFunctionList", get_list(&token->module));
    return rv == CKR_OK ? failure_note(failure, "C_Initialize", token->module->C_Initialize(NULL))
                        : rv;
}

static CK_RV find_slot(struct token *token, const char *label, struct failure *failure)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_RV rv = failure_note(
        failure, "C_GetSlotList", token->module->C_GetSlotList(CK_TRUE, slots, &count));
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        CK_TOKEN_INFO info;
        char padded[sizeof info.label + 1];
        if (token->module->C_GetTokenInfo(slots[i], &info) != CKR_OK)
            continue;
        (void)snprintf(padded, sizeof padded, "%-32s", label);
        if (memcmp(padded, info.label, sizeof info.label) == 0) {
            token->slot = slots[i];
            return CKR_OK;
        }
    }
    return rv != CKR_OK ? rv : failure_note(failure, "token of that label", CKR_TOKEN_NOT_PRESENT);
}

static CK_RV log_in(const struct token *token, const char *pin_file, struct failure *failure)
{
    struct secret *pin = NULL;
    int fd = open(pin_file, O_RDONLY | O_CLOEXEC);
    err_t err = fd >= 0 ? secret_read(fd, PIN_MAX, &pin) : ERR_SYSTEM;
    if (fd >= 0)
        (void)close(fd);
    if (err != ERR_OK)
        return failure_note(failure, "PIN file", CKR_PIN_INVALID);
    struct span bytes = secret_bytes(pin);
    CK_RV rv = token->module->C_Login(
        token->session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)bytes.ptr, bytes.len);
    secret_free(pin);
    return failure_note(failure, "C_Login", rv);
}

CK_RV token_open(const char *path, const char *label, const char *pin_file, CK_FLAGS more,
    struct token *ret_token, struct failure *failure)
{
    CK_TOKEN_INFO info;
    CK_RV rv = load(path, ret_token, failure);
    if (rv == CKR_OK)
        rv = find_slot(ret_token, label, failure);
    if (rv == CKR_OK)
        rv = failure_note(failure, "C_OpenSession",
            ret_token->module->C_OpenSession(
                ret_token->slot, CKF_SERIAL_SESSION | more, NULL, NULL, &ret_token->session));
    if (rv == CKR_OK)
        rv = failure_note(
            failure, "C_GetTokenInfo", ret_token->module->C_GetTokenInfo(ret_token->slot, &info));
    if (rv == CKR_OK && (info.flags & CKF_LOGIN_REQUIRED) != 0)
        rv = log_in(ret_token, pin_file, failure);
    return rv;
}

CK_RV token_find(const struct token *token, CK_ATTRIBUTE *attributes, CK_ULONG attribute_count,
    CK_OBJECT_HANDLE *objects, CK_ULONG room, CK_ULONG *ret_count, struct failure *failure)
{
    CK_FUNCTION_LIST *module = token->module;
    CK_RV rv = failure_note(failure, "C_FindObjectsInit",
        module->C_FindObjectsInit(token->session, attributes, attribute_count));
    if (rv != CKR_OK)
        return rv;
    rv = failure_note(
        failure, "C_FindObjects", module->C_FindObjects(token->session, objects, room, ret_count));
    CK_RV final =
        failure_note(failure, "C_FindObjectsFinal", module->C_FindObjectsFinal(token->session));
    return rv != CKR_OK ? rv : final;
}
