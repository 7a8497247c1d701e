/* SPDX-License-Identifier: MIT
 *
 * The requests SET and COPY: whose they are, and what the object says of itself.
 */
#include "request_stand.h"

#include <p11-kit/pkcs11.h>

static uint8_t room[512];
static struct writer list;

static void ask(void)
{
    list = writer_of(room, sizeof room);
}

static err_t set(uint64_t object)
{
    const struct wire_set_request request = {object, writer_bytes(&list)};
    return fixture_call(&f, mine, WIRE_SET, &request, &reply);
}

static err_t copy(uint64_t object, uint64_t session)
{
    const struct wire_copy_request request = {object, session, writer_bytes(&list)};
    return fixture_call(&f, mine, WIRE_COPY, &request, &reply);
}

/* The object of the last answer */
static const struct object *answered(void)
{
    uint64_t number;
    assert_int_equal(numbers_in(reply.objects_reply.objects, &number, 1), 1);
    const struct object *object = objects_find(&f.worker.objects, number);
    assert_non_null(object);
    return object;
}

/* A certificate "web" on the token that says this of itself */
static uint64_t certificate_with(uint32_t type, bool value)
{
    ask();
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put_bool(&list, ATTR_TOKEN, true);
    attribute_put(&list, ATTR_LABEL, span_of_text("web"));
    attribute_put(&list, ATTR_ID, span_of_text("1"));
    attribute_put(&list, ATTR_SUBJECT, span_of_text("subject"));
    attribute_put(&list, ATTR_VALUE, span_of_text("der"));
    attribute_put_bool(&list, type, value);
    (void)fake_put(&f.device, writer_bytes(&list));
    fixture_load(&f);
    ask();
    return number_of("web", CLASS_CERTIFICATE);
}

/* ---- SET ---- */

static void usage_is_changed_by_whoever_may_change_the_key(void **state)
{
    const uint64_t key = number_of("web", CLASS_PRIVATE_KEY);
    ask();
    attribute_put_bool(&list, ATTR_SIGN, false);
    attribute_put(&list, ATTR_END_DATE, span_of_text("20301231"));
    assert_int_equal(set(key), ERR_OK);
    assert_false(attribute_get_bool(answered()->attributes, ATTR_SIGN, true));
    assert_int_equal(sign(mine, "web"), ERR_KEY_FUNCTION);
    expect_lines(1, 1, 1);
    (void)state;
}

/* An attribute that says yes is no rule that does. */
static void usage_that_is_widened_gives_no_right(void **state)
{
    fixture_rule(&f, for_user(on_label(rule(true, VERB_CHANGE, "t.conf:2"), "bank"), ALICE));
    const uint64_t key = number_of("bank", CLASS_PRIVATE_KEY);
    ask();
    attribute_put_bool(&list, ATTR_SIGN, true);
    assert_int_equal(set(key), ERR_OK);
    assert_int_equal(sign(mine, "bank"), ERR_DENIED);
    (void)state;
}

/* Whoever tries to get at a key's value is told no, and the log tells of it. */
static void a_change_that_no_key_allows_is_in_the_log(void **state)
{
    const uint64_t key = number_of("web", CLASS_PRIVATE_KEY);
    ask();
    attribute_put_bool(&list, ATTR_SENSITIVE, false);
    assert_int_equal(set(key), ERR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(copy(key, SESSION), ERR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(lines_with(" refused SET uid=1001 pid=11 "), 1);
    assert_int_equal(lines_with(" refused COPY uid=1001 pid=11 "), 1);
    assert_int_equal(lines_with(" ATTRIBUTE_READ_ONLY "), 2);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

static void only_an_administrator_calls_something_trusted(void **state)
{
    const uint64_t certificate = certificate_with(ATTR_MODIFIABLE, true);
    attribute_put_bool(&list, ATTR_TRUSTED, true);
    assert_int_equal(set(certificate), ERR_DENIED);
    assert_int_equal(copy(certificate, 0), ERR_DENIED);
    assert_int_equal(fake_calls(&f.device), 0);
    fixture_rule(&f, for_user(rule(true, VERB_ADMIN, "t.conf:2"), ALICE));
    assert_int_equal(set(certificate), ERR_OK);
    assert_true(attribute_get_bool(answered()->attributes, ATTR_TRUSTED, false));
    (void)state;
}

static void what_the_device_did_not_change_is_not_shown_as_changed(void **state)
{
    const uint64_t key = number_of("web", CLASS_PRIVATE_KEY);
    fake_fail(&f.device, FAKE_SET, 1, ERR_ATTRIBUTE_VALUE);
    assert_int_equal(set_bytes(mine, key, ATTR_ID, "77"), ERR_ATTRIBUTE_VALUE);
    assert_true(span_equal(objects_find(&f.worker.objects, key)->key.id, span_of_text("1")));
    assert_false(f.worker.device_lost);
    (void)state;
}

static uint64_t forgetful_key(void)
{
    ask();
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_PRIVATE_KEY);
    attribute_put(&list, ATTR_LABEL, span_of_text("web"));
    attribute_put(&list, ATTR_ID, span_of_text("7"));
    attribute_put_bool(&list, ATTR_PRIVATE, true);
    attribute_put_bool(&list, ATTR_SIGN, true);
    (void)fake_put(&f.device, writer_bytes(&list));
    fixture_load(&f);
    f.device.forgets_dates = true;
    for (size_t i = 0; i < f.worker.objects.count; i++)
        if (span_equal(f.worker.objects.rows[i]->key.id, span_of_text("7")))
            return f.worker.objects.rows[i]->number;
    return 0;
}

/* SoftHSM 2.6 takes such a date, and says CKR_GENERAL_ERROR when it is read. */
static void a_date_that_does_not_come_back_is_refused_and_nothing_is_changed(void **state)
{
    const uint64_t key = forgetful_key();
    const struct object *object = objects_find(&f.worker.objects, key);
    struct span date;
    ask();
    attribute_put_bool(&list, ATTR_SIGN, false);
    attribute_put(&list, ATTR_END_DATE, span_of_text("20301231"));
    assert_int_equal(set(key), ERR_ATTRIBUTE_VALUE);
    expect_lines(1, 1, 0);
    const struct fake_object *row = fake_find(&f.device, object->ref);
    const struct span has = span_of(row->list, row->len);
    assert_true(attribute_get_bool(has, ATTR_SIGN, false));
    assert_true(attribute_get(has, ATTR_END_DATE, &date));
    assert_int_equal(date.len, 0);
    assert_true(attribute_get_bool(object->attributes, ATTR_SIGN, false));
    assert_false(attribute_get(object->attributes, ATTR_END_DATE, &date));
    ask();
    attribute_put(&list, ATTR_START_DATE, span_of(NULL, 0)); /* none was there, none is asked for */
    assert_int_equal(set(key), ERR_OK);
    (void)state;
}

/* ---- COPY ---- */

static void a_key_that_is_secret_is_not_copied(void **state)
{
    ask();
    assert_int_equal(copy(number_of("web", CLASS_PRIVATE_KEY), SESSION), ERR_ACTION_PROHIBITED);
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 1);
    (void)state;
}

static void a_copy_is_allowed_for_the_names_that_result(void **state)
{
    const uint64_t key = number_of("web", CLASS_PUBLIC_KEY);
    ask();
    attribute_put(&list, ATTR_LABEL, span_of_text("bank"));
    assert_int_equal(copy(key, 0), ERR_DENIED);
    assert_int_equal(fake_calls(&f.device), 0);
    ask();
    attribute_put(&list, ATTR_ID, span_of_text("5"));
    assert_int_equal(copy(key, 0), ERR_OK);
    expect_lines(1, 1, 1);
    const struct object *made = answered();
    assert_true(made->number != key);
    assert_true(span_equal(made->key.id, span_of_text("5")));
    assert_true(span_equal(made->key.label, span_of_text("web")));
    struct span point;
    assert_true(attribute_get(made->attributes, ATTR_EC_POINT, &point));
    assert_true(span_equal(point, fake_ec_point));
    assert_true(span_equal(objects_find(&f.worker.objects, key)->key.id, span_of_text("1")));
    (void)state;
}

static void a_copy_belongs_where_the_message_says(void **state)
{
    const uint64_t certificate = certificate_with(ATTR_MODIFIABLE, false);
    attribute_put_bool(&list, ATTR_TOKEN, true); /* the message knows better */
    assert_int_equal(copy(certificate, SESSION), ERR_OK);
    const struct object *made = answered();
    assert_int_equal(made->session, SESSION);
    assert_ptr_equal(made->owner, mine->client);
    assert_false(attribute_get_bool(made->attributes, ATTR_TOKEN, true));
    ask();
    assert_int_equal(copy(made->number, 0), ERR_OK);
    assert_null(answered()->owner);
    assert_true(attribute_get_bool(answered()->attributes, ATTR_TOKEN, false));
    (void)state;
}

static void what_its_maker_calls_not_copyable_is_not_copied(void **state)
{
    const uint64_t certificate = certificate_with(ATTR_COPYABLE, false);
    assert_int_equal(copy(certificate, SESSION), ERR_ACTION_PROHIBITED);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

static void copies_count_as_session_objects(void **state)
{
    const uint64_t certificate = certificate_with(ATTR_MODIFIABLE, true);
    for (unsigned i = 0; i < f.worker.max_session_objects; i++)
        assert_int_equal(copy(certificate, SESSION), ERR_OK);
    assert_int_equal(copy(certificate, SESSION), ERR_TOO_MANY_OBJECTS);
    assert_int_equal(copy(certificate, 0), ERR_OK);
    (void)state;
}

static void a_copy_that_becomes_private_needs_the_client_pin(void **state)
{
    (void)stand_down(state);
    stand_up_with("1234");
    const uint64_t key = number_of("web", CLASS_PUBLIC_KEY);
    ask();
    attribute_put_bool(&list, ATTR_PRIVATE, true);
    assert_int_equal(copy(key, 0), ERR_NOT_LOGGED_IN);
    ask();
    assert_int_equal(copy(key, 0), ERR_OK);
}

static void a_copy_that_the_device_does_not_make_is_none(void **state)
{
    const size_t count = f.worker.objects.count;
    ask();
    fake_fail(&f.device, FAKE_CREATE, 1, ERR_DEVICE_MEMORY);
    assert_int_equal(copy(number_of("web", CLASS_PUBLIC_KEY), 0), ERR_DEVICE_MEMORY);
    assert_int_equal(f.worker.objects.count, count);
    expect_lines(1, 1, 0);
    (void)state;
}

static void what_is_hidden_from_a_client_is_not_there_to_copy(void **state)
{
    ask();
    assert_int_equal(copy(number_of("bank", CLASS_PRIVATE_KEY), SESSION), ERR_OBJECT_GONE);
    assert_int_equal(copy(0, SESSION), ERR_OBJECT_GONE);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(usage_is_changed_by_whoever_may_change_the_key),
        WITH_STAND(usage_that_is_widened_gives_no_right),
        WITH_STAND(a_change_that_no_key_allows_is_in_the_log),
        WITH_STAND(only_an_administrator_calls_something_trusted),
        WITH_STAND(what_the_device_did_not_change_is_not_shown_as_changed),
        WITH_STAND(a_date_that_does_not_come_back_is_refused_and_nothing_is_changed),
        WITH_STAND(a_key_that_is_secret_is_not_copied),
        WITH_STAND(a_copy_is_allowed_for_the_names_that_result),
        WITH_STAND(a_copy_belongs_where_the_message_says),
        WITH_STAND(what_its_maker_calls_not_copyable_is_not_copied),
        WITH_STAND(copies_count_as_session_objects),
        WITH_STAND(a_copy_that_becomes_private_needs_the_client_pin),
        WITH_STAND(a_copy_that_the_device_does_not_make_is_none),
        WITH_STAND(what_is_hidden_from_a_client_is_not_there_to_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
