/* SPDX-License-Identifier: MIT
 *
 * Encrypting and decrypting with CKM_AES_GCM, message by message. The device has the tag behind the
 * encrypted data, the program in a place of its own. An IV is the program's or the device's random,
 * never a counter, which a restart could repeat.
 */
#include "message.h"

#include "base/secret.h"
#include "cipher.h"
#include "random.h"
#include "session.h"

#include <string.h>

enum {
    IV_MAX = 256,
    IV_RANDOM_MIN = 64, /* bits: with fewer two IVs are soon the same */
    TAG_BITS_MAX = 128,
};

/* What a message of the program's is done with, copied and checked */
struct gcm_message {
    struct gcm_message_params params;
    uint8_t iv[IV_MAX];
    CK_ULONG tag_len; /* bytes */
    bool generates;
};

/* The rest is checked where the message begins. */
static CK_RV load(const struct message_parameter *parameter, struct gcm_message *ret_message)
{
    *ret_message = (struct gcm_message){0};
    struct gcm_message_params *params = &ret_message->params;
    if (parameter->params == NULL || parameter->params_len != sizeof *params)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(params, parameter->params, sizeof *params);
    if (params->iv == NULL || params->iv_len == 0 || params->iv_len > IV_MAX ||
        params->tag_len_bits > TAG_BITS_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(ret_message->iv, params->iv, params->iv_len);
    ret_message->tag_len = params->tag_len_bits / 8;
    return CKR_OK;
}

/* Makes all of the IV but the bits at its front that are the program's. */
static CK_RV generate_iv(struct session *session, struct gcm_message *message)
{
    const CK_ULONG fixed = message->params.iv_fixed_bits;
    const CK_ULONG bits = 8 * message->params.iv_len;
    uint8_t random[IV_MAX];
    if (message->params.iv_generator == GENERATE_NOT)
        return CKR_OK;
    if (message->params.iv_generator != GENERATE_ANYHOW &&
        message->params.iv_generator != GENERATE_RANDOM)
        return CKR_MECHANISM_PARAM_INVALID;
    if (fixed > bits || bits - fixed < IV_RANDOM_MIN)
        return CKR_MECHANISM_PARAM_INVALID;
    const CK_ULONG whole = fixed / 8;
    const CK_RV rv = random_generate(session, random, message->params.iv_len - whole);
    if (rv != CKR_OK)
        return rv;
    const uint8_t mine = (uint8_t)(0xff >> fixed % 8);
    message->iv[whole] = (uint8_t)((message->iv[whole] & ~mine) | (random[0] & mine));
    memcpy(&message->iv[whole + 1], &random[1], message->params.iv_len - whole - 1);
    message->generates = true;
    return CKR_OK;
}

static void give_iv(const struct gcm_message *message)
{
    if (message->generates)
        memcpy(message->params.iv, message->iv, message->params.iv_len);
}

/* In the session's place for operations */
static CK_RV start(struct session *session, enum operation_kind kind,
    const struct message_process *process, struct gcm_message *message, struct span aad)
{
    CK_GCM_PARAMS params = {.pIv = message->iv,
        .ulIvLen = message->params.iv_len,
        .pAAD = (void *)(uintptr_t)aad.ptr,
        .ulAADLen = aad.len,
        .ulTagBits = message->params.tag_len_bits};
    const CK_MECHANISM mechanism = {process->mechanism->type, &params, sizeof params};
    return operation_begin(session, kind, &mechanism, process->key);
}

/* Whether a message can begin, or (inside) go on. */
static CK_RV check(const struct session *session, enum operation_kind kind, bool inside,
    struct message_process **ret_process)
{
    struct message_process *process = message_find(session, kind);
    if (process == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (inside != (process->current.mechanism != NULL))
        return inside ? CKR_OPERATION_NOT_INITIALIZED : CKR_OPERATION_ACTIVE;
    *ret_process = process;
    return CKR_OK;
}

static CK_RV check_arguments(enum operation_kind kind, struct span in, const CK_ULONG *out_len)
{
    if ((in.ptr == NULL && in.len != 0) || out_len == NULL)
        return CKR_ARGUMENTS_BAD;
    if (in.len > SIZE_MAX / 8)
        return kind == OPERATION_ENCRYPT ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
    return CKR_OK;
}

/* True where the program asks for the size, or has no room: *ret_rv is then the answer. */
static bool answers_size(size_t size, const unsigned char *out, CK_ULONG *out_len, CK_RV *ret_rv)
{
    const bool fits = out != NULL && *out_len >= size;
    if (!fits)
        *out_len = size;
    *ret_rv = out == NULL || fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    return !fits;
}

/* The words of 3.0 for what the tag shows. */
static CK_RV in_words_of_messages(CK_RV rv)
{
    return rv == CKR_ENCRYPTED_DATA_INVALID ? CKR_AEAD_DECRYPT_FAILED : rv;
}

/* Takes encrypted data and tag apart, for the program. */
static CK_RV give_encrypted(const struct buffer *result, const struct gcm_message *message,
    size_t len, unsigned char *out, CK_ULONG *out_len)
{
    struct reader r = reader_of(buffer_bytes(result));
    const struct span data = read_span(&r, len);
    const struct span tag = read_span(&r, message->tag_len);
    if (!reader_finished(&r))
        return CKR_DEVICE_ERROR;
    if (data.len > 0)
        memcpy(out, data.ptr, data.len);
    if (tag.len > 0)
        memcpy(message->params.tag, tag.ptr, tag.len);
    *out_len = data.len;
    return CKR_OK;
}

/* ---- messages of one part ---- */

/* All of the message, or its last part where the others went before. In the session's place; room
 * is for so many bytes, and the tag. */
static CK_RV encrypt_last(
    struct session *session, struct span in, size_t room, struct buffer *result)
{
    const bool updated = session->operations[OPERATION_ENCRYPT].updated;
    if (buffer_reserve(result, room) != ERR_OK)
        return CKR_HOST_MEMORY;
    CK_ULONG len = room;
    CK_ULONG rest = 0;
    CK_RV rv = updated
                   ? cipher_update(session, OPERATION_ENCRYPT, in.ptr, in.len, result->bytes, &len)
                   : cipher_whole(session, OPERATION_ENCRYPT, in.ptr, in.len, result->bytes, &len);
    if (rv == CKR_OK && updated) {
        rest = room - len;
        rv = cipher_finish(session, OPERATION_ENCRYPT, result->bytes + len, &rest);
    }
    if (rv == CKR_OK)
        result->len = len + rest;
    return rv;
}

CK_RV message_encrypt(struct session *session, const struct message_parameter *parameter,
    struct span in, unsigned char *out, CK_ULONG *out_len)
{
    struct message_process *process;
    struct gcm_message message;
    struct buffer result = {0};
    CK_RV rv = check(session, OPERATION_ENCRYPT, false, &process);
    if (rv == CKR_OK)
        rv = check_arguments(OPERATION_ENCRYPT, in, out_len);
    if (rv == CKR_OK)
        rv = load(parameter, &message);
    if (rv != CKR_OK || answers_size(in.len, out, out_len, &rv))
        return rv;
    if (message.params.tag == NULL)
        return CKR_MECHANISM_PARAM_INVALID;
    rv = generate_iv(session, &message);
    if (rv != CKR_OK)
        return rv;
    message_swap(session, OPERATION_ENCRYPT, process);
    rv = start(session, OPERATION_ENCRYPT, process, &message, parameter->aad);
    if (rv == CKR_OK)
        rv = encrypt_last(session, in, in.len + message.tag_len, &result);
    operation_end(session, OPERATION_ENCRYPT);
    message_swap(session, OPERATION_ENCRYPT, process);
    if (rv == CKR_OK)
        rv = give_encrypted(&result, &message, in.len, out, out_len);
    if (rv == CKR_OK)
        give_iv(&message);
    buffer_clear(&result);
    return rv;
}

/* As a message of one part: encrypted data and tag together. */
static CK_RV decrypt_joined(struct session *session, const struct gcm_message *message,
    struct span in, unsigned char *out, CK_ULONG *out_len)
{
    struct buffer joined = {0};
    CK_RV rv = CKR_HOST_MEMORY;
    if (buffer_reserve(&joined, in.len + message->tag_len) == ERR_OK &&
        buffer_append(&joined, in) == ERR_OK &&
        buffer_append(&joined, span_of(message->params.tag, message->tag_len)) == ERR_OK)
        rv = cipher_whole(session, OPERATION_DECRYPT, joined.bytes, joined.len, out, out_len);
    buffer_clear(&joined);
    return in_words_of_messages(rv);
}

CK_RV message_decrypt(struct session *session, const struct message_parameter *parameter,
    struct span in, unsigned char *out, CK_ULONG *out_len)
{
    struct message_process *process;
    struct gcm_message message;
    CK_RV rv = check(session, OPERATION_DECRYPT, false, &process);
    if (rv == CKR_OK)
        rv = check_arguments(OPERATION_DECRYPT, in, out_len);
    if (rv == CKR_OK)
        rv = load(parameter, &message);
    if (rv != CKR_OK || answers_size(in.len, out, out_len, &rv))
        return rv;
    if (message.params.tag == NULL)
        return CKR_MECHANISM_PARAM_INVALID;
    message_swap(session, OPERATION_DECRYPT, process);
    rv = start(session, OPERATION_DECRYPT, process, &message, parameter->aad);
    if (rv == CKR_OK)
        rv = decrypt_joined(session, &message, in, out, out_len);
    operation_end(session, OPERATION_DECRYPT);
    message_swap(session, OPERATION_DECRYPT, process);
    return rv;
}

/* ---- messages of several parts ---- */

/* The tag is of interest at the end only. */
CK_RV message_cipher_begin(
    struct session *session, enum operation_kind kind, const struct message_parameter *parameter)
{
    struct message_process *process;
    struct gcm_message message;
    CK_RV rv = check(session, kind, false, &process);
    if (rv == CKR_OK)
        rv = load(parameter, &message);
    if (rv == CKR_OK && kind == OPERATION_ENCRYPT)
        rv = generate_iv(session, &message);
    if (rv != CKR_OK)
        return rv;
    message_swap(session, kind, process);
    rv = start(session, kind, process, &message, parameter->aad);
    message_swap(session, kind, process);
    if (rv == CKR_OK)
        give_iv(&message);
    return rv;
}

/* Where the arguments are bad the message is over, as with any other error. */
static CK_RV check_next(struct session *session, enum operation_kind kind,
    const struct message_parameter *parameter, struct span in, const CK_ULONG *out_len,
    CK_FLAGS flags, struct gcm_message *ret_message)
{
    const bool last = (flags & CKF_END_OF_MESSAGE) != 0;
    struct message_process *process = message_find(session, kind);
    CK_RV rv = check_arguments(kind, in, out_len);
    if (rv == CKR_OK)
        rv = load(parameter, ret_message);
    if (rv == CKR_OK && last &&
        (ret_message->params.tag == NULL || ret_message->tag_len != process->current.tag_len))
        rv = CKR_MECHANISM_PARAM_INVALID;
    if (rv != CKR_OK) {
        message_swap(session, kind, process);
        operation_end(session, kind);
        message_swap(session, kind, process);
    }
    return rv;
}

CK_RV message_encrypt_next(struct session *session, const struct message_parameter *parameter,
    struct span in, unsigned char *out, CK_ULONG *out_len, CK_FLAGS flags)
{
    struct message_process *process;
    struct gcm_message message;
    struct buffer result = {0};
    const bool last = (flags & CKF_END_OF_MESSAGE) != 0;
    CK_RV rv = check(session, OPERATION_ENCRYPT, true, &process);
    if (rv == CKR_OK)
        rv = check_next(session, OPERATION_ENCRYPT, parameter, in, out_len, flags, &message);
    if (rv != CKR_OK)
        return rv;
    const size_t size = process->current.taken - process->current.given + in.len;
    if (answers_size(size, out, out_len, &rv))
        return rv;
    message_swap(session, OPERATION_ENCRYPT, process);
    if (!last) {
        rv = cipher_update(session, OPERATION_ENCRYPT, in.ptr, in.len, out, out_len);
    } else {
        rv = encrypt_last(session, in, size + message.tag_len, &result);
        operation_end(session, OPERATION_ENCRYPT);
    }
    message_swap(session, OPERATION_ENCRYPT, process);
    if (rv == CKR_OK && last)
        rv = give_encrypted(&result, &message, size, out, out_len);
    buffer_clear(&result);
    return rv;
}

/* The last part where others went before: they, this one and the tag give the message at once. */
static CK_RV decrypt_last(struct session *session, const struct gcm_message *message,
    struct span in, unsigned char *out, CK_ULONG *out_len)
{
    uint8_t none;
    CK_ULONG nothing = 0;
    if (!session->operations[OPERATION_DECRYPT].updated)
        return decrypt_joined(session, message, in, out, out_len);
    CK_RV rv = cipher_update(session, OPERATION_DECRYPT, in.ptr, in.len, &none, &nothing);
    if (rv == CKR_OK)
        rv = cipher_update(
            session, OPERATION_DECRYPT, message->params.tag, message->tag_len, &none, &nothing);
    if (rv == CKR_OK)
        rv = cipher_finish(session, OPERATION_DECRYPT, out, out_len);
    return in_words_of_messages(rv);
}

CK_RV message_decrypt_next(struct session *session, const struct message_parameter *parameter,
    struct span in, unsigned char *out, CK_ULONG *out_len, CK_FLAGS flags)
{
    struct message_process *process;
    struct gcm_message message;
    const bool last = (flags & CKF_END_OF_MESSAGE) != 0;
    CK_RV rv = check(session, OPERATION_DECRYPT, true, &process);
    if (rv == CKR_OK)
        rv = check_next(session, OPERATION_DECRYPT, parameter, in, out_len, flags, &message);
    if (rv != CKR_OK)
        return rv;
    if (last && answers_size(process->current.taken + in.len, out, out_len, &rv))
        return rv;
    message_swap(session, OPERATION_DECRYPT, process);
    if (!last) {
        rv = cipher_update(session, OPERATION_DECRYPT, in.ptr, in.len, out, out_len);
    } else {
        rv = decrypt_last(session, &message, in, out, out_len);
        operation_end(session, OPERATION_DECRYPT);
    }
    message_swap(session, OPERATION_DECRYPT, process);
    return rv;
}
