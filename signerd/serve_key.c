/* SPDX-License-Identifier: MIT
 *
 * Operations that use a key. One round trip each: the client's init, data and final travel as one
 * message.
 */
#include "serve.h"

#include <p11-kit/pkcs11.h>

/* ---- what there is to check ---- */

static const struct function_row {
    enum policy_verb verb;
    CK_FLAGS flag;        /* of the mechanism */
    const char *in_parts; /* as the audit log calls it */
} function_rows[] = {
    [DRIVER_SIGN] = {VERB_SIGN, CKF_SIGN, "BEGIN_SIGN"},
    [DRIVER_VERIFY] = {VERB_VERIFY, CKF_VERIFY, "BEGIN_VERIFY"},
    [DRIVER_ENCRYPT] = {VERB_ENCRYPT, CKF_ENCRYPT, "BEGIN_ENCRYPT"},
    [DRIVER_DECRYPT] = {VERB_DECRYPT, CKF_DECRYPT, "BEGIN_DECRYPT"},
};

uint32_t flag_of(enum driver_function function)
{
    return (uint32_t)function_rows[function].flag;
}

struct mechanism_use use_of(const struct request *request, const struct object *key,
    uint32_t mechanism, uint32_t flag, struct span parameter)
{
    return (struct mechanism_use){.token = &request->worker->token,
        .key = key,
        .mechanism = mechanism,
        .flag = flag,
        .parameter = parameter};
}

err_t permit_use(struct request *request, const struct key_use *use,
    struct audit_event *ret_event, struct object **ret_key)
{
    const struct function_row *function = &function_rows[use->function];
    err_t err = find_object(request, use->object, ret_key);
    if (err != ERR_OK)
        return err;
    *ret_event = event_of(request, &(*ret_key)->key);
    ret_event->has_mechanism = true;
    ret_event->mechanism = use->mechanism;
    if (use->in_parts)
        ret_event->operation = function->in_parts;
    else if (use->function != DRIVER_ENCRYPT)
        ret_event->data = use->data;
    err = permit(request, function->verb, ret_event);
    if (err != ERR_OK)
        return err;
    struct mechanism_use asked = use_of(
        request, *ret_key, use->mechanism, (uint32_t)function->flag, use->parameter);
    asked.data = use->data;
    asked.in_parts = use->in_parts;
    err = mechanism_check(&asked);
    if (err != ERR_OK)
        return refuse(request, ret_event, err);
    return mechanism_is_guessable(&asked) ? permit(request, VERB_SIGN, ret_event) : ERR_OK;
}

err_t permit_further(struct request *request, enum driver_function function, uint64_t object)
{
    struct object *key;
    err_t err = find_object(request, object, &key);
    if (err != ERR_OK)
        return err;
    struct audit_event event = event_of(request, &key->key);
    return permit(request, function_rows[function].verb, &event);
}

/* ---- the operations ---- */

/* What comes out is in request->scratch. */
static err_t use_key(struct request *request, const struct key_use *use, struct span signature)
{
    struct worker *worker = request->worker;
    struct audit_event event;
    struct object *key;
    uint64_t intent;
    err_t err = permit_use(request, use, &event, &key);
    if (err == ERR_OK)
        err = account_for_begin(request, &event, &intent);
    if (err != ERR_OK)
        return err;
    const struct driver_use done = {use->function, key->ref, use->mechanism, use->parameter};
    err = worker->driver->use(worker->device, &done, use->data, signature, &request->scratch);
    return account_for_end(request, intent, err);
}

err_t serve_sign(struct request *request)
{
    const struct wire_sign_request *in = &request->in->sign_request;
    const struct key_use use = {
        DRIVER_SIGN, in->object, in->mechanism, in->parameter, in->data, false};
    err_t err = use_key(request, &use, span_of(NULL, 0));
    request->out->sign_reply.signature = writer_bytes(&request->scratch);
    return err;
}

err_t serve_verify(struct request *request)
{
    const struct wire_verify_request *in = &request->in->verify_request;
    const struct key_use use = {
        DRIVER_VERIFY, in->object, in->mechanism, in->parameter, in->data, false};
    return use_key(request, &use, in->signature);
}

static err_t serve_crypt(struct request *request, enum driver_function function)
{
    const struct wire_crypt_request *in = &request->in->crypt_request;
    const struct key_use use = {
        function, in->object, in->mechanism, in->parameter, in->data, false};
    err_t err = use_key(request, &use, span_of(NULL, 0));
    request->out->crypt_reply.data = writer_bytes(&request->scratch);
    return err;
}

err_t serve_encrypt(struct request *request)
{
    return serve_crypt(request, DRIVER_ENCRYPT);
}

err_t serve_decrypt(struct request *request)
{
    return serve_crypt(request, DRIVER_DECRYPT);
}

/* Private keys never leave, whatever the device says of them; and some secret ones leave only in a
 * key that is trusted. */
static err_t check_leaving(const struct mechanism_use *use, const struct object *target)
{
    uint64_t size;
    if (target->key.class != CLASS_SECRET_KEY ||
        !attribute_get_bool(target->attributes, ATTR_EXTRACTABLE, false))
        return ERR_KEY_UNEXTRACTABLE;
    if (attribute_get_bool(target->attributes, ATTR_WRAP_WITH_TRUSTED, false) &&
        !attribute_get_bool(use->key->attributes, ATTR_TRUSTED, false))
        return ERR_KEY_NOT_WRAPPABLE;
    return attribute_get_ulong(target->attributes, ATTR_VALUE_LEN, &size)
               ? mechanism_check_wrapping(use, (size_t)size)
               : ERR_OK;
}

/* Allowed for both keys: the one that wraps and the one that leaves. */
err_t serve_wrap(struct request *request)
{
    struct worker *worker = request->worker;
    const struct wire_wrap_request *in = &request->in->wrap_request;
    struct object *key;
    struct object *target;
    uint64_t intent;
    err_t err = find_object(request, in->object, &key);
    if (err == ERR_OK)
        err = find_object(request, in->target, &target);
    if (err != ERR_OK)
        return err;

    struct audit_event event = event_of(request, &key->key);
    struct audit_event leaving = event_of(request, &target->key);
    event.target = &target->key;
    event.has_mechanism = leaving.has_mechanism = true;
    event.mechanism = leaving.mechanism = in->mechanism;
    err = permit(request, VERB_WRAP, &event);
    if (err == ERR_OK)
        err = permit(request, VERB_WRAP, &leaving);
    if (err != ERR_OK)
        return err;
    const struct mechanism_use use =
        use_of(request, key, in->mechanism, CKF_WRAP, in->parameter);
    err = mechanism_check(&use);
    if (err == ERR_OK)
        err = check_leaving(&use, target);
    if (err != ERR_OK)
        return refuse(request, &event, err);
    err = account_for_begin(request, &event, &intent);
    if (err != ERR_OK)
        return err;
    err = worker->driver->wrap(worker->device, key->ref, in->mechanism, in->parameter, target->ref,
        &request->scratch);
    request->out->wrap_reply.wrapped = writer_bytes(&request->scratch);
    return account_for_end(request, intent, err);
}
