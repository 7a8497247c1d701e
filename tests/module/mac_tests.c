/* SPDX-License-Identifier: MIT
 *
 * CKM_SHA256_HMAC: made and verified, in one part and in many, short and longer than a message.
 */
#include "stand.h"

#include "reference.h"

static CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
static uint8_t key_bytes[32];
static CK_OBJECT_HANDLE key;
static uint8_t data[300000];
static CK_BYTE mac[MAC_LEN];
static CK_ULONG len;

/* A message holds 61440 bytes. */
static const size_t lengths[] = {
    0, 1, 32, 64, 1000, 61439, 61440, 61441, 65536, 122880, 122881, sizeof data};

static int set_up(void **state)
{
    if (stand_up(state) != 0)
        return -1;
    fill_bytes(key_bytes, sizeof key_bytes, 1);
    fill_bytes(data, sizeof data, 2);
    assert_rv(CKR_OK, import_secret(stand.session, false, "mac", CKK_GENERIC_SECRET, key_bytes,
                          sizeof key_bytes, &key));
    len = sizeof mac;
    return 0;
}
#define WITH_KEY(test) cmocka_unit_test_setup_teardown(test, set_up, stand_down)

static void expect(uint8_t wanted[MAC_LEN], size_t data_len)
{
    reference_hmac(BYTES(key_bytes), (struct bytes){data, data_len}, wanted);
}

static CK_RV sign_begin(void)
{
    len = sizeof mac;
    return p11->C_SignInit(stand.session, &hmac, key);
}

static CK_RV verify(size_t data_len, CK_BYTE *signature, CK_ULONG signature_len)
{
    CK_RV rv = p11->C_VerifyInit(stand.session, &hmac, key);
    return rv != CKR_OK ? rv
                        : p11->C_Verify(stand.session, data, data_len, signature, signature_len);
}

static void assert_sign_ended(void)
{
    CK_ULONG room = sizeof mac;
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_Sign(stand.session, data, 1, mac, &room));
}

static void assert_verify_ended(void)
{
    assert_rv(
        CKR_OPERATION_NOT_INITIALIZED, p11->C_Verify(stand.session, data, 1, mac, sizeof mac));
}

/* RFC 4231, test cases 6 and 7: keys that a device with a least key length takes. */
static void known_answers_of_rfc_4231(void **state)
{
    static const struct {
        const char *text;
        uint8_t mac[MAC_LEN];
    } cases[] = {
        {"Test Using Larger Than Block-Size Key - Hash Key First",
            {0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f, 0x0d, 0x8a, 0x26, 0xaa, 0xcb, 0xf5,
                0xb7, 0x7f, 0x8e, 0x0b, 0xc6, 0x21, 0x37, 0x28, 0xc5, 0x14, 0x05, 0x46, 0x04, 0x0f,
                0x0e, 0xe3, 0x7f, 0x54}},
        {"This is a test using a larger than block-size key and a larger than block-size data. "
         "The key needs to be hashed before being used by the HMAC algorithm.",
            {0x9b, 0x09, 0xff, 0xa7, 0x1b, 0x94, 0x2f, 0xcb, 0x27, 0x63, 0x5f, 0xbc, 0xd5, 0xb0,
                0xe9, 0x44, 0xbf, 0xdc, 0x63, 0x64, 0x4f, 0x07, 0x13, 0x93, 0x8a, 0x7f, 0x51, 0x53,
                0x5c, 0x3a, 0x35, 0xe2}},
    };
    uint8_t value[131];
    (void)state;
    memset(value, 0xaa, sizeof value);
    assert_rv(CKR_OK, import_secret(stand.session, false, "known", CKK_GENERIC_SECRET, value,
                          sizeof value, &key));
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_rv(CKR_OK, sign_begin());
        assert_rv(CKR_OK, p11->C_Sign(stand.session, (CK_BYTE *)(uintptr_t)cases[i].text,
                              strlen(cases[i].text), mac, &len));
        assert_int_equal(len, MAC_LEN);
        assert_memory_equal(mac, cases[i].mac, MAC_LEN);
    }
}

static void of_any_length_it_is_what_openssl_makes_and_verifies(void **state)
{
    uint8_t wanted[MAC_LEN];
    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        expect(wanted, lengths[i]);
        assert_rv(CKR_OK, sign_begin());
        assert_rv(CKR_OK, p11->C_Sign(stand.session, data, lengths[i], mac, &len));
        assert_int_equal(len, MAC_LEN);
        assert_memory_equal(mac, wanted, MAC_LEN);
        assert_rv(CKR_OK, verify(lengths[i], wanted, MAC_LEN));
        wanted[31] ^= 1;
        assert_rv(CKR_SIGNATURE_INVALID, verify(lengths[i], wanted, MAC_LEN));
    }
    assert_sign_ended();
    assert_verify_ended();
}

static CK_RV update_all(
    CK_RV (*update)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG), size_t all, size_t part)
{
    CK_RV rv = CKR_OK;
    for (size_t at = 0; at < all && rv == CKR_OK; at += part)
        rv = update(stand.session, data + at, all - at < part ? all - at : part);
    return rv == CKR_OK ? update(stand.session, NULL, 0) : rv;
}

static void in_parts_it_is_the_same(void **state)
{
    static const size_t parts[] = {999, 61440, 61441, 200000};
    uint8_t wanted[MAC_LEN];
    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        expect(wanted, lengths[i]);
        for (size_t j = 0; j < COUNT(parts); j++) {
            assert_rv(CKR_OK, sign_begin());
            assert_rv(CKR_OK, update_all(p11->C_SignUpdate, lengths[i], parts[j]));
            assert_rv(CKR_OK, p11->C_SignFinal(stand.session, mac, &len));
            assert_memory_equal(mac, wanted, MAC_LEN);
            assert_rv(CKR_OK, p11->C_VerifyInit(stand.session, &hmac, key));
            assert_rv(CKR_OK, update_all(p11->C_VerifyUpdate, lengths[i], parts[j]));
            assert_rv(CKR_OK, p11->C_VerifyFinal(stand.session, mac, MAC_LEN));
        }
        mac[0] ^= 1;
        assert_rv(CKR_OK, p11->C_VerifyInit(stand.session, &hmac, key));
        assert_rv(CKR_OK, update_all(p11->C_VerifyUpdate, lengths[i], 100000));
        assert_rv(CKR_SIGNATURE_INVALID, p11->C_VerifyFinal(stand.session, mac, MAC_LEN));
    }
    assert_sign_ended();
    assert_verify_ended();
}

static void a_size_query_and_a_small_buffer_do_not_end_it(void **state)
{
    uint8_t wanted[MAC_LEN];
    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i += 3) {
        expect(wanted, lengths[i]);
        assert_rv(CKR_OK, sign_begin());
        len = 0;
        assert_rv(CKR_OK, p11->C_Sign(stand.session, data, lengths[i], NULL, &len));
        assert_int_equal(len, MAC_LEN);
        len = MAC_LEN - 1;
        assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_Sign(stand.session, data, lengths[i], mac, &len));
        assert_rv(CKR_OK, p11->C_Sign(stand.session, data, lengths[i], mac, &len));
        assert_memory_equal(mac, wanted, MAC_LEN);

        assert_rv(CKR_OK, sign_begin());
        assert_rv(CKR_OK, update_all(p11->C_SignUpdate, lengths[i], 50000));
        len = 0;
        assert_rv(CKR_OK, p11->C_SignFinal(stand.session, NULL, &len));
        assert_int_equal(len, MAC_LEN);
        len = 3;
        assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_SignFinal(stand.session, mac, &len));
        assert_rv(CKR_OK, p11->C_SignFinal(stand.session, mac, &len));
        assert_memory_equal(mac, wanted, MAC_LEN);
    }
    assert_sign_ended();
}

static void wrong_order_and_bad_arguments_are_said(void **state)
{
    (void)state;
    assert_verify_ended();
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_VerifyUpdate(stand.session, data, 1));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_VerifyFinal(stand.session, mac, MAC_LEN));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_VerifyInit(stand.session, NULL, key));
    assert_rv(CKR_OK, p11->C_VerifyInit(stand.session, &hmac, key));
    assert_rv(CKR_OPERATION_ACTIVE, p11->C_VerifyInit(stand.session, &hmac, key));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_Verify(stand.session, data, 1, NULL, MAC_LEN));
    assert_verify_ended();
    assert_rv(CKR_OK, p11->C_VerifyInit(stand.session, &hmac, key));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_Verify(stand.session, NULL, 1, mac, MAC_LEN));
    assert_verify_ended();
    assert_rv(CKR_OK, p11->C_VerifyInit(stand.session, &hmac, key));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_VerifyUpdate(stand.session, NULL, 1));
    assert_verify_ended();
    assert_rv(CKR_OK, p11->C_VerifyInit(stand.session, &hmac, key));
    assert_rv(CKR_OK, p11->C_VerifyUpdate(stand.session, data, 1));
    assert_rv(CKR_OPERATION_ACTIVE, p11->C_Verify(stand.session, data, 1, mac, MAC_LEN));
    assert_verify_ended();
    assert_rv(CKR_SIGNATURE_LEN_RANGE, verify(10, mac, MAC_LEN - 1));
    assert_rv(CKR_SIGNATURE_LEN_RANGE, verify(10, mac, MAC_LEN + 1));
    assert_rv(CKR_SIGNATURE_LEN_RANGE, verify(10, mac, 0));
    assert_verify_ended();
}

static void a_parameter_is_refused(void **state)
{
    CK_MECHANISM with_parameter = {CKM_SHA256_HMAC, data, 4};
    (void)state;
    assert_rv(CKR_MECHANISM_PARAM_INVALID, p11->C_SignInit(stand.session, &with_parameter, key));
    assert_rv(CKR_MECHANISM_PARAM_INVALID, p11->C_VerifyInit(stand.session, &with_parameter, key));
}

static void keys_that_do_not_fit_are_said(void **state)
{
    CK_OBJECT_HANDLE aes;
    (void)state;
    assert_rv(CKR_KEY_TYPE_INCONSISTENT, p11->C_VerifyInit(stand.session, &ecdsa, stand.key));
    assert_rv(CKR_KEY_TYPE_INCONSISTENT, p11->C_VerifyInit(stand.session, &hmac, stand.public_key));
    assert_rv(CKR_OK, generate_secret(stand.session, false, "aes", CKM_AES_KEY_GEN, 32, &aes));
    assert_rv(CKR_KEY_TYPE_INCONSISTENT, p11->C_SignInit(stand.session, &hmac, aes));
    assert_rv(CKR_KEY_TYPE_INCONSISTENT, p11->C_SignInit(stand.session, &hmac, stand.key));
    assert_rv(CKR_KEY_TYPE_INCONSISTENT, p11->C_SignInit(stand.session, &ecdsa, key));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_VerifyInit(stand.session, &hmac, ~0UL));
}

static void a_key_without_the_right_is_refused(void **state)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, key_bytes, sizeof key_bytes},
        {CKA_SIGN, &no, sizeof no}, {CKA_VERIFY, &no, sizeof no}};
    (void)state;
    assert_rv(CKR_OK, p11->C_CreateObject(stand.session, template, COUNT(template), &key));
    assert_rv(CKR_KEY_FUNCTION_NOT_PERMITTED, p11->C_SignInit(stand.session, &hmac, key));
    assert_rv(CKR_KEY_FUNCTION_NOT_PERMITTED, p11->C_VerifyInit(stand.session, &hmac, key));
}

static void signing_and_verifying_go_on_beside_each_other_in_one_session(void **state)
{
    uint8_t wanted[MAC_LEN];
    (void)state;
    expect(wanted, 100000);
    assert_rv(CKR_OK, sign_begin());
    assert_rv(CKR_OK, p11->C_VerifyInit(stand.session, &hmac, key));
    for (size_t at = 0; at < 100000; at += 10000) {
        assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, data + at, 10000));
        assert_rv(CKR_OK, p11->C_VerifyUpdate(stand.session, data + at, 10000));
    }
    assert_rv(CKR_OK, p11->C_VerifyFinal(stand.session, wanted, MAC_LEN));
    assert_rv(CKR_OK, p11->C_SignFinal(stand.session, mac, &len));
    assert_memory_equal(mac, wanted, MAC_LEN);
}

/* 300000 bytes are begun and not finished, more often than anybody may have open at a time. */
static void what_is_abandoned_is_dropped(void **state)
{
    CK_SESSION_HANDLE session;
    CK_ULONG room = sizeof mac;
    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_rv(CKR_OK, open_session(0, &session));
        assert_rv(CKR_OK, p11->C_SignInit(session, &hmac, key));
        assert_rv(CKR_OK, p11->C_SignUpdate(session, data, 100000));
        if (i % 2 == 0)
            assert_rv(CKR_ARGUMENTS_BAD, p11->C_SignUpdate(session, NULL, 1));
        assert_rv(CKR_OK, p11->C_CloseSession(session));
        assert_rv(CKR_OK, sign_begin());
        assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, data, 100000));
        assert_rv(CKR_ARGUMENTS_BAD, p11->C_SignFinal(stand.session, mac, NULL));
    }
    assert_rv(CKR_OK, sign_begin());
    assert_rv(CKR_OK, p11->C_Sign(stand.session, data, sizeof data, mac, &room));
}

int mac_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KEY(known_answers_of_rfc_4231),
        WITH_KEY(of_any_length_it_is_what_openssl_makes_and_verifies),
        WITH_KEY(in_parts_it_is_the_same),
        WITH_KEY(a_size_query_and_a_small_buffer_do_not_end_it),
        WITH_KEY(wrong_order_and_bad_arguments_are_said),
        WITH_KEY(a_parameter_is_refused),
        WITH_KEY(keys_that_do_not_fit_are_said),
        WITH_KEY(a_key_without_the_right_is_refused),
        WITH_KEY(signing_and_verifying_go_on_beside_each_other_in_one_session),
        WITH_KEY(what_is_abandoned_is_dropped),
    };
    return cmocka_run_group_tests_name("mac", tests, NULL, NULL);
}
