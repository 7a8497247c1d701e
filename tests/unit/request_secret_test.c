/* SPDX-License-Identifier: MIT
 *
 * Secret keys: made, brought in, used at once, wrapped and unwrapped; each for those only who may,
 * and without a trace of a key or of plaintext in the worker's own rooms.
 */
#include "request_stand.h"

#include "base/secret.h"

#include <p11-kit/pkcs11.h>
#include <signal.h>

#undef tag_bits /* p11-kit's other name for ulTagBits; a field of wire_gcm_parameter has it, too */

static const struct span none = {NULL, 0};
static const uint8_t block[16] = {1, 2, 3};

/* Labels are the roles of the keys; Alice may do all with each but "bank". */
static int stand_up_secrets(void **state)
{
    (void)state;
    stand_up_with(NULL);
    (void)fake_put_secret(&f.device, "aes", CKK_AES, true);
    (void)fake_put_secret(&f.device, "mac", CKK_GENERIC_SECRET, true);
    (void)fake_put_secret(&f.device, "stays", CKK_AES, false);
    (void)fake_put_secret(&f.device, "bank", CKK_AES, true);
    static const char *const labels[] = {"aes", "mac", "stays", "new"};
    for (size_t i = 0; i < COUNT(labels); i++)
        fixture_rule(&f, for_user(on_label(rule(true, VERB_ALL, "t.conf:5"), labels[i]), ALICE));
    fixture_load(&f);
    return 0;
}
#define WITH_SECRETS(test) cmocka_unit_test_setup_teardown(test, stand_up_secrets, stand_down)

static uint64_t secret(const char *label)
{
    return number_of(label, CLASS_SECRET_KEY);
}

/* ---- calls ---- */

static struct span gcm(size_t iv_len, uint16_t bits)
{
    static uint8_t room[512];
    static const uint8_t iv[64] = {7};
    struct writer w = writer_of(room, sizeof room);
    const struct wire_gcm_parameter parameter = {span_of(iv, iv_len), span_of_text("aad"), bits};
    schema_encode(&wire_gcm_parameter_schema, &parameter, &w);
    return writer_bytes(&w);
}

static err_t crypt_with(struct connection *connection, enum wire_operation operation,
    const char *label, uint32_t mechanism, struct span parameter, struct span data)
{
    const struct wire_crypt_request request = {secret(label), mechanism, parameter, data};
    return fixture_call(&f, connection, operation, &request, &reply);
}

static err_t encrypt(struct connection *connection, const char *label)
{
    return crypt_with(connection, WIRE_ENCRYPT, label, CKM_AES_GCM, gcm(12, 128),
        span_of_text("21.5 degrees"));
}

static err_t decrypt(struct connection *connection, const char *label)
{
    return crypt_with(
        connection, WIRE_DECRYPT, label, CKM_AES_CBC_PAD, span_of(block, 16), span_of(block, 16));
}

static err_t mac(struct connection *connection, const char *label)
{
    return sign_with(connection, secret(label), CKM_SHA256_HMAC, none);
}

static err_t verify(struct connection *connection, const char *label, struct span data)
{
    uint8_t signature[FAKE_SIGNATURE_SIZE];
    fake_signature(span_of_text("0123456789abcdef"), signature, sizeof signature);
    const struct wire_verify_request request = {
        secret(label), CKM_SHA256_HMAC, none, data, span_of(signature, sizeof signature)};
    return fixture_call(&f, connection, WIRE_VERIFY, &request, &reply);
}

static err_t verify_right(struct connection *connection, const char *label)
{
    return verify(connection, label, span_of_text("0123456789abcdef"));
}

static err_t wrap(struct connection *connection, uint64_t key, uint64_t target)
{
    const struct wire_wrap_request request = {key, CKM_AES_KEY_WRAP, none, target};
    return fixture_call(&f, connection, WIRE_WRAP, &request, &reply);
}

static err_t wrap_mac(struct connection *connection, const char *label)
{
    return wrap(connection, secret(label), secret("mac"));
}

/* A template with this label, for what it says of a secret key. */
static void put_template(struct writer *list, uint64_t key_type, const char *label)
{
    attribute_put_ulong(list, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(list, ATTR_KEY_TYPE, key_type);
    attribute_put(list, ATTR_LABEL, span_of_text(label));
}

static err_t unwrap_to(struct connection *connection, const char *label, const char *new_label,
    uint64_t key_type, size_t wrapped_len, uint64_t value_len)
{
    static const uint8_t wrapped[1024] = {5};
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    put_template(&list, key_type, new_label);
    if (value_len > 0)
        attribute_put_ulong(&list, ATTR_VALUE_LEN, value_len);
    const struct wire_unwrap_request request = {secret(label), CKM_AES_KEY_WRAP, none,
        span_of(wrapped, wrapped_len), 0, writer_bytes(&list)};
    return fixture_call(&f, connection, WIRE_UNWRAP, &request, &reply);
}

static err_t unwrap(struct connection *connection, const char *label)
{
    return unwrap_to(connection, label, "new", CKK_AES, 40, 0);
}

static err_t generate_secret(struct connection *connection, uint32_t mechanism, const char *label,
    uint64_t length, uint64_t session)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put(&list, ATTR_LABEL, span_of_text(label));
    if (length > 0)
        attribute_put_ulong(&list, ATTR_VALUE_LEN, length);
    const struct wire_generate_request request = {session, mechanism, writer_bytes(&list)};
    return fixture_call(&f, connection, WIRE_GENERATE, &request, &reply);
}

static err_t import_secret(struct connection *connection, const char *label, uint64_t key_type,
    struct span value, uint64_t session)
{
    uint8_t room[1024];
    struct writer list = writer_of(room, sizeof room);
    put_template(&list, key_type, label);
    attribute_put(&list, ATTR_VALUE, value);
    const struct wire_create_request request = {session, writer_bytes(&list)};
    err_t err = fixture_call(&f, connection, WIRE_CREATE, &request, &reply);
    secret_wipe(room, sizeof room);
    return err;
}

/* ---- who may ---- */

static const struct {
    enum policy_verb verb;
    const char *label;
    err_t (*call)(struct connection *connection, const char *label);
} uses[] = {
    {VERB_SIGN, "mac", mac},
    {VERB_VERIFY, "mac", verify_right},
    {VERB_ENCRYPT, "aes", encrypt},
    {VERB_DECRYPT, "aes", decrypt},
    {VERB_WRAP, "aes", wrap_mac},
    {VERB_UNWRAP, "aes", unwrap},
};

/* Bob gets rules that nobody but the test changes: the last ones. */
static void each_use_needs_its_own_verb(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    const size_t first = f.worker.rule_count;
    for (size_t i = 0; i < COUNT(uses); i++) {
        const unsigned calls = fake_calls(&f.device);
        f.worker.rule_count = first;
        fixture_rule(
            &f, for_user(rule(true, VERB_ALL & ~(uint32_t)uses[i].verb, "t.conf:7"), BOB));
        assert_int_equal(uses[i].call(his, uses[i].label), ERR_DENIED);
        assert_int_equal(fake_calls(&f.device), calls);
        f.worker.rule_count = first;
        fixture_rule(&f, for_user(rule(true, VERB_IMPORT | uses[i].verb, "t.conf:8"), BOB));
        assert_int_equal(uses[i].call(his, uses[i].label), ERR_OK);
        assert_int_equal(fake_calls(&f.device), calls + 1);
    }
    expect_lines(COUNT(uses), COUNT(uses), COUNT(uses));
    (void)state;
}

static void a_hidden_secret_is_not_there(void **state)
{
    for (size_t i = 0; i < COUNT(uses); i++)
        assert_int_equal(uses[i].call(mine, "bank"), ERR_OBJECT_GONE);
    assert_int_equal(wrap(mine, secret("aes"), secret("bank")), ERR_OBJECT_GONE);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

static void wrapping_needs_the_verb_on_the_key_that_leaves(void **state)
{
    fixture_rule(
        &f, for_user(on_label(rule(true, VERB_ALL & ~VERB_WRAP, "t.conf:9"), "bank"), ALICE));
    assert_int_equal(wrap(mine, secret("aes"), secret("bank")), ERR_DENIED);
    assert_int_equal(fake_calls(&f.device), 0);
    assert_int_equal(lines_with(" refused WRAP uid=1001 pid=11 "
                                "key=pkcs11:object=bank;id=%37;type=secret-key mechanism=8457 "),
        1);
    assert_int_equal(wrap(mine, secret("aes"), secret("mac")), ERR_OK);
    assert_int_equal(lines_with(" intent WRAP uid=1001 pid=11 "
                                "key=pkcs11:object=aes;id=%37;type=secret-key "
                                "target=pkcs11:object=mac;id=%37;type=secret-key mechanism=8457 "),
        1);
    (void)state;
}

static void what_comes_in_needs_the_verb_for_what_results(void **state)
{
    assert_int_equal(unwrap_to(mine, "aes", "other", CKK_AES, 40, 0), ERR_DENIED);
    assert_int_equal(import_secret(mine, "other", CKK_AES, span_of(block, 16), 0), ERR_DENIED);
    assert_int_equal(generate_secret(mine, CKM_AES_KEY_GEN, "other", 32, 0), ERR_DENIED);
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    fixture_rule(
        &f, for_user(rule(true, VERB_ALL & ~(uint32_t)VERB_IMPORT, "t.conf:7"), BOB));
    assert_int_equal(import_secret(his, "new", CKK_AES, span_of(block, 16), 0), ERR_DENIED);
    assert_int_equal(unwrap(his, "aes"), ERR_DENIED);
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 5);
    (void)state;
}

/* ---- what can be ---- */

static void what_is_encrypted_is_decrypted(void **state)
{
    uint8_t data[64];
    assert_int_equal(encrypt(mine, "aes"), ERR_OK);
    const size_t len = reply.crypt_reply.data.len;
    assert_int_equal(len, 12 + FAKE_TAG);
    memcpy(data, reply.crypt_reply.data.ptr, len);
    assert_int_equal(crypt_with(mine, WIRE_DECRYPT, "aes", CKM_AES_GCM, gcm(12, 128),
                         span_of(data, len)),
        ERR_OK);
    assert_true(span_equal(reply.crypt_reply.data, span_of_text("21.5 degrees")));
    data[len - 1] ^= 1;
    assert_int_equal(crypt_with(mine, WIRE_DECRYPT, "aes", CKM_AES_GCM, gcm(12, 128),
                         span_of(data, len)),
        ERR_ENCRYPTED);
    assert_int_equal(lines_with(" result of=5 ENCRYPTED "), 1);
    (void)state;
}

static void the_longest_data_fits_its_answer(void **state)
{
    static const uint8_t data[WIRE_DATA_MAX] = {1};
    assert_int_equal(crypt_with(mine, WIRE_ENCRYPT, "aes", CKM_AES_GCM, gcm(12, 128),
                         span_of(data, sizeof data)),
        ERR_OK);
    assert_int_equal(reply.crypt_reply.data.len, WIRE_DATA_MAX + FAKE_TAG);
    (void)state;
}

static void a_wrong_mac_is_told_and_written(void **state)
{
    assert_int_equal(verify(mine, "mac", span_of_text("other data")), ERR_SIGNATURE);
    assert_int_equal(lines_with(" result of=1 SIGNATURE "), 1);
    assert_int_equal(verify_right(mine, "mac"), ERR_OK);
    (void)state;
}

static void a_parameter_that_is_not_the_mechanisms_is_refused(void **state)
{
    const struct span data = span_of(block, 16);
    const struct {
        uint32_t mechanism;
        struct span parameter;
    } rows[] = {{CKM_AES_CBC_PAD, none}, {CKM_AES_CBC_PAD, span_of(block, 15)},
        {CKM_AES_GCM, none}, {CKM_AES_GCM, span_of(block, 16)}};
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(
            crypt_with(mine, WIRE_ENCRYPT, "aes", rows[i].mechanism, rows[i].parameter, data),
            ERR_MECHANISM_PARAMETER);
    static const struct {
        size_t iv;
        uint16_t bits;
        err_t err;
    } gcms[] = {{0, 128, ERR_MECHANISM_PARAMETER}, {12, 64, ERR_MECHANISM_PARAMETER},
        {12, 129, ERR_MECHANISM_PARAMETER}, {12, 136, ERR_MECHANISM_PARAMETER},
        {12, 100, ERR_MECHANISM_PARAMETER}, {12, 96, ERR_OK}, {1, 128, ERR_OK}, {64, 120, ERR_OK}};
    for (size_t i = 0; i < COUNT(gcms); i++)
        assert_int_equal(crypt_with(mine, WIRE_ENCRYPT, "aes", CKM_AES_GCM,
                             gcm(gcms[i].iv, gcms[i].bits), data),
            gcms[i].err);
    struct span trailing = gcm(12, 128);
    trailing.len++;
    assert_int_equal(crypt_with(mine, WIRE_ENCRYPT, "aes", CKM_AES_GCM, trailing, data),
        ERR_MECHANISM_PARAMETER);
    assert_int_equal(
        sign_with(mine, secret("mac"), CKM_SHA256_HMAC, data), ERR_MECHANISM_PARAMETER);
    assert_int_equal(f.device.calls[FAKE_USE], 3);
    (void)state;
}

static void a_key_of_another_type_is_refused(void **state)
{
    assert_int_equal(mac(mine, "aes"), ERR_KEY_TYPE);
    assert_int_equal(encrypt(mine, "mac"), ERR_KEY_TYPE);
    assert_int_equal(wrap_mac(mine, "mac"), ERR_KEY_TYPE);
    assert_int_equal(unwrap(mine, "mac"), ERR_KEY_TYPE);
    assert_int_equal(
        sign_with(mine, secret("mac"), CKM_ECDSA, none), ERR_KEY_TYPE);
    const struct wire_verify_request of_private = {
        number_of("web", CLASS_PRIVATE_KEY), CKM_ECDSA, none, none, none};
    assert_int_equal(fixture_call(&f, mine, WIRE_VERIFY, &of_private, &reply), ERR_MECHANISM);
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 6);
    (void)state;
}

static void a_mechanism_of_another_function_is_refused(void **state)
{
    assert_int_equal(crypt_with(mine, WIRE_ENCRYPT, "aes", CKM_AES_KEY_WRAP, none, none),
        ERR_MECHANISM);
    assert_int_equal(sign_with(mine, secret("aes"), CKM_AES_GCM, gcm(12, 128)), ERR_MECHANISM);
    const struct wire_wrap_request by_gcm = {
        secret("aes"), CKM_AES_GCM, gcm(12, 128), secret("mac")};
    assert_int_equal(fixture_call(&f, mine, WIRE_WRAP, &by_gcm, &reply), ERR_MECHANISM);
    assert_int_equal(generate_secret(mine, CKM_AES_GCM, "new", 32, 0), ERR_MECHANISM);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

static void a_use_that_the_secret_has_not_is_refused(void **state)
{
    static const uint32_t attributes[] = {
        ATTR_SIGN, ATTR_VERIFY, ATTR_ENCRYPT, ATTR_DECRYPT, ATTR_WRAP, ATTR_UNWRAP};
    uint8_t room[512];
    struct writer list = writer_of(room, sizeof room);
    put_template(&list, CKK_AES, "stays");
    for (size_t i = 0; i < COUNT(attributes); i++)
        attribute_put_bool(&list, attributes[i], false);
    const driver_ref ref = fake_put(&f.device, writer_bytes(&list));
    fixture_load(&f);
    struct object *object = f.worker.objects.rows[f.worker.objects.count - 1];
    assert_true(object->ref == ref);
    assert_int_equal(wrap(mine, object->number, secret("mac")), ERR_KEY_FUNCTION);
    const struct wire_crypt_request request = {
        object->number, CKM_AES_CBC_PAD, span_of(block, 16), span_of(block, 16)};
    assert_int_equal(fixture_call(&f, mine, WIRE_ENCRYPT, &request, &reply), ERR_KEY_FUNCTION);
    assert_int_equal(fixture_call(&f, mine, WIRE_DECRYPT, &request, &reply), ERR_KEY_FUNCTION);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

static void only_an_extractable_secret_leaves_and_never_a_private_key(void **state)
{
    assert_int_equal(wrap(mine, secret("aes"), secret("stays")), ERR_KEY_UNEXTRACTABLE);
    assert_int_equal(
        wrap(mine, secret("aes"), number_of("web", CLASS_PRIVATE_KEY)), ERR_KEY_UNEXTRACTABLE);
    assert_int_equal(
        wrap(mine, secret("aes"), number_of("web", CLASS_PUBLIC_KEY)), ERR_KEY_UNEXTRACTABLE);
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 3);
    assert_int_equal(wrap(mine, secret("aes"), secret("mac")), ERR_OK);
    assert_true(span_equal(reply.wrap_reply.wrapped, span_of_text("wrapped key of 24 bytes.")));
    (void)state;
}

/* ---- what comes into being ---- */

static struct span made_by_device(void)
{
    const struct fake_object *made = fake_find(&f.device, f.device.last_ref);
    return span_of(made->list, made->len);
}

static void a_new_secret_is_sensitive_and_stays(void **state)
{
    uint64_t number;
    struct span value;
    assert_int_equal(generate_secret(mine, CKM_AES_KEY_GEN, "new", 32, 0), ERR_OK);
    assert_int_equal(numbers_in(reply.objects_reply.objects, &number, 1), 1);
    assert_int_equal(objects_find(&f.worker.objects, number)->key.class, CLASS_SECRET_KEY);
    assert_true(attribute_get_bool(made_by_device(), ATTR_SENSITIVE, false));
    assert_true(attribute_get_bool(made_by_device(), ATTR_PRIVATE, false));
    assert_false(attribute_get_bool(made_by_device(), ATTR_EXTRACTABLE, true));
    assert_int_equal(
        import_secret(mine, "new", CKK_SHA256_HMAC, span_of(block, 16), 0), ERR_OK);
    assert_int_equal(numbers_in(reply.objects_reply.objects, &number, 1), 1);
    assert_true(attribute_get(made_by_device(), ATTR_VALUE, &value));
    assert_false(
        attribute_get(objects_find(&f.worker.objects, number)->attributes, ATTR_VALUE, &value));
    expect_lines(2, 2, 0);
    (void)state;
}

static void a_length_that_such_a_key_cannot_have_is_refused(void **state)
{
    static const uint8_t bytes[513] = {1};
    static const uint64_t wrong[] = {1, 15, 17, 33, UINT64_MAX};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(
            generate_secret(mine, CKM_AES_KEY_GEN, "new", wrong[i], 0), ERR_ATTRIBUTE_VALUE);
    assert_int_equal(generate_secret(mine, CKM_AES_KEY_GEN, "new", 0, 0), ERR_TEMPLATE_INCOMPLETE);
    assert_int_equal(generate_secret(mine, CKM_GENERIC_SECRET_KEY_GEN, "new", 513, 0),
        ERR_ATTRIBUTE_VALUE);
    assert_int_equal(import_secret(mine, "new", CKK_AES, span_of(bytes, 20), 0),
        ERR_ATTRIBUTE_VALUE);
    assert_int_equal(import_secret(mine, "new", CKK_GENERIC_SECRET, span_of(bytes, 513), 0),
        ERR_ATTRIBUTE_VALUE);
    assert_int_equal(import_secret(mine, "new", CKK_GENERIC_SECRET, none, 0),
        ERR_TEMPLATE_INCOMPLETE);
    assert_int_equal(import_secret(mine, "new", CKK_EC, span_of(bytes, 32), 0),
        ERR_ATTRIBUTE_VALUE);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

static void what_cannot_be_a_wrapped_key_does_not_reach_the_device(void **state)
{
    static const struct {
        uint64_t type;
        size_t wrapped;
        uint64_t length;
        err_t err;
    } rows[] = {{CKK_AES, 0, 0, ERR_WRAPPED_KEY}, {CKK_AES, 8, 0, ERR_WRAPPED_KEY},
        {CKK_AES, 23, 0, ERR_WRAPPED_KEY}, {CKK_AES, 48, 0, ERR_WRAPPED_KEY},
        {CKK_GENERIC_SECRET, 528, 0, ERR_WRAPPED_KEY},
        {CKK_AES, 40, 16, ERR_TEMPLATE_INCONSISTENT}, {CKK_EC, 40, 0, ERR_ATTRIBUTE_VALUE}};
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(unwrap_to(mine, "aes", "new", rows[i].type, rows[i].wrapped,
                             rows[i].length),
            rows[i].err);
    assert_int_equal(fake_calls(&f.device), 0);
    assert_int_equal(lines_with(" refused UNWRAP "), COUNT(rows));
    assert_int_equal(unwrap_to(mine, "aes", "new", CKK_AES, 40, 32), ERR_OK);
    assert_int_equal(unwrap_to(mine, "aes", "new", CKK_GENERIC_SECRET, 520, 0), ERR_OK);
    (void)state;
}

static void session_secrets_are_limited_and_end_with_their_session(void **state)
{
    const size_t before = f.worker.objects.count;
    for (unsigned i = 0; i < f.worker.max_session_objects; i++)
        assert_int_equal(generate_secret(mine, CKM_AES_KEY_GEN, "new", 16, SESSION), ERR_OK);
    assert_int_equal(
        generate_secret(mine, CKM_AES_KEY_GEN, "new", 16, SESSION), ERR_TOO_MANY_OBJECTS);
    assert_int_equal(import_secret(mine, "new", CKK_AES, span_of(block, 16), SESSION),
        ERR_TOO_MANY_OBJECTS);
    assert_int_equal(lines_with(" TOO_MANY_OBJECTS "), 2);
    const struct wire_end_session_request end = {SESSION};
    assert_int_equal(fixture_call(&f, mine, WIRE_END_SESSION, &end, &reply), ERR_OK);
    assert_int_equal(f.worker.objects.count, before);
    (void)state;
}

static void with_a_client_pin_a_secret_is_made_only_after_login(void **state)
{
    stand_up_with("1234");
    assert_int_equal(generate_secret(mine, CKM_AES_KEY_GEN, "web", 16, 0), ERR_NOT_LOGGED_IN);
    assert_int_equal(
        import_secret(mine, "web", CKK_AES, span_of(block, 16), 0), ERR_NOT_LOGGED_IN);
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 2);
    mine->client->logged_in = true;
    assert_int_equal(generate_secret(mine, CKM_AES_KEY_GEN, "web", 16, 0), ERR_OK);
    (void)stand_down(state);
}

/* ---- the audit log, and faults of the device ---- */

static err_t generate_new(struct connection *connection, const char *label)
{
    return generate_secret(connection, CKM_AES_KEY_GEN, label, 16, 0);
}

static err_t import_new(struct connection *connection, const char *label)
{
    return import_secret(connection, label, CKK_AES, span_of(block, 16), 0);
}

static const struct {
    enum fake_call fake;
    const char *label;
    err_t (*call)(struct connection *connection, const char *label);
} calls[] = {
    {FAKE_USE, "mac", mac},
    {FAKE_USE, "mac", verify_right},
    {FAKE_USE, "aes", encrypt},
    {FAKE_USE, "aes", decrypt},
    {FAKE_WRAP, "aes", wrap_mac},
    {FAKE_UNWRAP, "aes", unwrap},
    {FAKE_GENERATE_SECRET, "new", generate_new},
    {FAKE_CREATE, "new", import_new},
};

static void without_an_audit_line_no_secret_is_used_or_made(void **state)
{
    err_t err[COUNT(calls)];
    limit_file_size(1);
    for (size_t i = 0; i < COUNT(calls); i++)
        err[i] = calls[i].call(mine, calls[i].label);
    limit_file_size(SIZE_MAX);
    for (size_t i = 0; i < COUNT(calls); i++)
        assert_int_equal(err[i], ERR_AUDIT);
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 0);
    (void)state;
}

static void a_fault_of_the_device_is_told_and_written(void **state)
{
    for (size_t i = 0; i < COUNT(calls); i++) {
        fake_fail(&f.device, calls[i].fake, 1, ERR_DEVICE);
        assert_int_equal(calls[i].call(mine, calls[i].label), ERR_DEVICE);
        assert_false(f.worker.device_lost);
        fake_fail(&f.device, calls[i].fake, 1, ERR_TOKEN_ABSENT);
        assert_int_equal(calls[i].call(mine, calls[i].label), ERR_TOKEN_ABSENT);
        assert_true(f.worker.device_lost);
        f.worker.device_lost = false;
    }
    expect_lines(2 * COUNT(calls), 2 * COUNT(calls), 0);
    assert_int_equal(lines_with(" DEVICE "), COUNT(calls));
    (void)state;
}

/* ---- what is left behind ---- */

extern const uint8_t __data_start[]; /* the linker's */
extern const uint8_t _end[];

/* How often the bytes stand in the program's own variables, all rooms of the worker among them. */
__attribute__((no_sanitize("address"))) static size_t found(const uint8_t *bytes, size_t len)
{
    size_t count = 0;
    for (const uint8_t *at = __data_start; at + len <= _end; at++) {
        size_t same = 0;
        while (same < len && at[same] == bytes[same])
            same++;
        count += same == len;
    }
    return count;
}

/* Bytes that stand nowhere but on the stack. */
static void make_known(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(0xc3 ^ (i * 11));
}

static void after_an_import_no_room_holds_the_key(void **state)
{
    uint8_t key[32];
    make_known(key, sizeof key);
    assert_int_equal(import_secret(mine, "new", CKK_AES, span_of(key, sizeof key), 0), ERR_OK);
    assert_int_equal(found(key, sizeof key), 0);
    assert_int_equal(import_secret(mine, "other", CKK_AES, span_of(key, sizeof key), 0),
        ERR_DENIED);
    assert_int_equal(found(key, sizeof key), 0);
    fake_fail(&f.device, FAKE_CREATE, 1, ERR_DEVICE);
    assert_int_equal(import_secret(mine, "new", CKK_AES, span_of(key, sizeof key), 0), ERR_DEVICE);
    assert_int_equal(found(key, sizeof key), 0);
    memcpy(f.packet, key, sizeof key); /* it would be found */
    assert_int_equal(found(key, sizeof key), 1);
    (void)state;
}

static void after_a_decryption_only_the_reply_holds_the_plaintext(void **state)
{
    uint8_t plain[32];
    uint8_t hidden[32];
    make_known(plain, sizeof plain);
    for (size_t i = 0; i < sizeof plain; i++)
        hidden[i] = plain[i] ^ FAKE_MASK;
    assert_int_equal(crypt_with(mine, WIRE_DECRYPT, "aes", CKM_AES_CBC_PAD, span_of(block, 16),
                         span_of(hidden, sizeof hidden)),
        ERR_OK);
    assert_int_equal(found(plain, sizeof plain), 1);
    secret_wipe_span(f.answer); /* as worker.c does once it is sent */
    assert_int_equal(found(plain, sizeof plain), 0);
    assert_int_equal(crypt_with(mine, WIRE_ENCRYPT, "aes", CKM_AES_CBC_PAD, span_of(block, 16),
                         span_of(plain, sizeof plain)),
        ERR_OK);
    assert_int_equal(found(plain, sizeof plain), 0);
    (void)state;
}

static void plaintext_leaves_no_hash_in_the_log(void **state)
{
    assert_int_equal(encrypt(mine, "aes"), ERR_OK);
    assert_int_equal(lines_with("data-sha256="), 0);
    assert_int_equal(decrypt(mine, "aes"), ERR_OK);
    assert_int_equal(lines_with("data-sha256="), 1);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SECRETS(each_use_needs_its_own_verb),
        WITH_SECRETS(a_hidden_secret_is_not_there),
        WITH_SECRETS(wrapping_needs_the_verb_on_the_key_that_leaves),
        WITH_SECRETS(what_comes_in_needs_the_verb_for_what_results),
        WITH_SECRETS(what_is_encrypted_is_decrypted),
        WITH_SECRETS(the_longest_data_fits_its_answer),
        WITH_SECRETS(a_wrong_mac_is_told_and_written),
        WITH_SECRETS(a_parameter_that_is_not_the_mechanisms_is_refused),
        WITH_SECRETS(a_key_of_another_type_is_refused),
        WITH_SECRETS(a_mechanism_of_another_function_is_refused),
        WITH_SECRETS(a_use_that_the_secret_has_not_is_refused),
        WITH_SECRETS(only_an_extractable_secret_leaves_and_never_a_private_key),
        WITH_SECRETS(a_new_secret_is_sensitive_and_stays),
        WITH_SECRETS(a_length_that_such_a_key_cannot_have_is_refused),
        WITH_SECRETS(what_cannot_be_a_wrapped_key_does_not_reach_the_device),
        WITH_SECRETS(session_secrets_are_limited_and_end_with_their_session),
        TEST(with_a_client_pin_a_secret_is_made_only_after_login),
        WITH_SECRETS(without_an_audit_line_no_secret_is_used_or_made),
        WITH_SECRETS(a_fault_of_the_device_is_told_and_written),
        WITH_SECRETS(after_an_import_no_room_holds_the_key),
        WITH_SECRETS(after_a_decryption_only_the_reply_holds_the_plaintext),
        WITH_SECRETS(plaintext_leaves_no_hash_in_the_log),
    };
    (void)signal(SIGXFSZ, SIG_IGN); /* of limit_file_size */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
