/* SPDX-License-Identifier: MIT
 *
 * Calls at the wrong time and with wrong arguments, as a table: what each of the 68 functions says
 * where nothing was begun, where its handles are none, and where pointers are NULL or sizes odd.
 */
#include "stand.h"

/* Every function is called with up to 8 words. These stand for what is only known when it runs. */
enum word {
    NOTHING = 0, /* NULL, or 0 */
    SESSION = 1,
    READ_ONLY,
    NO_SESSION,
    SLOT,
    NO_SLOT,
    KEY,
    PUBLIC,
    NO_OBJECT,
    BYTES,   /* a buffer, larger than any struct */
    LEN,     /* of a CK_ULONG that says 64 */
    LEN_0,   /* of one that says 0 */
    HANDLE,  /* of a CK_ULONG for an answer */
    SIGNING, /* a mechanism that signs with KEY */
    UNKNOWN, /* a mechanism that there is not */
    NO_MECHANISM_TYPE,
    LABELLED, /* a template with CKA_LABEL */
    ONE,
    SIZE, /* 64 */
    MOST, /* the largest CK_ULONG */
    SERIAL,
    PARALLEL,
};

enum { SIZE_OF_DATA = 64 };

static CK_BYTE bytes[256];
static CK_ULONG len;
static CK_ULONG len_0;
static CK_ULONG answer;
static CK_MECHANISM unknown = {0x80000001UL, NULL, 0};
static CK_ATTRIBUTE labelled[] = {{CKA_LABEL, (void *)(uintptr_t) "x", 1}};

static CK_ULONG value_of(enum word word)
{
    switch (word) {
    case NOTHING:
        return 0;
    case SESSION:
        return stand.session;
    case READ_ONLY:
        return stand.read_only;
    case NO_SESSION:
    case NO_OBJECT:
        return 1UL << 62;
    case SLOT:
        return stand.slot;
    case NO_SLOT:
        return 99;
    case KEY:
        return stand.key;
    case PUBLIC:
        return stand.public_key;
    case BYTES:
        return (CK_ULONG)(uintptr_t)bytes;
    case LEN:
        return (CK_ULONG)(uintptr_t)&len;
    case LEN_0:
        return (CK_ULONG)(uintptr_t)&len_0;
    case HANDLE:
        return (CK_ULONG)(uintptr_t)&answer;
    case SIGNING:
        return (CK_ULONG)(uintptr_t)&ecdsa;
    case UNKNOWN:
        return (CK_ULONG)(uintptr_t)&unknown;
    case NO_MECHANISM_TYPE:
        return 0x80000001UL;
    case LABELLED:
        return (CK_ULONG)(uintptr_t)labelled;
    case ONE:
        return 1;
    case SIZE:
        return SIZE_OF_DATA;
    case MOST:
        return ~0UL;
    case SERIAL:
        return CKF_SERIAL_SESSION;
    case PARALLEL:
        return CKF_RW_SESSION;
    }
    return 0;
}

struct row {
    const char *function;
    CK_RV wanted;
    enum word words[8];
};

/* All rows are tried, whatever the ones before were. */
static void check(const struct row *rows, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        CK_ULONG words[8];
        for (size_t j = 0; j < COUNT(words); j++)
            words[j] = value_of(rows[i].words[j]);
        len = SIZE_OF_DATA;
        len_0 = 0;
        const CK_RV rv = function_call_with(rows[i].function, words);
        if (rv == rows[i].wanted)
            continue;
        print_error(
            "row %zu: %s is 0x%08lx, wanted 0x%08lx\n", i, rows[i].function, rv, rows[i].wanted);
        wrong++;
    }
    assert_int_equal(wrong, 0);
    assert_signs(stand.session, stand.key, stand.verifier);
}

static void what_was_not_begun_cannot_go_on(void **state)
{
    static const struct row rows[] = {
        {"C_FindObjects", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, ONE, HANDLE}},
        {"C_FindObjectsFinal", CKR_OPERATION_NOT_INITIALIZED, {SESSION}},
        {"C_Encrypt", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_EncryptUpdate", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_EncryptFinal", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, LEN}},
        {"C_Decrypt", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_DecryptUpdate", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_DecryptFinal", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, LEN}},
        {"C_Digest", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_DigestUpdate", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE}},
        {"C_DigestKey", CKR_OPERATION_NOT_INITIALIZED, {SESSION, KEY}},
        {"C_DigestFinal", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, LEN}},
        {"C_Sign", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_SignUpdate", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE}},
        {"C_SignFinal", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, LEN}},
        {"C_SignRecover", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_Verify", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE, BYTES, SIZE}},
        {"C_VerifyUpdate", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE}},
        {"C_VerifyFinal", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE}},
        {"C_VerifyRecover", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_DigestEncryptUpdate", CKR_OPERATION_NOT_INITIALIZED,
            {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_DecryptDigestUpdate", CKR_OPERATION_NOT_INITIALIZED,
            {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_SignEncryptUpdate", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_DecryptVerifyUpdate", CKR_OPERATION_NOT_INITIALIZED,
            {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_GetOperationState", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, LEN}},
        {"C_GetFunctionStatus", CKR_FUNCTION_NOT_PARALLEL, {SESSION}},
        {"C_CancelFunction", CKR_FUNCTION_NOT_PARALLEL, {SESSION}},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void what_is_begun_cannot_begin_again(void **state)
{
    static const struct row rows[] = {
        {"C_SignInit", CKR_OK, {SESSION, SIGNING, KEY}},
        {"C_SignInit", CKR_OPERATION_ACTIVE, {SESSION, SIGNING, KEY}},
        {"C_SignInit", CKR_OK, {READ_ONLY, SIGNING, KEY}}, /* another session's is its own */
        {"C_VerifyUpdate", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE}},
        {"C_Sign", CKR_OK, {SESSION, BYTES, SIZE, NOTHING, LEN}}, /* a size query ends nothing */
        {"C_SignInit", CKR_OPERATION_ACTIVE, {SESSION, SIGNING, KEY}},
        {"C_Sign", CKR_BUFFER_TOO_SMALL, {SESSION, BYTES, SIZE, BYTES, LEN_0}},
        {"C_SignInit", CKR_OPERATION_ACTIVE, {SESSION, SIGNING, KEY}},
        {"C_Sign", CKR_OK, {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_Sign", CKR_OPERATION_NOT_INITIALIZED, {SESSION, BYTES, SIZE, BYTES, LEN}},
        {"C_FindObjectsInit", CKR_OK, {SESSION, NOTHING, NOTHING}},
        {"C_FindObjectsInit", CKR_OPERATION_ACTIVE, {SESSION, NOTHING, NOTHING}},
        {"C_FindObjectsFinal", CKR_OK, {SESSION}},
        {"C_FindObjectsFinal", CKR_OPERATION_NOT_INITIALIZED, {SESSION}},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void handles_that_are_none_are_named_by_kind(void **state)
{
    static const struct row rows[] = {
        {"C_GetSlotInfo", CKR_SLOT_ID_INVALID, {NO_SLOT, BYTES}},
        {"C_GetTokenInfo", CKR_SLOT_ID_INVALID, {NO_SLOT, BYTES}},
        {"C_GetMechanismList", CKR_SLOT_ID_INVALID, {NO_SLOT, NOTHING, LEN}},
        {"C_GetMechanismInfo", CKR_SLOT_ID_INVALID, {NO_SLOT, ONE, BYTES}},
        {"C_GetMechanismInfo", CKR_MECHANISM_INVALID, {SLOT, NO_MECHANISM_TYPE, BYTES}},
        {"C_InitToken", CKR_SLOT_ID_INVALID, {NO_SLOT, BYTES, SIZE, BYTES}},
        {"C_OpenSession", CKR_SLOT_ID_INVALID, {NO_SLOT, SERIAL, NOTHING, NOTHING, HANDLE}},
        {"C_OpenSession", CKR_SESSION_PARALLEL_NOT_SUPPORTED,
            {SLOT, PARALLEL, NOTHING, NOTHING, HANDLE}},
        {"C_CloseAllSessions", CKR_SLOT_ID_INVALID, {NO_SLOT}},
        {"C_DestroyObject", CKR_OBJECT_HANDLE_INVALID, {SESSION, NO_OBJECT}},
        {"C_CopyObject", CKR_OBJECT_HANDLE_INVALID, {SESSION, NO_OBJECT, NOTHING, NOTHING, HANDLE}},
        {"C_GetObjectSize", CKR_OBJECT_HANDLE_INVALID, {SESSION, NO_OBJECT, HANDLE}},
        {"C_GetAttributeValue", CKR_OBJECT_HANDLE_INVALID, {SESSION, NO_OBJECT, LABELLED, ONE}},
        {"C_SetAttributeValue", CKR_OBJECT_HANDLE_INVALID, {SESSION, NO_OBJECT, LABELLED, ONE}},
        {"C_SignInit", CKR_KEY_HANDLE_INVALID, {SESSION, SIGNING, NO_OBJECT}},
        {"C_SignInit", CKR_MECHANISM_INVALID, {SESSION, UNKNOWN, KEY}},
        {"C_VerifyInit", CKR_MECHANISM_INVALID, {SESSION, UNKNOWN, KEY}},
        {"C_EncryptInit", CKR_MECHANISM_INVALID, {SESSION, UNKNOWN, KEY}},
        {"C_DecryptInit", CKR_MECHANISM_INVALID, {SESSION, UNKNOWN, KEY}},
        {"C_DigestInit", CKR_MECHANISM_INVALID, {SESSION, UNKNOWN}},
        {"C_SignRecoverInit", CKR_MECHANISM_INVALID, {SESSION, UNKNOWN, KEY}},
        {"C_VerifyRecoverInit", CKR_MECHANISM_INVALID, {SESSION, UNKNOWN, KEY}},
        {"C_GenerateKey", CKR_MECHANISM_INVALID, {SESSION, UNKNOWN, NOTHING, NOTHING, HANDLE}},
        {"C_GenerateKeyPair", CKR_MECHANISM_INVALID,
            {SESSION, UNKNOWN, NOTHING, NOTHING, NOTHING, NOTHING, HANDLE, HANDLE}},
        {"C_WrapKey", CKR_MECHANISM_INVALID, {SESSION, UNKNOWN, KEY, KEY, BYTES, LEN}},
        {"C_UnwrapKey", CKR_MECHANISM_INVALID,
            {SESSION, UNKNOWN, KEY, BYTES, SIZE, NOTHING, NOTHING, HANDLE}},
        {"C_DeriveKey", CKR_MECHANISM_INVALID, {SESSION, UNKNOWN, KEY, NOTHING, NOTHING, HANDLE}},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void null_pointers_are_bad_arguments_to_every_function_that_needs_them(void **state)
{
    static const struct row rows[] = {
        {"C_GetInfo", CKR_ARGUMENTS_BAD, {NOTHING}},
        {"C_GetFunctionList", CKR_ARGUMENTS_BAD, {NOTHING}},
        {"C_GetSlotList", CKR_ARGUMENTS_BAD, {NOTHING, BYTES, NOTHING}},
        {"C_GetSlotInfo", CKR_ARGUMENTS_BAD, {SLOT, NOTHING}},
        {"C_GetTokenInfo", CKR_ARGUMENTS_BAD, {SLOT, NOTHING}},
        {"C_GetMechanismList", CKR_ARGUMENTS_BAD, {SLOT, BYTES, NOTHING}},
        {"C_GetMechanismInfo", CKR_ARGUMENTS_BAD, {SLOT, ONE, NOTHING}},
        {"C_InitToken", CKR_ARGUMENTS_BAD, {SLOT, NOTHING, ONE, BYTES}},
        {"C_InitToken", CKR_ARGUMENTS_BAD, {SLOT, BYTES, ONE, NOTHING}},
        {"C_InitPIN", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, ONE}},
        {"C_SetPIN", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, ONE, BYTES, ONE}},
        {"C_SetPIN", CKR_ARGUMENTS_BAD, {SESSION, BYTES, ONE, NOTHING, ONE}},
        {"C_OpenSession", CKR_ARGUMENTS_BAD, {SLOT, SERIAL, NOTHING, NOTHING, NOTHING}},
        {"C_GetSessionInfo", CKR_ARGUMENTS_BAD, {SESSION, NOTHING}},
        {"C_GetOperationState", CKR_ARGUMENTS_BAD, {SESSION, BYTES, NOTHING}},
        {"C_SetOperationState", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, ONE}},
        {"C_CreateObject", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, ONE, HANDLE}},
        {"C_CreateObject", CKR_ARGUMENTS_BAD, {SESSION, LABELLED, ONE, NOTHING}},
        {"C_CopyObject", CKR_ARGUMENTS_BAD, {SESSION, KEY, NOTHING, ONE, HANDLE}},
        {"C_CopyObject", CKR_ARGUMENTS_BAD, {SESSION, KEY, LABELLED, ONE, NOTHING}},
        {"C_GetObjectSize", CKR_ARGUMENTS_BAD, {SESSION, KEY, NOTHING}},
        {"C_GetAttributeValue", CKR_ARGUMENTS_BAD, {SESSION, KEY, NOTHING, ONE}},
        {"C_SetAttributeValue", CKR_ARGUMENTS_BAD, {SESSION, KEY, NOTHING, ONE}},
        {"C_FindObjectsInit", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, ONE}},
        {"C_FindObjectsInit", CKR_OK, {SESSION, NOTHING, NOTHING}},
        {"C_FindObjects", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, ONE, HANDLE}},
        {"C_FindObjects", CKR_ARGUMENTS_BAD, {SESSION, BYTES, ONE, NOTHING}},
        {"C_FindObjectsFinal", CKR_OK, {SESSION}},
        {"C_EncryptInit", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, KEY}},
        {"C_DecryptInit", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, KEY}},
        {"C_DigestInit", CKR_ARGUMENTS_BAD, {SESSION, NOTHING}},
        {"C_SignInit", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, KEY}},
        {"C_SignRecoverInit", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, KEY}},
        {"C_VerifyInit", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, KEY}},
        {"C_VerifyRecoverInit", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, KEY}},
        {"C_GenerateKey", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, NOTHING, NOTHING, HANDLE}},
        {"C_GenerateKeyPair", CKR_ARGUMENTS_BAD,
            {SESSION, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, HANDLE, HANDLE}},
        {"C_WrapKey", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, KEY, KEY, BYTES, LEN}},
        {"C_UnwrapKey", CKR_ARGUMENTS_BAD,
            {SESSION, NOTHING, KEY, BYTES, SIZE, NOTHING, NOTHING, HANDLE}},
        {"C_DeriveKey", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, KEY, NOTHING, NOTHING, HANDLE}},
        {"C_GenerateRandom", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, ONE}},
        {"C_SeedRandom", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, ONE}},
        {"C_GenerateKey", CKR_ARGUMENTS_BAD, {SESSION, SIGNING, NOTHING, ONE, HANDLE}},
        {"C_GenerateKeyPair", CKR_ARGUMENTS_BAD,
            {SESSION, SIGNING, NOTHING, ONE, NOTHING, NOTHING, HANDLE, HANDLE}},
        {"C_GenerateKeyPair", CKR_ARGUMENTS_BAD,
            {SESSION, SIGNING, NOTHING, NOTHING, NOTHING, ONE, HANDLE, HANDLE}},
        {"C_UnwrapKey", CKR_ARGUMENTS_BAD,
            {SESSION, SIGNING, KEY, BYTES, SIZE, NOTHING, ONE, HANDLE}},
        {"C_DeriveKey", CKR_ARGUMENTS_BAD, {SESSION, SIGNING, KEY, NOTHING, ONE, HANDLE}},
        {"C_WaitForSlotEvent", CKR_ARGUMENTS_BAD, {ONE, NOTHING, NOTHING}},
        {"C_WaitForSlotEvent", CKR_ARGUMENTS_BAD, {ONE, HANDLE, BYTES}},
        {"C_Finalize", CKR_ARGUMENTS_BAD, {BYTES}},
        {"C_SignInit", CKR_OK, {SESSION, SIGNING, KEY}},
        {"C_Sign", CKR_ARGUMENTS_BAD, {SESSION, NOTHING, ONE, BYTES, LEN}},
    };
    (void)state;
    check(rows, COUNT(rows));
}

/* Sizes that no program means. */
static void sizes_that_cannot_be_are_refused(void **state)
{
    static const struct row rows[] = {
        {"C_InitPIN", CKR_USER_NOT_LOGGED_IN, {SESSION, BYTES, MOST}},
        {"C_SetPIN", CKR_PIN_LEN_RANGE, {SESSION, BYTES, ONE, BYTES, MOST}},
        {"C_SetPIN", CKR_PIN_LEN_RANGE, {SESSION, BYTES, ONE, BYTES, NOTHING}},
        {"C_SetPIN", CKR_PIN_INCORRECT, {SESSION, BYTES, MOST, BYTES, ONE}},
        {"C_SetPIN", CKR_SESSION_READ_ONLY, {READ_ONLY, BYTES, ONE, BYTES, ONE}},
        {"C_Login", CKR_USER_ALREADY_LOGGED_IN, {SESSION, ONE, BYTES, MOST}},
        {"C_Login", CKR_USER_TYPE_INVALID, {SESSION, MOST, BYTES, ONE}},
        {"C_GetSlotList", CKR_BUFFER_TOO_SMALL, {NOTHING, BYTES, LEN_0}},
        {"C_GetMechanismList", CKR_BUFFER_TOO_SMALL, {SLOT, BYTES, LEN_0}},
        {"C_SeedRandom", CKR_RANDOM_SEED_NOT_SUPPORTED, {SESSION, BYTES, SIZE}},
    };
    (void)state;
    check(rows, COUNT(rows));
}

int calls_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(what_was_not_begun_cannot_go_on),
        WITH_STAND(what_is_begun_cannot_begin_again),
        WITH_STAND(handles_that_are_none_are_named_by_kind),
        WITH_STAND(null_pointers_are_bad_arguments_to_every_function_that_needs_them),
        WITH_STAND(sizes_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
