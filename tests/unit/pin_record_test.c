/* SPDX-License-Identifier: MIT
 *
 * The record of a client PIN that was set: what it answers, and what is no record.
 */
#include "test.h"

#include "scratch.h"
#include "base/log.h"
#include "signerd/pin_record.h"

#include <stdlib.h>

static struct scratch scratch;

static int begin(void **state)
{
    (void)state;
    log_setup("pin_record_test", LOG_LEVEL_ERROR);
    scratch_make(&scratch);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static void it_knows_the_pin_and_what_the_file_held_and_does_not_mix_them_up(void **state)
{
    struct pin_record record;
    assert_int_equal(pin_record_make(span_of_text("pin"), span_of_text("file"), &record), ERR_OK);
    assert_true(pin_record_is_of(&record, span_of_text("pin")));
    assert_true(pin_record_follows(&record, span_of_text("file")));
    assert_false(pin_record_is_of(&record, span_of_text("file")));
    assert_false(pin_record_follows(&record, span_of_text("pin")));
    assert_false(pin_record_is_of(&record, span_of_text("")));
    (void)state;
}

static void equal_pins_have_different_hashes(void **state)
{
    struct pin_record one;
    struct pin_record other;
    assert_int_equal(pin_record_make(span_of_text("1"), span_of_text("1"), &one), ERR_OK);
    assert_int_equal(pin_record_make(span_of_text("1"), span_of_text("1"), &other), ERR_OK);
    assert_memory_not_equal(one.pin_hash, other.pin_hash, PIN_RECORD_HASH);
    assert_memory_not_equal(one.pin_hash, one.file_hash, PIN_RECORD_HASH);
    (void)state;
}

static void it_comes_back_from_its_file_as_it_was(void **state)
{
    struct pin_record written;
    struct pin_record read;
    assert_int_equal(pin_record_read(scratch.fd, &read), ERR_FILE);
    assert_int_equal(pin_record_remove(scratch.fd), ERR_OK);
    assert_int_equal(pin_record_make(span_of_text("1"), span_of_text("2"), &written), ERR_OK);
    assert_int_equal(pin_record_write(scratch.fd, &written), ERR_OK);
    assert_int_equal(pin_record_read(scratch.fd, &read), ERR_OK);
    assert_memory_equal(&written, &read, sizeof read);
    assert_int_equal(pin_record_remove(scratch.fd), ERR_OK);
    assert_int_equal(pin_record_read(scratch.fd, &read), ERR_FILE);
    (void)state;
}

/* PBKDF2-HMAC-SHA256 of "password" with this salt and 4096 rounds (RFC 7914 has no such vector;
 * this one is Python's hashlib). */
static void the_hash_is_pbkdf2(void **state)
{
    static const uint8_t wanted[PIN_RECORD_HASH] = {0xcf, 0x65, 0xe8, 0x0d, 0xa1, 0x35, 0xad, 0x41,
        0x23, 0x45, 0x4c, 0x63, 0x92, 0x5c, 0xc8, 0xc1, 0x1a, 0x3e, 0x7d, 0x61, 0x11, 0xcd, 0x4c,
        0xa6, 0x8c, 0x7d, 0x87, 0xf0, 0x1d, 0x34, 0x45, 0x3a};
    struct pin_record record = {.rounds = 4096};
    memcpy(record.salt, "0123456789abcdef", PIN_RECORD_SALT);
    memcpy(record.pin_hash, wanted, sizeof wanted);
    assert_true(pin_record_is_of(&record, span_of_text("password")));
    (void)state;
}

static void bytes_that_are_no_record_are_refused(void **state)
{
    struct pin_record record;
    size_t len;
    assert_int_equal(pin_record_make(span_of_text("1"), span_of_text("2"), &record), ERR_OK);
    assert_int_equal(pin_record_write(scratch.fd, &record), ERR_OK);
    uint8_t *bytes = (uint8_t *)scratch_read(&scratch, "client-pin", &len);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(pin_record_parse(span_of(bytes, cut), &record), ERR_INPUT);
    assert_int_equal(pin_record_parse(span_of(bytes, len), &record), ERR_OK);
    for (size_t i = 0; i < 8; i++) { /* magic and version */
        bytes[i] ^= 1;
        assert_int_equal(pin_record_parse(span_of(bytes, len), &record), ERR_INPUT);
        bytes[i] ^= 1;
    }
    memset(bytes + 8, 0, 4); /* no round at all */
    assert_int_equal(pin_record_parse(span_of(bytes, len), &record), ERR_INPUT);
    memset(bytes + 8, 0xff, 4); /* rounds for days */
    assert_int_equal(pin_record_parse(span_of(bytes, len), &record), ERR_INPUT);
    free(bytes);
    (void)state;
}

static void a_record_with_a_byte_too_many_is_none(void **state)
{
    struct pin_record record;
    size_t len;
    assert_int_equal(pin_record_make(span_of_text("1"), span_of_text("2"), &record), ERR_OK);
    assert_int_equal(pin_record_write(scratch.fd, &record), ERR_OK);
    char *bytes = scratch_read(&scratch, "client-pin", &len);
    char longer[256] = {0};
    memcpy(longer, bytes, len);
    scratch_write(&scratch, "client-pin", longer, len + 1);
    assert_int_equal(pin_record_read(scratch.fd, &record), ERR_INPUT);
    free(bytes);
    (void)state;
}

#define RECORD_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORD_TEST(it_knows_the_pin_and_what_the_file_held_and_does_not_mix_them_up),
        RECORD_TEST(equal_pins_have_different_hashes),
        RECORD_TEST(it_comes_back_from_its_file_as_it_was),
        RECORD_TEST(the_hash_is_pbkdf2),
        RECORD_TEST(bytes_that_are_no_record_are_refused),
        RECORD_TEST(a_record_with_a_byte_too_many_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
