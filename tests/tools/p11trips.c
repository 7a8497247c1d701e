/* SPDX-License-Identifier: MIT
 *
 * A client that makes many calls around each use of a key, as libp11, OpenSSH and pkcs11-tool do
 * together. It prints what it did; the daemon counts what it was asked.
 *
 *   p11trips MODULE sign|mac|encrypt|find TIMES
 *   p11trips MODULE read                     finds all objects, reads all their attributes
 *   p11trips MODULE count                    finds all at each line of stdin, and says how many
 *   p11trips MODULE again TIMES              C_Finalize, C_Initialize; says how many files it has
 * open p11trips MODULE fill-keys 0 0            puts the keys of the above into the token p11trips
 * MODULE fill-objects PAIRS CERTIFICATES
 */
#include "wire/attribute.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <p11-kit/p11-kit.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef tag_bits

enum {
    EXIT_BAD_USAGE = 64,
    EXIT_FAILED = 70,
    OBJECTS_AT_ONCE = 100,
    ENCRYPT_SIZE = 60 * 1024,
    FILES_MAX = 1024
};

static CK_FUNCTION_LIST *p11;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE session; /* stays open, so that a login stays */

static CK_BBOOL yes = CK_TRUE;
static const CK_ULONG key_bytes = 32;

static void check(CK_RV rv, const char *what)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "p11trips: %s: 0x%lx\n", what, rv);
    exit(EXIT_FAILED);
}
#define CHECK(call) check((call), #call)

static void initialize(void)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = sizeof slots / sizeof slots[0];
    CK_TOKEN_INFO info;
    CHECK(p11_kit_module_initialize(p11));
    CHECK(p11->C_GetSlotList(CK_TRUE, slots, &count));
    check(count == 0 ? CKR_TOKEN_NOT_PRESENT : CKR_OK, "a token");
    slot = slots[0]; /* SoftHSM has an empty one behind it */
    CHECK(p11->C_GetTokenInfo(slot, &info));
    CHECK(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    char *pin = getenv("SIGNERD_PIN");
    if ((info.flags & CKF_LOGIN_REQUIRED) != 0 && pin != NULL)
        CHECK(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)));
}

static void open_token(const char *path)
{
    p11 = p11_kit_module_load(path, 0);
    check(p11 == NULL ? CKR_GENERAL_ERROR : CKR_OK, path);
    initialize();
}

/* ---- filling ---- */

static void make_pair(unsigned long number, const char *label)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BYTE id[] = {(CK_BYTE)(number >> 8), (CK_BYTE)number};
    CK_MECHANISM how = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public_key[] = {{CKA_TOKEN, &yes, sizeof yes}, {CKA_EC_PARAMS, p256, sizeof p256},
        {CKA_LABEL, (char *)(uintptr_t)label, strlen(label)}, {CKA_ID, id, sizeof id}};
    CK_ATTRIBUTE private_key[] = {{CKA_TOKEN, &yes, sizeof yes},
        {CKA_LABEL, (char *)(uintptr_t)label, strlen(label)}, {CKA_ID, id, sizeof id}};
    CK_OBJECT_HANDLE keys[2];
    CHECK(p11->C_GenerateKeyPair(session, &how, public_key, 4, private_key, 3, &keys[0], &keys[1]));
}

static void make_secret(CK_MECHANISM_TYPE type, CK_ATTRIBUTE_TYPE use, const char *label)
{
    CK_MECHANISM how = {type, NULL, 0};
    CK_ULONG length = key_bytes;
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &yes, sizeof yes},
        {CKA_VALUE_LEN, &length, sizeof length},
        {CKA_LABEL, (char *)(uintptr_t)label, strlen(label)}, {use, &yes, sizeof yes}};
    CK_OBJECT_HANDLE key;
    CHECK(p11->C_GenerateKey(session, &how, template, 4, &key));
}

static void add_extension(X509 *x509, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    check(extension == NULL || X509_add_ext(x509, extension, -1) != 1 ? CKR_GENERAL_ERROR : CKR_OK,
        value);
    X509_EXTENSION_free(extension);
}

/* Self-signed, of another key each: none is like the one before. */
static X509 *issue(unsigned long number)
{
    char name[64];
    X509 *x509 = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    (void)snprintf(name, sizeof name, "device-%lu.sensors.example.com", number);
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), 0x1234567890000000 + number * 7919);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 365L * 86400);
    X509_NAME *subject = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(subject, "C", MBSTRING_ASC, (const unsigned char *)"DE", -1, -1, 0);
    X509_NAME_add_entry_by_txt(
        subject, "O", MBSTRING_ASC, (const unsigned char *)"Example Sensors GmbH", -1, -1, 0);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x509, subject);
    X509_set_pubkey(x509, key);
    add_extension(x509, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(x509, NID_key_usage, "critical,digitalSignature");
    add_extension(x509, NID_ext_key_usage, "clientAuth");
    add_extension(x509, NID_subject_key_identifier, "hash");
    add_extension(x509, NID_info_access, "OCSP;URI:http://ocsp.example.com");
    (void)snprintf(name, sizeof name, "DNS:device-%lu.sensors.example.com", number);
    add_extension(x509, NID_subject_alt_name, name);
    check(X509_sign(x509, key, EVP_sha256()) == 0 ? CKR_GENERAL_ERROR : CKR_OK, "X509_sign");
    EVP_PKEY_free(key);
    return x509;
}

static size_t store_certificate(unsigned long number)
{
    X509 *x509 = issue(number);
    unsigned char *der = NULL;
    unsigned char *subject = NULL;
    const int len = i2d_X509(x509, &der);
    const int subject_len = i2d_X509_NAME(X509_get_subject_name(x509), &subject);
    char label[40];
    const int label_len = snprintf(label, sizeof label, "certificate-%lu", number);
    CK_BYTE id[] = {1, (CK_BYTE)(number >> 8), (CK_BYTE)number};
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, sizeof yes},
        {CKA_CERTIFICATE_TYPE, &type, sizeof type}, {CKA_VALUE, der, (CK_ULONG)len},
        {CKA_SUBJECT, subject, (CK_ULONG)subject_len}, {CKA_ISSUER, subject, (CK_ULONG)subject_len},
        {CKA_LABEL, label, (CK_ULONG)label_len}, {CKA_ID, id, sizeof id}};
    CK_OBJECT_HANDLE object;
    CHECK(p11->C_CreateObject(session, template, 8, &object));
    OPENSSL_free(der);
    OPENSSL_free(subject);
    X509_free(x509);
    return (size_t)len;
}

static void fill_keys(void)
{
    make_pair(0, "device");
    make_secret(CKM_GENERIC_SECRET_KEY_GEN, CKA_SIGN, "mac");
    make_secret(CKM_AES_KEY_GEN, CKA_ENCRYPT, "aes");
}

static void fill(unsigned long pairs, unsigned long certificates)
{
    size_t bytes = 0;
    for (unsigned long i = 1; i <= pairs; i++) {
        char label[32];
        (void)snprintf(label, sizeof label, "sensor-%lu", i);
        make_pair(i, label);
    }
    for (unsigned long i = 0; i < certificates; i++)
        bytes += store_certificate(i);
    if (certificates > 0)
        printf("certificates of %zu bytes\n", bytes / certificates);
}

/* ---- reading ---- */

/* One attribute a call, its length first. */
static size_t read_attributes(CK_OBJECT_HANDLE object)
{
    static unsigned char value[WIRE_TEMPLATE_MAX];
    size_t read = 0;
    for (size_t i = 0; i < attribute_rows_count; i++) {
        CK_ATTRIBUTE attribute = {attribute_rows[i].type, NULL, 0};
        const CK_RV rv = p11->C_GetAttributeValue(session, object, &attribute, 1);
        if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE)
            continue;
        check(rv, "length");
        attribute.pValue = value;
        CHECK(p11->C_GetAttributeValue(session, object, &attribute, 1));
        read++;
    }
    return read;
}

static void read_all(void)
{
    CK_OBJECT_HANDLE objects[OBJECTS_AT_ONCE];
    CK_ULONG count;
    size_t all = 0;
    size_t attributes = 0;
    CHECK(p11->C_FindObjectsInit(session, NULL, 0));
    do {
        CHECK(p11->C_FindObjects(session, objects, OBJECTS_AT_ONCE, &count));
        for (CK_ULONG i = 0; i < count; i++)
            attributes += read_attributes(objects[i]);
        all += count;
    } while (count > 0);
    CHECK(p11->C_FindObjectsFinal(session));
    printf("%zu objects, %zu attributes\n", all, attributes);
}

static void count_all(void)
{
    CK_OBJECT_HANDLE objects[OBJECTS_AT_ONCE];
    CK_ULONG count;
    char line[16];
    while (fgets(line, sizeof line, stdin) != NULL) {
        CHECK(p11->C_FindObjectsInit(session, NULL, 0));
        CHECK(p11->C_FindObjects(session, objects, OBJECTS_AT_ONCE, &count));
        CHECK(p11->C_FindObjectsFinal(session));
        printf("%lu\n", count);
        (void)fflush(stdout);
    }
}

static unsigned open_files(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < FILES_MAX; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void initialize_again(unsigned long times)
{
    const unsigned before = open_files();
    for (; times > 0; times--) {
        CHECK(p11_kit_module_finalize(p11));
        initialize();
    }
    printf("files %u %u\n", before, open_files());
}

/* ---- keys at work ---- */

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE where, CK_OBJECT_CLASS class, const char *label)
{
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (char *)(uintptr_t)label, strlen(label)}};
    CK_OBJECT_HANDLE object;
    CK_ULONG count;
    CHECK(p11->C_FindObjectsInit(where, template, 2));
    CHECK(p11->C_FindObjects(where, &object, 1, &count));
    CHECK(p11->C_FindObjectsFinal(where));
    check(count == 1 ? CKR_OK : CKR_KEY_HANDLE_INVALID, label);
    return object;
}

static unsigned char in[ENCRYPT_SIZE];
static unsigned char out[ENCRYPT_SIZE + 64];

/* Size first, as GnuTLS asks it. */
static void sign(
    CK_SESSION_HANDLE where, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type, CK_ULONG len)
{
    CK_MECHANISM how = {type, NULL, 0};
    CK_ULONG out_len = 0;
    CHECK(p11->C_SignInit(where, &how, key));
    CHECK(p11->C_Sign(where, in, len, NULL, &out_len));
    CHECK(p11->C_Sign(where, in, len, out, &out_len));
}

static void use_ecdsa(CK_SESSION_HANDLE where)
{
    sign(where, find(where, CKO_PRIVATE_KEY, "device"), CKM_ECDSA, 32);
}

static void use_mac(CK_SESSION_HANDLE where)
{
    sign(where, find(where, CKO_SECRET_KEY, "mac"), CKM_SHA256_HMAC, ENCRYPT_SIZE);
}

static void use_aes(CK_SESSION_HANDLE where)
{
    CK_BYTE iv[12] = {1};
    CK_GCM_PARAMS params = {iv, sizeof iv, 8 * sizeof iv, NULL, 0, 128};
    CK_MECHANISM how = {CKM_AES_GCM, &params, sizeof params};
    CK_ULONG len = 0;
    CHECK(p11->C_EncryptInit(where, &how, find(where, CKO_SECRET_KEY, "aes")));
    CHECK(p11->C_Encrypt(where, in, ENCRYPT_SIZE, NULL, &len));
    CHECK(p11->C_Encrypt(where, in, ENCRYPT_SIZE, out, &len));
}

static void use_find(CK_SESSION_HANDLE where)
{
    (void)find(where, CKO_PUBLIC_KEY, "device");
}

/* All that a program may ask before and after, in a session of its own. */
static void with_calls_around(void (*use)(CK_SESSION_HANDLE))
{
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_INFO info;
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_MECHANISM_TYPE mechanisms[200];
    CK_ULONG mechanism_count = 200;
    CK_MECHANISM_INFO mechanism_info;
    CK_SESSION_INFO session_info;
    CK_SESSION_HANDLE mine;
    CHECK(p11->C_GetInfo(&info));
    CHECK(p11->C_GetSlotList(CK_TRUE, NULL, &count));
    CHECK(p11->C_GetSlotList(CK_TRUE, slots, &count));
    CHECK(p11->C_GetSlotInfo(slot, &slot_info));
    CHECK(p11->C_GetTokenInfo(slot, &token_info));
    CHECK(p11->C_GetMechanismList(slot, mechanisms, &mechanism_count));
    CHECK(p11->C_GetMechanismInfo(slot, CKM_ECDSA, &mechanism_info));
    CHECK(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &mine));
    CHECK(p11->C_GetSessionInfo(mine, &session_info));
    (void)read_attributes(find(mine, CKO_PUBLIC_KEY, "device"));
    use(mine);
    (void)read_attributes(find(mine, CKO_PRIVATE_KEY, "device"));
    CHECK(p11->C_CloseSession(mine));
}

static const struct {
    const char *name;
    void (*use)(CK_SESSION_HANDLE);
} uses[] = {{"sign", use_ecdsa}, {"mac", use_mac}, {"encrypt", use_aes}, {"find", use_find}};

int main(int argc, char **argv)
{
    const char *verb = argc > 2 ? argv[2] : "";
    void (*use)(CK_SESSION_HANDLE) = NULL;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        if (strcmp(uses[i].name, verb) == 0)
            use = uses[i].use;
    const bool known = (use != NULL && argc == 4) ||
                       ((strcmp(verb, "read") == 0 || strcmp(verb, "count") == 0) && argc == 3) ||
                       (strcmp(verb, "again") == 0 && argc == 4) ||
                       (strncmp(verb, "fill-", 5) == 0 && argc == 5);
    if (!known) {
        fputs("usage: p11trips MODULE sign|mac|encrypt|find|again TIMES | read | count | "
              "fill-keys|fill-objects "
              "N N\n",
            stderr);
        return EXIT_BAD_USAGE;
    }
    open_token(argv[1]);
    if (use != NULL) {
        with_calls_around(use_find);
        for (unsigned long i = strtoul(argv[3], NULL, 10); i > 0; i--)
            with_calls_around(use);
    } else if (strcmp(verb, "read") == 0) {
        read_all();
    } else if (strcmp(verb, "count") == 0) {
        count_all();
    } else if (strcmp(verb, "again") == 0) {
        initialize_again(strtoul(argv[3], NULL, 10));
    } else if (strcmp(verb, "fill-keys") == 0) {
        fill_keys();
    } else {
        fill(strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
    }
    CHECK(p11_kit_module_finalize(p11));
    return 0;
}
