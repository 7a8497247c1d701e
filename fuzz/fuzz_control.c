/* SPDX-License-Identifier: MIT
 *
 * What a worker takes from its parent. A rule or an identity that is taken must come out the same
 * after it was sent once more.
 */
#include "fuzz.h"

#include "signerd/control.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct control_packet packet;

static int *pair(void)
{
    static int ends[2] = {-1, -1};
    if (ends[0] < 0)
        must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    return ends;
}

static void try_rule(const struct control_rule *message)
{
    struct policy_rule taken;
    struct policy_rule again;
    if (control_take_rule(message, &taken) != ERR_OK)
        return;
    must(taken.user_count <= POLICY_LIST_MAX && taken.group_count <= POLICY_LIST_MAX);
    must(taken.label_len <= POLICY_TEXT_MAX && taken.id_len <= POLICY_TEXT_MAX);
    must(taken.where[POLICY_TEXT_MAX - 1] == '\0');
    must(control_send_rule(pair()[0], &taken) == ERR_OK);
    must(control_receive(pair()[1], &packet) == ERR_OK && packet.number == CONTROL_RULE);
    must(control_take_rule(&packet.body.control_rule, &again) == ERR_OK);
    must(again.allow == taken.allow && again.any_user == taken.any_user &&
         again.verbs == taken.verbs);
    must(again.has_class == taken.has_class && again.has_label == taken.has_label &&
         again.has_id == taken.has_id);
    must(again.class == taken.class && again.user_count == taken.user_count &&
         again.group_count == taken.group_count);
    must(memcmp(again.users, taken.users, sizeof taken.users) == 0);
    must(memcmp(again.groups, taken.groups, sizeof taken.groups) == 0);
    must(again.label_len == taken.label_len &&
         memcmp(again.label, taken.label, taken.label_len) == 0);
    must(again.id_len == taken.id_len && memcmp(again.id, taken.id, taken.id_len) == 0);
    must(strcmp(again.where, taken.where) == 0);
}

static void try_connection(const struct control_connection *message)
{
    static struct identity taken;
    static struct identity again;
    if (control_take_connection(message, &taken) != ERR_OK)
        return;
    must(taken.group_count <= IDENTITY_GROUPS_MAX);
    must(control_send_connection(pair()[0], &taken, pair()[0]) == ERR_OK);
    must(control_receive(pair()[1], &packet) == ERR_OK && packet.descriptor_count == 1);
    must(close(packet.descriptors[0]) == 0);
    must(control_take_connection(&packet.body.control_connection, &again) == ERR_OK);
    must(again.uid == taken.uid && again.pid == taken.pid && again.start_time == taken.start_time);
    must(again.group_count == taken.group_count);
    must(memcmp(again.groups, taken.groups, taken.group_count * sizeof taken.groups[0]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum control_message number;
    union control_body body;
    if (control_parse(span_of(data, size), &number, &body) != ERR_OK)
        return 0;
    if (number == CONTROL_RULE)
        try_rule(&body.control_rule);
    else if (number == CONTROL_CONNECTION)
        try_connection(&body.control_connection);
    return 0;
}
