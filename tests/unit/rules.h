/* SPDX-License-Identifier: MIT
 *
 * Identities and policy rules, each in one expression, for the tests that need many.
 */
#ifndef TESTS_UNIT_RULES_H
#define TESTS_UNIT_RULES_H

#include "signerd/policy.h"

#include <stdio.h>
#include <string.h>

static inline struct identity person(uint32_t uid, uint32_t pid)
{
    return (struct identity){
        .uid = uid, .pid = pid, .start_time = 1000 + pid, .group_count = 1, .groups = {uid}};
}

static inline struct identity in_group(struct identity identity, uint32_t gid)
{
    identity.groups[identity.group_count++] = gid;
    return identity;
}

static inline struct policy_rule rule(bool allow, uint32_t verbs, const char *where)
{
    struct policy_rule made = {.allow = allow, .any_user = true, .verbs = verbs};
    (void)snprintf(made.where, sizeof made.where, "%s", where);
    return made;
}

static inline struct policy_rule for_user(struct policy_rule made, uint32_t uid)
{
    made.any_user = false;
    made.users[made.user_count++] = uid;
    return made;
}

static inline struct policy_rule for_group(struct policy_rule made, uint32_t gid)
{
    made.any_user = false;
    made.groups[made.group_count++] = gid;
    return made;
}

static inline struct policy_rule on_class(struct policy_rule made, uint32_t class)
{
    made.has_class = true;
    made.class = class;
    return made;
}

static inline struct policy_rule on_label(struct policy_rule made, const char *label)
{
    made.has_label = true;
    made.label_len = strlen(label);
    memcpy(made.label, label, made.label_len);
    return made;
}

static inline struct policy_rule on_id(struct policy_rule made, const char *id)
{
    made.has_id = true;
    made.id_len = strlen(id);
    memcpy(made.id, id, made.id_len);
    return made;
}

#endif
