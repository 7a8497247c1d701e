/* SPDX-License-Identifier: MIT
 *
 * What only an admin may: initialising the token, setting the client PIN. Who is one, the rules say
 * of the identity that the kernel tells; no PIN makes one.
 */
#include "serve.h"

#include "base/clock.h"
#include "base/log.h"

err_t permit_admin(struct request *request)
{
    struct audit_event event = event_of(request, NULL);
    return permit(request, VERB_ADMIN, &event) == ERR_OK ? ERR_OK : ERR_NOT_ADMIN;
}

/* ---- the client PIN ---- */

err_t check_pin(struct request *request, struct span pin)
{
    struct connection *connection = request->connection;
    struct account *account = connection->place.account;
    struct audit_event event = event_of(request, NULL);
    if (!account_pin_may_be_tried(account, clock_us())) {
        connection->parked_until = account->pin_free_at;
        request->too_early = true;
        return ERR_TIMED_OUT;
    }
    bool right = login_pin_is_right(request->worker->login, pin);
    uint64_t now = clock_us();
    uint64_t answer_at = account_pin_answer_at(account, right, now);
    connection->parked_until = answer_at > now ? answer_at : 0;
    if (right)
        return ERR_OK;
    tell_refusal(request, &event, ERR_PIN_INCORRECT, "client-pin");
    return ERR_PIN_INCORRECT;
}

/* Whether this client may set a PIN, and it could be one. */
static err_t may_set(struct request *request, struct span pin)
{
    err_t err = permit_admin(request);
    if (err == ERR_OK && request->worker->login == NULL)
        err = ERR_NO_CLIENT_PIN;
    if (err == ERR_OK && (pin.len == 0 || pin.len > LOGIN_PIN_MAX))
        err = ERR_PIN_LENGTH;
    return err;
}

static err_t set_pin(struct request *request, struct span pin)
{
    struct audit_event event = event_of(request, NULL);
    uint64_t intent;
    err_t err = account_for_begin(request, &event, &intent);
    if (err != ERR_OK)
        return err;
    return account_for_end(request, intent, login_set_pin(request->worker->login, pin));
}

err_t serve_init_pin(struct request *request)
{
    struct span pin = request->in->init_pin_request.pin;
    err_t err = may_set(request, pin);
    return err == ERR_OK ? set_pin(request, pin) : err;
}

err_t serve_set_pin(struct request *request)
{
    const struct wire_set_pin_request *in = &request->in->set_pin_request;
    err_t err = may_set(request, in->new_pin);
    if (err == ERR_OK)
        err = check_pin(request, in->old_pin);
    return err == ERR_OK ? set_pin(request, in->new_pin) : err;
}

/* ---- the token ---- */

/* PKCS#11 wants no session open where a token is initialised, whoever has it; so all that clients
 * have of this worker's life goes. */
static void close_device(struct worker *worker)
{
    for (struct client *client = worker->clients.first; client != NULL; client = client->next)
        end_client_begun(worker, client);
    objects_free(&worker->objects);
    if (worker->device != NULL)
        worker->driver->close(worker->device);
    worker->device = NULL;
    worker->try_again_at = UINT64_MAX;
}

static err_t init_token(struct worker *worker, struct span so_pin)
{
    const struct driver_settings settings = {worker->module, worker->token_label, worker->pin};
    const bool was_open = worker->device != NULL;
    if (was_open)
        close_device(worker);
    err_t err = worker->driver->init(&settings, so_pin);
    /* The next worker opens it, with new object numbers. Where the device's PIN was refused before
     * and nothing has changed, it is not tried again: tokens lock. */
    worker->device_lost = was_open || err == ERR_OK || err == ERR_DEVICE_PIN;
    return err;
}

err_t serve_init_token(struct request *request)
{
    struct worker *worker = request->worker;
    const struct wire_init_token_request *in = &request->in->init_token_request;
    struct audit_event event = event_of(request, NULL);
    uint64_t intent;
    err_t err = permit_admin(request);
    if (err != ERR_OK)
        return err;
    if (worker->driver->init == NULL)
        return ERR_UNSUPPORTED;
    if (!span_equal(in->label, span_of_text(worker->token_label))) {
        log_error("uid %u asks to initialise the token with a label that is not '%s', which "
                  "signerd.conf has as 'token': refused, since it would not be found again",
            event.who->uid, worker->token_label);
        return refuse(request, &event, ERR_ARGUMENTS);
    }
    err = account_for_begin(request, &event, &intent);
    if (err != ERR_OK)
        return err;
    err = init_token(worker, in->pin);
    if (err == ERR_OK)
        log_warning("uid %u has initialised the token '%s': all that was in it is gone",
            event.who->uid, worker->token_label);
    return account_for_end(request, intent, err);
}
