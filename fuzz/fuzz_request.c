/* SPDX-License-Identifier: MIT
 *
 * All that a client can say. The input is the circumstances (4 bytes, enum circumstance and what
 * fails) and then packets, each behind its length (U16; the highest bit: on the client's second
 * connection). They go to a worker with a device in memory, where one label is the client's and
 * another is not. Whatever they are, each answer is one message, the key that no rule names is
 * never used, and nothing of the client is left when it goes.
 */
#include "fuzz.h"

#include "fixture.h"
#include "rules.h"

#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>
#include <string.h>
#include <unistd.h>

enum { UID = 1001, PID = 11, OBJECT_LIMIT = 64, LONG_LABEL = 15000, SECOND_CONNECTION = 0x8000 };

enum circumstance {
    DEVICE_ABSENT = 1,
    NO_CLIENT_PIN = 2,
    HUGE_SIGNATURES = 4,
    ONE_CONNECTION = 8,
    LONG_LIST = 16,
    STUBBORN_OBJECTS = 32,
    ADMIN = 64,
    EXPORT = 128, /* what is derived may leave */
};

static struct fixture fixture;
static struct identity who;
static struct login *login;
static driver_ref forbidden[2];

/* The slow hash is slow on purpose; here any will do. */
int __wrap_PKCS5_PBKDF2_HMAC(const char *pass, int pass_len, const unsigned char *salt,
    int salt_len, int rounds, const EVP_MD *digest, int len, unsigned char *out);
int __wrap_PKCS5_PBKDF2_HMAC(const char *pass, int pass_len, const unsigned char *salt,
    int salt_len, int rounds, const EVP_MD *digest, int len, unsigned char *out)
{
    (void)rounds;
    (void)digest;
    for (int i = 0; i < len; i++)
        out[i] = (unsigned char)(pass_len + (pass_len > 0 ? pass[i % pass_len] : 0) +
                                 salt[i % salt_len]);
    return 1;
}

/* The PIN that the seeds give, whatever the input before has set. */
static void restore_pin(void)
{
    if (unlinkat(fixture.scratch.fd, "client-pin", 0) != 0)
        return;
    login_free(login);
    fixture.worker.login = NULL;
    fixture_login(&fixture, "1234");
    login = fixture.worker.login;
}

static void end_fixture(void)
{
    fixture.worker.login = login;
    fixture_close(&fixture);
}

static void set_up(void)
{
    if (fixture.worker.driver != NULL)
        return;
    fixture_open(&fixture, "1234");
    login = fixture.worker.login;
    who = person(UID, PID);
    fixture_rule(&fixture, for_user(on_label(rule(true, VERB_ALL, "t.conf:1"), "web"), UID));
    fixture_rule(&fixture, on_class(rule(true, VERB_FIND, "t.conf:2"), CLASS_CERTIFICATE));
    fixture_rule(&fixture, rule(true, VERB_ADMIN, "t.conf:3"));
    must(atexit(end_fixture) == 0);
}

/* One that forbids to be changed or destroyed. */
static void put_stubborn(void)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put(&list, ATTR_LABEL, span_of_text("web"));
    attribute_put_bool(&list, ATTR_MODIFIABLE, false);
    attribute_put_bool(&list, ATTR_DESTROYABLE, false);
    (void)fake_put(&fixture.device, writer_bytes(&list));
}

/* A few of them fill a message. */
static void put_long(void)
{
    static const uint8_t label[LONG_LABEL];
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put(&list, ATTR_LABEL, span_of(label, sizeof label));
    (void)fake_put(&fixture.device, writer_bytes(&list));
}

static void put_objects(unsigned circumstances)
{
    struct device *device = &fixture.device;
    fake_reset(device);
    (void)fake_put_private(device, "web", "1");
    (void)fake_put_public(device, "web", "1");
    forbidden[0] = fake_put_private(device, "bank", "2");
    (void)fake_put_certificate(device, "web", "1");
    (void)fake_put_secret(device, "web", CKK_AES, true);
    (void)fake_put_secret(device, "web", CKK_GENERIC_SECRET, true);
    forbidden[1] = fake_put_secret(device, "bank", CKK_AES, true);
    fake_put_rsa(device, "web", 2048);
    if (circumstances & STUBBORN_OBJECTS)
        put_stubborn();
    for (size_t i = 0; i < 5 && (circumstances & LONG_LIST); i++)
        put_long();
    if (circumstances & HUGE_SIGNATURES)
        device->signature_size = FAKE_LIST_MAX;
}

/* The same objects with the same numbers for each input. */
static void start_anew(unsigned circumstances)
{
    struct worker *worker = &fixture.worker;
    struct objects *objects = &worker->objects;
    accounts_free(&worker->accounts);
    restore_pin();
    worker->device_lost = false;
    worker->begun_ever = 0;
    worker->device = &fixture.device;
    worker->login = circumstances & NO_CLIENT_PIN ? NULL : login;
    worker->rule_count = circumstances & ADMIN ? 3 : 2;
    fixture.rules[0].verbs = VERB_ALL | (circumstances & EXPORT ? VERB_DERIVE_EXPORT : 0);
    worker->max_connections = circumstances & ONE_CONNECTION ? 1 : 8;
    put_objects(circumstances);
    objects_free(objects);
    must(objects_init(objects, &fake_driver, &fixture.device, worker->login != NULL) == ERR_OK);
    objects->next_number = objects->generation = worker->instance = UINT64_C(1) << 32 | 1;
    must(objects_load(objects) == ERR_OK);
    if (circumstances & DEVICE_ABSENT) {
        objects_free(objects);
        worker->device = NULL;
    }
}

static void check_body(const struct wire_reply_header *header, struct reader *r)
{
    union wire_body body;
    const struct wire_operation_row *row = wire_operation_find(header->operation);
    struct span bytes = read_span(r, r->left);
    if (header->error != ERR_OK) {
        must(bytes.len == 0);
        return;
    }
    must(row != NULL && schema_decode_whole(row->reply, bytes, &body) == ERR_OK);
}

static void check_answer(struct span packet, struct span answer)
{
    struct reader r = reader_of(answer);
    struct wire_reply_header header;
    schema_decode(&wire_reply_header_schema, &r, &header);
    must(!r.failed && packet.len >= 6 &&
         memcmp(packet.ptr, answer.ptr, 6) == 0); /* call and operation */
    must(header.error == ERR_OK || err_from_number(header.error) != ERR_INTERNAL);
    check_body(&header, &r);
}

/* False where the connection would be closed. */
static bool serve(struct connection *connection, struct span packet)
{
    fixture_packet(&fixture, connection, packet);
    if (fixture.end == REQUEST_HOPELESS)
        return false;
    if (fixture.end == REQUEST_PARKED) {
        struct writer reply = writer_of(fixture.reply, sizeof fixture.reply);
        do
            connection->place.account->pin_free_at = 0;
        while (request_unpark(&fixture.worker, connection, &reply) == REQUEST_PARKED);
        fixture.answer = writer_bytes(&reply);
    }
    check_answer(packet, fixture.answer);
    for (size_t i = 0; i < 2; i++)
        must(fixture.device.last_used != forbidden[i] &&
             fixture.device.last_wrapped != forbidden[i] &&
             fake_find(&fixture.device, forbidden[i]) != NULL);
    must(fixture.device.calls[FAKE_VALUE] == 0 ||
         (fixture.rules[0].verbs & VERB_DERIVE_EXPORT) != 0);
    must(atomic_load(&fixture.pulse.busy_since) == 0);
    return fixture.worker.objects.count < OBJECT_LIMIT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(span_of(data, size));
    set_up();
    start_anew((unsigned)read_uint(&r, 1));
    const enum fake_call call = (enum fake_call)(read_uint(&r, 1) % FAKE_CALLS);
    const unsigned in = (unsigned)read_uint(&r, 1);
    const err_t with = err_from_number((unsigned)read_uint(&r, 1));
    fake_fail(&fixture.device, call, with == ERR_INTERNAL ? 0 : in, with);
    struct connection *const connections[] = {
        fixture_connect(&fixture, &who), fixture_connect(&fixture, &who)};
    while (reader_more(&r)) {
        size_t len = (size_t)read_uint(&r, 2);
        struct connection *connection = connections[(len & SECOND_CONNECTION) != 0];
        len &= ~(size_t)SECOND_CONNECTION;
        if (!serve(connection, read_span(&r, len < r.left ? len : r.left)))
            break;
    }
    fixture_disconnect(&fixture, connections[0]);
    fixture_disconnect(&fixture, connections[1]);
    must(fixture.worker.clients.first == NULL && fixture.device.begun == 0);
    for (size_t i = 0; i < fixture.worker.objects.count; i++)
        must(fixture.worker.objects.rows[i]->owner == NULL);
    return 0;
}
