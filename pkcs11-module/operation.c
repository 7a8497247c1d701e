/* SPDX-License-Identifier: MIT
 *
 * The state of an operation, from init to end.
 */
#include "operation.h"

#include "base/secret.h"
#include "cryptoki3.h"
#include "hash.h"
#include "key.h"
#include "module.h"
#include "public_key.h"
#include "session.h"
#include "slot.h"
#include "stream.h"

enum { PKCS1_PADDING = 11 }; /* bytes, at least: RFC 8017, 7.2.1 and 9.2 */

static const CK_FLAGS functions[OPERATION_KINDS] = {
    [OPERATION_SIGN] = CKF_SIGN,
    [OPERATION_VERIFY] = CKF_VERIFY,
    [OPERATION_ENCRYPT] = CKF_ENCRYPT,
    [OPERATION_DECRYPT] = CKF_DECRYPT,
    [OPERATION_SIGN_RECOVER] = CKF_SIGN_RECOVER,
    [OPERATION_VERIFY_RECOVER] = CKF_VERIFY_RECOVER,
};

void operation_clear(struct operation *operation)
{
    buffer_clear(&operation->parameter);
    buffer_clear(&operation->public_key);
    buffer_clear(&operation->gathered);
    buffer_clear(&operation->result);
    secret_wipe(operation, sizeof *operation);
}

err_t operation_copy(const struct operation *operation, struct operation *ret_copy)
{
    struct operation copy = *operation;
    copy.parameter = (struct buffer){0};
    copy.public_key = (struct buffer){0};
    copy.gathered = (struct buffer){0};
    copy.result = (struct buffer){0};
    err_t err = buffer_append(&copy.parameter, buffer_bytes(&operation->parameter));
    if (err == ERR_OK)
        err = buffer_append(&copy.public_key, buffer_bytes(&operation->public_key));
    if (err != ERR_OK)
        operation_clear(&copy);
    else
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

/* ---- sizes ---- */

/* The hash that the parameter names. */
static size_t oaep_hash_length(const struct operation *operation)
{
    struct wire_oaep_parameter oaep;
    if (schema_decode_whole(
            &wire_oaep_parameter_schema, buffer_bytes(&operation->parameter), &oaep) != ERR_OK)
        return 0;
    return hash_find(oaep.hash)->hash->digest_size;
}

static bool read_pss(const struct operation *operation, struct wire_pss_parameter *ret_pss)
{
    return operation->mechanism->device == CKM_RSA_PKCS_PSS &&
           schema_decode_whole(
               &wire_pss_parameter_schema, buffer_bytes(&operation->parameter), ret_pss) == ERR_OK;
}

/* What of a modulus is not there for data (RFC 8017, 7.1.1, 7.2.1, 9.1.1, 9.2). */
static size_t rsa_padding(const struct operation *operation)
{
    struct wire_pss_parameter pss;
    if (read_pss(operation, &pss))
        return hash_find(pss.hash)->hash->digest_size + pss.salt_len + 2;
    if (operation->mechanism->device == CKM_RSA_PKCS_OAEP)
        return 2 * oaep_hash_length(operation) + 2;
    return PKCS1_PADDING;
}

/* What a mechanism that hashes hands on. */
static size_t digest_length(const struct mechanism_row *row)
{
    if (row->hash == NULL)
        return 0;
    return row->hash->digest_size + (row->digest_info ? hash_of(row->hash)->info_len : 0);
}

static CK_RV read_rsa_sizes(struct operation *operation, size_t modulus_len)
{
    const struct mechanism_row *row = operation->mechanism;
    const size_t data = row->digest_info ? digest_length(row) : 0;
    operation->modulus_len = modulus_len;
    return modulus_len >= rsa_padding(operation) + data ? CKR_OK : CKR_KEY_SIZE_RANGE;
}

static CK_RV read_sizes(struct operation *operation, struct span key)
{
    const struct mechanism_row *row = operation->mechanism;
    if (row->signature_len != 0) {
        operation->signature_len =
            operation->tag_len != 0 ? operation->tag_len : row->signature_len;
        return operation->tag_len <= row->signature_len ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
    }
    const bool is_rsa = row->key_types[0] == CKK_RSA;
    if (row->block != 0 && !is_rsa)
        return CKR_OK;
    operation->signature_len = public_key_signature_length(key);
    if (operation->signature_len == 0)
        return CKR_KEY_SIZE_RANGE;
    return is_rsa ? read_rsa_sizes(operation, operation->signature_len) : CKR_OK;
}

bool operation_end_output(
    const struct operation *operation, size_t held, size_t *ret_least, size_t *ret_most)
{
    const struct mechanism_row *row = operation->mechanism;
    if (operation->modulus_len == 0)
        return mechanism_end_output(row, operation->tag_len, held, ret_least, ret_most);
    const size_t room = operation->modulus_len - rsa_padding(operation);
    const bool decrypts = row->function == CKF_DECRYPT;
    *ret_most = decrypts ? room : operation->modulus_len;
    *ret_least = decrypts ? 0 : operation->modulus_len;
    return decrypts ? held == operation->modulus_len : held <= room;
}

/* Whether so many bytes can be signed or verified: of a digest, or of what is longer than one. */
static bool length_fits(const struct operation *operation, size_t len)
{
    struct wire_pss_parameter pss;
    switch (operation->mechanism->device) {
    case CKM_ECDSA:
        return len > 0 && len <= MECHANISM_DIGEST_MAX;
    case CKM_RSA_PKCS:
        return len <= operation->modulus_len - PKCS1_PADDING;
    case CKM_RSA_PKCS_PSS:
        return read_pss(operation, &pss) && len == hash_find(pss.hash)->hash->digest_size;
    default:
        return !operation->mechanism->whole || operation->mechanism->verify != NULL ||
               len <= WIRE_DATA_MAX;
    }
}

/* ---- begin ---- */

/* What public_key_read reads; the object may be gone when it is needed. */
static CK_RV keep_public_key(struct operation *operation, struct span key)
{
    static const uint32_t types[] = {
        ATTR_KEY_TYPE, ATTR_EC_PARAMS, ATTR_EC_POINT, ATTR_MODULUS, ATTR_PUBLIC_EXPONENT};
    uint8_t kept[2 * PUBLIC_KEY_MODULUS_MAX];
    struct writer w = writer_of(kept, sizeof kept);
    struct public_key public_key;
    struct span value;
    if (!public_key_read(key, &public_key) || !verify_key_is_valid(&public_key))
        return CKR_PUBLIC_KEY_INVALID;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (attribute_get(key, types[i], &value))
            attribute_put(&w, types[i], value);
    if (writer_failed(&w))
        return CKR_PUBLIC_KEY_INVALID;
    return buffer_append(&operation->public_key, writer_bytes(&w)) == ERR_OK ? CKR_OK
                                                                             : CKR_HOST_MEMORY;
}

/* What the token does not offer is said first, whatever the parameter is. The module's lock is
 * held.
 */
static CK_RV read_init(
    const struct session *session, const CK_MECHANISM *mechanism, struct operation *operation)
{
    struct span key;
    CK_RV rv = key_choose(session->slot, operation->key, operation->mechanism, &key);
    if (rv == CKR_OK)
        rv = read_parameter(mechanism, operation);
    if (rv == CKR_OK)
        rv = read_sizes(operation, key);
    if (rv == CKR_OK && operation->mechanism->verify != NULL)
        rv = keep_public_key(operation, key);
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
    module_lock(session->module);
    CK_RV rv = read_init(session, mechanism, &operation);
    module_unlock(session->module);
    if (rv != CKR_OK) {
        operation_clear(&operation);
        return rv;
    }
    if (operation.mechanism->hash != NULL)
        operation.mechanism->hash->init(&operation.hash);
    session->operations[kind] = operation;
    return CKR_OK;
}

/* ---- data ---- */

bool operation_gathers(const struct session *session, enum operation_kind kind)
{
    const struct mechanism_row *row = session->operations[kind].mechanism;
    return kind == OPERATION_SIGN || kind == OPERATION_VERIFY || row->whole ||
           (kind == OPERATION_DECRYPT && row->tagged);
}

/* What is verified here has no limit. */
static err_t gather_whole(struct operation *operation, struct span part)
{
    struct buffer *gathered = &operation->gathered;
    if (operation->mechanism->verify == NULL && part.len > WIRE_DATA_MAX - gathered->len)
        return ERR_DATA_LENGTH;
    return buffer_append(gathered, part);
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
    const struct mechanism_row *row = operation->mechanism;
    operation->updated = true;
    operation->taken += part.len;
    if (row->hash == NULL)
        return row->whole ? gather_whole(operation, part) : gather(session, kind, part);
    row->hash->update(&operation->hash, part.len, part.ptr);
    return ERR_OK;
}

/* The digest of what was absorbed, in a DigestInfo where RSA wants one. */
static void write_digest(struct operation *operation, struct writer *out)
{
    const struct mechanism_row *row = operation->mechanism;
    const struct hash_row *hash = hash_of(row->hash);
    uint8_t digest[MECHANISM_DIGEST_MAX];
    row->hash->digest(&operation->hash, row->hash->digest_size, digest);
    if (row->digest_info)
        write_span(out, span_of(hash->info, hash->info_len));
    write_span(out, span_of(digest, row->hash->digest_size));
}

static err_t verify_here(const struct operation *operation, struct span data, struct span signature)
{
    struct public_key key;
    if (!public_key_read(buffer_bytes(&operation->public_key), &key))
        return ERR_INTERNAL; /* it was read before */
    return operation->mechanism->verify(&key, buffer_bytes(&operation->parameter), data, signature);
}

err_t operation_finish(struct session *session, enum operation_kind kind, struct span data,
    struct span signature, struct writer *out)
{
    struct operation *operation = &session->operations[kind];
    const struct mechanism_row *row = operation->mechanism;
    uint8_t digest[HASH_INFO_MAX + MECHANISM_DIGEST_MAX];
    struct writer w = writer_of(digest, sizeof digest);
    if (row->hash != NULL) {
        row->hash->update(&operation->hash, data.len, data.ptr);
        write_digest(operation, &w);
        data = writer_bytes(&w);
    } else if (operation->updated) {
        data = buffer_bytes(&operation->gathered);
    }
    if (row->block == 0 && !length_fits(operation, data.len))
        return ERR_DATA_LENGTH;
    return row->verify != NULL ? verify_here(operation, data, signature)
                               : stream_finish(session, kind, data, signature, out);
}
