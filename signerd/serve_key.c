/* SPDX-License-Identifier: MIT
 *
 * Operations that use a key. One round trip each: the client's init, data and final travel as one
 * message.
 */
#include "serve.h"

#include <p11-kit/pkcs11.h>

enum { LONGEST_DIGEST = 64 }; /* SHA-512 */

static err_t check_sign(
    const struct worker *worker, const struct policy_key *key, const struct wire_sign_request *in)
{
    if (key->class != CLASS_PRIVATE_KEY)
        return ERR_KEY_TYPE;
    if (!mechanism_offers(&worker->token, in->mechanism, CKF_SIGN))
        return ERR_MECHANISM;
    if (in->parameter.len > 0)
        return ERR_MECHANISM_PARAMETER;
    /* A device would sign the first bytes of a document without a word. */
    bool is_digest = in->data.len > 0 && in->data.len <= LONGEST_DIGEST;
    return in->mechanism != CKM_ECDSA || is_digest ? ERR_OK : ERR_DATA_LENGTH;
}

err_t serve_sign(struct request *request)
{
    struct worker *worker = request->worker;
    const struct wire_sign_request *in = &request->in->sign_request;
    struct object *key;
    uint64_t intent;
    err_t err = find_object(request, in->object, &key);
    if (err != ERR_OK)
        return err;

    struct audit_event event = event_of(request, &key->key);
    event.has_mechanism = true;
    event.mechanism = in->mechanism;
    event.data = in->data;
    err = permit(request, VERB_SIGN, &event);
    if (err != ERR_OK)
        return err;
    err = check_sign(worker, &key->key, in);
    if (err != ERR_OK)
        return refuse(request, &event, err);
    err = account_for_begin(request, &event, &intent);
    if (err != ERR_OK)
        return err;
    const struct driver_use use = {DRIVER_SIGN, key->ref, in->mechanism, in->parameter};
    err = worker->driver->use(
        worker->device, &use, in->data, span_of(NULL, 0), &request->scratch);
    request->out->sign_reply.signature = writer_bytes(&request->scratch);
    return account_for_end(request, intent, err);
}
