/* SPDX-License-Identifier: MIT
 *
 * The object store over a device in memory: numbers, presented attributes, public halves.
 */
#include "test.h"

#include "fake_driver.h"
#include "base/log.h"
#include "signerd/object.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

static struct device device;
static struct objects objects;

static int open_store(void **state)
{
    (void)state;
    log_setup("object_test", LOG_LEVEL_ERROR);
    fake_reset(&device);
    return objects_init(&objects, &fake_driver, &device, false) == ERR_OK ? 0 : -1;
}

static int close_store(void **state)
{
    (void)state;
    objects_free(&objects);
    fake_reset(&device);
    return 0;
}

static void load(void)
{
    assert_int_equal(objects_load(&objects), ERR_OK);
}

static struct span value_of(const struct object *object, uint32_t type)
{
    struct span value = {NULL, 0};
    (void)attribute_get(object->attributes, type, &value);
    return value;
}

static void expect_absent(const struct object *object, uint32_t type)
{
    struct span value;
    assert_false(attribute_get(object->attributes, type, &value));
}

/* ---- loading and numbers ---- */

static void every_token_object_is_loaded_by_rising_number(void **state)
{
    for (size_t i = 0; i < 200; i++)
        (void)fake_put_certificate(&device, "c", "1");
    load();
    assert_int_equal(objects.count, 200);
    for (size_t i = 0; i < objects.count; i++) {
        assert_int_equal(objects.rows[i]->ref, i + 1);
        assert_null(objects.rows[i]->owner);
        assert_ptr_equal(objects_find(&objects, objects.rows[i]->number), objects.rows[i]);
        assert_true(i == 0 || objects.rows[i]->number > objects.rows[i - 1]->number);
    }
    (void)state;
}

static void numbers_of_two_lives_of_a_worker_differ(void **state)
{
    struct objects other;
    (void)fake_put_certificate(&device, "c", "1");
    load();
    assert_int_equal(objects_init(&other, &fake_driver, &device, false), ERR_OK);
    assert_int_equal(objects_load(&other), ERR_OK);
    assert_true(objects.rows[0]->number >> 32 != other.rows[0]->number >> 32);
    assert_null(objects_find(&other, objects.rows[0]->number));
    objects_free(&other);
    (void)state;
}

static void a_number_is_never_used_again(void **state)
{
    struct object *taken;
    driver_ref ref = fake_put_certificate(&device, "c", "1");
    assert_int_equal(objects_take(&objects, ref, NULL, 0, &taken), ERR_OK);
    const uint64_t number = taken->number;
    objects_drop(&objects, taken);
    assert_null(objects_find(&objects, number));
    assert_int_equal(objects_take(&objects, ref, NULL, 0, &taken), ERR_OK);
    assert_true(taken->number > number);
    (void)state;
}

static void a_dropped_object_leaves_the_others(void **state)
{
    for (size_t i = 0; i < 5; i++)
        (void)fake_put_certificate(&device, "c", "1");
    load();
    static const size_t order[] = {2, 0, 2, 1, 0}; /* middle, first, last, last, only */
    for (size_t i = 0; i < COUNT(order); i++) {
        const uint64_t number = objects.rows[order[i]]->number;
        objects_drop(&objects, objects.rows[order[i]]);
        assert_int_equal(objects.count, 4 - i);
        assert_null(objects_find(&objects, number));
        for (size_t j = 0; j < objects.count; j++)
            assert_ptr_equal(objects_find(&objects, objects.rows[j]->number), objects.rows[j]);
    }
    (void)state;
}

static void an_object_that_cannot_be_read_is_left_out(void **state)
{
    for (size_t i = 0; i < 3; i++)
        (void)fake_put_certificate(&device, "c", "1");
    fake_fail(&device, FAKE_ATTRIBUTES, 2, ERR_DEVICE);
    load();
    assert_int_equal(objects.count, 2);
    assert_int_equal(objects.rows[1]->ref, 3);
    (void)state;
}

static void a_device_that_goes_while_it_is_read_is_no_empty_device(void **state)
{
    for (size_t i = 0; i < 3; i++)
        (void)fake_put_certificate(&device, "c", "1");
    fake_fail(&device, FAKE_ATTRIBUTES, 1, ERR_TOKEN_ABSENT);
    assert_int_equal(objects_load(&objects), ERR_TOKEN_ABSENT);
    assert_int_equal(device.calls[FAKE_ATTRIBUTES], 1);
    (void)state;
}

static void a_list_that_fails_is_an_error(void **state)
{
    fake_fail(&device, FAKE_LIST, 1, ERR_DEVICE);
    assert_int_equal(objects_load(&objects), ERR_DEVICE);
    (void)state;
}

static void the_generation_grows_with_every_change(void **state)
{
    struct object *object;
    uint64_t before = objects.generation;
    assert_int_equal(
        objects_take(&objects, fake_put_private(&device, "k", "1"), NULL, 0, &object), ERR_OK);
    assert_true(objects.generation > before);
    before = objects.generation;
    assert_int_equal(objects_refresh(&objects, object), ERR_OK);
    assert_true(objects.generation > before);
    before = objects.generation;
    objects_drop(&objects, object);
    assert_true(objects.generation > before);
    (void)state;
}

/* ---- presenting ---- */

static const struct object *presented(struct writer *list)
{
    struct object *object;
    assert_false(writer_failed(list));
    assert_int_equal(
        objects_take(&objects, fake_put(&device, writer_bytes(list)), NULL, 0, &object), ERR_OK);
    assert_int_equal(attribute_list_check(object->attributes), ERR_OK);
    return object;
}

/* All secret attributes on an object of this class, as a driver would give them that does not keep
 * its word. */
static void put_secrets(struct writer *list, uint64_t class)
{
    attribute_put_ulong(list, ATTR_CLASS, class);
    for (size_t i = 0; i < attribute_rows_count; i++)
        if (attribute_rows[i].flags & ATTRIBUTE_SECRET)
            attribute_put(list, attribute_rows[i].type, span_of_text("secret"));
}

static void key_material_is_never_presented(void **state)
{
    static const uint64_t classes[] = {CLASS_PRIVATE_KEY, CLASS_SECRET_KEY};
    for (size_t c = 0; c < COUNT(classes); c++) {
        uint8_t room[512];
        struct writer list = writer_of(room, sizeof room);
        put_secrets(&list, classes[c]);
        const struct object *object = presented(&list);
        for (size_t i = 0; i < attribute_rows_count; i++)
            if (attribute_rows[i].flags & ATTRIBUTE_SECRET)
                expect_absent(object, attribute_rows[i].type);
        for (size_t at = 0; at + 6 <= object->attributes.len; at++)
            assert_memory_not_equal(object->attributes.ptr + at, "secret", 6);
    }
    (void)state;
}

static void a_length_that_the_device_does_not_know_is_not_told(void **state)
{
    uint8_t room[128];
    for (uint64_t len = 0; len <= 32; len += 32) {
        struct writer list = writer_of(room, sizeof room);
        attribute_put_ulong(&list, ATTR_CLASS, CLASS_SECRET_KEY);
        attribute_put_ulong(&list, ATTR_VALUE_LEN, len);
        const struct object *object = presented(&list);
        assert_int_equal(value_of(object, ATTR_VALUE_LEN).len, len == 0 ? 0 : 8);
    }
    (void)state;
}

static void a_certificates_value_is_presented(void **state)
{
    (void)fake_put_certificate(&device, "c", "1");
    load();
    assert_true(span_equal(value_of(objects.rows[0], ATTR_VALUE), span_of_text("certificate")));
    (void)state;
}

static void private_is_said_by_the_login_setting_alone(void **state)
{
    for (int required = 0; required <= 1; required++) {
        objects.login_required = required;
        for (uint64_t class = CLASS_DATA; class <= CLASS_SECRET_KEY; class ++) {
            uint8_t room[128];
            struct writer list = writer_of(room, sizeof room);
            attribute_put_ulong(&list, ATTR_CLASS, class);
            attribute_put_bool(&list, ATTR_PRIVATE, !required);
            const struct object *object = presented(&list);
            bool expected = required && (class == CLASS_PRIVATE_KEY || class == CLASS_SECRET_KEY);
            assert_int_equal(
                attribute_get_bool(object->attributes, ATTR_PRIVATE, !expected), expected);
            assert_int_equal(object->is_private, expected);
        }
    }
    (void)state;
}

/* What is no secret is as copyable as its maker said, and by default it is. */
static void no_secret_is_copyable(void **state)
{
    static const uint64_t classes[] = {
        CLASS_DATA, CLASS_CERTIFICATE, CLASS_PUBLIC_KEY, CLASS_PRIVATE_KEY, CLASS_SECRET_KEY};
    for (size_t i = 0; i < COUNT(classes); i++)
        for (int said = -1; said <= 1; said++) {
            uint8_t room[128];
            struct writer list = writer_of(room, sizeof room);
            const bool secret = classes[i] == CLASS_PRIVATE_KEY || classes[i] == CLASS_SECRET_KEY;
            attribute_put_ulong(&list, ATTR_CLASS, classes[i]);
            if (said >= 0)
                attribute_put_bool(&list, ATTR_COPYABLE, said == 1);
            const struct object *object = presented(&list);
            const bool copyable = attribute_get_bool(object->attributes, ATTR_COPYABLE, secret);
            assert_int_equal(copyable, !secret && said != 0);
        }
    (void)state;
}

/* 2.40, table 16 and those of the classes: whoever asks for several at once gets all */
static void what_the_device_does_not_say_is_said_with_caution(void **state)
{
    static const struct {
        uint64_t class;
        uint32_t type;
        bool value;
    } rows[] = {
        {CLASS_DATA, ATTR_MODIFIABLE, true},
        {CLASS_CERTIFICATE, ATTR_DESTROYABLE, true},
        {CLASS_CERTIFICATE, ATTR_TRUSTED, false},
        {CLASS_PUBLIC_KEY, ATTR_LOCAL, false},
        {CLASS_PRIVATE_KEY, ATTR_LOCAL, false},
        {CLASS_PRIVATE_KEY, ATTR_ALWAYS_AUTHENTICATE, false},
        {CLASS_PRIVATE_KEY, ATTR_SENSITIVE, true},
        {CLASS_SECRET_KEY, ATTR_EXTRACTABLE, false},
        {CLASS_SECRET_KEY, ATTR_NEVER_EXTRACTABLE, false},
        {CLASS_SECRET_KEY, ATTR_ALWAYS_SENSITIVE, false},
        {CLASS_SECRET_KEY, ATTR_WRAP_WITH_TRUSTED, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t room[128];
        struct writer list = writer_of(room, sizeof room);
        attribute_put_ulong(&list, ATTR_CLASS, rows[i].class);
        const struct object *object = presented(&list);
        assert_int_equal(
            attribute_get_bool(object->attributes, rows[i].type, !rows[i].value), rows[i].value);
        struct span label;
        assert_true(attribute_get(object->attributes, ATTR_LABEL, &label));
        /* what it does say is not said again */
        attribute_put_bool(&list, rows[i].type, !rows[i].value);
        object = presented(&list);
        assert_int_equal(attribute_get_bool(object->attributes, rows[i].type, rows[i].value),
            rows[i].type == ATTR_ALWAYS_AUTHENTICATE ? rows[i].value : !rows[i].value);
    }
    (void)state;
}

static void a_class_that_nobody_knows_is_presented(void **state)
{
    uint8_t room[128];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, 0x80000001);
    attribute_put_bool(&list, ATTR_TOKEN, true);
    attribute_put_bool(&list, ATTR_PRIVATE, true);
    (void)presented(&list);
    (void)state;
}

/* "certificate": SHA-1 begins with these */
static void a_certificate_has_its_check_value(void **state)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    const struct span value = span_of_text("certificate");
    assert_int_equal(EVP_Digest(value.ptr, value.len, digest, NULL, EVP_sha1(), NULL), 1);
    (void)fake_put_certificate(&device, "c", "1");
    load();
    assert_true(span_equal(value_of(objects.rows[0], ATTR_CHECK_VALUE), span_of(digest, 3)));
    struct span info;
    assert_true(attribute_get(objects.rows[0]->attributes, ATTR_PUBLIC_KEY_INFO, &info));
    assert_int_equal(info.len, 0);
    (void)state;
}

static void policy_sees_the_devices_label_and_id(void **state)
{
    (void)fake_put_private(&device, "web", "12");
    load();
    assert_int_equal(objects.rows[0]->key.class, CLASS_PRIVATE_KEY);
    assert_true(span_equal(objects.rows[0]->key.label, span_of_text("web")));
    assert_true(span_equal(objects.rows[0]->key.id, span_of_text("12")));
    (void)state;
}

static void an_object_too_large_to_travel_is_left_out(void **state)
{
    static uint8_t room[WIRE_TEMPLATE_MAX];
    static const uint8_t zeroes[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    attribute_put(&list, ATTR_LABEL, span_of(zeroes, sizeof zeroes - 8));
    (void)fake_put(&device, writer_bytes(&list));
    (void)fake_put_certificate(&device, "c", "1");
    load();
    assert_int_equal(objects.count, 1);
    (void)state;
}

static void a_list_with_an_attribute_twice_is_left_out(void **state)
{
    uint8_t room[128];
    struct writer list = writer_of(room, sizeof room);
    attribute_put(&list, ATTR_LABEL, span_of_text("a"));
    attribute_put(&list, ATTR_LABEL, span_of_text("b"));
    (void)fake_put(&device, writer_bytes(&list));
    load();
    assert_int_equal(objects.count, 0);
    (void)state;
}

static void a_refresh_shows_what_the_device_has_now(void **state)
{
    driver_ref ref = fake_put_certificate(&device, "old", "1");
    load();
    struct object *object = objects.rows[0];
    const uint64_t number = object->number;
    uint8_t room[64];
    struct writer change = writer_of(room, sizeof room);
    attribute_put(&change, ATTR_LABEL, span_of_text("new"));
    assert_int_equal(fake_driver.set(&device, ref, writer_bytes(&change)), ERR_OK);
    assert_int_equal(objects_refresh(&objects, object), ERR_OK);
    assert_true(span_equal(object->key.label, span_of_text("new")));
    assert_true(object->number == number);
    (void)state;
}

static void a_refresh_that_fails_leaves_what_was(void **state)
{
    (void)fake_put_certificate(&device, "old", "1");
    load();
    fake_fail(&device, FAKE_ATTRIBUTES, 1, ERR_DEVICE);
    assert_int_equal(objects_refresh(&objects, objects.rows[0]), ERR_DEVICE);
    assert_true(span_equal(objects.rows[0]->key.label, span_of_text("old")));
    (void)state;
}

/* ---- public halves ---- */

static const struct object *private_key(void)
{
    for (size_t i = 0; i < objects.count; i++)
        if (objects.rows[i]->key.class == CLASS_PRIVATE_KEY)
            return objects.rows[i];
    fail();
    return NULL;
}

/* OpenSSL reads it as a P-256 key with this point. */
static void expect_public_key_info(struct span info, struct span ec_point)
{
    const unsigned char *at = info.ptr;
    unsigned char point[256];
    char curve[32];
    size_t len = 0;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)info.len);
    assert_non_null(key);
    assert_ptr_equal(at, info.ptr + info.len);
    assert_int_equal(EVP_PKEY_get_group_name(key, curve, sizeof curve, &len), 1);
    assert_string_equal(curve, "prime256v1");
    assert_int_equal(EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof point, &len), 1);
    assert_int_equal(len, ec_point.len - 2);
    assert_memory_equal(point, ec_point.ptr + 2, len);
    unsigned char *again = NULL;
    assert_int_equal(i2d_PUBKEY(key, &again), (int)info.len);
    assert_memory_equal(again, info.ptr, info.len);
    OPENSSL_free(again);
    EVP_PKEY_free(key);
}

static void a_private_key_gets_the_point_of_its_public_half(void **state)
{
    (void)fake_put_private(
        &device, "k", "1"); /* before its public half, so that completion has to wait for it */
    (void)fake_put_public(&device, "k", "2");
    (void)fake_put_public(&device, "k", "1");
    load();
    for (size_t i = 0; i < objects.count; i += 2) {
        assert_true(span_equal(value_of(objects.rows[i], ATTR_EC_POINT), fake_ec_point));
        expect_public_key_info(value_of(objects.rows[i], ATTR_PUBLIC_KEY_INFO), fake_ec_point);
    }
    (void)state;
}

static void without_its_public_half_a_key_has_no_point(void **state)
{
    (void)fake_put_private(&device, "k", "1");
    (void)fake_put_public(&device, "k", "2");
    load();
    expect_absent(private_key(), ATTR_EC_POINT);
    expect_absent(private_key(), ATTR_PUBLIC_KEY_INFO);
    (void)state;
}

static void of_public_keys_with_one_id_the_label_decides(void **state)
{
    (void)fake_put_private(&device, "a", "1");
    (void)fake_put_public(&device, "b", "1");
    load();
    assert_true(
        span_equal(value_of(private_key(), ATTR_EC_POINT), fake_ec_point)); /* the only one */
    struct object *second;
    assert_int_equal(
        objects_take(&objects, fake_put_public(&device, "c", "1"), NULL, 0, &second), ERR_OK);
    struct object *another;
    assert_int_equal(
        objects_take(&objects, fake_put_private(&device, "d", "1"), NULL, 0, &another), ERR_OK);
    assert_int_equal(objects_complete(&objects, another, NULL), ERR_OK);
    expect_absent(another, ATTR_EC_POINT); /* of two, neither with its label */
    (void)state;
}

static void of_two_public_keys_of_one_name_none_is_taken(void **state)
{
    (void)fake_put_private(&device, "k", "1");
    (void)fake_put_public(&device, "k", "1");
    (void)fake_put_public(&device, "k", "1");
    load();
    expect_absent(private_key(), ATTR_EC_POINT);
    (void)state;
}

static void a_pair_is_joined_whatever_else_has_its_name(void **state)
{
    struct object *key;
    struct object *half;
    (void)fake_put_public(&device, "k", "1");
    load();
    assert_int_equal(
        objects_take(&objects, fake_put_public(&device, "k", "1"), NULL, 0, &half), ERR_OK);
    assert_int_equal(
        objects_take(&objects, fake_put_private(&device, "k", "1"), NULL, 0, &key), ERR_OK);
    assert_int_equal(objects_complete(&objects, key, half), ERR_OK);
    assert_true(span_equal(value_of(key, ATTR_EC_POINT), fake_ec_point));
    assert_int_equal(objects_refresh(&objects, key), ERR_OK); /* and stays so after a change */
    assert_true(span_equal(value_of(key, ATTR_EC_POINT), fake_ec_point));
    (void)state;
}

/* An empty CKA_ID joins nothing by itself: then the label must be the same, too. */
static void keys_without_an_id_are_joined_by_label(void **state)
{
    (void)fake_put_private(&device, "a", "");
    (void)fake_put_public(&device, "b", "");
    load();
    expect_absent(private_key(), ATTR_EC_POINT);
    struct object *half;
    assert_int_equal(
        objects_take(&objects, fake_put_public(&device, "a", ""), NULL, 0, &half), ERR_OK);
    assert_int_equal(objects_complete(&objects, objects.rows[0], NULL), ERR_OK);
    assert_true(span_equal(value_of(private_key(), ATTR_EC_POINT), fake_ec_point));
    (void)state;
}

static void a_session_key_is_not_joined_to_a_token_key(void **state)
{
    const struct client *owner = (const struct client *)&device; /* any address */
    struct object *key;
    (void)fake_put_public(&device, "k", "1");
    load();
    assert_int_equal(
        objects_take(&objects, fake_put_private(&device, "k", "1"), owner, 1, &key), ERR_OK);
    assert_int_equal(objects_complete(&objects, key, NULL), ERR_OK);
    expect_absent(key, ATTR_EC_POINT);
    (void)state;
}

/* As pkcs11-tool brings them in, one after the other */
static void a_key_and_its_public_half_find_each_other_whichever_comes_first(void **state)
{
    for (int private_first = 0; private_first <= 1; private_first++) {
        struct object *key = NULL;
        for (int i = 0; i < 2; i++) {
            struct object *object;
            const bool is_private = (i == 0) == (private_first == 1);
            const driver_ref ref = is_private ? fake_put_private(&device, "k", "1")
                                              : fake_put_public(&device, "k", "1");
            assert_int_equal(objects_take(&objects, ref, NULL, 0, &object), ERR_OK);
            assert_int_equal(objects_join(&objects, object), ERR_OK);
            key = is_private ? object : key;
        }
        assert_true(span_equal(value_of(key, ATTR_EC_POINT), fake_ec_point));
        (void)close_store(state);
        (void)open_store(state);
    }
}

/* A public key with this CKA_EC_POINT. */
static const struct object *with_point(struct span point)
{
    uint8_t room[512];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_PUBLIC_KEY);
    attribute_put_ulong(&list, ATTR_KEY_TYPE, KEY_TYPE_EC);
    attribute_put(&list, ATTR_EC_PARAMS, fake_ec_params);
    attribute_put(&list, ATTR_EC_POINT, point);
    return presented(&list);
}

static void a_malformed_point_gives_no_public_key_info(void **state)
{
    uint8_t der[200] = {0};
    struct span whole = fake_ec_point;
    memcpy(der, whole.ptr, whole.len);
    expect_public_key_info(value_of(with_point(whole), ATTR_PUBLIC_KEY_INFO), whole);
    expect_absent(with_point(span_of(der, whole.len - 1)), ATTR_PUBLIC_KEY_INFO);
    expect_absent(with_point(span_of(der, whole.len + 1)), ATTR_PUBLIC_KEY_INFO);
    expect_absent(with_point(span_of(der, 1)), ATTR_PUBLIC_KEY_INFO);
    expect_absent(with_point(span_of(NULL, 0)), ATTR_PUBLIC_KEY_INFO);
    der[0] = 0x03;
    expect_absent(with_point(span_of(der, whole.len)), ATTR_PUBLIC_KEY_INFO);
    (void)state;
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(every_token_object_is_loaded_by_rising_number),
        STORE_TEST(numbers_of_two_lives_of_a_worker_differ),
        STORE_TEST(a_number_is_never_used_again),
        STORE_TEST(a_dropped_object_leaves_the_others),
        STORE_TEST(an_object_that_cannot_be_read_is_left_out),
        STORE_TEST(a_device_that_goes_while_it_is_read_is_no_empty_device),
        STORE_TEST(a_list_that_fails_is_an_error),
        STORE_TEST(the_generation_grows_with_every_change),
        STORE_TEST(key_material_is_never_presented),
        STORE_TEST(a_length_that_the_device_does_not_know_is_not_told),
        STORE_TEST(a_certificates_value_is_presented),
        STORE_TEST(private_is_said_by_the_login_setting_alone),
        STORE_TEST(no_secret_is_copyable),
        STORE_TEST(what_the_device_does_not_say_is_said_with_caution),
        STORE_TEST(a_class_that_nobody_knows_is_presented),
        STORE_TEST(a_certificate_has_its_check_value),
        STORE_TEST(policy_sees_the_devices_label_and_id),
        STORE_TEST(an_object_too_large_to_travel_is_left_out),
        STORE_TEST(a_list_with_an_attribute_twice_is_left_out),
        STORE_TEST(a_refresh_shows_what_the_device_has_now),
        STORE_TEST(a_refresh_that_fails_leaves_what_was),
        STORE_TEST(a_private_key_gets_the_point_of_its_public_half),
        STORE_TEST(without_its_public_half_a_key_has_no_point),
        STORE_TEST(of_public_keys_with_one_id_the_label_decides),
        STORE_TEST(of_two_public_keys_of_one_name_none_is_taken),
        STORE_TEST(a_pair_is_joined_whatever_else_has_its_name),
        STORE_TEST(keys_without_an_id_are_joined_by_label),
        STORE_TEST(a_session_key_is_not_joined_to_a_token_key),
        STORE_TEST(a_key_and_its_public_half_find_each_other_whichever_comes_first),
        STORE_TEST(a_malformed_point_gives_no_public_key_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
