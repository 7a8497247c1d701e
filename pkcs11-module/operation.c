/* SPDX-License-Identifier: MIT
 *
 * The state of an operation, from init to end.
 */
#include "operation.h"

#include "base/secret.h"
#include "key.h"
#include "module.h"
#include "session.h"
#include "slot.h"
#include "stream.h"

static const CK_FLAGS functions[OPERATION_KINDS] = {
    [OPERATION_SIGN] = CKF_SIGN,
    [OPERATION_VERIFY] = CKF_VERIFY,
    [OPERATION_ENCRYPT] = CKF_ENCRYPT,
    [OPERATION_DECRYPT] = CKF_DECRYPT,
};

void operation_clear(struct operation *operation)
{
    buffer_clear(&operation->parameter);
    buffer_clear(&operation->gathered);
    buffer_clear(&operation->result);
    secret_wipe(operation, sizeof *operation);
}

err_t operation_copy(const struct operation *operation, struct operation *ret_copy)
{
    struct operation copy = *operation;
    copy.parameter = (struct buffer){0};
    copy.gathered = (struct buffer){0};
    copy.result = (struct buffer){0};
    err_t err = buffer_append(&copy.parameter, buffer_bytes(&operation->parameter));
    if (err == ERR_OK)
        *ret_copy = copy;
    return err;
}

void operation_end(struct session *session, enum operation_kind kind)
{
    stream_cancel(session, kind);
    operation_clear(&session->operations[kind]);
}

static CK_RV read_parameter(const CK_MECHANISM *mechanism, struct operation *operation)
{
    uint8_t parameter[WIRE_PARAMETER_MAX];
    struct writer w = writer_of(parameter, sizeof parameter);
    CK_RV rv = operation->mechanism->parameter(mechanism, &w, &operation->tag_len);
    if (rv == CKR_OK && buffer_append(&operation->parameter, writer_bytes(&w)) != ERR_OK)
        rv = CKR_HOST_MEMORY;
    return rv;
}

static CK_RV read_key(const struct session *session, struct operation *operation)
{
    struct span key;
    CK_RV rv;
    module_lock(session->module);
    rv = key_choose(session->slot, operation->key, operation->mechanism, &key);
    if (rv == CKR_OK && operation->mechanism->block == 0) {
        operation->signature_len = operation->mechanism->signature_len != 0
                                       ? operation->mechanism->signature_len
                                       : key_signature_length(key);
        if (operation->signature_len == 0)
            rv = CKR_KEY_SIZE_RANGE;
    }
    module_unlock(session->module);
    return rv;
}

CK_RV operation_begin(struct session *session, enum operation_kind kind,
    const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    const bool active = session->operations[kind].mechanism != NULL;
    if (mechanism == NULL) {
        operation_end(session, kind);
        return active ? CKR_OK : CKR_ARGUMENTS_BAD;
    }
    if (active)
        return CKR_OPERATION_ACTIVE;
    struct operation operation = {
        .mechanism = mechanism_find(mechanism->mechanism, functions[kind]), .key = key};
    if (operation.mechanism == NULL)
        return CKR_MECHANISM_INVALID;
    CK_RV rv = read_parameter(mechanism, &operation);
    if (rv == CKR_OK)
        rv = read_key(session, &operation);
    if (rv != CKR_OK) {
        operation_clear(&operation);
        return rv;
    }
    if (operation.mechanism->hash != NULL)
        operation.mechanism->hash->init(&operation.hash);
    session->operations[kind] = operation;
    return CKR_OK;
}

bool operation_gathers(const struct session *session, enum operation_kind kind)
{
    return kind == OPERATION_SIGN || kind == OPERATION_VERIFY ||
           (kind == OPERATION_DECRYPT && session->operations[kind].mechanism->tagged);
}

/* Fills one message after another; a full one goes out when more comes. */
static err_t gather(struct session *session, enum operation_kind kind, struct span part)
{
    struct buffer *gathered = &session->operations[kind].gathered;
    struct writer nothing = writer_of(NULL, 0);
    struct reader r = reader_of(part);
    err_t err = ERR_OK;
    while (err == ERR_OK && reader_more(&r)) {
        if (gathered->len == WIRE_DATA_MAX) {
            err = stream_push(session, kind, buffer_bytes(gathered), &nothing);
            gathered->len = 0;
        }
        const size_t room = WIRE_DATA_MAX - gathered->len;
        if (err == ERR_OK)
            err = buffer_append(gathered, read_span(&r, r.left < room ? r.left : room));
    }
    return err;
}

err_t operation_absorb(struct session *session, enum operation_kind kind, struct span part)
{
    struct operation *operation = &session->operations[kind];
    const struct nettle_hash *hash = operation->mechanism->hash;
    operation->updated = true;
    operation->taken += part.len;
    if (hash == NULL)
        return gather(session, kind, part);
    hash->update(&operation->hash, part.len, part.ptr);
    return ERR_OK;
}

err_t operation_finish(struct session *session, enum operation_kind kind, struct span data,
    struct span signature, struct writer *out)
{
    struct operation *operation = &session->operations[kind];
    const struct nettle_hash *hash = operation->mechanism->hash;
    uint8_t digest[MECHANISM_DIGEST_MAX];
    if (hash != NULL) {
        hash->update(&operation->hash, data.len, data.ptr);
        hash->digest(&operation->hash, hash->digest_size, digest);
        data = span_of(digest, hash->digest_size);
    } else if (operation->updated) {
        data = buffer_bytes(&operation->gathered);
    }
    if (operation->mechanism->single_part && data.len > WIRE_DATA_MAX)
        return ERR_DATA_LENGTH;
    return stream_finish(session, kind, data, signature, out);
}
