/* SPDX-License-Identifier: MIT
 *
 * Parent and worker, talking: send and receive side by side for each message.
 */
#include "control.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void pulse_busy(struct pulse *pulse, bool busy)
{
    if (busy)
        atomic_store(&pulse->long_call, false);
    atomic_store(&pulse->busy_since, busy ? clock_us() : 0);
}

void pulse_is_long(struct pulse *pulse)
{
    atomic_store(&pulse->long_call, true);
}

bool pulse_is_overdue(const struct pulse *pulse, uint32_t call_timeout_s, uint64_t now_us)
{
    const uint64_t since = atomic_load(&pulse->busy_since);
    const uint64_t times = atomic_load(&pulse->long_call) ? PULSE_LONG : 1;
    return since != 0 && now_us > since + times * call_timeout_s * 1000000;
}

#define CONTROL_SCHEMA(number, name, type, fields, meaning)                                        \
    static const struct schema_field type##_fields[] = {fields(SCHEMA_FIELD, type)};
CONTROL_MESSAGES(CONTROL_SCHEMA)
#undef CONTROL_SCHEMA

static const struct {
    enum control_message number;
    struct schema schema;
} messages[] = {
#define CONTROL_ROW(number, name, type, fields, meaning)                                           \
    {CONTROL_##name, {#name, type##_fields, sizeof type##_fields / sizeof type##_fields[0]}},
    CONTROL_MESSAGES(CONTROL_ROW)
#undef CONTROL_ROW
};

static const struct schema *schema_of(unsigned number)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        if ((unsigned)messages[i].number == number)
            return &messages[i].schema;
    return NULL;
}

union descriptors_room {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * CONTROL_DESCRIPTORS_MAX)];
};

err_t control_send(int fd, enum control_message number, const void *body, const int *descriptors,
    size_t descriptor_count)
{
    uint8_t bytes[CONTROL_PACKET_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    write_uint(&w, 2, (uint64_t)number);
    schema_encode(schema_of(number), body, &w);
    if (writer_failed(&w) || descriptor_count > CONTROL_DESCRIPTORS_MAX)
        return ERR_TOO_LARGE;

    union descriptors_room room = {.bytes = {0}};
    struct iovec data = {bytes, writer_bytes(&w).len};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (descriptor_count > 0) {
        size_t size = sizeof(int) * descriptor_count;
        message.msg_control = room.bytes;
        message.msg_controllen = CMSG_SPACE(size);
        room.header.cmsg_level = SOL_SOCKET;
        room.header.cmsg_type = SCM_RIGHTS;
        room.header.cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(&room.header), descriptors, size);
    }
    while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0) {
        if (errno == EINTR)
            continue;
        return errno == EAGAIN ? ERR_TIMED_OUT : ERR_SYSTEM;
    }
    return ERR_OK;
}

err_t control_parse(
    struct span bytes, enum control_message *ret_number, union control_body *ret_body)
{
    struct reader r = reader_of(bytes);
    unsigned number = (unsigned)read_uint(&r, 2);
    const struct schema *schema = schema_of(number);
    if (r.failed || schema == NULL)
        return ERR_BAD_MESSAGE;
    *ret_number = (enum control_message)number;
    return schema_decode_whole(schema, read_span(&r, r.left), ret_body);
}

err_t control_receive(int fd, struct control_packet *ret_packet)
{
    union descriptors_room room;
    struct iovec data = {ret_packet->bytes, sizeof ret_packet->bytes};
    struct msghdr message = {.msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = room.bytes,
        .msg_controllen =
            CMSG_LEN(sizeof ret_packet->descriptors)}; /* CMSG_SPACE has room for one more */
    ssize_t n;
    do {
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return ERR_TIMED_OUT;
    if (n <= 0)
        return ERR_INTERRUPTED;

    ret_packet->descriptor_count = 0;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
        size_t size = header->cmsg_len - CMSG_LEN(0);
        memcpy(ret_packet->descriptors, CMSG_DATA(header), size);
        ret_packet->descriptor_count = size / sizeof(int);
    }
    err_t err = ERR_BAD_MESSAGE;
    if (!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        err = control_parse(
            span_of(ret_packet->bytes, (size_t)n), &ret_packet->number, &ret_packet->body);
    if (err != ERR_OK)
        while (ret_packet->descriptor_count > 0)
            (void)close(ret_packet->descriptors[--ret_packet->descriptor_count]);
    return err;
}

static struct span write_numbers(uint8_t *bytes, size_t size, const uint32_t *numbers, size_t count)
{
    struct writer w = writer_of(bytes, size);
    for (size_t i = 0; i < count; i++)
        write_uint(&w, 4, numbers[i]);
    return writer_bytes(&w);
}

static err_t read_numbers(struct span bytes, uint32_t *numbers, size_t most, size_t *ret_count)
{
    struct reader r = reader_of(bytes);
    size_t count = 0;
    while (reader_more(&r) && count < most)
        numbers[count++] = (uint32_t)read_uint(&r, 4);
    if (!reader_finished(&r))
        return ERR_BAD_MESSAGE;
    *ret_count = count;
    return ERR_OK;
}

static err_t copy_bytes(struct span bytes, uint8_t *to, size_t size, size_t *ret_len)
{
    struct writer w = writer_of(to, size);
    write_span(&w, bytes);
    *ret_len = writer_bytes(&w).len;
    return writer_failed(&w) ? ERR_BAD_MESSAGE : ERR_OK;
}

err_t control_send_rule(int fd, const struct policy_rule *rule)
{
    uint8_t users[4 * POLICY_LIST_MAX];
    uint8_t groups[4 * POLICY_LIST_MAX];
    const struct control_rule message = {
        .allow = rule->allow,
        .any_user = rule->any_user,
        .verbs = rule->verbs,
        .users = write_numbers(users, sizeof users, rule->users, rule->user_count),
        .groups = write_numbers(groups, sizeof groups, rule->groups, rule->group_count),
        .has_class = rule->has_class,
        .has_label = rule->has_label,
        .has_id = rule->has_id,
        .class = rule->class,
        .label = span_of(rule->label, rule->label_len),
        .id = span_of(rule->id, rule->id_len),
        .where = span_of_text(rule->where),
    };
    return control_send(fd, CONTROL_RULE, &message, NULL, 0);
}

err_t control_take_rule(const struct control_rule *message, struct policy_rule *ret_rule)
{
    size_t where_len;
    *ret_rule = (struct policy_rule){
        .allow = message->allow == 1,
        .any_user = message->any_user == 1,
        .verbs = message->verbs,
        .has_class = message->has_class == 1,
        .has_label = message->has_label == 1,
        .has_id = message->has_id == 1,
        .class = message->class,
    };
    struct policy_rule *rule = ret_rule;
    err_t err = read_numbers(message->users, rule->users, POLICY_LIST_MAX, &rule->user_count);
    if (err == ERR_OK)
        err = read_numbers(message->groups, rule->groups, POLICY_LIST_MAX, &rule->group_count);
    if (err == ERR_OK)
        err = copy_bytes(message->label, rule->label, sizeof rule->label, &rule->label_len);
    if (err == ERR_OK)
        err = copy_bytes(message->id, rule->id, sizeof rule->id, &rule->id_len);
    if (err == ERR_OK)
        err =
            copy_bytes(message->where, (uint8_t *)rule->where, sizeof rule->where - 1, &where_len);
    return err;
}

err_t control_send_connection(int fd, const struct identity *identity, int connection)
{
    uint8_t groups[4 * IDENTITY_GROUPS_MAX];
    const struct control_connection message = {
        .uid = identity->uid,
        .pid = identity->pid,
        .start_time = identity->start_time,
        .groups = write_numbers(groups, sizeof groups, identity->groups, identity->group_count),
    };
    return control_send(fd, CONTROL_CONNECTION, &message, &connection, 1);
}

err_t control_take_connection(
    const struct control_connection *message, struct identity *ret_identity)
{
    ret_identity->uid = message->uid;
    ret_identity->pid = message->pid;
    ret_identity->start_time = message->start_time;
    return read_numbers(
        message->groups, ret_identity->groups, IDENTITY_GROUPS_MAX, &ret_identity->group_count);
}
