/* SPDX-License-Identifier: MIT
 *
 * Private keys of OpenSSL's that come in, as they are and wrapped: the token signs with them what
 * OpenSSL verifies, and their private object tells their public half without a public object.
 */
#include "stand.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { LIST_MOST = 24, ROOM = 8192, SIGNATURE_MOST = 512 };

/* The template of a key that comes in */
struct coming {
    CK_ATTRIBUTE list[LIST_MOST];
    CK_ULONG count;
    uint8_t room[ROOM];
    size_t used;
};

static void add(struct coming *coming, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
    assert_true(coming->count < LIST_MOST && coming->used + len <= ROOM);
    uint8_t *at = coming->room + coming->used;
    memcpy(at, value, len);
    coming->used += (len + 7) / 8 * 8;
    coming->list[coming->count++] = (CK_ATTRIBUTE){type, at, len};
}

static void add_number(struct coming *coming, CK_ATTRIBUTE_TYPE type, EVP_PKEY *key, const char *of)
{
    uint8_t bytes[512];
    BIGNUM *number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, of, &number), 1);
    const int len = BN_bn2bin(number, bytes);
    BN_clear_free(number);
    add(coming, type, bytes, (size_t)len);
}

static void begin(struct coming *coming, CK_KEY_TYPE type)
{
    const CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    const CK_BBOOL yes = CK_TRUE;
    *coming = (struct coming){.count = 0};
    add(coming, CKA_CLASS, &class, sizeof class);
    add(coming, CKA_KEY_TYPE, &type, sizeof type);
    add(coming, CKA_TOKEN, &yes, sizeof yes);
    add(coming, CKA_SIGN, &yes, sizeof yes);
    add(coming, CKA_ID, MADE "import", strlen(MADE "import"));
    add(coming, CKA_LABEL, "coming", 6);
}

/* ---- kinds of keys ---- */

static EVP_PKEY *new_p256(void)
{
    return EVP_EC_gen("P-256");
}
static EVP_PKEY *new_p384(void)
{
    return EVP_EC_gen("P-384");
}
static EVP_PKEY *new_rsa(void)
{
    return EVP_RSA_gen(2048);
}
static EVP_PKEY *new_ed25519(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static void add_ec(struct coming *coming, EVP_PKEY *key)
{
    static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
    if (EVP_PKEY_get_bits(key) == 256)
        add(coming, CKA_EC_PARAMS, p256, sizeof p256);
    else
        add(coming, CKA_EC_PARAMS, p384, sizeof p384);
    add_number(coming, CKA_VALUE, key, OSSL_PKEY_PARAM_PRIV_KEY);
}

static void add_ed25519(struct coming *coming, EVP_PKEY *key)
{
    static const uint8_t params[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
    uint8_t value[32];
    size_t len = sizeof value;
    assert_int_equal(EVP_PKEY_get_raw_private_key(key, value, &len), 1);
    add(coming, CKA_EC_PARAMS, params, sizeof params);
    add(coming, CKA_VALUE, value, len);
}

static void add_rsa(struct coming *coming, EVP_PKEY *key)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *of;
    } rows[] = {{CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N}, {CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E},
        {CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D}, {CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1},
        {CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2}, {CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1},
        {CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2},
        {CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};
    for (size_t i = 0; i < COUNT(rows); i++)
        add_number(coming, rows[i].type, key, rows[i].of);
}

static const struct kind {
    CK_KEY_TYPE type;
    CK_MECHANISM_TYPE mechanism;
    EVP_PKEY *(*make)(void);
    void (*add)(struct coming *coming, EVP_PKEY *key);
} kinds[] = {
    {CKK_EC, CKM_ECDSA_SHA256, new_p256, add_ec},
    {CKK_EC, CKM_ECDSA_SHA256, new_p384, add_ec},
    {CKK_EC_EDWARDS, CKM_EDDSA, new_ed25519, add_ed25519},
    {CKK_RSA, CKM_SHA256_RSA_PKCS, new_rsa, add_rsa},
};

/* ---- what is expected ---- */

static size_t der_of_pair(const uint8_t *signature, size_t len, uint8_t *der)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    assert_int_equal(ECDSA_SIG_set0(pair, BN_bin2bn(signature, (int)len / 2, NULL),
                         BN_bin2bn(signature + len / 2, (int)len / 2, NULL)),
        1);
    const int size = i2d_ECDSA_SIG(pair, &der);
    ECDSA_SIG_free(pair);
    assert_true(size > 0);
    return (size_t)size;
}

static void expect_signs(const struct kind *kind, CK_OBJECT_HANDLE key, EVP_PKEY *verifier)
{
    uint8_t message[] = "a message";
    uint8_t signature[SIGNATURE_MOST];
    uint8_t der[SIGNATURE_MOST];
    CK_ULONG len = sizeof signature;
    CK_MECHANISM mechanism = {kind->mechanism, NULL, 0};
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &mechanism, key));
    assert_rv(CKR_OK, p11->C_Sign(stand.session, message, sizeof message, signature, &len));
    const bool is_pair = kind->type == CKK_EC;
    const size_t size = is_pair ? der_of_pair(signature, len, der) : len;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *hash = kind->type == CKK_EC_EDWARDS ? NULL : EVP_sha256();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, hash, NULL, verifier), 1);
    assert_int_equal(
        EVP_DigestVerify(context, is_pair ? der : signature, size, message, sizeof message), 1);
    EVP_MD_CTX_free(context);
}

static void expect_tells(CK_OBJECT_HANDLE key, EVP_PKEY *verifier)
{
    EVP_PKEY *told = read_public_key(stand.session, key);
    assert_int_equal(EVP_PKEY_eq(told, verifier), 1);
    EVP_PKEY_free(told);
}

/* What clients ask for at once, and must get at once */
static void expect_answers_all(CK_OBJECT_HANDLE key)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS, CKA_KEY_TYPE, CKA_COPYABLE, CKA_TOKEN,
        CKA_PRIVATE, CKA_ID, CKA_LABEL, CKA_PUBLIC_KEY_INFO, CKA_ALWAYS_AUTHENTICATE,
        CKA_ALLOWED_MECHANISMS, CKA_EXTRACTABLE, CKA_SENSITIVE, CKA_SIGN, CKA_DECRYPT, CKA_UNWRAP,
        CKA_DERIVE, CKA_SUBJECT, CKA_LOCAL, CKA_START_DATE, CKA_EC_PARAMS, CKA_EC_POINT};
    enum { BUT_EC = COUNT(types) - 2 };
    CK_ATTRIBUTE list[COUNT(types)];
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE of_type = {CKA_KEY_TYPE, &type, sizeof type};
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, key, &of_type, 1));
    for (size_t i = 0; i < COUNT(types); i++)
        list[i] = (CK_ATTRIBUTE){types[i], NULL, 0};
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, key, list,
                          type == CKK_RSA ? (CK_ULONG)BUT_EC : (CK_ULONG)COUNT(types)));
}

/* ---- tests ---- */

static void a_private_key_comes_in_signs_and_tells_its_public_half(void **state)
{
    struct coming coming;
    CK_OBJECT_HANDLE object;
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        EVP_PKEY *key = kinds[i].make();
        begin(&coming, kinds[i].type);
        kinds[i].add(&coming, key);
        assert_rv(CKR_OK, p11->C_CreateObject(stand.session, coming.list, coming.count, &object));
        expect_tells(object, key);
        expect_answers_all(object);
        expect_signs(&kinds[i], object, key);
        EVP_PKEY_free(key);
    }
}

static void a_public_half_that_is_anothers_is_refused(void **state)
{
    struct coming coming;
    CK_OBJECT_HANDLE object;
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        EVP_PKEY *key = kinds[i].make();
        EVP_PKEY *other = kinds[i].make();
        EVP_PKEY *told[] = {other, key};
        static const CK_RV wanted[] = {CKR_TEMPLATE_INCONSISTENT, CKR_OK};
        for (size_t j = 0; j < COUNT(told); j++) {
            unsigned char *der = NULL;
            const int len = i2d_PUBKEY(told[j], &der);
            assert_true(len > 0);
            begin(&coming, kinds[i].type);
            kinds[i].add(&coming, key);
            add(&coming, CKA_PUBLIC_KEY_INFO, der, (size_t)len);
            OPENSSL_free(der);
            assert_rv(
                wanted[j], p11->C_CreateObject(stand.session, coming.list, coming.count, &object));
        }
        EVP_PKEY_free(key);
        EVP_PKEY_free(other);
    }
}

/* RFC 5649 of the key's PKCS #8 */
static CK_ULONG wrap_with(const uint8_t kek[32], EVP_PKEY *key, uint8_t wrapped[ROOM])
{
    unsigned char *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    const int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int size = 0;
    assert_true(len > 0);
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_256_wrap_pad(), NULL, kek, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(context, wrapped, &size, der, len), 1);
    EVP_CIPHER_CTX_free(context);
    PKCS8_PRIV_KEY_INFO_free(info);
    OPENSSL_free(der);
    return (CK_ULONG)size;
}

static void a_wrapped_private_key_comes_in_and_signs(void **state)
{
    static const uint8_t kek_bytes[32] = {7, 1, 3};
    static const size_t wrapped_kinds[] = {0, 3};
    uint8_t wrapped[ROOM];
    struct coming coming;
    CK_MECHANISM pad = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
    CK_OBJECT_HANDLE kek;
    CK_OBJECT_HANDLE object;
    (void)state;
    assert_rv(CKR_OK,
        import_secret(stand.session, false, "kek", CKK_AES, kek_bytes, sizeof kek_bytes, &kek));
    for (size_t i = 0; i < COUNT(wrapped_kinds); i++) {
        const struct kind *kind = &kinds[wrapped_kinds[i]];
        EVP_PKEY *key = kind->make();
        const CK_ULONG len = wrap_with(kek_bytes, key, wrapped);
        begin(&coming, kind->type);
        assert_rv(CKR_OK, p11->C_UnwrapKey(stand.session, &pad, kek, wrapped, len, coming.list,
                              coming.count, &object));
        expect_signs(kind, object, key);
        EVP_PKEY_free(key);
    }
}

int import_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(a_private_key_comes_in_signs_and_tells_its_public_half),
        WITH_STAND(a_public_half_that_is_anothers_is_refused),
        WITH_STAND(a_wrapped_private_key_comes_in_and_signs),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
