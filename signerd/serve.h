/* SPDX-License-Identifier: MIT
 *
 * Inside request.c's table: what its functions share. Each serves one operation: it asks permit()
 * for its policy verb first, and encloses whatever uses or changes key material in
 * account_for_begin() and account_for_end().
 */
#ifndef SIGNERD_SERVE_H
#define SIGNERD_SERVE_H

#include "mechanism.h"
#include "worker.h"

struct request {
    struct worker *worker;
    struct connection *connection;
    const union wire_body *in;
    union wire_body *out; /* zeroes at first */
    const char *operation;
    struct writer scratch; /* for what out's BYTES point to */
    bool too_early;        /* its PIN may not be looked at yet: it is served when it may */
};

/* ---- permit.c ---- */

struct audit_event event_of(const struct request *request, const struct policy_key *key);

/* ERR_DENIED unless a rule allows it; a refusal is logged and audited. */
err_t permit(struct request *request, enum policy_verb verb, const struct audit_event *event);

/* Logs and audits a refusal. where: the rule or setting behind it, or NULL. */
void tell_refusal(
    struct request *request, const struct audit_event *event, err_t reason, const char *where);

/* Tells it and returns the reason. */
err_t refuse(struct request *request, const struct audit_event *event, err_t reason);

/* One line for all refusals of a user that got none of their own. */
void tell_left_out(struct worker *worker, struct account *account);

/* The object of that number, where this client may see it. ERR_OBJECT_GONE tells nothing of others'
 * keys. */
err_t find_object(struct request *request, uint64_t number, struct object **ret_object);
bool may_see(const struct request *request, const struct object *object);

/* Whether a rule gives the asker "admin". permit_admin tells a refusal: ERR_NOT_ADMIN. */
bool is_admin(const struct request *request);
err_t permit_admin(struct request *request);

/* Checks the client PIN, which must be set. The answer waits where this user has failed before,
 * whether the PIN is right or not, so that time tells nothing. ERR_PIN_INCORRECT, told. */
err_t check_pin(struct request *request, struct span pin);

/* The intent line, before the driver is called: ERR_AUDIT means that it must not be. */
err_t account_for_begin(
    struct request *request, const struct audit_event *event, uint64_t *ret_intent);

/* The result line. Returns what the client is to be told of the driver's answer. */
err_t account_for_end(struct request *request, uint64_t intent, err_t answer);

/* A device that is gone ends this worker once the answer is out: the next one has new object
 * numbers. */
err_t device_answer(struct worker *worker, err_t answer);

/* A key at work, as a client asks for it. */
struct key_use {
    enum driver_function function;
    uint64_t object;
    uint32_t mechanism;
    struct span parameter;
    struct span data;
    bool in_parts;
};

/* serve_key.c: whether policy, key and mechanism allow this use; where they do not, it is told. Of
 * data that is to be encrypted the event has nothing, not even a hash: a reading is guessed from
 * its hash in no time. */
err_t permit_use(struct request *request, const struct key_use *use, struct audit_event *ret_event,
    struct object **ret_key);

/* serve_key.c: whether a use that was allowed still is: rules change, and keys go. Told as a
 * refusal where it is not. */
err_t permit_further(struct request *request, enum driver_function function, uint64_t object);

/* serve_key.c: the CKF_ flag of a function. */
uint32_t flag_of(enum driver_function function);

/* serve_key.c: a key that wraps (flag CKF_WRAP), unwraps or derives. */
struct mechanism_use use_of(const struct request *request, const struct object *key,
    uint32_t mechanism, uint32_t flag, struct span parameter);

/* Where a client PIN is set, whoever makes a private object must have given it. */
err_t need_login(struct request *request, const struct audit_event *event);

/* Appends the object to a reply's list, unless it does not fit any more. */
bool put_object(struct writer *list, const struct object *object);

/* ---- serve_object.c: making an object ---- */

/* Label and id that a template gives, where it gives any. */
struct policy_key key_in(struct span template, uint32_t class);

/* Whether wanted more objects may be, in a session or (0) on the token. A refusal is told. */
err_t object_room(
    struct request *request, uint64_t session, uint32_t wanted, const struct audit_event *event);

/* Takes up what the driver made. */
err_t take_object(
    struct request *request, driver_ref ref, uint64_t session, struct object **ret_object);

/* What the device has made without the dates that it was given is not what was asked for: destroys
 * it, and returns ERR_ATTRIBUTE_VALUE. */
err_t unmake_object(struct worker *worker, struct object *object);

/* Behind the driver's call that made one object of template, or (answer) did not: the result line,
 * the object in the store, and the reply. ERR_ATTRIBUTE_VALUE, and no object, where the device does
 * not keep dates that it was given. */
err_t end_making(struct request *request, uint64_t intent, err_t answer, driver_ref ref,
    uint64_t session, struct span template);

/* The reply that holds one object. */
err_t answer_object(struct request *request, const struct object *object);

/* The device has done it, but the store could not follow (err): so this worker ends, and the next
 * one reads the device anew. Returns err. */
err_t follow_device(struct worker *worker, err_t err);

/* ---- the operations ---- */

err_t serve_hello(struct request *request); /* serve_session.c */
err_t serve_list(struct request *request);
err_t serve_random(struct request *request);
err_t serve_login(struct request *request);
err_t serve_logout(struct request *request);
err_t serve_end_session(struct request *request);
err_t serve_sign(struct request *request); /* serve_key.c */
err_t serve_verify(struct request *request);
err_t serve_encrypt(struct request *request);
err_t serve_decrypt(struct request *request);
err_t serve_wrap(struct request *request);
err_t serve_begin(struct request *request); /* serve_long.c */
err_t serve_feed(struct request *request);
err_t serve_finish(struct request *request);
err_t serve_cancel(struct request *request);
err_t serve_generate_pair(struct request *request); /* serve_object.c */
err_t serve_generate(struct request *request);
err_t serve_create(struct request *request);
err_t serve_unwrap(struct request *request);
err_t serve_destroy(struct request *request);
err_t serve_set(struct request *request); /* serve_change.c */
err_t serve_copy(struct request *request);
err_t serve_derive(struct request *request); /* serve_derive.c */
err_t serve_value(struct request *request);
err_t serve_status(struct request *request); /* serve_admin.c */
err_t serve_explain(struct request *request);
err_t serve_init_token(struct request *request); /* serve_pin.c, as check_pin and permit_admin */
err_t serve_init_pin(struct request *request);
err_t serve_set_pin(struct request *request);

/* Drops what a client has begun in one of its sessions, or in any. */
void end_session_begun(struct worker *worker, struct client *client, uint64_t session);
void end_client_begun(struct worker *worker, struct client *client);

/* Destroys the session objects of one session of a client; or all of the client's, or those that
 * are private (C_Logout). */
void end_session_objects(struct worker *worker, const struct client *client, uint64_t session);
void end_client_objects(struct worker *worker, const struct client *client, bool only_private);

#endif
