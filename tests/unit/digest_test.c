/* SPDX-License-Identifier: MIT
 *
 * C_DigestInit … C_DigestFinal: the values of FIPS 180-4, sizes, the state of the operation, and
 * which keys are digested. None of it asks the worker, but for the value of a key.
 */
#include "module_stand.h"

#include "pkcs11-module/digest.h"

#include <stdio.h>

static CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};

/* Of "abc" (FIPS 180-4, examples) */
static const struct {
    CK_MECHANISM_TYPE type;
    const char *hex;
} known[] = {{CKM_SHA_1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {CKM_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
    {CKM_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {CKM_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                 "8086072ba1e7cc2358baeca134c825a7"},
    {CKM_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                 "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"}};

static void assert_hex(const char *wanted)
{
    char hex[2 * MECHANISM_DIGEST_MAX + 1] = "";
    assert_int_equal(stand.len, strlen(wanted) / 2);
    for (size_t i = 0; i < stand.len; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", stand.out[i]);
    assert_string_equal(hex, wanted);
}

static CK_RV begin(void)
{
    stand.len = sizeof stand.out;
    return digest_begin(&stand.session, &sha256);
}

static CK_RV update(const char *text)
{
    return digest_update(&stand.session, (const unsigned char *)text, strlen(text));
}

static CK_RV whole(const char *text)
{
    return digest_whole(
        &stand.session, (const unsigned char *)text, strlen(text), stand.out, &stand.len);
}

static CK_RV finish(void)
{
    return digest_finish(&stand.session, stand.out, &stand.len);
}

static void assert_ended(void)
{
    static const struct digest none;
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, update("x"));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, whole("x"));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, finish());
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, digest_key(&stand.session, stand.secret));
    assert_memory_equal(&stand.session.digest, &none, sizeof none);
}

static void known_digests_in_one_part_and_in_several(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        const CK_MECHANISM mechanism = {known[i].type, NULL, 0};
        stand.len = sizeof stand.out;
        assert_rv(CKR_OK, digest_begin(&stand.session, &mechanism));
        assert_rv(CKR_OK, whole("abc"));
        assert_hex(known[i].hex);
        stand.len = sizeof stand.out;
        assert_rv(CKR_OK, digest_begin(&stand.session, &mechanism));
        assert_rv(CKR_OK, update("a"));
        assert_rv(CKR_OK, update(""));
        assert_rv(CKR_OK, update("bc"));
        assert_rv(CKR_OK, finish());
        assert_hex(known[i].hex);
        assert_ended();
    }
    assert_log("");
}

static void a_digest_of_nothing_is_one_too(void **state)
{
    static const char hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    (void)state;
    assert_rv(CKR_OK, begin());
    assert_rv(CKR_OK, digest_whole(&stand.session, NULL, 0, stand.out, &stand.len));
    assert_hex(hex);
    assert_rv(CKR_OK, begin());
    assert_rv(CKR_OK, finish());
    assert_hex(hex);
}

static void data_and_digest_may_be_in_one_place(void **state)
{
    (void)state;
    memcpy(stand.out, "abc", 3);
    assert_rv(CKR_OK, begin());
    assert_rv(CKR_OK, digest_whole(&stand.session, stand.out, 3, stand.out, &stand.len));
    assert_hex(known[2].hex);
}

static void size_queries_and_small_buffers_do_not_end_it_nor_digest_twice(void **state)
{
    (void)state;
    assert_rv(CKR_OK, begin());
    assert_rv(
        CKR_OK, digest_whole(&stand.session, (const unsigned char *)"abc", 3, NULL, &stand.len));
    assert_int_equal(stand.len, 32);
    stand.len = 31;
    assert_rv(CKR_BUFFER_TOO_SMALL, whole("abc"));
    assert_int_equal(stand.len, 32);
    assert_rv(CKR_OK, whole("abc"));
    assert_hex(known[2].hex);
    assert_rv(CKR_OK, begin());
    assert_rv(CKR_OK, update("abc"));
    assert_rv(CKR_OK, digest_finish(&stand.session, NULL, &stand.len));
    stand.len = 0;
    assert_rv(CKR_BUFFER_TOO_SMALL, finish());
    assert_rv(CKR_OK, finish());
    assert_hex(known[2].hex);
}

static void a_whole_after_a_part_and_bad_arguments_end_it(void **state)
{
    (void)state;
    assert_rv(CKR_OK, begin());
    assert_rv(CKR_OK, update("a"));
    assert_rv(CKR_OPERATION_ACTIVE, whole("bc"));
    assert_ended();
    assert_rv(CKR_OK, begin());
    assert_rv(CKR_ARGUMENTS_BAD, digest_update(&stand.session, NULL, 1));
    assert_ended();
    assert_rv(CKR_OK, begin());
    assert_rv(CKR_ARGUMENTS_BAD, digest_whole(&stand.session, NULL, 1, stand.out, &stand.len));
    assert_ended();
    assert_rv(CKR_OK, begin());
    assert_rv(CKR_ARGUMENTS_BAD, digest_finish(&stand.session, stand.out, NULL));
    assert_ended();
}

static void init_is_refused_twice_without_end_and_for_what_is_no_digest(void **state)
{
    static const CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    static const CK_MECHANISM with_parameter = {CKM_SHA256, (void *)(uintptr_t) "", 1};
    (void)state;
    assert_rv(CKR_MECHANISM_INVALID, digest_begin(&stand.session, &ecdsa));
    assert_rv(CKR_MECHANISM_PARAM_INVALID, digest_begin(&stand.session, &with_parameter));
    assert_rv(CKR_ARGUMENTS_BAD, digest_begin(&stand.session, NULL));
    assert_ended();
    assert_rv(CKR_OK, begin());
    assert_rv(CKR_OPERATION_ACTIVE, begin());
    assert_rv(CKR_OK, digest_begin(&stand.session, NULL)); /* ends it */
    assert_ended();
}

static void only_a_secret_that_its_session_may_read_is_digested(void **state)
{
    uint8_t value[33];
    uint8_t sum[MAC_LEN];
    const CK_OBJECT_HANDLE others[] = {stand.aes, stand.ec, stand.hidden, stand.foreign};
    (void)state;
    memset(value, 7, 32);
    value[32] = 'x';
    stand_mac(value, sizeof value, sum);
    assert_rv(CKR_OK, begin());
    for (size_t i = 0; i < COUNT(others); i++)
        assert_rv(CKR_KEY_INDIGESTIBLE, digest_key(&stand.session, others[i]));
    assert_rv(CKR_KEY_HANDLE_INVALID, digest_key(&stand.session, 4711));
    assert_log("");
    assert_rv(CKR_OK, digest_key(&stand.session, stand.secret));
    assert_log("VALUE ");
    assert_rv(CKR_OK, update("x"));
    assert_rv(CKR_OK, finish());
    assert_memory_equal(stand.out, sum, sizeof sum);
}

static void what_the_worker_refuses_to_tell_is_indigestible(void **state)
{
    (void)state;
    stand.fails_at = WIRE_VALUE;
    assert_rv(CKR_OK, begin());
    stand.error = ERR_DENIED;
    assert_rv(CKR_KEY_INDIGESTIBLE, digest_key(&stand.session, stand.secret));
    stand.error = ERR_ATTRIBUTE_SENSITIVE;
    assert_rv(CKR_KEY_INDIGESTIBLE, digest_key(&stand.session, stand.secret));
    stand.error = ERR_DEVICE;
    assert_rv(CKR_DEVICE_ERROR, digest_key(&stand.session, stand.secret));
    assert_rv(CKR_OK, whole("abc"));
    assert_hex(known[2].hex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(known_digests_in_one_part_and_in_several),
        WITH_STAND(a_digest_of_nothing_is_one_too),
        WITH_STAND(data_and_digest_may_be_in_one_place),
        WITH_STAND(size_queries_and_small_buffers_do_not_end_it_nor_digest_twice),
        WITH_STAND(a_whole_after_a_part_and_bad_arguments_end_it),
        WITH_STAND(init_is_refused_twice_without_end_and_for_what_is_no_digest),
        WITH_STAND(only_a_secret_that_its_session_may_read_is_digested),
        WITH_STAND(what_the_worker_refuses_to_tell_is_indigestible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
