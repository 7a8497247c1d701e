/* SPDX-License-Identifier: MIT
 *
 * The worker, the connections and the calls of the tests request_*_test.c.
 */
#include "request_stand.h"

#include "wire/compact.h"

#include <p11-kit/pkcs11.h>

struct fixture f;
struct identity alice;
struct identity bob;
struct connection *mine;
union wire_body reply;

void stand_up_with(const char *client_pin)
{
    fixture_open(&f, client_pin);
    alice = person(ALICE, 11);
    bob = person(BOB, 22);
    fixture_rule(&f, for_user(on_label(rule(true, VERB_ALL, "t.conf:1"), "web"), ALICE));
    (void)fake_put_private(&f.device, "web", "1");
    (void)fake_put_public(&f.device, "web", "1");
    (void)fake_put_private(&f.device, "bank", "2");
    fixture_load(&f);
    mine = fixture_greet(&f, &alice, CLIENT);
}

int stand_up(void **state)
{
    (void)state;
    stand_up_with(NULL);
    return 0;
}

int stand_down(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

void may_have_random_bytes(void)
{
    fixture_rule(&f, for_user(rule(true, VERB_RANDOM, "t.conf:3"), ALICE));
}

/* ---- calls ---- */

uint64_t number_of(const char *label, uint32_t class)
{
    for (size_t i = 0; i < f.worker.objects.count; i++) {
        const struct object *object = f.worker.objects.rows[i];
        if (object->key.class == class && span_equal(object->key.label, span_of_text(label)))
            return object->number;
    }
    return 0;
}

err_t hello(struct connection *connection, uint16_t lowest, uint16_t highest, struct span ticket)
{
    const struct wire_hello_request request = {lowest, highest, CLIENT, ticket};
    return fixture_call(&f, connection, WIRE_HELLO, &request, &reply);
}

err_t sign_with(
    struct connection *connection, uint64_t object, uint32_t mechanism, struct span parameter)
{
    const struct wire_sign_request request = {
        object, mechanism, parameter, span_of_text("0123456789abcdef")};
    return fixture_call(&f, connection, WIRE_SIGN, &request, &reply);
}

err_t sign(struct connection *connection, const char *label)
{
    return sign_with(connection, number_of(label, CLASS_PRIVATE_KEY), CKM_ECDSA, span_of(NULL, 0));
}

err_t generate(struct connection *connection, const char *label, uint64_t session)
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

err_t create(struct connection *connection, const char *label, uint64_t session)
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

err_t destroy(struct connection *connection, uint64_t object)
{
    const struct wire_destroy_request request = {object};
    return fixture_call(&f, connection, WIRE_DESTROY, &request, &reply);
}

err_t set_bytes(struct connection *connection, uint64_t object, uint32_t type, const char *value)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put(&list, type, span_of_text(value));
    const struct wire_set_request request = {object, writer_bytes(&list)};
    return fixture_call(&f, connection, WIRE_SET, &request, &reply);
}

err_t random_bytes(struct connection *connection, uint32_t length)
{
    const struct wire_random_request request = {length};
    return fixture_call(&f, connection, WIRE_RANDOM, &request, &reply);
}

err_t list_from(struct connection *connection, uint64_t since, uint32_t cursor)
{
    const struct wire_list_request request = {since, cursor};
    return fixture_call(&f, connection, WIRE_LIST, &request, &reply);
}

size_t numbers_listed(uint64_t *ret_numbers, size_t most)
{
    static uint8_t room[WIRE_LIST_MAX];
    struct writer plain = writer_of(room, sizeof room);
    assert_int_equal(compact_read(reply.list_reply.objects, &plain), ERR_OK);
    return numbers_in(writer_bytes(&plain), ret_numbers, most);
}

size_t numbers_in(struct span objects, uint64_t *ret_numbers, size_t most)
{
    struct reader r = reader_of(objects);
    struct wire_object object;
    size_t count = 0;
    while (reader_more(&r)) {
        schema_decode(&wire_object_schema, &r, &object);
        assert_false(r.failed);
        assert_int_equal(attribute_list_check(object.attributes), ERR_OK);
        assert_true(count < most);
        ret_numbers[count++] = object.object;
    }
    return count;
}

size_t seen_by(struct connection *connection)
{
    uint64_t numbers[1024];
    size_t count = 0;
    uint32_t cursor = 0;
    do {
        assert_int_equal(list_from(connection, 0, cursor), ERR_OK);
        count += numbers_listed(numbers, COUNT(numbers));
        cursor = reply.list_reply.next;
    } while (cursor != 0);
    return count;
}

void expect_error(err_t expected)
{
    struct reader r = reader_of(f.answer);
    struct wire_reply_header header;
    schema_decode(&wire_reply_header_schema, &r, &header);
    assert_int_equal(f.end, REQUEST_ANSWERED);
    assert_true(reader_finished(&r)); /* no body behind an error */
    assert_int_equal(header.error, expected);
}

/* ---- the audit log ---- */

size_t lines_with(const char *text)
{
    struct audit_lines lines = fixture_audit(&f);
    assert_true(lines.count == 0 || audit_chain_holds(&lines));
    size_t count = audit_lines_with(&lines, text);
    audit_lines_free(&lines);
    return count;
}

void expect_lines(size_t intents, size_t results, size_t refusals)
{
    assert_int_equal(lines_with(" intent "), intents);
    assert_int_equal(lines_with(" result "), results);
    assert_int_equal(lines_with(" refused "), refusals);
    assert_int_equal(f.pulse.busy_since, 0);
}
