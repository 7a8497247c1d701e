/* SPDX-License-Identifier: MIT
 *
 * make-daemon-seeds DIRECTORY: as make-seeds, for the fuzzers of signerd/. A seed of fuzz_request
 * is a client's whole conversation.
 */
#include "rules.h"
#include "seed.h"
#include "signerd/control.h"
#include "wire/attribute.h"

#include <p11-kit/pkcs11.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- fuzz_request: numbers are those of its start_anew() ---- */

enum { WEB = 1, WEB_PUBLIC = 2, BANK = 3, CERTIFICATE = 4, STUBBORN = 5 };

static uint8_t talk_room[4096];
static struct writer talk;

static uint64_t number(uint64_t counter)
{
    return UINT64_C(1) << 32 | counter;
}

static void say(enum wire_operation operation, const void *body)
{
    static uint32_t call;
    uint8_t room[2048];
    struct writer packet = writer_of(room, sizeof room);
    const struct wire_request_header header = {++call, (uint16_t)operation};
    schema_encode(&wire_request_header_schema, &header, &packet);
    schema_encode(wire_operation_find(operation)->request, body, &packet);
    write_uint(&talk, 2, writer_bytes(&packet).len);
    write_span(&talk, writer_bytes(&packet));
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
    save_controls();
    seed_save("fuzz_identity", "plain",
        span_of_text("1 (init) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 23 24\n"));
    seed_save("fuzz_identity", "evil",
        span_of_text("9 (a) R 1\n(b)) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 23\n"));
    return 0;
}
