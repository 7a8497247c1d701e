/* SPDX-License-Identifier: MIT
 *
 * The requests that make, store, change and destroy objects, and the life of session objects.
 */
#include "request_stand.h"

#include <p11-kit/pkcs11.h>

/* ---- making and storing ---- */

static void generating_needs_policy_on_the_label_that_results(void **state)
{
    assert_int_equal(generate(mine, "bank", 0), ERR_DENIED);
    assert_int_equal(create(mine, "bank", 0), ERR_DENIED);
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 2);
    assert_int_equal(generate(mine, "web", 0), ERR_OK);
    assert_int_equal(create(mine, "web", 0), ERR_OK);
    expect_lines(2, 2, 2);
    (void)state;
}

/* The parent gives it the time. */
static void making_a_pair_is_said_to_be_a_long_call_and_no_other_is(void **state)
{
    assert_int_equal(generate(mine, "web", 0), ERR_OK);
    assert_true(f.pulse.long_call);
    assert_int_equal(create(mine, "web", 0), ERR_OK);
    assert_false(f.pulse.long_call);
    (void)state;
}

static void a_refusal_has_its_line_however_long_the_label(void **state)
{
    static char label[2000];
    memset(label, '#', sizeof label - 1);
    uint8_t room[4096];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put(&list, ATTR_LABEL, span_of_text(label));
    attribute_put(&list, ATTR_VALUE, span_of_text("der"));
    attribute_put(&list, ATTR_SUBJECT, span_of_text("subject"));
    const struct wire_create_request request = {0, writer_bytes(&list)};
    assert_int_equal(fixture_call(&f, mine, WIRE_CREATE, &request, &reply), ERR_DENIED);
    expect_lines(0, 0, 1);
    (void)state;
}

/* Both halves are checked: a public key of another's label would be taken for his. */
static void generating_needs_policy_on_both_halves(void **state)
{
    uint8_t public_room[256];
    uint8_t private_room[256];
    struct writer public_list = writer_of(public_room, sizeof public_room);
    struct writer private_list = writer_of(private_room, sizeof private_room);
    attribute_put(&public_list, ATTR_EC_PARAMS, fake_ec_params);
    attribute_put(&public_list, ATTR_LABEL, span_of_text("bank"));
    attribute_put(&private_list, ATTR_LABEL, span_of_text("web"));
    struct wire_generate_pair_request request = {
        0, CKM_EC_KEY_PAIR_GEN, writer_bytes(&public_list), writer_bytes(&private_list)};
    assert_int_equal(fixture_call(&f, mine, WIRE_GENERATE_PAIR, &request, &reply), ERR_DENIED);
    request.mechanism = CKM_ECDSA;
    assert_int_equal(fixture_call(&f, mine, WIRE_GENERATE_PAIR, &request, &reply), ERR_MECHANISM);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

static void a_generated_pair_comes_back_joined(void **state)
{
    uint64_t numbers[2];
    assert_int_equal(generate(mine, "web", 0), ERR_OK);
    assert_int_equal(numbers_in(reply.objects_reply.objects, numbers, 2), 2);
    const struct object *public_key = objects_find(&f.worker.objects, numbers[0]);
    const struct object *private_key = objects_find(&f.worker.objects, numbers[1]);
    struct span point;
    assert_int_equal(public_key->key.class, CLASS_PUBLIC_KEY);
    assert_int_equal(private_key->key.class, CLASS_PRIVATE_KEY);
    assert_true(attribute_get(private_key->attributes, ATTR_EC_POINT, &point));
    assert_true(span_equal(point, fake_ec_point));
    assert_true(attribute_get_bool(span_of(fake_find(&f.device, private_key->ref)->list,
                                       fake_find(&f.device, private_key->ref)->len),
        ATTR_SENSITIVE, false));
    (void)state;
}

static void what_no_kind_describes_does_not_come_in(void **state)
{
    static const struct {
        uint64_t class;
        err_t error;
    } rows[] = {{CLASS_PUBLIC_KEY, ERR_TEMPLATE_INCOMPLETE}, /* no CKA_KEY_TYPE */
        {CLASS_PRIVATE_KEY, ERR_TEMPLATE_INCOMPLETE}, {CLASS_SECRET_KEY, ERR_TEMPLATE_INCOMPLETE},
        {UINT64_C(1) << 32 | CLASS_SECRET_KEY, ERR_ATTRIBUTE_VALUE}, {5, ERR_ATTRIBUTE_VALUE}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t room[64];
        struct writer list = writer_of(room, sizeof room);
        attribute_put_ulong(&list, ATTR_CLASS, rows[i].class);
        const struct wire_create_request request = {0, writer_bytes(&list)};
        assert_int_equal(fixture_call(&f, mine, WIRE_CREATE, &request, &reply), rows[i].error);
    }
    const struct wire_create_request nothing = {0, span_of(NULL, 0)};
    assert_int_equal(
        fixture_call(&f, mine, WIRE_CREATE, &nothing, &reply), ERR_TEMPLATE_INCOMPLETE);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

/* A private key with a value, or data without one */
static err_t bring(uint64_t class, const char *label, bool is_private)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, class);
    attribute_put(&list, ATTR_LABEL, span_of_text(label));
    attribute_put_bool(&list, ATTR_PRIVATE, is_private);
    if (class == CLASS_PRIVATE_KEY) {
        attribute_put_ulong(&list, ATTR_KEY_TYPE, KEY_TYPE_EC);
        attribute_put(&list, ATTR_EC_PARAMS, fake_ec_params);
        attribute_put(&list, ATTR_VALUE, span_of_text("a scalar"));
    }
    const struct wire_create_request request = {SESSION, writer_bytes(&list)};
    return fixture_call(&f, mine, WIRE_CREATE, &request, &reply);
}

static void a_private_key_is_imported_and_data_is_stored(void **state)
{
    fixture_rule(&f, for_user(on_label(rule(true, VERB_STORE, "t.conf:2"), "s"), ALICE));
    fixture_rule(&f, for_user(on_label(rule(true, VERB_IMPORT, "t.conf:3"), "i"), ALICE));
    assert_int_equal(bring(CLASS_PRIVATE_KEY, "s", true), ERR_DENIED);
    assert_int_equal(bring(CLASS_DATA, "i", false), ERR_DENIED);
    assert_int_equal(fake_calls(&f.device), 0);
    assert_int_equal(bring(CLASS_DATA, "s", false), ERR_OK);
    assert_int_equal(bring(CLASS_PRIVATE_KEY, "i", true), ERR_OK);
    const struct object *key = objects_find(&f.worker.objects, number_of("i", CLASS_PRIVATE_KEY));
    struct span value;
    assert_false(attribute_get(key->attributes, ATTR_VALUE, &value));
    assert_true(attribute_get_bool(key->attributes, ATTR_SENSITIVE, false));
    (void)state;
}

/* ---- dates ---- */

static err_t generate_dated(void)
{
    uint8_t room[2][256];
    struct writer lists[2] = {
        writer_of(room[0], sizeof room[0]), writer_of(room[1], sizeof room[1])};
    attribute_put(&lists[0], ATTR_EC_PARAMS, fake_ec_params);
    for (size_t i = 0; i < 2; i++)
        attribute_put(&lists[i], ATTR_LABEL, span_of_text("web"));
    attribute_put(&lists[1], ATTR_END_DATE, span_of_text("20301231"));
    const struct wire_generate_pair_request request = {
        0, CKM_EC_KEY_PAIR_GEN, writer_bytes(&lists[0]), writer_bytes(&lists[1])};
    return fixture_call(&f, mine, WIRE_GENERATE_PAIR, &request, &reply);
}

static err_t store_dated(bool is_private)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put(&list, ATTR_LABEL, span_of_text("web"));
    attribute_put(&list, ATTR_VALUE, span_of_text("der"));
    attribute_put(&list, ATTR_SUBJECT, span_of_text("subject"));
    attribute_put_bool(&list, ATTR_PRIVATE, is_private);
    attribute_put(&list, ATTR_START_DATE, span_of_text("20201231"));
    const struct wire_create_request request = {SESSION, writer_bytes(&list)};
    return fixture_call(&f, mine, WIRE_CREATE, &request, &reply);
}

static void what_the_device_makes_without_its_dates_is_not_made(void **state)
{
    const size_t before = f.worker.objects.count;
    f.device.forgets_dates = true;
    assert_int_equal(generate_dated(), ERR_ATTRIBUTE_VALUE);
    expect_lines(1, 1, 0);
    assert_int_equal(store_dated(true), ERR_ATTRIBUTE_VALUE);
    assert_int_equal(f.worker.objects.count, before);
    assert_int_equal(mine->place.account->session_objects, 0);
    for (size_t i = 0, left = 0; i < FAKE_OBJECTS_MAX; i++) {
        left += f.device.objects[i].ref != 0;
        assert_true(left <= before);
    }
    assert_false(f.worker.device_lost);
    assert_int_equal(store_dated(false), ERR_OK);
    f.device.forgets_dates = false;
    assert_int_equal(generate_dated(), ERR_OK);
    (void)state;
}

static void what_is_private_needs_the_client_pin(void **state)
{
    (void)stand_down(state);
    stand_up_with("1234");
    assert_int_equal(bring(CLASS_DATA, "web", true), ERR_NOT_LOGGED_IN);
    assert_int_equal(bring(CLASS_PRIVATE_KEY, "web", false), ERR_NOT_LOGGED_IN);
    assert_int_equal(bring(CLASS_DATA, "web", false), ERR_OK);
}

/* ---- changing and destroying ---- */

static void nobody_renames_into_or_out_of_anothers_rights(void **state)
{
    fixture_rule(&f, for_user(on_label(rule(true, VERB_FIND, "t.conf:2"), "bank"), ALICE));
    const uint64_t web = number_of("web", CLASS_PRIVATE_KEY);
    assert_int_equal(set_bytes(mine, web, ATTR_LABEL, "bank"), ERR_DENIED);
    assert_int_equal(
        set_bytes(mine, number_of("bank", CLASS_PRIVATE_KEY), ATTR_LABEL, "web"), ERR_DENIED);
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 2);
    assert_int_equal(set_bytes(mine, web, ATTR_ID, "77"), ERR_OK);
    assert_true(span_equal(objects_find(&f.worker.objects, web)->key.id, span_of_text("77")));
    expect_lines(1, 1, 2);
    (void)state;
}

static void what_cannot_be_changed_is_refused_before_the_device(void **state)
{
    assert_int_equal(set_bytes(mine, number_of("web", CLASS_PRIVATE_KEY), ATTR_EC_PARAMS, "x"),
        ERR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

/* A certificate with CKA_MODIFIABLE or CKA_DESTROYABLE false. */
static uint64_t stubborn(uint32_t type)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put(&list, ATTR_LABEL, span_of_text("web"));
    attribute_put_bool(&list, type, false);
    (void)fake_put(&f.device, writer_bytes(&list));
    fixture_load(&f);
    return number_of("web", CLASS_CERTIFICATE);
}

static void an_object_that_forbids_it_is_neither_changed_nor_destroyed(void **state)
{
    assert_int_equal(
        set_bytes(mine, stubborn(ATTR_MODIFIABLE), ATTR_LABEL, "web"), ERR_ACTION_PROHIBITED);
    assert_int_equal(destroy(mine, number_of("web", CLASS_CERTIFICATE)), ERR_OK);
    assert_int_equal(destroy(mine, stubborn(ATTR_DESTROYABLE)), ERR_ACTION_PROHIBITED);
    assert_int_equal(f.device.calls[FAKE_SET], 0);
    assert_int_equal(f.device.calls[FAKE_DESTROY], 1);
    (void)state;
}

static void a_destroyed_object_is_gone_for_all(void **state)
{
    const uint64_t key = number_of("web", CLASS_PRIVATE_KEY);
    const driver_ref ref = objects_find(&f.worker.objects, key)->ref;
    assert_int_equal(destroy(mine, key), ERR_OK);
    assert_null(fake_find(&f.device, ref));
    assert_int_equal(sign_with(mine, key, CKM_ECDSA, span_of(NULL, 0)), ERR_OBJECT_GONE);
    assert_int_equal(destroy(mine, key), ERR_OBJECT_GONE);
    expect_lines(1, 1, 0);
    (void)state;
}

static void an_object_that_the_device_does_not_destroy_stays(void **state)
{
    const uint64_t key = number_of("web", CLASS_PRIVATE_KEY);
    fake_fail(&f.device, FAKE_DESTROY, 1, ERR_DEVICE);
    assert_int_equal(destroy(mine, key), ERR_DEVICE);
    assert_int_equal(sign(mine, "web"), ERR_OK);
    (void)state;
}

/* ---- session objects ---- */

static void a_session_object_is_its_clients_alone(void **state)
{
    const struct identity other_process = person(ALICE, 12);
    struct connection *same_client = fixture_greet(&f, &alice, CLIENT);
    struct connection *other_module = fixture_greet(&f, &alice, CLIENT + 1);
    struct connection *other = fixture_greet(&f, &other_process, CLIENT);
    uint64_t numbers[2];
    assert_int_equal(generate(mine, "web", SESSION), ERR_OK);
    assert_int_equal(numbers_in(reply.objects_reply.objects, numbers, 2), 2);
    assert_int_equal(seen_by(mine), 4);
    assert_int_equal(seen_by(same_client), 4);
    assert_int_equal(seen_by(other_module), 2);
    assert_int_equal(seen_by(other), 2);
    assert_int_equal(sign_with(same_client, numbers[1], CKM_ECDSA, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(sign_with(other, numbers[1], CKM_ECDSA, span_of(NULL, 0)), ERR_OBJECT_GONE);
    assert_int_equal(destroy(other, numbers[1]), ERR_OBJECT_GONE);
    (void)state;
}

static err_t end_session(struct connection *connection, uint64_t session)
{
    const struct wire_end_session_request request = {session};
    return fixture_call(&f, connection, WIRE_END_SESSION, &request, &reply);
}

static void session_objects_end_with_their_session(void **state)
{
    assert_int_equal(create(mine, "web", SESSION), ERR_OK);
    assert_int_equal(create(mine, "web", SESSION + 1), ERR_OK);
    assert_int_equal(create(mine, "web", 0), ERR_OK);
    struct connection *other = fixture_greet(&f, &alice, CLIENT + 1);
    assert_int_equal(
        end_session(other, SESSION), ERR_OK);       /* another's session of the same number */
    assert_int_equal(end_session(mine, 0), ERR_OK); /* token objects are no session's */
    assert_int_equal(seen_by(mine), 5);
    assert_int_equal(end_session(mine, SESSION), ERR_OK);
    assert_int_equal(seen_by(mine), 4);
    assert_int_equal(f.device.calls[FAKE_DESTROY], 1);
    (void)state;
}

static void session_objects_end_with_the_clients_last_connection(void **state)
{
    struct connection *second = fixture_greet(&f, &alice, CLIENT);
    struct connection *other = fixture_greet(&f, &alice, CLIENT + 1);
    assert_int_equal(create(mine, "web", SESSION), ERR_OK);
    assert_int_equal(create(other, "web", SESSION), ERR_OK);
    fixture_disconnect(&f, mine);
    assert_int_equal(seen_by(second), 3);
    fixture_disconnect(&f, second);
    assert_int_equal(f.device.calls[FAKE_DESTROY], 1);
    assert_int_equal(seen_by(other), 3);
    (void)state;
}

/* One more, and the driver would not list them after a restart. */
static void the_token_is_not_filled_beyond_what_can_be_listed(void **state)
{
    const size_t count = f.worker.objects.count;
    f.worker.objects.count = DRIVER_OBJECTS_MAX - 4096 - 1; /* nobody looks at them */
    assert_int_equal(generate(mine, "web", 0), ERR_DEVICE_MEMORY);
    f.worker.objects.count++;
    assert_int_equal(create(mine, "web", 0), ERR_DEVICE_MEMORY);
    f.worker.objects.count = count;
    assert_int_equal(f.device.calls[FAKE_GENERATE] + f.device.calls[FAKE_CREATE], 0);
    assert_int_equal(lines_with(" DEVICE_MEMORY "), 2);
    assert_int_equal(create(mine, "web", 0), ERR_OK);
    (void)state;
}

static void a_user_has_room_for_so_many_session_objects(void **state)
{
    struct connection *other = fixture_greet(&f, &alice, CLIENT + 1);
    assert_int_equal(generate(mine, "web", SESSION), ERR_OK);
    assert_int_equal(create(other, "web", SESSION), ERR_OK);
    assert_int_equal(generate(mine, "web", SESSION), ERR_TOO_MANY_OBJECTS);
    assert_int_equal(create(mine, "web", SESSION), ERR_OK);
    assert_int_equal(create(mine, "web", SESSION), ERR_TOO_MANY_OBJECTS);
    assert_int_equal(create(mine, "web", 0), ERR_OK);
    assert_int_equal(f.device.calls[FAKE_GENERATE], 1);
    assert_int_equal(lines_with(" TOO_MANY_OBJECTS "), 2);
    fixture_disconnect(&f, other);
    assert_int_equal(create(mine, "web", SESSION), ERR_OK);
    assert_int_equal(end_session(mine, SESSION), ERR_OK);
    assert_int_equal(mine->place.account->session_objects, 0);
    assert_int_equal(generate(mine, "web", SESSION), ERR_OK);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(making_a_pair_is_said_to_be_a_long_call_and_no_other_is),
        WITH_STAND(generating_needs_policy_on_the_label_that_results),
        WITH_STAND(a_refusal_has_its_line_however_long_the_label),
        WITH_STAND(generating_needs_policy_on_both_halves),
        WITH_STAND(a_generated_pair_comes_back_joined),
        WITH_STAND(what_no_kind_describes_does_not_come_in),
        WITH_STAND(a_private_key_is_imported_and_data_is_stored),
        WITH_STAND(what_is_private_needs_the_client_pin),
        WITH_STAND(what_the_device_makes_without_its_dates_is_not_made),
        WITH_STAND(nobody_renames_into_or_out_of_anothers_rights),
        WITH_STAND(what_cannot_be_changed_is_refused_before_the_device),
        WITH_STAND(an_object_that_forbids_it_is_neither_changed_nor_destroyed),
        WITH_STAND(a_destroyed_object_is_gone_for_all),
        WITH_STAND(an_object_that_the_device_does_not_destroy_stays),
        WITH_STAND(a_session_object_is_its_clients_alone),
        WITH_STAND(session_objects_end_with_their_session),
        WITH_STAND(session_objects_end_with_the_clients_last_connection),
        WITH_STAND(a_user_has_room_for_so_many_session_objects),
        WITH_STAND(the_token_is_not_filled_beyond_what_can_be_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
