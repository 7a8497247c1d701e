/* SPDX-License-Identifier: MIT
 *
 * A PKCS#11 module with faults on demand, for the tests of a worker: SoftHSM, but C_Sign first
 * looks into the file $FAULTY_FILE. "hang": it never returns; "crash": it aborts; "gone": the
 * device has been unplugged; else it signs.
 */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST faulty;

static CK_RV faulty_sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len,
    CK_BYTE *signature, CK_ULONG *signature_len)
{
    char fault[16] = {0};
    int fd = open(getenv("FAULTY_FILE"), O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!read(fd, fault, sizeof fault - 1);
        (void)close(fd);
    }
    if (strncmp(fault, "hang", 4) == 0)
        for (;;)
            (void)pause();
    if (strncmp(fault, "crash", 5) == 0)
        abort();
    if (strncmp(fault, "gone", 4) == 0)
        return CKR_DEVICE_REMOVED;
    return real->C_Sign(session, data, data_len, signature, signature_len);
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    CK_C_GetFunctionList get_list = NULL;
    void *library = dlopen(getenv("FAULTY_MODULE"), RTLD_NOW | RTLD_LOCAL);
    if (library != NULL)
        *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    if (get_list == NULL || get_list(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    faulty = *real;
    faulty.C_Sign = faulty_sign;
    *list = &faulty;
    return CKR_OK;
}
