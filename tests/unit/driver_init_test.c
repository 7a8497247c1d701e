/* SPDX-License-Identifier: MIT
 *
 * init of the driver pkcs11, against a SoftHSM token of its own.
 */
#include "driver_stand.h"

#define SO_PIN "1234" /* of driver_stand.c's token */

static const struct driver *const driver = &driver_pkcs11;

static struct secret *secret_of(const char *text)
{
    struct secret *secret = NULL;
    assert_int_equal(secret_new(strlen(text), &secret), ERR_OK);
    memcpy(secret_writable(secret), text, strlen(text));
    return secret;
}

static err_t init_with(const char *label, const char *so_pin, const char *pin)
{
    struct secret *secret = secret_of(pin);
    const struct driver_settings settings = {MODULE, label, secret};
    err_t err = driver->init(&settings, span_of_text(so_pin));
    secret_free(secret);
    return err;
}

static bool count(void *context, driver_ref object)
{
    (void)object;
    ++*(size_t *)context;
    return true;
}

static size_t objects_in(struct device *device)
{
    size_t objects = 0;
    assert_int_equal(driver->list(device, count, &objects), ERR_OK);
    return objects;
}

static void a_token_is_empty_afterwards_and_keeps_its_serial_and_opens_with_the_pin(void **state)
{
    struct driver_token before;
    struct driver_token after;
    struct device *device = NULL;
    (void)state;
    assert_int_equal(open_with(MODULE, LABEL, PIN, &device), ERR_OK);
    (void)new_pair(device, "goes");
    assert_int_equal(driver->token(device, &before), ERR_OK);
    driver->close(device);
    assert_int_equal(init_with(LABEL, SO_PIN, "another-pin"), ERR_OK);
    assert_int_equal(open_with(MODULE, LABEL, PIN, &device), ERR_DEVICE_PIN);
    assert_int_equal(open_with(MODULE, LABEL, "another-pin", &device), ERR_OK);
    assert_int_equal(objects_in(device), 0);
    assert_int_equal(driver->token(device, &after), ERR_OK);
    assert_string_equal(before.label, after.label);
    assert_string_equal(before.serial, after.serial);
    driver->close(device);
    assert_int_equal(init_with(LABEL, SO_PIN, PIN), ERR_OK);
}

static void a_wrong_so_pin_is_said_so_and_nothing_is_lost(void **state)
{
    struct device *device = NULL;
    (void)state;
    assert_int_equal(open_with(MODULE, LABEL, PIN, &device), ERR_OK);
    (void)new_pair(device, "stays");
    driver->close(device);
    assert_int_equal(init_with(LABEL, "4321", PIN), ERR_PIN_INCORRECT);
    assert_int_equal(open_with(MODULE, LABEL, PIN, &device), ERR_OK);
    assert_int_equal(objects_in(device), 2);
    driver->close(device);
}

static void a_user_pin_that_the_token_does_not_take_is_a_device_pin_error(void **state)
{
    (void)state;
    assert_int_equal(init_with(LABEL, SO_PIN, "1"), ERR_DEVICE_PIN); /* SoftHSM wants 4 */
    assert_int_equal(init_with(LABEL, SO_PIN, PIN), ERR_OK);
}

/* SoftHSM always has one. */
static void a_label_that_no_token_has_is_given_to_the_one_that_is_blank(void **state)
{
    struct device *device = NULL;
    (void)state;
    assert_int_equal(init_with("fresh", "8765", PIN), ERR_OK);
    assert_int_equal(open_with(MODULE, "fresh", PIN, &device), ERR_OK);
    driver->close(device);
    assert_int_equal(open_with(MODULE, LABEL, PIN, &device), ERR_OK); /* the other is untouched */
    driver->close(device);
    assert_int_equal(init_with("fresh too", "1", PIN), ERR_PIN_INCORRECT); /* too short for it */
}

static void a_module_that_cannot_be_loaded_is_a_configuration_error(void **state)
{
    const struct driver_settings settings = {"/nonexistent/module.so", LABEL, NULL};
    (void)state;
    assert_int_equal(driver->init(&settings, span_of_text(SO_PIN)), ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_empty_afterwards_and_keeps_its_serial_and_opens_with_the_pin),
        TEST(a_wrong_so_pin_is_said_so_and_nothing_is_lost),
        TEST(a_user_pin_that_the_token_does_not_take_is_a_device_pin_error),
        TEST(a_label_that_no_token_has_is_given_to_the_one_that_is_blank),
        TEST(a_module_that_cannot_be_loaded_is_a_configuration_error),
    };
    return cmocka_run_group_tests(tests, make_token, remove_token);
}
