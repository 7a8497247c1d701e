/* SPDX-License-Identifier: MIT
 *
 * Objects of every class: what comes in, what is copied and changed, what is derived and read.
 */
#include "stand.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509.h>

static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;
static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
#define FLAG(type, value)                                                                          \
    {                                                                                              \
        (type), &(value), sizeof(value)                                                            \
    }
#define TEXT(type, text)                                                                           \
    {                                                                                              \
        (type), (text), sizeof(text) - 1                                                           \
    }

static CK_BBOOL flag_of(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = 9;
    CK_ATTRIBUTE attribute = {type, &value, sizeof value};
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, object, &attribute, 1));
    return value;
}

static void expect_label(CK_OBJECT_HANDLE object, const char *label)
{
    CK_BYTE value[64];
    CK_ATTRIBUTE attribute = {CKA_LABEL, value, sizeof value};
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, object, &attribute, 1));
    assert_int_equal(attribute.ulValueLen, strlen(label));
    assert_memory_equal(value, label, strlen(label));
}

/* ---- copying ---- */

static void a_secret_key_is_not_copied(void **state)
{
    CK_OBJECT_HANDLE copy = 7;
    CK_ATTRIBUTE in_session = FLAG(CKA_TOKEN, no);
    (void)state;
    assert_int_equal(flag_of(stand.key, CKA_COPYABLE), CK_FALSE);
    assert_rv(
        CKR_ACTION_PROHIBITED, p11->C_CopyObject(stand.session, stand.key, &in_session, 1, &copy));
    assert_int_equal(copy, 7);
    assert_rv(CKR_OBJECT_HANDLE_INVALID,
        p11->C_CopyObject(stand.session, 123456789, &in_session, 1, &copy));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_CopyObject(stand.session, stand.public_key, NULL, 0, NULL));
}

static void a_public_key_is_copied_with_another_label(void **state)
{
    CK_OBJECT_HANDLE copy;
    CK_OBJECT_HANDLE next;
    CK_BYTE point[2][80];
    CK_ATTRIBUTE points[2] = {
        {CKA_EC_POINT, point[0], sizeof point[0]}, {CKA_EC_POINT, point[1], sizeof point[1]}};
    CK_ATTRIBUTE changes[] = {FLAG(CKA_TOKEN, no), TEXT(CKA_LABEL, "copy"), FLAG(CKA_COPYABLE, no)};
    (void)state;
    assert_rv(
        CKR_OK, p11->C_CopyObject(stand.session, stand.public_key, changes, COUNT(changes), &copy));
    expect_label(copy, "copy");
    expect_label(stand.public_key, "device");
    assert_int_equal(flag_of(copy, CKA_TOKEN), CK_FALSE);
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, copy, &points[0], 1));
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, stand.public_key, &points[1], 1));
    assert_int_equal(points[0].ulValueLen, points[1].ulValueLen);
    assert_memory_equal(point[0], point[1], points[0].ulValueLen);
    assert_rv(CKR_ACTION_PROHIBITED, p11->C_CopyObject(stand.session, copy, changes, 2, &next));
    assert_rv(CKR_ATTRIBUTE_READ_ONLY, p11->C_CopyObject(stand.session, stand.public_key,
                                           (CK_ATTRIBUTE[]){FLAG(CKA_LOCAL, yes)}, 1, &next));
}

static void a_session_that_only_reads_copies_into_itself_alone(void **state)
{
    CK_OBJECT_HANDLE copy;
    CK_ATTRIBUTE in_session = FLAG(CKA_TOKEN, no);
    (void)state;
    assert_rv(CKR_SESSION_READ_ONLY,
        p11->C_CopyObject(stand.read_only, stand.public_key, NULL, 0, &copy));
    assert_rv(CKR_OK, p11->C_CopyObject(stand.read_only, stand.public_key, &in_session, 1, &copy));
}

/* ---- changing ---- */

static void usage_is_changed_and_holds(void **state)
{
    struct pair pair;
    CK_ATTRIBUTE unsigned_ = FLAG(CKA_SIGN, no);
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, false, "changing", &pair));
    assert_rv(CKR_OK, p11->C_SetAttributeValue(stand.session, pair.private_key, &unsigned_, 1));
    assert_int_equal(flag_of(pair.private_key, CKA_SIGN), CK_FALSE);
    assert_rv(
        CKR_KEY_FUNCTION_NOT_PERMITTED, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
}

/* SoftHSM 2.6 has dates that can be read only where nothing is private. */
static void a_date_is_kept_and_read_or_refused(void **state)
{
    struct pair pair;
    char date[8];
    CK_ATTRIBUTE changes[] = {
        TEXT(CKA_END_DATE, "20301231"), FLAG(CKA_SIGN, no), TEXT(CKA_LABEL, "dated")};
    CK_ATTRIBUTE read = {CKA_END_DATE, date, sizeof date};
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, false, "undated", &pair));
    assert_rv(CKR_OK, p11->C_SetAttributeValue(stand.session, pair.public_key, changes, 1));
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, pair.public_key, &read, 1));
    assert_int_equal(read.ulValueLen, sizeof date);
    assert_memory_equal(date, "20301231", sizeof date);
    assert_rv(CKR_ATTRIBUTE_VALUE_INVALID,
        p11->C_SetAttributeValue(stand.session, pair.private_key, changes, COUNT(changes)));
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, pair.private_key, &read, 1));
    assert_int_equal(read.ulValueLen, 0);
    assert_int_equal(flag_of(pair.private_key, CKA_SIGN), CK_TRUE);
    expect_label(pair.private_key, "undated");
}

static void a_key_that_the_device_would_make_without_its_date_is_not_made(void **state)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE list[] = {FLAG(CKA_CLASS, class), FLAG(CKA_KEY_TYPE, type),
        TEXT(CKA_VALUE, "0123456789abcdef"), TEXT(CKA_LABEL, "never"),
        TEXT(CKA_START_DATE, "20201231")};
    CK_OBJECT_HANDLE key;
    CK_ULONG count;
    (void)state;
    assert_rv(
        CKR_ATTRIBUTE_VALUE_INVALID, p11->C_CreateObject(stand.session, list, COUNT(list), &key));
    assert_rv(CKR_OK, p11->C_FindObjectsInit(stand.session, &list[3], 1));
    assert_rv(CKR_OK, p11->C_FindObjects(stand.session, &key, 1, &count));
    assert_rv(CKR_OK, p11->C_FindObjectsFinal(stand.session));
    assert_int_equal(count, 0);
    assert_rv(CKR_OK, p11->C_CreateObject(stand.session, list, COUNT(list) - 1, &key));
}

static void of_a_change_that_is_refused_nothing_is_done(void **state)
{
    struct pair pair;
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        bool value;
    } rows[] = {{CKA_SENSITIVE, false}, {CKA_EXTRACTABLE, true}, {CKA_LOCAL, false},
        {CKA_TOKEN, true}, {CKA_COPYABLE, true}, {CKA_MODIFIABLE, false}};
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, false, "before", &pair));
    for (size_t i = 0; i < COUNT(rows); i++) {
        CK_ATTRIBUTE list[] = {TEXT(CKA_LABEL, "after"), FLAG(rows[i].type, yes)};
        list[1].pValue = rows[i].value ? &yes : &no;
        assert_rv(CKR_ATTRIBUTE_READ_ONLY,
            p11->C_SetAttributeValue(stand.session, pair.private_key, list, COUNT(list)));
        expect_label(pair.private_key, "before");
    }
}

static void what_its_maker_calls_unmodifiable_stays(void **state)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_OBJECT_HANDLE data;
    CK_ATTRIBUTE list[] = {FLAG(CKA_CLASS, class), TEXT(CKA_LABEL, "fixed"),
        FLAG(CKA_MODIFIABLE, no), TEXT(CKA_VALUE, "v")};
    CK_ATTRIBUTE label = TEXT(CKA_LABEL, "other");
    (void)state;
    assert_rv(CKR_OK, p11->C_CreateObject(stand.session, list, COUNT(list), &data));
    assert_rv(CKR_ACTION_PROHIBITED, p11->C_SetAttributeValue(stand.session, data, &label, 1));
    expect_label(data, "fixed");
}

/* ---- coming in ---- */

static void data_is_stored_found_and_read(void **state)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_OBJECT_HANDLE data;
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count;
    CK_ULONG size = 0;
    CK_BYTE value[16];
    CK_ATTRIBUTE list[] = {FLAG(CKA_CLASS, class), TEXT(CKA_LABEL, "data"),
        TEXT(CKA_APPLICATION, "module-check"), TEXT(CKA_VALUE, "some bytes")};
    CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof value};
    (void)state;
    assert_rv(CKR_OK, p11->C_CreateObject(stand.read_only, list, COUNT(list), &data));
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, data, &read, 1));
    assert_int_equal(read.ulValueLen, 10);
    assert_memory_equal(value, "some bytes", 10);
    assert_rv(CKR_OK, p11->C_GetObjectSize(stand.session, data, &size));
    assert_true(size > 10);
    CK_ATTRIBUTE wanted[] = {list[0], list[2]};
    assert_rv(CKR_OK, p11->C_FindObjectsInit(stand.session, wanted, COUNT(wanted)));
    assert_rv(CKR_OK, p11->C_FindObjects(stand.session, found, COUNT(found), &count));
    assert_rv(CKR_OK, p11->C_FindObjectsFinal(stand.session));
    assert_int_equal(count, 1);
    assert_int_equal(found[0], data);
    assert_rv(CKR_OK, p11->C_DestroyObject(stand.session, data));
}

/* A key of OpenSSL's: its scalar, and its point as CKA_EC_POINT */
struct ec_key {
    EVP_PKEY *key;
    CK_BYTE scalar[32];
    CK_BYTE point[67];
};

static struct ec_key ec_key(void)
{
    struct ec_key ec = {.key = EVP_EC_gen("P-256"), .point = {0x04, 0x41}};
    BIGNUM *scalar = NULL;
    size_t len;
    assert_non_null(ec.key);
    assert_int_equal(EVP_PKEY_get_bn_param(ec.key, OSSL_PKEY_PARAM_PRIV_KEY, &scalar), 1);
    assert_int_equal(BN_bn2binpad(scalar, ec.scalar, sizeof ec.scalar), sizeof ec.scalar);
    BN_clear_free(scalar);
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(ec.key, OSSL_PKEY_PARAM_PUB_KEY, ec.point + 2, 65, &len),
        1);
    return ec;
}

/* As pkcs11-tool brings them in: the private key first, and called not sensitive */
static void an_ec_key_comes_in_and_signs(void **state)
{
    CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
    CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_EC;
    struct ec_key ec = ec_key();
    CK_OBJECT_HANDLE private_key;
    CK_OBJECT_HANDLE public_key;
    CK_ATTRIBUTE private_list[] = {FLAG(CKA_CLASS, private_class), FLAG(CKA_KEY_TYPE, type),
        FLAG(CKA_EC_PARAMS, p256), FLAG(CKA_VALUE, ec.scalar), FLAG(CKA_SIGN, yes),
        FLAG(CKA_SENSITIVE, no), TEXT(CKA_ID, "imported")};
    CK_ATTRIBUTE public_list[] = {FLAG(CKA_CLASS, public_class), FLAG(CKA_KEY_TYPE, type),
        FLAG(CKA_EC_PARAMS, p256), FLAG(CKA_EC_POINT, ec.point), FLAG(CKA_VERIFY, yes),
        TEXT(CKA_ID, "imported")};
    CK_ATTRIBUTE value = {CKA_VALUE, NULL, 0};
    (void)state;
    assert_rv(CKR_OK,
        p11->C_CreateObject(stand.session, private_list, COUNT(private_list), &private_key));
    assert_rv(
        CKR_OK, p11->C_CreateObject(stand.session, public_list, COUNT(public_list), &public_key));
    assert_int_equal(flag_of(private_key, CKA_SENSITIVE), CK_TRUE);
    assert_int_equal(flag_of(private_key, CKA_EXTRACTABLE), CK_FALSE);
    assert_int_equal(flag_of(private_key, CKA_LOCAL), CK_FALSE);
    assert_int_equal(flag_of(private_key, CKA_NEVER_EXTRACTABLE), CK_FALSE);
    assert_rv(
        CKR_ATTRIBUTE_SENSITIVE, p11->C_GetAttributeValue(stand.session, private_key, &value, 1));
    assert_signs(stand.session, private_key, ec.key);
    CK_OBJECT_HANDLE ignored;
    CK_ULONG count;
    assert_rv(CKR_OK, find_by_label(stand.session, CKO_PRIVATE_KEY, "", &ignored, &count));
    EVP_PKEY *told = read_public_key(stand.session, private_key);
    assert_int_equal(EVP_PKEY_eq(told, ec.key), 1);
    EVP_PKEY_free(told);
    EVP_PKEY_free(ec.key);
}

/* Both halves tell the same key, in a form that OpenSSL reads. */
static void expect_pair(CK_MECHANISM_TYPE type, CK_ATTRIBUTE *how, CK_ULONG count, int kind)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_OBJECT_HANDLE halves[2];
    CK_ATTRIBUTE private_list[] = {FLAG(CKA_SIGN, yes)};
    assert_rv(CKR_OK, p11->C_GenerateKeyPair(stand.session, &mechanism, how, count, private_list,
                          COUNT(private_list), &halves[0], &halves[1]));
    EVP_PKEY *public_key = read_public_key(stand.session, halves[0]);
    EVP_PKEY *private_key = read_public_key(stand.session, halves[1]);
    assert_int_equal(EVP_PKEY_get_base_id(public_key), kind);
    assert_int_equal(EVP_PKEY_eq(public_key, private_key), 1);
    assert_int_equal(flag_of(halves[1], CKA_LOCAL), CK_TRUE);
    assert_int_equal(flag_of(halves[1], CKA_ALWAYS_AUTHENTICATE), CK_FALSE);
    EVP_PKEY_free(public_key);
    EVP_PKEY_free(private_key);
}

static void rsa_and_edwards_keys_tell_their_public_half_on_both_objects(void **state)
{
    CK_BYTE ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
    CK_ULONG bits = 2048;
    CK_ATTRIBUTE rsa[] = {FLAG(CKA_MODULUS_BITS, bits)};
    CK_ATTRIBUTE edwards[] = {FLAG(CKA_EC_PARAMS, ed25519)};
    (void)state;
    expect_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, rsa, COUNT(rsa), EVP_PKEY_RSA);
    expect_pair(CKM_EC_EDWARDS_KEY_PAIR_GEN, edwards, COUNT(edwards), EVP_PKEY_ED25519);
}

/* ---- deriving ---- */

static CK_OBJECT_HANDLE base_key(EVP_PKEY **ret_public)
{
    CK_OBJECT_HANDLE halves[2];
    CK_ATTRIBUTE public_list[] = {FLAG(CKA_EC_PARAMS, p256)};
    CK_ATTRIBUTE private_list[] = {FLAG(CKA_DERIVE, yes)};
    assert_rv(CKR_OK, p11->C_GenerateKeyPair(stand.session, &generation, public_list, 1,
                          private_list, 1, &halves[0], &halves[1]));
    *ret_public = read_public_key(stand.session, halves[0]);
    return halves[1];
}

/* point: with or without the two bytes of DER in front */
static CK_RV derive(CK_OBJECT_HANDLE base, CK_BYTE *point, CK_ULONG len, CK_BBOOL *sensitive,
    CK_OBJECT_HANDLE *ret_secret)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ULONG length = 32;
    CK_ECDH1_DERIVE_PARAMS params = {CKD_NULL, 0, NULL, len, point};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &params, sizeof params};
    CK_ATTRIBUTE list[] = {FLAG(CKA_CLASS, class), FLAG(CKA_KEY_TYPE, type),
        FLAG(CKA_VALUE_LEN, length), FLAG(CKA_EXTRACTABLE, yes),
        {CKA_SENSITIVE, sensitive, sizeof *sensitive}};
    return p11->C_DeriveKey(stand.session, &mechanism, base, list, COUNT(list), ret_secret);
}

static void shared_with(EVP_PKEY *mine, EVP_PKEY *theirs, CK_BYTE secret[32])
{
    size_t len = 32;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(mine, NULL);
    assert_int_equal(EVP_PKEY_derive_init(context), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(context, theirs), 1);
    assert_int_equal(EVP_PKEY_derive(context, secret, &len), 1);
    EVP_PKEY_CTX_free(context);
}

static void a_derived_secret_is_read_by_its_session_alone(void **state)
{
    struct ec_key peer = ec_key();
    EVP_PKEY *mine;
    CK_OBJECT_HANDLE base = base_key(&mine);
    CK_BYTE expected[32];
    (void)state;
    shared_with(peer.key, mine, expected);
    for (size_t bare = 0; bare <= 1; bare++) {
        CK_OBJECT_HANDLE secret;
        CK_BYTE value[40];
        CK_ULONG len = 0;
        CK_ATTRIBUTE size = {CKA_VALUE, NULL, 0};
        CK_ATTRIBUTE small = {CKA_VALUE, value, 31};
        CK_ATTRIBUTE both[] = {{CKA_VALUE, value, sizeof value}, FLAG(CKA_VALUE_LEN, len)};
        assert_rv(CKR_OK,
            derive(base, peer.point + 2 * bare, sizeof peer.point - 2 * bare, &no, &secret));
        assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, secret, &size, 1));
        assert_int_equal(size.ulValueLen, 32);
        assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_GetAttributeValue(stand.session, secret, &small, 1));
        assert_int_equal(small.ulValueLen, CK_UNAVAILABLE_INFORMATION);
        assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, secret, both, COUNT(both)));
        assert_int_equal(both[0].ulValueLen, 32);
        assert_int_equal(len, 32);
        assert_memory_equal(value, expected, 32);
        both[0].ulValueLen = sizeof value;
        assert_rv(CKR_ATTRIBUTE_SENSITIVE,
            p11->C_GetAttributeValue(stand.read_only, secret, both, COUNT(both)));
        assert_int_equal(both[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    }
    EVP_PKEY_free(peer.key);
    EVP_PKEY_free(mine);
}

static void a_derived_secret_that_is_or_becomes_sensitive_is_not_read(void **state)
{
    struct ec_key peer = ec_key();
    EVP_PKEY *mine;
    CK_OBJECT_HANDLE base = base_key(&mine);
    CK_OBJECT_HANDLE secret;
    CK_BYTE bytes[32];
    CK_ATTRIBUTE value = {CKA_VALUE, bytes, sizeof bytes};
    CK_ATTRIBUTE sensitive = FLAG(CKA_SENSITIVE, yes);
    (void)state;
    assert_rv(CKR_OK, derive(base, peer.point, sizeof peer.point, &yes, &secret));
    assert_rv(CKR_ATTRIBUTE_SENSITIVE, p11->C_GetAttributeValue(stand.session, secret, &value, 1));
    assert_rv(CKR_OK, derive(base, peer.point, sizeof peer.point, &no, &secret));
    value.ulValueLen = sizeof bytes;
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, secret, &value, 1));
    assert_rv(CKR_OK, p11->C_SetAttributeValue(stand.session, secret, &sensitive, 1));
    assert_rv(CKR_ATTRIBUTE_SENSITIVE, p11->C_GetAttributeValue(stand.session, secret, &value, 1));
    EVP_PKEY_free(peer.key);
    EVP_PKEY_free(mine);
}

static void what_cannot_be_derived_has_its_code(void **state)
{
    struct ec_key peer = ec_key();
    EVP_PKEY *mine;
    CK_OBJECT_HANDLE base = base_key(&mine);
    CK_OBJECT_HANDLE secret;
    (void)state;
    assert_rv(CKR_MECHANISM_PARAM_INVALID, derive(base, peer.point, 66, &no, &secret));
    assert_rv(CKR_MECHANISM_PARAM_INVALID, derive(base, NULL, 0, &no, &secret));
    assert_rv(
        CKR_KEY_HANDLE_INVALID, derive(123456789, peer.point, sizeof peer.point, &no, &secret));
    EVP_PKEY_free(peer.key);
    EVP_PKEY_free(mine);
}

int change_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(a_secret_key_is_not_copied),
        WITH_STAND(a_public_key_is_copied_with_another_label),
        WITH_STAND(a_session_that_only_reads_copies_into_itself_alone),
        WITH_STAND(usage_is_changed_and_holds),
        WITH_STAND(a_date_is_kept_and_read_or_refused),
        WITH_STAND(a_key_that_the_device_would_make_without_its_date_is_not_made),
        WITH_STAND(of_a_change_that_is_refused_nothing_is_done),
        WITH_STAND(what_its_maker_calls_unmodifiable_stays),
        WITH_STAND(data_is_stored_found_and_read),
        WITH_STAND(an_ec_key_comes_in_and_signs),
        WITH_STAND(rsa_and_edwards_keys_tell_their_public_half_on_both_objects),
        WITH_STAND(a_derived_secret_is_read_by_its_session_alone),
        WITH_STAND(a_derived_secret_that_is_or_becomes_sensitive_is_not_read),
        WITH_STAND(what_cannot_be_derived_has_its_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
