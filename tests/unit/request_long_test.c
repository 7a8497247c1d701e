/* SPDX-License-Identifier: MIT
 *
 * Data in parts: what was begun belongs to its client and to its session, is bounded, ends with the
 * first error, and always leaves a result line.
 */
#include "request_stand.h"

#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdlib.h>

#undef tag_bits /* p11-kit's other name for ulTagBits; a field of wire_gcm_parameter has it, too */

static const struct span none = {NULL, 0};
static uint8_t data_room[2 << 20];
static uint8_t out_room[2 << 20];
static struct writer out; /* what came out so far */

static void stand_up_long_with(const char *client_pin)
{
    stand_up_with(client_pin);
    (void)fake_put_secret(&f.device, "web", CKK_AES, true);
    (void)fake_put_secret(&f.device, "mac", CKK_GENERIC_SECRET, true);
    fixture_rule(&f, for_user(on_label(rule(true, VERB_ALL, "t.conf:5"), "mac"), ALICE));
    fixture_load(&f);
    for (size_t i = 0; i < sizeof data_room; i++)
        data_room[i] = (uint8_t)(i % 251);
    out = writer_of(out_room, sizeof out_room);
}

static int stand_up_long(void **state)
{
    (void)state;
    stand_up_long_with(NULL);
    return 0;
}
#define WITH_LONG(test) cmocka_unit_test_setup_teardown(test, stand_up_long, stand_down)

/* ---- calls ---- */

static struct span gcm(void)
{
    static uint8_t room[64];
    struct writer w = writer_of(room, sizeof room);
    const struct wire_gcm_parameter parameter = {span_of_text("twelve bytes"), none, 128};
    schema_encode(&wire_gcm_parameter_schema, &parameter, &w);
    return writer_bytes(&w);
}

/* The number, in *ret_begun. */
static err_t begin_with(struct connection *connection, struct wire_begin_request request,
    uint64_t *ret_begun)
{
    err_t err = fixture_call(&f, connection, WIRE_BEGIN, &request, &reply);
    if (err == ERR_OK) {
        *ret_begun = reply.begin_reply.begun;
        write_span(&out, reply.begin_reply.data);
    }
    return err;
}

static struct wire_begin_request mac_of(enum driver_function function, struct span data)
{
    return (struct wire_begin_request){(uint8_t)function, number_of("mac", CLASS_SECRET_KEY),
        CKM_SHA256_HMAC, none, SESSION, data};
}

static struct wire_begin_request gcm_of(enum driver_function function, struct span data)
{
    return (struct wire_begin_request){(uint8_t)function, number_of("web", CLASS_SECRET_KEY),
        CKM_AES_GCM, gcm(), SESSION, data};
}

static uint64_t begin_mac(struct connection *connection, uint64_t session)
{
    uint64_t begun = 0;
    struct wire_begin_request request = mac_of(DRIVER_SIGN, none);
    request.session = session;
    assert_int_equal(begin_with(connection, request, &begun), ERR_OK);
    return begun;
}

static err_t feed(struct connection *connection, uint64_t begun, struct span data)
{
    const struct wire_feed_request request = {begun, data};
    err_t err = fixture_call(&f, connection, WIRE_FEED, &request, &reply);
    if (err == ERR_OK)
        write_span(&out, reply.crypt_reply.data);
    return err;
}

static err_t finish_with(
    struct connection *connection, uint64_t begun, struct span data, struct span signature)
{
    const struct wire_finish_request request = {begun, data, signature};
    err_t err = fixture_call(&f, connection, WIRE_FINISH, &request, &reply);
    if (err == ERR_OK)
        write_span(&out, reply.finish_reply.data);
    return err;
}

static err_t finish(struct connection *connection, uint64_t begun)
{
    return finish_with(connection, begun, none, none);
}

static err_t cancel(struct connection *connection, uint64_t begun)
{
    const struct wire_cancel_request request = {begun};
    return fixture_call(&f, connection, WIRE_CANCEL, &request, &reply);
}

/* All of data, in parts of at most a message, and the end of what comes out. */
static err_t run(struct wire_begin_request request, struct span data, size_t part,
    struct span signature)
{
    struct reader r = reader_of(data);
    uint64_t begun = 0;
    out = writer_of(out_room, sizeof out_room);
    request.data = read_span(&r, r.left < part ? r.left : part);
    err_t err = begin_with(mine, request, &begun);
    while (err == ERR_OK && r.left > part)
        err = feed(mine, begun, read_span(&r, part));
    if (err == ERR_OK)
        err = finish_with(mine, begun, read_span(&r, r.left), signature);
    while (err == ERR_OK && reply.finish_reply.more)
        err = finish(mine, begun);
    return err;
}

static void expect_nothing_begun(void)
{
    assert_int_equal(f.device.begun, 0);
    assert_int_equal(mine->client->begun_count, 0);
    assert_int_equal(mine->place.account->begun, 0);
    assert_int_equal(f.pulse.busy_since, 0);
}

/* ---- results ---- */

static void a_signature_in_parts_is_that_of_the_whole(void **state)
{
    uint8_t expected[FAKE_SIGNATURE_SIZE];
    const struct span data = span_of(data_room, 200000);
    fake_signature(data, expected, sizeof expected);
    assert_int_equal(run(mac_of(DRIVER_SIGN, none), data, WIRE_DATA_MAX, none), ERR_OK);
    assert_true(span_equal(writer_bytes(&out), span_of(expected, sizeof expected)));
    assert_int_equal(run(mac_of(DRIVER_VERIFY, none), data, 50000, span_of(expected, 64)), ERR_OK);
    assert_int_equal(out.used, 0);
    assert_int_equal(
        run(mac_of(DRIVER_VERIFY, none), data, 50000, span_of(expected, 63)), ERR_SIGNATURE);
    expect_lines(3, 3, 0);
    assert_int_equal(lines_with(" intent BEGIN_SIGN uid=1001 pid=11 "
                                "key=pkcs11:object=mac;id=%37;type=secret-key mechanism=593 "),
        1);
    assert_int_equal(lines_with(" result of=5 SIGNATURE "), 1);
    assert_int_equal(lines_with("data-sha256="), 0);
    expect_nothing_begun();
    (void)state;
}

static void what_is_encrypted_in_parts_is_decrypted_in_parts(void **state)
{
    static const size_t sizes[] = {0, 1, 61439, 61440, 61441, 300000};
    static uint8_t sealed[400000];
    for (size_t i = 0; i < COUNT(sizes); i++) {
        const struct span data = span_of(data_room, sizes[i]);
        assert_int_equal(run(gcm_of(DRIVER_ENCRYPT, none), data, WIRE_DATA_MAX, none), ERR_OK);
        assert_int_equal(out.used, sizes[i] + FAKE_TAG);
        memcpy(sealed, out_room, out.used);
        assert_int_equal(run(gcm_of(DRIVER_DECRYPT, none), span_of(sealed, out.used),
                             WIRE_DATA_MAX, none),
            ERR_OK);
        assert_true(span_equal(writer_bytes(&out), data));
    }
    expect_nothing_begun();
    (void)state;
}

static void no_plaintext_goes_out_before_it_is_verified(void **state)
{
    static uint8_t sealed[100000 + FAKE_TAG];
    uint64_t begun = 0;
    assert_int_equal(
        run(gcm_of(DRIVER_ENCRYPT, none), span_of(data_room, 100000), 50000, none), ERR_OK);
    memcpy(sealed, out_room, sizeof sealed);
    sealed[sizeof sealed - 1] ^= 1;
    out = writer_of(out_room, sizeof out_room);
    assert_int_equal(
        begin_with(mine, gcm_of(DRIVER_DECRYPT, span_of(sealed, 50000)), &begun), ERR_OK);
    assert_int_equal(feed(mine, begun, span_of(sealed + 50000, 50000)), ERR_OK);
    assert_int_equal(out.used, 0);
    assert_int_equal(
        finish_with(mine, begun, span_of(sealed + 100000, FAKE_TAG), none), ERR_ENCRYPTED);
    assert_int_equal(finish(mine, begun), ERR_OPERATION_GONE);
    assert_int_equal(out.used, 0);
    expect_nothing_begun();
    (void)state;
}

static void a_decryption_holds_back_a_mebibyte_and_no_more(void **state)
{
    static uint8_t sealed[(1 << 20) + FAKE_TAG + 1];
    assert_int_equal(run(gcm_of(DRIVER_ENCRYPT, none), span_of(data_room, 1 << 20), WIRE_DATA_MAX,
                         none),
        ERR_OK);
    memcpy(sealed, out_room, (1 << 20) + FAKE_TAG);
    assert_int_equal(run(gcm_of(DRIVER_DECRYPT, none), span_of(sealed, (1 << 20) + FAKE_TAG),
                         WIRE_DATA_MAX, none),
        ERR_OK);
    assert_true(span_equal(writer_bytes(&out), span_of(data_room, 1 << 20)));
    assert_int_equal(run(gcm_of(DRIVER_DECRYPT, none), span_of(sealed, sizeof sealed),
                         WIRE_DATA_MAX, none),
        ERR_TOO_LARGE);
    assert_int_equal(lines_with(" TOO_LARGE "), 1);
    expect_lines(3, 3, 0);
    expect_nothing_begun();
    (void)state;
}

static void behind_the_end_there_is_nothing_but_the_rest(void **state)
{
    static uint8_t sealed[200000 + FAKE_TAG];
    assert_int_equal(
        run(gcm_of(DRIVER_ENCRYPT, none), span_of(data_room, 200000), 60000, none), ERR_OK);
    memcpy(sealed, out_room, sizeof sealed);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t begun = 0;
        assert_int_equal(
            begin_with(mine, gcm_of(DRIVER_DECRYPT, span_of(sealed, 60000)), &begun), ERR_OK);
        for (size_t at = 60000; at < 180000; at += 60000)
            assert_int_equal(feed(mine, begun, span_of(sealed + at, 60000)), ERR_OK);
        assert_int_equal(
            finish_with(mine, begun, span_of(sealed + 180000, 20000 + FAKE_TAG), none), ERR_OK);
        assert_int_equal(reply.finish_reply.more, 1);
        const struct span more = span_of(data_room, 1);
        assert_int_equal(i == 0 ? feed(mine, begun, more) : finish_with(mine, begun, more, none),
            ERR_ARGUMENTS);
        assert_int_equal(finish(mine, begun), ERR_OPERATION_GONE);
    }
    expect_lines(3, 3, 0);
    expect_nothing_begun();
    (void)state;
}

/* ---- who may ---- */

static void beginning_needs_the_verb_and_the_keys_nature(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    uint64_t begun = 0;
    fixture_rule(
        &f, for_user(rule(true, VERB_ALL & ~(uint32_t)VERB_DECRYPT, "t.conf:7"), BOB));
    assert_int_equal(begin_with(his, gcm_of(DRIVER_DECRYPT, none), &begun), ERR_DENIED);
    assert_int_equal(lines_with(" refused BEGIN_DECRYPT "), 1);
    struct wire_begin_request odd = gcm_of(DRIVER_SIGN, none);
    assert_int_equal(begin_with(mine, odd, &begun), ERR_MECHANISM);
    odd = mac_of(DRIVER_SIGN, none);
    odd.object = number_of("web", CLASS_PRIVATE_KEY);
    assert_int_equal(begin_with(mine, odd, &begun), ERR_KEY_TYPE);
    odd.mechanism = CKM_ECDSA; /* of a digest there are no parts */
    assert_int_equal(begin_with(mine, odd, &begun), ERR_MECHANISM);
    odd.object = 77;
    assert_int_equal(begin_with(mine, odd, &begun), ERR_OBJECT_GONE);
    for (unsigned i = 0; i < 2; i++) {
        odd.function = i == 0 ? 0 : 5;
        assert_int_equal(begin_with(mine, odd, &begun), ERR_ARGUMENTS);
    }
    assert_int_equal(fake_calls(&f.device), 0);
    expect_nothing_begun();
    (void)state;
}

static void what_is_begun_is_the_clients_and_nobody_elses(void **state)
{
    struct connection *second = fixture_greet(&f, &alice, CLIENT);
    struct connection *other_client = fixture_greet(&f, &alice, CLIENT + 1);
    const struct identity again = person(ALICE, 12);
    struct connection *other_process = fixture_greet(&f, &again, CLIENT);
    const uint64_t begun = begin_mac(mine, SESSION);
    assert_int_equal(feed(other_client, begun, span_of_text("x")), ERR_OPERATION_GONE);
    assert_int_equal(feed(other_process, begun, span_of_text("x")), ERR_OPERATION_GONE);
    assert_int_equal(cancel(other_process, begun), ERR_OPERATION_GONE);
    assert_int_equal(finish(other_client, begun), ERR_OPERATION_GONE);
    assert_int_equal(feed(second, begun, span_of_text("x")), ERR_OK);
    fixture_disconnect(&f, second);
    assert_int_equal(finish(mine, begun), ERR_OK);
    expect_lines(1, 1, 0);
    (void)state;
}

static void each_part_is_allowed_anew(void **state)
{
    uint64_t begun[2];
    for (unsigned at_end = 0; at_end < 2; at_end++) {
        begun[0] = begin_mac(mine, SESSION);
        assert_int_equal(
            begin_with(mine, gcm_of(DRIVER_DECRYPT, span_of(data_room, 40)), &begun[1]), ERR_OK);
        for (size_t i = 0; i < f.worker.rule_count; i++) /* as SIGHUP may bring */
            f.rules[i].verbs = VERB_ALL & ~(uint32_t)(VERB_SIGN | VERB_DECRYPT);
        const unsigned calls = fake_calls(&f.device);
        for (size_t i = 0; i < COUNT(begun); i++) {
            assert_int_equal(
                at_end ? finish(mine, begun[i]) : feed(mine, begun[i], span_of_text("x")),
                ERR_DENIED);
            assert_int_equal(finish(mine, begun[i]), ERR_OPERATION_GONE);
        }
        assert_int_equal(fake_calls(&f.device), calls);
        for (size_t i = 0; i < f.worker.rule_count; i++)
            f.rules[i].verbs = VERB_ALL;
        expect_nothing_begun();
    }
    expect_lines(4, 4, 4);
    assert_int_equal(lines_with(" DENIED "), 8);
    assert_int_equal(lines_with(" refused FINISH "), 2);
    (void)state;
}

static void of_a_key_that_was_destroyed_nothing_goes_on(void **state)
{
    const uint64_t begun = begin_mac(mine, SESSION);
    assert_int_equal(destroy(mine, number_of("mac", CLASS_SECRET_KEY)), ERR_OK);
    assert_int_equal(feed(mine, begun, span_of_text("x")), ERR_OBJECT_GONE);
    assert_int_equal(finish(mine, begun), ERR_OPERATION_GONE);
    expect_lines(2, 2, 0);
    expect_nothing_begun();
    (void)state;
}

/* ---- ends ---- */

static void a_session_takes_along_what_it_began(void **state)
{
    const uint64_t first = begin_mac(mine, SESSION);
    const uint64_t second = begin_mac(mine, SESSION + 1);
    const uint64_t third = begin_mac(mine, SESSION);
    const struct wire_end_session_request end = {SESSION};
    assert_int_equal(fixture_call(&f, mine, WIRE_END_SESSION, &end, &reply), ERR_OK);
    assert_int_equal(f.device.begun, 1);
    assert_int_equal(feed(mine, first, none), ERR_OPERATION_GONE);
    assert_int_equal(feed(mine, third, none), ERR_OPERATION_GONE);
    assert_int_equal(finish(mine, second), ERR_OK);
    expect_lines(3, 3, 0);
    assert_int_equal(lines_with(" OPERATION_GONE "), 2);
    expect_nothing_begun();
    (void)state;
}

static void cancelling_and_leaving_end_what_was_begun(void **state)
{
    const uint64_t begun = begin_mac(mine, SESSION);
    assert_int_equal(cancel(mine, begun), ERR_OK);
    assert_int_equal(cancel(mine, begun), ERR_OPERATION_GONE);
    expect_nothing_begun();
    struct connection *other = fixture_greet(&f, &alice, CLIENT + 1);
    (void)begin_mac(other, SESSION);
    (void)begin_mac(other, 0);
    assert_int_equal(mine->place.account->begun, 2);
    fixture_disconnect(&f, other);
    expect_lines(3, 3, 0);
    expect_nothing_begun();
    (void)state;
}

static void a_logout_ends_what_was_begun_where_a_pin_is_needed(void **state)
{
    const union wire_body nothing = {0};
    uint64_t begun = begin_mac(mine, SESSION);
    assert_int_equal(fixture_call(&f, mine, WIRE_LOGOUT, &nothing, &reply), ERR_OK);
    assert_int_equal(feed(mine, begun, none), ERR_OK);
    (void)stand_down(state);
    stand_up_long_with("1234");
    mine->client->logged_in = true;
    begun = begin_mac(mine, SESSION);
    assert_int_equal(fixture_call(&f, mine, WIRE_LOGOUT, &nothing, &reply), ERR_OK);
    assert_int_equal(feed(mine, begun, none), ERR_OPERATION_GONE);
    expect_nothing_begun();
    (void)state;
}

static void an_error_of_the_device_ends_it(void **state)
{
    static const enum fake_call calls[] = {FAKE_BEGIN, FAKE_FEED, FAKE_FINISH};
    for (size_t i = 0; i < COUNT(calls); i++) {
        uint64_t begun = 0;
        fake_fail(&f.device, calls[i], 1, ERR_DEVICE);
        err_t err = begin_with(mine, mac_of(DRIVER_SIGN, none), &begun);
        if (err == ERR_OK)
            err = feed(mine, begun, span_of_text("x"));
        if (err == ERR_OK)
            err = finish(mine, begun);
        assert_int_equal(err, ERR_DEVICE);
        assert_int_equal(finish(mine, begun), ERR_OPERATION_GONE);
        expect_nothing_begun();
    }
    uint64_t begun = 0;
    fake_fail(&f.device, FAKE_FEED, 1, ERR_DEVICE); /* of the data that came with BEGIN */
    assert_int_equal(
        begin_with(mine, mac_of(DRIVER_SIGN, span_of_text("x")), &begun), ERR_DEVICE);
    expect_nothing_begun();
    expect_lines(4, 4, 0);
    assert_int_equal(lines_with(" DEVICE "), 4);
    (void)state;
}

static void a_device_that_is_gone_ends_the_worker(void **state)
{
    const uint64_t begun = begin_mac(mine, SESSION);
    fake_fail(&f.device, FAKE_FEED, 1, ERR_TOKEN_ABSENT);
    assert_int_equal(feed(mine, begun, span_of_text("x")), ERR_TOKEN_ABSENT);
    assert_true(f.worker.device_lost);
    expect_nothing_begun();
    (void)state;
}

/* ---- limits ---- */

static void a_client_and_a_user_may_begin_so_much(void **state)
{
    struct connection *connections[5];
    uint64_t begun = 0;
    for (size_t i = 0; i < COUNT(connections); i++)
        connections[i] = fixture_greet(&f, &alice, CLIENT + 1 + i);
    for (size_t i = 0; i < 64; i++)
        begun = begin_mac(connections[i / 16], SESSION);
    const struct wire_begin_request one_more = mac_of(DRIVER_SIGN, none);
    for (size_t i = 0; i < COUNT(connections); i++)
        assert_int_equal(
            begin_with(connections[i], one_more, &begun), ERR_TOO_MANY_OPERATIONS);
    fixture_disconnect(&f, connections[0]);
    for (size_t i = 1; i < COUNT(connections); i++) /* the first are full, the last is not */
        assert_int_equal(begin_with(connections[i], one_more, &begun),
            i < 4 ? ERR_TOO_MANY_OPERATIONS : ERR_OK);
    assert_int_equal(lines_with(" refused BEGIN_SIGN "), 8);
    assert_int_equal(f.device.begun, 49);
    (void)state;
}

static void without_an_audit_line_nothing_is_begun_or_told(void **state)
{
    uint64_t begun = 0;
    const uint64_t before = begin_mac(mine, SESSION);
    limit_file_size(1);
    err_t beginning = begin_with(mine, mac_of(DRIVER_SIGN, none), &begun);
    err_t finishing = finish(mine, before);
    limit_file_size(SIZE_MAX);
    assert_int_equal(beginning, ERR_AUDIT);
    assert_int_equal(finishing, ERR_AUDIT);
    assert_int_equal(f.device.calls[FAKE_BEGIN], 1);
    assert_int_equal(out.used, 0);
    expect_nothing_begun();
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LONG(a_signature_in_parts_is_that_of_the_whole),
        WITH_LONG(what_is_encrypted_in_parts_is_decrypted_in_parts),
        WITH_LONG(no_plaintext_goes_out_before_it_is_verified),
        WITH_LONG(a_decryption_holds_back_a_mebibyte_and_no_more),
        WITH_LONG(behind_the_end_there_is_nothing_but_the_rest),
        WITH_LONG(beginning_needs_the_verb_and_the_keys_nature),
        WITH_LONG(what_is_begun_is_the_clients_and_nobody_elses),
        WITH_LONG(each_part_is_allowed_anew),
        WITH_LONG(of_a_key_that_was_destroyed_nothing_goes_on),
        WITH_LONG(a_session_takes_along_what_it_began),
        WITH_LONG(cancelling_and_leaving_end_what_was_begun),
        WITH_LONG(a_logout_ends_what_was_begun_where_a_pin_is_needed),
        WITH_LONG(an_error_of_the_device_ends_it),
        WITH_LONG(a_device_that_is_gone_ends_the_worker),
        WITH_LONG(a_client_and_a_user_may_begin_so_much),
        WITH_LONG(without_an_audit_line_nothing_is_begun_or_told),
    };
    (void)signal(SIGXFSZ, SIG_IGN); /* of limit_file_size */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
