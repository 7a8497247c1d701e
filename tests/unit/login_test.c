/* SPDX-License-Identifier: MIT
 *
 * The client PIN and its tickets.
 */
#include "test.h"

#include "rules.h"
#include "scratch.h"
#include "base/log.h"
#include "signerd/login.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct scratch scratch;
static struct login *login;

static struct secret *secret_of(const char *text)
{
    struct secret *secret;
    assert_int_equal(secret_new(strlen(text), &secret), ERR_OK);
    memcpy(secret_writable(secret), text, strlen(text));
    return secret;
}

static struct login *login_of(const char *device, const char *pin)
{
    struct login *made;
    assert_int_equal(login_new(scratch.fd, device, secret_of(pin), &made), ERR_OK);
    return made;
}

static int begin(void **state)
{
    (void)state;
    log_setup("login_test", LOG_LEVEL_ERROR);
    scratch_make(&scratch);
    login = login_of("demo", "1234-secret");
    return 0;
}

static int end(void **state)
{
    (void)state;
    login_free(login);
    scratch_remove(&scratch);
    return 0;
}

static bool is_right(const char *pin)
{
    return login_pin_is_right(login, span_of_text(pin));
}

static void only_the_whole_pin_is_right(void **state)
{
    assert_true(is_right("1234-secret"));
    assert_false(is_right("1234-secreT"));
    assert_false(is_right("1234-secre"));
    assert_false(is_right("1234-secret "));
    assert_false(is_right("1"));
    assert_false(is_right(""));
    assert_false(login_pin_is_right(login, span_of(NULL, 0)));
    assert_false(login_pin_is_right(login, span_of("1234-secret", 12))); /* with its NUL */
    (void)state;
}

/* HMAC pads a short key with zeroes, but the PIN is not the key. */
static void a_pin_with_zeroes_behind_it_is_another(void **state)
{
    assert_false(login_pin_is_right(login, span_of("1234-secret\0\0\0", 14)));
    (void)state;
}

static void expect_ticket(
    const struct login *other, struct identity who, struct span ticket, bool right)
{
    assert_int_equal(login_ticket_is_right(other, &who, ticket), right);
}

static void a_ticket_serves_its_process_alone(void **state)
{
    uint8_t bytes[LOGIN_TICKET_SIZE] = {0};
    const struct span ticket = span_of(bytes, sizeof bytes);
    const struct identity mine = person(1001, 77);
    struct identity later = mine;
    later.start_time++;
    assert_int_equal(login_ticket(login, &mine, bytes), ERR_OK);
    expect_ticket(login, mine, ticket, true);
    expect_ticket(login, person(1002, 77), ticket, false);
    expect_ticket(login, person(1001, 78), ticket, false);
    expect_ticket(login, later, ticket, false);
    (void)state;
}

static void each_bit_of_a_ticket_counts(void **state)
{
    uint8_t ticket[LOGIN_TICKET_SIZE + 1] = {0};
    const struct identity mine = person(1001, 77);
    assert_int_equal(login_ticket(login, &mine, ticket), ERR_OK);
    for (size_t bit = 0; bit < 8 * LOGIN_TICKET_SIZE; bit++) {
        ticket[bit / 8] ^= (uint8_t)(1U << bit % 8);
        expect_ticket(login, mine, span_of(ticket, LOGIN_TICKET_SIZE), false);
        ticket[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    expect_ticket(login, mine, span_of(ticket, LOGIN_TICKET_SIZE - 1), false);
    expect_ticket(login, mine, span_of(ticket, LOGIN_TICKET_SIZE + 1), false);
    expect_ticket(login, mine, span_of(NULL, 0), false);
    (void)state;
}

static void a_ticket_outlives_the_worker(void **state)
{
    uint8_t bytes[LOGIN_TICKET_SIZE] = {0};
    const struct identity mine = person(1001, 77);
    assert_int_equal(login_ticket(login, &mine, bytes), ERR_OK);
    struct login *next = login_of("demo", "1234-secret");
    expect_ticket(next, mine, span_of(bytes, sizeof bytes), true);
    login_free(next);
    (void)state;
}

static void a_ticket_ends_with_pin_device_and_key(void **state)
{
    uint8_t bytes[LOGIN_TICKET_SIZE] = {0};
    const struct span ticket = span_of(bytes, sizeof bytes);
    const struct identity mine = person(1001, 77);
    assert_int_equal(login_ticket(login, &mine, bytes), ERR_OK);
    struct login *other_pin = login_of("demo", "5678");
    struct login *other_device = login_of("demo2", "1234-secret");
    (void)unlinkat(scratch.fd, "ticket.key", 0);
    struct login *other_key = login_of("demo", "1234-secret");
    expect_ticket(other_pin, mine, ticket, false);
    expect_ticket(other_device, mine, ticket, false);
    expect_ticket(other_key, mine, ticket, false);
    login_free(other_pin);
    login_free(other_device);
    login_free(other_key);
    (void)state;
}

static void the_key_file_is_random_and_its_owners_alone(void **state)
{
    struct stat status;
    size_t len;
    assert_int_equal(fstatat(scratch.fd, "ticket.key", &status, 0), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    char *first = scratch_read(&scratch, "ticket.key", &len);
    assert_int_equal(len, 32);
    (void)unlinkat(scratch.fd, "ticket.key", 0);
    login_free(login_of("demo", "1"));
    char *second = scratch_read(&scratch, "ticket.key", &len);
    assert_memory_not_equal(first, second, 32);
    free(first);
    free(second);
    (void)state;
}

static void expect_no_login(void)
{
    struct login *made;
    struct secret *pin = secret_of("1");
    assert_int_equal(login_new(scratch.fd, "demo", pin, &made), ERR_SYSTEM);
    secret_free(pin);
}

static void a_short_key_file_is_no_key(void **state)
{
    scratch_write(&scratch, "ticket.key", "0123456789012345678901234567890", 31);
    expect_no_login();
    scratch_write(&scratch, "ticket.key", "", 0);
    expect_no_login();
    (void)state;
}

/* Who could put a link there could choose the key. */
static void a_key_file_that_is_a_link_is_not_followed(void **state)
{
    scratch_write(&scratch, "elsewhere", "01234567890123456789012345678901", 32);
    (void)unlinkat(scratch.fd, "ticket.key", 0);
    assert_int_equal(symlinkat("elsewhere", scratch.fd, "ticket.key"), 0);
    expect_no_login();
    (void)state;
}

/* ---- a PIN that was set ---- */

static void restart(const char *file_pin)
{
    login_free(login);
    login = login_of("demo", file_pin);
}

static void set(const char *pin)
{
    assert_int_equal(login_set_pin(login, span_of_text(pin)), ERR_OK);
}

static void a_pin_that_was_set_counts_at_once_and_after_a_restart(void **state)
{
    set("new");
    for (int i = 0; i < 2; i++) {
        assert_false(is_right("1234-secret"));
        assert_true(is_right("new"));
        assert_false(is_right("New"));
        assert_false(is_right("ne"));
        assert_false(is_right(""));
        restart("1234-secret");
    }
    assert_true(is_right("new")); /* before a wrong one */
    set("newer");
    restart("1234-secret");
    assert_false(is_right("new"));
    assert_true(is_right("newer"));
    (void)state;
}

static void another_pin_in_the_file_supersedes_the_one_that_was_set_for_good(void **state)
{
    set("new");
    restart("5678");
    assert_false(is_right("new"));
    assert_true(is_right("5678"));
    restart("1234-secret");
    assert_true(is_right("1234-secret"));
    assert_false(is_right("new"));
    (void)state;
}

static void a_pin_that_is_set_voids_all_tickets(void **state)
{
    uint8_t bytes[LOGIN_TICKET_SIZE] = {0};
    uint8_t later[LOGIN_TICKET_SIZE] = {0};
    const struct identity mine = person(1001, 77);
    assert_int_equal(login_ticket(login, &mine, bytes), ERR_OK);
    set("new");
    expect_ticket(login, mine, span_of(bytes, sizeof bytes), false);
    assert_int_equal(login_ticket(login, &mine, later), ERR_OK);
    restart("1234-secret");
    expect_ticket(login, mine, span_of(bytes, sizeof bytes), false);
    expect_ticket(login, mine, span_of(later, sizeof later), true);
    set("new"); /* the same PIN, and yet */
    expect_ticket(login, mine, span_of(later, sizeof later), false);
    (void)state;
}

static void a_pin_has_1_to_256_bytes(void **state)
{
    char pin[257];
    memset(pin, 'x', sizeof pin);
    assert_int_equal(login_set_pin(login, span_of(pin, 0)), ERR_PIN_LENGTH);
    assert_int_equal(login_set_pin(login, span_of(pin, 257)), ERR_PIN_LENGTH);
    assert_true(is_right("1234-secret"));
    assert_int_equal(login_set_pin(login, span_of(pin, 256)), ERR_OK);
    assert_true(login_pin_is_right(login, span_of(pin, 256)));
    assert_false(login_pin_is_right(login, span_of(pin, 257)));
    restart("1234-secret");
    assert_false(login_pin_is_right(login, span_of(pin, 257)));
    assert_true(login_pin_is_right(login, span_of(pin, 256)));
    (void)state;
}

static void a_pin_that_cannot_be_kept_is_not_set(void **state)
{
    assert_int_equal(mkdirat(scratch.fd, "client-pin", 0700), 0); /* rename cannot replace it */
    assert_int_equal(login_set_pin(login, span_of_text("new")), ERR_SYSTEM);
    assert_true(is_right("1234-secret"));
    assert_int_equal(unlinkat(scratch.fd, "client-pin", AT_REMOVEDIR), 0);
    assert_int_equal(faccessat(scratch.fd, "client-pin.new", F_OK, 0), -1);
    (void)state;
}

/* Else whoever can cut it brings back the PIN that was replaced. */
static void a_record_that_cannot_be_read_stops_the_worker(void **state)
{
    set("new");
    scratch_write(&scratch, "client-pin", "SPIN", 4);
    struct login *made;
    struct secret *pin = secret_of("1234-secret");
    assert_int_equal(login_new(scratch.fd, "demo", pin, &made), ERR_SYSTEM);
    secret_free(pin);
    (void)state;
}

static void the_record_is_its_owners_alone_and_holds_no_pin(void **state)
{
    struct stat status;
    size_t len;
    set("a-new-one");
    assert_int_equal(fstatat(scratch.fd, "client-pin", &status, 0), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    char *record = scratch_read(&scratch, "client-pin", &len);
    assert_null(memmem(record, len, "a-new-one", 9));
    assert_null(memmem(record, len, "1234-secret", 11));
    free(record);
    (void)state;
}

#define LOGIN_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOGIN_TEST(only_the_whole_pin_is_right),
        LOGIN_TEST(a_pin_with_zeroes_behind_it_is_another),
        LOGIN_TEST(a_ticket_serves_its_process_alone),
        LOGIN_TEST(each_bit_of_a_ticket_counts),
        LOGIN_TEST(a_ticket_outlives_the_worker),
        LOGIN_TEST(a_ticket_ends_with_pin_device_and_key),
        LOGIN_TEST(the_key_file_is_random_and_its_owners_alone),
        LOGIN_TEST(a_short_key_file_is_no_key),
        LOGIN_TEST(a_key_file_that_is_a_link_is_not_followed),
        LOGIN_TEST(a_pin_that_was_set_counts_at_once_and_after_a_restart),
        LOGIN_TEST(another_pin_in_the_file_supersedes_the_one_that_was_set_for_good),
        LOGIN_TEST(a_pin_that_is_set_voids_all_tickets),
        LOGIN_TEST(a_pin_has_1_to_256_bytes),
        LOGIN_TEST(a_pin_that_cannot_be_kept_is_not_set),
        LOGIN_TEST(a_record_that_cannot_be_read_stops_the_worker),
        LOGIN_TEST(the_record_is_its_owners_alone_and_holds_no_pin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
