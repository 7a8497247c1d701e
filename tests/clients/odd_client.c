/* SPDX-License-Identifier: MIT
 *
 * A client that may do all, and asks for odd things: lengths that libraries forget, parameters at
 * their ends, what cannot be unwrapped. The messages are well formed, so that they reach the
 * device's library. Whatever it says, the worker must go on: odd-client SOCKET [PIN-FILE] prints how
 * many requests were answered; 1: one was not, and it is named.
 */
#include "wire/attribute.h"
#include "wire/link.h"

#include "base/clock.h"

#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef tag_bits /* p11-kit's other name for ulTagBits; a field of wire_gcm_parameter has it, too */

enum { SESSION = 1, ANSWER_US = 20 * 1000000 };

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct link *link_;
static union wire_body reply;
static unsigned long answered, done;
static uint8_t data_room[WIRE_DATA_MAX];
static const struct span none = {NULL, 0};
static const size_t lengths[] = {0, 1, 7, 8, 11, 12, 13, 15, 16, 17, 24, 31, 32, 40, 61439, 61440};

/* True where the answer was ERR_OK. */
static bool ask(enum wire_operation operation, const void *request, const char *what, size_t a,
    size_t b)
{
    enum link_fate fate;
    err_t err = link_call(link_, operation, request, &reply, clock_us() + ANSWER_US, &fate);
    if (fate != LINK_ANSWERED) {
        printf("no answer to %s %zu %zu: %s\n", what, a, b, err_name(err));
        exit(1);
    }
    answered++;
    done += err == ERR_OK;
    return err == ERR_OK;
}

static struct span data_of(size_t len)
{
    return span_of(data_room, len);
}

/* The number of the object in the last reply. */
static uint64_t object_made(void)
{
    struct reader r = reader_of(reply.objects_reply.objects);
    struct wire_object object;
    schema_decode(&wire_object_schema, &r, &object);
    return object.object;
}

/* ---- keys ---- */

static void put_key(struct writer *list, uint64_t type, size_t label_len)
{
    attribute_put_ulong(list, ATTR_CLASS, CKO_SECRET_KEY);
    attribute_put_ulong(list, ATTR_KEY_TYPE, type);
    attribute_put(list, ATTR_LABEL, data_of(label_len));
    attribute_put_bool(list, ATTR_EXTRACTABLE, true);
    static const uint32_t uses[] = {
        ATTR_ENCRYPT, ATTR_DECRYPT, ATTR_SIGN, ATTR_VERIFY, ATTR_WRAP, ATTR_UNWRAP};
    for (size_t i = 0; i < COUNT(uses); i++)
        attribute_put_bool(list, uses[i], true);
}

/* 0: refused. */
static uint64_t import(uint64_t type, size_t len, size_t label_len)
{
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    put_key(&list, type, label_len);
    attribute_put(&list, ATTR_VALUE, data_of(len));
    const struct wire_create_request request = {SESSION, writer_bytes(&list)};
    return ask(WIRE_CREATE, &request, "import", len, label_len) ? object_made() : 0;
}

static void destroy(uint64_t key)
{
    const struct wire_destroy_request request = {key};
    (void)ask(WIRE_DESTROY, &request, "destroy", 0, 0);
}

/* ---- at work ---- */

/* At once; in parts, with all in the beginning; and with all in the end. */
static void crypt_all_ways(
    uint64_t key, uint32_t mechanism, struct span parameter, struct span data, bool decrypt)
{
    const struct wire_crypt_request whole = {key, mechanism, parameter, data};
    (void)ask(decrypt ? WIRE_DECRYPT : WIRE_ENCRYPT, &whole, "crypt", decrypt, data.len);
    for (unsigned at_end = 0; at_end < 3; at_end++) {
        const struct wire_begin_request begin = {
            decrypt ? 4 : 3, key, mechanism, parameter, SESSION, at_end == 1 ? none : data};
        if (!ask(WIRE_BEGIN, &begin, "begin", decrypt, data.len))
            continue;
        const struct wire_finish_request finish = {
            reply.begin_reply.begun, at_end == 0 ? none : data, none};
        (void)ask(WIRE_FINISH, &finish, "finish", decrypt, data.len);
    }
}

static void crypt_odd(uint64_t key)
{
    static const size_t ivs[] = {1, 12, 16, 256}, aads[] = {0, 1, WIRE_AAD_MAX};
    static uint8_t room[WIRE_PARAMETER_MAX];
    for (size_t i = 0; i < COUNT(lengths); i++)
        for (unsigned decrypt = 0; decrypt < 2; decrypt++)
            crypt_all_ways(key, CKM_AES_CBC_PAD, data_of(16), data_of(lengths[i]), decrypt);
    for (size_t i = 0; i < COUNT(ivs) * COUNT(aads); i++) {
        for (unsigned tag = 96; tag <= 128; tag += 8) {
            struct writer w = writer_of(room, sizeof room);
            const struct wire_gcm_parameter gcm = {
                data_of(ivs[i % COUNT(ivs)]), data_of(aads[i / COUNT(ivs)]), (uint16_t)tag};
            schema_encode(&wire_gcm_parameter_schema, &gcm, &w);
            for (size_t k = 0; k < COUNT(lengths); k++)
                for (unsigned decrypt = 0; decrypt < 2; decrypt++)
                    crypt_all_ways(
                        key, CKM_AES_GCM, writer_bytes(&w), data_of(lengths[k]), decrypt);
        }
    }
}

static void mac_odd(uint64_t key)
{
    for (size_t i = 0; i < COUNT(lengths); i++) {
        const struct wire_sign_request sign = {key, CKM_SHA256_HMAC, none, data_of(lengths[i])};
        (void)ask(WIRE_SIGN, &sign, "sign", lengths[i], 0);
        for (size_t k = 0; k < 14; k++) {
            const struct wire_verify_request verify = {
                key, CKM_SHA256_HMAC, none, data_of(lengths[i]), data_of(lengths[k])};
            (void)ask(WIRE_VERIFY, &verify, "verify", lengths[i], lengths[k]);
            const struct wire_begin_request begin = {
                2, key, CKM_SHA256_HMAC, none, SESSION, data_of(lengths[i])};
            if (!ask(WIRE_BEGIN, &begin, "begin verify", lengths[i], lengths[k]))
                continue;
            const struct wire_finish_request finish = {
                reply.begin_reply.begun, none, data_of(lengths[k])};
            (void)ask(WIRE_FINISH, &finish, "finish verify", lengths[i], lengths[k]);
        }
    }
}

/* Garbage, and what was wrapped here. */
static void unwrap_all_ways(uint64_t key, uint64_t type, struct span wrapped, struct span iv)
{
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    put_key(&list, type, 4);
    const struct wire_unwrap_request request = {
        key, CKM_AES_KEY_WRAP, iv, wrapped, SESSION, writer_bytes(&list)};
    if (ask(WIRE_UNWRAP, &request, "unwrap", wrapped.len, type))
        destroy(object_made());
}

static void wrap_odd(uint64_t key)
{
    static uint8_t copy[WIRE_WRAPPED_MAX];
    for (size_t len = 1; len <= 512; len = len < 48 ? len + 1 : len + 59) {
        uint64_t target = import(CKK_GENERIC_SECRET, len, 4);
        for (unsigned with_iv = 0; with_iv < 2 && target != 0; with_iv++) {
            struct span iv = with_iv ? data_of(8) : none;
            const struct wire_wrap_request request = {key, CKM_AES_KEY_WRAP, iv, target};
            if (!ask(WIRE_WRAP, &request, "wrap", len, with_iv))
                continue;
            struct writer w = writer_of(copy, sizeof copy);
            write_span(&w, reply.wrap_reply.wrapped);
            unwrap_all_ways(key, CKK_GENERIC_SECRET, writer_bytes(&w), iv);
            copy[0] ^= 1;
            unwrap_all_ways(key, CKK_GENERIC_SECRET, writer_bytes(&w), iv);
        }
        if (target != 0)
            destroy(target);
        unwrap_all_ways(key, CKK_GENERIC_SECRET, data_of(len), none);
        unwrap_all_ways(key, CKK_AES, data_of(len), none);
    }
    const struct wire_wrap_request itself = {key, CKM_AES_KEY_WRAP, none, key};
    (void)ask(WIRE_WRAP, &itself, "wrap itself", 0, 0);
}

static void change_odd(uint64_t key)
{
    static uint8_t room[WIRE_TEMPLATE_MAX];
    static const size_t sizes[] = {0, 1, 255, 4096, 9000, 15000};
    static const uint32_t types[] = {ATTR_LABEL, ATTR_ID, ATTR_SUBJECT, ATTR_EXTRACTABLE};
    for (size_t i = 0; i < COUNT(sizes) * COUNT(types); i++) {
        struct writer list = writer_of(room, sizeof room);
        attribute_put(&list, types[i % COUNT(types)], data_of(sizes[i / COUNT(types)]));
        const struct wire_set_request request = {key, writer_bytes(&list)};
        (void)ask(WIRE_SET, &request, "set", types[i % COUNT(types)], sizes[i / COUNT(types)]);
    }
}

/* As large as templates may be, and what is made then grows. */
static void make_large(void)
{
    static const uint8_t p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
    static uint8_t public_room[WIRE_TEMPLATE_MAX], private_room[WIRE_TEMPLATE_MAX];
    for (size_t size = 4000; size < 15000; size += 120) {
        struct writer list = writer_of(private_room, sizeof private_room);
        struct writer public_list = writer_of(public_room, sizeof public_room);
        attribute_put(&public_list, ATTR_EC_PARAMS, span_of(p521, sizeof p521));
        attribute_put(&public_list, ATTR_LABEL, data_of(size));
        attribute_put(&list, ATTR_LABEL, data_of(size));
        const struct wire_generate_pair_request pair = {
            SESSION, CKM_EC_KEY_PAIR_GEN, writer_bytes(&public_list), writer_bytes(&list)};
        if (ask(WIRE_GENERATE_PAIR, &pair, "generate a pair", size, 0)) {
            uint64_t key = object_made();
            change_odd(key + 1);
            destroy(key);
            destroy(key + 1);
        }
        list = writer_of(private_room, sizeof private_room);
        attribute_put_ulong(&list, ATTR_CLASS, CKO_CERTIFICATE);
        attribute_put(&list, ATTR_SUBJECT, data_of(200));
        attribute_put(&list, ATTR_VALUE, data_of(size));
        const struct wire_create_request certificate = {SESSION, writer_bytes(&list)};
        if (ask(WIRE_CREATE, &certificate, "store", size, 0)) {
            uint64_t made = object_made();
            change_odd(made);
            destroy(made);
        }
    }
}

static void log_in(const char *file)
{
    uint8_t pin[256];
    FILE *from = fopen(file, "re");
    size_t len = from != NULL ? fread(pin, 1, sizeof pin, from) : 0;
    if (from != NULL)
        (void)fclose(from);
    if (len > 0 && pin[len - 1] == '\n')
        len--;
    const struct wire_login_request request = {CKU_USER, span_of(pin, len)};
    if (!ask(WIRE_LOGIN, &request, "login", len, 0))
        exit(64);
}

int main(int argc, char **argv)
{
    const struct wire_hello_request hello = {
        .version_min = WIRE_VERSION_MIN, .version_max = WIRE_VERSION_MAX, .client = 1};
    if (argc < 2 || link_open(argv[1], clock_us() + ANSWER_US, &link_) != ERR_OK) {
        fprintf(stderr, "usage: odd-client SOCKET [PIN-FILE]\n");
        return 64;
    }
    for (size_t i = 0; i < sizeof data_room; i++)
        data_room[i] = (uint8_t)('a' + i % 26);
    (void)ask(WIRE_HELLO, &hello, "hello", 0, 0);
    if (argc > 2)
        log_in(argv[2]);
    for (size_t len = 16; len <= 32; len += 8) {
        uint64_t key = import(CKK_AES, len, 4);
        crypt_odd(key);
        wrap_odd(key);
        change_odd(key);
    }
    make_large();
    for (size_t len = 1; len <= 512; len += 73)
        mac_odd(import(CKK_GENERIC_SECRET, len, 4));
    for (size_t i = 0; i < COUNT(lengths); i++) {
        (void)import(CKK_AES, lengths[i], 4);
        (void)import(CKK_AES, 16, lengths[i] < 15000 ? lengths[i] : 15000);
    }
    printf("answered %lu, of these done %lu\n", answered, done);
    link_close(link_);
    return 0;
}
