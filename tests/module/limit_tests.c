/* SPDX-License-Identifier: MIT
 *
 * Numbers that no program means: they are refused by the number alone, with nothing read or
 * written.
 */
#include "stand.h"

static const CK_ULONG huge = (CK_ULONG)-1;

static void a_count_of_attributes_that_no_list_has_is_refused_and_none_is_read(void **state)
{
    CK_ATTRIBUTE list[] = {{CKA_LABEL, NULL, 0}};
    CK_OBJECT_HANDLE object = 0;
    CK_MECHANISM aes = {CKM_AES_KEY_GEN, NULL, 0};
    const CK_ULONG counts[] = {huge, huge / sizeof list[0], 1025};
    (void)state;
    for (size_t i = 0; i < COUNT(counts); i++) {
        const CK_ULONG count = counts[i];
        assert_rv(
            CKR_ARGUMENTS_BAD, p11->C_GetAttributeValue(stand.session, stand.key, list, count));
        assert_rv(
            CKR_ARGUMENTS_BAD, p11->C_SetAttributeValue(stand.session, stand.key, list, count));
        assert_rv(CKR_ARGUMENTS_BAD, p11->C_FindObjectsInit(stand.session, list, count));
        assert_rv(CKR_ARGUMENTS_BAD, p11->C_CreateObject(stand.session, list, count, &object));
        assert_rv(CKR_ARGUMENTS_BAD, p11->C_GenerateKey(stand.session, &aes, list, count, &object));
    }
    assert_int_equal(list[0].ulValueLen, 0);
    assert_int_equal(object, 0);
}

static void a_value_of_no_possible_length_is_refused_and_not_read(void **state)
{
    CK_BYTE byte = 1;
    CK_ATTRIBUTE list[] = {{CKA_LABEL, &byte, huge}};
    (void)state;
    assert_rv(
        CKR_TEMPLATE_INCONSISTENT, p11->C_SetAttributeValue(stand.session, stand.key, list, 1));
}

int limit_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(a_count_of_attributes_that_no_list_has_is_refused_and_none_is_read),
        WITH_STAND(a_value_of_no_possible_length_is_refused_and_not_read),
    };
    return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
