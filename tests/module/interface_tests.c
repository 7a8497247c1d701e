/* SPDX-License-Identifier: MIT
 *
 * C_GetInterfaceList and C_GetInterface as their callers use them, and what the two lists say of
 * themselves; C_LoginUser and C_SessionCancel.
 */
#include "three.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void *three_symbol(const char *name)
{
    void *library = dlopen(getenv("SIGNERD_MODULE"), RTLD_NOW | RTLD_LOCAL);
    return library != NULL ? dlsym(library, name) : NULL;
}

static CK_C_GetInterface get_interface(void)
{
    CK_C_GetInterface function = NULL;
    *(void **)&function = three_symbol("C_GetInterface");
    assert_non_null(function);
    return function;
}

static CK_C_GetInterfaceList get_list(void)
{
    CK_C_GetInterfaceList function = NULL;
    *(void **)&function = three_symbol("C_GetInterfaceList");
    assert_non_null(function);
    return function;
}

static unsigned char standard[] = "PKCS 11";

CK_FUNCTION_LIST_3_0 *three(void)
{
    CK_VERSION version = {3, 0};
    CK_INTERFACE *interface = NULL;
    assert_rv(CKR_OK, get_interface()(standard, &version, &interface, 0));
    return interface->pFunctionList;
}

/* ---- which interfaces ---- */

static void exactly_three_functions_are_exported(void **state)
{
    (void)state;
    assert_non_null(three_symbol("C_GetFunctionList"));
    assert_non_null(three_symbol("C_GetInterface"));
    assert_non_null(three_symbol("C_GetInterfaceList"));
    assert_null(three_symbol("C_Initialize"));
}

static void both_interfaces_are_listed_before_anything_is_initialised(void **state)
{
    CK_INTERFACE list[3] = {0};
    CK_ULONG count = 77;
    (void)state;
    (void)p11->C_Finalize(NULL);
    assert_rv(CKR_ARGUMENTS_BAD, get_list()(list, NULL));
    assert_rv(CKR_OK, get_list()(NULL, &count));
    assert_int_equal(count, 2);
    count = 1;
    assert_rv(CKR_BUFFER_TOO_SMALL, get_list()(list, &count));
    assert_int_equal(count, 2);
    assert_null(list[0].pFunctionList);
    count = COUNT(list);
    assert_rv(CKR_OK, get_list()(list, &count));
    assert_int_equal(count, 2);
    assert_int_equal(((CK_VERSION *)list[0].pFunctionList)->major, 3);
    assert_int_equal(((CK_VERSION *)list[0].pFunctionList)->minor, 0);
    assert_int_equal(((CK_VERSION *)list[1].pFunctionList)->major, 2);
    assert_int_equal(((CK_VERSION *)list[1].pFunctionList)->minor, 40);
    assert_ptr_equal(list[1].pFunctionList, p11);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal((const char *)list[i].pInterfaceName, "PKCS 11");
        assert_int_equal(list[i].flags, 0);
    }
}

/* p11-kit asks by name alone; pkcs11-provider for 3.2, then for any; NSS with the flag first. */
static void an_interface_is_found_by_name_version_and_flags(void **state)
{
    static unsigned char vendor[] = "Vendor PKCS 11", shorter[] = "PKCS 1", longer[] = "PKCS 11 ";
    static const struct {
        unsigned char *name;
        CK_VERSION version; /* 0.0: none */
        CK_FLAGS flags;
        CK_RV rv;
        unsigned major;
    } rows[] = {{NULL, {0, 0}, 0, CKR_OK, 3}, {standard, {0, 0}, 0, CKR_OK, 3},
        {standard, {3, 0}, 0, CKR_OK, 3}, {standard, {2, 40}, 0, CKR_OK, 2},
        {NULL, {2, 40}, 0, CKR_OK, 2}, {standard, {3, 2}, 0, CKR_ARGUMENTS_BAD, 0},
        {standard, {3, 1}, 0, CKR_ARGUMENTS_BAD, 0}, {standard, {2, 20}, 0, CKR_ARGUMENTS_BAD, 0},
        {vendor, {0, 0}, 0, CKR_ARGUMENTS_BAD, 0}, {shorter, {0, 0}, 0, CKR_ARGUMENTS_BAD, 0},
        {longer, {0, 0}, 0, CKR_ARGUMENTS_BAD, 0},
        {standard, {0, 0}, CKF_INTERFACE_FORK_SAFE, CKR_ARGUMENTS_BAD, 0},
        {NULL, {0, 0}, 1UL << 40, CKR_ARGUMENTS_BAD, 0}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CK_VERSION version = rows[i].version;
        CK_INTERFACE *interface = NULL;
        assert_rv(rows[i].rv, get_interface()(rows[i].name, version.major != 0 ? &version : NULL,
                                  &interface, rows[i].flags));
        assert_true((interface != NULL) == (rows[i].rv == CKR_OK));
        if (interface != NULL)
            assert_int_equal(((CK_VERSION *)interface->pFunctionList)->major, rows[i].major);
    }
    assert_rv(CKR_ARGUMENTS_BAD, get_interface()(standard, NULL, NULL, 0));
}

static void the_list_of_3_0_begins_as_that_of_2_40_and_has_all_92_functions(void **state)
{
    CK_FUNCTION_LIST *old = NULL;
    CK_INTERFACE *interface = NULL;
    CK_ULONG count = 0;
    (void)state;
    assert_int_equal(sizeof(CK_FUNCTION_LIST_3_0),
        offsetof(CK_FUNCTION_LIST_3_0, C_Initialize) + 92 * sizeof(void *));
    for (size_t i = 0; i < 92; i++) {
        void *function;
        memcpy(&function,
            (const char *)three() + offsetof(CK_FUNCTION_LIST_3_0, C_Initialize) +
                i * sizeof function,
            sizeof function);
        assert_non_null(function);
    }
    assert_ptr_equal(three()->C_Sign, p11->C_Sign);
    assert_ptr_equal(three()->C_WaitForSlotEvent, p11->C_WaitForSlotEvent);
    assert_rv(CKR_OK, three()->C_GetFunctionList(&old));
    assert_ptr_equal(old, p11);
    assert_rv(CKR_OK, three()->C_GetInterfaceList(NULL, &count));
    assert_int_equal(count, 2);
    assert_rv(CKR_OK, three()->C_GetInterface(NULL, NULL, &interface, 0));
    assert_ptr_equal(interface->pFunctionList, three());
}

static void each_list_tells_its_own_version_and_only_3_0_the_flags_of_messages(void **state)
{
    CK_INFO info;
    CK_MECHANISM_INFO mechanism;
    const CK_FLAGS messages = CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;
    (void)state;
    assert_rv(CKR_OK, p11->C_GetInfo(&info));
    assert_int_equal(info.cryptokiVersion.major, 2);
    assert_int_equal(info.cryptokiVersion.minor, 40);
    assert_rv(CKR_OK, three()->C_GetInfo(&info));
    assert_int_equal(info.cryptokiVersion.major, 3);
    assert_int_equal(info.cryptokiVersion.minor, 0);
    assert_rv(CKR_OK, three()->C_GetMechanismInfo(stand.slot, CKM_AES_GCM, &mechanism));
    assert_int_equal(mechanism.flags & messages, messages);
    assert_rv(CKR_OK, three()->C_GetMechanismInfo(stand.slot, CKM_AES_CBC_PAD, &mechanism));
    assert_int_equal(mechanism.flags & messages, 0);
    assert_rv(CKR_OK, three()->C_GetMechanismInfo(stand.slot, CKM_ECDSA_SHA256, &mechanism));
    assert_int_equal(mechanism.flags & (CKF_MESSAGE_SIGN | CKF_MULTI_MESSAGE),
        CKF_MESSAGE_SIGN | CKF_MULTI_MESSAGE);
    assert_rv(CKR_OK, p11->C_GetMechanismInfo(stand.slot, CKM_AES_GCM, &mechanism));
    assert_int_equal(mechanism.flags & messages, 0);
}

/* ---- C_LoginUser, C_SessionCancel ---- */

static void without_a_name_login_user_is_login(void **state)
{
    CK_SESSION_HANDLE session;
    static unsigned char name[] = "somebody", wrong[] = "wrong";
    (void)state;
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_rv(CKR_OK, open_session(0, &session));
    assert_rv(CKR_ARGUMENTS_BAD, three()->C_LoginUser(session, CKU_USER, options.pin,
                                     options.pin_len, name, strlen((char *)name)));
    if (options.pin_file != NULL)
        assert_rv(CKR_PIN_INCORRECT,
            three()->C_LoginUser(session, CKU_USER, wrong, strlen((char *)wrong), NULL, 0));
    assert_rv(
        CKR_OK, three()->C_LoginUser(session, CKU_USER, options.pin, options.pin_len, NULL, 0));
    assert_rv(CKR_USER_ALREADY_LOGGED_IN,
        three()->C_LoginUser(session, CKU_USER, options.pin, options.pin_len, NULL, 0));
    assert_signs(session, find_key(session, "device"), stand.verifier);
}

static void a_cancelled_operation_can_begin_anew(void **state)
{
    CK_BYTE digest[DIGEST] = {1};
    CK_BYTE signature[SIGNATURE];
    CK_ULONG len = sizeof signature;
    (void)state;
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa, stand.key));
    assert_rv(CKR_OPERATION_ACTIVE, p11->C_SignInit(stand.session, &ecdsa, stand.key));
    assert_rv(CKR_OK, three()->C_SessionCancel(stand.session, CKF_ENCRYPT | CKF_DIGEST));
    assert_rv(CKR_OPERATION_ACTIVE, p11->C_SignInit(stand.session, &ecdsa, stand.key));
    assert_rv(CKR_OK, three()->C_SessionCancel(stand.session, CKF_SIGN));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        p11->C_Sign(stand.session, digest, sizeof digest, signature, &len));
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa, stand.key));
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, NULL, 0)); /* the other way to do it */
    assert_signs(stand.session, stand.key, stand.verifier);
    assert_rv(CKR_OK, p11->C_FindObjectsInit(stand.session, NULL, 0));
    assert_rv(CKR_OK, three()->C_SessionCancel(stand.session, CKF_FIND_OBJECTS));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_FindObjectsFinal(stand.session));
    assert_rv(CKR_SESSION_HANDLE_INVALID, three()->C_SessionCancel(0, CKF_SIGN));
}

static void all_of_3_0_asks_for_initialisation_and_for_a_session(void **state)
{
    CK_FUNCTION_LIST_3_0 *list = three();
    (void)state;
    assert_rv(CKR_SESSION_HANDLE_INVALID, list->C_MessageEncryptInit(0, NULL, 0));
    assert_rv(CKR_SESSION_HANDLE_INVALID, list->C_MessageVerifyFinal(~0UL));
    assert_rv(CKR_OK, p11->C_Finalize(NULL));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, list->C_LoginUser(1, CKU_USER, NULL, 0, NULL, 0));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, list->C_SessionCancel(1, 0));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, list->C_MessageDecryptFinal(1));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, list->C_SignMessageBegin(1, NULL, 0));
}

/* Why CKF_INTERFACE_FORK_SAFE is not promised; C_GetInterface itself works. */
static void in_the_child_of_a_fork_an_interface_is_found_and_not_initialised(void **state)
{
    int status;
    (void)state;
    const pid_t pid = fork();
    if (pid == 0) {
        CK_INTERFACE *interface = NULL;
        CK_C_GetInterface get = get_interface();
        const bool found = get(NULL, NULL, &interface, 0) == CKR_OK;
        _exit(found && three()->C_SessionCancel(stand.session, 0) == CKR_CRYPTOKI_NOT_INITIALIZED
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int interface_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exactly_three_functions_are_exported),
        TEST(both_interfaces_are_listed_before_anything_is_initialised),
        TEST(an_interface_is_found_by_name_version_and_flags),
        TEST(the_list_of_3_0_begins_as_that_of_2_40_and_has_all_92_functions),
        WITH_STAND(each_list_tells_its_own_version_and_only_3_0_the_flags_of_messages),
        WITH_STAND(without_a_name_login_user_is_login),
        WITH_STAND(a_cancelled_operation_can_begin_anew),
        WITH_STAND(all_of_3_0_asks_for_initialisation_and_for_a_session),
        WITH_STAND(in_the_child_of_a_fork_an_interface_is_found_and_not_initialised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
