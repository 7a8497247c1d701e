/* SPDX-License-Identifier: MIT
 *
 * C_WrapKey and C_UnwrapKey: CKM_AES_KEY_WRAP (RFC 3394), and whose size and handle is said.
 */
#include "stand.h"

#include "reference.h"

static CK_MECHANISM key_wrap = {CKM_AES_KEY_WRAP, NULL, 0};
static uint8_t kek_bytes[32];
static uint8_t key_bytes[32];
static CK_OBJECT_HANDLE kek;
static CK_OBJECT_HANDLE key;
static CK_BYTE wrapped[600];
static CK_ULONG len;

static int set_up(void **state)
{
    if (stand_up(state) != 0)
        return -1;
    fill_bytes(kek_bytes, sizeof kek_bytes, 11);
    fill_bytes(key_bytes, sizeof key_bytes, 12);
    assert_rv(CKR_OK,
        import_secret(stand.session, false, "kek", CKK_AES, kek_bytes, sizeof kek_bytes, &kek));
    assert_rv(CKR_OK,
        import_secret(stand.session, false, "wrapped", CKK_AES, key_bytes, sizeof key_bytes, &key));
    len = sizeof wrapped;
    return 0;
}
#define WITH_KEYS(test) cmocka_unit_test_setup_teardown(test, set_up, stand_down)

static CK_RV wrap(void)
{
    len = sizeof wrapped;
    return p11->C_WrapKey(stand.session, &key_wrap, kek, key, wrapped, &len);
}

static CK_RV unwrap(CK_BBOOL token, CK_KEY_TYPE type, CK_ULONG wrapped_len, CK_OBJECT_HANDLE *ret)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE;
    CK_BYTE id[] = {MADE "unwrapped"};
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type}, {CKA_TOKEN, &token, sizeof token},
        {CKA_ID, id, sizeof id - 1}, {CKA_ENCRYPT, &yes, sizeof yes},
        {CKA_DECRYPT, &yes, sizeof yes}, {CKA_SIGN, &yes, sizeof yes},
        {CKA_VERIFY, &yes, sizeof yes}};
    return p11->C_UnwrapKey(
        stand.session, &key_wrap, kek, wrapped, wrapped_len, template, COUNT(template), ret);
}

/* The key is the one with key_bytes: it encrypts as OpenSSL does with them. */
static void assert_is_the_key(CK_OBJECT_HANDLE other)
{
    uint8_t iv[BLOCK] = {9};
    uint8_t data[50] = {1, 2, 3};
    uint8_t wanted[sizeof data + BLOCK];
    uint8_t got[sizeof data + BLOCK];
    CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
    CK_ULONG got_len = sizeof got;
    const size_t wanted_len = reference_cbc(BYTES(key_bytes), iv, BYTES(data), wanted);
    assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, &cbc, other));
    assert_rv(CKR_OK, p11->C_Encrypt(stand.session, data, sizeof data, got, &got_len));
    assert_int_equal(got_len, wanted_len);
    assert_memory_equal(got, wanted, wanted_len);
}

/* RFC 3394, 4.6 */
static void the_known_answer_of_rfc_3394(void **state)
{
    static const uint8_t wanted[] = {0x28, 0xc9, 0xf4, 0x04, 0xc4, 0xb8, 0x10, 0xf4, 0xcb, 0xcc,
        0xb3, 0x5c, 0xfb, 0x87, 0xf8, 0x26, 0x3f, 0x57, 0x86, 0xe2, 0xd8, 0x0e, 0xd3, 0x26, 0xcb,
        0xc7, 0xf0, 0xe7, 0x1a, 0x99, 0xf4, 0x3b, 0xfb, 0x98, 0x8b, 0x9b, 0x7a, 0x02, 0xdd, 0x21};
    (void)state;
    for (size_t i = 0; i < sizeof kek_bytes; i++)
        kek_bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof key_bytes; i++)
        key_bytes[i] = (uint8_t)(i < 16 ? i * 0x11 : i - 16);
    assert_rv(CKR_OK,
        import_secret(stand.session, false, "kek", CKK_AES, kek_bytes, sizeof kek_bytes, &kek));
    assert_rv(CKR_OK,
        import_secret(stand.session, false, "wrapped", CKK_AES, key_bytes, sizeof key_bytes, &key));
    assert_rv(CKR_OK, wrap());
    assert_int_equal(len, sizeof wanted);
    assert_memory_equal(wrapped, wanted, sizeof wanted);
}

static void a_wrapped_key_is_what_openssl_makes_and_comes_back_as_a_key(void **state)
{
    static const CK_BBOOL places[] = {CK_FALSE, CK_TRUE};
    uint8_t wanted[sizeof key_bytes + 8];
    CK_OBJECT_HANDLE unwrapped;
    (void)state;
    reference_wrap(BYTES(kek_bytes), BYTES(key_bytes), wanted);
    assert_rv(CKR_OK, wrap());
    assert_int_equal(len, sizeof wanted);
    assert_memory_equal(wrapped, wanted, sizeof wanted);
    for (size_t i = 0; i < COUNT(places); i++) {
        assert_rv(CKR_OK, unwrap(places[i], CKK_AES, len, &unwrapped));
        assert_is_the_key(unwrapped);
    }
}

static void a_generic_secret_comes_back_too(void **state)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    uint8_t value[64];
    uint8_t mac[MAC_LEN];
    uint8_t wanted[MAC_LEN];
    CK_ULONG mac_len = sizeof mac;
    CK_OBJECT_HANDLE unwrapped;
    (void)state;
    fill_bytes(value, sizeof value, 13);
    assert_rv(CKR_OK, import_secret(stand.session, false, "generic", CKK_GENERIC_SECRET, value,
                          sizeof value, &key));
    assert_rv(CKR_OK, wrap());
    assert_int_equal(len, sizeof value + 8);
    assert_rv(CKR_OK, unwrap(CK_FALSE, CKK_GENERIC_SECRET, len, &unwrapped));
    reference_hmac(BYTES(value), BYTES(key_bytes), wanted);
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &hmac, unwrapped));
    assert_rv(CKR_OK, p11->C_Sign(stand.session, key_bytes, sizeof key_bytes, mac, &mac_len));
    assert_memory_equal(mac, wanted, MAC_LEN);
}

static void sizes_are_answered(void **state)
{
    (void)state;
    len = 0;
    assert_rv(CKR_OK, p11->C_WrapKey(stand.session, &key_wrap, kek, key, NULL, &len));
    assert_int_equal(len, sizeof key_bytes + 8);
    len--;
    assert_rv(
        CKR_BUFFER_TOO_SMALL, p11->C_WrapKey(stand.session, &key_wrap, kek, key, wrapped, &len));
    assert_int_equal(len, sizeof key_bytes + 8);
    assert_rv(CKR_OK, p11->C_WrapKey(stand.session, &key_wrap, kek, key, wrapped, &len));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_WrapKey(stand.session, &key_wrap, kek, key, wrapped, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_WrapKey(stand.session, NULL, kek, key, wrapped, &len));
}

/* SoftHSM does not tell how long an unwrapped key is: the device is asked for its size too. */
static void an_unwrapped_key_can_be_wrapped_again_and_its_size_is_answered(void **state)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type}, {CKA_EXTRACTABLE, &yes, sizeof yes}};
    uint8_t wanted[sizeof key_bytes + 8];
    (void)state;
    reference_wrap(BYTES(kek_bytes), BYTES(key_bytes), wanted);
    assert_rv(CKR_OK, p11->C_UnwrapKey(stand.session, &key_wrap, kek, wanted, sizeof wanted,
                          template, COUNT(template), &key));
    len = 0;
    assert_rv(CKR_OK, p11->C_WrapKey(stand.session, &key_wrap, kek, key, NULL, &len));
    assert_int_equal(len, sizeof wanted);
    len--;
    assert_rv(
        CKR_BUFFER_TOO_SMALL, p11->C_WrapKey(stand.session, &key_wrap, kek, key, wrapped, &len));
    assert_int_equal(len, sizeof wanted);
    assert_rv(CKR_OK, wrap());
    assert_int_equal(len, sizeof wanted);
    assert_memory_equal(wrapped, wanted, sizeof wanted);
}

static void a_key_that_is_not_extractable_is_not_wrapped(void **state)
{
    CK_MECHANISM generate_aes = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE template[] = {
        {CKA_VALUE_LEN, &size, sizeof size}, {CKA_EXTRACTABLE, &no, sizeof no}};
    (void)state;
    for (CK_ULONG count = 1; count <= COUNT(template); count++) {
        assert_rv(CKR_OK, p11->C_GenerateKey(stand.session, &generate_aes, template, count, &key));
        assert_rv(CKR_KEY_UNEXTRACTABLE, wrap());
    }
    key = stand.key;
    assert_rv(CKR_KEY_UNEXTRACTABLE, wrap());
}

static void keys_that_do_not_fit_are_said(void **state)
{
    CK_OBJECT_HANDLE odd;
    CK_OBJECT_HANDLE ignored;
    CK_BBOOL no = CK_FALSE;
    CK_ULONG size = 32;
    CK_MECHANISM generate_aes = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE template[] = {{CKA_VALUE_LEN, &size, sizeof size}, {CKA_WRAP, &no, sizeof no},
        {CKA_UNWRAP, &no, sizeof no}};
    (void)state;
    assert_rv(CKR_OK, wrap());
    assert_rv(CKR_OK,
        import_secret(stand.session, false, "odd", CKK_GENERIC_SECRET, key_bytes, 31, &odd));
    assert_rv(
        CKR_KEY_SIZE_RANGE, p11->C_WrapKey(stand.session, &key_wrap, kek, odd, wrapped, &len));
    assert_rv(CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
        p11->C_WrapKey(stand.session, &key_wrap, odd, key, wrapped, &len));
    assert_rv(CKR_WRAPPING_KEY_HANDLE_INVALID,
        p11->C_WrapKey(stand.session, &key_wrap, 0, key, wrapped, &len));
    assert_rv(
        CKR_KEY_HANDLE_INVALID, p11->C_WrapKey(stand.session, &key_wrap, kek, 0, wrapped, &len));
    assert_rv(
        CKR_OK, p11->C_GenerateKey(stand.session, &generate_aes, template, COUNT(template), &odd));
    assert_rv(CKR_KEY_FUNCTION_NOT_PERMITTED,
        p11->C_WrapKey(stand.session, &key_wrap, odd, key, wrapped, &len));
    kek = odd;
    assert_rv(CKR_KEY_FUNCTION_NOT_PERMITTED, unwrap(CK_FALSE, CKK_AES, 40, &ignored));
    kek = 0;
    assert_rv(CKR_UNWRAPPING_KEY_HANDLE_INVALID, unwrap(CK_FALSE, CKK_AES, 40, &ignored));
    kek = stand.key;
    assert_rv(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, unwrap(CK_FALSE, CKK_AES, 40, &ignored));
}

/* Both are in the token, and another process destroys one: the module's list still has it. */
static void a_key_that_is_gone_is_said_as_the_one_that_it_was(void **state)
{
    CK_OBJECT_HANDLE ignored;
    (void)state;
    assert_rv(CKR_OK, wrap());
    assert_rv(CKR_OK,
        import_secret(stand.session, true, "gone-kek", CKK_AES, kek_bytes, sizeof kek_bytes, &kek));
    assert_rv(CKR_OK, wrap());
    assert_int_equal(other_process("destroy", "gone-kek", NULL), 1);
    assert_rv(CKR_WRAPPING_KEY_HANDLE_INVALID, wrap());

    assert_rv(CKR_OK,
        import_secret(stand.session, true, "gone-kek", CKK_AES, kek_bytes, sizeof kek_bytes, &kek));
    assert_rv(CKR_OK, unwrap(CK_FALSE, CKK_AES, 40, &ignored));
    assert_int_equal(other_process("destroy", "gone-kek", NULL), 1);
    assert_rv(CKR_UNWRAPPING_KEY_HANDLE_INVALID, unwrap(CK_FALSE, CKK_AES, 40, &ignored));

    assert_rv(CKR_OK,
        import_secret(stand.session, false, "kek", CKK_AES, kek_bytes, sizeof kek_bytes, &kek));
    assert_rv(CKR_OK,
        import_secret(stand.session, true, "gone-key", CKK_AES, key_bytes, sizeof key_bytes, &key));
    assert_rv(CKR_OK, wrap());
    assert_int_equal(other_process("destroy", "gone-key", NULL), 1);
    assert_rv(CKR_KEY_HANDLE_INVALID, wrap());
}

/* A device may have RSA keys that are shorter than what a mechanism takes. */
static void the_size_of_an_rsa_key_is_said_of_the_key_that_wraps(void **state)
{
    static const CK_BYTE exponent[] = {1, 0, 1};
    CK_MECHANISM rsa = {CKM_RSA_PKCS, NULL, 0};
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_RSA;
    CK_BBOOL yes = CK_TRUE;
    CK_BYTE modulus[256];
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type}, {CKA_WRAP, &yes, sizeof yes},
        {CKA_PUBLIC_EXPONENT, (void *)(uintptr_t)exponent, sizeof exponent},
        {CKA_MODULUS, modulus, sizeof modulus / 2}};
    (void)state;
    fill_bytes(modulus, sizeof modulus, 14);
    modulus[0] |= 0x80;
    modulus[sizeof modulus / 2 - 1] |= 1;
    modulus[sizeof modulus - 1] |= 1;
    assert_rv(CKR_OK, p11->C_CreateObject(stand.session, template, COUNT(template), &kek));
    assert_rv(
        CKR_WRAPPING_KEY_SIZE_RANGE, p11->C_WrapKey(stand.session, &rsa, kek, key, wrapped, &len));
    template[COUNT(template) - 1].ulValueLen = sizeof modulus;
    assert_rv(CKR_OK, p11->C_CreateObject(stand.session, template, COUNT(template), &kek));
    assert_rv(CKR_OK, p11->C_WrapKey(stand.session, &rsa, kek, key, wrapped, &len));
    assert_int_equal(len, sizeof modulus);
    assert_rv(CKR_OK, import_secret(stand.session, false, "long", CKK_GENERIC_SECRET, modulus,
                          sizeof modulus - 10, &key));
    assert_rv(CKR_KEY_SIZE_RANGE, p11->C_WrapKey(stand.session, &rsa, kek, key, wrapped, &len));
}

static void what_was_changed_or_cut_does_not_unwrap(void **state)
{
    static const CK_ULONG lengths[] = {0, 8, 16, 39, 41, 9000};
    CK_OBJECT_HANDLE unwrapped;
    (void)state;
    assert_rv(CKR_OK, wrap());
    wrapped[20] ^= 1;
    assert_rv(CKR_WRAPPED_KEY_INVALID, unwrap(CK_FALSE, CKK_AES, 40, &unwrapped));
    wrapped[20] ^= 1;
    for (size_t i = 0; i < COUNT(lengths); i++)
        assert_rv(CKR_WRAPPED_KEY_LEN_RANGE, unwrap(CK_FALSE, CKK_AES, lengths[i], &unwrapped));
    assert_rv(CKR_OK, unwrap(CK_FALSE, CKK_AES, 40, &unwrapped));
}

static void mechanism_and_parameter_are_checked(void **state)
{
    CK_MECHANISM wrong[] = {{CKM_AES_KEY_WRAP, key_bytes, 7}, {CKM_AES_KEY_WRAP, NULL, 8},
        {CKM_AES_KEY_WRAP, key_bytes, 16}};
    CK_MECHANISM other = {CKM_AES_CBC_PAD, key_bytes, 16};
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_rv(CKR_MECHANISM_PARAM_INVALID,
            p11->C_WrapKey(stand.session, &wrong[i], kek, key, wrapped, &len));
    assert_rv(
        CKR_MECHANISM_INVALID, p11->C_WrapKey(stand.session, &other, kek, key, wrapped, &len));
    assert_rv(
        CKR_MECHANISM_INVALID, p11->C_WrapKey(stand.session, &generation, kek, key, wrapped, &len));
}

static void a_read_only_session_unwraps_into_the_session_alone(void **state)
{
    CK_OBJECT_HANDLE unwrapped;
    (void)state;
    assert_rv(CKR_OK, wrap());
    stand.session = stand.read_only;
    assert_rv(CKR_SESSION_READ_ONLY, unwrap(CK_TRUE, CKK_AES, 40, &unwrapped));
    assert_rv(CKR_OK, unwrap(CK_FALSE, CKK_AES, 40, &unwrapped));
    assert_is_the_key(unwrapped);
}

int wrap_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KEYS(the_known_answer_of_rfc_3394),
        WITH_KEYS(a_wrapped_key_is_what_openssl_makes_and_comes_back_as_a_key),
        WITH_KEYS(a_generic_secret_comes_back_too),
        WITH_KEYS(sizes_are_answered),
        WITH_KEYS(an_unwrapped_key_can_be_wrapped_again_and_its_size_is_answered),
        WITH_KEYS(a_key_that_is_not_extractable_is_not_wrapped),
        WITH_KEYS(keys_that_do_not_fit_are_said),
        WITH_KEYS(a_key_that_is_gone_is_said_as_the_one_that_it_was),
        WITH_KEYS(the_size_of_an_rsa_key_is_said_of_the_key_that_wraps),
        WITH_KEYS(what_was_changed_or_cut_does_not_unwrap),
        WITH_KEYS(mechanism_and_parameter_are_checked),
        WITH_KEYS(a_read_only_session_unwraps_into_the_session_alone),
    };
    return cmocka_run_group_tests_name("wrap", tests, NULL, NULL);
}
