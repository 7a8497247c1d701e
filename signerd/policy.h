/* SPDX-License-Identifier: MIT
 *
 * Policy: a pure function of rules, identity, operation and key. It reads no clock, no file and no
 * global, so that the worker that decides and `signerctl policy explain` cannot differ.
 *
 * The first rule that matches decides; where none does, the answer is no.
 */
#ifndef SIGNERD_POLICY_H
#define SIGNERD_POLICY_H

#include "identity.h"

#include "base/bytes.h"

/* What a rule's `operations` may name; the table with the names is policy_verbs. */
enum policy_verb {
    VERB_FIND = 1 << 0,
    VERB_SIGN = 1 << 1,
    VERB_GENERATE = 1 << 2,
    VERB_STORE = 1 << 3,
    VERB_CHANGE = 1 << 4,
    VERB_DESTROY = 1 << 5,
    VERB_RANDOM = 1 << 6,
    VERB_VERIFY = 1 << 7,
    VERB_ENCRYPT = 1 << 8,
    VERB_DECRYPT = 1 << 9,
    VERB_WRAP = 1 << 10,
    VERB_UNWRAP = 1 << 11,
    VERB_IMPORT = 1 << 12,
    VERB_DERIVE = 1 << 13,
    VERB_ADMIN = 1 << 14,
    VERB_DERIVE_EXPORT = 1 << 15,
    VERB_ALL = VERB_ADMIN - 1, /* admin and derive-export must be named */
    VERBS_KEYLESS = VERB_RANDOM | VERB_ADMIN,
};

struct policy_verb_row {
    enum policy_verb verb;
    const char *name;
    const char *meaning;
};
extern const struct policy_verb_row policy_verbs[];
extern const size_t policy_verbs_count;

enum {
    POLICY_LIST_MAX = 32, /* users, or groups, of one rule */
    POLICY_TEXT_MAX = 128,
};

/* The object that a question is about. */
struct policy_key {
    uint32_t class; /* CKO_ number */
    struct span label;
    struct span id;
    bool is_derived; /* a secret without a name of its own: it has that of the key it comes from, */
    uint32_t base_class; /* and rules name it by the class of that */
};

struct policy_rule {
    bool allow;
    bool any_user; /* neither `user` nor `group` was given */
    uint32_t verbs;
    size_t user_count;
    size_t group_count;
    uint32_t users[POLICY_LIST_MAX];
    uint32_t groups[POLICY_LIST_MAX];
    bool has_class; /* what the rule does not have matches anything */
    bool has_label;
    bool has_id;
    uint32_t class;
    size_t label_len;
    size_t id_len;
    uint8_t label[POLICY_TEXT_MAX];
    uint8_t id[POLICY_TEXT_MAX];
    char where[POLICY_TEXT_MAX]; /* "signerd.conf:12" */
};

struct policy_answer {
    bool allow;
    const char
        *where; /* the rule that decided; else the first that names this user and key; else NULL */
};

/* key NULL: the operation is about no key (VERBS_KEYLESS); rules that name one are not about it. */
struct policy_answer policy_decide(const struct policy_rule *rules, size_t count,
    const struct identity *identity, enum policy_verb verb, const struct policy_key *key);

/* True when any operation on the key is allowed: a client sees only the keys that it may use. */
bool policy_visible(const struct policy_rule *rules, size_t count, const struct identity *identity,
    const struct policy_key *key);

#endif
