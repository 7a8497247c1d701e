/* SPDX-License-Identifier: MIT
 *
 * Policy decisions: default deny, the first match decides, and `where` tells which rule it was.
 */
#include "test.h"

#include "rules.h"
#include "wire/attribute.h"

enum { ALICE = 1001, BOB = 1002, STAFF = 50, ALLOW = 1, DENY = 0 };

static struct policy_key key_of(uint32_t class, const char *label, const char *id)
{
    return (struct policy_key){
        .class = class, .label = span_of_text(label), .id = span_of_text(id)};
}

static void expect(const struct policy_rule *rules, size_t count, const struct identity *who,
    enum policy_verb verb, const struct policy_key *key, bool allow, const char *where)
{
    struct policy_answer answer = policy_decide(rules, count, who, verb, key);
    assert_int_equal(answer.allow, allow);
    if (where == NULL)
        assert_null(answer.where);
    else
        assert_string_equal(answer.where, where);
}

/* SIGN by Alice on a private key, decided by one rule. */
static bool rule_allows(struct policy_rule one, const char *label, const char *id)
{
    const struct identity alice = person(ALICE, 1);
    const struct policy_key key = key_of(CLASS_PRIVATE_KEY, label, id);
    return policy_decide(&one, 1, &alice, VERB_SIGN, &key).allow;
}

static void what_no_rule_allows_is_denied(void **state)
{
    const struct identity alice = person(ALICE, 1);
    const struct policy_key key = key_of(CLASS_PRIVATE_KEY, "k", "1");
    const struct policy_rule other = for_user(rule(ALLOW, VERB_ALL, "a:1"), BOB);
    for (size_t i = 0; i < policy_verbs_count; i++) {
        expect(NULL, 0, &alice, policy_verbs[i].verb, &key, false, NULL);
        expect(&other, 1, &alice, policy_verbs[i].verb, &key, false, NULL);
    }
    assert_false(policy_visible(NULL, 0, &alice, &key));
    (void)state;
}

static void the_first_rule_that_matches_decides(void **state)
{
    const struct identity alice = person(ALICE, 1);
    const struct policy_key key = key_of(CLASS_PRIVATE_KEY, "k", "1");
    const struct policy_rule deny_first[] = {
        rule(DENY, VERB_SIGN, "a:1"), rule(ALLOW, VERB_SIGN, "a:2")};
    const struct policy_rule allow_first[] = {
        rule(ALLOW, VERB_SIGN, "a:1"), rule(DENY, VERB_SIGN, "a:2")};
    expect(deny_first, 2, &alice, VERB_SIGN, &key, false, "a:1");
    expect(allow_first, 2, &alice, VERB_SIGN, &key, true, "a:1");
    (void)state;
}

static void a_rule_decides_only_on_the_operations_it_names(void **state)
{
    const struct identity alice = person(ALICE, 1);
    const struct policy_key key = key_of(CLASS_PRIVATE_KEY, "k", "1");
    const struct policy_rule rules[] = {
        rule(DENY, VERB_DESTROY, "a:1"), rule(ALLOW, VERB_SIGN | VERB_FIND, "a:2")};
    expect(rules, 2, &alice, VERB_SIGN, &key, true, "a:2");
    expect(rules, 2, &alice, VERB_FIND, &key, true, "a:2");
    expect(rules, 2, &alice, VERB_DESTROY, &key, false, "a:1");
    (void)state;
}

static void users_are_told_apart_by_uid(void **state)
{
    const struct policy_rule one = for_user(for_user(rule(ALLOW, VERB_SIGN, "a:1"), BOB), BOB + 1);
    const struct policy_key key = key_of(CLASS_PRIVATE_KEY, "k", "1");
    const struct identity alice = person(ALICE, 1);
    const struct identity bob = person(BOB, 1);
    const struct identity next = person(BOB + 1, 1);
    expect(&one, 1, &alice, VERB_SIGN, &key, false, NULL);
    expect(&one, 1, &bob, VERB_SIGN, &key, true, "a:1");
    expect(&one, 1, &next, VERB_SIGN, &key, true, "a:1");
    (void)state;
}

static void a_group_counts_whether_primary_or_supplementary(void **state)
{
    const struct policy_key key = key_of(CLASS_PRIVATE_KEY, "k", "1");
    const struct identity alice = person(ALICE, 1);
    const struct identity member = in_group(in_group(alice, 60), STAFF);
    const struct policy_rule staff = for_group(for_group(rule(ALLOW, VERB_SIGN, "a:1"), 7), STAFF);
    const struct policy_rule primary = for_group(rule(ALLOW, VERB_SIGN, "a:1"), ALICE);
    expect(&staff, 1, &alice, VERB_SIGN, &key, false, NULL);
    expect(&staff, 1, &member, VERB_SIGN, &key, true, "a:1");
    expect(&primary, 1, &alice, VERB_SIGN, &key, true, "a:1");
    (void)state;
}

static void a_uid_is_no_gid(void **state)
{
    const struct policy_key key = key_of(CLASS_PRIVATE_KEY, "k", "1");
    const struct identity member = in_group(person(ALICE, 1), BOB);
    const struct policy_rule bob = for_user(rule(ALLOW, VERB_SIGN, "a:1"), BOB);
    expect(&bob, 1, &member, VERB_SIGN, &key, false, NULL);
    (void)state;
}

static void user_and_group_of_one_rule_are_alternatives(void **state)
{
    const struct policy_key key = key_of(CLASS_PRIVATE_KEY, "k", "1");
    const struct policy_rule either =
        for_group(for_user(rule(ALLOW, VERB_SIGN, "a:1"), BOB), STAFF);
    const struct identity bob = person(BOB, 1);
    const struct identity member = in_group(person(ALICE, 1), STAFF);
    expect(&either, 1, &bob, VERB_SIGN, &key, true, "a:1");
    expect(&either, 1, &member, VERB_SIGN, &key, true, "a:1");
    (void)state;
}

static void a_rule_matches_label_and_id_whole(void **state)
{
    const struct policy_rule labelled = on_label(rule(ALLOW, VERB_SIGN, "a:1"), "web");
    const struct policy_rule numbered = on_id(rule(ALLOW, VERB_SIGN, "a:1"), "12");
    assert_true(rule_allows(labelled, "web", "any"));
    assert_false(rule_allows(labelled, "we", "any"));
    assert_false(rule_allows(labelled, "web2", "any"));
    assert_false(rule_allows(labelled, "WEB", "any"));
    assert_true(rule_allows(numbered, "any", "12"));
    assert_false(rule_allows(numbered, "any", "1"));
    assert_false(rule_allows(numbered, "any", "123"));
    assert_false(rule_allows(on_id(labelled, "12"), "web", "13"));
    assert_true(rule_allows(on_id(labelled, "12"), "web", "12"));
    (void)state;
}

static void an_empty_label_in_a_rule_is_not_no_label(void **state)
{
    const struct policy_rule empty = on_label(rule(ALLOW, VERB_SIGN, "a:1"), "");
    const struct policy_rule none = rule(ALLOW, VERB_SIGN, "a:1");
    assert_true(rule_allows(empty, "", "1"));
    assert_false(rule_allows(empty, "web", "1"));
    assert_true(rule_allows(none, "", "1"));
    assert_true(rule_allows(none, "web", "1"));
    assert_false(rule_allows(on_id(none, ""), "web", "1"));
    assert_true(rule_allows(on_id(none, ""), "web", ""));
    (void)state;
}

static void a_rule_for_a_class_matches_no_other(void **state)
{
    const struct identity alice = person(ALICE, 1);
    for (uint32_t class = CLASS_DATA; class <= CLASS_SECRET_KEY; class ++) {
        const struct policy_rule one = on_class(rule(ALLOW, VERB_FIND, "a:1"), CLASS_CERTIFICATE);
        const struct policy_key key = key_of(class, "k", "1");
        assert_int_equal(
            policy_decide(&one, 1, &alice, VERB_FIND, &key).allow, class == CLASS_CERTIFICATE);
    }
    (void)state;
}

static void where_of_a_denial_is_the_nearest_rule(void **state)
{
    const struct identity alice = person(ALICE, 1);
    const struct policy_key key = key_of(CLASS_PRIVATE_KEY, "k", "1");
    const struct policy_rule rules[] = {
        for_user(rule(ALLOW, VERB_ALL, "other user"), BOB),
        on_label(rule(ALLOW, VERB_ALL, "other key"), "z"),
        rule(ALLOW, VERB_FIND, "nearest"),
        rule(ALLOW, VERB_CHANGE, "second"),
    };
    expect(rules, COUNT(rules), &alice, VERB_SIGN, &key, false, "nearest");
    expect(rules, 2, &alice, VERB_SIGN, &key, false, NULL);
    (void)state;
}

static void an_operation_about_no_key_needs_a_rule_too(void **state)
{
    const struct identity alice = person(ALICE, 1);
    const struct policy_rule random = rule(ALLOW, VERB_RANDOM, "a:1");
    const struct policy_rule sign = rule(ALLOW, VERB_SIGN, "a:1");
    expect(&random, 1, &alice, VERB_RANDOM, NULL, true, "a:1");
    const struct policy_rule keyed[] = {
        on_label(rule(DENY, VERB_ALL, "a:1"), "web"), rule(ALLOW, VERB_ALL, "a:2")};
    expect(&sign, 1, &alice, VERB_RANDOM, NULL, false, "a:1");
    expect(keyed, 2, &alice, VERB_RANDOM, NULL, true,
        "a:2"); /* a rule that names a key is not about it */
    (void)state;
}

static void a_deny_above_hides_only_what_it_names(void **state)
{
    const struct identity alice = person(ALICE, 1);
    const struct policy_key key = key_of(CLASS_SECRET_KEY, "k", "1");
    const struct policy_rule rules[] = {rule(DENY, VERB_ALL & ~(uint32_t)VERB_WRAP, "a:1"),
        rule(ALLOW, VERB_SIGN | VERB_ADMIN | VERB_RANDOM, "a:2"), rule(ALLOW, VERB_WRAP, "a:3")};
    assert_false(policy_visible(rules, 2, &alice, &key));
    assert_true(policy_visible(rules, 3, &alice, &key));
    (void)state;
}

static void all_is_not_admin(void **state)
{
    const struct identity alice = person(ALICE, 1);
    const struct policy_rule all = rule(ALLOW, VERB_ALL, "a:1");
    const struct policy_rule named = rule(ALLOW, VERB_ADMIN, "a:2");
    expect(&all, 1, &alice, VERB_ADMIN, NULL, false, "a:1");
    expect(&named, 1, &alice, VERB_ADMIN, NULL, true, "a:2");
    (void)state;
}

static void any_verb_about_keys_makes_a_key_visible(void **state)
{
    const struct identity alice = person(ALICE, 1);
    const struct policy_key key = key_of(CLASS_PRIVATE_KEY, "k", "1");
    for (size_t i = 0; i < policy_verbs_count; i++) {
        const struct policy_rule one = rule(ALLOW, policy_verbs[i].verb, "a:1");
        assert_int_equal(
            policy_visible(&one, 1, &alice, &key), (policy_verbs[i].verb & VERBS_KEYLESS) == 0);
    }
    const struct policy_rule all_denied[] = {
        rule(DENY, VERB_ALL, "a:1"), rule(ALLOW, VERB_ALL, "a:2")};
    assert_false(policy_visible(all_denied, 2, &alice, &key));
    (void)state;
}

static void the_verbs_have_one_bit_and_one_name_each(void **state)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < policy_verbs_count; i++) {
        uint32_t bit = policy_verbs[i].verb;
        assert_true(bit != 0 && (bit & (bit - 1)) == 0 && !(seen & bit));
        seen |= bit;
    }
    assert_int_equal(seen, VERB_ALL | VERB_ADMIN | VERB_DERIVE_EXPORT);
    assert_int_equal(VERB_ALL & (VERB_ADMIN | VERB_DERIVE_EXPORT), 0); /* it must be named */
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_no_rule_allows_is_denied),
        TEST(the_first_rule_that_matches_decides),
        TEST(a_rule_decides_only_on_the_operations_it_names),
        TEST(users_are_told_apart_by_uid),
        TEST(a_group_counts_whether_primary_or_supplementary),
        TEST(a_uid_is_no_gid),
        TEST(user_and_group_of_one_rule_are_alternatives),
        TEST(a_rule_matches_label_and_id_whole),
        TEST(an_empty_label_in_a_rule_is_not_no_label),
        TEST(a_rule_for_a_class_matches_no_other),
        TEST(where_of_a_denial_is_the_nearest_rule),
        TEST(an_operation_about_no_key_needs_a_rule_too),
        TEST(a_deny_above_hides_only_what_it_names),
        TEST(all_is_not_admin),
        TEST(any_verb_about_keys_makes_a_key_visible),
        TEST(the_verbs_have_one_bit_and_one_name_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
