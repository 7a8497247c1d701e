/* SPDX-License-Identifier: MIT
 *
 * A PKCS#11 client that brings in a secret key, or finds one, puts it to work and stays, so that
 * others may look into its memory. It wipes its own copy of the value: what is found is not its own.
 */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { VALUE_MAX = 64, PIN_MAX = 256, SLOTS_MAX = 64, EXIT_BAD_USAGE = 64 };

static struct {
    const char *module;
    const char *token;
    const char *pin_file;
    const char *label;
    const char *file; /* with a value: the key is made of it; else it is found */
    bool mac;          /* a generic secret, not an AES key */
    bool ec;           /* a private key of P-256, not an AES key */
    bool rsa;          /* each private part of an RSA key, which none can be used with */
    bool keep;         /* does not wipe its copy */
    bool destroy;      /* the key, in the end */
    bool refused;      /* the key must not be brought in */
} options;

static CK_FUNCTION_LIST *module;
static CK_SESSION_HANDLE session;
static CK_BYTE secret[VALUE_MAX];

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void must(const char *what, CK_RV rv)
{
    if (rv == CKR_OK)
        return;
    printf("%s: 0x%08lx\n", what, rv);
    exit(1);
}

/* Straight from the file: no buffer of stdio keeps a copy. */
static CK_ULONG read_file(const char *path, CK_BYTE *room, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, room, size) : -1;
    if (fd >= 0)
        (void)close(fd);
    if (len <= 0) {
        fprintf(stderr, "secret-client: %s cannot be read\n", path);
        exit(EXIT_BAD_USAGE);
    }
    return (CK_ULONG)len;
}

static void open_module(void)
{
    CK_C_GetFunctionList get_list;
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    char label[33];
    void *library = dlopen(options.module, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    must("C_GetFunctionList", get_list != NULL ? get_list(&module) : CKR_GENERAL_ERROR);
    must("C_Initialize", module->C_Initialize(&arguments));
    must("C_GetSlotList", module->C_GetSlotList(CK_TRUE, slots, &count));
    (void)snprintf(label, sizeof label, "%-32s", options.token);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (module->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            memcmp(info.label, label, sizeof info.label) == 0) {
            must("C_OpenSession", module->C_OpenSession(slots[i],
                CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
            return;
        }
    }
    must("token", CKR_TOKEN_NOT_PRESENT);
}

static void log_in(void)
{
    CK_BYTE pin[PIN_MAX];
    CK_ULONG len = read_file(options.pin_file, pin, sizeof pin);
    if (pin[len - 1] == '\n')
        len--;
    must("C_Login", module->C_Login(session, CKU_USER, pin, len));
    explicit_bzero(pin, sizeof pin);
}

/* ---- the key ---- */

static CK_RV create_private(CK_ULONG len, CK_OBJECT_HANDLE *ret_key)
{
    static CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    static CK_BBOOL yes = CK_TRUE;
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static CK_BYTE modulus[256] = {0xc1, [255] = 1}, exponent[] = {1, 0, 1};
    CK_KEY_TYPE type = options.ec ? CKK_EC : CKK_RSA;
    CK_ATTRIBUTE common[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &yes, sizeof yes}, {CKA_SIGN, &yes, sizeof yes},
        {CKA_LABEL, (void *)(uintptr_t)options.label, strlen(options.label)},
        {CKA_ID, (void *)(uintptr_t)options.label, strlen(options.label)}};
    CK_ATTRIBUTE ec[] = {{CKA_EC_PARAMS, p256, sizeof p256}, {CKA_VALUE, secret, len}};
    CK_ATTRIBUTE rsa[] = {{CKA_MODULUS, modulus, sizeof modulus},
        {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}, {CKA_PRIVATE_EXPONENT, secret, len},
        {CKA_PRIME_1, secret, len}, {CKA_PRIME_2, secret, len}, {CKA_EXPONENT_1, secret, len},
        {CKA_EXPONENT_2, secret, len}, {CKA_COEFFICIENT, secret, len}};
    CK_ATTRIBUTE template[COUNT(common) + COUNT(rsa)];
    const size_t count = options.ec ? COUNT(ec) : COUNT(rsa);
    memcpy(template, common, sizeof common);
    memcpy(template + COUNT(common), options.ec ? ec : rsa, count * sizeof ec[0]);
    return module->C_CreateObject(session, template, COUNT(common) + count, ret_key);
}

static CK_RV create_secret(CK_ULONG len, CK_OBJECT_HANDLE *ret_key)
{
    static CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    static CK_BBOOL yes = CK_TRUE;
    CK_KEY_TYPE type = options.mac ? CKK_GENERIC_SECRET : CKK_AES;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, secret, len}, {CKA_TOKEN, &yes, sizeof yes},
        {CKA_LABEL, (void *)(uintptr_t)options.label, strlen(options.label)},
        {CKA_ID, (void *)(uintptr_t)options.label, strlen(options.label)},
        {CKA_SIGN, &yes, sizeof yes}, {CKA_ENCRYPT, &yes, sizeof yes},
        {CKA_DECRYPT, &yes, sizeof yes}, {CKA_WRAP, &yes, sizeof yes},
        {CKA_UNWRAP, &yes, sizeof yes}};
    return module->C_CreateObject(session, template, COUNT(template), ret_key);
}

static CK_OBJECT_HANDLE bring_in(void)
{
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG len = read_file(options.file, secret, sizeof secret);
    CK_RV rv = options.ec || options.rsa ? create_private(len, &key) : create_secret(len, &key);
    if (!options.keep)
        explicit_bzero(secret, sizeof secret);
    if (options.refused && rv != CKR_OK)
        return 0;
    must("C_CreateObject", options.refused ? CKR_FUNCTION_FAILED : rv);
    return key;
}

static CK_OBJECT_HANDLE find(void)
{
    CK_OBJECT_CLASS class = options.ec ? CKO_PRIVATE_KEY : CKO_SECRET_KEY;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
        {CKA_LABEL, (void *)(uintptr_t)options.label, strlen(options.label)}};
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG found = 0;
    must("C_FindObjectsInit", module->C_FindObjectsInit(session, template, COUNT(template)));
    must("C_FindObjects", module->C_FindObjects(session, &key, 1, &found));
    must("C_FindObjectsFinal", module->C_FindObjectsFinal(session));
    must("find", found == 1 ? CKR_OK : CKR_OBJECT_HANDLE_INVALID);
    return key;
}

/* ---- at work ---- */

static void use_mac(CK_OBJECT_HANDLE key)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_BYTE data[] = "to be signed", mac[32];
    CK_ULONG len = sizeof mac;
    must("C_SignInit", module->C_SignInit(session, &hmac, key));
    must("C_Sign", module->C_Sign(session, data, sizeof data, mac, &len));
    must("C_SignInit", module->C_SignInit(session, &hmac, key));
    must("C_SignUpdate", module->C_SignUpdate(session, data, sizeof data));
    must("C_SignFinal", module->C_SignFinal(session, mac, &len));
}

static void sign_and_ask_for_the_value(CK_OBJECT_HANDLE key)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_BYTE data[32] = "a digest", signature[64], value[64];
    CK_ULONG len = sizeof signature;
    CK_ATTRIBUTE asked = {CKA_VALUE, value, sizeof value};
    must("C_SignInit", module->C_SignInit(session, &ecdsa, key));
    must("C_Sign", module->C_Sign(session, data, sizeof data, signature, &len));
    must("CKA_VALUE", module->C_GetAttributeValue(session, key, &asked, 1) ==
                              CKR_ATTRIBUTE_SENSITIVE
                          ? CKR_OK
                          : CKR_GENERAL_ERROR);
}

static void encrypt_and_decrypt(CK_OBJECT_HANDLE key)
{
    CK_BYTE iv[16] = {1}, text[] = "to be encrypted", data[64], again[64];
    CK_GCM_PARAMS gcm = {.pIv = iv, .ulIvLen = 12, .ulIvBits = 96, .ulTagBits = 128};
    CK_MECHANISM how[] = {{CKM_AES_GCM, &gcm, sizeof gcm}, {CKM_AES_CBC_PAD, iv, sizeof iv}};
    for (size_t i = 0; i < COUNT(how); i++) {
        CK_ULONG len = sizeof data, again_len = sizeof again;
        must("C_EncryptInit", module->C_EncryptInit(session, &how[i], key));
        must("C_Encrypt", module->C_Encrypt(session, text, sizeof text, data, &len));
        must("C_DecryptInit", module->C_DecryptInit(session, &how[i], key));
        must("C_Decrypt", module->C_Decrypt(session, data, len, again, &again_len));
        must("the text", again_len == sizeof text && memcmp(again, text, sizeof text) == 0
                             ? CKR_OK
                             : CKR_ENCRYPTED_DATA_INVALID);
    }
}

/* A key of the session leaves, and comes back. */
static void wrap_and_unwrap(CK_OBJECT_HANDLE key)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG key_len = 32;
    CK_BYTE wrapped[64];
    CK_ULONG len = sizeof wrapped;
    CK_MECHANISM generation = {CKM_AES_KEY_GEN, NULL, 0}, wrapping = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_ATTRIBUTE made[] = {{CKA_VALUE_LEN, &key_len, sizeof key_len},
        {CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_ENCRYPT, &yes, sizeof yes}};
    CK_ATTRIBUTE back[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_ENCRYPT, &yes, sizeof yes}};
    CK_OBJECT_HANDLE other, unwrapped;
    must("C_GenerateKey",
        module->C_GenerateKey(session, &generation, made, COUNT(made), &other));
    must("C_WrapKey", module->C_WrapKey(session, &wrapping, key, other, wrapped, &len));
    must("C_UnwrapKey", module->C_UnwrapKey(
        session, &wrapping, key, wrapped, len, back, COUNT(back), &unwrapped));
}

static void hold(void)
{
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    printf("at work\n");
    (void)fflush(stdout);
    for (;;)
        (void)pause();
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {{"pin-file", 1, NULL, 'P'}, {"label", 1, NULL, 'l'},
        {"value", 1, NULL, 'v'}, {"mac", 0, NULL, 'm'},
        {"ec", 0, NULL, 'e'}, {"rsa", 0, NULL, 'R'}, {"keep", 0, NULL, 'k'},
        {"destroy", 0, NULL, 'd'}, {"refused", 0, NULL, 'r'}, {NULL, 0, NULL, 0}};
    const char **texts[] = {
        ['P'] = &options.pin_file, ['l'] = &options.label, ['v'] = &options.file};
    bool *flags[] = {['m'] = &options.mac, ['e'] = &options.ec,
        ['R'] = &options.rsa, ['k'] = &options.keep, ['d'] = &options.destroy,
        ['r'] = &options.refused};
    int option;
    options.module = getenv("SIGNERD_MODULE");
    options.token = getenv("SIGNERD_TOKEN");
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == '?')
            exit(EXIT_BAD_USAGE);
        if (option == 'P' || option == 'l' || option == 'v')
            *texts[option] = optarg;
        else
            *flags[option] = true;
    }
    if (options.module == NULL || options.token == NULL || options.label == NULL) {
        fprintf(stderr, "usage: secret-client --label LABEL [--value FILE [--keep] [--refused]]\n"
                        "         [--mac|--ec|--rsa] [--destroy] [--pin-file FILE]\n"
                        "  module and token: SIGNERD_MODULE, SIGNERD_TOKEN; without --destroy it stays\n");
        exit(EXIT_BAD_USAGE);
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    open_module();
    if (options.pin_file != NULL)
        log_in();
    CK_OBJECT_HANDLE key = options.file != NULL ? bring_in() : find();
    if (options.refused || options.rsa) {
        /* there is nothing to use */
    } else if (options.mac) {
        use_mac(key);
    } else if (options.ec) {
        sign_and_ask_for_the_value(key);
    } else {
        encrypt_and_decrypt(key);
        wrap_and_unwrap(key);
    }
    if (!options.destroy || key == 0)
        hold();
    must("C_DestroyObject", module->C_DestroyObject(session, key));
    must("C_Finalize", module->C_Finalize(NULL));
    return 0;
}
