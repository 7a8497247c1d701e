/* SPDX-License-Identifier: MIT
 *
 * init-token LABEL <SO-PIN: C_InitToken on the first slot, whether its token is there or not
 * (pkcs11-tool asks for the token first). Prints the code that came back; ends with 0 for CKR_OK.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *module = getenv("SIGNERD_MODULE");
    CK_C_GetFunctionList get_list = NULL;
    CK_FUNCTION_LIST *p11 = NULL;
    char label[64];
    char pin[300] = "";
    void *library = module != NULL && argc == 2 ? dlopen(module, RTLD_NOW) : NULL;
    if (library != NULL)
        *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    if (get_list == NULL || get_list(&p11) != CKR_OK || p11->C_Initialize(NULL) != CKR_OK ||
        fgets(pin, sizeof pin, stdin) == NULL) {
        fprintf(stderr, "usage: init-token LABEL <SO-PIN, with SIGNERD_MODULE\n");
        return 64;
    }
    (void)snprintf(label, sizeof label, "%-32.32s", argv[1]);
    const CK_RV rv = p11->C_InitToken(
        0, (unsigned char *)pin, (CK_ULONG)strcspn(pin, "\n"), (unsigned char *)label);
    printf("0x%08lx\n", rv);
    (void)p11->C_Finalize(NULL);
    return rv == CKR_OK ? 0 : 1;
}
