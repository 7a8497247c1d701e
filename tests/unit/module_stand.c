/* SPDX-License-Identifier: MIT
 *
 * The worker in memory.
 */
#include "module_stand.h"

#include <stdio.h>

enum { BEGUN = 5, INSTANCE = 7, MASK = 0x5a };

struct module_stand stand;

err_t __wrap_slot_call_object(struct slot *slot, CK_OBJECT_HANDLE handle,
    struct pool_request *request, uint64_t *number, void *ret_reply,
    struct pool_answer *ret_answer);
err_t __wrap_pool_call(struct pool *pool, const struct pool_request *request, void *ret_reply,
    struct pool_answer *ret_answer);
void __wrap_pool_release(struct pool *pool, struct pool_answer *answer);

static struct module module = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct slot slot;
static unsigned connections; /* taken and not given back */

/* What was begun, or is done at once: sign, verify, encrypt, decrypt as in BEGIN */
static struct {
    unsigned function;
    struct sha256_ctx hash;
    uint8_t held[2 * DATA]; /* what is to be decrypted */
    size_t held_len;
} work;

static uint8_t output[2 * DATA]; /* in one answer, where a real one has several */
static uint8_t random_counter;

static void start(unsigned function, struct span parameter)
{
    work.function = function;
    work.held_len = 0;
    sha256_init(&work.hash);
    sha256_update(&work.hash, parameter.len, parameter.ptr);
}

/* Gives what comes out at once. */
static struct span take(struct span data)
{
    if (work.function == 4 && stand.gives_early) {
        for (size_t i = 0; i < data.len; i++)
            output[i] = data.ptr[i] ^ MASK;
        return span_of(output, data.len / 16 * 16);
    }
    if (work.function == 4) {
        memcpy(work.held + work.held_len, data.ptr, data.len);
        work.held_len += data.len;
        return span_of(NULL, 0);
    }
    for (size_t i = 0; work.function == 3 && i < data.len; i++)
        output[i] = data.ptr[i] ^ MASK;
    sha256_update(&work.hash, data.len, work.function == 3 ? output : data.ptr);
    return work.function == 3 ? span_of(output, data.len) : span_of(NULL, 0);
}

/* The end: what comes out besides, behind len bytes of output. */
static err_t end(size_t len, struct span signature, struct span *ret_out)
{
    uint8_t sum[MAC_LEN];
    if (work.function == 4) {
        const size_t text = work.held_len - TAG_LEN;
        sha256_update(&work.hash, text, work.held);
        sha256_digest(&work.hash, sizeof sum, sum);
        for (size_t i = 0; i < text; i++)
            output[i] = work.held[i] ^ MASK;
        *ret_out = span_of(output, text);
        return memcmp(sum, work.held + text, TAG_LEN) == 0 ? ERR_OK : ERR_ENCRYPTED;
    }
    sha256_digest(&work.hash, sizeof sum, sum);
    if (work.function == 2)
        return span_equal(signature, span_of(sum, sizeof sum)) ? ERR_OK : ERR_SIGNATURE;
    const size_t more = work.function == 3 ? TAG_LEN : MAC_LEN;
    memcpy(output + len, sum, more);
    *ret_out = span_of(output, len + more);
    return ERR_OK;
}

static err_t at_once(unsigned function, struct span parameter, struct span data,
    struct span signature, struct span *ret_out)
{
    start(function, parameter);
    const struct span now = take(data);
    return end(now.len, signature, ret_out);
}

static err_t serve_one(const struct pool_request *request, void *reply)
{
    struct span nothing = span_of(NULL, 0);
    switch (request->operation) {
    case WIRE_SIGN: {
        const struct wire_sign_request *in = request->body;
        struct wire_sign_reply *out = reply;
        return at_once(1, in->parameter, in->data, nothing, &out->signature);
    }
    case WIRE_VERIFY: {
        const struct wire_verify_request *in = request->body;
        return at_once(2, in->parameter, in->data, in->signature, &nothing);
    }
    case WIRE_ENCRYPT:
    case WIRE_DECRYPT: {
        const struct wire_crypt_request *in = request->body;
        struct wire_crypt_reply *out = reply;
        return at_once(request->operation == WIRE_ENCRYPT ? 3 : 4, in->parameter, in->data, nothing,
            &out->data);
    }
    case WIRE_BEGIN: {
        const struct wire_begin_request *in = request->body;
        start(in->function, in->parameter);
        *(struct wire_begin_reply *)reply = (struct wire_begin_reply){BEGUN, take(in->data)};
        return ERR_OK;
    }
    case WIRE_FEED: {
        const struct wire_feed_request *in = request->body;
        *(struct wire_crypt_reply *)reply = (struct wire_crypt_reply){take(in->data)};
        return ERR_OK;
    }
    case WIRE_FINISH: {
        const struct wire_finish_request *in = request->body;
        struct wire_finish_reply *out = reply;
        *out = (struct wire_finish_reply){0};
        const struct span now = take(in->data);
        return end(now.len, in->signature, &out->data);
    }
    case WIRE_RANDOM: {
        const struct wire_random_request *in = request->body;
        memset(output, ++random_counter, in->length);
        *(struct wire_random_reply *)reply = (struct wire_random_reply){span_of(output, in->length)};
        return ERR_OK;
    }
    case WIRE_VALUE:
        memset(output, 7, 32);
        *(struct wire_value_reply *)reply = (struct wire_value_reply){span_of(output, 32)};
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

static err_t serve(const struct pool_request *request, void *reply, struct pool_answer *ret_answer)
{
    const size_t used = strlen(stand.log);
    (void)snprintf(stand.log + used, sizeof stand.log - used, "%s ",
        wire_operation_find(request->operation)->name);
    if (stand.fails_at == request->operation)
        return stand.error;
    const err_t err = serve_one(request, reply);
    if (err != ERR_OK)
        return err;
    *ret_answer = (struct pool_answer){{NULL, INSTANCE}, 1};
    connections++;
    return ERR_OK;
}

err_t __wrap_slot_call_object(struct slot *of, CK_OBJECT_HANDLE handle,
    struct pool_request *request, uint64_t *number, void *ret_reply, struct pool_answer *ret_answer)
{
    (void)of;
    (void)handle;
    *number = 1;
    return serve(request, ret_reply, ret_answer);
}

err_t __wrap_pool_call(struct pool *pool, const struct pool_request *request, void *ret_reply,
    struct pool_answer *ret_answer)
{
    (void)pool;
    return serve(request, ret_reply, ret_answer);
}

void __wrap_pool_release(struct pool *pool, struct pool_answer *answer)
{
    (void)pool;
    (void)answer;
    connections--;
}

/* ---- the stand ---- */

static void offer(CK_MECHANISM_TYPE type, CK_FLAGS flags)
{
    struct token *token = &slot.pool.token;
    token->mechanisms[token->mechanism_count] = type;
    token->mechanism_infos[token->mechanism_count++].flags = flags;
}

static CK_OBJECT_HANDLE add(
    uint64_t number, uint64_t class, CK_KEY_TYPE type, uint64_t session, bool sensitive)
{
    static const uint32_t permissions[] = {ATTR_ENCRYPT, ATTR_DECRYPT, ATTR_SIGN, ATTR_VERIFY};
    static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    uint8_t attributes[256];
    uint8_t bytes[512];
    CK_OBJECT_HANDLE handle = 0;
    struct writer list = writer_of(attributes, sizeof attributes);
    struct writer w = writer_of(bytes, sizeof bytes);
    const uint8_t id = (uint8_t)number;
    attribute_put_ulong(&list, ATTR_CLASS, class);
    attribute_put_ulong(&list, ATTR_KEY_TYPE, type);
    attribute_put(&list, ATTR_ID, span_of(&id, 1));
    attribute_put_bool(&list, ATTR_SENSITIVE, sensitive);
    if (type == CKK_EC)
        attribute_put(&list, ATTR_EC_PARAMS, span_of(p256, sizeof p256));
    for (size_t i = 0; i < COUNT(permissions); i++)
        attribute_put_bool(&list, permissions[i], true);
    const struct wire_object object = {number, session, writer_bytes(&list)};
    schema_encode(&wire_object_schema, &object, &w);
    const struct snapshot_news news = {INSTANCE, 1, writer_bytes(&w)};
    assert_int_equal(snapshot_add(&slot.snapshot, &news, &handle, 1), ERR_OK);
    return handle;
}

int stand_up(void **state)
{
    (void)state;
    memset(&stand, 0, sizeof stand);
    slot = (struct slot){.module = &module, .pool = {.lock = &module.lock, .instance = INSTANCE}};
    stand.session = (struct session){.handle = 1, .module = &module, .slot = &slot};
    stand.other = (struct session){.handle = 2, .module = &module, .slot = &slot};
    offer(CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT);
    offer(CKM_AES_CBC_PAD, CKF_ENCRYPT | CKF_DECRYPT);
    offer(CKM_SHA256_HMAC, CKF_SIGN | CKF_VERIFY);
    offer(CKM_ECDSA, CKF_SIGN);
    offer(CKM_ECDSA_SHA256, CKF_SIGN);
    stand.aes = add(1, CLASS_SECRET_KEY, CKK_AES, 0, true);
    stand.mac = add(2, CLASS_SECRET_KEY, CKK_GENERIC_SECRET, 0, true);
    stand.ec = add(3, CLASS_PRIVATE_KEY, CKK_EC, 0, true);
    stand.other_ec = add(4, CLASS_PRIVATE_KEY, CKK_EC, 0, true);
    stand.secret = add(5, CLASS_SECRET_KEY, CKK_GENERIC_SECRET, 1, false);
    stand.hidden = add(6, CLASS_SECRET_KEY, CKK_GENERIC_SECRET, 1, true);
    stand.foreign = add(7, CLASS_SECRET_KEY, CKK_GENERIC_SECRET, 2, false);
    for (size_t i = 0; i < sizeof stand.data; i++)
        stand.data[i] = (uint8_t)(i * 31 + i / 251);
    stand.len = sizeof stand.out;
    return 0;
}

static void end_session(struct session *session)
{
    for (int kind = 0; kind < OPERATION_KINDS; kind++)
        operation_end(session, (enum operation_kind)kind);
    message_clear(session);
    digest_clear(&session->digest);
}

int stand_down(void **state)
{
    (void)state;
    end_session(&stand.session);
    end_session(&stand.other);
    snapshot_clear(&slot.snapshot);
    return connections == 0 ? 0 : -1;
}

void assert_log(const char *wanted)
{
    assert_string_equal(stand.log, wanted);
    stand.log[0] = '\0';
}

void stand_mac(const void *data, size_t len, uint8_t ret_mac[MAC_LEN])
{
    struct sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, len, data);
    sha256_digest(&hash, MAC_LEN, ret_mac);
}
