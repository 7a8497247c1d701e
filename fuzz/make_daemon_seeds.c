/* SPDX-License-Identifier: MIT
 *
 * make-daemon-seeds DIRECTORY: as make-seeds, for the fuzzers of signerd/. A seed of fuzz_request
 * is a client's whole conversation.
 */
#include "rules.h"
#include "seed.h"
#include "signerd/control.h"
#include "signerd/drivers/driver.h"
#include "wire/attribute.h"

#include <p11-kit/pkcs11.h>

/* p11-kit's other names for fields of the standard; fields of ours have them, too. */
#undef tag_bits
#undef counter_bits
#undef shared_data
#undef public_data

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- fuzz_request: numbers are those of its start_anew() ---- */

enum {
    WEB = 1,
    WEB_PUBLIC = 2,
    BANK = 3,
    CERTIFICATE = 4,
    AES = 5,
    MAC = 6,
    BANK_AES = 7,
    RSA_PUBLIC = 8,
    RSA = 9,
    STUBBORN = 10,
    SECOND_CONNECTION = 0x8000,
};

static uint8_t talk_room[8192];
static struct writer talk;

static uint64_t number(uint64_t counter)
{
    return UINT64_C(1) << 32 | counter;
}

static void say_on(uint64_t connection, enum wire_operation operation, const void *body)
{
    static uint32_t call;
    uint8_t room[2048];
    struct writer packet = writer_of(room, sizeof room);
    const struct wire_request_header header = {++call, (uint16_t)operation};
    schema_encode(&wire_request_header_schema, &header, &packet);
    schema_encode(wire_operation_find(operation)->request, body, &packet);
    write_uint(&talk, 2, connection | writer_bytes(&packet).len);
    write_span(&talk, writer_bytes(&packet));
}

static void say(enum wire_operation operation, const void *body)
{
    say_on(0, operation, body);
}

/* The circumstances, as fuzz_request.c has them, and the first packet. */
static void begin(uint32_t circumstances)
{
    talk = writer_of(talk_room, sizeof talk_room);
    write_uint(&talk, 4, circumstances);
    say(WIRE_HELLO, &(struct wire_hello_request){1, 1, 7, span_of_text("ticket")});
}

static void say_login(const char *pin)
{
    say(WIRE_LOGIN, &(struct wire_login_request){CKU_USER, span_of_text(pin)});
}

static void say_sign(uint64_t counter)
{
    say(WIRE_SIGN, &(struct wire_sign_request){number(counter), CKM_ECDSA, span_of(NULL, 0),
                       span_of_text("0123456789abcdef")});
}

static struct span names(struct writer *list, const char *label)
{
    attribute_put(list, ATTR_LABEL, span_of_text(label));
    attribute_put(list, ATTR_ID, span_of_text("9"));
    return writer_bytes(list);
}

static void say_generate(const char *label, uint64_t session)
{
    uint8_t public_room[256];
    uint8_t private_room[256];
    struct writer public_list = writer_of(public_room, sizeof public_room);
    struct writer private_list = writer_of(private_room, sizeof private_room);
    attribute_put(&public_list, ATTR_EC_PARAMS, seed_ec_params);
    say(WIRE_GENERATE_PAIR, &(struct wire_generate_pair_request){session, CKM_EC_KEY_PAIR_GEN,
                                names(&public_list, label), names(&private_list, label)});
}

static void say_create(const char *label, uint64_t session)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put(&list, ATTR_VALUE, span_of_text("der"));
    attribute_put(&list, ATTR_SUBJECT, span_of_text("subject"));
    say(WIRE_CREATE, &(struct wire_create_request){session, names(&list, label)});
}

static void say_set(uint64_t counter, const char *label)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    say(WIRE_SET, &(struct wire_set_request){number(counter), names(&list, label)});
}

static void save_talk(const char *name)
{
    seed_save("fuzz_request", name, writer_bytes(&talk));
}

/* ---- secret keys ---- */

static struct span gcm(void)
{
    static uint8_t room[64];
    struct writer w = writer_of(room, sizeof room);
    const struct wire_gcm_parameter parameter = {
        span_of_text("twelve bytes"), span_of_text("aad"), 128};
    schema_encode(&wire_gcm_parameter_schema, &parameter, &w);
    return writer_bytes(&w);
}

static void say_crypt(enum wire_operation operation, uint64_t counter, struct span data)
{
    say(operation, &(struct wire_crypt_request){number(counter), CKM_AES_GCM, gcm(), data});
    say(operation, &(struct wire_crypt_request){number(counter), CKM_AES_CBC_PAD,
                       span_of_text("sixteen bytes iv"), data});
}

static struct span secret_template(
    struct writer *list, uint64_t key_type, const char *label, const char *value)
{
    attribute_put_ulong(list, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(list, ATTR_KEY_TYPE, key_type);
    if (value != NULL)
        attribute_put(list, ATTR_VALUE, span_of_text(value));
    return names(list, label);
}

static void say_generate_secret(uint32_t mechanism, const char *label, uint64_t session)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_VALUE_LEN, 32);
    say(WIRE_GENERATE, &(struct wire_generate_request){session, mechanism, names(&list, label)});
}

static void say_import(uint64_t key_type, const char *label, const char *value)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    say(WIRE_CREATE,
        &(struct wire_create_request){0, secret_template(&list, key_type, label, value)});
}

static void say_unwrap(uint64_t counter, const char *label)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    say(WIRE_UNWRAP, &(struct wire_unwrap_request){number(counter), CKM_AES_KEY_WRAP,
                         span_of(NULL, 0), span_of_text("24 bytes of wrapped key."), 5,
                         secret_template(&list, CKK_AES, label, NULL)});
}

static void say_wrap(uint64_t counter, uint64_t target)
{
    say(WIRE_WRAP, &(struct wire_wrap_request){
                       number(counter), CKM_AES_KEY_WRAP, span_of(NULL, 0), number(target)});
}

static void say_mac(uint64_t counter)
{
    static const uint8_t wrong[32];
    say(WIRE_SIGN, &(struct wire_sign_request){number(counter), CKM_SHA256_HMAC, span_of(NULL, 0),
                       span_of_text("0123456789abcdef")});
    say(WIRE_VERIFY, &(struct wire_verify_request){number(counter), CKM_SHA256_HMAC,
                         span_of(NULL, 0), span_of_text("data"), span_of(wrong, sizeof wrong)});
}

static void say_begin(enum driver_function function, uint64_t counter, uint32_t mechanism,
    struct span parameter, const char *data)
{
    say(WIRE_BEGIN, &(struct wire_begin_request){(uint8_t)function, number(counter), mechanism,
                        parameter, 5, span_of_text(data)});
}

/* The first that is begun has the number of the worker's instance. */
static void say_feed(uint64_t connection, uint64_t begun, const char *data)
{
    say_on(connection, WIRE_FEED,
        &(struct wire_feed_request){number(1) + begun, span_of_text(data)});
}

static void say_finish(uint64_t connection, uint64_t begun, const char *data)
{
    say_on(connection, WIRE_FINISH,
        &(struct wire_finish_request){number(1) + begun, span_of_text(data), span_of(NULL, 0)});
}

static void say_explain(uint32_t uid, struct span groups, const char *operation, uint8_t has_key)
{
    say(WIRE_EXPLAIN,
        &(struct wire_explain_request){uid, groups, span_of_text(operation), has_key,
            CLASS_SECRET_KEY, span_of_text("web"), span_of_text("7")});
}

/* ---- the other mechanisms ---- */

static struct span parameter_of(const struct schema *schema, const void *from)
{
    static uint8_t room[256];
    struct writer w = writer_of(room, sizeof room);
    schema_encode(schema, from, &w);
    return writer_bytes(&w);
}

static void say_sign_with(uint64_t counter, uint32_t mechanism, struct span parameter)
{
    say(WIRE_SIGN, &(struct wire_sign_request){number(counter), mechanism, parameter,
                       span_of_text("thirty-two bytes, as SHA-256 has")});
}

static void say_crypt_with(enum wire_operation operation, uint64_t counter, uint32_t mechanism,
    struct span parameter, struct span data)
{
    say(operation, &(struct wire_crypt_request){number(counter), mechanism, parameter, data});
}

/* label NULL: none */
static void say_derive(uint64_t counter, uint32_t kdf, const char *label, uint64_t session)
{
    static const uint8_t point[65] = {4};
    const struct wire_ecdh_parameter ecdh = {
        kdf, span_of_text(kdf == CKD_NULL ? "" : "info"), span_of(point, sizeof point)};
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_KEY_TYPE, CKK_GENERIC_SECRET);
    attribute_put_bool(&list, ATTR_SENSITIVE, false);
    attribute_put_bool(&list, ATTR_EXTRACTABLE, true);
    if (kdf != CKD_NULL)
        attribute_put_ulong(&list, ATTR_VALUE_LEN, 32);
    if (label != NULL)
        attribute_put(&list, ATTR_LABEL, span_of_text(label));
    say(WIRE_DERIVE, &(struct wire_derive_request){number(counter), CKM_ECDH1_DERIVE,
                         parameter_of(&wire_ecdh_parameter_schema, &ecdh), session,
                         writer_bytes(&list)});
}

static void save_mechanisms(void)
{
    static const uint8_t block[256] = {1};
    const struct wire_pss_parameter pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    const struct wire_oaep_parameter oaep = {CKM_SHA_1, CKG_MGF1_SHA1, span_of_text("label")};
    const struct wire_ctr_parameter ctr = {64, span_of(block, 16)};
    const struct wire_mac_parameter mac = {12};
    const struct span none = span_of(NULL, 0);
    begin(0x02000000); /* no client PIN */
    say_sign_with(RSA, CKM_RSA_PKCS, none);
    say_sign_with(RSA, CKM_RSA_PKCS_PSS, parameter_of(&wire_pss_parameter_schema, &pss));
    say_sign_with(RSA_PUBLIC, CKM_RSA_PKCS, none);
    say_sign_with(AES, CKM_AES_CMAC_GENERAL, parameter_of(&wire_mac_parameter_schema, &mac));
    for (unsigned i = 0; i < 2; i++) {
        const struct span parameter =
            i == 0 ? none : parameter_of(&wire_oaep_parameter_schema, &oaep);
        const uint32_t mechanism = i == 0 ? CKM_RSA_PKCS : CKM_RSA_PKCS_OAEP;
        say_crypt_with(WIRE_ENCRYPT, RSA_PUBLIC, mechanism, parameter, span_of(block, 16));
        say_crypt_with(WIRE_DECRYPT, RSA, mechanism, parameter, span_of(block, 256));
    }
    say_crypt_with(WIRE_ENCRYPT, AES, CKM_AES_ECB, none, span_of(block, 32));
    say_crypt_with(WIRE_DECRYPT, AES, CKM_AES_CBC, span_of(block, 16), span_of(block, 31));
    say_crypt_with(WIRE_ENCRYPT, AES, CKM_AES_CTR, parameter_of(&wire_ctr_parameter_schema, &ctr),
        span_of(block, 3));
    save_talk("mechanisms");

    /* What is made has the number behind the last of the device's: 10, and on. */
    for (unsigned may_export = 0; may_export < 2; may_export++) {
        begin(may_export ? 0x82000000 : 0x02000000);
        say_derive(WEB, CKD_NULL, NULL, 5);
        say_derive(WEB, CKD_SHA256_KDF, "web", 5);
        say_derive(WEB, CKD_SHA256_KDF, "web", 0);
        say_derive(WEB, CKD_NULL, "bank", 5);
        say_derive(BANK, CKD_NULL, NULL, 5);
        for (uint64_t counter = 10; counter < 13; counter++)
            say(WIRE_VALUE, &(struct wire_value_request){number(counter), 5});
        say(WIRE_VALUE, &(struct wire_value_request){number(10), 6});
        say_set(10, "web");
        say_mac(10);
        say(WIRE_DESTROY, &(struct wire_destroy_request){number(10)});
        say(WIRE_LIST, &(struct wire_list_request){0, 0});
        save_talk(may_export ? "derive_and_read" : "derive");
    }
}

static void save_secrets(void)
{
    begin(0);
    say_login("1234");
    say_mac(MAC);
    say_mac(AES);
    say_crypt(WIRE_ENCRYPT, AES, span_of_text("21.5 degrees"));
    say_crypt(WIRE_DECRYPT, AES, span_of_text("21.5 degrees, and a tag"));
    say_crypt(WIRE_ENCRYPT, BANK_AES, span_of_text("x"));
    say_wrap(AES, MAC);
    say_wrap(AES, BANK_AES);
    say_wrap(AES, WEB);
    say_unwrap(AES, "web");
    say_unwrap(AES, "bank");
    save_talk("secrets_at_work");

    begin(0);
    say_import(CKK_AES, "web", "0123456789abcdef"); /* not logged in */
    say_login("1234");
    say_generate_secret(CKM_AES_KEY_GEN, "web", 5);
    say_generate_secret(CKM_GENERIC_SECRET_KEY_GEN, "web", 0);
    say_generate_secret(CKM_AES_KEY_GEN, "bank", 0);
    say_generate_secret(CKM_AES_GCM, "web", 0);
    say_import(CKK_AES, "web", "0123456789abcdef");
    say_import(CKK_AES, "web", "too short");
    say_import(CKK_SHA256_HMAC, "web", "any length");
    say_import(CKK_GENERIC_SECRET, "bank", "any length");
    say_import(CKK_EC, "web", "0123456789abcdef");
    save_talk("secrets_made");

    begin(0x02000000); /* no client PIN */
    say_begin(DRIVER_SIGN, MAC, CKM_SHA256_HMAC, span_of(NULL, 0), "first ");
    say_on(SECOND_CONNECTION, WIRE_HELLO, &(struct wire_hello_request){1, 1, 7, span_of(NULL, 0)});
    say_feed(SECOND_CONNECTION, 0, "second ");
    say_begin(DRIVER_ENCRYPT, AES, CKM_AES_GCM, gcm(), "21.5 ");
    say_finish(0, 1, "degrees");
    say_finish(SECOND_CONNECTION, 0, "third");
    say_begin(DRIVER_DECRYPT, AES, CKM_AES_GCM, gcm(), "x");
    say_feed(0, 2, "yz");
    say_finish(0, 2, "0123456789abcdef");
    say_begin(DRIVER_DECRYPT, AES, CKM_AES_CBC_PAD, span_of_text("sixteen bytes iv"), "x");
    say(WIRE_CANCEL, &(struct wire_cancel_request){number(1) + 3});
    say_begin(DRIVER_VERIFY, MAC, CKM_SHA256_HMAC, span_of(NULL, 0), "x");
    say(WIRE_END_SESSION, &(struct wire_end_session_request){5});
    say_feed(0, 4, "gone");
    say_begin(DRIVER_SIGN, MAC, CKM_SHA256_HMAC, span_of(NULL, 0), ""); /* left over */
    save_talk("long");

    begin(0x02090141); /* the first feed fails */
    say_begin(DRIVER_SIGN, MAC, CKM_SHA256_HMAC, span_of(NULL, 0), "");
    say_feed(0, 0, "data");
    say_begin(DRIVER_SIGN, WEB, CKM_ECDSA, span_of(NULL, 0), "");
    save_talk("long_fails");

    begin(0x02000000); /* more than one client may have */
    for (unsigned i = 0; i < 17; i++)
        say_begin(DRIVER_SIGN, MAC, CKM_SHA256_HMAC, span_of(NULL, 0), "x");
    save_talk("long_many");

    begin(0x020a0141); /* the first that finishes fails */
    say_begin(DRIVER_SIGN, MAC, CKM_SHA256_HMAC, span_of(NULL, 0), "x");
    say_finish(0, 0, "y");
    say_finish(0, 0, "z");
    save_talk("long_fails_late");

    begin(0x02010241); /* what was made cannot be read */
    say_generate_secret(CKM_AES_KEY_GEN, "web", 5);
    say_generate("web", 5);
    save_talk("made_and_lost");

    for (uint32_t admin = 0; admin <= 1; admin++) {
        begin(admin ? 0x40000000 : 0);
        say(WIRE_STATUS, &(struct wire_end_session_request){0}); /* no field of it travels */
        say_explain(1001, span_of(NULL, 0), "sign", 1);
        say_explain(1001, span_of(NULL, 0), "random", 0);
        say_explain(1002, span_of("\0\0\0\1\0\0\0\2", 8), "admin", 0);
        say_explain(1002, span_of("\0\0\0", 3), "decrypt", 1);
        say_explain(1001, span_of(NULL, 0), "sing", 1);
        save_talk(admin ? "ask_as_admin" : "ask");
    }
}

static void say_init_token(const char *label)
{
    say(WIRE_INIT_TOKEN,
        &(struct wire_init_token_request){span_of_text("so pin"), span_of_text(label)});
}

static void say_set_pin(const char *from, const char *to)
{
    say(WIRE_SET_PIN, &(struct wire_set_pin_request){span_of_text(from), span_of_text(to)});
}

static void save_administration(void)
{
    for (uint32_t admin = 0; admin <= 1; admin++) {
        begin(admin ? 0x40000000 : 0);
        say(WIRE_LOGIN, &(struct wire_login_request){CKU_SO, span_of_text("any")});
        say(WIRE_INIT_PIN, &(struct wire_init_pin_request){span_of_text("new")});
        say_login("1234");
        say_login("new");
        say_set_pin("wrong", "newer");
        say_set_pin("new", "");
        say_set_pin("new", "newer");
        say_sign(WEB);
        save_talk(admin ? "pin_as_admin" : "pin");

        begin(admin ? 0x42000000 : 0x02000000); /* no client PIN */
        say_begin(DRIVER_SIGN, MAC, CKM_SHA256_HMAC, span_of(NULL, 0), "x"); /* left over */
        say_generate("web", 5);
        say_set_pin("", "new");
        say_init_token("other");
        say_init_token("demo");
        say_sign(WEB);
        say(WIRE_LIST, &(struct wire_list_request){0, 0});
        save_talk(admin ? "token_as_admin" : "token");
    }

    begin(0x41000000); /* no device */
    say_init_token("demo");
    say_init_token("demo");
    save_talk("token_absent");
}

static void save_requests(void)
{
    begin(0);
    say(WIRE_LIST, &(struct wire_list_request){0, 0});
    say_sign(WEB);
    say(WIRE_RANDOM, &(struct wire_random_request){16});
    save_talk("without_login");

    begin(0);
    say_login("wrong");
    say_login("1234");
    say(WIRE_LIST, &(struct wire_list_request){number(1), 2});
    say_sign(WEB);
    say_sign(WEB_PUBLIC);
    say_sign(BANK);
    say(WIRE_LOGOUT, &(struct wire_end_session_request){0}); /* no field of it travels */
    say_sign(WEB);
    save_talk("sign");

    begin(0);
    say_login("1234");
    say_generate("web", 0);
    say_generate("bank", 0);
    say_generate("web", 5);
    say_create("web", 5);
    say_create("web", 6);
    say(WIRE_END_SESSION, &(struct wire_end_session_request){5});
    say(WIRE_LIST, &(struct wire_list_request){0, 0});
    save_talk("make");

    begin(0);
    say_login("1234");
    say_set(WEB, "web");
    say_set(WEB, "bank");
    say(WIRE_DESTROY, &(struct wire_destroy_request){number(WEB)});
    say(WIRE_DESTROY, &(struct wire_destroy_request){number(BANK)});
    say(WIRE_DESTROY, &(struct wire_destroy_request){number(CERTIFICATE)});
    save_talk("change");

    begin(0x22000000); /* no client PIN, an object that cannot be changed */
    say_login("");
    say(WIRE_SIGN, &(struct wire_sign_request){
                       number(WEB), CKM_ECDSA, span_of_text("x"), span_of_text("data")});
    say_set(STUBBORN, "web");
    say(WIRE_DESTROY, &(struct wire_destroy_request){number(STUBBORN)});
    say(WIRE_LIST, &(struct wire_list_request){number(6), 0});
    save_talk("without_pin");

    begin(0x16000000); /* a long list, huge signatures */
    say(WIRE_LIST, &(struct wire_list_request){0, 0});
    say_sign(WEB);
    save_talk("large");

    begin(0x02020140); /* the first signature finds the device gone */
    say_sign(WEB);
    save_talk("device_lost");

    begin(0x02060140); /* a session object cannot be destroyed */
    say_create("web", 5);
    save_talk("session_object_stays");

    begin(0x01000000); /* no device */
    say(WIRE_LIST, &(struct wire_list_request){0, 0});
    say_sign(WEB);
    save_talk("device_absent");
}

/* ---- fuzz_control: as the kernel hands them over ---- */

static void save_sent(int received, const char *name)
{
    uint8_t bytes[CONTROL_PACKET_MAX];
    ssize_t n = recv(received, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n <= 0)
        exit(1);
    seed_save("fuzz_control", name, span_of(bytes, (size_t)n));
}

static void save_controls(void)
{
    int ends[2];
    const struct control_settings settings = {.device = span_of_text("demo"),
        .driver = span_of_text("pkcs11"),
        .module = span_of_text("/m.so"),
        .token = span_of_text("demo"),
        .has_pin = 1,
        .spin = UINT32_MAX,
        .max_connections = 512,
        .audit_file_mib = 64,
        .audit_files = 16};
    const struct control_policy policy = {1};
    const struct identity who = in_group(person(1001, 11), 50);
    const struct policy_rule full = on_id(
        on_label(on_class(for_group(for_user(rule(true, VERB_ALL, "signerd.conf:1"), 1001), 50), 3),
            "web"),
        "1");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
        exit(1);
    (void)control_send(ends[0], CONTROL_SETTINGS, &settings, NULL, 0);
    save_sent(ends[1], "settings");
    (void)control_send(ends[0], CONTROL_POLICY, &policy, NULL, 0);
    save_sent(ends[1], "policy");
    (void)control_send_rule(ends[0], &full);
    save_sent(ends[1], "rule");
    (void)control_send_connection(ends[0], &who, ends[0]);
    save_sent(ends[1], "connection");
}

int main(int argc, char **argv)
{
    seed_begin("make-daemon-seeds", argc, argv);
    save_requests();
    save_secrets();
    save_administration();
    save_mechanisms();
    save_controls();
    seed_save("fuzz_identity", "plain",
        span_of_text("1 (init) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 23 24\n"));
    seed_save("fuzz_identity", "evil",
        span_of_text("9 (a) R 1\n(b)) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 23\n"));
    return 0;
}
