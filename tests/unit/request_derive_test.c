/* SPDX-License-Identifier: MIT
 *
 * Keys derived from keys: who may, by which names they are judged, and whom their value is told.
 */
#include "request_stand.h"

#include <p11-kit/pkcs11.h>

#undef public_data /* p11-kit's other name for pPublicData; a field of ours has it, too */
#undef shared_data

static const uint8_t peer[65] = {4, 1, 2, 3};
enum { OTHER_SESSION = SESSION + 1 };

/* Alice may do all but let what she derives leave. */
static void may_export(void)
{
    fixture_rule(&f, for_user(on_label(rule(true, VERB_DERIVE_EXPORT, "t.conf:4"), "web"), ALICE));
}

static struct span ecdh(uint32_t kdf, size_t point)
{
    static uint8_t room[256];
    struct writer w = writer_of(room, sizeof room);
    const struct wire_ecdh_parameter parameter = {kdf, span_of(NULL, 0), span_of(peer, point)};
    schema_encode(&wire_ecdh_parameter_schema, &parameter, &w);
    return writer_bytes(&w);
}

/* label NULL: none; len 0: none */
static err_t derive_as(struct connection *connection, const char *base, const char *label,
    uint64_t type, uint64_t len, uint64_t session)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(&list, ATTR_KEY_TYPE, type);
    attribute_put_bool(&list, ATTR_SENSITIVE, false);
    attribute_put_bool(&list, ATTR_EXTRACTABLE, true);
    attribute_put_bool(&list, ATTR_ENCRYPT, true);
    if (label != NULL)
        attribute_put(&list, ATTR_LABEL, span_of_text(label));
    if (len > 0)
        attribute_put_ulong(&list, ATTR_VALUE_LEN, len);
    const struct wire_derive_request request = {number_of(base, CLASS_PRIVATE_KEY),
        CKM_ECDH1_DERIVE, ecdh(CKD_NULL, sizeof peer), session, writer_bytes(&list)};
    return fixture_call(&f, connection, WIRE_DERIVE, &request, &reply);
}

static err_t derive(struct connection *connection, const char *base)
{
    return derive_as(connection, base, NULL, CKK_AES, 32, SESSION);
}

/* Of the last one that was derived */
static struct span made(uint64_t *ret_number)
{
    struct reader r = reader_of(reply.objects_reply.objects);
    struct wire_object object;
    schema_decode(&wire_object_schema, &r, &object);
    assert_true(reader_finished(&r));
    assert_int_equal(attribute_list_check(object.attributes), ERR_OK);
    *ret_number = object.object;
    return object.attributes;
}

static err_t value_of(struct connection *connection, uint64_t object, uint64_t session)
{
    const struct wire_value_request request = {object, session};
    return fixture_call(&f, connection, WIRE_VALUE, &request, &reply);
}

static err_t encrypt(struct connection *connection, uint64_t object)
{
    const struct wire_crypt_request request = {
        object, CKM_AES_CBC_PAD, span_of(peer, 16), span_of_text("data")};
    return fixture_call(&f, connection, WIRE_ENCRYPT, &request, &reply);
}

/* ---- who may ---- */

static void deriving_needs_its_verb_on_the_base_key(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(derive(his, "web"), ERR_OBJECT_GONE);
    fixture_rule(&f, for_user(rule(true, VERB_ALL & ~(uint32_t)VERB_DERIVE, "t.conf:7"), BOB));
    assert_int_equal(derive(his, "web"), ERR_DENIED);
    assert_int_equal(f.device.calls[FAKE_DERIVE], 0);
    assert_int_equal(derive(mine, "web"), ERR_OK);
    assert_int_equal(lines_with(" intent DERIVE uid=1001 pid=11 key=pkcs11:object=web;id=1;type="),
        0); /* ids are percent-encoded */
    assert_int_equal(
        lines_with(" intent DERIVE uid=1001 pid=11 key=pkcs11:object=web;id=%31;type=private "), 1);
    expect_lines(1, 1, 2);
    (void)state;
}

static void a_name_needs_the_verb_for_that_name(void **state)
{
    assert_int_equal(derive_as(mine, "web", "bank", CKK_AES, 32, SESSION), ERR_DENIED);
    assert_int_equal(derive_as(mine, "web", NULL, CKK_AES, 32, 0), ERR_DENIED);
    assert_int_equal(f.device.calls[FAKE_DERIVE], 0);
    assert_int_equal(derive_as(mine, "web", "web", CKK_AES, 32, SESSION), ERR_OK);
    assert_int_equal(derive_as(mine, "web", "web", CKK_AES, 32, 0), ERR_OK);
    (void)state;
}

static void a_secret_without_a_name_is_judged_as_its_base_key(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT + 1);
    const struct policy_rule on_web =
        on_class(on_label(rule(true, VERB_DERIVE, "t.conf:8"), "web"), CLASS_PRIVATE_KEY);
    uint64_t object;
    fixture_rule(&f, for_user(on_web, BOB));
    assert_int_equal(derive(his, "web"), ERR_OK);
    (void)made(&object);
    assert_int_equal(encrypt(his, object), ERR_DENIED);
    assert_int_equal(encrypt(mine, object), ERR_OBJECT_GONE); /* a session object of another */
    f.rules[f.worker.rule_count - 1].verbs |= VERB_ENCRYPT;
    assert_int_equal(encrypt(his, object), ERR_OK);
    assert_int_equal(set_bytes(his, object, ATTR_LABEL, "bank"), ERR_DENIED);
    f.rules[f.worker.rule_count - 1].verbs |= VERB_CHANGE;
    assert_int_not_equal(set_bytes(his, object, ATTR_LABEL, "web"), ERR_OK);
    assert_int_equal(f.device.calls[FAKE_SET], 0);
    f.rules[f.worker.rule_count - 1].verbs = VERB_SIGN;
    assert_int_equal(destroy(his, object), ERR_DENIED);
    f.rules[f.worker.rule_count - 1].verbs = VERB_DERIVE;
    assert_int_equal(destroy(his, object), ERR_OK); /* who made it may end it */
    (void)state;
}

static void its_rights_stay_when_the_base_key_goes(void **state)
{
    uint64_t object;
    assert_int_equal(derive(mine, "web"), ERR_OK);
    (void)made(&object);
    assert_int_equal(destroy(mine, number_of("web", CLASS_PRIVATE_KEY)), ERR_OK);
    assert_int_equal(encrypt(mine, object), ERR_OK);
    (void)state;
}

/* ---- what leaves ---- */

static void without_the_right_to_export_it_is_sensitive_and_says_so(void **state)
{
    uint64_t object;
    assert_int_equal(derive(mine, "web"), ERR_OK);
    struct span list = made(&object);
    assert_true(attribute_get_bool(list, ATTR_SENSITIVE, false));
    assert_false(attribute_get_bool(list, ATTR_EXTRACTABLE, true));
    assert_int_equal(value_of(mine, object, SESSION), ERR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(f.device.calls[FAKE_VALUE], 0);
    (void)state;
}

static void with_it_the_value_is_told_to_its_session_alone(void **state)
{
    struct connection *again = fixture_greet(&f, &alice, CLIENT);
    struct connection *other_client = fixture_greet(&f, &alice, CLIENT + 1);
    uint64_t object;
    may_export();
    assert_int_equal(derive(mine, "web"), ERR_OK);
    struct span list = made(&object);
    assert_false(attribute_get_bool(list, ATTR_SENSITIVE, true));
    assert_true(attribute_get_bool(list, ATTR_EXTRACTABLE, false));
    assert_int_equal(value_of(mine, object, OTHER_SESSION), ERR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(value_of(mine, object, 0), ERR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(value_of(other_client, object, SESSION), ERR_OBJECT_GONE);
    assert_int_equal(f.device.calls[FAKE_VALUE], 0);
    assert_int_equal(value_of(mine, object, SESSION), ERR_OK);
    assert_true(span_equal(reply.value_reply.value, span_of_text(FAKE_VALUE_TEXT)));
    assert_int_equal(value_of(again, object, SESSION), ERR_OK); /* the client's other connection */
    assert_int_equal(lines_with(" intent VALUE uid=1001 pid=11 key=pkcs11:object=web;id=%31;"), 2);
    (void)state;
}

static void the_right_is_asked_again_for_each_value(void **state)
{
    uint64_t object;
    may_export();
    assert_int_equal(derive(mine, "web"), ERR_OK);
    (void)made(&object);
    f.worker.rule_count--;
    assert_int_equal(value_of(mine, object, SESSION), ERR_DENIED);
    assert_int_equal(f.device.calls[FAKE_VALUE], 0);
    (void)state;
}

static void nothing_but_a_derived_secret_has_a_value(void **state)
{
    uint64_t object;
    may_export();
    (void)fake_put_secret(&f.device, "web", CKK_AES, true);
    fixture_load(&f);
    mine = fixture_greet(&f, &alice, CLIENT);
    const uint64_t others[] = {number_of("web", CLASS_SECRET_KEY),
        number_of("web", CLASS_PRIVATE_KEY), number_of("web", CLASS_PUBLIC_KEY)};
    for (size_t i = 0; i < COUNT(others); i++)
        assert_int_equal(value_of(mine, others[i], 0), ERR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(derive_as(mine, "web", "web", CKK_AES, 32, 0), ERR_OK); /* on the token */
    assert_true(attribute_get_bool(made(&object), ATTR_SENSITIVE, false));
    assert_int_equal(value_of(mine, object, 0), ERR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(f.device.calls[FAKE_VALUE], 0);
    (void)state;
}

static bool holds(const uint8_t *room, size_t size)
{
    return memmem(room, size, FAKE_VALUE_TEXT, strlen(FAKE_VALUE_TEXT)) != NULL;
}

static void after_the_answer_only_the_reply_holds_the_value(void **state)
{
    uint64_t object;
    may_export();
    assert_int_equal(derive(mine, "web"), ERR_OK);
    (void)made(&object);
    assert_int_equal(value_of(mine, object, SESSION), ERR_OK);
    assert_true(holds(f.reply, sizeof f.reply)); /* which the worker wipes once it is sent */
    assert_false(holds(f.packet, sizeof f.packet));
    assert_int_equal(list_from(mine, 0, 0), ERR_OK);
    struct span value;
    assert_false(
        attribute_get(objects_find(&f.worker.objects, object)->attributes, ATTR_VALUE, &value));
    assert_int_equal(lines_with(FAKE_VALUE_TEXT), 0);
    (void)state;
}

static void a_secret_short_enough_to_be_found_needs_the_right_to_export(void **state)
{
    assert_int_equal(derive_as(mine, "web", NULL, CKK_GENERIC_SECRET, 15, SESSION), ERR_DENIED);
    assert_int_equal(f.device.calls[FAKE_DERIVE], 0);
    assert_int_equal(derive_as(mine, "web", NULL, CKK_GENERIC_SECRET, 16, SESSION), ERR_OK);
    may_export();
    assert_int_equal(derive_as(mine, "web", NULL, CKK_GENERIC_SECRET, 15, SESSION), ERR_OK);
    (void)state;
}

/* ---- what can be ---- */

static void a_length_is_that_of_the_secret_or_of_the_template(void **state)
{
    uint64_t object;
    uint64_t len;
    assert_int_equal(derive_as(mine, "web", NULL, CKK_GENERIC_SECRET, 0, SESSION), ERR_OK);
    assert_true(attribute_get_ulong(made(&object), ATTR_VALUE_LEN, &len));
    assert_int_equal(len, 32); /* of P-256 */
    assert_int_equal(derive_as(mine, "web", NULL, CKK_AES, 0, SESSION), ERR_OK);
    assert_int_equal(derive_as(mine, "web", NULL, CKK_GENERIC_SECRET, 33, SESSION), ERR_KEY_SIZE);
    assert_int_equal(derive_as(mine, "web", NULL, CKK_AES, 17, SESSION), ERR_ATTRIBUTE_VALUE);
    assert_int_equal(derive_as(mine, "web", NULL, CKK_DES3, 24, SESSION), ERR_ATTRIBUTE_VALUE);
    assert_int_equal(f.device.calls[FAKE_DERIVE], 2);
    (void)state;
}

static void what_is_no_derivation_does_not_reach_the_device(void **state)
{
    const uint64_t web = number_of("web", CLASS_PRIVATE_KEY);
    uint8_t room[64];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_KEY_TYPE, CKK_AES);
    attribute_put_ulong(&list, ATTR_VALUE_LEN, 32);
    const struct span template = writer_bytes(&list);
    const struct span right = ecdh(CKD_NULL, sizeof peer);
    const struct {
        struct wire_derive_request request;
        err_t error;
    } rows[] = {
        {{web, CKM_ECDSA, right, SESSION, template}, ERR_MECHANISM},
        {{web, CKM_DH_PKCS_DERIVE, right, SESSION, template}, ERR_MECHANISM},
        {{web, CKM_ECDH1_DERIVE, span_of(NULL, 0), SESSION, template}, ERR_MECHANISM_PARAMETER},
        {{web, CKM_ECDH1_DERIVE, span_of(right.ptr, right.len - 1), SESSION, template},
            ERR_MECHANISM_PARAMETER},
        {{web, CKM_ECDH1_DERIVE, right, SESSION, span_of(NULL, 0)}, ERR_TEMPLATE_INCOMPLETE},
        {{number_of("web", CLASS_PUBLIC_KEY), CKM_ECDH1_DERIVE, right, SESSION, template},
            ERR_KEY_TYPE},
        {{web + 1000, CKM_ECDH1_DERIVE, right, SESSION, template}, ERR_OBJECT_GONE},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(
            fixture_call(&f, mine, WIRE_DERIVE, &rows[i].request, &reply), rows[i].error);
    assert_int_equal(f.device.calls[FAKE_DERIVE], 0);
    (void)state;
}

static void what_ends_with_the_session_is_gone_with_it(void **state)
{
    uint64_t object;
    may_export();
    assert_int_equal(derive(mine, "web"), ERR_OK);
    (void)made(&object);
    const struct wire_end_session_request request = {SESSION};
    assert_int_equal(fixture_call(&f, mine, WIRE_END_SESSION, &request, &reply), ERR_OK);
    assert_int_equal(value_of(mine, object, SESSION), ERR_OBJECT_GONE);
    assert_int_equal(f.device.calls[FAKE_DESTROY], 1);
    (void)state;
}

static void a_fault_of_the_device_is_told_and_written(void **state)
{
    uint64_t object;
    may_export();
    fake_fail(&f.device, FAKE_DERIVE, 1, ERR_DEVICE);
    assert_int_equal(derive(mine, "web"), ERR_DEVICE);
    assert_int_equal(derive(mine, "web"), ERR_OK);
    (void)made(&object);
    fake_fail(&f.device, FAKE_VALUE, 1, ERR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(value_of(mine, object, SESSION), ERR_ATTRIBUTE_SENSITIVE);
    expect_lines(3, 3, 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(deriving_needs_its_verb_on_the_base_key),
        WITH_STAND(a_name_needs_the_verb_for_that_name),
        WITH_STAND(a_secret_without_a_name_is_judged_as_its_base_key),
        WITH_STAND(its_rights_stay_when_the_base_key_goes),
        WITH_STAND(without_the_right_to_export_it_is_sensitive_and_says_so),
        WITH_STAND(with_it_the_value_is_told_to_its_session_alone),
        WITH_STAND(the_right_is_asked_again_for_each_value),
        WITH_STAND(nothing_but_a_derived_secret_has_a_value),
        WITH_STAND(after_the_answer_only_the_reply_holds_the_value),
        WITH_STAND(a_secret_short_enough_to_be_found_needs_the_right_to_export),
        WITH_STAND(a_length_is_that_of_the_secret_or_of_the_template),
        WITH_STAND(what_is_no_derivation_does_not_reach_the_device),
        WITH_STAND(what_ends_with_the_session_is_gone_with_it),
        WITH_STAND(a_fault_of_the_device_is_told_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
