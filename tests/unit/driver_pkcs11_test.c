/* SPDX-License-Identifier: MIT
 *
 * The driver pkcs11 against a SoftHSM token of its own, in a temporary directory that goes away
 * with the test.
 */
#include "driver_stand.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

static const uint8_t P521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
static const struct driver *const driver = &driver_pkcs11;

static EVP_PKEY *evp_of_point(struct span der)
{
    /* OCTET STRING around 04‖X‖Y */
    assert_true(
        der.len > 2 && der.ptr[0] == 0x04 && der.ptr[1] == der.len - 2 && der.ptr[2] == 0x04);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, der.ptr + 2, der.len - 2);
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* 1: raw r‖s is a signature of the digest by the key with this CKA_EC_POINT. */
static int verifies(struct span point, const uint8_t *digest, const uint8_t *raw)
{
    EVP_PKEY *key = evp_of_point(point);
    ECDSA_SIG *signature = ECDSA_SIG_new();
    ECDSA_SIG_set0(signature, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
    unsigned char *der = NULL;
    int len = i2d_ECDSA_SIG(signature, &der);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_verify_init(context), 1);
    int result = EVP_PKEY_verify(context, der, (size_t)len, digest, 32);
    EVP_PKEY_CTX_free(context);
    OPENSSL_free(der);
    ECDSA_SIG_free(signature);
    EVP_PKEY_free(key);
    return result;
}

/* ------------------------------------------------------------------ tests */

static void a_wrong_pin_is_a_pin_error(void **state)
{
    struct device *device = NULL;
    assert_int_equal(open_with(MODULE, LABEL, "654321", &device), ERR_DEVICE_PIN);
    assert_null(device);
    assert_int_equal(open_with(MODULE, LABEL, PIN, &device), ERR_OK);
    driver->close(device);
    (void)state;
}

static void a_label_that_no_token_has_is_an_absent_token(void **state)
{
    static const char *const labels[] = {"driver tes", "driver test2", "",
        "a label that is far longer than the 32 bytes that a token can have"};
    for (size_t i = 0; i < COUNT(labels); i++) {
        struct device *device = NULL;
        assert_int_equal(open_with(MODULE, labels[i], PIN, &device), ERR_TOKEN_ABSENT);
        assert_null(device);
    }
    (void)state;
}

static void a_module_that_cannot_be_loaded_is_a_configuration_error(void **state)
{
    struct device *device = NULL;
    assert_int_equal(open_with("/nonexistent/module.so", LABEL, PIN, &device), ERR_CONFIG);
    assert_int_equal(open_with("/dev/null", LABEL, PIN, &device), ERR_CONFIG);
    assert_null(device);
    (void)state;
}

static void two_tokens_of_one_label_are_refused(void **state)
{
    const char *init[] = {"softhsm2-util", "--init-token", "--free", "--label", "twin", "--so-pin",
        "1234", "--pin", PIN, NULL};
    run(init);
    run(init);
    struct device *device = NULL;
    assert_int_equal(open_with(MODULE, "twin", PIN, &device), ERR_CONFIG);
    assert_null(device);
    (void)state;
}

static void the_token_is_told_without_padding_and_with_served_mechanisms_only(void **state)
{
    struct driver_token token;
    assert_int_equal(driver->token(*state, &token), ERR_OK);
    assert_string_equal(token.label, LABEL);
    assert_string_equal(token.manufacturer, "SoftHSM project");
    assert_string_equal(token.model, "SoftHSM v2");
    assert_int_equal(strlen(token.serial), 16);
    assert_int_equal(token.mechanism_count, 26);
    assert_int_equal(token.mechanisms[0].type, CKM_EC_KEY_PAIR_GEN_);
    assert_int_equal(token.mechanisms[1].type, CKM_ECDSA_);
    assert_int_equal(token.mechanisms[1].flags & 0x800, 0x800); /* CKF_SIGN */
    assert_int_equal(token.mechanisms[1].flags & 0x2001, 0);    /* not CKF_VERIFY, not CKF_HW */
    assert_int_equal(token.mechanisms[1].min_key_size, 256);
    assert_int_equal(token.mechanisms[1].max_key_size, 521);
}

static void a_signature_verifies_with_the_point_of_the_public_key(void **state)
{
    struct pair pair = new_pair(*state, "sign");
    static const uint8_t digest[32] = {1, 2, 3};
    static const uint8_t other[32] = {4};
    uint8_t signature[1024];
    size_t len;
    assert_int_equal(sign(*state, pair.private_key, sizeof digest, signature, &len), ERR_OK);
    assert_int_equal(len, 64);
    struct span point;
    assert_true(attribute_get(attributes_of(*state, pair.public_key), ATTR_EC_POINT, &point));
    assert_int_equal(point.len, 67);
    assert_int_equal(verifies(point, digest, signature), 1);
    assert_int_equal(verifies(point, other, signature), 0);
    destroy_pair(*state, pair);
}

static void a_private_key_has_its_attributes_but_no_value(void **state)
{
    struct pair pair = new_pair(*state, "attributes");
    struct span list = attributes_of(*state, pair.private_key);
    struct span value;
    uint64_t number;
    assert_true(attribute_get_ulong(list, ATTR_CLASS, &number));
    assert_int_equal(number, CLASS_PRIVATE_KEY);
    assert_true(attribute_get_ulong(list, ATTR_KEY_TYPE, &number));
    assert_int_equal(number, KEY_TYPE_EC);
    assert_true(attribute_get_bool(list, ATTR_SENSITIVE, false));
    assert_false(attribute_get_bool(list, ATTR_EXTRACTABLE, true));
    assert_true(attribute_get(list, ATTR_LABEL, &value));
    assert_true(span_equal(value, span_of_text("attributes")));
    assert_true(attribute_get(list, ATTR_EC_PARAMS, &value));
    assert_true(span_equal(value, span_of(P256, sizeof P256)));
    struct reader r = reader_of(list);
    struct wire_attribute attribute;
    while (attribute_next(&r, &attribute))
        assert_int_equal(attribute_find(attribute.type)->flags & ATTRIBUTE_SECRET, 0);
    destroy_pair(*state, pair);
}

/* SoftHSM would give out the value of such a key; the driver does not ask. */
static void an_extractable_key_does_not_give_its_value_either(void **state)
{
    uint8_t bytes[1024];
    struct writer w = writer_of(bytes, sizeof bytes);
    attribute_put_ulong(&w, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(&w, ATTR_KEY_TYPE, 0x10); /* CKK_GENERIC_SECRET */
    attribute_put_bool(&w, ATTR_TOKEN, true);
    attribute_put_bool(&w, ATTR_SENSITIVE, false);
    attribute_put_bool(&w, ATTR_EXTRACTABLE, true);
    attribute_put(&w, ATTR_VALUE, span_of_text("0123456789abcdef"));
    driver_ref key = 0;
    assert_int_equal(driver->create(*state, writer_bytes(&w), &key), ERR_OK);
    struct span value;
    assert_false(attribute_get(attributes_of(*state, key), ATTR_VALUE, &value));
    assert_int_equal(driver->destroy(*state, key), ERR_OK);
}

static void a_too_small_list_is_an_error_and_not_cut(void **state)
{
    struct pair pair = new_pair(*state, "small");
    uint8_t bytes[100];
    struct writer list = writer_of(bytes, sizeof bytes);
    assert_int_equal(driver->attributes(*state, pair.public_key, &list), ERR_TOO_LARGE);
    destroy_pair(*state, pair);
}

struct seen {
    struct device *device;
    driver_ref refs[16];
    size_t count;
    size_t stop_at;
};

static bool see(void *context, driver_ref object)
{
    struct seen *seen = context;
    (void)attributes_of(seen->device, object); /* the driver may be called while it lists */
    uint8_t signature[1024];
    size_t len;
    (void)sign(seen->device, object, 32, signature, &len);
    assert_true(seen->count < COUNT(seen->refs));
    seen->refs[seen->count++] = object;
    return seen->count != seen->stop_at;
}

static bool was_seen(const struct seen *seen, driver_ref object)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->refs[i] == object)
            return true;
    return false;
}

static void the_listing_visits_token_objects_and_no_session_objects(void **state)
{
    struct pair token_pair = new_pair(*state, "list");
    struct pair session_pair;
    assert_int_equal(
        generate(*state, false, span_of(P256, sizeof P256), "session", &session_pair), ERR_OK);
    struct seen seen = {.device = *state};
    assert_int_equal(driver->list(*state, see, &seen), ERR_OK);
    assert_int_equal(seen.count, 2);
    assert_true(was_seen(&seen, token_pair.public_key) && was_seen(&seen, token_pair.private_key));
    struct seen first = {.device = *state, .stop_at = 1};
    assert_int_equal(driver->list(*state, see, &first), ERR_OK);
    assert_int_equal(first.count, 1);
    destroy_pair(*state, token_pair);
    destroy_pair(*state, session_pair);
}

static bool count_object(void *context, driver_ref object)
{
    (void)object;
    ++*(size_t *)context;
    return true;
}

static void more_objects_than_one_batch_are_all_listed(void **state)
{
    driver_ref refs[300];
    for (size_t i = 0; i < COUNT(refs); i++) {
        uint8_t bytes[128];
        struct writer w = writer_of(bytes, sizeof bytes);
        attribute_put_ulong(&w, ATTR_CLASS, CLASS_DATA);
        attribute_put_bool(&w, ATTR_TOKEN, true);
        assert_int_equal(driver->create(*state, writer_bytes(&w), &refs[i]), ERR_OK);
    }
    size_t count = 0;
    assert_int_equal(driver->list(*state, count_object, &count), ERR_OK);
    assert_int_equal(count, COUNT(refs));
    for (size_t i = 0; i < COUNT(refs); i++)
        assert_int_equal(driver->destroy(*state, refs[i]), ERR_OK);
}

static void failures_have_their_error_and_the_next_signature_works(void **state)
{
    struct pair pair = new_pair(*state, "failures");
    uint8_t signature[1024];
    size_t len;
    struct writer w = writer_of(signature, sizeof signature);
    struct writer no_room = writer_of(signature, 10);
    const struct span data = span_of_text("01234567890123456789012345678901");
    const struct span none = span_of(NULL, 0);
    const struct driver_use aes = {DRIVER_SIGN, pair.private_key, CKM_AES_GCM_, none};
    const struct driver_use making = {DRIVER_SIGN, pair.private_key, CKM_EC_KEY_PAIR_GEN_, none};
    const struct driver_use odd = {DRIVER_SIGN, pair.private_key, CKM_ECDSA_, span_of_text("x")};
    const struct driver_use right = {DRIVER_SIGN, pair.private_key, CKM_ECDSA_, none};
    assert_int_equal(driver->use(*state, &aes, data, none, &w), ERR_MECHANISM);
    assert_int_equal(driver->use(*state, &making, data, none, &w), ERR_MECHANISM);
    assert_int_equal(driver->use(*state, &odd, data, none, &w), ERR_MECHANISM_PARAMETER);
    assert_int_equal(driver->use(*state, &right, data, none, &no_room), ERR_TOO_LARGE);
    assert_int_equal(w.used, 0);
    assert_int_equal(sign(*state, 999999, 32, signature, &len), ERR_OBJECT_GONE);
    assert_int_not_equal(sign(*state, pair.public_key, 32, signature, &len), ERR_OK);
    assert_int_equal(sign(*state, pair.private_key, 32, signature, &len), ERR_OK);
    destroy_pair(*state, pair);
    assert_int_equal(sign(*state, pair.private_key, 32, signature, &len), ERR_OBJECT_GONE);
}

static void only_curves_that_can_sign_are_generated(void **state)
{
    struct pair pair;
    assert_int_equal(
        generate(*state, true, span_of(SECP256K1, sizeof SECP256K1), "k1", &pair), ERR_CURVE);
    assert_int_equal(generate(*state, true, span_of(P521, sizeof P521), "p521", &pair), ERR_OK);
    uint8_t signature[1024];
    size_t len;
    assert_int_equal(sign(*state, pair.private_key, 32, signature, &len), ERR_OK);
    assert_int_equal(len, 132);
    destroy_pair(*state, pair);
}

static void a_template_that_is_malformed_does_not_reach_the_device(void **state)
{
    uint8_t bytes[128];
    struct writer w = writer_of(bytes, sizeof bytes);
    attribute_put_bool(&w, ATTR_TOKEN, true);
    driver_ref ref = 0;
    struct span cut = span_of(bytes, w.used - 1);
    assert_int_equal(driver->create(*state, cut, &ref), ERR_BAD_MESSAGE);
    attribute_put_bool(&w, ATTR_TOKEN, true);
    assert_int_equal(driver->create(*state, writer_bytes(&w), &ref), ERR_TEMPLATE_INCONSISTENT);
    assert_int_equal(ref, 0);
    size_t count = 0;
    assert_int_equal(driver->list(*state, count_object, &count), ERR_OK);
    assert_int_equal(count, 0);
}

static void a_label_can_be_set(void **state)
{
    struct pair pair = new_pair(*state, "old");
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    attribute_put(&w, ATTR_LABEL, span_of_text("new"));
    assert_int_equal(driver->set(*state, pair.private_key, writer_bytes(&w)), ERR_OK);
    struct span value;
    assert_true(attribute_get(attributes_of(*state, pair.private_key), ATTR_LABEL, &value));
    assert_true(span_equal(value, span_of_text("new")));
    destroy_pair(*state, pair);
}

static void a_certificate_is_found_again_with_its_value(void **state)
{
    static const uint8_t der[] = {0x30, 0x03, 0x02, 0x01, 0x2a};
    uint8_t bytes[256];
    struct writer w = writer_of(bytes, sizeof bytes);
    attribute_put_ulong(&w, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put_ulong(&w, ATTR_CERTIFICATE_TYPE, 0);
    attribute_put_bool(&w, ATTR_TOKEN, true);
    attribute_put_bool(&w, ATTR_PRIVATE, false);
    attribute_put(&w, ATTR_SUBJECT, span_of_text("subject"));
    attribute_put(&w, ATTR_ID, span_of_text("id"));
    attribute_put(&w, ATTR_VALUE, span_of(der, sizeof der));
    driver_ref made = 0;
    assert_int_equal(driver->create(*state, writer_bytes(&w), &made), ERR_OK);
    struct seen seen = {.device = *state};
    assert_int_equal(driver->list(*state, see, &seen), ERR_OK);
    assert_true(was_seen(&seen, made));
    struct span value;
    assert_true(attribute_get(attributes_of(*state, made), ATTR_VALUE, &value));
    assert_true(span_equal(value, span_of(der, sizeof der)));
    assert_int_equal(driver->destroy(*state, made), ERR_OK);
    assert_int_equal(driver->destroy(*state, made), ERR_OBJECT_GONE);
}

static void token_objects_survive_close_and_open(void **state)
{
    (void)new_pair(*state, "stays");
    driver->close(*state);
    *state = NULL;
    assert_int_equal(open_device(state), 0);
    struct seen seen = {.device = *state};
    assert_int_equal(driver->list(*state, see, &seen), ERR_OK);
    assert_int_equal(seen.count, 2);
    for (size_t i = 0; i < seen.count; i++)
        assert_int_equal(driver->destroy(*state, seen.refs[i]), ERR_OK);
}

static void without_a_pin_private_objects_stay_out_of_sight(void **state)
{
    struct pair pair = new_pair(*state, "private");
    driver->close(*state);
    struct device *device = NULL;
    assert_int_equal(open_with(MODULE, LABEL, NULL, &device), ERR_OK);
    size_t count = 0;
    assert_int_equal(driver->list(device, count_object, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(
        generate(device, true, span_of(P256, sizeof P256), "no", &pair), ERR_ACTION_PROHIBITED);
    driver->close(device);

    assert_int_equal(open_device(state), 0);
    struct seen seen = {.device = *state};
    assert_int_equal(driver->list(*state, see, &seen), ERR_OK);
    for (size_t i = 0; i < seen.count; i++)
        assert_int_equal(driver->destroy(*state, seen.refs[i]), ERR_OK);
}

static void random_fills_the_whole_buffer(void **state)
{
    uint8_t random[1024] = {0};
    assert_int_equal(driver->random(*state, random, sizeof random), ERR_OK);
    static const uint8_t zeroes[16];
    assert_int_not_equal(memcmp(random + sizeof random - sizeof zeroes, zeroes, sizeof zeroes), 0);
}

#define WITH_DEVICE(name) cmocka_unit_test_setup_teardown(name, open_device, close_device)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_pin_is_a_pin_error),
        TEST(a_label_that_no_token_has_is_an_absent_token),
        TEST(a_module_that_cannot_be_loaded_is_a_configuration_error),
        TEST(two_tokens_of_one_label_are_refused),
        WITH_DEVICE(the_token_is_told_without_padding_and_with_served_mechanisms_only),
        WITH_DEVICE(a_signature_verifies_with_the_point_of_the_public_key),
        WITH_DEVICE(a_private_key_has_its_attributes_but_no_value),
        WITH_DEVICE(an_extractable_key_does_not_give_its_value_either),
        WITH_DEVICE(a_too_small_list_is_an_error_and_not_cut),
        WITH_DEVICE(the_listing_visits_token_objects_and_no_session_objects),
        WITH_DEVICE(more_objects_than_one_batch_are_all_listed),
        WITH_DEVICE(failures_have_their_error_and_the_next_signature_works),
        WITH_DEVICE(only_curves_that_can_sign_are_generated),
        WITH_DEVICE(a_template_that_is_malformed_does_not_reach_the_device),
        WITH_DEVICE(a_label_can_be_set),
        WITH_DEVICE(a_certificate_is_found_again_with_its_value),
        WITH_DEVICE(token_objects_survive_close_and_open),
        WITH_DEVICE(without_a_pin_private_objects_stay_out_of_sight),
        WITH_DEVICE(random_fills_the_whole_buffer),
    };
    return cmocka_run_group_tests(tests, make_token, remove_token);
}
