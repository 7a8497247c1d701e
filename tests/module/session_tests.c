/* SPDX-License-Identifier: MIT
 *
 * Slots, sessions and login, with and without a client PIN; and what every function says to handles
 * and pointers that are not good.
 */
#include "stand.h"

static bool with_pin(void)
{
    return options.pin_file != NULL;
}

static CK_STATE state_of(CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO info = {0};
    assert_rv(CKR_OK, p11->C_GetSessionInfo(session, &info));
    return info.state;
}

/* ---- handles and pointers ---- */

/* Their first argument is no session. */
static bool takes_no_session(const char *name)
{
    static const char *const names[] = {"C_Initialize", "C_Finalize", "C_GetInfo",
        "C_GetFunctionList", "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo",
        "C_GetMechanismList", "C_GetMechanismInfo", "C_InitToken", "C_OpenSession",
        "C_CloseAllSessions", "C_WaitForSlotEvent"};
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void a_handle_that_is_no_session_is_said_so_by_every_function(void **state)
{
    static const CK_SESSION_HANDLE handles[] = {0, 1UL << 62, ~0UL};
    (void)state;
    for (size_t i = 0; i < function_count(); i++) {
        for (size_t j = 0; j < COUNT(handles) && !takes_no_session(function_name(i)); j++) {
            CK_RV rv = function_call(i, handles[j]);
            if (rv != CKR_SESSION_HANDLE_INVALID && rv != CKR_FUNCTION_NOT_SUPPORTED)
                fail_msg("%s(%lx): 0x%08lx", function_name(i), handles[j], rv);
        }
    }
}

/* Whatever the function makes of nothing but zeros, it says so and the process lives. */
static void zeros_for_all_arguments_but_the_session_succeed_only_where_they_mean_something(
    void **state)
{
    static const char *const meaningful[] = {"C_Login" /* no PIN needed */, "C_GetAttributeValue",
        "C_SetAttributeValue", "C_FindObjectsInit", "C_FindObjectsFinal", "C_GenerateRandom"};
    (void)state;
    for (size_t i = 0; i < function_count(); i++) {
        const char *name = function_name(i);
        bool may = false;
        if (takes_no_session(name) || strcmp(name, "C_CloseSession") == 0 ||
            strcmp(name, "C_Logout") == 0)
            continue;
        for (size_t j = 0; j < COUNT(meaningful); j++)
            may = may || strcmp(name, meaningful[j]) == 0;
        if (function_call(i, stand.session) == CKR_OK && !may)
            fail_msg("%s succeeds", name);
    }
    assert_signs(stand.session, stand.key, stand.verifier);
}

static void a_slot_that_is_not_there_is_said_so(void **state)
{
    static const CK_SLOT_ID slots[] = {99, ~0UL};
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_MECHANISM_INFO mechanism_info;
    CK_SESSION_HANDLE session;
    CK_ULONG count = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(slots); i++) {
        assert_rv(CKR_SLOT_ID_INVALID, p11->C_GetSlotInfo(slots[i], &slot_info));
        assert_rv(CKR_SLOT_ID_INVALID, p11->C_GetTokenInfo(slots[i], &token_info));
        assert_rv(CKR_SLOT_ID_INVALID, p11->C_GetMechanismList(slots[i], NULL, &count));
        assert_rv(
            CKR_SLOT_ID_INVALID, p11->C_GetMechanismInfo(slots[i], CKM_ECDSA, &mechanism_info));
        assert_rv(CKR_SLOT_ID_INVALID,
            p11->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &session));
        assert_rv(CKR_SLOT_ID_INVALID, p11->C_CloseAllSessions(slots[i]));
    }
}

static void null_pointers_are_bad_arguments(void **state)
{
    const CK_SLOT_ID slot = stand.slot;
    const CK_SESSION_HANDLE session = stand.session;
    CK_OBJECT_HANDLE object;
    CK_ATTRIBUTE label = {CKA_LABEL, (void *)(uintptr_t) "x", 1};
    (void)state;
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetInfo(NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetSlotList(CK_FALSE, NULL, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetSlotInfo(slot, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetTokenInfo(slot, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetMechanismList(slot, NULL, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetMechanismInfo(slot, CKM_ECDSA, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetSessionInfo(session, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_CreateObject(session, NULL, 1, &object));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_CreateObject(session, &label, 1, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetObjectSize(session, stand.key, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetAttributeValue(session, stand.key, NULL, 1));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_SetAttributeValue(session, stand.key, NULL, 1));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_FindObjectsInit(session, NULL, 1));
    assert_rv(CKR_ARGUMENTS_BAD,
        p11->C_GenerateKeyPair(session, NULL, NULL, 0, NULL, 0, &object, &object));
    assert_rv(CKR_ARGUMENTS_BAD,
        p11->C_GenerateKeyPair(session, &generation, NULL, 0, NULL, 0, NULL, &object));
    assert_rv(CKR_ARGUMENTS_BAD,
        p11->C_GenerateKeyPair(session, &generation, NULL, 0, NULL, 0, &object, NULL));
    assert_rv(CKR_ARGUMENTS_BAD,
        p11->C_GenerateKeyPair(session, &generation, NULL, 1, NULL, 0, &object, &object));
    assert_rv(CKR_ARGUMENTS_BAD,
        p11->C_GenerateKeyPair(session, &generation, NULL, 0, NULL, 1, &object, &object));
}

static void an_object_that_is_not_there_is_said_so(void **state)
{
    static const CK_OBJECT_HANDLE objects[] = {0, 1UL << 62, ~0UL};
    CK_ATTRIBUTE label = {CKA_LABEL, (void *)(uintptr_t) "x", 1};
    CK_ULONG size;
    (void)state;
    for (size_t i = 0; i < COUNT(objects); i++) {
        assert_rv(
            CKR_OBJECT_HANDLE_INVALID, p11->C_GetObjectSize(stand.session, objects[i], &size));
        assert_rv(CKR_OBJECT_HANDLE_INVALID,
            p11->C_GetAttributeValue(stand.session, objects[i], &label, 1));
        assert_rv(CKR_OBJECT_HANDLE_INVALID,
            p11->C_SetAttributeValue(stand.session, objects[i], &label, 1));
        assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_DestroyObject(stand.session, objects[i]));
    }
}

/* ---- slots and tokens ---- */

static void the_slot_and_its_token_are_described(void **state)
{
    CK_INFO info;
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    (void)state;
    assert_rv(CKR_OK, p11->C_GetInfo(&info));
    assert_int_equal(info.cryptokiVersion.major, 2);
    assert_memory_equal(info.manufacturerID, "signerd                         ", 32);
    assert_rv(CKR_OK, p11->C_GetSlotInfo(stand.slot, &slot));
    assert_int_equal(slot.flags & CKF_TOKEN_PRESENT, CKF_TOKEN_PRESENT);
    assert_rv(CKR_OK, p11->C_GetTokenInfo(stand.slot, &token));
    const CK_FLAGS always =
        CKF_RNG | CKF_DUAL_CRYPTO_OPERATIONS | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
    assert_int_equal(token.flags & always, always);
    assert_int_equal((token.flags & CKF_LOGIN_REQUIRED) != 0, with_pin());
    assert_int_equal(token.ulSessionCount, 2);
    assert_int_equal(token.ulRwSessionCount, 1);
}

static void slots_and_mechanisms_are_counted_then_listed(void **state)
{
    /* Functions, and a key size that it has, in its own unit */
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_FLAGS functions;
        CK_ULONG size;
    } mechanisms[] = {{CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, 256},
        {CKM_ECDSA, CKF_SIGN | CKF_VERIFY, 256}, {CKM_ECDSA_SHA256, CKF_SIGN | CKF_VERIFY, 256},
        {CKM_AES_KEY_GEN, CKF_GENERATE, 32}, {CKM_GENERIC_SECRET_KEY_GEN, CKF_GENERATE, 32},
        {CKM_SHA256_HMAC, CKF_SIGN | CKF_VERIFY, 32}, {CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT, 32},
        {CKM_AES_CBC_PAD, CKF_ENCRYPT | CKF_DECRYPT, 32},
        {CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP, 32}, {CKM_SHA_1, CKF_DIGEST, 0},
        {CKM_SHA224, CKF_DIGEST, 0}, {CKM_SHA256, CKF_DIGEST, 0}, {CKM_SHA384, CKF_DIGEST, 0},
        {CKM_SHA512, CKF_DIGEST, 0}};
    CK_SLOT_ID slots[8];
    CK_MECHANISM_TYPE types[128];
    CK_MECHANISM_INFO info;
    CK_ULONG count = 0;
    CK_ULONG all;
    (void)state;
    assert_rv(CKR_OK, p11->C_GetSlotList(CK_TRUE, NULL, &count));
    assert_int_equal(count, 1);
    count = 0;
    assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_GetSlotList(CK_TRUE, slots, &count));
    assert_int_equal(count, 1);
    assert_rv(CKR_OK, p11->C_GetSlotList(CK_TRUE, slots, &count));
    assert_int_equal(slots[0], stand.slot);

    assert_rv(CKR_OK, p11->C_GetMechanismList(stand.slot, NULL, &count));
    assert_true(count >= COUNT(mechanisms) && count <= COUNT(types));
    all = count--;
    assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_GetMechanismList(stand.slot, types, &count));
    assert_int_equal(count, all);
    assert_rv(CKR_OK, p11->C_GetMechanismList(stand.slot, types, &count));
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        size_t at = 0;
        while (at < count && types[at] != mechanisms[i].type)
            at++;
        assert_true(at < count);
        assert_rv(CKR_OK, p11->C_GetMechanismInfo(stand.slot, mechanisms[i].type, &info));
        assert_int_equal(info.flags & mechanisms[i].functions, mechanisms[i].functions);
        assert_true(
            info.ulMinKeySize <= mechanisms[i].size && info.ulMaxKeySize >= mechanisms[i].size);
    }
    assert_rv(CKR_MECHANISM_INVALID, p11->C_GetMechanismInfo(stand.slot, CKM_MD5, &info));
}

/* ---- sessions ---- */

static void a_session_must_be_serial(void **state)
{
    CK_SESSION_HANDLE session;
    (void)state;
    assert_rv(CKR_SESSION_PARALLEL_NOT_SUPPORTED,
        p11->C_OpenSession(stand.slot, CKF_RW_SESSION, NULL, NULL, &session));
}

static void a_closed_session_is_invalid_and_its_handle_is_not_used_again(void **state)
{
    CK_SESSION_HANDLE first;
    CK_SESSION_HANDLE second;
    CK_SESSION_INFO info;
    (void)state;
    assert_rv(CKR_OK, open_session(0, &first));
    assert_rv(CKR_OK, p11->C_CloseSession(first));
    assert_rv(CKR_OK, open_session(0, &second));
    assert_int_not_equal(first, second);
    assert_rv(CKR_SESSION_HANDLE_INVALID, p11->C_GetSessionInfo(first, &info));
    assert_rv(CKR_SESSION_HANDLE_INVALID, p11->C_CloseSession(first));
}

static void a_thousand_sessions_are_opened_and_all_are_closed_at_once(void **state)
{
    CK_SESSION_HANDLE sessions[1000];
    CK_SESSION_INFO info;
    CK_TOKEN_INFO token;
    (void)state;
    for (size_t i = 0; i < COUNT(sessions); i++)
        assert_rv(CKR_OK, open_session(0, &sessions[i]));
    assert_signs(sessions[999], stand.key, stand.verifier);
    assert_rv(CKR_OK, p11->C_CloseAllSessions(stand.slot));
    for (size_t i = 0; i < COUNT(sessions); i++)
        assert_rv(CKR_SESSION_HANDLE_INVALID, p11->C_GetSessionInfo(sessions[i], &info));
    assert_rv(CKR_OK, p11->C_GetTokenInfo(stand.slot, &token));
    assert_int_equal(token.ulSessionCount, 0);
}

static void as_many_sessions_as_the_token_tells_are_opened_and_no_more(void **state)
{
    CK_SESSION_HANDLE session;
    CK_TOKEN_INFO token;
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* what is freed would fill the memory */
#endif
    assert_rv(CKR_OK, p11->C_GetTokenInfo(stand.slot, &token));
    assert_int_equal(token.ulMaxRwSessionCount, token.ulMaxSessionCount);
    assert_in_range(
        token.ulMaxSessionCount, 20, 100000); /* with less than 20 NSS makes do with one */
    for (CK_ULONG i = token.ulSessionCount; i < token.ulMaxSessionCount; i++)
        if (open_session(i % 2 == 0 ? CKF_RW_SESSION : 0, &session) != CKR_OK)
            fail_msg("session %lu", i);
    assert_rv(CKR_SESSION_COUNT, open_session(0, &session));
    assert_rv(CKR_OK, p11->C_GetTokenInfo(stand.slot, &token));
    assert_int_equal(token.ulSessionCount, token.ulMaxSessionCount);
    assert_rv(CKR_OK, p11->C_CloseSession(session));
    assert_rv(CKR_OK, open_session(0, &session));
    assert_rv(CKR_OK, p11->C_CloseAllSessions(stand.slot));
    assert_rv(CKR_OK, p11->C_GetTokenInfo(stand.slot, &token));
    assert_int_equal(token.ulSessionCount, 0);
    assert_int_equal(token.ulRwSessionCount, 0);
}

static void parallel_function_management_is_answered_as_the_standard_says(void **state)
{
    (void)state;
    assert_rv(CKR_FUNCTION_NOT_PARALLEL, p11->C_GetFunctionStatus(stand.session));
    assert_rv(CKR_FUNCTION_NOT_PARALLEL, p11->C_CancelFunction(stand.session));
}

/* ---- login ---- */

static void login_and_logout_change_the_state_of_all_sessions(void **state)
{
    (void)state;
    assert_int_equal(state_of(stand.session), CKS_RW_USER_FUNCTIONS);
    assert_int_equal(state_of(stand.read_only), CKS_RO_USER_FUNCTIONS);
    assert_rv(CKR_OK, p11->C_Logout(stand.read_only));
    assert_int_equal(state_of(stand.session), CKS_RW_PUBLIC_SESSION);
    assert_int_equal(state_of(stand.read_only), CKS_RO_PUBLIC_SESSION);
    assert_rv(CKR_USER_NOT_LOGGED_IN, p11->C_Logout(stand.session));
    assert_rv(CKR_OK, p11->C_Login(stand.session, CKU_USER, options.pin, options.pin_len));
    assert_int_equal(state_of(stand.read_only), CKS_RO_USER_FUNCTIONS);
}

static void login_twice_is_already_logged_in_from_any_session_and_with_any_pin(void **state)
{
    CK_BYTE wrong[] = {'w', 'r', 'o', 'n', 'g'};
    (void)state;
    assert_rv(CKR_USER_ALREADY_LOGGED_IN,
        p11->C_Login(stand.read_only, CKU_USER, options.pin, options.pin_len));
    assert_rv(
        CKR_USER_ALREADY_LOGGED_IN, p11->C_Login(stand.session, CKU_USER, wrong, sizeof wrong));
}

static void the_login_ends_with_the_last_session(void **state)
{
    (void)state;
    assert_rv(CKR_OK, p11->C_CloseSession(stand.session));
    assert_int_equal(state_of(stand.read_only), CKS_RO_USER_FUNCTIONS);
    assert_rv(CKR_OK, p11->C_CloseSession(stand.read_only));
    assert_rv(CKR_OK, open_session(0, &stand.read_only));
    assert_int_equal(state_of(stand.read_only), CKS_RO_PUBLIC_SESSION);
    assert_int_equal(find_key(stand.read_only, "device") == 0, with_pin());
    assert_rv(CKR_OK, p11->C_Login(stand.read_only, CKU_USER, options.pin, options.pin_len));
    assert_rv(CKR_OK, p11->C_CloseAllSessions(stand.slot));
    assert_rv(CKR_OK, open_session(CKF_RW_SESSION, &stand.session));
    assert_int_equal(state_of(stand.session), CKS_RW_PUBLIC_SESSION);
}

static void without_a_client_pin_any_login_succeeds_and_none_is_needed(void **state)
{
    CK_BYTE anything[] = {'x'};
    (void)state;
    if (with_pin())
        skip();
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_signs(stand.session, stand.key, stand.verifier);
    assert_rv(CKR_OK, p11->C_Login(stand.session, CKU_USER, NULL, 0));
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_rv(CKR_OK, p11->C_Login(stand.session, CKU_USER, anything, sizeof anything));
    assert_signs(stand.session, stand.key, stand.verifier);
}

static void a_wrong_pin_is_said_so_and_the_right_one_works_afterwards(void **state)
{
    static CK_BYTE wrong[300] = "wrong";
    (void)state;
    if (!with_pin())
        skip();
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_rv(CKR_PIN_INCORRECT, p11->C_Login(stand.session, CKU_USER, wrong, 5));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_Login(stand.session, CKU_USER, NULL, 5));
    assert_rv(CKR_PIN_INCORRECT, p11->C_Login(stand.session, CKU_USER, wrong, sizeof wrong));
    assert_int_equal(state_of(stand.session), CKS_RW_PUBLIC_SESSION);
    assert_int_equal(find_key(stand.session, "device"), 0);
    assert_rv(CKR_OK, p11->C_Login(stand.session, CKU_USER, options.pin, options.pin_len));
    assert_signs(stand.session, find_key(stand.session, "device"), stand.verifier);
}

static void logout_hides_private_keys_and_their_old_handles_stay_invalid(void **state)
{
    CK_ATTRIBUTE label = {CKA_LABEL, NULL, 0};
    CK_BYTE digest[DIGEST] = {0};
    CK_BYTE signature[SIGNATURE];
    CK_ULONG len = SIGNATURE;
    CK_ULONG count;
    (void)state;
    if (!with_pin())
        skip();
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa, stand.key));
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_rv(CKR_OBJECT_HANDLE_INVALID,
        p11->C_Sign(stand.session, digest, sizeof digest, signature, &len));
    assert_int_equal(find_key(stand.session, "device"), 0);
    assert_rv(
        CKR_OBJECT_HANDLE_INVALID, p11->C_GetAttributeValue(stand.session, stand.key, &label, 1));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &ecdsa, stand.key));
    assert_rv(CKR_OK, find_by_label(stand.session, CKO_PUBLIC_KEY, "device", NULL, &count));
    assert_int_equal(count, 1);
    assert_rv(CKR_OK, p11->C_Login(stand.session, CKU_USER, options.pin, options.pin_len));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &ecdsa, stand.key));
    assert_signs(stand.session, find_key(stand.session, "device"), stand.verifier);
}

static void without_the_login_no_key_is_made(void **state)
{
    struct pair pair;
    (void)state;
    if (!with_pin())
        skip();
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_rv(CKR_USER_NOT_LOGGED_IN, generate(stand.session, true, "made-without-login", &pair));
    assert_rv(CKR_USER_NOT_LOGGED_IN, generate(stand.session, false, "made-without-login", &pair));
    assert_int_equal(other_process("count", "made-without-login", NULL), 0);
}

/* 2.40, C_Logout: private session objects are destroyed, also for a later login. */
static void logout_ends_private_session_objects(void **state)
{
    struct pair pair;
    CK_ULONG count;
    (void)state;
    if (!with_pin())
        skip();
    assert_rv(CKR_OK, generate(stand.session, false, "session-key", &pair));
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_rv(CKR_OK, p11->C_Login(stand.session, CKU_USER, options.pin, options.pin_len));
    assert_int_equal(find_key(stand.session, "session-key"), 0);
    assert_rv(CKR_OK, find_by_label(stand.session, CKO_PUBLIC_KEY, "session-key", NULL, &count));
    assert_int_equal(count, 1);
}

int session_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(a_handle_that_is_no_session_is_said_so_by_every_function),
        WITH_STAND(zeros_for_all_arguments_but_the_session_succeed_only_where_they_mean_something),
        WITH_STAND(a_slot_that_is_not_there_is_said_so),
        WITH_STAND(null_pointers_are_bad_arguments),
        WITH_STAND(an_object_that_is_not_there_is_said_so),
        WITH_STAND(the_slot_and_its_token_are_described),
        WITH_STAND(slots_and_mechanisms_are_counted_then_listed),
        WITH_STAND(a_session_must_be_serial),
        WITH_STAND(a_closed_session_is_invalid_and_its_handle_is_not_used_again),
        WITH_STAND(a_thousand_sessions_are_opened_and_all_are_closed_at_once),
        WITH_STAND(as_many_sessions_as_the_token_tells_are_opened_and_no_more),
        WITH_STAND(parallel_function_management_is_answered_as_the_standard_says),
        WITH_STAND(login_and_logout_change_the_state_of_all_sessions),
        WITH_STAND(login_twice_is_already_logged_in_from_any_session_and_with_any_pin),
        WITH_STAND(the_login_ends_with_the_last_session),
        WITH_STAND(without_a_client_pin_any_login_succeeds_and_none_is_needed),
        WITH_STAND(a_wrong_pin_is_said_so_and_the_right_one_works_afterwards),
        WITH_STAND(logout_hides_private_keys_and_their_old_handles_stay_invalid),
        WITH_STAND(without_the_login_no_key_is_made),
        WITH_STAND(logout_ends_private_session_objects),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
