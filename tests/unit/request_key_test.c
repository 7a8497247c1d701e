/* SPDX-License-Identifier: MIT
 *
 * SIGN, and what holds for every use of a key: policy and the audit log stand before the device,
 * and a fault of the device is told and written.
 */
#include "request_stand.h"

#include <p11-kit/pkcs11.h>
#include <signal.h>

/* ---- SIGN ---- */

static void a_signature_has_its_intent_and_its_result(void **state)
{
    uint8_t expected[FAKE_SIGNATURE_SIZE];
    fake_signature(span_of_text("0123456789abcdef"), expected, sizeof expected);
    assert_int_equal(sign(mine, "web"), ERR_OK);
    assert_true(span_equal(reply.sign_reply.signature, span_of(expected, sizeof expected)));
    expect_lines(1, 1, 0);
    assert_int_equal(lines_with(" intent SIGN uid=1001 pid=11 "
                                "key=pkcs11:object=web;id=%31;type=private mechanism=4161 "),
        1);
    assert_int_equal(lines_with(" result of=1 OK "), 1);
    (void)state;
}

static void what_policy_does_not_allow_is_denied_before_the_device(void **state)
{
    fixture_rule(&f, for_user(rule(true, VERB_FIND, "t.conf:2"), BOB));
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(sign(his, "web"), ERR_DENIED);
    expect_lines(0, 0, 1);
    assert_int_equal(lines_with(" refused SIGN uid=1002 pid=22 "
                                "key=pkcs11:object=web;id=%31;type=private mechanism=4161 "),
        1);
    assert_int_equal(lines_with(" DENIED rule=t.conf%3a2 "), 1);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

static void a_key_that_policy_hides_is_as_one_that_is_not_there(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    assert_int_equal(sign(his, "web"), ERR_OBJECT_GONE);
    const struct span hidden =
        span_of(f.reply + 4, f.answer.len - 4); /* but for the call's number */
    uint8_t copy[64];
    memcpy(copy, hidden.ptr, hidden.len);
    assert_int_equal(sign_with(his, 1, CKM_ECDSA, span_of(NULL, 0)), ERR_OBJECT_GONE);
    assert_memory_equal(copy, f.reply + 4, hidden.len);
    assert_int_equal(sign(mine, "bank"), ERR_OBJECT_GONE);
    assert_int_equal(destroy(his, number_of("web", CLASS_PRIVATE_KEY)), ERR_OBJECT_GONE);
    assert_int_equal(
        set_bytes(his, number_of("web", CLASS_PRIVATE_KEY), ATTR_LABEL, "x"), ERR_OBJECT_GONE);
    expect_lines(0, 0, 4);
    assert_int_equal(fake_calls(&f.device), 0);
    (void)state;
}

static void a_key_that_is_not_there_is_gone(void **state)
{
    static const uint64_t numbers[] = {0, 1, UINT64_MAX};
    for (size_t i = 0; i < COUNT(numbers); i++)
        assert_int_equal(sign_with(mine, numbers[i], CKM_ECDSA, span_of(NULL, 0)), ERR_OBJECT_GONE);
    expect_lines(0, 0, 0);
    (void)state;
}

static void what_is_longer_than_a_digest_is_not_signed(void **state)
{
    static const uint8_t data[65];
    const size_t lengths[] = {0, 65};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        const struct wire_sign_request request = {number_of("web", CLASS_PRIVATE_KEY), CKM_ECDSA,
            span_of(NULL, 0), span_of(data, lengths[i])};
        assert_int_equal(fixture_call(&f, mine, WIRE_SIGN, &request, &reply), ERR_DATA_LENGTH);
    }
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 2);
    (void)state;
}

static void a_use_that_the_key_has_not_is_refused_before_the_device(void **state)
{
    const uint64_t key = number_of("web", CLASS_PRIVATE_KEY);
    assert_int_equal(
        sign_with(mine, number_of("web", CLASS_PUBLIC_KEY), CKM_ECDSA, span_of(NULL, 0)),
        ERR_KEY_TYPE);
    assert_int_equal(sign_with(mine, key, CKM_SHA256_HMAC, span_of(NULL, 0)), ERR_KEY_TYPE);
    assert_int_equal(sign_with(mine, key, CKM_EC_KEY_PAIR_GEN, span_of(NULL, 0)), ERR_MECHANISM);
    assert_int_equal(sign_with(mine, key, CKM_SHA_1_HMAC, span_of(NULL, 0)), ERR_MECHANISM);
    assert_int_equal(sign_with(mine, key, CKM_ECDSA, span_of_text("x")), ERR_MECHANISM_PARAMETER);
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 5);
    (void)state;
}

static void an_answer_too_large_for_its_message_is_not_cut(void **state)
{
    f.device.signature_size = 4097;
    assert_int_equal(sign(mine, "web"), ERR_TOO_LARGE);
    f.device.signature_size = 4096;
    assert_int_equal(sign(mine, "web"), ERR_OK);
    assert_int_equal(reply.sign_reply.signature.len, 4096);
    (void)state;
}

/* ---- the audit log ---- */

static void without_an_audit_line_the_device_is_not_asked(void **state)
{
    limit_file_size(1);
    err_t signing = sign(mine, "web");
    err_t making = generate(mine, "web", 0);
    err_t storing = create(mine, "web", 0);
    err_t renaming = set_bytes(mine, number_of("web", CLASS_PRIVATE_KEY), ATTR_LABEL, "web");
    err_t ending = destroy(mine, number_of("web", CLASS_PRIVATE_KEY));
    limit_file_size(SIZE_MAX);
    assert_int_equal(signing, ERR_AUDIT);
    assert_int_equal(making, ERR_AUDIT);
    assert_int_equal(storing, ERR_AUDIT);
    assert_int_equal(renaming, ERR_AUDIT);
    assert_int_equal(ending, ERR_AUDIT);
    assert_int_equal(fake_calls(&f.device), 0);
    assert_int_equal(sign(mine, "web"), ERR_OK);
    expect_lines(1, 1, 0);
    (void)state;
}

static void a_refusal_that_could_not_be_written_is_counted_and_told_later(void **state)
{
    limit_file_size(1);
    err_t refused =
        sign_with(mine, number_of("web", CLASS_PUBLIC_KEY), CKM_ECDSA, span_of(NULL, 0));
    limit_file_size(SIZE_MAX);
    assert_int_equal(refused, ERR_KEY_TYPE);
    expect_lines(0, 0, 0);
    assert_int_equal(f.device.calls[FAKE_USE], 0);
    assert_int_equal(mine->place.account->refusals_left_out, 1);
    (void)sign_with(mine, number_of("web", CLASS_PUBLIC_KEY), CKM_ECDSA, span_of(NULL, 0));
    assert_int_equal(mine->place.account->refusals_left_out, 0);
    assert_int_equal(lines_with(" refused-more "), 1);
    (void)state;
}

static void a_flood_of_refusals_is_counted_and_not_written(void **state)
{
    struct connection *his = fixture_greet(&f, &bob, CLIENT);
    for (size_t i = 0; i < 500; i++)
        assert_int_equal(sign(his, "web"), ERR_OBJECT_GONE);
    assert_in_range(lines_with(" refused "), 50, 100);
    his->place.account->refusal_tokens = 1;
    assert_int_equal(sign(his, "web"), ERR_OBJECT_GONE);
    assert_int_equal(his->place.account->refusals_left_out, 0);
    assert_true(lines_with(" refused-more uid=1002 count=4") >= 1);
    (void)state;
}

/* ---- faults of the device ---- */

static void a_failure_of_the_device_is_told_and_written(void **state)
{
    fake_fail(&f.device, FAKE_USE, 1, ERR_DATA_LENGTH);
    assert_int_equal(sign(mine, "web"), ERR_DATA_LENGTH);
    expect_lines(1, 1, 0);
    assert_int_equal(lines_with(" result of=1 DATA_LENGTH "), 1);
    assert_false(f.worker.device_lost);
    (void)state;
}

static void what_cannot_be_read_back_from_the_device_ends_the_worker(void **state)
{
    fake_fail(&f.device, FAKE_ATTRIBUTES, 2, ERR_DEVICE); /* the private key of the pair */
    assert_int_equal(generate(mine, "web", SESSION), ERR_DEVICE);
    assert_true(f.worker.device_lost);
    expect_lines(1, 1, 0);
    (void)state;
}

static void a_device_that_is_gone_ends_the_worker_once_it_has_answered(void **state)
{
    static const enum fake_call calls[] = {
        FAKE_USE, FAKE_GENERATE, FAKE_CREATE, FAKE_RANDOM, FAKE_SET, FAKE_DESTROY};
    may_have_random_bytes();
    for (size_t i = 0; i < COUNT(calls); i++) {
        f.worker.device_lost = false;
        fake_fail(&f.device, calls[i], 1, ERR_TOKEN_ABSENT);
        const uint64_t key = number_of("web", CLASS_PRIVATE_KEY);
        err_t err = calls[i] == FAKE_USE       ? sign(mine, "web")
                    : calls[i] == FAKE_GENERATE ? generate(mine, "web", 0)
                    : calls[i] == FAKE_CREATE   ? create(mine, "web", 0)
                    : calls[i] == FAKE_RANDOM   ? random_bytes(mine, 8)
                    : calls[i] == FAKE_SET      ? set_bytes(mine, key, ATTR_LABEL, "web")
                                                : destroy(mine, key);
        assert_int_equal(err, ERR_TOKEN_ABSENT);
        assert_true(f.worker.device_lost);
    }
    assert_int_equal(
        lines_with(" TOKEN_ABSENT "), COUNT(calls) - 1); /* random bytes have no line */
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(a_signature_has_its_intent_and_its_result),
        WITH_STAND(what_policy_does_not_allow_is_denied_before_the_device),
        WITH_STAND(a_key_that_policy_hides_is_as_one_that_is_not_there),
        WITH_STAND(a_key_that_is_not_there_is_gone),
        WITH_STAND(what_is_longer_than_a_digest_is_not_signed),
        WITH_STAND(a_use_that_the_key_has_not_is_refused_before_the_device),
        WITH_STAND(without_an_audit_line_the_device_is_not_asked),
        WITH_STAND(a_failure_of_the_device_is_told_and_written),
        WITH_STAND(what_cannot_be_read_back_from_the_device_ends_the_worker),
        WITH_STAND(a_device_that_is_gone_ends_the_worker_once_it_has_answered),
        WITH_STAND(an_answer_too_large_for_its_message_is_not_cut),
        WITH_STAND(a_refusal_that_could_not_be_written_is_counted_and_told_later),
        WITH_STAND(a_flood_of_refusals_is_counted_and_not_written),
    };
    (void)signal(SIGXFSZ, SIG_IGN); /* of limit_file_size */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
