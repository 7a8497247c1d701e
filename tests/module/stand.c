/* SPDX-License-Identifier: MIT
 *
 * The stand of the module's tests.
 */
#include "stand.h"

#include <dlfcn.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct options options;
struct stand stand;
CK_FUNCTION_LIST *p11;

CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
CK_MECHANISM ecdsa_sha256 = {CKM_ECDSA_SHA256, NULL, 0};
CK_MECHANISM generation = {CKM_EC_KEY_PAIR_GEN, NULL, 0};

enum { OTHER_FAILED = 125 };

void stand_check_rv(CK_RV got, CK_RV wanted, const char *what, const char *file, int line)
{
    if (got == wanted)
        return;
    print_error("%s\n  is 0x%08lx, wanted 0x%08lx\n", what, got, wanted);
    _fail(file, line);
}

bool stand_load(const char *module)
{
    CK_C_GetFunctionList get_list = NULL;
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    return get_list != NULL && get_list(&p11) == CKR_OK;
}

/* ---- each test's session and key ---- */

CK_RV find_slot(CK_SLOT_ID *ret_slot)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = COUNT(slots);
    char label[33];
    (void)snprintf(label, sizeof label, "%-32s", options.token);
    CK_RV rv = p11->C_GetSlotList(CK_TRUE, slots, &count);
    for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++) {
        CK_TOKEN_INFO info;
        if (p11->C_GetTokenInfo(slots[i], &info) == CKR_OK && memcmp(info.label, label, 32) == 0) {
            *ret_slot = slots[i];
            return CKR_OK;
        }
    }
    return rv == CKR_OK ? CKR_TOKEN_NOT_PRESENT : rv;
}

CK_RV open_session(CK_FLAGS flags, CK_SESSION_HANDLE *ret_session)
{
    return p11->C_OpenSession(stand.slot, CKF_SERIAL_SESSION | flags, NULL, NULL, ret_session);
}

CK_RV log_in(CK_SESSION_HANDLE session)
{
    CK_RV rv = p11->C_Login(session, CKU_USER, options.pin, options.pin_len);
    return rv == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : rv;
}

int stand_up(void **state)
{
    CK_ULONG count = 0;
    (void)state;
    (void)p11->C_Finalize(NULL); /* a test whose stand could not be set up is not torn down */
    stand = (struct stand){0};
    assert_rv(CKR_OK, p11->C_Initialize(NULL));
    assert_rv(CKR_OK, find_slot(&stand.slot));
    assert_rv(CKR_OK, open_session(CKF_RW_SESSION, &stand.session));
    assert_rv(CKR_OK, open_session(0, &stand.read_only));
    assert_rv(CKR_OK, log_in(stand.session));
    stand.key = find_key(stand.session, "device");
    assert_rv(
        CKR_OK, find_by_label(stand.session, CKO_PUBLIC_KEY, "device", &stand.public_key, &count));
    assert_int_not_equal(stand.key, 0);
    assert_int_not_equal(count, 0);
    stand.verifier = read_public_key(stand.session, stand.public_key);
    return 0;
}

static bool was_made(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    CK_BYTE bytes[64];
    CK_ATTRIBUTE id = {CKA_ID, bytes, sizeof bytes};
    return p11->C_GetAttributeValue(session, object, &id, 1) == CKR_OK &&
           id.ulValueLen >= strlen(MADE) && memcmp(bytes, MADE, strlen(MADE)) == 0;
}

static void destroy_made(CK_SESSION_HANDLE session)
{
    CK_OBJECT_HANDLE objects[256];
    CK_ULONG count = 0;
    if (p11->C_FindObjectsInit(session, NULL, 0) == CKR_OK) {
        (void)p11->C_FindObjects(session, objects, COUNT(objects), &count);
        (void)p11->C_FindObjectsFinal(session);
    }
    for (CK_ULONG i = 0; i < count; i++)
        if (was_made(session, objects[i]))
            (void)p11->C_DestroyObject(session, objects[i]);
}

/* A test may have failed in any state: begin again. */
int stand_down(void **state)
{
    CK_SESSION_HANDLE session;
    (void)state;
    EVP_PKEY_free(stand.verifier);
    stand.verifier = NULL;
    (void)p11->C_Finalize(NULL);
    if (p11->C_Initialize(NULL) == CKR_OK && find_slot(&stand.slot) == CKR_OK &&
        open_session(CKF_RW_SESSION, &session) == CKR_OK && log_in(session) == CKR_OK)
        destroy_made(session);
    return p11->C_Finalize(NULL) == CKR_OK ? 0 : -1;
}

/* ---- objects ---- */

CK_RV find_by_label(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label,
    CK_OBJECT_HANDLE *ret_first, CK_ULONG *ret_count)
{
    CK_ATTRIBUTE template[] = {
        {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}, {CKA_CLASS, &class, sizeof class}};
    CK_OBJECT_HANDLE objects[100];
    const CK_ULONG wanted = class == CK_UNAVAILABLE_INFORMATION ? 1 : 2;
    CK_RV rv = p11->C_FindObjectsInit(session, template, wanted);
    if (rv != CKR_OK)
        return rv;
    rv = p11->C_FindObjects(session, objects, COUNT(objects), ret_count);
    if (rv == CKR_OK && *ret_count > 0 && ret_first != NULL)
        *ret_first = objects[0];
    CK_RV end = p11->C_FindObjectsFinal(session);
    return rv == CKR_OK ? end : rv;
}

CK_OBJECT_HANDLE find_key(CK_SESSION_HANDLE session, const char *label)
{
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG count = 0;
    CK_RV rv = find_by_label(session, CKO_PRIVATE_KEY, label, &key, &count);
    return rv == CKR_OK && count > 0 ? key : 0;
}

static CK_ATTRIBUTE id_of(const char *label, char room[64])
{
    const int len = snprintf(room, 64, MADE "%s", label);
    return (CK_ATTRIBUTE){CKA_ID, room, (CK_ULONG)len};
}

CK_RV generate(CK_SESSION_HANDLE session, bool token, const char *label, struct pair *ret_pair)
{
    char id[64];
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL in_token = token;
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &in_token, sizeof in_token}, id_of(label, id),
        {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}, {CKA_EC_PARAMS, p256, sizeof p256}};
    return p11->C_GenerateKeyPair(session, &generation, template, 4, template, 3,
        &ret_pair->public_key, &ret_pair->private_key);
}

CK_RV store_certificate(CK_SESSION_HANDLE session, bool token, const char *label, const void *value,
    CK_ULONG len, CK_OBJECT_HANDLE *ret_certificate)
{
    static CK_BYTE subject[] = {0x30, 0x00};
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BBOOL in_token = token;
    char id[64];
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
        {CKA_CERTIFICATE_TYPE, &type, sizeof type}, {CKA_TOKEN, &in_token, sizeof in_token},
        {CKA_SUBJECT, subject, sizeof subject}, id_of(label, id),
        {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)},
        {CKA_VALUE, (void *)(uintptr_t)value, len}};
    return p11->C_CreateObject(session, template, COUNT(template), ret_certificate);
}

/* The attributes that all secret keys of the tests have. */
enum { SECRET_ATTRIBUTES = 10 };

static void fill_secret(
    CK_ATTRIBUTE template[SECRET_ATTRIBUTES], CK_BBOOL *in_token, const char *label, char id[64])
{
    static CK_BBOOL yes = CK_TRUE;
    static const CK_ATTRIBUTE_TYPE permissions[] = {
        CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_EXTRACTABLE};
    template[0] = (CK_ATTRIBUTE){CKA_TOKEN, in_token, sizeof *in_token};
    template[1] = id_of(label, id);
    template[2] = (CK_ATTRIBUTE){CKA_LABEL, (void *)(uintptr_t)label, strlen(label)};
    for (size_t i = 0; i < COUNT(permissions); i++)
        template[3 + i] = (CK_ATTRIBUTE){permissions[i], &yes, sizeof yes};
}

CK_RV import_secret(CK_SESSION_HANDLE session, bool token, const char *label, CK_KEY_TYPE type,
    const void *value, CK_ULONG len, CK_OBJECT_HANDLE *ret_key)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL in_token = token;
    char id[64];
    CK_ATTRIBUTE template[SECRET_ATTRIBUTES + 3] = {{CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, (void *)(uintptr_t)value, len}};
    fill_secret(template + 3, &in_token, label, id);
    return p11->C_CreateObject(session, template, COUNT(template), ret_key);
}

CK_RV generate_secret(CK_SESSION_HANDLE session, bool token, const char *label,
    CK_MECHANISM_TYPE type, CK_ULONG len, CK_OBJECT_HANDLE *ret_key)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_BBOOL in_token = token;
    char id[64];
    CK_ATTRIBUTE template[SECRET_ATTRIBUTES + 1] = {{CKA_VALUE_LEN, &len, sizeof len}};
    fill_secret(template + 1, &in_token, label, id);
    return p11->C_GenerateKey(session, &mechanism, template, COUNT(template), ret_key);
}

CK_RV relabel(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, const char *label)
{
    CK_ATTRIBUTE template[] = {{CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
    return p11->C_SetAttributeValue(session, object, template, COUNT(template));
}

EVP_PKEY *read_public_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    unsigned char der[512];
    const unsigned char *at = der;
    CK_ATTRIBUTE attribute = {CKA_PUBLIC_KEY_INFO, der, sizeof der};
    assert_rv(CKR_OK, p11->C_GetAttributeValue(session, key, &attribute, 1));
    EVP_PKEY *public_key = d2i_PUBKEY(NULL, &at, (long)attribute.ulValueLen);
    assert_non_null(public_key);
    return public_key;
}

/* ---- signatures ---- */

CK_RV sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const CK_BYTE digest[DIGEST],
    CK_BYTE ret_signature[SIGNATURE])
{
    CK_ULONG len = SIGNATURE;
    CK_RV rv = p11->C_SignInit(session, &ecdsa, key);
    if (rv == CKR_OK)
        rv = p11->C_Sign(session, (CK_BYTE *)(uintptr_t)digest, DIGEST, ret_signature, &len);
    return rv == CKR_OK && len != SIGNATURE ? CKR_SIGNATURE_LEN_RANGE : rv;
}

bool verifies(EVP_PKEY *key, const CK_BYTE digest[DIGEST], const CK_BYTE signature[SIGNATURE])
{
    unsigned char *der = NULL;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool right = false;
    if (ECDSA_SIG_set0(pair, BN_bin2bn(signature, SIGNATURE / 2, NULL),
            BN_bin2bn(signature + SIGNATURE / 2, SIGNATURE / 2, NULL)) == 1) {
        int len = i2d_ECDSA_SIG(pair, &der);
        right = len > 0 && EVP_PKEY_verify_init(context) == 1 &&
                EVP_PKEY_verify(context, der, (size_t)len, digest, DIGEST) == 1;
    }
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    EVP_PKEY_CTX_free(context);
    return right;
}

bool verifies_message(
    EVP_PKEY *key, const void *message, size_t len, const CK_BYTE signature[SIGNATURE])
{
    CK_BYTE digest[DIGEST];
    return EVP_Digest(message, len, digest, NULL, EVP_sha256(), NULL) == 1 &&
           verifies(key, digest, signature);
}

void assert_signs(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, EVP_PKEY *verifier)
{
    static CK_BYTE digest[DIGEST];
    CK_BYTE signature[SIGNATURE];
    digest[0]++;
    assert_rv(CKR_OK, sign(session, key, digest, signature));
    assert_true(verifies(verifier, digest, signature));
}

/* ---- another process ---- */

CK_ULONG other_process(const char *verb, const char *label, const char *new_label)
{
    const char *pin_file = options.pin_file != NULL ? options.pin_file : "";
    int status;
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execl("/proc/self/exe", options.program, "--pin-file", pin_file, "--other", verb,
            label, new_label, (char *)NULL);
        _exit(OTHER_FAILED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), OTHER_FAILED);
    return (CK_ULONG)WEXITSTATUS(status);
}

static CK_RV act_on(CK_SESSION_HANDLE session, const char *verb, const char *label,
    const char *new_label, CK_ULONG *ret_count)
{
    CK_OBJECT_HANDLE object = 0;
    CK_ULONG left = 0;
    CK_RV rv = find_by_label(session, CK_UNAVAILABLE_INFORMATION, label, &object, ret_count);
    if (strcmp(verb, "count") == 0)
        return rv;
    for (left = *ret_count; rv == CKR_OK && left > 0;) {
        if (strcmp(verb, "destroy") == 0)
            rv = p11->C_DestroyObject(session, object);
        else
            rv = relabel(session, object, new_label);
        if (rv == CKR_OK)
            rv = find_by_label(session, CK_UNAVAILABLE_INFORMATION, label, &object, &left);
    }
    return rv;
}

int other_main(char **arguments)
{
    CK_SESSION_HANDLE session;
    CK_ULONG count = 0;
    CK_RV rv = p11->C_Initialize(NULL);
    if (rv == CKR_OK)
        rv = find_slot(&stand.slot);
    if (rv == CKR_OK)
        rv = open_session(CKF_RW_SESSION, &session);
    if (rv == CKR_OK)
        rv = log_in(session);
    if (rv == CKR_OK)
        rv = act_on(session, arguments[0], arguments[1], arguments[2], &count);
    (void)p11->C_Finalize(NULL);
    if (rv != CKR_OK)
        fprintf(stderr, "other process, %s %s: 0x%08lx\n", arguments[0], arguments[1], rv);
    return rv == CKR_OK ? (int)count : OTHER_FAILED;
}

/* ---- functions by their place ---- */

typedef CK_RV (*any_function)(
    CK_ULONG first, void *, void *, void *, void *, void *, void *, void *);

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define FUNCTION(function) {#function, offsetof(CK_FUNCTION_LIST, function)},
#include "pkcs11-module/functions.def"
#undef FUNCTION
};

size_t function_count(void)
{
    return COUNT(functions);
}

const char *function_name(size_t i)
{
    return functions[i].name;
}

/* All arguments are integers or pointers, so a callee finds those that it has and does not see the
 * rest. */
CK_RV function_call(size_t i, CK_ULONG first)
{
    any_function function;
    memcpy(&function, (const char *)p11 + functions[i].offset, sizeof function);
    return function(first, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
}

CK_RV function_call_with(const char *name, const CK_ULONG words[8])
{
    typedef CK_RV (*of_words)(CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG,
        CK_ULONG);
    of_words function = NULL;
    for (size_t i = 0; i < COUNT(functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            memcpy(&function, (const char *)p11 + functions[i].offset, sizeof function);
    assert_non_null(function);
    return function(words[0], words[1], words[2], words[3], words[4], words[5], words[6], words[7]);
}
