/* SPDX-License-Identifier: MIT
 *
 * Everything that a client can ask of a worker: what is answered, what is refused, what the device
 * is asked, and what the audit log says of it.
 */
#include "test.h"

#include "fixture.h"
#include "rules.h"
#include "base/clock.h"

#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdlib.h>

enum { ALICE = 1001, BOB = 1002, CLIENT = 7, SESSION = 5 };
static const char client_pin[] = "1234-secret";

static struct fixture f;
static struct identity alice;
static struct identity bob;
static struct connection *mine; /* Alice's, greeted */
static union wire_body reply;

/* Alice may do all with "web"; "bank" is nobody's; both have a certificate's id. */
static void begin_with(const char *pin)
{
    fixture_open(&f, pin);
    alice = person(ALICE, 11);
    bob = person(BOB, 22);
    fixture_rule(&f, for_user(on_label(rule(true, VERB_ALL, "t.conf:1"), "web"), ALICE));
    (void)fake_put_private(&f.device, "web", "1");
    (void)fake_put_public(&f.device, "web", "1");
    (void)fake_put_private(&f.device, "bank", "2");
    fixture_load(&f);
    mine = fixture_greet(&f, &alice, CLIENT);
}

static int begin(void **state)
{
    (void)state;
    begin_with(NULL);
    return 0;
}

static int begin_with_pin(void **state)
{
    (void)state;
    begin_with(client_pin);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

/* ---- calls ---- */

static uint64_t number_of(const char *label, uint32_t class)
{
    for (size_t i = 0; i < f.worker.objects.count; i++) {
        const struct object *object = f.worker.objects.rows[i];
        if (object->key.class == class && span_equal(object->key.label, span_of_text(label)))
            return object->number;
    }
    return 0;
}

static err_t hello(
    struct connection *connection, uint16_t lowest, uint16_t highest, struct span ticket)
{
    const struct wire_hello_request request = {lowest, highest, CLIENT, ticket};
    return fixture_call(&f, connection, WIRE_HELLO, &request, &reply);
}

static err_t sign_with(
    struct connection *connection, uint64_t object, uint32_t mechanism, struct span parameter)
{
    const struct wire_sign_request request = {
        object, mechanism, parameter, span_of_text("0123456789abcdef")};
    return fixture_call(&f, connection, WIRE_SIGN, &request, &reply);
}

static err_t sign(struct connection *connection, const char *label)
{
    return sign_with(connection, number_of(label, CLASS_PRIVATE_KEY), CKM_ECDSA, span_of(NULL, 0));
}

static err_t login(struct connection *connection, const char *pin)
{
    const struct wire_login_request request = {CKU_USER, span_of_text(pin)};
    return fixture_call(&f, connection, WIRE_LOGIN, &request, &reply);
}

static err_t generate(struct connection *connection, const char *label, uint64_t session)
{
    uint8_t public_room[256];
    uint8_t private_room[256];
    struct writer public_list = writer_of(public_room, sizeof public_room);
    struct writer private_list = writer_of(private_room, sizeof private_room);
    attribute_put(&public_list, ATTR_EC_PARAMS, fake_ec_params);
    attribute_put(&public_list, ATTR_LABEL, span_of_text(label));
    attribute_put(&public_list, ATTR_ID, span_of_text("9"));
    attribute_put(&private_list, ATTR_LABEL, span_of_text(label));
    attribute_put(&private_list, ATTR_ID, span_of_text("9"));
    const struct wire_generate_pair_request request = {
        session, CKM_EC_KEY_PAIR_GEN, writer_bytes(&public_list), writer_bytes(&private_list)};
    return fixture_call(&f, connection, WIRE_GENERATE_PAIR, &request, &reply);
}

static err_t create(struct connection *connection, const char *label, uint64_t session)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put(&list, ATTR_LABEL, span_of_text(label));
    attribute_put(&list, ATTR_VALUE, span_of_text("der"));
    attribute_put(&list, ATTR_SUBJECT, span_of_text("subject"));
    const struct wire_create_request request = {session, writer_bytes(&list)};
    return fixture_call(&f, connection, WIRE_CREATE, &request, &reply);
}

static err_t destroy(struct connection *connection, uint64_t object)
{
    const struct wire_destroy_request request = {object};
    return fixture_call(&f, connection, WIRE_DESTROY, &request, &reply);
}

static err_t set_bytes(
    struct connection *connection, uint64_t object, uint32_t type, const char *value)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put(&list, type, span_of_text(value));
    const struct wire_set_request request = {object, writer_bytes(&list)};
    return fixture_call(&f, connection, WIRE_SET, &request, &reply);
}

static err_t random_bytes(struct connection *connection, uint32_t length)
{
    const struct wire_random_request request = {length};
    return fixture_call(&f, connection, WIRE_RANDOM, &request, &reply);
}

static err_t list_from(struct connection *connection, uint64_t since, uint32_t cursor)
{
    const struct wire_list_request request = {since, cursor};
    return fixture_call(&f, connection, WIRE_LIST, &request, &reply);
}

/* The numbers in a reply's objects. */
static size_t numbers_in(struct span objects, uint64_t *numbers, size_t most)
{
    struct reader r = reader_of(objects);
    struct wire_object object;
    size_t count = 0;
    while (reader_more(&r)) {
        schema_decode(&wire_object_schema, &r, &object);
        assert_false(r.failed);
        assert_int_equal(attribute_list_check(object.attributes), ERR_OK);
        assert_true(count < most);
        numbers[count++] = object.object;
    }
    return count;
}

/* How many objects the client sees, over all parts. */
static size_t seen_by(struct connection *connection)
{
    uint64_t numbers[1024];
    size_t count = 0;
    uint32_t cursor = 0;
    do {
        assert_int_equal(list_from(connection, 0, cursor), ERR_OK);
        count += numbers_in(reply.list_reply.objects, numbers, COUNT(numbers));
        cursor = reply.list_reply.next;
    } while (cursor != 0);
    return count;
}

/* ---- the audit log ---- */

static size_t lines_with(const char *text)
{
    struct audit_lines lines = fixture_audit(&f);
    assert_true(lines.count == 0 || audit_chain_holds(&lines));
    size_t count = audit_lines_with(&lines, text);
    audit_lines_free(&lines);
    return count;
}

/* So many lines of each kind were written, and no call of the device is marked as going on. */
static void expect_lines(size_t intents, size_t results, size_t refusals)
{
    assert_int_equal(lines_with(" intent "), intents);
    assert_int_equal(lines_with(" result "), results);
    assert_int_equal(lines_with(" refused "), refusals);
    assert_int_equal(f.pulse.busy_since, 0);
}

/* ---- packets ---- */

static void expect_error(err_t expected)
{
    struct reader r = reader_of(f.answer);
    struct wire_reply_header header;
    schema_decode(&wire_reply_header_schema, &r, &header);
    assert_int_equal(f.end, REQUEST_ANSWERED);
    assert_true(reader_finished(&r)); /* no body behind an error */
    assert_int_equal(header.error, expected);
}

static void a_packet_without_a_whole_header_is_hopeless(void **state)
{
    static const uint8_t header[] = {0, 0, 0, 1, 0, WIRE_LOGOUT};
    for (size_t len = 0; len < sizeof header; len++) {
        fixture_packet(&f, mine, span_of(header, len));
        assert_int_equal(f.end, REQUEST_HOPELESS);
        assert_int_equal(f.answer.len, 0);
    }
    fixture_packet(&f, mine, span_of(header, sizeof header));
    expect_error(ERR_OK);
    (void)state;
}

static void an_unknown_operation_is_told_so(void **state)
{
    static const uint8_t unknown[][8] = {
        {1, 2, 3, 4, 0, 0}, {1, 2, 3, 4, 0, 99}, {1, 2, 3, 4, 0xff, 0xff, 1, 2}};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        fixture_packet(&f, mine, span_of(unknown[i], sizeof unknown[i]));
        expect_error(ERR_UNKNOWN_OPERATION);
        assert_memory_equal(f.answer.ptr, unknown[i], 6); /* call and operation come back */
    }
    (void)state;
}

/* Every operation of the table, with a body that is one byte long or short. */
static void a_body_that_is_not_exactly_one_is_refused(void **state)
{
    struct connection *fresh = fixture_connect(&f, &alice);
    for (size_t i = 0; i < wire_operations_count; i++) {
        const struct wire_operation_row *row = &wire_operations[i];
        struct connection *connection = row->operation == WIRE_HELLO ? fresh : mine;
        uint8_t packet[256] = {0, 0, 0, 1, 0, (uint8_t)row->operation};
        struct writer w = writer_of(packet + 6, sizeof packet - 6);
        const union wire_body nothing = {0};
        schema_encode(row->request, &nothing, &w);
        size_t whole = 6 + writer_bytes(&w).len;
        fixture_packet(&f, connection, span_of(packet, whole + 1));
        expect_error(ERR_BAD_MESSAGE);
        if (row->request->count > 0) {
            fixture_packet(&f, connection, span_of(packet, whole - 1));
            expect_error(ERR_BAD_MESSAGE);
        }
    }
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

/* ---- HELLO ---- */

static void hello_comes_first(void **state)
{
    struct connection *fresh = fixture_connect(&f, &alice);
    for (size_t i = 0; i < wire_operations_count; i++) {
        const union wire_body nothing = {0};
        if (wire_operations[i].operation != WIRE_HELLO)
            assert_int_equal(
                fixture_call(&f, fresh, wire_operations[i].operation, &nothing, &reply),
                ERR_NO_HELLO);
    }
    (void)state;
}

static void hello_tells_the_token(void **state)
{
    struct connection *fresh = fixture_connect(&f, &alice);
    assert_int_equal(hello(fresh, 0, 9, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(reply.hello_reply.version, WIRE_VERSION_MAX);
    assert_true(reply.hello_reply.instance == f.worker.instance);
    assert_int_equal(reply.hello_reply.present, 1);
    assert_int_equal(reply.hello_reply.login_required, 0);
    assert_true(span_equal(reply.hello_reply.label, span_of_text("demo")));
    assert_int_equal(reply.hello_reply.mechanisms.len, 2 * 16);
    (void)state;
}

static void hello_without_a_common_version_is_refused(void **state)
{
    struct connection *fresh = fixture_connect(&f, &alice);
    assert_int_equal(hello(fresh, WIRE_VERSION_MAX + 1, WIRE_VERSION_MAX + 9, span_of(NULL, 0)),
        ERR_BAD_VERSION);
    assert_int_equal(hello(fresh, 0, WIRE_VERSION_MIN - 1, span_of(NULL, 0)), ERR_BAD_VERSION);
    assert_int_equal(hello(fresh, 2, 1, span_of(NULL, 0)), ERR_BAD_MESSAGE);
    assert_int_equal(hello(fresh, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(NULL, 0)), ERR_OK);
    (void)state;
}

static void hello_twice_is_refused(void **state)
{
    assert_int_equal(
        hello(mine, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(NULL, 0)), ERR_BAD_MESSAGE);
    (void)state;
}

static void a_user_has_so_many_connections_and_others_have_theirs(void **state)
{
    struct connection *last = NULL;
    for (size_t i = 1; i < f.worker.max_connections; i++)
        last = fixture_greet(&f, &alice, CLIENT);
    struct connection *over = fixture_connect(&f, &alice);
    assert_int_equal(hello(over, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(NULL, 0)),
        ERR_TOO_MANY_CONNECTIONS);
    (void)fixture_greet(&f, &bob, CLIENT);
    fixture_disconnect(&f, last);
    assert_int_equal(hello(over, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(NULL, 0)), ERR_OK);
    (void)state;
}

static void without_the_device_only_calls_that_need_none_are_served(void **state)
{
    struct connection *fresh = fixture_connect(&f, &alice);
    objects_free(&f.worker.objects);
    f.worker.device = NULL;
    f.worker.instance = 0;
    assert_int_equal(hello(fresh, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(reply.hello_reply.present, 0);
    assert_true(fresh->greeted_absent);
    assert_int_equal(list_from(fresh, 0, 0), ERR_OK);
    assert_int_equal(reply.list_reply.unchanged, 0);
    assert_int_equal(random_bytes(fresh, 8), ERR_TOKEN_ABSENT);
    assert_int_equal(sign(fresh, "web"), ERR_TOKEN_ABSENT);
    (void)state;
}

/* ---- SIGN ---- */

static void a_signature_has_its_intent_and_its_result(void **state)
{
    uint8_t expected[FAKE_SIGNATURE_SIZE];
    fake_signature(span_of_text("0123456789abcdef"), expected, sizeof expected);
    assert_int_equal(sign(mine, "web"), ERR_OK);
    assert_true(span_equal(reply.sign_reply.signature, span_of(expected, sizeof expected)));
    expect_lines(1, 1, 0);
    assert_int_equal(lines_with(" intent SIGN uid=1001 pid=11 "
                                "key=pkcs11:object=web;id=%31;type=private mechanism=4161 "),
        1);
    assert_int_equal(lines_with(" result of=1 OK "), 1);
    (void)state;
}

static void what_policy_does_not_allow_is_denied_before_the_device(void **state)
{
    fixture_rule(&f, for_user(rule(true, VERB_FIND, "t.conf:2"), BOB));
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(sign(his, "web"), ERR_DENIED);
    expect_lines(0, 0, 1);
    assert_int_equal(lines_with(" refused SIGN uid=1002 pid=22 "
                                "key=pkcs11:object=web;id=%31;type=private mechanism=4161 "),
        1);
    assert_int_equal(lines_with(" DENIED rule=t.conf%3a2 "), 1);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

static void a_key_that_policy_hides_is_as_one_that_is_not_there(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(sign(his, "web"), ERR_OBJECT_GONE);
    const struct span hidden =
        span_of(f.reply + 4, f.answer.len - 4); /* but for the call's number */
    uint8_t copy[64];
    memcpy(copy, hidden.ptr, hidden.len);
    assert_int_equal(sign_with(his, 1, CKM_ECDSA, span_of(NULL, 0)), ERR_OBJECT_GONE);
    assert_memory_equal(copy, f.reply + 4, hidden.len);
    assert_int_equal(sign(mine, "bank"), ERR_OBJECT_GONE);
    assert_int_equal(destroy(his, number_of("web", CLASS_PRIVATE_KEY)), ERR_OBJECT_GONE);
    assert_int_equal(
        set_bytes(his, number_of("web", CLASS_PRIVATE_KEY), ATTR_LABEL, "x"), ERR_OBJECT_GONE);
    expect_lines(0, 0, 4);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

static void a_key_that_is_not_there_is_gone(void **state)
{
    static const uint64_t numbers[] = {0, 1, UINT64_MAX};
    for (size_t i = 0; i < COUNT(numbers); i++)
        assert_int_equal(sign_with(mine, numbers[i], CKM_ECDSA, span_of(NULL, 0)), ERR_OBJECT_GONE);
    expect_lines(0, 0, 0);
    (void)state;
}

static void a_use_that_the_key_has_not_is_refused_before_the_device(void **state)
{
    const uint64_t key = number_of("web", CLASS_PRIVATE_KEY);
    assert_int_equal(
        sign_with(mine, number_of("web", CLASS_PUBLIC_KEY), CKM_ECDSA, span_of(NULL, 0)),
        ERR_KEY_TYPE);
    assert_int_equal(sign_with(mine, key, CKM_SHA256_HMAC, span_of(NULL, 0)), ERR_MECHANISM);
    assert_int_equal(sign_with(mine, key, CKM_EC_KEY_PAIR_GEN, span_of(NULL, 0)), ERR_MECHANISM);
    assert_int_equal(sign_with(mine, key, CKM_ECDSA, span_of_text("x")), ERR_MECHANISM_PARAMETER);
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 4);
    (void)state;
}

static void without_an_audit_line_the_device_is_not_asked(void **state)
{
    limit_file_size(1);
    err_t signing = sign(mine, "web");
    err_t making = generate(mine, "web", 0);
    err_t storing = create(mine, "web", 0);
    err_t renaming = set_bytes(mine, number_of("web", CLASS_PRIVATE_KEY), ATTR_LABEL, "web");
    err_t ending = destroy(mine, number_of("web", CLASS_PRIVATE_KEY));
    limit_file_size(SIZE_MAX);
    assert_int_equal(signing, ERR_AUDIT);
    assert_int_equal(making, ERR_AUDIT);
    assert_int_equal(storing, ERR_AUDIT);
    assert_int_equal(renaming, ERR_AUDIT);
    assert_int_equal(ending, ERR_AUDIT);
    assert_int_equal(fake_calls(&f.device), 0);
    assert_int_equal(sign(mine, "web"), ERR_OK);
    expect_lines(1, 1, 0);
    (void)state;
}

static void a_failure_of_the_device_is_told_and_written(void **state)
{
    fake_fail(&f.device, FAKE_SIGN, 1, ERR_DATA_LENGTH);
    assert_int_equal(sign(mine, "web"), ERR_DATA_LENGTH);
    expect_lines(1, 1, 0);
    assert_int_equal(lines_with(" result of=1 DATA_LENGTH "), 1);
    assert_false(f.worker.device_lost);
    (void)state;
}

/* Alice's rule names a key; random bytes are about none. */
static void may_have_random_bytes(void)
{
    fixture_rule(&f, for_user(rule(true, VERB_RANDOM, "t.conf:3"), ALICE));
}

static void what_cannot_be_read_back_from_the_device_ends_the_worker(void **state)
{
    fake_fail(&f.device, FAKE_ATTRIBUTES, 2, ERR_DEVICE); /* the private key of the pair */
    assert_int_equal(generate(mine, "web", SESSION), ERR_DEVICE);
    assert_true(f.worker.device_lost);
    expect_lines(1, 1, 0);
    (void)state;
}

static void a_device_that_is_gone_ends_the_worker_once_it_has_answered(void **state)
{
    static const enum fake_call calls[] = {
        FAKE_SIGN, FAKE_GENERATE, FAKE_CREATE, FAKE_RANDOM, FAKE_SET, FAKE_DESTROY};
    may_have_random_bytes();
    for (size_t i = 0; i < COUNT(calls); i++) {
        f.worker.device_lost = false;
        fake_fail(&f.device, calls[i], 1, ERR_TOKEN_ABSENT);
        const uint64_t key = number_of("web", CLASS_PRIVATE_KEY);
        err_t err = calls[i] == FAKE_SIGN       ? sign(mine, "web")
                    : calls[i] == FAKE_GENERATE ? generate(mine, "web", 0)
                    : calls[i] == FAKE_CREATE   ? create(mine, "web", 0)
                    : calls[i] == FAKE_RANDOM   ? random_bytes(mine, 8)
                    : calls[i] == FAKE_SET      ? set_bytes(mine, key, ATTR_LABEL, "web")
                                                : destroy(mine, key);
        assert_int_equal(err, ERR_TOKEN_ABSENT);
        assert_true(f.worker.device_lost);
    }
    assert_int_equal(
        lines_with(" TOKEN_ABSENT "), COUNT(calls) - 1); /* random bytes have no line */
    (void)state;
}

static void an_answer_too_large_for_its_message_is_not_cut(void **state)
{
    f.device.signature_size = 4097;
    assert_int_equal(sign(mine, "web"), ERR_TOO_LARGE);
    f.device.signature_size = 4096;
    assert_int_equal(sign(mine, "web"), ERR_OK);
    assert_int_equal(reply.sign_reply.signature.len, 4096);
    (void)state;
}

static void a_flood_of_refusals_is_counted_and_not_written(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    for (size_t i = 0; i < 500; i++)
        assert_int_equal(sign(his, "web"), ERR_OBJECT_GONE);
    assert_in_range(lines_with(" refused "), 50, 100);
    his->place.account->refusal_tokens = 1;
    assert_int_equal(sign(his, "web"), ERR_OBJECT_GONE);
    assert_int_equal(his->place.account->refusals_left_out, 0);
    assert_true(lines_with(" refused-more uid=1002 count=4") >= 1);
    (void)state;
}

/* ---- LIST ---- */

static void a_client_sees_only_what_it_may_use(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(seen_by(mine), 2);
    assert_int_equal(seen_by(his), 0);
    (void)state;
}

static void a_list_that_has_not_changed_is_not_sent_again(void **state)
{
    assert_int_equal(list_from(mine, 0, 0), ERR_OK);
    assert_int_equal(reply.list_reply.unchanged, 0);
    const uint64_t generation = f.header.generation;
    assert_int_equal(list_from(mine, generation, 0), ERR_OK);
    assert_int_equal(reply.list_reply.unchanged, 1);
    assert_int_equal(reply.list_reply.objects.len, 0);
    assert_int_equal(create(mine, "web", 0), ERR_OK);
    assert_true(f.header.generation > generation);
    assert_int_equal(list_from(mine, generation, 0), ERR_OK);
    assert_int_equal(reply.list_reply.unchanged, 0);
    (void)state;
}

static void many_objects_come_in_parts_each_once_and_in_order(void **state)
{
    enum { MANY = 700, LABEL = 200 };
    static char label[LABEL + 1];
    static uint64_t numbers[MANY + 2];
    memset(label, 'l', LABEL);
    fixture_rule(
        &f, for_user(on_class(rule(true, VERB_FIND, "t.conf:2"), CLASS_CERTIFICATE), ALICE));
    for (size_t i = 0; i < MANY; i++)
        (void)fake_put_certificate(&f.device, label, "1");
    fixture_load(&f);
    size_t count = 0;
    size_t parts = 0;
    uint32_t cursor = 0;
    do {
        assert_int_equal(list_from(mine, 0, cursor), ERR_OK);
        count += numbers_in(reply.list_reply.objects, numbers + count, COUNT(numbers) - count);
        cursor = reply.list_reply.next;
        parts++;
    } while (cursor != 0);
    assert_int_equal(count, MANY + 2);
    assert_in_range(parts, 3, 8);
    for (size_t i = 1; i < count; i++)
        assert_true(numbers[i] > numbers[i - 1]);
    (void)state;
}

/* ---- making, storing, changing, destroying ---- */

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

static void only_certificates_are_stored(void **state)
{
    static const uint64_t classes[] = {
        CLASS_DATA, CLASS_PUBLIC_KEY, CLASS_PRIVATE_KEY, CLASS_SECRET_KEY};
    for (size_t i = 0; i < COUNT(classes); i++) {
        uint8_t room[64];
        struct writer list = writer_of(room, sizeof room);
        attribute_put_ulong(&list, ATTR_CLASS, classes[i]);
        const struct wire_create_request request = {0, writer_bytes(&list)};
        assert_int_equal(
            fixture_call(&f, mine, WIRE_CREATE, &request, &reply), ERR_ATTRIBUTE_VALUE);
    }
    const struct wire_create_request nothing = {0, span_of(NULL, 0)};
    assert_int_equal(
        fixture_call(&f, mine, WIRE_CREATE, &nothing, &reply), ERR_TEMPLATE_INCOMPLETE);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

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
    fixture_disconnect(&f, other);
    assert_int_equal(create(mine, "web", SESSION), ERR_OK);
    assert_int_equal(end_session(mine, SESSION), ERR_OK);
    assert_int_equal(mine->place.account->session_objects, 0);
    assert_int_equal(generate(mine, "web", SESSION), ERR_OK);
    (void)state;
}

/* ---- RANDOM ---- */

static void random_bytes_need_a_rule_and_a_length(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(random_bytes(his, 8), ERR_DENIED);
    assert_int_equal(random_bytes(mine, 8), ERR_DENIED);
    may_have_random_bytes();
    assert_int_equal(random_bytes(mine, 0), ERR_ARGUMENTS);
    assert_int_equal(random_bytes(mine, WIRE_RANDOM_MAX + 1), ERR_ARGUMENTS);
    assert_int_equal(fake_calls(&f.device), 0);
    assert_int_equal(random_bytes(mine, WIRE_RANDOM_MAX), ERR_OK);
    assert_int_equal(reply.random_reply.random.len, WIRE_RANDOM_MAX);
    assert_int_equal(reply.random_reply.random.ptr[WIRE_RANDOM_MAX - 1], 0x5a);
    fake_fail(&f.device, FAKE_RANDOM, 1, ERR_UNSUPPORTED);
    assert_int_equal(random_bytes(mine, 8), ERR_UNSUPPORTED);
    expect_lines(0, 0, 2);
    (void)state;
}

/* ---- LOGIN ---- */

static void without_a_client_pin_any_login_is_fine(void **state)
{
    assert_int_equal(login(mine, "anything"), ERR_OK);
    assert_int_equal(login(mine, ""), ERR_OK);
    assert_int_equal(reply.login_reply.ticket.len, 0);
    assert_int_equal(sign(mine, "web"), ERR_OK);
    (void)state;
}

static void only_a_user_logs_in(void **state)
{
    static const uint32_t users[] = {CKU_SO, CKU_CONTEXT_SPECIFIC, UINT32_MAX};
    for (size_t i = 0; i < COUNT(users); i++) {
        const struct wire_login_request request = {users[i], span_of_text(client_pin)};
        assert_int_equal(fixture_call(&f, mine, WIRE_LOGIN, &request, &reply), ERR_USER_TYPE);
    }
    (void)state;
}

static void keys_need_the_pin_first(void **state)
{
    const uint64_t before = f.worker.objects.generation;
    assert_int_equal(seen_by(mine), 1); /* the public key */
    assert_int_equal(sign(mine, "web"), ERR_NOT_LOGGED_IN);
    assert_int_equal(generate(mine, "web", 0), ERR_NOT_LOGGED_IN);
    expect_lines(0, 0, 2);
    assert_int_equal(fake_calls(&f.device), 0);
    assert_int_equal(login(mine, client_pin), ERR_OK);
    assert_true(f.worker.objects.generation > before);
    assert_int_equal(seen_by(mine), 2);
    assert_int_equal(sign(mine, "web"), ERR_OK);
    assert_int_equal(generate(mine, "web", 0), ERR_OK);
    assert_int_equal(login(mine, client_pin), ERR_ALREADY_LOGGED_IN);
    (void)state;
}

/* Else whoever has no right to a key could count them by their numbers. */
static void the_pin_is_asked_for_only_where_it_would_help(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(sign(his, "web"), ERR_OBJECT_GONE);
    assert_int_equal(sign(mine, "bank"), ERR_OBJECT_GONE);
    (void)state;
}

static void a_login_is_its_clients_and_ends_with_logout(void **state)
{
    const union wire_body nothing = {0};
    struct connection *second = fixture_greet(&f, &alice, CLIENT);
    struct connection *other = fixture_greet(&f, &alice, CLIENT + 1);
    assert_int_equal(login(mine, client_pin), ERR_OK);
    assert_int_equal(sign(second, "web"), ERR_OK);
    assert_int_equal(sign(other, "web"), ERR_NOT_LOGGED_IN);
    const uint64_t before = f.worker.objects.generation;
    assert_int_equal(fixture_call(&f, second, WIRE_LOGOUT, &nothing, &reply), ERR_OK);
    assert_true(f.worker.objects.generation > before);
    assert_int_equal(sign(mine, "web"), ERR_NOT_LOGGED_IN);
    (void)state;
}

static void a_ticket_logs_in_its_own_process_and_no_other(void **state)
{
    uint8_t ticket[LOGIN_TICKET_SIZE];
    struct identity later = alice;
    later.start_time++;
    const struct identity strangers[] = {person(ALICE, 12), person(BOB, 11), later};
    assert_int_equal(login(mine, client_pin), ERR_OK);
    assert_int_equal(reply.login_reply.ticket.len, sizeof ticket);
    memcpy(ticket, reply.login_reply.ticket.ptr, sizeof ticket);
    for (size_t i = 0; i < COUNT(strangers); i++) {
        struct connection *other = fixture_connect(&f, &strangers[i]);
        assert_int_equal(
            hello(other, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(ticket, sizeof ticket)),
            ERR_OK);
        assert_int_equal(reply.hello_reply.logged_in, 0);
    }
    fixture_disconnect(&f, mine);
    const uint64_t before = f.worker.objects.generation;
    struct connection *next = fixture_connect(&f, &alice);
    assert_int_equal(
        hello(next, WIRE_VERSION_MIN, WIRE_VERSION_MAX, span_of(ticket, sizeof ticket)), ERR_OK);
    assert_int_equal(reply.hello_reply.login_required, 1);
    assert_int_equal(reply.hello_reply.logged_in, 1);
    assert_true(f.worker.objects.generation > before);
    assert_int_equal(sign(next, "web"), ERR_OK);
    (void)state;
}

static void expect_parked_for(uint64_t seconds, err_t err)
{
    const uint64_t now = clock_us();
    assert_int_equal(err, ERR_TIMED_OUT);
    assert_in_range(mine->parked_until, now + seconds * 1000000 - 900000, now + seconds * 1000000);
}

static void a_wrong_pin_is_answered_late_and_the_next_later(void **state)
{
    expect_parked_for(1, login(mine, "wrong"));
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_PIN_INCORRECT);
    expect_parked_for(1 + 2, login(mine, ""));
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_PIN_INCORRECT);
    assert_int_equal(mine->parked_until, 0);
    assert_int_equal(sign(mine, "web"), ERR_NOT_LOGGED_IN);
    assert_int_equal(lines_with(" refused LOGIN uid=1001 pid=11 PIN_INCORRECT "), 2);
    assert_int_equal(lines_with("wrong"), 0);
    (void)state;
}

static void the_right_pin_after_a_failure_logs_in_when_it_is_answered(void **state)
{
    expect_parked_for(1, login(mine, "wrong"));
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_PIN_INCORRECT);
    expect_parked_for(2, login(mine, client_pin));
    assert_false(mine->client->logged_in);
    assert_int_equal(fixture_unpark(&f, mine, &reply), ERR_OK);
    assert_int_equal(reply.login_reply.ticket.len, LOGIN_TICKET_SIZE);
    assert_true(mine->client->logged_in);
    assert_int_equal(sign(mine, "web"), ERR_OK);
    (void)state;
}

static void one_users_failures_delay_no_other(void **state)
{
    fixture_rule(&f, for_user(rule(true, VERB_SIGN, "t.conf:2"), BOB));
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    expect_parked_for(1, login(mine, "wrong"));
    assert_int_equal(login(his, client_pin), ERR_OK);
    assert_int_equal(sign(his, "web"), ERR_OK);
    (void)state;
}

static void expect_wiped(size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(f.packet[i], 0);
}

static void a_packet_with_a_pin_is_wiped_however_it_ends(void **state)
{
    const size_t len = 6 + 4 + 4 + strlen(client_pin);
    assert_int_equal(login(mine, client_pin), ERR_OK);
    expect_wiped(len);
    assert_int_equal(login(mine, client_pin), ERR_ALREADY_LOGGED_IN);
    expect_wiped(len);
    assert_int_equal(login(fixture_connect(&f, &alice), client_pin), ERR_NO_HELLO);
    expect_wiped(len);
    static const uint8_t malformed[] = {
        0, 0, 0, 1, 0, WIRE_LOGIN, 0, 0, 0, 1, 0, 0, 0, 9, '1', '2', '3', '4'};
    fixture_packet(&f, mine, span_of(malformed, sizeof malformed));
    expect_error(ERR_BAD_MESSAGE);
    expect_wiped(sizeof malformed);
    (void)state;
}

#define FREE(name)     cmocka_unit_test_setup_teardown(name, begin, end)
#define WITH_PIN(name) cmocka_unit_test_setup_teardown(name, begin_with_pin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FREE(a_packet_without_a_whole_header_is_hopeless),
        FREE(an_unknown_operation_is_told_so),
        FREE(a_body_that_is_not_exactly_one_is_refused),
        FREE(hello_comes_first),
        FREE(hello_tells_the_token),
        FREE(hello_without_a_common_version_is_refused),
        FREE(hello_twice_is_refused),
        FREE(a_user_has_so_many_connections_and_others_have_theirs),
        FREE(without_the_device_only_calls_that_need_none_are_served),
        FREE(a_signature_has_its_intent_and_its_result),
        FREE(what_policy_does_not_allow_is_denied_before_the_device),
        FREE(a_key_that_policy_hides_is_as_one_that_is_not_there),
        FREE(a_key_that_is_not_there_is_gone),
        FREE(a_use_that_the_key_has_not_is_refused_before_the_device),
        FREE(without_an_audit_line_the_device_is_not_asked),
        FREE(a_failure_of_the_device_is_told_and_written),
        FREE(what_cannot_be_read_back_from_the_device_ends_the_worker),
        FREE(a_device_that_is_gone_ends_the_worker_once_it_has_answered),
        FREE(an_answer_too_large_for_its_message_is_not_cut),
        FREE(a_flood_of_refusals_is_counted_and_not_written),
        FREE(a_client_sees_only_what_it_may_use),
        FREE(a_list_that_has_not_changed_is_not_sent_again),
        FREE(many_objects_come_in_parts_each_once_and_in_order),
        FREE(generating_needs_policy_on_the_label_that_results),
        FREE(a_refusal_has_its_line_however_long_the_label),
        FREE(generating_needs_policy_on_both_halves),
        FREE(a_generated_pair_comes_back_joined),
        FREE(only_certificates_are_stored),
        FREE(nobody_renames_into_or_out_of_anothers_rights),
        FREE(what_cannot_be_changed_is_refused_before_the_device),
        FREE(an_object_that_forbids_it_is_neither_changed_nor_destroyed),
        FREE(a_destroyed_object_is_gone_for_all),
        FREE(an_object_that_the_device_does_not_destroy_stays),
        FREE(a_session_object_is_its_clients_alone),
        FREE(session_objects_end_with_their_session),
        FREE(session_objects_end_with_the_clients_last_connection),
        FREE(a_user_has_room_for_so_many_session_objects),
        FREE(random_bytes_need_a_rule_and_a_length),
        FREE(without_a_client_pin_any_login_is_fine),
        WITH_PIN(only_a_user_logs_in),
        WITH_PIN(keys_need_the_pin_first),
        WITH_PIN(the_pin_is_asked_for_only_where_it_would_help),
        WITH_PIN(a_login_is_its_clients_and_ends_with_logout),
        WITH_PIN(a_ticket_logs_in_its_own_process_and_no_other),
        WITH_PIN(a_wrong_pin_is_answered_late_and_the_next_later),
        WITH_PIN(the_right_pin_after_a_failure_logs_in_when_it_is_answered),
        WITH_PIN(one_users_failures_delay_no_other),
        WITH_PIN(a_packet_with_a_pin_is_wiped_however_it_ends),
    };
    (void)signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
