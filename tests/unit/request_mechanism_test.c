/* SPDX-License-Identifier: MIT
 *
 * The rules of each mechanism, as a client meets them: what breaks them never reaches the device.
 */
#include "request_stand.h"

#include <p11-kit/pkcs11.h>

/* p11-kit's other names for fields of the standard; fields of ours have them, too. */
#undef tag_bits
#undef counter_bits
#undef shared_data
#undef public_data

static const struct span none = {NULL, 0};
static const uint8_t bytes[1024] = {1, 2, 3};
enum { RSA = 256 }; /* bytes of the modulus */

static void put_allowed(const char *label, uint32_t class, uint64_t type, uint64_t allowed)
{
    uint8_t room[256];
    uint8_t list_room[8];
    struct writer list = writer_of(room, sizeof room);
    struct writer mechanisms = writer_of(list_room, sizeof list_room);
    write_uint(&mechanisms, 8, allowed);
    attribute_put_ulong(&list, ATTR_CLASS, class);
    attribute_put(&list, ATTR_LABEL, span_of_text(label));
    attribute_put_ulong(&list, ATTR_KEY_TYPE, type);
    attribute_put(&list, ATTR_ALLOWED_MECHANISMS, writer_bytes(&mechanisms));
    attribute_put_bool(&list, ATTR_EXTRACTABLE, true);
    attribute_put_bool(&list, ATTR_WRAP_WITH_TRUSTED, allowed == CKM_AES_GCM);
    attribute_put_bool(&list, ATTR_TRUSTED, allowed == CKM_AES_KEY_WRAP);
    (void)fake_put(&f.device, writer_bytes(&list));
}

static int stand_up_keys(void **state)
{
    (void)state;
    stand_up_with(NULL);
    fake_put_rsa(&f.device, "rsa", 8 * RSA);
    fake_put_rsa(&f.device, "short", 1024);
    (void)fake_put_secret(&f.device, "aes", CKK_AES, true);
    (void)fake_put_secret(&f.device, "mac", CKK_GENERIC_SECRET, true);
    put_allowed("ecdsa", CLASS_PRIVATE_KEY, CKK_EC, CKM_ECDSA_SHA256);
    put_allowed("pkcs1", CLASS_PRIVATE_KEY, CKK_RSA, CKM_SHA256_RSA_PKCS);
    put_allowed("pss", CLASS_PRIVATE_KEY, CKK_RSA, CKM_SHA256_RSA_PKCS_PSS);
    put_allowed("gcm", CLASS_SECRET_KEY, CKK_AES, CKM_AES_GCM);
    put_allowed("trusted", CLASS_SECRET_KEY, CKK_AES, CKM_AES_KEY_WRAP);
    fixture_rule(&f, for_user(rule(true, VERB_ALL, "t.conf:5"), ALICE));
    fixture_load(&f);
    return 0;
}
#define WITH_KEYS(test) cmocka_unit_test_setup_teardown(test, stand_up_keys, stand_down)

/* ---- parameters and calls ---- */

static struct span parameter_of(const struct schema *schema, const void *from)
{
    static uint8_t room[512];
    struct writer w = writer_of(room, sizeof room);
    schema_encode(schema, from, &w);
    return writer_bytes(&w);
}

static struct span pss(uint32_t hash, uint32_t mgf, uint32_t salt)
{
    const struct wire_pss_parameter parameter = {hash, mgf, salt};
    return parameter_of(&wire_pss_parameter_schema, &parameter);
}

static struct span oaep(uint32_t hash, uint32_t mgf)
{
    const struct wire_oaep_parameter parameter = {hash, mgf, span_of_text("label")};
    return parameter_of(&wire_oaep_parameter_schema, &parameter);
}

static struct span ctr(uint32_t bits, size_t block)
{
    const struct wire_ctr_parameter parameter = {bits, span_of(bytes, block)};
    return parameter_of(&wire_ctr_parameter_schema, &parameter);
}

static struct span mac_of(uint32_t len)
{
    const struct wire_mac_parameter parameter = {len};
    return parameter_of(&wire_mac_parameter_schema, &parameter);
}

static err_t sign_data(
    const char *label, uint32_t class, uint32_t mechanism, struct span parameter, struct span data)
{
    const struct wire_sign_request request = {number_of(label, class), mechanism, parameter, data};
    return fixture_call(&f, mine, WIRE_SIGN, &request, &reply);
}

static err_t sign_len(
    const char *label, uint32_t class, uint32_t mechanism, struct span parameter, size_t len)
{
    return sign_data(label, class, mechanism, parameter, span_of(bytes, len));
}

static err_t crypt(enum wire_operation operation, const char *label, uint32_t class,
    uint32_t mechanism, struct span parameter, size_t len)
{
    const struct wire_crypt_request request = {
        number_of(label, class), mechanism, parameter, span_of(bytes, len)};
    return fixture_call(&f, mine, operation, &request, &reply);
}

static err_t verify_cut(struct connection *connection, uint32_t mac_len)
{
    const struct wire_verify_request request = {number_of("mac", CLASS_SECRET_KEY),
        CKM_SHA256_HMAC_GENERAL, mac_of(mac_len), span_of(bytes, 4), span_of(bytes, mac_len)};
    return fixture_call(&f, connection, WIRE_VERIFY, &request, &reply);
}

/* ---- tests ---- */

static void each_half_of_a_pair_has_its_functions(void **state)
{
    static const uint32_t classes[] = {CLASS_PUBLIC_KEY, CLASS_PRIVATE_KEY};
    for (size_t i = 0; i < 2; i++) {
        const bool is_private = i == 1;
        const uint32_t class = classes[i];
        assert_int_equal(
            sign_len("rsa", class, CKM_RSA_PKCS, none, 32), is_private ? ERR_OK : ERR_KEY_TYPE);
        assert_int_equal(crypt(WIRE_DECRYPT, "rsa", class, CKM_RSA_PKCS, none, RSA),
            is_private ? ERR_OK : ERR_KEY_TYPE);
        assert_int_equal(crypt(WIRE_ENCRYPT, "rsa", class, CKM_RSA_PKCS, none, 32),
            is_private ? ERR_KEY_TYPE : ERR_OK);
        const struct wire_wrap_request wrap = {
            number_of("rsa", class), CKM_RSA_PKCS, none, number_of("aes", CLASS_SECRET_KEY)};
        assert_int_equal(
            fixture_call(&f, mine, WIRE_WRAP, &wrap, &reply), is_private ? ERR_KEY_TYPE : ERR_OK);
        const struct wire_verify_request verify = {
            number_of("rsa", class), CKM_RSA_PKCS, none, span_of(bytes, 32), span_of(bytes, RSA)};
        assert_int_equal(fixture_call(&f, mine, WIRE_VERIFY, &verify, &reply), ERR_MECHANISM);
    }
    (void)state;
}

static void rsa_data_fits_the_modulus(void **state)
{
    const struct span sha1 = oaep(CKM_SHA_1, CKG_MGF1_SHA1);
    assert_int_equal(sign_len("rsa", CLASS_PRIVATE_KEY, CKM_RSA_PKCS, none, RSA - 11), ERR_OK);
    assert_int_equal(
        sign_len("rsa", CLASS_PRIVATE_KEY, CKM_RSA_PKCS, none, RSA - 10), ERR_DATA_LENGTH);
    assert_int_equal(crypt(WIRE_ENCRYPT, "rsa", CLASS_PUBLIC_KEY, CKM_RSA_PKCS, none, RSA - 10),
        ERR_DATA_LENGTH);
    assert_int_equal(crypt(WIRE_DECRYPT, "rsa", CLASS_PRIVATE_KEY, CKM_RSA_PKCS, none, RSA - 1),
        ERR_ENCRYPTED_LENGTH);
    assert_int_equal(
        crypt(WIRE_ENCRYPT, "rsa", CLASS_PUBLIC_KEY, CKM_RSA_PKCS_OAEP, sha1, RSA - 42), ERR_OK);
    assert_int_equal(
        crypt(WIRE_ENCRYPT, "rsa", CLASS_PUBLIC_KEY, CKM_RSA_PKCS_OAEP, sha1, RSA - 41),
        ERR_DATA_LENGTH);
    assert_int_equal(
        crypt(WIRE_DECRYPT, "rsa", CLASS_PRIVATE_KEY, CKM_RSA_PKCS_OAEP, sha1, RSA + 1),
        ERR_ENCRYPTED_LENGTH);
    assert_int_equal(sign_len("short", CLASS_PRIVATE_KEY, CKM_RSA_PKCS, none, 32), ERR_KEY_SIZE);
    assert_int_equal(f.device.calls[FAKE_USE], 2);
    (void)state;
}

static void hash_and_mgf_agree_and_salt_and_hash_fit(void **state)
{
    static const struct {
        uint32_t hash;
        uint32_t mgf;
        uint32_t salt;
        size_t data;
        err_t error;
    } rows[] = {
        {CKM_SHA256, CKG_MGF1_SHA256, 32, 32, ERR_OK},
        {CKM_SHA256, CKG_MGF1_SHA256, 0, 32, ERR_OK},
        {CKM_SHA512, CKG_MGF1_SHA512, 64, 64, ERR_OK},
        {CKM_SHA256, CKG_MGF1_SHA256, RSA - 32 - 2, 32, ERR_OK},
        {CKM_SHA256, CKG_MGF1_SHA256, RSA - 32 - 1, 32, ERR_MECHANISM_PARAMETER},
        {CKM_SHA256, CKG_MGF1_SHA256, UINT32_MAX, 32, ERR_MECHANISM_PARAMETER},
        {CKM_SHA256, CKG_MGF1_SHA1, 32, 32, ERR_MECHANISM_PARAMETER},
        {CKM_MD5, CKG_MGF1_SHA1, 16, 16, ERR_MECHANISM_PARAMETER},
        {CKM_SHA256, 0, 32, 32, ERR_MECHANISM_PARAMETER},
        {CKM_SHA256, CKG_MGF1_SHA256, 32, 31, ERR_DATA_LENGTH},
        {CKM_SHA256, CKG_MGF1_SHA256, 32, 64, ERR_DATA_LENGTH},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(sign_len("rsa", CLASS_PRIVATE_KEY, CKM_RSA_PKCS_PSS,
                             pss(rows[i].hash, rows[i].mgf, rows[i].salt), rows[i].data),
            rows[i].error);
    assert_int_equal(crypt(WIRE_ENCRYPT, "rsa", CLASS_PUBLIC_KEY, CKM_RSA_PKCS_OAEP,
                         oaep(CKM_SHA256, CKG_MGF1_SHA1), 8),
        ERR_MECHANISM_PARAMETER);
    assert_int_equal(f.device.calls[FAKE_USE], 4);
    (void)state;
}

static void blocks_are_whole(void **state)
{
    static const uint32_t mechanisms[] = {CKM_AES_ECB, CKM_AES_CBC};
    for (size_t i = 0; i < 2; i++) {
        const struct span parameter = span_of(bytes, i == 0 ? 0 : 16);
        for (size_t len = 0; len <= 33; len++) {
            const bool is_whole = len % 16 == 0;
            assert_int_equal(
                crypt(WIRE_ENCRYPT, "aes", CLASS_SECRET_KEY, mechanisms[i], parameter, len),
                is_whole ? ERR_OK : ERR_DATA_LENGTH);
            assert_int_equal(
                crypt(WIRE_DECRYPT, "aes", CLASS_SECRET_KEY, mechanisms[i], parameter, len),
                is_whole ? ERR_OK : ERR_ENCRYPTED_LENGTH);
        }
        assert_int_equal(
            crypt(WIRE_ENCRYPT, "aes", CLASS_SECRET_KEY, mechanisms[i], span_of(bytes, 15), 16),
            ERR_MECHANISM_PARAMETER);
    }
    assert_int_equal(
        crypt(WIRE_DECRYPT, "aes", CLASS_SECRET_KEY, CKM_AES_CBC_PAD, span_of(bytes, 16), 0),
        ERR_ENCRYPTED_LENGTH);
    (void)state;
}

/* Also where they come in parts, whose sum the device is not asked for. */
static void blocks_are_whole_in_the_end(void **state)
{
    static const size_t lengths[] = {16, 9};
    for (size_t i = 0; i < 2; i++) {
        const struct wire_begin_request begin = {DRIVER_ENCRYPT, number_of("aes", CLASS_SECRET_KEY),
            CKM_AES_ECB, none, SESSION, span_of(bytes, 7)};
        assert_int_equal(fixture_call(&f, mine, WIRE_BEGIN, &begin, &reply), ERR_OK);
        const struct wire_finish_request finish = {
            reply.begin_reply.begun, span_of(bytes, lengths[i]), none};
        assert_int_equal(fixture_call(&f, mine, WIRE_FINISH, &finish, &reply),
            i == 0 ? ERR_DATA_LENGTH : ERR_OK);
    }
    assert_int_equal(f.device.begun, 0);
    (void)state;
}

static void counters_have_bits_and_macs_bytes(void **state)
{
    static const struct {
        uint32_t bits;
        size_t block;
        err_t error;
    } counters[] = {{1, 16, ERR_OK}, {128, 16, ERR_OK}, {0, 16, ERR_MECHANISM_PARAMETER},
        {129, 16, ERR_MECHANISM_PARAMETER}, {32, 15, ERR_MECHANISM_PARAMETER}};
    static const struct {
        uint32_t mechanism;
        const char *label;
        uint32_t most;
    } macs[] = {{CKM_AES_CMAC_GENERAL, "aes", 16}, {CKM_SHA256_HMAC_GENERAL, "mac", 32}};
    for (size_t i = 0; i < COUNT(counters); i++)
        assert_int_equal(crypt(WIRE_ENCRYPT, "aes", CLASS_SECRET_KEY, CKM_AES_CTR,
                             ctr(counters[i].bits, counters[i].block), 5),
            counters[i].error);
    for (size_t i = 0; i < COUNT(macs); i++) {
        for (uint32_t len = 0; len <= macs[i].most + 1; len++)
            assert_int_equal(
                sign_len(macs[i].label, CLASS_SECRET_KEY, macs[i].mechanism, mac_of(len), 9),
                len == 0 || len > macs[i].most ? ERR_MECHANISM_PARAMETER : ERR_OK);
        assert_int_equal(sign_len(macs[i].label, CLASS_SECRET_KEY, macs[i].mechanism, none, 9),
            ERR_MECHANISM_PARAMETER);
    }
    (void)state;
}

/* Byte after byte, each tried 256 times: then he would have the whole MAC. */
static void whoever_may_only_verify_cannot_find_a_mac_by_trying(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    fixture_rule(&f, for_user(rule(true, VERB_VERIFY, "t.conf:7"), BOB));
    for (uint32_t len = 1; len < 8; len++)
        assert_int_equal(verify_cut(his, len), ERR_DENIED);
    assert_int_equal(f.device.calls[FAKE_USE], 0);
    assert_int_equal(verify_cut(his, 8), ERR_SIGNATURE);
    assert_int_equal(verify_cut(mine, 1), ERR_SIGNATURE); /* she may sign */
    (void)state;
}

static void only_allowed_mechanisms_are_served(void **state)
{
    static const uint8_t info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    const uint32_t class = CLASS_PRIVATE_KEY;
    /* What the module hashed arrives as the mechanism that does not hash. */
    assert_int_equal(sign_len("ecdsa", class, CKM_ECDSA, none, 32), ERR_OK);
    assert_int_equal(sign_len("ecdsa", class, CKM_ECDSA, none, 48), ERR_MECHANISM);
    assert_int_equal(
        sign_data("pkcs1", class, CKM_RSA_PKCS, none, span_of(info, sizeof info)), ERR_OK);
    assert_int_equal(
        sign_data("pkcs1", class, CKM_RSA_PKCS, none, span_of(info, 50)), ERR_MECHANISM);
    assert_int_equal(sign_len("pkcs1", class, CKM_RSA_PKCS, none, 51), ERR_MECHANISM);
    assert_int_equal(
        sign_len("pkcs1", class, CKM_RSA_PKCS_PSS, pss(CKM_SHA256, CKG_MGF1_SHA256, 32), 32),
        ERR_MECHANISM);
    assert_int_equal(
        sign_len("pss", class, CKM_RSA_PKCS_PSS, pss(CKM_SHA256, CKG_MGF1_SHA256, 32), 32), ERR_OK);
    assert_int_equal(
        sign_len("pss", class, CKM_RSA_PKCS_PSS, pss(CKM_SHA384, CKG_MGF1_SHA384, 32), 48),
        ERR_MECHANISM);
    assert_int_equal(crypt(WIRE_DECRYPT, "pkcs1", class, CKM_RSA_PKCS, none, RSA), ERR_MECHANISM);
    assert_int_equal(
        crypt(WIRE_ENCRYPT, "gcm", CLASS_SECRET_KEY, CKM_AES_ECB, none, 16), ERR_MECHANISM);
    assert_int_equal(f.device.calls[FAKE_USE], 3);
    (void)state;
}

static void some_keys_leave_only_in_a_trusted_one(void **state)
{
    static const char *const outer[] = {"aes", "trusted"};
    for (size_t i = 0; i < 2; i++) {
        const struct wire_wrap_request wrap = {number_of(outer[i], CLASS_SECRET_KEY),
            CKM_AES_KEY_WRAP, none, number_of("gcm", CLASS_SECRET_KEY)};
        assert_int_equal(fixture_call(&f, mine, WIRE_WRAP, &wrap, &reply),
            i == 0 ? ERR_KEY_NOT_WRAPPABLE : ERR_OK);
    }
    assert_int_equal(f.device.calls[FAKE_WRAP], 1);
    (void)state;
}

static err_t unwrap(const char *label, uint32_t class, uint32_t mechanism, size_t wrapped)
{
    uint8_t room[128];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(&list, ATTR_KEY_TYPE, CKK_AES);
    const struct wire_unwrap_request request = {number_of(label, class), mechanism, none,
        span_of(bytes, wrapped), SESSION, writer_bytes(&list)};
    return fixture_call(&f, mine, WIRE_UNWRAP, &request, &reply);
}

static void a_wrapped_key_has_a_length_that_can_be(void **state)
{
    static const struct {
        const char *label;
        uint32_t class;
        uint32_t mechanism;
        size_t wrapped;
        err_t error;
    } rows[] = {
        {"aes", CLASS_SECRET_KEY, CKM_AES_KEY_WRAP, 24, ERR_OK},
        {"aes", CLASS_SECRET_KEY, CKM_AES_KEY_WRAP, 48, ERR_WRAPPED_KEY}, /* AES of 40 bytes */
        {"aes", CLASS_SECRET_KEY, CKM_AES_KEY_WRAP_PAD, 40, ERR_OK},
        {"aes", CLASS_SECRET_KEY, CKM_AES_KEY_WRAP_PAD, 16, ERR_WRAPPED_KEY},
        {"aes", CLASS_SECRET_KEY, CKM_AES_KEY_WRAP_PAD, 39, ERR_WRAPPED_KEY},
        {"rsa", CLASS_PRIVATE_KEY, CKM_RSA_PKCS, RSA, ERR_OK},
        {"rsa", CLASS_PRIVATE_KEY, CKM_RSA_PKCS, RSA - 1, ERR_WRAPPED_KEY},
        {"rsa", CLASS_PUBLIC_KEY, CKM_RSA_PKCS, RSA, ERR_KEY_TYPE},
        {"aes", CLASS_SECRET_KEY, CKM_AES_GCM, 40, ERR_MECHANISM},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(unwrap(rows[i].label, rows[i].class, rows[i].mechanism, rows[i].wrapped),
            rows[i].error);
    assert_int_equal(f.device.calls[FAKE_UNWRAP], 3);
    (void)state;
}

static void what_signs_a_digest_does_not_come_in_parts(void **state)
{
    static const struct {
        const char *label;
        uint32_t mechanism;
    } rows[] = {{"web", CKM_ECDSA}, {"rsa", CKM_RSA_PKCS}, {"rsa", CKM_RSA_PKCS_PSS}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct wire_begin_request begin = {DRIVER_SIGN,
            number_of(rows[i].label, CLASS_PRIVATE_KEY), rows[i].mechanism, none, SESSION, none};
        assert_int_equal(fixture_call(&f, mine, WIRE_BEGIN, &begin, &reply), ERR_MECHANISM);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KEYS(each_half_of_a_pair_has_its_functions),
        WITH_KEYS(rsa_data_fits_the_modulus),
        WITH_KEYS(hash_and_mgf_agree_and_salt_and_hash_fit),
        WITH_KEYS(blocks_are_whole),
        WITH_KEYS(blocks_are_whole_in_the_end),
        WITH_KEYS(counters_have_bits_and_macs_bytes),
        WITH_KEYS(whoever_may_only_verify_cannot_find_a_mac_by_trying),
        WITH_KEYS(only_allowed_mechanisms_are_served),
        WITH_KEYS(some_keys_leave_only_in_a_trusted_one),
        WITH_KEYS(a_wrapped_key_has_a_length_that_can_be),
        WITH_KEYS(what_signs_a_digest_does_not_come_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
