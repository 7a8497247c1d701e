/* SPDX-License-Identifier: MIT
 *
 * Which messages an operation of the module becomes, and what it makes of a worker that answers as
 * none should. The calls to the worker are wrapped (linker --wrap): a worker that adds nothing to
 * the data, and does on demand what the test says.
 */
#include "test.h"

#include "pkcs11-module/cipher.h"
#include "pkcs11-module/module.h"
#include "pkcs11-module/session.h"
#include "pkcs11-module/sign.h"
#include "pkcs11-module/slot.h"

enum { BEGUN = 5, INSTANCE = 7, DATA = 200000, ROOM = DATA + 1000 };

err_t __wrap_slot_call_object(struct slot *slot, CK_OBJECT_HANDLE handle,
    struct pool_request *request, uint64_t *number, void *ret_reply,
    struct pool_answer *ret_answer);
err_t __wrap_pool_call(struct pool *pool, const struct pool_request *request, void *ret_reply,
    struct pool_answer *ret_answer);
void __wrap_pool_release(struct pool *pool, struct pool_answer *answer);

/* ---- the worker ---- */

static struct {
    char log[512]; /* the operations that it was asked for */
    enum wire_operation fails_at;
    err_t error;
    size_t surplus;  /* bytes more than it should give */
    bool keeps;      /* gives nothing before the end */
    bool stuck;      /* says there is more, and brings nothing */
    unsigned pieces; /* of the end */
    size_t held;
    unsigned connections; /* taken and not given back */
} worker;

static uint8_t output[WIRE_OUTPUT_MAX];

static struct span give(size_t len)
{
    const size_t all = len + worker.surplus;
    return span_of(output, all < sizeof output ? all : sizeof output);
}

static struct span give_of(struct span data)
{
    worker.held += data.len;
    const size_t now = worker.keeps ? 0 : worker.held / 16 * 16;
    worker.held -= now;
    return give(now);
}

static void finish(const struct wire_finish_request *in, struct wire_finish_reply *out)
{
    worker.held += in->data.len;
    const bool last = worker.pieces <= 1;
    const size_t now = last ? worker.held / 16 * 16 + 16 : 16;
    worker.pieces -= last ? 0 : 1;
    worker.held -= last ? worker.held : now;
    *out = (struct wire_finish_reply){!last, give(now)};
    if (worker.stuck)
        *out = (struct wire_finish_reply){1, span_of(NULL, 0)};
}

static void answer(const struct pool_request *request, void *reply)
{
    switch (request->operation) {
    case WIRE_SIGN:
        *(struct wire_sign_reply *)reply = (struct wire_sign_reply){give(32)};
        break;
    case WIRE_ENCRYPT: {
        const struct wire_crypt_request *in = request->body;
        *(struct wire_crypt_reply *)reply =
            (struct wire_crypt_reply){give(in->data.len / 16 * 16 + 16)};
        break;
    }
    case WIRE_BEGIN: {
        const struct wire_begin_request *in = request->body;
        *(struct wire_begin_reply *)reply = (struct wire_begin_reply){
            BEGUN, in->function <= 2 ? span_of(NULL, 0) : give_of(in->data)};
        break;
    }
    case WIRE_FEED: {
        const struct wire_feed_request *in = request->body;
        assert_int_equal(in->begun, BEGUN);
        *(struct wire_crypt_reply *)reply = (struct wire_crypt_reply){give_of(in->data)};
        break;
    }
    case WIRE_FINISH:
        finish(request->body, reply);
        break;
    default:
        break;
    }
}

static err_t serve(const struct pool_request *request, void *reply, struct pool_answer *ret_answer)
{
    const size_t used = strlen(worker.log);
    (void)strncat(
        worker.log, wire_operation_find(request->operation)->name, sizeof worker.log - used - 2);
    (void)strcat(worker.log, " ");
    if (worker.fails_at == request->operation)
        return worker.error;
    answer(request, reply);
    *ret_answer = (struct pool_answer){{NULL, INSTANCE}, 1};
    worker.connections++;
    return ERR_OK;
}

err_t __wrap_slot_call_object(struct slot *slot, CK_OBJECT_HANDLE handle,
    struct pool_request *request, uint64_t *number, void *ret_reply, struct pool_answer *ret_answer)
{
    (void)slot;
    (void)handle;
    *number = 1;
    return serve(request, ret_reply, ret_answer);
}

err_t __wrap_pool_call(struct pool *pool, const struct pool_request *request, void *ret_reply,
    struct pool_answer *ret_answer)
{
    (void)pool;
    assert_int_equal(request->instance, INSTANCE); /* never sent to another life of the worker */
    return serve(request, ret_reply, ret_answer);
}

void __wrap_pool_release(struct pool *pool, struct pool_answer *answer)
{
    (void)pool;
    (void)answer;
    worker.connections--;
}

/* ---- the stand ---- */

static struct module module = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct slot slot;
static struct session session;
static CK_OBJECT_HANDLE aes;
static CK_OBJECT_HANDLE generic;
static uint8_t data[DATA];
static uint8_t out[ROOM];
static CK_ULONG len;
static uint8_t iv[16];
static CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
static CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};

static void offer(CK_MECHANISM_TYPE type, CK_FLAGS flags)
{
    struct token *token = &slot.pool.token;
    token->mechanisms[token->mechanism_count] = type;
    token->mechanism_infos[token->mechanism_count++].flags = flags;
}

static CK_OBJECT_HANDLE add_key(CK_KEY_TYPE type, uint64_t number)
{
    static const uint32_t permissions[] = {ATTR_ENCRYPT, ATTR_DECRYPT, ATTR_SIGN, ATTR_VERIFY};
    uint8_t attributes[256];
    uint8_t bytes[512];
    CK_OBJECT_HANDLE handle = 0;
    struct writer list = writer_of(attributes, sizeof attributes);
    struct writer w = writer_of(bytes, sizeof bytes);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(&list, ATTR_KEY_TYPE, type);
    for (size_t i = 0; i < COUNT(permissions); i++)
        attribute_put_bool(&list, permissions[i], true);
    const struct wire_object object = {number, 0, writer_bytes(&list)};
    schema_encode(&wire_object_schema, &object, &w);
    const struct snapshot_news news = {INSTANCE, 1, writer_bytes(&w)};
    assert_int_equal(snapshot_add(&slot.snapshot, &news, &handle, 1), ERR_OK);
    return handle;
}

static int set_up(void **state)
{
    (void)state;
    memset(&worker, 0, sizeof worker);
    slot = (struct slot){.module = &module, .pool = {.lock = &module.lock, .instance = INSTANCE}};
    session = (struct session){.handle = 1, .module = &module, .slot = &slot};
    offer(CKM_AES_CBC_PAD, CKF_ENCRYPT | CKF_DECRYPT);
    offer(CKM_SHA256_HMAC, CKF_SIGN | CKF_VERIFY);
    aes = add_key(CKK_AES, 1);
    generic = add_key(CKK_GENERIC_SECRET, 2);
    len = sizeof out;
    return 0;
}

/* Every connection was given back, and nothing begun is left behind. */
static int tear_down(void **state)
{
    (void)state;
    for (int kind = 0; kind < OPERATION_KINDS; kind++)
        operation_end(&session, (enum operation_kind)kind);
    snapshot_clear(&slot.snapshot);
    return worker.connections == 0 ? 0 : -1;
}
#define WITH_WORKER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void assert_log(const char *wanted)
{
    assert_string_equal(worker.log, wanted);
    worker.log[0] = '\0';
}

static CK_RV encrypt(size_t data_len)
{
    len = sizeof out;
    CK_RV rv = operation_begin(&session, OPERATION_ENCRYPT, &cbc, aes);
    return rv != CKR_OK ? rv : cipher_whole(&session, OPERATION_ENCRYPT, data, data_len, out, &len);
}

static CK_RV update(size_t data_len)
{
    len = sizeof out;
    return cipher_update(&session, OPERATION_ENCRYPT, data, data_len, out, &len);
}

static void begin_encryption(void)
{
    assert_int_equal(operation_begin(&session, OPERATION_ENCRYPT, &cbc, aes), CKR_OK);
}

static void assert_ended(void)
{
    assert_int_equal(update(1), CKR_OPERATION_NOT_INITIALIZED);
}

/* ---- which messages ---- */

static void data_that_fits_is_one_message_and_longer_data_several(void **state)
{
    static const struct {
        size_t len;
        const char *log;
    } rows[] = {{0, "ENCRYPT "}, {WIRE_DATA_MAX, "ENCRYPT "}, {WIRE_DATA_MAX + 1, "BEGIN FINISH "},
        {2 * WIRE_DATA_MAX, "BEGIN FINISH "}, {2 * WIRE_DATA_MAX + 1, "BEGIN FEED FINISH "},
        {DATA, "BEGIN FEED FEED FINISH "}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(encrypt(rows[i].len), CKR_OK);
        assert_int_equal(len, rows[i].len / 16 * 16 + 16);
        assert_log(rows[i].log);
    }
}

static void init_sizes_and_small_buffers_cost_no_message(void **state)
{
    (void)state;
    begin_encryption();
    assert_int_equal(cipher_whole(&session, OPERATION_ENCRYPT, data, DATA, NULL, &len), CKR_OK);
    assert_int_equal(len, DATA + 16);
    len--;
    assert_int_equal(
        cipher_whole(&session, OPERATION_ENCRYPT, data, DATA, out, &len), CKR_BUFFER_TOO_SMALL);
    len = 15;
    assert_int_equal(
        cipher_update(&session, OPERATION_ENCRYPT, data, 16, out, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(cipher_finish(&session, OPERATION_ENCRYPT, NULL, &len), CKR_OK);
    assert_int_equal(len, 16);
    assert_log("");
    assert_false(session.known);
}

static void parts_of_a_mac_are_gathered_until_a_message_is_full(void **state)
{
    (void)state;
    assert_int_equal(operation_begin(&session, OPERATION_SIGN, &hmac, generic), CKR_OK);
    for (size_t i = 0; i < WIRE_DATA_MAX / 1024; i++)
        assert_int_equal(sign_update(&session, OPERATION_SIGN, data, 1024), CKR_OK);
    assert_log("");
    len = 32;
    assert_int_equal(sign_finish(&session, out, &len), CKR_OK);
    assert_log("SIGN ");

    assert_int_equal(operation_begin(&session, OPERATION_SIGN, &hmac, generic), CKR_OK);
    assert_int_equal(sign_update(&session, OPERATION_SIGN, data, WIRE_DATA_MAX), CKR_OK);
    assert_log("");
    assert_int_equal(sign_update(&session, OPERATION_SIGN, data, 1), CKR_OK);
    assert_log("BEGIN ");
    assert_true(session.known);
    assert_int_equal(sign_update(&session, OPERATION_SIGN, data, WIRE_DATA_MAX - 1), CKR_OK);
    assert_log("");
}

static void what_was_begun_is_cancelled_where_the_program_errs(void **state)
{
    (void)state;
    begin_encryption();
    assert_int_equal(update(100), CKR_OK);
    assert_int_equal(
        cipher_update(&session, OPERATION_ENCRYPT, NULL, 5, out, &len), CKR_ARGUMENTS_BAD);
    assert_log("BEGIN CANCEL ");
    assert_ended();
    begin_encryption();
    assert_int_equal(update(100), CKR_OK);
    assert_int_equal(
        cipher_whole(&session, OPERATION_ENCRYPT, data, 5, out, &len), CKR_OPERATION_ACTIVE);
    assert_log("BEGIN CANCEL ");
    assert_ended();
}

/* ---- a worker as none should be ---- */

static void an_error_of_the_worker_ends_it_and_needs_no_cancel(void **state)
{
    static const struct {
        enum wire_operation at;
        err_t error;
        CK_RV rv;
        const char *log;
    } rows[] = {{WIRE_BEGIN, ERR_TOO_MANY_OPERATIONS, CKR_DEVICE_MEMORY, "BEGIN "},
        {WIRE_BEGIN, ERR_DENIED, CKR_KEY_FUNCTION_NOT_PERMITTED, "BEGIN "},
        {WIRE_FEED, ERR_DEVICE, CKR_DEVICE_ERROR, "BEGIN FEED "},
        {WIRE_FEED, ERR_OPERATION_GONE, CKR_DEVICE_ERROR, "BEGIN FEED "},
        {WIRE_FEED, ERR_UNREACHABLE, CKR_DEVICE_ERROR, "BEGIN FEED "},
        {WIRE_FEED, ERR_INTERRUPTED, CKR_DEVICE_ERROR, "BEGIN FEED "},
        {WIRE_FEED, ERR_TIMED_OUT, CKR_DEVICE_ERROR, "BEGIN FEED "},
        {WIRE_FINISH, ERR_DEVICE, CKR_DEVICE_ERROR, "BEGIN FEED FEED FINISH "}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        worker.fails_at = rows[i].at;
        worker.error = rows[i].error;
        assert_int_equal(encrypt(DATA), rows[i].rv);
        assert_log(rows[i].log);
        assert_ended();
    }
}

/* A restart: the pool finds another worker than the one that knows what was begun. */
static void another_life_of_the_worker_is_a_device_error_and_a_key_that_is_gone_is_not(void **state)
{
    (void)state;
    worker.fails_at = WIRE_FEED;
    worker.error = ERR_OBJECT_GONE;
    assert_int_equal(encrypt(DATA), CKR_OBJECT_HANDLE_INVALID);
    slot.pool.instance = INSTANCE + 1;
    assert_int_equal(encrypt(DATA), CKR_DEVICE_ERROR);
}

static void more_output_than_there_can_be_is_a_device_error(void **state)
{
    (void)state;
    worker.surplus = 17;
    begin_encryption();
    len = 1008;
    assert_int_equal(
        cipher_whole(&session, OPERATION_ENCRYPT, data, 1000, out, &len), CKR_DEVICE_ERROR);
    assert_log("ENCRYPT ");
    assert_ended();
    begin_encryption();
    len = 992;
    assert_int_equal(
        cipher_update(&session, OPERATION_ENCRYPT, data, 1000, out, &len), CKR_DEVICE_ERROR);
    assert_log("BEGIN CANCEL ");
    assert_ended();
    begin_encryption();
    assert_int_equal(update(1000), CKR_DEVICE_ERROR); /* though there is room for it */
    assert_log("BEGIN CANCEL ");
    assert_ended();
    assert_int_equal(operation_begin(&session, OPERATION_SIGN, &hmac, generic), CKR_OK);
    len = 100;
    assert_int_equal(sign_whole(&session, data, 10, out, &len), CKR_DEVICE_ERROR);
}

static void an_end_that_brings_nothing_for_ever_is_given_up(void **state)
{
    (void)state;
    worker.stuck = true;
    assert_int_equal(encrypt(DATA), CKR_DEVICE_ERROR);
    assert_log("BEGIN FEED FEED FINISH CANCEL ");
    assert_ended();
}

static void an_end_in_pieces_is_put_together(void **state)
{
    (void)state;
    worker.keeps = true;
    worker.pieces = 3;
    begin_encryption();
    assert_int_equal(update(1000), CKR_OK);
    assert_int_equal(len, 0);
    len = sizeof out;
    assert_int_equal(cipher_finish(&session, OPERATION_ENCRYPT, out, &len), CKR_OK);
    assert_int_equal(len, 1008);
    assert_log("BEGIN FINISH FINISH FINISH ");
    assert_ended();
}

/* What a device keeps is asked for at the end, so there must be room for all of it. */
static void a_device_that_gives_late_is_waited_for(void **state)
{
    (void)state;
    worker.keeps = true;
    begin_encryption();
    assert_int_equal(update(1000), CKR_OK);
    assert_int_equal(cipher_finish(&session, OPERATION_ENCRYPT, NULL, &len), CKR_OK);
    assert_int_equal(len, 1008);
    len = 1007;
    assert_int_equal(cipher_finish(&session, OPERATION_ENCRYPT, out, &len), CKR_BUFFER_TOO_SMALL);
    assert_log("BEGIN ");
    assert_int_equal(cipher_finish(&session, OPERATION_ENCRYPT, out, &len), CKR_OK);
    assert_int_equal(len, 1008);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORKER(data_that_fits_is_one_message_and_longer_data_several),
        WITH_WORKER(init_sizes_and_small_buffers_cost_no_message),
        WITH_WORKER(parts_of_a_mac_are_gathered_until_a_message_is_full),
        WITH_WORKER(what_was_begun_is_cancelled_where_the_program_errs),
        WITH_WORKER(an_error_of_the_worker_ends_it_and_needs_no_cancel),
        WITH_WORKER(another_life_of_the_worker_is_a_device_error_and_a_key_that_is_gone_is_not),
        WITH_WORKER(more_output_than_there_can_be_is_a_device_error),
        WITH_WORKER(an_end_that_brings_nothing_for_ever_is_given_up),
        WITH_WORKER(an_end_in_pieces_is_put_together),
        WITH_WORKER(a_device_that_gives_late_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
