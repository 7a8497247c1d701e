/* SPDX-License-Identifier: MIT
 *
 * Secret keys of the driver pkcs11 at work, on a SoftHSM token; what comes out is compared with
 * what OpenSSL says.
 */
#include "driver_stand.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

static const struct driver *const driver = &driver_pkcs11;
static const struct span none = {NULL, 0};
static const uint8_t key_bytes[32] = {1, 2, 3, 4, 5};
static const uint8_t iv[16] = {9, 8, 7};

enum { LONG = 300000, PART = 61440, ROOM = LONG + 1024, TAG = 16 };
static uint8_t long_data[LONG];
static uint8_t sealed[ROOM];
static uint8_t opened[ROOM];

/* ---- keys ---- */

static void put_names(struct writer *w, uint64_t type, const char *label)
{
    static const uint32_t uses[] = {ATTR_SIGN, ATTR_VERIFY, ATTR_ENCRYPT, ATTR_DECRYPT, ATTR_WRAP,
        ATTR_UNWRAP, ATTR_SENSITIVE, ATTR_EXTRACTABLE, ATTR_PRIVATE};
    attribute_put_ulong(w, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(w, ATTR_KEY_TYPE, type);
    attribute_put_bool(w, ATTR_TOKEN, false);
    attribute_put(w, ATTR_LABEL, span_of_text(label));
    for (size_t i = 0; i < COUNT(uses); i++)
        attribute_put_bool(w, uses[i], true);
}

static driver_ref import(struct device *device, uint64_t type, size_t len)
{
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof bytes);
    driver_ref key = 0;
    put_names(&w, type, "imported");
    attribute_put(&w, ATTR_VALUE, span_of(key_bytes, len));
    assert_int_equal(driver->create(device, writer_bytes(&w), &key), ERR_OK);
    return key;
}

static driver_ref generate_secret(struct device *device, uint32_t mechanism, uint64_t type)
{
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof bytes);
    driver_ref key = 0;
    put_names(&w, type, "made");
    attribute_put_ulong(&w, ATTR_VALUE_LEN, 32);
    assert_int_equal(driver->generate(device, mechanism, writer_bytes(&w), &key), ERR_OK);
    return key;
}

/* ---- uses ---- */

static struct driver_use hmac(enum driver_function function, driver_ref key)
{
    return (struct driver_use){function, key, CKM_SHA256_HMAC_, none};
}

static struct driver_use cbc(enum driver_function function, driver_ref key)
{
    return (struct driver_use){function, key, CKM_AES_CBC_PAD_, span_of(iv, sizeof iv)};
}

static struct driver_use gcm(enum driver_function function, driver_ref key)
{
    static uint8_t room[64];
    struct writer w = writer_of(room, sizeof room);
    const struct wire_gcm_parameter parameter = {span_of(iv, 12), span_of_text("aad"), 8 * TAG};
    schema_encode(&wire_gcm_parameter_schema, &parameter, &w);
    return (struct driver_use){function, key, CKM_AES_GCM_, writer_bytes(&w)};
}

/* Appends to into what came out. */
static err_t use_at_once(
    struct device *device, struct driver_use use, struct span data, struct writer *into)
{
    return driver->use(device, &use, data, none, into);
}

static err_t use_in_parts(struct device *device, struct driver_use use, struct span data,
    size_t part, struct span signature, struct writer *into)
{
    struct driver_begun *begun = NULL;
    struct reader r = reader_of(data);
    err_t err = driver->begin(device, &use, &begun);
    while (err == ERR_OK && reader_more(&r)) {
        err = driver->feed(device, begun, read_span(&r, r.left < part ? r.left : part), into);
        if (err != ERR_OK)
            driver->abandon(device, begun);
    }
    return err == ERR_OK ? driver->finish(device, begun, signature, into) : err;
}

static struct span of_openssl(const EVP_CIPHER *cipher, size_t iv_len, bool gcm, struct span data)
{
    static uint8_t room[ROOM];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int len = 0;
    int last = 0;
    assert_int_equal(EVP_EncryptInit_ex2(context, cipher, key_bytes, iv, NULL), 1);
    assert_int_equal(EVP_CIPHER_CTX_get_iv_length(context), iv_len);
    if (gcm)
        assert_int_equal(EVP_EncryptUpdate(context, NULL, &len, (const uint8_t *)"aad", 3), 1);
    assert_int_equal(EVP_EncryptUpdate(context, room, &len, data.ptr, (int)data.len), 1);
    assert_int_equal(EVP_EncryptFinal_ex(context, room + len, &last), 1);
    size_t all = (size_t)(len + last);
    if (gcm) {
        assert_int_equal(
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, room + all), 1);
        all += TAG;
    }
    EVP_CIPHER_CTX_free(context);
    return span_of(room, all);
}

static struct span data_of(size_t len)
{
    for (size_t i = 0; i < sizeof long_data; i++)
        long_data[i] = (uint8_t)(i * 7 + i / 251);
    return span_of(long_data, len);
}

/* ---- tests ---- */

static void the_mechanisms_are_told_with_all_their_functions(void **state)
{
    static const struct {
        uint32_t type;
        uint32_t flags;
    } rows[] = {{CKM_SHA256_HMAC_, 0x2800}, {CKM_AES_GCM_, 0x300}, {CKM_AES_CBC_PAD_, 0x300},
        {CKM_AES_KEY_WRAP_, 0x60000}, {CKM_AES_KEY_GEN_, 0x8000},
        {CKM_GENERIC_SECRET_KEY_GEN_, 0x8000}, {CKM_ECDSA_, 0x800}};
    struct driver_token token;
    assert_int_equal(driver->token(*state, &token), ERR_OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t at = 0;
        while (at < token.mechanism_count && token.mechanisms[at].type != rows[i].type)
            at++;
        assert_true(at < token.mechanism_count);
        assert_int_equal(token.mechanisms[at].flags & 0x7ff01, rows[i].flags);
    }
}

static void a_mac_is_that_of_openssl_at_once_and_in_parts(void **state)
{
    static const uint64_t types[] = {CKK_GENERIC_SECRET_, CKK_SHA256_HMAC_};
    uint8_t expected[32];
    unsigned expected_len;
    for (size_t i = 0; i < COUNT(types); i++) {
        driver_ref key = import(*state, types[i], 32);
        uint8_t bytes[64];
        struct writer once = writer_of(bytes, 32);
        struct writer parts = writer_of(bytes + 32, 32);
        struct span data = data_of(1000);
        (void)HMAC(EVP_sha256(), key_bytes, 32, data.ptr, data.len, expected, &expected_len);
        assert_int_equal(use_at_once(*state, hmac(DRIVER_SIGN, key), data, &once), ERR_OK);
        assert_int_equal(
            use_in_parts(*state, hmac(DRIVER_SIGN, key), data, 300, none, &parts), ERR_OK);
        assert_true(span_equal(writer_bytes(&once), span_of(expected, 32)));
        assert_true(span_equal(writer_bytes(&parts), span_of(expected, 32)));
        assert_int_equal(driver->destroy(*state, key), ERR_OK);
    }
}

static void a_mac_is_verified_and_a_wrong_one_is_no_fault(void **state)
{
    driver_ref key = import(*state, CKK_GENERIC_SECRET_, 32);
    const struct driver_use verify = hmac(DRIVER_VERIFY, key);
    struct span data = data_of(1000);
    uint8_t mac[32];
    struct writer w = writer_of(mac, sizeof mac);
    struct writer no = writer_of(NULL, 0);
    assert_int_equal(use_at_once(*state, hmac(DRIVER_SIGN, key), data, &w), ERR_OK);
    for (unsigned i = 0; i < 2; i++) {
        const err_t right = i == 0 ? ERR_OK : ERR_SIGNATURE;
        mac[31] ^= (uint8_t)i;
        assert_int_equal(driver->use(*state, &verify, data, writer_bytes(&w), &no), right);
        assert_int_equal(
            use_in_parts(*state, verify, data, 999, writer_bytes(&w), &no), right);
    }
    assert_int_equal(
        driver->use(*state, &verify, data, span_of(mac, 31), &no), ERR_SIGNATURE_LENGTH);
    assert_int_equal(driver->use(*state, &verify, data, none, &no), ERR_SIGNATURE_LENGTH);
    assert_int_equal(driver->destroy(*state, key), ERR_OK);
}

static void encrypted_data_is_that_of_openssl_and_comes_back(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, PART, LONG};
    driver_ref key = import(*state, CKK_AES_, 32);
    for (unsigned mode = 0; mode < 2; mode++) {
        struct driver_use (*of)(enum driver_function, driver_ref) = mode == 0 ? cbc : gcm;
        for (size_t i = 0; i < COUNT(sizes); i++) {
            struct span data = data_of(sizes[i]);
            struct span expected = mode == 0 ? of_openssl(EVP_aes_256_cbc(), 16, false, data)
                                             : of_openssl(EVP_aes_256_gcm(), 12, true, data);
            struct writer w = writer_of(sealed, sizeof sealed);
            assert_int_equal(
                use_in_parts(*state, of(DRIVER_ENCRYPT, key), data, 5000, none, &w), ERR_OK);
            assert_true(span_equal(writer_bytes(&w), expected));
            w = writer_of(sealed, sizeof sealed);
            assert_int_equal(use_at_once(*state, of(DRIVER_ENCRYPT, key), data, &w), ERR_OK);
            assert_true(span_equal(writer_bytes(&w), expected));

            w = writer_of(opened, sizeof opened);
            assert_int_equal(
                use_at_once(*state, of(DRIVER_DECRYPT, key), expected, &w), ERR_OK);
            assert_true(span_equal(writer_bytes(&w), data));
            w = writer_of(opened, sizeof opened);
            assert_int_equal(
                use_in_parts(*state, of(DRIVER_DECRYPT, key), expected, PART, none, &w), ERR_OK);
            assert_true(span_equal(writer_bytes(&w), data));
        }
    }
    assert_int_equal(driver->destroy(*state, key), ERR_OK);
}

static void a_changed_tag_is_the_fault_of_the_data_and_not_of_the_device(void **state)
{
    driver_ref key = import(*state, CKK_AES_, 16);
    struct writer w = writer_of(sealed, sizeof sealed);
    struct writer out = writer_of(opened, sizeof opened);
    assert_int_equal(use_at_once(*state, gcm(DRIVER_ENCRYPT, key), data_of(100), &w), ERR_OK);
    sealed[50] ^= 1;
    struct span data = writer_bytes(&w);
    assert_int_equal(use_at_once(*state, gcm(DRIVER_DECRYPT, key), data, &out), ERR_ENCRYPTED);
    assert_int_equal(
        use_in_parts(*state, gcm(DRIVER_DECRYPT, key), data, 30, none, &out), ERR_ENCRYPTED);
    assert_int_equal(out.used, 0);
    sealed[50] ^= 1;
    assert_int_equal(use_at_once(*state, gcm(DRIVER_DECRYPT, key), data, &out), ERR_OK);
    assert_int_equal(driver->destroy(*state, key), ERR_OK);
}

static void a_wrong_padding_or_length_is_the_fault_of_the_data(void **state)
{
    driver_ref key = import(*state, CKK_AES_, 16);
    struct writer out = writer_of(opened, sizeof opened);
    const struct span zeroes = data_of(32);
    assert_int_equal(use_at_once(*state, cbc(DRIVER_DECRYPT, key), zeroes, &out), ERR_ENCRYPTED);
    assert_int_equal(
        use_in_parts(*state, cbc(DRIVER_DECRYPT, key), zeroes, 16, none, &out), ERR_ENCRYPTED);
    assert_int_equal(use_at_once(*state, cbc(DRIVER_DECRYPT, key), span_of(zeroes.ptr, 31), &out),
        ERR_ENCRYPTED_LENGTH);
    (void)use_at_once(*state, cbc(DRIVER_ENCRYPT, key), zeroes, &out); /* and it goes on */
    assert_int_equal(driver->destroy(*state, key), ERR_OK);
}

static void many_uses_may_be_begun_beside_others(void **state)
{
    driver_ref key = import(*state, CKK_GENERIC_SECRET_, 32);
    const struct driver_use use = hmac(DRIVER_SIGN, key);
    struct driver_begun *begun[64];
    struct span data = data_of(64);
    uint8_t expected[32];
    uint8_t mac[32];
    unsigned len;
    for (size_t i = 0; i < COUNT(begun); i++)
        assert_int_equal(driver->begin(*state, &use, &begun[i]), ERR_OK);
    struct writer w = writer_of(mac, sizeof mac);
    for (size_t i = 0; i < COUNT(begun); i++)
        assert_int_equal(
            driver->feed(*state, begun[i], span_of(data.ptr, i + 1), &w), ERR_OK);
    assert_int_equal(use_at_once(*state, use, data, &w), ERR_OK);
    driver->abandon(*state, begun[0]);
    for (size_t i = 1; i < COUNT(begun); i++) {
        w = writer_of(mac, sizeof mac);
        assert_int_equal(driver->finish(*state, begun[i], none, &w), ERR_OK);
        (void)HMAC(EVP_sha256(), key_bytes, 32, data.ptr, i + 1, expected, &len);
        assert_memory_equal(mac, expected, sizeof mac);
    }
    assert_int_equal(driver->destroy(*state, key), ERR_OK);
}

static void what_was_made_in_the_token_works_and_gives_no_value(void **state)
{
    driver_ref aes = generate_secret(*state, CKM_AES_KEY_GEN_, CKK_AES_);
    driver_ref secret = generate_secret(*state, CKM_GENERIC_SECRET_KEY_GEN_, CKK_GENERIC_SECRET_);
    const driver_ref keys[] = {aes, secret};
    struct span value;
    uint64_t len;
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct span list = attributes_of(*state, keys[i]);
        assert_false(attribute_get(list, ATTR_VALUE, &value));
        assert_true(attribute_get_ulong(list, ATTR_VALUE_LEN, &len));
        assert_int_equal(len, 32);
    }
    struct writer w = writer_of(sealed, sizeof sealed);
    assert_int_equal(use_at_once(*state, gcm(DRIVER_ENCRYPT, aes), data_of(10), &w), ERR_OK);
    assert_int_equal(use_at_once(*state, hmac(DRIVER_SIGN, secret), data_of(10), &w), ERR_OK);
    assert_int_equal(
        use_at_once(*state, hmac(DRIVER_SIGN, aes), data_of(10), &w), ERR_KEY_TYPE);
    assert_int_equal(
        use_at_once(*state, gcm(DRIVER_ENCRYPT, secret), data_of(10), &w), ERR_KEY_TYPE);
    for (size_t i = 0; i < COUNT(keys); i++)
        assert_int_equal(driver->destroy(*state, keys[i]), ERR_OK);
}

static void a_secret_too_short_for_a_mac_has_the_wrong_size(void **state)
{
    driver_ref key = import(*state, CKK_GENERIC_SECRET_, 16);
    struct writer w = writer_of(sealed, sizeof sealed);
    assert_int_equal(use_at_once(*state, hmac(DRIVER_SIGN, key), data_of(10), &w), ERR_KEY_SIZE);
    assert_int_equal(driver->destroy(*state, key), ERR_OK);
}

static void unwrap_as(struct device *device, driver_ref key, struct span wrapped, uint64_t type,
    err_t expected, driver_ref *ret_key)
{
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof bytes);
    put_names(&w, type, "unwrapped");
    assert_int_equal(driver->unwrap(device, key, CKM_AES_KEY_WRAP_, none, wrapped,
                         writer_bytes(&w), ret_key),
        expected);
}

/* It does what key_bytes do. */
static bool is_the_imported_one(struct device *device, uint64_t type, driver_ref key)
{
    const struct span data = data_of(100);
    uint8_t mac[32];
    unsigned len;
    struct writer w = writer_of(opened, sizeof opened);
    if (type == CKK_AES_) {
        assert_int_equal(use_at_once(device, gcm(DRIVER_ENCRYPT, key), data, &w), ERR_OK);
        return span_equal(writer_bytes(&w), of_openssl(EVP_aes_256_gcm(), 12, true, data));
    }
    assert_int_equal(use_at_once(device, hmac(DRIVER_SIGN, key), data, &w), ERR_OK);
    (void)HMAC(EVP_sha256(), key_bytes, 32, data.ptr, data.len, mac, &len);
    return span_equal(writer_bytes(&w), span_of(mac, sizeof mac));
}

static void a_wrapped_key_comes_back_and_a_changed_one_does_not(void **state)
{
    static const uint64_t types[] = {CKK_AES_, CKK_GENERIC_SECRET_};
    driver_ref outer = import(*state, CKK_AES_, 16);
    for (size_t i = 0; i < COUNT(types); i++) {
        driver_ref inner = import(*state, types[i], 32);
        driver_ref back = 0;
        uint8_t bytes[64];
        struct writer w = writer_of(bytes, sizeof bytes);
        assert_int_equal(
            driver->wrap(*state, outer, CKM_AES_KEY_WRAP_, none, inner, &w), ERR_OK);
        assert_int_equal(w.used, 40); /* RFC 3394 */
        unwrap_as(*state, outer, writer_bytes(&w), types[i], ERR_OK, &back);
        assert_true(is_the_imported_one(*state, types[i], back));
        assert_int_equal(driver->destroy(*state, back), ERR_OK);
        bytes[20] ^= 1;
        unwrap_as(*state, outer, writer_bytes(&w), types[i], ERR_WRAPPED_KEY, &back);
        unwrap_as(*state, outer, span_of(bytes, 39), types[i], ERR_WRAPPED_KEY, &back);
        assert_int_equal(driver->destroy(*state, inner), ERR_OK);
    }
    assert_int_equal(driver->destroy(*state, outer), ERR_OK);
}

static void a_key_that_is_not_extractable_is_not_wrapped(void **state)
{
    driver_ref outer = import(*state, CKK_AES_, 16);
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof bytes);
    driver_ref inner = 0;
    attribute_put_ulong(&w, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(&w, ATTR_KEY_TYPE, CKK_AES_);
    attribute_put_bool(&w, ATTR_TOKEN, false);
    attribute_put_bool(&w, ATTR_EXTRACTABLE, false);
    attribute_put_ulong(&w, ATTR_VALUE_LEN, 32);
    assert_int_equal(
        driver->generate(*state, CKM_AES_KEY_GEN_, writer_bytes(&w), &inner), ERR_OK);
    w = writer_of(bytes, sizeof bytes);
    assert_int_equal(driver->wrap(*state, outer, CKM_AES_KEY_WRAP_, none, inner, &w),
        ERR_KEY_UNEXTRACTABLE);
    assert_int_equal(w.used, 0);
    assert_int_equal(driver->wrap(*state, outer, CKM_AES_KEY_WRAP_, span_of(iv, 8), outer, &w),
        ERR_MECHANISM_PARAMETER); /* SoftHSM knows only the IV of RFC 3394 */
    assert_int_equal(driver->destroy(*state, inner), ERR_OK);
    assert_int_equal(driver->destroy(*state, outer), ERR_OK);
}

#define WITH_DEVICE(name) cmocka_unit_test_setup_teardown(name, open_device, close_device)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DEVICE(the_mechanisms_are_told_with_all_their_functions),
        WITH_DEVICE(a_mac_is_that_of_openssl_at_once_and_in_parts),
        WITH_DEVICE(a_mac_is_verified_and_a_wrong_one_is_no_fault),
        WITH_DEVICE(encrypted_data_is_that_of_openssl_and_comes_back),
        WITH_DEVICE(a_changed_tag_is_the_fault_of_the_data_and_not_of_the_device),
        WITH_DEVICE(a_wrong_padding_or_length_is_the_fault_of_the_data),
        WITH_DEVICE(many_uses_may_be_begun_beside_others),
        WITH_DEVICE(what_was_made_in_the_token_works_and_gives_no_value),
        WITH_DEVICE(a_secret_too_short_for_a_mac_has_the_wrong_size),
        WITH_DEVICE(a_wrapped_key_comes_back_and_a_changed_one_does_not),
        WITH_DEVICE(a_key_that_is_not_extractable_is_not_wrapped),
    };
    return cmocka_run_group_tests(tests, make_token, remove_token);
}
