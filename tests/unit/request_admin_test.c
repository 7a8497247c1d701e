/* SPDX-License-Identifier: MIT
 *
 * STATUS and EXPLAIN: what signerctl is told, and that it is told of others only where a rule gives
 * the operation "admin".
 */
#include "request_stand.h"

#include <unistd.h>

static const struct span none = {NULL, 0};

static void may_administer(void)
{
    fixture_rule(&f, for_user(rule(true, VERB_ADMIN, "t.conf:4"), ALICE));
}

/* ---- STATUS ---- */

static void status(struct connection *connection)
{
    const union wire_body nothing = {0};
    assert_int_equal(fixture_call(&f, connection, WIRE_STATUS, &nothing, &reply), ERR_OK);
}

/* Of the last status, the row of this process; false where there is none. */
static bool row_of(uint32_t uid, uint32_t pid, struct wire_status_client *ret_row)
{
    struct reader r = reader_of(reply.status_reply.clients);
    while (reader_more(&r)) {
        schema_decode(&wire_status_client_schema, &r, ret_row);
        assert_false(r.failed);
        if (ret_row->uid == uid && ret_row->pid == pid)
            return true;
    }
    return false;
}

static void status_tells_of_device_and_worker(void **state)
{
    (void)snprintf(f.worker.name, sizeof f.worker.name, "demo");
    status(mine);
    assert_true(span_equal(reply.status_reply.device, span_of_text("demo")));
    assert_true(span_equal(reply.status_reply.driver, span_of_text("fake")));
    assert_int_equal(reply.status_reply.present, 1);
    assert_int_equal(reply.status_reply.absent_because, 0);
    assert_int_equal(reply.status_reply.worker, getpid());
    assert_int_equal(reply.status_reply.requests, 1); /* HELLO; this one is not served yet */
    assert_int_equal(reply.status_reply.objects, 2);  /* without the bank's */
    assert_int_equal(reply.status_reply.connections, 1);
    f.worker.device = NULL;
    f.worker.absent_because = ERR_DEVICE_PIN;
    status(mine);
    f.worker.device = &f.device;
    assert_int_equal(reply.status_reply.present, 0);
    assert_int_equal(reply.status_reply.absent_because, ERR_DEVICE_PIN);
    (void)state;
}

static void a_client_is_told_of_its_own_user_only(void **state)
{
    struct wire_status_client row;
    const struct identity again = person(ALICE, 12);
    (void)fixture_greet(&f, &bob, CLIENT);
    (void)fixture_greet(&f, &again, CLIENT);
    (void)fixture_greet(&f, &alice, CLIENT);
    assert_int_equal(create(mine, "web", SESSION), ERR_OK);
    status(mine);
    assert_int_equal(reply.status_reply.admin, 0);
    assert_int_equal(reply.status_reply.connections, 4);
    assert_false(row_of(BOB, 22, &row));
    assert_true(row_of(ALICE, 12, &row));
    assert_int_equal(row.requests, 1);
    assert_true(row_of(ALICE, 11, &row));
    assert_int_equal(row.connections, 2);
    assert_int_equal(row.session_objects, 1);
    assert_int_equal(row.requests, 3);
    assert_int_equal(row.logged_in, 0);
    expect_lines(1, 1, 0);
    (void)state;
}

static void an_admin_is_told_of_all(void **state)
{
    struct wire_status_client row;
    (void)fixture_greet(&f, &bob, CLIENT);
    may_administer();
    status(mine);
    assert_int_equal(reply.status_reply.admin, 1);
    assert_true(row_of(BOB, 22, &row));
    assert_true(row_of(ALICE, 11, &row));
    (void)state;
}

static void a_rule_about_a_key_makes_no_admin(void **state)
{
    fixture_rule(&f, for_user(on_label(rule(true, VERB_ADMIN, "t.conf:4"), "web"), ALICE));
    fixture_rule(&f, for_user(rule(true, VERB_ALL, "t.conf:5"), ALICE));
    status(mine);
    assert_int_equal(reply.status_reply.admin, 0);
    (void)state;
}

static void more_clients_than_fit_are_left_out(void **state)
{
    may_administer();
    for (uint32_t i = 0; i < 3000; i++) {
        const struct identity other = person(2000 + i, 2000 + i);
        (void)fixture_greet(&f, &other, CLIENT);
    }
    status(mine);
    assert_int_equal(reply.status_reply.connections, 3001);
    assert_int_equal(reply.status_reply.clients.len, 61440 / 25 * 25);
    (void)state;
}

/* ---- EXPLAIN ---- */

static err_t explain(struct connection *connection, uint32_t uid, struct span groups,
    const char *operation, const char *label)
{
    const struct wire_explain_request request = {uid, groups, span_of_text(operation),
        label != NULL, CLASS_PRIVATE_KEY, span_of_text(label ? label : ""), span_of_text("1")};
    return fixture_call(&f, connection, WIRE_EXPLAIN, &request, &reply);
}

static void expect_answer(bool allow, const char *where)
{
    assert_int_equal(reply.explain_reply.allow, allow);
    assert_true(span_equal(reply.explain_reply.where, span_of_text(where)));
}

static void whoever_asks_learns_of_its_own_rights(void **state)
{
    assert_int_equal(explain(mine, ALICE, none, "sign", "web"), ERR_OK);
    expect_answer(true, "t.conf:1");
    assert_int_equal(explain(mine, ALICE, none, "sign", "bank"), ERR_OK);
    expect_answer(false, "");
    assert_int_equal(explain(mine, ALICE, none, "random", NULL), ERR_OK);
    expect_answer(false, "");
    may_have_random_bytes();
    assert_int_equal(explain(mine, ALICE, none, "random", NULL), ERR_OK);
    expect_answer(true, "t.conf:3");
    assert_int_equal(fake_calls(&f.device), 0);
    expect_lines(0, 0, 0);
    (void)state;
}

static void own_groups_are_those_of_the_kernel(void **state)
{
    static const uint8_t claimed[] = {0, 0, 0, 50};
    fixture_rule(&f, for_group(rule(true, VERB_SIGN, "t.conf:6"), 50));
    assert_int_equal(explain(mine, ALICE, span_of(claimed, 4), "sign", "bank"), ERR_OK);
    expect_answer(false, "");
    (void)state;
}

static void of_others_only_an_admin_may_ask(void **state)
{
    static const uint8_t groups[] = {0, 0, 0, 7, 0, 0, 0, 50};
    fixture_rule(&f, for_group(rule(true, VERB_SIGN, "t.conf:6"), 50));
    assert_int_equal(explain(mine, BOB, span_of(groups, 8), "sign", "bank"), ERR_DENIED);
    expect_lines(0, 0, 1);
    assert_int_equal(lines_with(" refused EXPLAIN uid=1001 pid=11 DENIED rule="), 1);
    may_administer();
    assert_int_equal(explain(mine, BOB, span_of(groups, 8), "sign", "bank"), ERR_OK);
    expect_answer(true, "t.conf:6");
    assert_int_equal(explain(mine, BOB, span_of(groups, 4), "sign", "bank"), ERR_OK);
    expect_answer(false, "");
    assert_int_equal(explain(mine, BOB, span_of(groups, 7), "sign", "bank"), ERR_ARGUMENTS);
    (void)state;
}

static void a_question_that_makes_no_sense_is_refused(void **state)
{
    static const char *const unknown[] = {"", "SIGN", "sig", "signs", "all"};
    for (size_t i = 0; i < COUNT(unknown); i++)
        assert_int_equal(explain(mine, ALICE, none, unknown[i], "web"), ERR_ARGUMENTS);
    assert_int_equal(explain(mine, ALICE, none, "sign", NULL), ERR_ARGUMENTS);
    assert_int_equal(explain(mine, ALICE, none, "admin", "web"), ERR_ARGUMENTS);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(status_tells_of_device_and_worker),
        WITH_STAND(a_client_is_told_of_its_own_user_only),
        WITH_STAND(an_admin_is_told_of_all),
        WITH_STAND(a_rule_about_a_key_makes_no_admin),
        WITH_STAND(more_clients_than_fit_are_left_out),
        WITH_STAND(whoever_asks_learns_of_its_own_rights),
        WITH_STAND(own_groups_are_those_of_the_kernel),
        WITH_STAND(of_others_only_an_admin_may_ask),
        WITH_STAND(a_question_that_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
