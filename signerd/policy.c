/* SPDX-License-Identifier: MIT
 *
 * Policy decisions. Called by the worker for each request, after the message has been parsed.
 */
#include "policy.h"

const struct policy_verb_row policy_verbs[] = {
    {VERB_FIND, "find", "see the object and its public attributes"},
    {VERB_SIGN, "sign", "sign with the key"},
    {VERB_VERIFY, "verify", "verify a MAC with the secret key"},
    {VERB_ENCRYPT, "encrypt", "encrypt with the key"},
    {VERB_DECRYPT, "decrypt", "decrypt with the key"},
    {VERB_WRAP, "wrap", "wrap with the key, and let the key be wrapped"},
    {VERB_UNWRAP, "unwrap", "unwrap with the key"},
    {VERB_DERIVE, "derive", "derive another key from the key"},
    {VERB_DERIVE_EXPORT, "derive-export", "read a secret of one's own session that was derived from the key"},
    {VERB_GENERATE, "generate", "make a key of this label and id in the device"},
    {VERB_IMPORT, "import", "bring in a private or secret key of this label and id"},
    {VERB_STORE, "store", "store a certificate, public key or data of this label and id"},
    {VERB_CHANGE, "change", "change attributes; a label or id from the old and to the new one"},
    {VERB_DESTROY, "destroy", "destroy the object"},
    {VERB_RANDOM, "random", "get random bytes from the device"},
    {VERB_ADMIN, "admin", "initialise the token, set the client PIN, ask about other users"},
};
const size_t policy_verbs_count = sizeof policy_verbs / sizeof policy_verbs[0];

static bool rule_names_user(const struct policy_rule *rule, const struct identity *identity)
{
    if (rule->any_user)
        return true;
    for (size_t i = 0; i < rule->user_count; i++)
        if (rule->users[i] == identity->uid)
            return true;
    for (size_t i = 0; i < rule->group_count; i++)
        if (identity_in_group(identity, rule->groups[i]))
            return true;
    return false;
}

static bool rule_names_key(const struct policy_rule *rule, const struct policy_key *key)
{
    if (key == NULL)
        return !rule->has_class && !rule->has_label && !rule->has_id;
    const uint32_t class = key->is_derived ? key->base_class : key->class;
    return (!rule->has_class || rule->class == class) &&
           (!rule->has_label || span_equal(span_of(rule->label, rule->label_len), key->label)) &&
           (!rule->has_id || span_equal(span_of(rule->id, rule->id_len), key->id));
}

struct policy_answer policy_decide(const struct policy_rule *rules, size_t count,
    const struct identity *identity, enum policy_verb verb, const struct policy_key *key)
{
    struct policy_answer answer = {false, NULL};
    for (size_t i = 0; i < count; i++) {
        if (!rule_names_user(&rules[i], identity) || !rule_names_key(&rules[i], key))
            continue;
        if (rules[i].verbs & (uint32_t)verb)
            return (struct policy_answer){rules[i].allow, rules[i].where};
        if (answer.where == NULL)
            answer.where = rules[i].where;
    }
    return answer;
}

bool policy_visible(const struct policy_rule *rules, size_t count, const struct identity *identity,
    const struct policy_key *key)
{
    uint32_t open = (VERB_ALL | VERB_DERIVE_EXPORT) & ~(uint32_t)VERBS_KEYLESS; /* not decided by a rule above */
    for (size_t i = 0; i < count; i++) {
        if (!rule_names_user(&rules[i], identity) || !rule_names_key(&rules[i], key))
            continue;
        if (rules[i].allow && (rules[i].verbs & open) != 0)
            return true;
        open &= ~rules[i].verbs;
    }
    return false;
}
