/* SPDX-License-Identifier: MIT
 *
 * Objects: attributes that are given and those that are not, finding, keys and certificates that
 * are made, changed and destroyed, here and by another process.
 */
#include "stand.h"

static CK_BYTE certificate_value[700];

/* ---- attributes ---- */

static void the_value_of_a_private_key_is_sensitive_and_the_other_attributes_are_filled(
    void **state)
{
    CK_BYTE value[64];
    CK_KEY_TYPE type = 99;
    CK_BYTE label[16] = {0};
    CK_BBOOL sensitive = 9;
    CK_BBOOL extractable = 9;
    CK_ATTRIBUTE list[] = {{CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, sizeof value},
        {CKA_LABEL, label, sizeof label}, {CKA_SENSITIVE, &sensitive, sizeof sensitive},
        {CKA_EXTRACTABLE, &extractable, sizeof extractable}};
    CK_ATTRIBUTE size_query = {CKA_VALUE, NULL, 0};
    (void)state;
    memset(value, 0xa5, sizeof value);
    assert_rv(CKR_ATTRIBUTE_SENSITIVE,
        p11->C_GetAttributeValue(stand.session, stand.key, list, COUNT(list)));
    assert_int_equal(type, CKK_EC);
    assert_int_equal(list[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    for (size_t i = 0; i < sizeof value; i++)
        assert_int_equal(value[i], 0xa5);
    assert_int_equal(list[2].ulValueLen, 6);
    assert_string_equal(label, "device");
    assert_int_equal(sensitive, CK_TRUE);
    assert_int_equal(extractable, CK_FALSE);
    assert_rv(CKR_ATTRIBUTE_SENSITIVE,
        p11->C_GetAttributeValue(stand.session, stand.key, &size_query, 1));
}

static void a_small_buffer_and_an_unknown_attribute_are_said_and_the_rest_is_filled(void **state)
{
    CK_BYTE label[3];
    CK_KEY_TYPE type = 99;
    CK_ATTRIBUTE list[] = {{CKA_LABEL, label, sizeof label}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_ATTRIBUTE unknown[] = {{CKA_MODULUS, NULL, 0}, {CKA_VENDOR_DEFINED | 1, NULL, 0},
        {1UL << 40 | CKA_LABEL, NULL, 0}, {CKA_KEY_TYPE, &type, sizeof type}};
    (void)state;
    assert_rv(CKR_BUFFER_TOO_SMALL,
        p11->C_GetAttributeValue(stand.session, stand.key, list, COUNT(list)));
    assert_int_equal(list[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(type, CKK_EC);
    type = 99;
    assert_rv(CKR_ATTRIBUTE_TYPE_INVALID,
        p11->C_GetAttributeValue(stand.session, stand.key, unknown, COUNT(unknown)));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(unknown[i].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(type, CKK_EC);
}

static void allowed_mechanisms_of_a_key_without_that_limit_are_an_empty_list(void **state)
{
    CK_MECHANISM_TYPE types[4];
    CK_ATTRIBUTE list[] = {{CKA_ALLOWED_MECHANISMS, NULL, 0},
        {CKA_ALLOWED_MECHANISMS, types, sizeof types}, {CKA_START_DATE, NULL, 0}};
    (void)state;
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, stand.key, list, COUNT(list)));
    for (size_t i = 0; i < COUNT(list); i++)
        assert_int_equal(list[i].ulValueLen, 0);
}

static void private_and_public_object_show_the_same_public_key(void **state)
{
    CK_BYTE point[2][67];
    CK_BYTE info[2][91];
    (void)state;
    for (int i = 0; i < 2; i++) {
        CK_ATTRIBUTE list[] = {{CKA_EC_POINT, point[i], sizeof point[i]},
            {CKA_PUBLIC_KEY_INFO, info[i], sizeof info[i]}};
        assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session,
                              i == 0 ? stand.key : stand.public_key, list, COUNT(list)));
        assert_int_equal(list[0].ulValueLen, sizeof point[i]);
        assert_int_equal(list[1].ulValueLen, sizeof info[i]);
    }
    assert_memory_equal(point[0], point[1], sizeof point[0]);
    assert_memory_equal(info[0], info[1], sizeof info[0]);
    assert_memory_equal(point[0] + 2, info[0] + sizeof info[0] - 65, 65); /* 04 41: OCTET STRING */
}

/* ---- finding ---- */

static void finding_without_init_or_twice_is_refused(void **state)
{
    CK_OBJECT_HANDLE object;
    CK_ULONG count;
    (void)state;
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_FindObjects(stand.session, &object, 1, &count));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_FindObjectsFinal(stand.session));
    assert_rv(CKR_OK, p11->C_FindObjectsInit(stand.session, NULL, 0));
    assert_rv(CKR_OPERATION_ACTIVE, p11->C_FindObjectsInit(stand.session, NULL, 0));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_FindObjects(stand.session, NULL, 1, &count));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_FindObjects(stand.session, &object, 1, NULL));
    assert_rv(CKR_OK, p11->C_FindObjects(stand.session, &object, 1, &count));
    assert_rv(CKR_OK, p11->C_FindObjectsFinal(stand.session));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_FindObjectsFinal(stand.session));
}

static CK_ULONG count_matches(CK_ATTRIBUTE *list, CK_ULONG len)
{
    CK_OBJECT_HANDLE objects[100];
    CK_ULONG count = 0;
    assert_rv(CKR_OK, p11->C_FindObjectsInit(stand.session, list, len));
    assert_rv(CKR_OK, p11->C_FindObjects(stand.session, objects, COUNT(objects), &count));
    assert_rv(CKR_OK, p11->C_FindObjectsFinal(stand.session));
    return count;
}

static void a_template_matches_only_what_has_all_its_attributes(void **state)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_OBJECT_CLASS data = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    CK_BYTE name[] = {'d', 'e', 'v', 'i', 'c', 'e'};
    CK_ATTRIBUTE right[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, name, sizeof name},
        {CKA_TOKEN, &yes, sizeof yes}};
    CK_ATTRIBUTE wrong[] = {{CKA_LABEL, name, sizeof name - 1}, {CKA_CLASS, &data, sizeof data},
        {CKA_CLASS, &class, sizeof class - 1}, {CKA_VALUE, name, sizeof name},
        {CKA_VENDOR_DEFINED | 1, name, 1}, {CKA_LABEL, NULL, 0}, {CKA_LABEL, NULL, 6}};
    (void)state;
    assert_int_equal(count_matches(right, COUNT(right)), 1);
    assert_int_equal(count_matches(NULL, 0), 2);
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(count_matches(&wrong[i], 1), 0);
}

/* More than one message holds: all are found, one by one or at once. */
static void a_list_longer_than_a_message_is_whole(void **state)
{
    static CK_BYTE value[8000];
    CK_ATTRIBUTE template[] = {{CKA_LABEL, (void *)(uintptr_t) "large", 5}};
    CK_OBJECT_HANDLE made[24];
    CK_OBJECT_HANDLE found;
    CK_ULONG count;
    (void)state;
    for (size_t i = 0; i < COUNT(made); i++) {
        value[0] = (CK_BYTE)i;
        assert_rv(CKR_OK,
            store_certificate(stand.session, false, "large", value, sizeof value, &made[i]));
    }
    assert_int_equal(other_process("count", "large", NULL), 0);
    assert_rv(CKR_OK, p11->C_CloseSession(stand.read_only)); /* owns none of them */
    assert_rv(CKR_OK, p11->C_FindObjectsInit(stand.session, template, COUNT(template)));
    for (size_t i = 0; i < COUNT(made); i++) {
        assert_rv(CKR_OK, p11->C_FindObjects(stand.session, &found, 1, &count));
        assert_int_equal(count, 1);
        assert_int_equal(found, made[i]);
    }
    assert_rv(CKR_OK, p11->C_FindObjects(stand.session, &found, 1, &count));
    assert_int_equal(count, 0);
    assert_rv(CKR_OK, p11->C_FindObjectsFinal(stand.session));
}

/* ---- keys ---- */

static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

/* A pair in the token, labelled "refused", whose private key has this attribute more. */
static CK_RV generate_with(CK_ATTRIBUTE_TYPE type, CK_BBOOL value)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE common[] = {{CKA_TOKEN, &yes, sizeof yes},
        {CKA_ID, (void *)(uintptr_t)MADE "refused", strlen(MADE "refused")},
        {CKA_LABEL, (void *)(uintptr_t) "refused", 7}, {CKA_EC_PARAMS, p256, sizeof p256}};
    CK_ATTRIBUTE private_template[] = {
        common[0], common[1], common[2], {type, &value, sizeof value}};
    struct pair pair;
    return p11->C_GenerateKeyPair(stand.session, &generation, common, 4, private_template, 4,
        &pair.public_key, &pair.private_key);
}

static void a_key_that_could_be_read_is_refused_and_nothing_is_made(void **state)
{
    (void)state;
    assert_rv(CKR_TEMPLATE_INCONSISTENT, generate_with(CKA_EXTRACTABLE, CK_TRUE));
    assert_int_equal(find_key(stand.session, "refused"), 0);
    assert_int_equal(other_process("count", "refused", NULL), 0);
    assert_rv(CKR_OK, generate_with(CKA_SENSITIVE, CK_TRUE));
    assert_int_equal(other_process("count", "refused", NULL), 2);
}

static void generation_without_a_curve_or_with_another_mechanism_is_refused(void **state)
{
    static CK_BYTE unknown_curve[] = {0x06, 0x03, 0x2a, 0x03, 0x04};
    CK_ATTRIBUTE good = {CKA_EC_PARAMS, p256, sizeof p256};
    CK_ATTRIBUTE bad = {CKA_EC_PARAMS, unknown_curve, sizeof unknown_curve};
    CK_MECHANISM others[] = {{CKM_DSA_KEY_PAIR_GEN, NULL, 0}, {CKM_ECDSA, NULL, 0}};
    CK_MECHANISM with_parameter = {CKM_EC_KEY_PAIR_GEN, p256, sizeof p256};
    struct pair pair;
    (void)state;
#define GENERATE(mechanism, template, count)                                                       \
    p11->C_GenerateKeyPair(                                                                        \
        stand.session, mechanism, template, count, NULL, 0, &pair.public_key, &pair.private_key)
    assert_rv(CKR_TEMPLATE_INCOMPLETE, GENERATE(&generation, NULL, 0));
    assert_rv(CKR_CURVE_NOT_SUPPORTED, GENERATE(&generation, &bad, 1));
    assert_rv(CKR_MECHANISM_INVALID, GENERATE(&others[0], &good, 1));
    assert_rv(CKR_MECHANISM_INVALID, GENERATE(&others[1], &good, 1));
    assert_rv(CKR_MECHANISM_PARAM_INVALID, GENERATE(&with_parameter, &good, 1));
    assert_rv(CKR_OK, GENERATE(&generation, &good, 1));
#undef GENERATE
}

static void one_key_in_the_token_and_the_other_in_the_session_is_refused(void **state)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE public_template[] = {{CKA_EC_PARAMS, p256, sizeof p256}};
    CK_ATTRIBUTE private_template[] = {{CKA_TOKEN, &yes, sizeof yes}};
    struct pair pair;
    (void)state;
    assert_rv(CKR_TEMPLATE_INCONSISTENT,
        p11->C_GenerateKeyPair(stand.session, &generation, public_template, 1, private_template, 1,
            &pair.public_key, &pair.private_key));
}

/* Each private key shows the public key that it was made with, whatever names the program gave it.
 */
static void keys_of_the_same_name_show_and_sign_with_a_public_key_of_their_own(void **state)
{
    CK_BBOOL in_token;
    CK_ATTRIBUTE public_template[] = {{CKA_EC_PARAMS, p256, sizeof p256},
        {CKA_TOKEN, &in_token, sizeof in_token},
        {CKA_ID, (void *)(uintptr_t)MADE "twin", strlen(MADE "twin")}};
    struct pair pairs[2];
    (void)state;
    for (int i = 0; i < 4; i++) { /* in the session and in the token, with CKA_ID and without */
        in_token = i % 2 == 1;
        const CK_ULONG named = i < 2 ? 3 : 2;
        if (in_token && named == 2)
            continue; /* nothing would find it again to destroy it */
        for (size_t j = 0; j < COUNT(pairs); j++) {
            CK_ATTRIBUTE *p = public_template; /* without its first, for the private key */
            assert_rv(CKR_OK, p11->C_GenerateKeyPair(stand.session, &generation, p, named, p + 1,
                                  named - 1, &pairs[j].public_key, &pairs[j].private_key));
        }
        for (size_t j = 0; j < COUNT(pairs); j++) {
            EVP_PKEY *of_public = read_public_key(stand.session, pairs[j].public_key);
            EVP_PKEY *of_private = read_public_key(stand.session, pairs[j].private_key);
            assert_int_equal(EVP_PKEY_eq(of_public, of_private), 1);
            assert_signs(stand.session, pairs[j].private_key, of_public);
            EVP_PKEY_free(of_public);
            EVP_PKEY_free(of_private);
        }
    }
}

static void a_token_key_is_made_found_by_another_process_and_destroyed(void **state)
{
    struct pair pair;
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, true, "token-key", &pair));
    EVP_PKEY *verifier = read_public_key(stand.session, pair.private_key);
    assert_signs(stand.session, pair.private_key, verifier);
    assert_signs(stand.read_only, pair.private_key, verifier);
    EVP_PKEY_free(verifier);
    assert_int_equal(find_key(stand.read_only, "token-key"), pair.private_key);
    assert_int_equal(other_process("count", "token-key", NULL), 2);
    assert_rv(CKR_OK, p11->C_DestroyObject(stand.session, pair.private_key));
    assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_DestroyObject(stand.session, pair.private_key));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
    assert_rv(CKR_OK, p11->C_DestroyObject(stand.session, pair.public_key));
    assert_int_equal(other_process("count", "token-key", NULL), 0);
}

static void a_session_key_signs_is_unseen_by_others_and_ends_with_its_session(void **state)
{
    struct pair pair;
    CK_SESSION_HANDLE owner;
    CK_BYTE digest[DIGEST] = {0};
    CK_BYTE signature[SIGNATURE];
    CK_ULONG len = SIGNATURE;
    (void)state;
    assert_rv(CKR_OK, open_session(0, &owner)); /* read-only: the key is not in the token */
    assert_rv(CKR_OK, generate(owner, false, "session-key", &pair));
    EVP_PKEY *verifier = read_public_key(owner, pair.public_key);
    assert_signs(owner, pair.private_key, verifier);
    assert_signs(stand.session, pair.private_key, verifier);
    EVP_PKEY_free(verifier);
    assert_int_equal(find_key(stand.session, "session-key"), pair.private_key);
    assert_int_equal(other_process("count", "session-key", NULL), 0);
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
    assert_rv(CKR_OK, p11->C_CloseSession(owner));
    assert_rv(CKR_OBJECT_HANDLE_INVALID,
        p11->C_Sign(stand.session, digest, sizeof digest, signature, &len));
    assert_int_equal(find_key(stand.session, "session-key"), 0);
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
}

static void a_read_only_session_makes_changes_and_destroys_nothing_in_the_token(void **state)
{
    struct pair pair;
    CK_OBJECT_HANDLE certificate;
    (void)state;
    assert_rv(CKR_SESSION_READ_ONLY, generate(stand.read_only, true, "read-only", &pair));
    assert_rv(CKR_SESSION_READ_ONLY,
        store_certificate(stand.read_only, true, "read-only", "x", 1, &certificate));
    assert_rv(CKR_SESSION_READ_ONLY, relabel(stand.read_only, stand.key, "read-only"));
    assert_rv(CKR_SESSION_READ_ONLY, p11->C_DestroyObject(stand.read_only, stand.public_key));
    assert_int_equal(other_process("count", "read-only", NULL), 0);
    assert_rv(CKR_OK, store_certificate(stand.read_only, false, "read-only", "x", 1, &certificate));
    assert_rv(CKR_OK, relabel(stand.read_only, certificate, "renamed"));
    assert_rv(CKR_OK, p11->C_DestroyObject(stand.read_only, certificate));
}

static void what_the_standard_does_not_let_change_does_not(void **state)
{
    CK_BBOOL no = CK_FALSE;
    CK_BBOOL sensitive = CK_FALSE;
    CK_ATTRIBUTE changes[] = {{CKA_SENSITIVE, &no, sizeof no}, {CKA_TOKEN, &no, sizeof no},
        {CKA_EC_POINT, p256, sizeof p256}, {CKA_LOCAL, &no, sizeof no}};
    CK_ATTRIBUTE unknown = {CKA_VENDOR_DEFINED | 1, &no, sizeof no};
    CK_ATTRIBUTE no_bool = {CKA_SENSITIVE, p256, 2};
    CK_ATTRIBUTE now = {CKA_SENSITIVE, &sensitive, sizeof sensitive};
    (void)state;
    for (size_t i = 0; i < COUNT(changes); i++)
        assert_rv(CKR_ATTRIBUTE_READ_ONLY,
            p11->C_SetAttributeValue(stand.session, stand.key, &changes[i], 1));
    assert_rv(CKR_ATTRIBUTE_TYPE_INVALID,
        p11->C_SetAttributeValue(stand.session, stand.key, &unknown, 1));
    assert_rv(CKR_ATTRIBUTE_VALUE_INVALID,
        p11->C_SetAttributeValue(stand.session, stand.key, &no_bool, 1));
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, stand.key, &now, 1));
    assert_int_equal(sensitive, CK_TRUE);
}

/* ---- certificates ---- */

static void assert_certificate(CK_OBJECT_HANDLE certificate)
{
    CK_BYTE value[sizeof certificate_value];
    CK_OBJECT_CLASS class = 99;
    CK_ATTRIBUTE list[] = {{CKA_VALUE, value, sizeof value}, {CKA_CLASS, &class, sizeof class}};
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, certificate, list, COUNT(list)));
    assert_int_equal(list[0].ulValueLen, sizeof value);
    assert_memory_equal(value, certificate_value, sizeof value);
    assert_int_equal(class, CKO_CERTIFICATE);
}

static void a_certificate_is_stored_found_with_its_value_renamed_and_destroyed(void **state)
{
    CK_ATTRIBUTE by_id[] = {{CKA_ID, (void *)(uintptr_t)MADE "stored", strlen(MADE "stored")}};
    CK_OBJECT_HANDLE certificate;
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count;
    (void)state;
    for (size_t i = 0; i < sizeof certificate_value; i++)
        certificate_value[i] = (CK_BYTE)(i * 11);
    assert_rv(CKR_OK, store_certificate(stand.session, true, "stored", certificate_value,
                          sizeof certificate_value, &certificate));
    assert_certificate(certificate);
    assert_int_equal(count_matches(by_id, COUNT(by_id)), 1);
    assert_rv(CKR_OK, find_by_label(stand.session, CKO_CERTIFICATE, "stored", &found, &count));
    assert_int_equal(found, certificate);
    assert_int_equal(other_process("count", "stored", NULL), 1);

    assert_rv(CKR_OK, relabel(stand.session, certificate, "renamed"));
    assert_rv(CKR_OK, find_by_label(stand.session, CKO_CERTIFICATE, "stored", NULL, &count));
    assert_int_equal(count, 0);
    assert_rv(CKR_OK, find_by_label(stand.session, CKO_CERTIFICATE, "renamed", &found, &count));
    assert_int_equal(found, certificate);
    assert_certificate(certificate);
    assert_int_equal(other_process("count", "renamed", NULL), 1);

    assert_rv(CKR_OK, p11->C_DestroyObject(stand.session, certificate));
    assert_int_equal(other_process("count", "renamed", NULL), 0);
}

static void what_another_process_renames_and_destroys_is_seen_by_the_next_find(void **state)
{
    CK_OBJECT_HANDLE certificate;
    CK_OBJECT_HANDLE found = 0;
    CK_ATTRIBUTE label = {CKA_LABEL, NULL, 0};
    CK_ULONG count;
    (void)state;
    assert_rv(CKR_OK, store_certificate(stand.session, true, "shared", "v", 1, &certificate));
    assert_int_equal(other_process("relabel", "shared", "moved"), 1);
    assert_rv(CKR_OK, find_by_label(stand.session, CKO_CERTIFICATE, "shared", NULL, &count));
    assert_int_equal(count, 0);
    assert_rv(CKR_OK, find_by_label(stand.session, CKO_CERTIFICATE, "moved", &found, &count));
    assert_int_equal(found, certificate); /* the same object keeps its handle */
    assert_int_equal(other_process("destroy", "moved", NULL), 1);
    assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_DestroyObject(stand.session, certificate));
    assert_rv(CKR_OK, find_by_label(stand.session, CKO_CERTIFICATE, "moved", NULL, &count));
    assert_int_equal(count, 0);
    assert_rv(
        CKR_OBJECT_HANDLE_INVALID, p11->C_GetAttributeValue(stand.session, certificate, &label, 1));
}

static void an_object_that_is_none_of_ours_or_lacks_its_value_is_refused(void **state)
{
    CK_OBJECT_CLASS classes[] = {CKO_HW_FEATURE, CKO_MECHANISM};
    CK_OBJECT_CLASS certificate = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE attribute_certificate = CKC_X_509_ATTR_CERT;
    CK_ATTRIBUTE incomplete[] = {{CKA_CLASS, &certificate, sizeof certificate}};
    CK_ATTRIBUTE other_type[] = {{CKA_CLASS, &certificate, sizeof certificate},
        {CKA_CERTIFICATE_TYPE, &attribute_certificate, sizeof attribute_certificate}};
    CK_OBJECT_HANDLE object;
    (void)state;
    for (size_t i = 0; i < COUNT(classes); i++) {
        CK_ATTRIBUTE template[] = {{CKA_CLASS, &classes[i], sizeof classes[i]}};
        assert_rv(
            CKR_ATTRIBUTE_VALUE_INVALID, p11->C_CreateObject(stand.session, template, 1, &object));
    }
    assert_rv(CKR_TEMPLATE_INCOMPLETE, p11->C_CreateObject(stand.session, NULL, 0, &object));
    assert_rv(CKR_TEMPLATE_INCOMPLETE, p11->C_CreateObject(stand.session, incomplete, 1, &object));
    assert_rv(
        CKR_TEMPLATE_INCONSISTENT, p11->C_CreateObject(stand.session, other_type, 2, &object));
}

static void a_template_that_is_too_long_or_names_an_attribute_twice_is_refused(void **state)
{
    static CK_BYTE value[20000];
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE twice[] = {{CKA_CLASS, &class, sizeof class}, {CKA_CLASS, &class, sizeof class}};
    CK_OBJECT_HANDLE object;
    (void)state;
    assert_rv(CKR_TEMPLATE_INCONSISTENT,
        store_certificate(stand.session, false, "too-long", value, sizeof value, &object));
    assert_rv(CKR_TEMPLATE_INCONSISTENT, p11->C_CreateObject(stand.session, twice, 2, &object));
    assert_signs(stand.session, stand.key, stand.verifier);
}

int object_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(the_value_of_a_private_key_is_sensitive_and_the_other_attributes_are_filled),
        WITH_STAND(a_small_buffer_and_an_unknown_attribute_are_said_and_the_rest_is_filled),
        WITH_STAND(allowed_mechanisms_of_a_key_without_that_limit_are_an_empty_list),
        WITH_STAND(private_and_public_object_show_the_same_public_key),
        WITH_STAND(finding_without_init_or_twice_is_refused),
        WITH_STAND(a_template_matches_only_what_has_all_its_attributes),
        WITH_STAND(a_list_longer_than_a_message_is_whole),
        WITH_STAND(a_key_that_could_be_read_is_refused_and_nothing_is_made),
        WITH_STAND(generation_without_a_curve_or_with_another_mechanism_is_refused),
        WITH_STAND(one_key_in_the_token_and_the_other_in_the_session_is_refused),
        WITH_STAND(keys_of_the_same_name_show_and_sign_with_a_public_key_of_their_own),
        WITH_STAND(a_token_key_is_made_found_by_another_process_and_destroyed),
        WITH_STAND(a_session_key_signs_is_unseen_by_others_and_ends_with_its_session),
        WITH_STAND(a_read_only_session_makes_changes_and_destroys_nothing_in_the_token),
        WITH_STAND(what_the_standard_does_not_let_change_does_not),
        WITH_STAND(a_certificate_is_stored_found_with_its_value_renamed_and_destroyed),
        WITH_STAND(what_another_process_renames_and_destroys_is_seen_by_the_next_find),
        WITH_STAND(an_object_that_is_none_of_ours_or_lacks_its_value_is_refused),
        WITH_STAND(a_template_that_is_too_long_or_names_an_attribute_twice_is_refused),
    };
    return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
