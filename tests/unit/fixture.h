/* SPDX-License-Identifier: MIT
 *
 * A worker without its loop: the fake device, an audit log in a scratch directory, rules, and
 * connections whose packets go straight to request_serve. For tests and fuzzers; what cannot be set
 * up aborts.
 */
#ifndef TESTS_UNIT_FIXTURE_H
#define TESTS_UNIT_FIXTURE_H

#include "audit_lines.h"
#include "fake_driver.h"
#include "scratch.h"

#include "signerd/request.h"

enum { FIXTURE_RULES_MAX = 16 };

struct fixture {
    struct worker worker;
    struct device device;
    struct pulse pulse;
    struct scratch scratch;
    struct policy_rule rules[FIXTURE_RULES_MAX];
    uint8_t packet[WIRE_MESSAGE_MAX];
    uint8_t reply[WIRE_MESSAGE_MAX];
    enum request_end end;            /* of the last packet */
    struct span answer;              /* the last reply */
    struct wire_reply_header header; /* of it */
    uint32_t call;
};

/* client_pin NULL: none. */
void fixture_open(struct fixture *fixture, const char *client_pin);
void fixture_close(struct fixture *fixture);

void fixture_login(struct fixture *fixture, const char *client_pin); /* one where there was none */
void fixture_rule(struct fixture *fixture, struct policy_rule rule); /* one more */
void fixture_load(struct fixture *fixture); /* the objects that the device has now, as at a start */

struct connection *fixture_connect(struct fixture *fixture, const struct identity *who);
struct connection *fixture_greet(
    struct fixture *fixture, const struct identity *who, uint64_t client); /* and HELLO */
void fixture_disconnect(
    struct fixture *fixture, struct connection *connection); /* as worker.c does */

/* Any packet, served from fixture->packet. */
void fixture_packet(struct fixture *fixture, struct connection *connection, struct span packet);

/* One call. *ret_reply points into the fixture, until the next call. ERR_TIMED_OUT: the answer is
 * parked. */
err_t fixture_call(struct fixture *fixture, struct connection *connection,
    enum wire_operation operation, const void *request, union wire_body *ret_reply);

/* Answers what is parked, now. */
err_t fixture_unpark(
    struct fixture *fixture, struct connection *connection, union wire_body *ret_reply);

/* The audit log so far. The caller frees it. */
struct audit_lines fixture_audit(const struct fixture *fixture);

#endif
