/* SPDX-License-Identifier: MIT
 *
 * Tries one thing with a private key, as any program could that p11-kit gives the key to, and
 * prints the module's answer by its name in the standard: the clients of everyday use hide it.
 */
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { EXIT_REFUSED = 1, EXIT_NOT_FOUND = 2, EXIT_BAD_USAGE = 64, SLOTS_MAX = 64 };

struct key {
    CK_FUNCTION_LIST *module;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE object;
};

static const struct {
    CK_RV value;
    const char *name;
} names[] = {
    {CKR_OK, "CKR_OK"},
    {CKR_ATTRIBUTE_SENSITIVE, "CKR_ATTRIBUTE_SENSITIVE"},
    {CKR_ATTRIBUTE_TYPE_INVALID, "CKR_ATTRIBUTE_TYPE_INVALID"},
    {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR"},
    {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED"},
    {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED"},
    {CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED"},
    {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR"},
    {CKR_HOST_MEMORY, "CKR_HOST_MEMORY"},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED"},
    {CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID"},
    {CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID"},
    {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT"},
    {CKR_PIN_LOCKED, "CKR_PIN_LOCKED"},
    {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT"},
    {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN"},
};

static void print_name(CK_RV rv)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].value == rv) {
            printf("%s\n", names[i].name);
            return;
        }
    }
    printf("0x%08lx\n", rv);
}

/* A PIN from the environment, for tokens that want one. */
static CK_RV login(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session)
{
    char *pin = getenv("SIGNERD_PIN");
    if (pin == NULL)
        return CKR_OK;
    CK_RV rv = module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin));
    return rv == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : rv;
}

/* Looks in one token. CKR_KEY_HANDLE_INVALID: it is not there. */
static CK_RV find_in_slot(P11KitUri *uri, CK_SLOT_ID slot, struct key *key)
{
    CK_TOKEN_INFO info;
    CK_RV rv = key->module->C_GetTokenInfo(slot, &info);
    if (rv != CKR_OK || !p11_kit_uri_match_token_info(uri, &info))
        return CKR_KEY_HANDLE_INVALID;
    rv = key->module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &key->session);
    if (rv == CKR_OK)
        rv = login(key->module, key->session);
    if (rv != CKR_OK)
        return rv;

    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
    CK_ATTRIBUTE wanted[2] = {{CKA_CLASS, &class, sizeof class}};
    if (label != NULL)
        wanted[1] = *label;
    CK_ULONG found = 0;
    rv = key->module->C_FindObjectsInit(key->session, wanted, label != NULL ? 2 : 1);
    if (rv == CKR_OK)
        rv = key->module->C_FindObjects(key->session, &key->object, 1, &found);
    (void)key->module->C_FindObjectsFinal(key->session);
    if (rv == CKR_OK && found == 0)
        rv = CKR_KEY_HANDLE_INVALID;
    return rv;
}

static CK_RV find(P11KitUri *uri, CK_FUNCTION_LIST **modules, struct key *key)
{
    for (; *modules != NULL; modules++) {
        CK_SLOT_ID slots[SLOTS_MAX];
        CK_ULONG count = SLOTS_MAX;
        key->module = *modules;
        if (key->module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
            continue;
        for (CK_ULONG i = 0; i < count; i++) {
            CK_RV rv = find_in_slot(uri, slots[i], key);
            if (rv != CKR_KEY_HANDLE_INVALID)
                return rv;
        }
    }
    return CKR_KEY_HANDLE_INVALID;
}

static CK_RV try_read(const struct key *key)
{
    CK_BYTE value[256];
    CK_ATTRIBUTE attribute = {CKA_VALUE, value, sizeof value};
    return key->module->C_GetAttributeValue(key->session, key->object, &attribute, 1);
}

static CK_RV try_sign(const struct key *key)
{
    CK_BYTE digest[32] = {1}, signature[64];
    CK_ULONG length = sizeof signature;
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_RV rv = key->module->C_SignInit(key->session, &mechanism, key->object);
    return rv != CKR_OK
               ? rv
               : key->module->C_Sign(key->session, digest, sizeof digest, signature, &length);
}

static const struct {
    const char *name;
    CK_RV (*try)(const struct key *key);
} verbs[] = {{"read", try_read}, {"sign", try_sign}};

/* Stays, with all that it knows in memory, until the standard input ends; others may look into it.
 */
static void hold(void)
{
    char byte;
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
}

static int usage(void)
{
    (void)fputs("usage: p11probe read|sign URI [--hold]\n"
                "  prints the module's answer, as CKR_OK; a PIN is taken from SIGNERD_PIN\n"
                "  --hold: then waits for the end of its standard input\n",
        stderr);
    return EXIT_BAD_USAGE;
}

int main(int argc, char **argv)
{
    CK_RV (*try)(const struct key *key) = NULL;
    for (size_t i = 0; argc >= 3 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            try = verbs[i].try;
    bool holding = argc == 4 && strcmp(argv[3], "--hold") == 0;
    P11KitUri *uri = p11_kit_uri_new();
    if (try == NULL || (argc != 3 && !holding) || uri == NULL ||
        p11_kit_uri_parse(argv[2], P11_KIT_URI_FOR_OBJECT_ON_TOKEN, uri) != P11_KIT_URI_OK)
        return usage();

    CK_FUNCTION_LIST **modules = p11_kit_modules_load_and_initialize(0);
    struct key key = {0};
    CK_RV rv = modules == NULL ? CKR_GENERAL_ERROR : find(uri, modules, &key);
    int status = EXIT_NOT_FOUND;
    if (rv == CKR_KEY_HANDLE_INVALID) {
        (void)fprintf(stderr, "p11probe: no such key: %s\n", argv[2]);
    } else {
        if (rv == CKR_OK)
            rv = try(&key);
        print_name(rv);
        status = rv == CKR_OK ? EXIT_SUCCESS : EXIT_REFUSED;
        if (holding)
            hold();
    }
    p11_kit_uri_free(uri);
    if (modules != NULL)
        p11_kit_modules_finalize_and_release(modules);
    return status;
}
