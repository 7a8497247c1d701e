/* SPDX-License-Identifier: MIT
 *
 * C_SignInit … C_SignFinal and C_GenerateRandom: the state of the operation, the sizes, and that
 * the signatures are right.
 */
#include "stand.h"

static CK_BYTE digest[DIGEST] = {1, 2, 3};
static CK_BYTE signature[SIGNATURE];
static CK_ULONG len;

static CK_RV begin(CK_MECHANISM *mechanism)
{
    len = SIGNATURE;
    return p11->C_SignInit(stand.session, mechanism, stand.key);
}

static CK_RV whole(void)
{
    return p11->C_Sign(stand.session, digest, sizeof digest, signature, &len);
}

static void assert_ended(void)
{
    CK_ULONG room = SIGNATURE;
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        p11->C_Sign(stand.session, digest, sizeof digest, signature, &room));
}

static void ecdsa_of_a_digest_verifies(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_signs(stand.session, stand.key, stand.verifier);
    assert_signs(stand.read_only, stand.key, stand.verifier);
}

static void signing_without_init_is_refused(void **state)
{
    (void)state;
    len = SIGNATURE;
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, whole());
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_SignUpdate(stand.session, digest, 1));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_SignFinal(stand.session, signature, &len));
}

static void init_twice_is_refused_and_the_first_goes_on(void **state)
{
    (void)state;
    assert_rv(CKR_OK, begin(&ecdsa));
    assert_rv(CKR_OPERATION_ACTIVE, begin(&ecdsa_sha256));
    assert_rv(CKR_OK, whole());
    assert_true(verifies(stand.verifier, digest, signature));
    assert_ended();
}

static void a_session_signs_while_another_is_in_the_middle(void **state)
{
    (void)state;
    assert_rv(CKR_OK, begin(&ecdsa_sha256));
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, digest, 2));
    assert_signs(stand.read_only, stand.key, stand.verifier);
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, digest + 2, 3));
    assert_rv(CKR_OK, p11->C_SignFinal(stand.session, signature, &len));
    assert_true(verifies_message(stand.verifier, digest, 5, signature));
}

static void a_size_query_and_a_small_buffer_do_not_end_the_operation(void **state)
{
    (void)state;
    assert_rv(CKR_OK, begin(&ecdsa));
    len = 0;
    assert_rv(CKR_OK, p11->C_Sign(stand.session, digest, sizeof digest, NULL, &len));
    assert_int_equal(len, SIGNATURE);
    len = SIGNATURE - 1;
    assert_rv(CKR_BUFFER_TOO_SMALL, whole());
    assert_int_equal(len, SIGNATURE);
    assert_rv(CKR_OK, whole());
    assert_true(verifies(stand.verifier, digest, signature));
    assert_ended();

    assert_rv(CKR_OK, begin(&ecdsa_sha256));
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, digest, sizeof digest));
    len = 0;
    assert_rv(CKR_OK, p11->C_SignFinal(stand.session, NULL, &len));
    assert_int_equal(len, SIGNATURE);
    len = 1;
    assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_SignFinal(stand.session, signature, &len));
    assert_int_equal(len, SIGNATURE);
    assert_rv(CKR_OK, p11->C_SignFinal(stand.session, signature, &len));
    assert_true(verifies_message(stand.verifier, digest, sizeof digest, signature));
    assert_ended();
}

static void a_larger_buffer_is_told_the_true_length(void **state)
{
    CK_BYTE large[SIGNATURE + 30];
    (void)state;
    memset(large, 0xa5, sizeof large);
    assert_rv(CKR_OK, begin(&ecdsa));
    len = sizeof large;
    assert_rv(CKR_OK, p11->C_Sign(stand.session, digest, sizeof digest, large, &len));
    assert_int_equal(len, SIGNATURE);
    assert_int_equal(large[SIGNATURE], 0xa5);
    assert_true(verifies(stand.verifier, digest, large));
}

static void bad_arguments_end_the_operation(void **state)
{
    (void)state;
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_SignInit(stand.session, NULL, stand.key));
    assert_ended();
    assert_rv(CKR_OK, begin(&ecdsa));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_Sign(stand.session, NULL, 5, signature, &len));
    assert_ended();
    assert_rv(CKR_OK, begin(&ecdsa));
    assert_rv(
        CKR_ARGUMENTS_BAD, p11->C_Sign(stand.session, digest, sizeof digest, signature, NULL));
    assert_ended();
    assert_rv(CKR_OK, begin(&ecdsa_sha256));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_SignUpdate(stand.session, NULL, 5));
    assert_ended();
    assert_rv(CKR_OK, begin(&ecdsa_sha256));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_SignFinal(stand.session, signature, NULL));
    assert_ended();
}

/* 2.40 mechanisms, 2.3.6: the whole digest is given, and cut to the length of the order inside. */
static void of_a_digest_longer_than_the_order_the_leftmost_bytes_are_signed(void **state)
{
    CK_BYTE sha512[64];
    (void)state;
    for (size_t i = 0; i < sizeof sha512; i++)
        sha512[i] = (CK_BYTE)(i * 3);
    assert_rv(CKR_OK, begin(&ecdsa));
    assert_rv(CKR_OK, p11->C_Sign(stand.session, sha512, sizeof sha512, signature, &len));
    assert_true(verifies(stand.verifier, sha512, signature));
}

static void data_too_long_for_a_message_is_refused_and_nothing_else_is_disturbed(void **state)
{
    static CK_BYTE data[1 << 20];
    static const CK_ULONG lengths[] = {61441, 65535, 65536, 65537, sizeof data};
    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        assert_rv(CKR_OK, begin(&ecdsa));
        assert_rv(
            CKR_DATA_LEN_RANGE, p11->C_Sign(stand.session, data, lengths[i], signature, &len));
        assert_ended();
    }
    assert_signs(stand.session, stand.key, stand.verifier);
}

static void a_mechanism_that_is_not_offered_is_refused(void **state)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_MD5_RSA_PKCS, CKM_DSA, CKM_SHA256,
        CKM_EC_KEY_PAIR_GEN, CKM_VENDOR_DEFINED, ~0UL, 1UL << 40 | CKM_ECDSA};
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        CK_MECHANISM mechanism = {types[i], NULL, 0};
        assert_rv(CKR_MECHANISM_INVALID, begin(&mechanism));
    }
    assert_ended();
}

static void a_mechanism_parameter_is_refused(void **state)
{
    CK_MECHANISM with_parameter[] = {{CKM_ECDSA, digest, 4}, {CKM_ECDSA_SHA256, digest, 4}};
    CK_MECHANISM empty = {CKM_ECDSA, digest, 0};
    (void)state;
    assert_rv(CKR_MECHANISM_PARAM_INVALID, begin(&with_parameter[0]));
    assert_rv(CKR_MECHANISM_PARAM_INVALID, begin(&with_parameter[1]));
    assert_rv(CKR_OK, begin(&empty));
    assert_rv(CKR_OK, whole());
}

static void only_a_private_key_signs(void **state)
{
    CK_OBJECT_HANDLE certificate;
    (void)state;
    assert_rv(CKR_KEY_TYPE_INCONSISTENT, p11->C_SignInit(stand.session, &ecdsa, stand.public_key));
    assert_rv(CKR_OK, store_certificate(stand.session, false, "no-key", "value", 5, &certificate));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &ecdsa, certificate));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &ecdsa, 0));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &ecdsa, ~0UL));
    assert_ended();
}

static void a_key_made_without_the_right_to_sign_does_not(void **state)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE public_template[] = {{CKA_EC_PARAMS, p256, sizeof p256}};
    CK_ATTRIBUTE private_template[] = {{CKA_SIGN, &no, sizeof no}};
    struct pair pair;
    (void)state;
    assert_rv(CKR_OK, p11->C_GenerateKeyPair(stand.session, &generation, public_template, 1,
                          private_template, 1, &pair.public_key, &pair.private_key));
    assert_rv(
        CKR_KEY_FUNCTION_NOT_PERMITTED, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
}

/* Programs that know one way of signing only need not care what the device wants. */
static void ecdsa_takes_its_digest_in_parts_and_no_more_than_a_digest(void **state)
{
    (void)state;
    assert_rv(CKR_OK, begin(&ecdsa));
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, digest, 10));
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, digest + 10, sizeof digest - 10));
    len = sizeof signature;
    assert_rv(CKR_OK, p11->C_SignFinal(stand.session, signature, &len));
    assert_true(verifies(stand.verifier, digest, signature));
    assert_ended();
    assert_rv(CKR_OK, begin(&ecdsa));
    for (int i = 0; i < 3; i++)
        assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, digest, sizeof digest));
    len = sizeof signature;
    assert_rv(CKR_DATA_LEN_RANGE, p11->C_SignFinal(stand.session, signature, &len));
    assert_ended();
}

static CK_RV verify(
    CK_MECHANISM *mechanism, const CK_BYTE *data, CK_ULONG data_len, CK_ULONG mac_len)
{
    CK_RV rv = p11->C_VerifyInit(stand.session, mechanism, stand.public_key);
    return rv != CKR_OK
               ? rv
               : p11->C_Verify(stand.session, (CK_BYTE *)data, data_len, signature, mac_len);
}

/* In the module; OpenSSL is asked in the tests above. */
static void what_the_device_signs_is_verified_with_the_public_key(void **state)
{
    CK_MECHANISM sha256 = {CKM_ECDSA_SHA256, NULL, 0};
    (void)state;
    assert_rv(CKR_OK, begin(&sha256));
    len = sizeof signature;
    assert_rv(CKR_OK, p11->C_Sign(stand.session, digest, 5, signature, &len));
    assert_rv(CKR_OK, verify(&sha256, digest, 5, SIGNATURE));
    assert_rv(CKR_SIGNATURE_INVALID, verify(&sha256, digest, 6, SIGNATURE));
    assert_rv(CKR_SIGNATURE_LEN_RANGE, verify(&sha256, digest, 5, SIGNATURE - 1));
    assert_rv(CKR_OK, p11->C_VerifyInit(stand.session, &sha256, stand.public_key));
    assert_rv(CKR_OK, p11->C_VerifyUpdate(stand.session, digest, 2));
    assert_rv(CKR_OK, p11->C_VerifyUpdate(stand.session, digest + 2, 3));
    assert_rv(CKR_OK, p11->C_VerifyFinal(stand.session, signature, SIGNATURE));
    assert_rv(CKR_OK, begin(&ecdsa));
    assert_rv(CKR_OK, p11->C_Sign(stand.session, digest, sizeof digest, signature, &len));
    assert_rv(CKR_OK, verify(&ecdsa, digest, sizeof digest, SIGNATURE));
    assert_rv(CKR_DATA_LEN_RANGE, verify(&ecdsa, digest, 0, SIGNATURE));
    signature[0] ^= 1;
    assert_rv(CKR_SIGNATURE_INVALID, verify(&ecdsa, digest, sizeof digest, SIGNATURE));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        p11->C_Verify(stand.session, digest, sizeof digest, signature, SIGNATURE));
}

/* Around the block of SHA-256, and far more than a message holds. */
static void ecdsa_sha256_signs_the_same_in_one_part_and_in_many(void **state)
{
    static CK_BYTE message[200000];
    static const CK_ULONG lengths[] = {0, 1, 55, 56, 63, 64, 65, 1000, sizeof message};
    static const CK_ULONG parts[] = {1, 63, 64, 65, 70000};
    (void)state;
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (CK_BYTE)(i * 7);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        assert_rv(CKR_OK, begin(&ecdsa_sha256));
        assert_rv(CKR_OK, p11->C_Sign(stand.session, message, lengths[i], signature, &len));
        assert_true(verifies_message(stand.verifier, message, lengths[i], signature));
        for (size_t p = 0; p < COUNT(parts); p++) {
            assert_rv(CKR_OK, begin(&ecdsa_sha256));
            for (CK_ULONG at = 0; at < lengths[i]; at += parts[p]) {
                const CK_ULONG left = lengths[i] - at;
                assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, message + at,
                                      left < parts[p] ? left : parts[p]));
            }
            assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, NULL, 0));
            assert_rv(CKR_OK, p11->C_SignFinal(stand.session, signature, &len));
            assert_true(verifies_message(stand.verifier, message, lengths[i], signature));
        }
    }
}

static void sign_does_not_end_what_sign_update_began(void **state)
{
    (void)state;
    assert_rv(CKR_OK, begin(&ecdsa_sha256));
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, digest, 3));
    assert_rv(CKR_OPERATION_ACTIVE, whole());
    assert_ended();
}

static void a_key_destroyed_after_init_is_an_invalid_handle(void **state)
{
    struct pair pair;
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, false, "to-be-destroyed", &pair));
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
    assert_rv(CKR_OK, p11->C_DestroyObject(stand.session, pair.private_key));
    len = SIGNATURE;
    assert_rv(CKR_OBJECT_HANDLE_INVALID, whole());
    assert_ended();
}

/* ---- random ---- */

static bool all_equal(const CK_BYTE *bytes, size_t count)
{
    size_t i = 1;
    while (i < count && bytes[i] == bytes[0])
        i++;
    return i == count;
}

/* More than one message holds, and every part of it is filled. */
static void random_bytes_fill_the_whole_buffer_and_not_more(void **state)
{
    static CK_BYTE random[100001];
    CK_BYTE other[32];
    (void)state;
    memset(random, 0, sizeof random);
    assert_rv(CKR_OK, p11->C_GenerateRandom(stand.read_only, random, sizeof random - 1));
    for (size_t at = 0; at + 32 < sizeof random; at += 32)
        assert_false(all_equal(random + at, 32));
    assert_int_equal(random[sizeof random - 1], 0);
    assert_rv(CKR_OK, p11->C_GenerateRandom(stand.read_only, other, sizeof other));
    assert_memory_not_equal(random, other, sizeof other);
    assert_rv(CKR_OK, p11->C_GenerateRandom(stand.session, NULL, 0));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GenerateRandom(stand.session, NULL, 1));
}

static void a_seed_is_refused(void **state)
{
    (void)state;
    assert_rv(
        CKR_RANDOM_SEED_NOT_SUPPORTED, p11->C_SeedRandom(stand.session, digest, sizeof digest));
}

int sign_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(ecdsa_of_a_digest_verifies),
        WITH_STAND(signing_without_init_is_refused),
        WITH_STAND(init_twice_is_refused_and_the_first_goes_on),
        WITH_STAND(a_session_signs_while_another_is_in_the_middle),
        WITH_STAND(a_size_query_and_a_small_buffer_do_not_end_the_operation),
        WITH_STAND(a_larger_buffer_is_told_the_true_length),
        WITH_STAND(bad_arguments_end_the_operation),
        WITH_STAND(of_a_digest_longer_than_the_order_the_leftmost_bytes_are_signed),
        WITH_STAND(data_too_long_for_a_message_is_refused_and_nothing_else_is_disturbed),
        WITH_STAND(a_mechanism_that_is_not_offered_is_refused),
        WITH_STAND(a_mechanism_parameter_is_refused),
        WITH_STAND(only_a_private_key_signs),
        WITH_STAND(a_key_made_without_the_right_to_sign_does_not),
        WITH_STAND(ecdsa_takes_its_digest_in_parts_and_no_more_than_a_digest),
        WITH_STAND(what_the_device_signs_is_verified_with_the_public_key),
        WITH_STAND(ecdsa_sha256_signs_the_same_in_one_part_and_in_many),
        WITH_STAND(sign_does_not_end_what_sign_update_began),
        WITH_STAND(a_key_destroyed_after_init_is_an_invalid_handle),
        WITH_STAND(random_bytes_fill_the_whole_buffer_and_not_more),
        WITH_STAND(a_seed_is_refused),
    };
    return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
