/* SPDX-License-Identifier: MIT
 *
 * The security officer, and what only an admin may, by a client to whom the daemon's rules give
 * "admin"; and the same by one to whom they do not.
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

static bool has_flag(CK_FLAGS flag)
{
    CK_TOKEN_INFO info = {0};
    assert_rv(CKR_OK, p11->C_GetTokenInfo(stand.slot, &info));
    return (info.flags & flag) != 0;
}

static CK_RV login_as(CK_USER_TYPE user)
{
    return p11->C_Login(stand.session, user, options.pin, options.pin_len);
}

static CK_RV login_with(const char *pin)
{
    return p11->C_Login(stand.session, CKU_USER, (CK_BYTE *)(uintptr_t)pin, (CK_ULONG)strlen(pin));
}

/* Nobody is logged in, and there is one session, which is read/write. */
static int stand_up_lone(void **state)
{
    int result = stand_up(state);
    if (result == 0 &&
        (p11->C_CloseSession(stand.read_only) != CKR_OK || p11->C_Logout(stand.session) != CKR_OK))
        result = -1;
    return result;
}
#define LONE(test) cmocka_unit_test_setup_teardown(test, stand_up_lone, stand_down)

/* ---- states ---- */

static void the_security_officer_has_a_state_of_its_own_in_all_sessions(void **state)
{
    CK_SESSION_HANDLE other;
    (void)state;
    assert_rv(CKR_OK, open_session(CKF_RW_SESSION, &other));
    assert_int_equal(state_of(stand.session), CKS_RW_PUBLIC_SESSION);
    assert_rv(CKR_OK, login_as(CKU_SO));
    assert_int_equal(state_of(stand.session), CKS_RW_SO_FUNCTIONS);
    assert_int_equal(state_of(other), CKS_RW_SO_FUNCTIONS);
    assert_rv(CKR_OK, p11->C_Logout(other));
    assert_int_equal(state_of(stand.session), CKS_RW_PUBLIC_SESSION);
    assert_rv(CKR_USER_NOT_LOGGED_IN, p11->C_Logout(stand.session));
}

static void user_and_security_officer_exclude_each_other(void **state)
{
    (void)state;
    assert_rv(CKR_OK, login_as(CKU_SO));
    assert_rv(CKR_USER_ALREADY_LOGGED_IN, login_as(CKU_SO));
    assert_rv(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, login_as(CKU_USER));
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_rv(CKR_OK, login_as(CKU_USER));
    assert_rv(CKR_USER_ALREADY_LOGGED_IN, login_as(CKU_USER));
    assert_rv(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, login_as(CKU_SO));
    assert_int_equal(state_of(stand.session), CKS_RW_USER_FUNCTIONS);
}

static void the_security_officer_has_no_read_only_session(void **state)
{
    CK_SESSION_HANDLE read_only;
    (void)state;
    assert_rv(CKR_OK, open_session(0, &read_only));
    assert_rv(CKR_SESSION_READ_ONLY_EXISTS, login_as(CKU_SO));
    assert_int_equal(state_of(read_only), CKS_RO_PUBLIC_SESSION);
    assert_rv(CKR_OK, p11->C_CloseSession(read_only));
    assert_rv(CKR_OK, login_as(CKU_SO));
    assert_rv(CKR_SESSION_READ_WRITE_SO_EXISTS, open_session(0, &read_only));
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_rv(CKR_OK, open_session(0, &read_only));
}

static void its_login_ends_with_the_last_session(void **state)
{
    (void)state;
    assert_rv(CKR_OK, login_as(CKU_SO));
    assert_rv(CKR_OK, p11->C_CloseAllSessions(stand.slot));
    assert_rv(CKR_OK, open_session(0, &stand.read_only));
    assert_int_equal(state_of(stand.read_only), CKS_RO_PUBLIC_SESSION);
}

static void a_user_type_that_there_is_not_is_said_so_in_every_state(void **state)
{
    static const CK_USER_TYPE users[] = {3, 77, ~0UL};
    (void)state;
    for (size_t i = 0; i < COUNT(users); i++)
        assert_rv(CKR_USER_TYPE_INVALID, login_as(users[i]));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, login_as(CKU_CONTEXT_SPECIFIC));
    assert_rv(CKR_OK, login_as(CKU_USER));
    for (size_t i = 0; i < COUNT(users); i++)
        assert_rv(CKR_USER_TYPE_INVALID, login_as(users[i]));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, login_as(CKU_CONTEXT_SPECIFIC));
}

static void the_security_officer_is_no_user_and_sees_no_private_key(void **state)
{
    (void)state;
    if (!with_pin())
        skip();
    assert_rv(CKR_OK, login_as(CKU_SO));
    assert_int_equal(find_key(stand.session, "device"), 0);
}

/* ---- the client PIN ---- */

static void pins_are_set_in_the_right_session_only(void **state)
{
    CK_BYTE pin[300] = "1234";
    CK_SESSION_HANDLE read_only;
    (void)state;
    assert_rv(CKR_USER_NOT_LOGGED_IN, p11->C_InitPIN(stand.session, pin, 4));
    assert_rv(CKR_OK, login_as(CKU_USER));
    assert_rv(CKR_USER_NOT_LOGGED_IN, p11->C_InitPIN(stand.session, pin, 4));
    assert_rv(CKR_OK, open_session(0, &read_only));
    assert_rv(CKR_SESSION_READ_ONLY, p11->C_SetPIN(read_only, pin, 4, pin, 4));
    assert_rv(CKR_OK, p11->C_CloseSession(read_only));
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_rv(CKR_OK, login_as(CKU_SO));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_InitPIN(stand.session, NULL, 4));
    assert_rv(CKR_PIN_LEN_RANGE, p11->C_InitPIN(stand.session, pin, 0));
    assert_rv(CKR_PIN_LEN_RANGE, p11->C_InitPIN(stand.session, pin, sizeof pin));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_SetPIN(stand.session, NULL, 4, pin, 4));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_SetPIN(stand.session, pin, 4, NULL, 4));
    /* It would be the SO PIN: there is none. */
    assert_rv(CKR_TOKEN_WRITE_PROTECTED, p11->C_SetPIN(stand.session, pin, 4, pin, 4));
}

static void without_a_client_pin_none_can_be_set(void **state)
{
    CK_BYTE pin[] = "1234";
    (void)state;
    if (with_pin())
        skip();
    assert_rv(CKR_TOKEN_WRITE_PROTECTED, p11->C_SetPIN(stand.session, pin, 4, pin, 4));
    assert_rv(CKR_OK, login_as(CKU_SO));
    assert_rv(CKR_TOKEN_WRITE_PROTECTED, p11->C_InitPIN(stand.session, pin, 4));
}

static CK_RV set_pin(const void *from, size_t from_len, const void *to, size_t to_len)
{
    return p11->C_SetPIN(
        stand.session, (CK_BYTE *)(uintptr_t)from, from_len, (CK_BYTE *)(uintptr_t)to, to_len);
}

/* Ends with the PIN that it was. */
static void the_pin_that_was_set_is_the_pin_and_the_token_tells_of_a_wrong_one(void **state)
{
    CK_BYTE other[] = "another one";
    const CK_ULONG len = sizeof other - 1;
    (void)state;
    if (!with_pin())
        skip();
    assert_rv(CKR_OK, login_as(CKU_SO));
    assert_rv(CKR_OK, p11->C_InitPIN(stand.session, other, len));
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_false(has_flag(CKF_USER_PIN_COUNT_LOW));
    assert_rv(CKR_PIN_INCORRECT, login_as(CKU_USER));
    assert_true(has_flag(CKF_USER_PIN_COUNT_LOW));
    assert_false(
        has_flag(CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED | CKF_USER_PIN_TO_BE_CHANGED));
    assert_rv(CKR_OK, login_with("another one"));
    assert_false(has_flag(CKF_USER_PIN_COUNT_LOW));
    assert_rv(CKR_PIN_INCORRECT, set_pin("wrong", 5, options.pin, options.pin_len));
    assert_true(has_flag(CKF_USER_PIN_COUNT_LOW));
    assert_rv(CKR_PIN_LEN_RANGE, set_pin(other, len, "", 0));
    assert_rv(CKR_OK, set_pin(other, len, options.pin, options.pin_len));
    assert_rv(CKR_OK, p11->C_Logout(stand.session));
    assert_rv(CKR_OK, login_as(CKU_USER));
    assert_signs(stand.session, find_key(stand.session, "device"), stand.verifier);
}

/* ---- the token ---- */

static void a_token_in_use_or_of_another_name_is_not_initialised(void **state)
{
    CK_BYTE pin[300] = "1234";
    CK_BYTE label[32];
    CK_BYTE right[32];
    (void)state;
    memset(label, ' ', sizeof label);
    memcpy(label, "other", 5);
    memset(right, ' ', sizeof right);
    memcpy(right, options.token, strlen(options.token));
    assert_rv(CKR_SESSION_EXISTS, p11->C_InitToken(stand.slot, pin, 4, right));
    assert_rv(CKR_OK, p11->C_CloseAllSessions(stand.slot));
    assert_rv(CKR_SLOT_ID_INVALID, p11->C_InitToken(99, pin, 4, right));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_InitToken(stand.slot, NULL, 0, right));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_InitToken(stand.slot, pin, 4, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_InitToken(stand.slot, pin, 4, label));
    assert_rv(CKR_PIN_INCORRECT, p11->C_InitToken(stand.slot, pin, sizeof pin, right));
    assert_rv(CKR_OK, open_session(CKF_RW_SESSION, &stand.session));
}

int admin_tests(void)
{
    const struct CMUnitTest tests[] = {
        LONE(the_security_officer_has_a_state_of_its_own_in_all_sessions),
        LONE(user_and_security_officer_exclude_each_other),
        LONE(the_security_officer_has_no_read_only_session),
        LONE(its_login_ends_with_the_last_session),
        LONE(a_user_type_that_there_is_not_is_said_so_in_every_state),
        LONE(the_security_officer_is_no_user_and_sees_no_private_key),
        LONE(pins_are_set_in_the_right_session_only),
        LONE(without_a_client_pin_none_can_be_set),
        LONE(the_pin_that_was_set_is_the_pin_and_the_token_tells_of_a_wrong_one),
        LONE(a_token_in_use_or_of_another_name_is_not_initialised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ---- one who is no admin ---- */

static void who_is_no_admin_is_no_security_officer_and_changes_nothing(void **state)
{
    CK_BYTE pin[] = "1234";
    CK_BYTE right[32];
    (void)state;
    memset(right, ' ', sizeof right);
    memcpy(right, options.token, strlen(options.token));
    assert_rv(CKR_USER_TYPE_INVALID, login_as(CKU_SO));
    assert_int_equal(state_of(stand.session), CKS_RW_PUBLIC_SESSION);
    assert_rv(CKR_USER_NOT_LOGGED_IN, p11->C_InitPIN(stand.session, pin, 4));
    assert_rv(CKR_TOKEN_WRITE_PROTECTED, set_pin(options.pin, options.pin_len, pin, 4));
    assert_rv(CKR_OK, p11->C_CloseAllSessions(stand.slot));
    assert_rv(CKR_TOKEN_WRITE_PROTECTED, p11->C_InitToken(stand.slot, pin, 4, right));
    assert_rv(CKR_OK, open_session(CKF_RW_SESSION, &stand.session));
    assert_rv(CKR_OK, login_as(CKU_USER));
    assert_signs(stand.session, find_key(stand.session, "device"), stand.verifier);
}

int other_tests(void)
{
    const struct CMUnitTest tests[] = {
        LONE(who_is_no_admin_is_no_security_officer_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
