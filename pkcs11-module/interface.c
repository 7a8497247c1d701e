/* SPDX-License-Identifier: MIT
 *
 * The three functions that the module exports, and the lists that they give. They need no
 * C_Initialize and work in the child of a fork too. CKF_INTERFACE_FORK_SAFE is not promised: in the
 * child all is CKR_CRYPTOKI_NOT_INITIALIZED until it calls C_Initialize.
 */
#include "interface.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static CK_FUNCTION_LIST functions_2_40 = {
    .version = {2, 40},
#define FUNCTION(name)         .name = name,
#define FUNCTION_OF_EACH(name) .name = name##_2_40,
#include "functions.def"
#undef FUNCTION
};

static CK_FUNCTION_LIST_3_0 functions_3_0 = {
    .version = {3, 0},
#define FUNCTION(name)     .name = name,
#define FUNCTION_3_0(name) FUNCTION(name)
#include "functions.def"
#undef FUNCTION
};

static unsigned char standard[] = "PKCS 11";
enum { INTERFACES = 2 };

/* The newest first: it is what a program gets that asks for none. */
static CK_INTERFACE interfaces[INTERFACES] = {
    {(void *)standard, &functions_3_0, 0},
    {(void *)standard, &functions_2_40, 0},
};
static const CK_VERSION versions[INTERFACES] = {{3, 0}, {2, 40}};

#define EXPORTED __attribute__((visibility("default")))

EXPORTED CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (list == NULL)
        return CKR_ARGUMENTS_BAD;
    *list = &functions_2_40;
    return CKR_OK;
}

EXPORTED CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count)
{
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    const bool fits = list != NULL && *count >= INTERFACES;
    *count = INTERFACES;
    if (fits)
        memcpy(list, interfaces, sizeof interfaces);
    return list == NULL || fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

static bool matches(size_t i, const CK_UTF8CHAR *name, const CK_VERSION *version, CK_FLAGS flags)
{
    if (name != NULL && strcmp((const char *)name, (const char *)standard) != 0)
        return false;
    if (version != NULL &&
        (version->major != versions[i].major || version->minor != versions[i].minor))
        return false;
    return (interfaces[i].flags & flags) == flags;
}

EXPORTED CK_RV C_GetInterface(
    CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)
{
    if (interface == NULL)
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < INTERFACES; i++) {
        if (matches(i, name, version, flags)) {
            *interface = &interfaces[i];
            return CKR_OK;
        }
    }
    /* Of the codes that 3.0, 5.4.6 lists, the one that p11-kit and OpenSC look for. */
    return CKR_ARGUMENTS_BAD;
}
