/* SPDX-License-Identifier: MIT
 *
 * The driver pkcs11 against modules that misbehave in ways that SoftHSM does not: a function list
 * of the test's own.
 */
#include "test.h"

#include "scratch.h"

#include "base/log.h"
#include "signerd/drivers/pkcs11_device.h"
#include "signerd/drivers/pkcs11_rv.h"
#include "signerd/drivers/pkcs11_template.h"

#include <stdlib.h>
#include <unistd.h>

/* What the fake module does next, and what was asked of it. */
static struct {
    CK_RV sign_init[4]; /* one after another, then CKR_OK */
    CK_RV sign;
    CK_RV random;
    unsigned wants_pin; /* so many signatures more say that they want it */
    CK_RV login;
    unsigned logins;
    CK_RV open;
    CK_RV find;
    CK_RV decrypt; /* and the parts of it, and unwrapping */
    CK_RV decrypt_init;
    CK_RV session_info;
    CK_RV random;
    bool too_long; /* says more than there was room for */
    bool writes;   /* plaintext, whatever it then says */
    unsigned sign_inits;
    unsigned opened;
    unsigned closed;
    unsigned find_finals;
    bool stops_at_first_missing;
    bool grows; /* the label is longer at the second look */
    unsigned value_calls;
} fake;

enum { HOME = 1, FIRST_WORK = 2 };

static CK_RV fake_sign_init(
    CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)mechanism;
    (void)key;
    if (session == CK_INVALID_HANDLE)
        return CKR_SESSION_HANDLE_INVALID;
    assert_int_not_equal(session, HOME);
    return fake.sign_inits < COUNT(fake.sign_init) ? fake.sign_init[fake.sign_inits++] : CKR_OK;
}

static CK_RV fake_sign(
    CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature, CK_ULONG *len)
{
    (void)session;
    (void)data;
    (void)data_len;
    if (fake.wants_pin > 0) {
        fake.wants_pin--;
        return CKR_USER_NOT_LOGGED_IN;
    }
    memset(signature, 0x5a, 64);
    *len = 64;
    return fake.sign;
}

static CK_RV fake_login(
    CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG len)
{
    assert_int_not_equal(session, HOME);
    assert_int_equal(user, CKU_CONTEXT_SPECIFIC);
    assert_true(span_equal(span_of(pin, len), span_of_text("1234")));
    fake.logins++;
    return fake.login;
}

static CK_RV fake_open(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
    CK_SESSION_HANDLE *session)
{
    (void)slot;
    (void)flags;
    (void)application;
    (void)notify;
    if (fake.open == CKR_OK)
        *session = FIRST_WORK + ++fake.opened;
    return fake.open;
}

static CK_RV fake_close(CK_SESSION_HANDLE session)
{
    assert_int_not_equal(session, HOME); /* it keeps the login and the session objects */
    fake.closed++;
    return CKR_OK;
}

static CK_RV fake_find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    (void)session;
    (void)attributes;
    (void)count;
    return CKR_OK;
}

static CK_RV fake_find(
    CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *count)
{
    (void)session;
    for (CK_ULONG i = 0; i < max; i++)
        objects[i] = i + 1;
    *count = max; /* never ends */
    return fake.find;
}

static CK_RV fake_find_final(CK_SESSION_HANDLE session)
{
    (void)session;
    fake.find_finals++;
    return CKR_OK;
}

/* An object with a class, a label, a boolean of 8 bytes, and more values than a message holds. */
static CK_RV fake_get_one(CK_ATTRIBUTE *attribute)
{
    static const CK_ULONG class = CKO_CERTIFICATE;
    static const char label[] = "label and more";
    const void *value = label;
    CK_ULONG len = CK_UNAVAILABLE_INFORMATION;
    if (attribute->type == CKA_CLASS) {
        value = &class;
        len = sizeof class;
    } else if (attribute->type == CKA_LABEL) {
        len = fake.grows && attribute->pValue != NULL ? 14 : 5;
    } else if (attribute->type == CKA_TOKEN) {
        len = 8;
    } else if (attribute->type == CKA_VALUE) {
        len = 1 << 20;
    }
    CK_RV rv = len == CK_UNAVAILABLE_INFORMATION ? CKR_ATTRIBUTE_TYPE_INVALID : CKR_OK;
    if (rv == CKR_OK && attribute->pValue != NULL && attribute->ulValueLen < len) {
        len = CK_UNAVAILABLE_INFORMATION;
        rv = CKR_BUFFER_TOO_SMALL;
    } else if (rv == CKR_OK && attribute->pValue != NULL) {
        memcpy(attribute->pValue, value, len);
    }
    attribute->ulValueLen = len;
    return rv;
}

static CK_RV fake_get(
    CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    CK_RV rv = CKR_OK;
    (void)session;
    (void)object;
    fake.value_calls++;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV one = fake_get_one(&attributes[i]);
        rv = one != CKR_OK ? one : rv;
        if (one != CKR_OK && fake.stops_at_first_missing)
            break;
    }
    return rv;
}

static CK_RV fake_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    assert_int_equal(session, HOME);
    (void)info;
    return fake.session_info;
}

static CK_RV fake_random(CK_SESSION_HANDLE session, CK_BYTE *random, CK_ULONG len)
{
    assert_int_equal(session, HOME);
    assert_int_equal(len, 1);
    *random = 0;
    return fake.random;
}

static CK_RV fake_decrypt_init(
    CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session;
    (void)key;
    assert_int_equal(mechanism->ulParameterLen, 16);
    return fake.decrypt_init;
}

static CK_RV fake_decrypt(
    CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *plain, CK_ULONG *len)
{
    (void)session;
    (void)in_len;
    assert_non_null(in);
    if (fake.writes)
        memcpy(plain, "plaintext", 9);
    *len = fake.too_long ? *len + 1 : 0;
    return fake.decrypt;
}

static CK_RV fake_decrypt_final(CK_SESSION_HANDLE session, CK_BYTE *plain, CK_ULONG *len)
{
    static CK_BYTE nothing[1];
    return fake_decrypt(session, nothing, 0, plain, len);
}

static CK_RV fake_unwrap(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
    CK_BYTE *wrapped, CK_ULONG len, CK_ATTRIBUTE *attributes, CK_ULONG count,
    CK_OBJECT_HANDLE *made)
{
    (void)session;
    (void)mechanism;
    (void)key;
    (void)wrapped;
    (void)len;
    (void)attributes;
    (void)count;
    *made = 9;
    return fake.decrypt;
}

static CK_RV fake_random(CK_SESSION_HANDLE session, CK_BYTE *random, CK_ULONG len)
{
    assert_int_equal(session, HOME);
    memset(random, 0x17, len);
    return fake.random;
}

static CK_FUNCTION_LIST module = {
    .C_GenerateRandom = fake_random,
    .C_GetSessionInfo = fake_session_info,
    .C_GenerateRandom = fake_random,
    .C_DecryptInit = fake_decrypt_init,
    .C_Decrypt = fake_decrypt,
    .C_DecryptUpdate = fake_decrypt,
    .C_DecryptFinal = fake_decrypt_final,
    .C_UnwrapKey = fake_unwrap,
    .C_OpenSession = fake_open,
    .C_CloseSession = fake_close,
    .C_SignInit = fake_sign_init,
    .C_Sign = fake_sign,
    .C_Login = fake_login,
    .C_FindObjectsInit = fake_find_init,
    .C_FindObjects = fake_find,
    .C_FindObjectsFinal = fake_find_final,
    .C_GetAttributeValue = fake_get,
};

static struct device device;

static int reset(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    device = (struct device){.module = &module,
        .initialized = true,
        .home = HOME,
        .work = FIRST_WORK,
        .logged_in = true};
    log_setup("driver_faults_test", LOG_LEVEL_ERROR);
    return 0;
}

static err_t sign(void)
{
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    const struct driver_use use = {DRIVER_SIGN, 5, CKM_ECDSA, span_of(NULL, 0)};
    err_t err = driver_pkcs11.use(&device, &use, span_of("digest", 6), span_of(NULL, 0), &w);
    assert_int_equal(w.used, err == ERR_OK ? 64 : 0);
    return err;
}

static void keep_pin(void)
{
    assert_int_equal(secret_new(4, &device.pin), ERR_OK);
    memcpy(secret_writable(device.pin), "1234", 4);
}

static void a_key_that_wants_the_pin_each_time_gets_it(void **state)
{
    keep_pin();
    for (unsigned i = 1; i <= 3; i++) {
        fake.wants_pin = 1;
        assert_int_equal(sign(), ERR_OK);
        assert_int_equal(fake.logins, i);
    }
    secret_free(device.pin);
    (void)state;
}

/* Else whoever may use the key could lock the token. */
static void a_pin_that_is_refused_is_not_tried_again(void **state)
{
    keep_pin();
    fake.login = CKR_PIN_INCORRECT;
    for (unsigned i = 0; i < 3; i++) {
        fake.wants_pin = 1;
        assert_int_equal(sign(), ERR_ACTION_PROHIBITED); /* not absent: it would be opened again */
        assert_int_equal(fake.logins, 1);
    }
    secret_free(device.pin);
    (void)state;
}

static void a_login_that_is_lost_has_the_device_opened_again(void **state)
{
    keep_pin();
    fake.wants_pin = 1;
    fake.login = CKR_USER_NOT_LOGGED_IN;
    assert_int_equal(sign(), ERR_TOKEN_ABSENT);
    secret_free(device.pin);
    (void)state;
}

static void an_operation_left_active_costs_a_session_but_no_signature(void **state)
{
    fake.sign_init[0] = CKR_OPERATION_ACTIVE;
    assert_int_equal(sign(), ERR_OK);
    assert_int_equal(fake.closed, 1);
    assert_int_equal(fake.opened, 1);
    assert_int_equal(device.work, FIRST_WORK + 1);
    assert_int_equal(sign(), ERR_OK);
    assert_int_equal(fake.opened, 1);
    (void)state;
}

static void an_operation_that_is_always_active_ends_in_an_error(void **state)
{
    for (size_t i = 0; i < COUNT(fake.sign_init); i++)
        fake.sign_init[i] = CKR_OPERATION_ACTIVE;
    assert_int_equal(sign(), ERR_DEVICE);
    assert_int_equal(fake.sign_inits, 2);
    (void)state;
}

static void a_device_error_renews_the_working_session_only(void **state)
{
    static const CK_RV doubtful[] = {CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED,
        CKR_HOST_MEMORY, CKR_BUFFER_TOO_SMALL, CKR_VENDOR_DEFINED | 7};
    for (size_t i = 0; i < COUNT(doubtful); i++) {
        (void)reset(state);
        fake.sign = doubtful[i];
        assert_int_not_equal(sign(), ERR_OK);
        assert_int_equal(fake.closed, 1);
        assert_int_equal(fake.opened, 1);
        fake.sign = CKR_OK;
        assert_int_equal(sign(), ERR_OK);
    }
}

/* Also where random bytes are refused for another reason the token is there. */
static void a_token_that_fails_vaguely_and_gives_no_random_is_gone(void **state)
{
    static const CK_RV vague[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_ERROR};
    for (size_t i = 0; i < COUNT(vague); i++) {
        (void)reset(state);
        fake.sign = vague[i];
        fake.random = CKR_GENERAL_ERROR;
        assert_int_equal(sign(), ERR_TOKEN_ABSENT);
        fake.random = CKR_RANDOM_NO_RNG;
        assert_int_equal(sign(), ERR_DEVICE);
    }
}

static void a_mistake_of_the_caller_renews_nothing(void **state)
{
    static const struct {
        CK_RV rv;
        err_t err;
    } rows[] = {{CKR_DATA_LEN_RANGE, ERR_DATA_LENGTH}, {CKR_KEY_HANDLE_INVALID, ERR_OBJECT_GONE},
        {CKR_KEY_TYPE_INCONSISTENT, ERR_KEY_TYPE},
        {CKR_KEY_FUNCTION_NOT_PERMITTED, ERR_KEY_FUNCTION}, {CKR_MECHANISM_INVALID, ERR_MECHANISM}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        fake.sign = rows[i].rv;
        assert_int_equal(sign(), rows[i].err);
    }
    assert_int_equal(fake.closed, 0);
    (void)state;
}

static void a_device_that_is_gone_is_an_absent_token(void **state)
{
    static const CK_RV gone[] = {CKR_TOKEN_NOT_PRESENT, CKR_DEVICE_REMOVED,
        CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_CRYPTOKI_NOT_INITIALIZED,
        CKR_USER_NOT_LOGGED_IN};
    for (size_t i = 0; i < COUNT(gone); i++) {
        fake.sign = gone[i];
        assert_int_equal(sign(), ERR_TOKEN_ABSENT);
    }
    (void)state;
}

static void a_login_that_never_was_is_not_an_absent_token(void **state)
{
    device.logged_in = false;
    fake.sign = CKR_USER_NOT_LOGGED_IN;
    assert_int_equal(sign(), ERR_ACTION_PROHIBITED);
    (void)state;
}

static void a_session_that_cannot_be_renewed_makes_the_token_absent(void **state)
{
    fake.sign = CKR_DEVICE_ERROR;
    fake.open = CKR_DEVICE_ERROR;
    assert_int_equal(sign(), ERR_DEVICE);
    fake.sign = CKR_OK;
    assert_int_equal(sign(), ERR_TOKEN_ABSENT);
    (void)state;
}

static const struct driver_use decryption = {
    DRIVER_DECRYPT, 5, CKM_AES_CBC_PAD, {(const uint8_t *)"sixteen bytes iv", 16}};

static uint8_t plain_room[64];

/* At once; in parts, failing at the first or at the end; and unwrapping. */
static err_t decrypt_somehow(unsigned way)
{
    struct writer w = writer_of(plain_room, sizeof plain_room);
    const struct span data = span_of_text("sixteen bytes ..");
    const struct span none = span_of(NULL, 0);
    struct driver_begun *begun = NULL;
    driver_ref made = 0;
    err_t err;
    if (way == 0)
        return driver_pkcs11.use(&device, &decryption, data, none, &w);
    if (way == 1)
        return driver_pkcs11.unwrap(&device, 5, CKM_AES_KEY_WRAP, none, data, none, &made);
    assert_int_equal(driver_pkcs11.begin(&device, &decryption, &begun), ERR_OK);
    if (way == 2)
        return driver_pkcs11.finish(&device, begun, none, &w);
    err = driver_pkcs11.feed(&device, begun, data, &w);
    driver_pkcs11.abandon(&device, begun);
    return err;
}
enum { WAYS = 4, WAY_UNWRAP = 1 };

/* As tpm2-pkcs11 does when its TPM is gone: its sessions stay. */
static void a_vague_error_of_a_token_without_random_is_an_absent_token(void **state)
{
    static const CK_RV vague[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_ERROR};
    static const CK_RV no_random[] = {CKR_RANDOM_NO_RNG, CKR_FUNCTION_NOT_SUPPORTED};
    for (size_t i = 0; i < COUNT(vague); i++) {
        (void)reset(state);
        fake.sign = vague[i];
        assert_int_equal(sign(), ERR_DEVICE);
        fake.random = no_random[0]; /* it never had any: that says nothing */
        assert_int_equal(sign(), ERR_DEVICE);
        fake.random = no_random[1];
        assert_int_equal(sign(), ERR_DEVICE);
        fake.random = vague[i];
        assert_int_equal(sign(), ERR_TOKEN_ABSENT);
        for (unsigned way = 0; way < WAYS; way++) {
            fake.decrypt = vague[i];
            assert_int_equal(decrypt_somehow(way), ERR_TOKEN_ABSENT);
        }
    }
    (void)reset(state);
    fake.sign = CKR_KEY_FUNCTION_NOT_PERMITTED;
    fake.random = CKR_GENERAL_ERROR;
    assert_int_equal(sign(), ERR_KEY_FUNCTION); /* clear enough */
}

static void a_general_error_of_a_device_that_goes_on_is_the_datas_fault(void **state)
{
    static const CK_RV vague[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED};
    for (unsigned way = 0; way < WAYS; way++) {
        for (size_t i = 0; i < COUNT(vague); i++) {
            (void)reset(state);
            fake.decrypt = vague[i];
            assert_int_equal(
                decrypt_somehow(way), way == WAY_UNWRAP ? ERR_WRAPPED_KEY : ERR_ENCRYPTED);
            fake.session_info = CKR_DEVICE_REMOVED;
            assert_int_equal(decrypt_somehow(way), ERR_DEVICE);
        }
        (void)reset(state);
        fake.decrypt = CKR_DEVICE_ERROR;
        assert_int_equal(decrypt_somehow(way), ERR_DEVICE);
        fake.decrypt = CKR_DEVICE_REMOVED;
        assert_int_equal(decrypt_somehow(way), ERR_TOKEN_ABSENT);
    }
}

static void a_start_that_fails_is_not_the_datas_fault(void **state)
{
    struct driver_begun *begun = NULL;
    fake.decrypt_init = CKR_GENERAL_ERROR;
    assert_int_equal(decrypt_somehow(0), ERR_DEVICE);
    fake.opened = fake.closed = 0;
    assert_int_equal(driver_pkcs11.begin(&device, &decryption, &begun), ERR_DEVICE);
    assert_null(begun);
    assert_int_equal(fake.opened, 1);
    assert_int_equal(fake.closed, 1);
    fake.open = CKR_SESSION_COUNT;
    assert_int_equal(driver_pkcs11.begin(&device, &decryption, &begun), ERR_DEVICE);
    assert_null(begun);
    (void)state;
}

static void every_begun_use_gives_its_session_back(void **state)
{
    for (unsigned way = 2; way < WAYS; way++)
        assert_int_equal(decrypt_somehow(way), ERR_OK);
    fake.decrypt = CKR_GENERAL_ERROR;
    for (unsigned way = 2; way < WAYS; way++)
        (void)decrypt_somehow(way);
    assert_int_equal(fake.opened, 4);
    assert_int_equal(fake.closed, 4);
    assert_int_equal(device.work, FIRST_WORK);
    (void)state;
}

static void more_than_there_was_room_for_is_a_fault_of_the_device(void **state)
{
    fake.too_long = true;
    for (unsigned way = 0; way < WAYS; way++)
        if (way != WAY_UNWRAP)
            assert_int_equal(decrypt_somehow(way), ERR_DEVICE);
    (void)state;
}

static void plaintext_of_a_decryption_that_failed_does_not_stay(void **state)
{
    static const uint8_t zeroes[sizeof plain_room];
    fake.writes = true;
    for (unsigned way = 0; way < WAYS; way++) {
        if (way == WAY_UNWRAP)
            continue;
        fake.decrypt = CKR_OK;
        assert_int_equal(decrypt_somehow(way), ERR_OK);
        assert_memory_equal(plain_room, "plaintext", 9);
        fake.decrypt = CKR_GENERAL_ERROR;
        assert_int_equal(decrypt_somehow(way), ERR_ENCRYPTED);
        assert_memory_equal(plain_room, zeroes, sizeof zeroes);
    }
    (void)state;
}

static void what_tokens_say_of_keys_and_data_has_its_error(void **state)
{
    static const struct {
        CK_RV rv;
        err_t err;
    } rows[] = {{CKR_SIGNATURE_INVALID, ERR_SIGNATURE},
        {CKR_SIGNATURE_LEN_RANGE, ERR_SIGNATURE_LENGTH},
        {CKR_ENCRYPTED_DATA_INVALID, ERR_ENCRYPTED},
        {CKR_ENCRYPTED_DATA_LEN_RANGE, ERR_ENCRYPTED_LENGTH}, {CKR_KEY_SIZE_RANGE, ERR_KEY_SIZE},
        {CKR_KEY_UNEXTRACTABLE, ERR_KEY_UNEXTRACTABLE},
        {CKR_KEY_NOT_WRAPPABLE, ERR_KEY_NOT_WRAPPABLE}, {CKR_WRAPPED_KEY_INVALID, ERR_WRAPPED_KEY},
        {CKR_WRAPPED_KEY_LEN_RANGE, ERR_WRAPPED_KEY},
        {CKR_WRAPPING_KEY_HANDLE_INVALID, ERR_OBJECT_GONE},
        {CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, ERR_KEY_TYPE},
        {CKR_UNWRAPPING_KEY_SIZE_RANGE, ERR_KEY_SIZE}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(rv_check("C_X", rows[i].rv), rows[i].err);
        assert_false(rv_leaves_doubt(rows[i].rv));
    }
    (void)state;
}

static bool never(void *context, driver_ref object)
{
    (void)context;
    (void)object;
    fail();
    return false;
}

static void an_endless_listing_is_an_error_and_ended(void **state)
{
    assert_int_equal(driver_pkcs11.list(&device, never, NULL), ERR_DEVICE);
    assert_int_equal(fake.find_finals, 1);
    fake.find = CKR_DEVICE_REMOVED;
    assert_int_equal(driver_pkcs11.list(&device, never, NULL), ERR_TOKEN_ABSENT);
    assert_int_equal(fake.find_finals, 2);
    (void)state;
}

static void check_fetched(bool with_label)
{
    uint8_t bytes[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(bytes, sizeof bytes);
    assert_int_equal(driver_pkcs11.attributes(&device, 5, &list), ERR_OK);
    assert_int_equal(attribute_list_check(writer_bytes(&list)), ERR_OK);
    uint64_t class;
    struct span label;
    assert_true(attribute_get_ulong(writer_bytes(&list), ATTR_CLASS, &class));
    assert_int_equal(class, CLASS_CERTIFICATE);
    assert_int_equal(attribute_get(writer_bytes(&list), ATTR_LABEL, &label), with_label);
    assert_true(!with_label || span_equal(label, span_of_text("label")));
    assert_int_equal(
        list.used, 8 + 8 + (with_label ? 8 + 5 : 0)); /* no token of 8 bytes, no value of 1 MiB */
}

static void attributes_take_three_calls(void **state)
{
    check_fetched(true);
    assert_int_equal(fake.value_calls, 3); /* class, lengths, values */
    (void)state;
}

static void a_module_that_stops_at_the_first_missing_attribute_is_asked_one_by_one(void **state)
{
    fake.stops_at_first_missing = true;
    check_fetched(true);
    assert_true(fake.value_calls > attribute_rows_count / 2);
    (void)state;
}

static void a_value_that_grew_meanwhile_is_left_out(void **state)
{
    fake.grows = true;
    check_fetched(false);
    (void)state;
}

static void numbers_reach_the_module_as_its_own(void **state)
{
    static struct ck_template parsed;
    uint8_t bytes[256];
    struct writer w = writer_of(bytes, sizeof bytes);
    attribute_put_ulong(&w, ATTR_CLASS, CLASS_PRIVATE_KEY);
    attribute_put_ulong(&w, ATTR_KEY_TYPE, UINT64_MAX);
    attribute_put(
        &w, ATTR_ALLOWED_MECHANISMS, span_of("\0\0\0\0\0\0\x10\x41\0\0\0\0\0\0\x10\x42", 16));
    attribute_put_bool(&w, ATTR_TOKEN, true);
    assert_int_equal(ck_template_parse(writer_bytes(&w), &parsed), ERR_OK);
    assert_int_equal(parsed.count, 4);
    assert_int_equal(*(CK_ULONG *)parsed.attributes[0].pValue, CKO_PRIVATE_KEY);
    assert_true(*(CK_ULONG *)parsed.attributes[1].pValue == CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(parsed.attributes[2].ulValueLen, 2 * sizeof(CK_ULONG));
    assert_int_equal(((CK_ULONG *)parsed.attributes[2].pValue)[1], 0x1042);
    assert_int_equal(*(CK_BBOOL *)parsed.attributes[3].pValue, CK_TRUE);
    (void)state;
}

static void the_array_has_room_for_the_whole_table(void **state)
{
    assert_true(attribute_rows_count <= TEMPLATE_ATTRIBUTES_MAX);
    (void)state;
}

static void every_pin_failure_is_a_pin_error(void **state)
{
    static const CK_RV rvs[] = {CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_PIN_EXPIRED, CKR_PIN_INVALID,
        CKR_PIN_LEN_RANGE, CKR_USER_PIN_NOT_INITIALIZED};
    for (size_t i = 0; i < COUNT(rvs); i++)
        assert_int_equal(rv_check("C_Login", rvs[i]), ERR_DEVICE_PIN);
    assert_int_equal(rv_check("C_Login", CKR_OK), ERR_OK);
    assert_int_equal(rv_check("C_Login", 0x12345678), ERR_DEVICE);
    (void)state;
}

/* What is left of the lines depends on the tests before. */
static void a_client_cannot_fill_the_log_with_what_the_device_answers(void **state)
{
    log_setup("driver_faults_test", LOG_LEVEL_WARNING);
    capture_begin();
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(rv_check("C_VerifyInit", CKR_KEY_SIZE_RANGE), ERR_KEY_SIZE);
    usleep(1100000);
    assert_int_equal(rv_check("C_SignInit", CKR_KEY_SIZE_RANGE), ERR_KEY_SIZE);
    char *text = capture_end();
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_in_range(lines, 2, 60);
    assert_non_null(strstr(text, "more answers like these had no line\n"));
    assert_non_null(strstr(text, "C_SignInit"));
    free(text);
    (void)state;
}

#define FAKED(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKED(a_key_that_wants_the_pin_each_time_gets_it),
        FAKED(a_pin_that_is_refused_is_not_tried_again),
        FAKED(a_login_that_is_lost_has_the_device_opened_again),
        FAKED(an_operation_left_active_costs_a_session_but_no_signature),
        FAKED(an_operation_that_is_always_active_ends_in_an_error),
        FAKED(a_device_error_renews_the_working_session_only),
        FAKED(a_token_that_fails_vaguely_and_gives_no_random_is_gone),
        FAKED(a_mistake_of_the_caller_renews_nothing),
        FAKED(a_device_that_is_gone_is_an_absent_token),
        FAKED(a_login_that_never_was_is_not_an_absent_token),
        FAKED(a_session_that_cannot_be_renewed_makes_the_token_absent),
        FAKED(a_vague_error_of_a_token_without_random_is_an_absent_token),
        FAKED(a_general_error_of_a_device_that_goes_on_is_the_datas_fault),
        FAKED(a_start_that_fails_is_not_the_datas_fault),
        FAKED(every_begun_use_gives_its_session_back),
        FAKED(more_than_there_was_room_for_is_a_fault_of_the_device),
        FAKED(plaintext_of_a_decryption_that_failed_does_not_stay),
        FAKED(what_tokens_say_of_keys_and_data_has_its_error),
        FAKED(an_endless_listing_is_an_error_and_ended),
        FAKED(attributes_take_three_calls),
        FAKED(a_module_that_stops_at_the_first_missing_attribute_is_asked_one_by_one),
        FAKED(a_value_that_grew_meanwhile_is_left_out),
        FAKED(numbers_reach_the_module_as_its_own),
        FAKED(the_array_has_room_for_the_whole_table),
        FAKED(every_pin_failure_is_a_pin_error),
        FAKED(a_client_cannot_fill_the_log_with_what_the_device_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
