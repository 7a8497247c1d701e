/* SPDX-License-Identifier: MIT
 *
 * slot-watch [--poll]: prints "NAME present" or "NAME absent" for each slot, then for each slot
 * event as C_WaitForSlotEvent tells it, without end; NAME is the end of the slot's description.
 * --poll asks ten times a second with CKF_DONT_BLOCK instead of waiting.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static CK_FUNCTION_LIST *p11;

static void fail(const char *what, CK_RV rv)
{
    fprintf(stderr, "slot-watch: %s: 0x%08lx\n", what, rv);
    exit(1);
}

static void must(const char *what, CK_RV rv)
{
    if (rv != CKR_OK)
        fail(what, rv);
}

static void print_slot(CK_SLOT_ID slot)
{
    CK_SLOT_INFO info;
    int len = sizeof info.slotDescription;
    must("C_GetSlotInfo", p11->C_GetSlotInfo(slot, &info));
    while (len > 0 && info.slotDescription[len - 1] == ' ')
        len--;
    printf("%.*s %s\n", len, (const char *)info.slotDescription,
        (info.flags & CKF_TOKEN_PRESENT) != 0 ? "present" : "absent");
    (void)fflush(stdout);
}

static CK_RV next_event(int poll, CK_SLOT_ID *ret_slot)
{
    const struct timespec pause = {0, 100000000};
    CK_RV rv = p11->C_WaitForSlotEvent(poll ? CKF_DONT_BLOCK : 0, ret_slot, NULL);
    while (poll && rv == CKR_NO_EVENT) {
        (void)nanosleep(&pause, NULL);
        rv = p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, ret_slot, NULL);
    }
    return rv;
}

int main(int argc, char **argv)
{
    const char *module = getenv("SIGNERD_MODULE");
    const int poll = argc > 1 && strcmp(argv[1], "--poll") == 0;
    CK_C_GetFunctionList get_list = NULL;
    CK_SLOT_ID slots[16];
    CK_ULONG count = sizeof slots / sizeof slots[0];
    void *library = module != NULL ? dlopen(module, RTLD_NOW) : NULL;
    if (library != NULL)
        *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    if (get_list == NULL) {
        fprintf(stderr, "slot-watch: SIGNERD_MODULE cannot be loaded\n");
        return 1;
    }
    must("C_GetFunctionList", get_list(&p11));
    must("C_Initialize", p11->C_Initialize(NULL));
    must("C_GetSlotList", p11->C_GetSlotList(CK_FALSE, slots, &count));
    for (CK_ULONG i = 0; i < count; i++)
        print_slot(slots[i]);
    for (;;) {
        CK_SLOT_ID slot;
        must("C_WaitForSlotEvent", next_event(poll, &slot));
        print_slot(slot);
    }
}
