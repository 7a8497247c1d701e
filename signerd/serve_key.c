/* SPDX-License-Identifier: MIT
 *
 * Operations that use a key. One round trip each: the client's init, data and final travel as one
 * message.
 */
#include "serve.h"

#include <p11-kit/pkcs11.h>

#undef tag_bits /* p11-kit's other name for ulTagBits; a field of wire_gcm_parameter has it, too */

enum {
    LONGEST_DIGEST = 64, /* SHA-512 */
    AES_BLOCK = 16,
    WRAP_IV = 8,
    TAG_BITS_LEAST = 96, /* shorter ones can be guessed; NIST SP 800-38D, appendix C */
    TAG_BITS_MOST = 128,
};

/* ---- what there is to check ---- */

static const struct function_row {
    enum policy_verb verb;
    CK_FLAGS flag;       /* of the mechanism */
    uint32_t attribute;  /* of the key */
    const char *in_parts; /* as the audit log calls it */
} function_rows[] = {
    [DRIVER_SIGN] = {VERB_SIGN, CKF_SIGN, ATTR_SIGN, "BEGIN_SIGN"},
    [DRIVER_VERIFY] = {VERB_VERIFY, CKF_VERIFY, ATTR_VERIFY, "BEGIN_VERIFY"},
    [DRIVER_ENCRYPT] = {VERB_ENCRYPT, CKF_ENCRYPT, ATTR_ENCRYPT, "BEGIN_ENCRYPT"},
    [DRIVER_DECRYPT] = {VERB_DECRYPT, CKF_DECRYPT, ATTR_DECRYPT, "BEGIN_DECRYPT"},
};

static bool no_parameter(struct span parameter)
{
    return parameter.len == 0;
}

static bool block_parameter(struct span parameter)
{
    return parameter.len == AES_BLOCK;
}

static bool wrap_parameter(struct span parameter)
{
    return parameter.len == 0 || parameter.len == WRAP_IV;
}

static bool gcm_parameter(struct span parameter)
{
    struct wire_gcm_parameter gcm;
    return schema_decode_whole(&wire_gcm_parameter_schema, parameter, &gcm) == ERR_OK &&
           gcm.iv.len > 0 && gcm.tag_bits % 8 == 0 && gcm.tag_bits >= TAG_BITS_LEAST &&
           gcm.tag_bits <= TAG_BITS_MOST;
}

/* What a mechanism wants. */
static const struct mechanism_row {
    uint32_t mechanism;
    uint32_t class;        /* of the key */
    uint64_t key_types[2]; /* any of them */
    bool (*parameter_fits)(struct span parameter);
    bool digest; /* the data is one: a device would sign a document's first bytes without a word */
    bool in_parts;
} mechanism_rows[] = {
    {CKM_ECDSA, CLASS_PRIVATE_KEY, {CKK_EC, CKK_EC}, no_parameter, true, false},
    {CKM_SHA256_HMAC, CLASS_SECRET_KEY, {CKK_GENERIC_SECRET, CKK_SHA256_HMAC}, no_parameter, false,
        true},
    {CKM_AES_CBC_PAD, CLASS_SECRET_KEY, {CKK_AES, CKK_AES}, block_parameter, false, true},
    {CKM_AES_GCM, CLASS_SECRET_KEY, {CKK_AES, CKK_AES}, gcm_parameter, false, true},
    {CKM_AES_KEY_WRAP, CLASS_SECRET_KEY, {CKK_AES, CKK_AES}, wrap_parameter, false, false},
};

static const struct mechanism_row *mechanism_find(uint32_t mechanism)
{
    for (size_t i = 0; i < sizeof mechanism_rows / sizeof mechanism_rows[0]; i++)
        if (mechanism_rows[i].mechanism == mechanism)
            return &mechanism_rows[i];
    return NULL;
}

/* flag, attribute: the function's, of mechanism and key. */
static err_t check_key(const struct worker *worker, const struct object *key, uint32_t mechanism,
    CK_FLAGS flag, uint32_t attribute, struct span parameter)
{
    const struct mechanism_row *row = mechanism_find(mechanism);
    uint64_t type;
    if (row == NULL)
        return ERR_MECHANISM;
    if (key->key.class != row->class)
        return ERR_KEY_TYPE;
    if (!mechanism_offers(&worker->token, mechanism, (uint32_t)flag))
        return ERR_MECHANISM;
    if (attribute_get_ulong(key->attributes, ATTR_KEY_TYPE, &type) && type != row->key_types[0] &&
        type != row->key_types[1])
        return ERR_KEY_TYPE;
    if (!attribute_get_bool(key->attributes, attribute, true))
        return ERR_KEY_FUNCTION;
    return row->parameter_fits(parameter) ? ERR_OK : ERR_MECHANISM_PARAMETER;
}

static err_t check_use(
    const struct worker *worker, const struct object *key, const struct key_use *use)
{
    const struct function_row *function = &function_rows[use->function];
    err_t err = check_key(
        worker, key, use->mechanism, function->flag, function->attribute, use->parameter);
    if (err != ERR_OK)
        return err;
    const struct mechanism_row *row = mechanism_find(use->mechanism);
    if (use->in_parts)
        return row->in_parts ? ERR_OK : ERR_MECHANISM;
    bool is_digest = use->data.len > 0 && use->data.len <= LONGEST_DIGEST;
    return row->digest && !is_digest ? ERR_DATA_LENGTH : ERR_OK;
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
    err = check_use(request->worker, *ret_key, use);
    return err == ERR_OK ? ERR_OK : refuse(request, ret_event, err);
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

err_t check_wrapping_key(const struct worker *worker, const struct object *key, uint32_t mechanism,
    uint32_t flag, uint32_t attribute, struct span parameter)
{
    if (mechanism != CKM_AES_KEY_WRAP)
        return ERR_MECHANISM;
    return check_key(worker, key, mechanism, flag, attribute, parameter);
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

/* Private keys never leave, whatever the device says of them. */
static err_t check_leaving(const struct object *target)
{
    bool may_leave = target->key.class == CLASS_SECRET_KEY &&
                     attribute_get_bool(target->attributes, ATTR_EXTRACTABLE, false);
    return may_leave ? ERR_OK : ERR_KEY_UNEXTRACTABLE;
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
    err = check_wrapping_key(worker, key, in->mechanism, CKF_WRAP, ATTR_WRAP, in->parameter);
    if (err == ERR_OK)
        err = check_leaving(target);
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
