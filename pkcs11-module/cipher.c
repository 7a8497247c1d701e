/* SPDX-License-Identifier: MIT
 *
 * Encryption and decryption. Only a size query and CKR_BUFFER_TOO_SMALL leave an operation active
 * (2.40, 5.8, 5.9).
 */
#include "cipher.h"

#include "base/secret.h"
#include "ckr.h"
#include "session.h"
#include "stream.h"

#include <string.h>

/* The program's buffer for what comes out. */
struct room {
    unsigned char *bytes;
    CK_ULONG *len; /* its size, then how much was given or is needed */
};

bool cipher_overlaps(struct span in, const unsigned char *out, CK_ULONG out_len)
{
    const uintptr_t in_at = (uintptr_t)in.ptr;
    const uintptr_t out_at = (uintptr_t)out;
    return in_at < out_at ? out_at - in_at < in.len : in_at - out_at < out_len;
}

/* Whether what comes out would write over what is still to go in. What fits one message is gone
 * before anything comes back. */
static bool overlap(struct span in, struct room room)
{
    return in.len > WIRE_DATA_MAX && cipher_overlaps(in, room.bytes, *room.len);
}

static CK_RV wrong_length(enum operation_kind kind)
{
    return kind == OPERATION_ENCRYPT ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

/* True where the program asks for the size, or has less room than least: CKR_BUFFER_TOO_SMALL then
 * stands for both (leave). */
static bool answers_size(struct room room, size_t least, size_t most)
{
    const bool fits = room.bytes != NULL && *room.len >= least;
    if (!fits)
        *room.len = most;
    return !fits;
}

/* Gives the program what is in result, or keeps it there and says how much it is. */
static CK_RV give(const struct buffer *result, struct room room)
{
    const bool fits = result->len <= *room.len;
    if (fits && result->len > 0)
        memcpy(room.bytes, result->bytes, result->len);
    *room.len = result->len;
    return fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

/* Before the end no cipher gives more than it was given. */
static err_t run(struct session *session, enum operation_kind kind, struct span in, bool last,
    struct writer *out)
{
    struct operation *operation = &session->operations[kind];
    const size_t before = out->used;
    if (last)
        return operation_finish(session, kind, in, span_of(NULL, 0), out);
    err_t err = stream_push(session, kind, in, out);
    operation->taken += in.len;
    operation->given += out->used - before;
    return err == ERR_OK && operation->given > operation->taken ? ERR_DEVICE : err;
}

/* Straight into the program's buffer. What came before an error is nothing to act on. */
static CK_RV run_into_room(
    struct session *session, enum operation_kind kind, struct span in, bool last, struct room room)
{
    struct writer w = writer_of(room.bytes, *room.len);
    err_t err = run(session, kind, in, last, &w);
    if (err == ERR_OK)
        *room.len = w.used;
    else
        secret_wipe(room.bytes, w.used);
    return ckr_of(err);
}

/* Into result, which is the caller's to clear: the input may lie in the program's buffer, or that
 * may be too small. */
static CK_RV run_aside(struct session *session, enum operation_kind kind, struct span in, bool last,
    size_t most, struct buffer *result)
{
    err_t err = buffer_reserve(result, most);
    if (err != ERR_OK)
        return ckr_of(err);
    struct writer w = writer_of(result->bytes, most);
    err = run(session, kind, in, last, &w);
    result->len = w.used;
    return ckr_of(err);
}

/* All data in one call. Where the room turns out too small, the program calls again with the same
 * data, and the device is asked again. */
static CK_RV run_whole(struct session *session, enum operation_kind kind, struct span in,
    size_t most, struct room room)
{
    if (most <= *room.len && !overlap(in, room))
        return run_into_room(session, kind, in, true, room);
    struct buffer result = {0};
    CK_RV rv = run_aside(session, kind, in, true, most, &result);
    if (rv == CKR_OK)
        rv = give(&result, room);
    buffer_clear(&result);
    return rv;
}

static CK_RV whole(
    struct session *session, enum operation_kind kind, struct span in, struct room room)
{
    const struct operation *operation = &session->operations[kind];
    size_t least;
    size_t most;
    if (operation->updated)
        return CKR_OPERATION_ACTIVE; /* as for C_Sign */
    if ((in.ptr == NULL && in.len != 0) || room.len == NULL)
        return CKR_ARGUMENTS_BAD;
    if (in.len > SIZE_MAX / 4 || !operation_end_output(operation, in.len, &least, &most))
        return wrong_length(kind);
    if (answers_size(room, least, most))
        return CKR_BUFFER_TOO_SMALL;
    return run_whole(session, kind, in, most, room);
}

/* What the program gets. Only what leaves the operation active does not end it. */
static CK_RV leave(struct session *session, enum operation_kind kind, CK_RV rv,
    const unsigned char *out, bool ends)
{
    if (rv == CKR_BUFFER_TOO_SMALL)
        return out == NULL ? CKR_OK : rv;
    if (rv != CKR_OK || ends)
        operation_end(session, kind);
    return rv;
}

CK_RV cipher_whole(struct session *session, enum operation_kind kind, const unsigned char *in,
    CK_ULONG in_len, unsigned char *out, CK_ULONG *out_len)
{
    if (session->operations[kind].mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = whole(session, kind, span_of(in, in_len), (struct room){out, out_len});
    return leave(session, kind, rv, out, true);
}

static CK_RV update(
    struct session *session, enum operation_kind kind, struct span in, struct room room)
{
    struct operation *operation = &session->operations[kind];
    CK_RV rv;
    if ((in.ptr == NULL && in.len != 0) || room.len == NULL)
        return CKR_ARGUMENTS_BAD;
    if (operation->finished)
        return CKR_OPERATION_ACTIVE; /* only the end is still to be given */
    if (in.len > SIZE_MAX / 4 - operation->taken)
        return wrong_length(kind);
    const size_t held = operation->taken - operation->given + in.len;
    const bool gathers = operation_gathers(session, kind);
    const size_t most = gathers ? 0 : mechanism_part_output(operation->mechanism, held);
    if (answers_size(room, most, most))
        return CKR_BUFFER_TOO_SMALL;
    operation->updated = true;
    if (gathers) {
        *room.len = 0;
        return ckr_of(operation_absorb(session, kind, in));
    }
    if (!overlap(in, room))
        return run_into_room(session, kind, in, false, room);
    struct buffer result = {0};
    rv = run_aside(session, kind, in, false, most, &result);
    if (rv == CKR_OK)
        rv = give(&result, room);
    buffer_clear(&result);
    return rv;
}

CK_RV cipher_update(struct session *session, enum operation_kind kind, const unsigned char *in,
    CK_ULONG in_len, unsigned char *out, CK_ULONG *out_len)
{
    if (session->operations[kind].mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = update(session, kind, span_of(in, in_len), (struct room){out, out_len});
    return leave(session, kind, rv, out, false);
}

/* The end can be asked for once only, so what the program has no room for is kept. */
static CK_RV finish(struct session *session, enum operation_kind kind, struct room room)
{
    struct operation *operation = &session->operations[kind];
    const struct span nothing = span_of(NULL, 0);
    size_t least = operation->result.len;
    size_t most = operation->result.len;
    CK_RV rv;
    if (room.len == NULL)
        return CKR_ARGUMENTS_BAD;
    if (!operation->finished &&
        !operation_end_output(operation, operation->taken - operation->given, &least, &most))
        return wrong_length(kind);
    if (answers_size(room, least, most))
        return CKR_BUFFER_TOO_SMALL;
    if (!operation->finished && most <= *room.len)
        return run_into_room(session, kind, nothing, true, room);
    if (!operation->finished) {
        rv = run_aside(session, kind, nothing, true, most, &operation->result);
        if (rv != CKR_OK)
            return rv;
        operation->finished = true;
    }
    return give(&operation->result, room);
}

CK_RV cipher_finish(
    struct session *session, enum operation_kind kind, unsigned char *out, CK_ULONG *out_len)
{
    if (session->operations[kind].mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = finish(session, kind, (struct room){out, out_len});
    return leave(session, kind, rv, out, true);
}
