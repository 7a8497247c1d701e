/* SPDX-License-Identifier: MIT
 *
 * Messages between parent and worker, with descriptors. Both sides trust each other's kind; still
 * every packet is parsed as a schema and refused where it is not exactly one.
 */
#ifndef SIGNERD_CONTROL_H
#define SIGNERD_CONTROL_H

#include "identity.h"
#include "policy.h"

#include "wire/schema.h"

#include <stdatomic.h>

enum {
    CONTROL_FD = 3,       /* the worker's end of the socket pair */
    CONTROL_PULSE_FD = 4, /* the page with struct pulse */
    CONTROL_PACKET_MAX = 8192,
    CONTROL_DESCRIPTORS_MAX = 3,
};

/* Shared by parent and worker: when the worker's present call of the driver began (clock_us), 0
 * between calls. */
struct pulse {
    _Atomic uint64_t busy_since;
    _Atomic bool long_call; /* of that call: it may last PULSE_LONG times as long as others */
};

/* An RSA key of 4096 bits takes a small board, or a card, minutes. */
enum { PULSE_LONG = 10 };

/* Marks the driver's call for the parent, which ends a worker that hangs in one. */
void pulse_busy(struct pulse *pulse, bool busy);

/* Said of the call that is marked. */
void pulse_is_long(struct pulse *pulse);

/* Whether the call that is marked lasts too long, where others may last call_timeout_s. */
bool pulse_is_overdue(const struct pulse *pulse, uint32_t call_timeout_s, uint64_t now_us);

#include "control.def"

#define CONTROL_STRUCT(number, name, type, fields, meaning)                                        \
    struct type {                                                                                  \
        fields(SCHEMA_MEMBER, type)                                                                \
    };
CONTROL_MESSAGES(CONTROL_STRUCT)
#undef CONTROL_STRUCT

enum control_message {
#define CONTROL_NUMBER(number, name, type, fields, meaning) CONTROL_##name = (number),
    CONTROL_MESSAGES(CONTROL_NUMBER)
#undef CONTROL_NUMBER
};

union control_body {
#define CONTROL_MEMBER(number, name, type, fields, meaning) struct type type;
    CONTROL_MESSAGES(CONTROL_MEMBER)
#undef CONTROL_MEMBER
};

struct control_packet {
    enum control_message number;
    union control_body body; /* BYTES point into bytes below */
    int descriptors[CONTROL_DESCRIPTORS_MAX];
    size_t descriptor_count;
    uint8_t bytes[CONTROL_PACKET_MAX];
};

/* body: the message's struct. The descriptors stay the caller's. ERR_TIMED_OUT when the socket is
 * full and does not block; ERR_SYSTEM when the other end is gone. */
err_t control_send(int fd, enum control_message number, const void *body, const int *descriptors,
    size_t descriptor_count);

/* One packet. ERR_TIMED_OUT when there is none and the socket does not block; ERR_INTERRUPTED at
 * the end. The caller closes the packet's descriptors; on an error there are none. */
err_t control_receive(int fd, struct control_packet *ret_packet);

/* A packet's bytes as a packet (what control_receive does after the kernel); fuzzed. */
err_t control_parse(
    struct span bytes, enum control_message *ret_number, union control_body *ret_body);

/* Policy and identity as they travel. */
err_t control_send_rule(int fd, const struct policy_rule *rule);
err_t control_take_rule(const struct control_rule *message, struct policy_rule *ret_rule);
err_t control_send_connection(int fd, const struct identity *identity, int connection);
err_t control_take_connection(
    const struct control_connection *message, struct identity *ret_identity);

#endif
