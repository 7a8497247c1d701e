/* SPDX-License-Identifier: MIT
 *
 * What the tests of a client's requests share: a worker on the fake device, Alice who may use some
 * of it and Bob who may not, and each request in one call, which gives the error of the answer and
 * asserts nothing. A helper that reads replies or the audit log fails the test where it cannot.
 */
#ifndef TESTS_UNIT_REQUEST_STAND_H
#define TESTS_UNIT_REQUEST_STAND_H

#include "test.h"

#include "fixture.h"
#include "rules.h"

enum { ALICE = 1001, BOB = 1002 }; /* users */
enum { CLIENT = 7, SESSION = 5 };  /* as a module of Alice's numbers them */

/* Of the test that runs */
extern struct fixture f;
extern struct identity alice;   /* process 11 */
extern struct identity bob;     /* process 22 */
extern struct connection *mine; /* Alice's, greeted */
extern union wire_body reply;   /* of the last call; its spans point into f, until the next */

/* The device has the pair "web", id "1", with which Alice may do all, and the private key "bank",
 * id "2", which is nobody's. No rule names Bob. client_pin NULL: none. */
void stand_up_with(const char *client_pin);
int stand_up(void **state); /* with none */
int stand_down(void **state);
#define WITH_STAND(test) cmocka_unit_test_setup_teardown(test, stand_up, stand_down)

/* One rule more. Alice's names a key; random bytes are about none. */
void may_have_random_bytes(void);

/* Of the first object with this label and class; 0: none */
uint64_t number_of(const char *label, uint32_t class);

/* ---- calls ----
 * Session 0 makes token objects. */

err_t hello(struct connection *connection, uint16_t lowest, uint16_t highest, struct span ticket);

/* Over the 16 bytes "0123456789abcdef" */
err_t sign_with(
    struct connection *connection, uint64_t object, uint32_t mechanism, struct span parameter);
err_t sign(struct connection *connection, const char *label); /* CKM_ECDSA */

err_t generate(
    struct connection *connection, const char *label, uint64_t session); /* P-256, id "9" */
err_t create(
    struct connection *connection, const char *label, uint64_t session); /* a certificate */
err_t set_bytes(struct connection *connection, uint64_t object, uint32_t type, const char *value);
err_t destroy(struct connection *connection, uint64_t object);
err_t random_bytes(struct connection *connection, uint32_t length);
err_t list_from(struct connection *connection, uint64_t since, uint32_t cursor);

/* The numbers in a reply's objects, each of which is well formed; fails where there are more than
 * most. Gives their count. */
size_t numbers_in(struct span objects, uint64_t *ret_numbers, size_t most);

/* The same of the list_reply, which is compact. */
size_t numbers_listed(uint64_t *ret_numbers, size_t most);

/* How many objects the client sees, over all parts. */
size_t seen_by(struct connection *connection);

/* The last packet was answered with this error and, behind the header, nothing. */
void expect_error(err_t expected);

/* ---- the audit log ---- */

/* How many lines hold the text; its chain holds. */
size_t lines_with(const char *text);

/* So many lines of each kind were written, and no call of the device is marked as going on. */
void expect_lines(size_t intents, size_t results, size_t refusals);

#endif
