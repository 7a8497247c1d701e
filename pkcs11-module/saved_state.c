/* SPDX-License-Identifier: MIT
 *
 * Saved operations: "signerd", U8 version, U8 count, the operations, SHA-256 of all that. An
 * operation is U8 kind, U32 mechanism, U8 updated, the key's 32 bytes, and its hash: the words of
 * the chaining value, U64 how many blocks went in (U64 high and U64 low where blocks have 128
 * bytes), U8 how many bytes wait for a block, and these. A digest stands before a signature.
 */
#include "saved_state.h"

#include "base/secret.h"

#include <string.h>

enum { VERSION = 1, OPERATIONS_MAX = 2 };

static const char magic[] = "signerd";

static const CK_FLAGS functions[] = {
    [SAVED_DIGEST] = CKF_DIGEST, [SAVED_SIGN] = CKF_SIGN, [SAVED_VERIFY] = CKF_VERIFY};

bool saved_state_holds(const struct mechanism_row *row)
{
    return row->hash != NULL && (row->function == CKF_DIGEST || row->parameter == parameter_none);
}

/* ---- hashes: nettle's structs, field by field ---- */

static void write_waiting(struct writer *w, const uint8_t *block, unsigned index)
{
    write_uint(w, 1, index);
    write_span(w, span_of(block, index));
}

/* An index beyond the block would make nettle write behind it. */
static void read_waiting(struct reader *r, uint8_t *block, unsigned size, unsigned *ret_index)
{
    const unsigned index = (unsigned)read_uint(r, 1);
    if (index >= size)
        reader_fail(r);
    const struct span waiting = read_span(r, index);
    if (waiting.len > 0)
        memcpy(block, waiting.ptr, waiting.len);
    *ret_index = (unsigned)waiting.len;
}

static void write_sha1(const union mechanism_hash *hash, struct writer *w)
{
    for (size_t i = 0; i < sizeof hash->sha1.state / sizeof hash->sha1.state[0]; i++)
        write_uint(w, 4, hash->sha1.state[i]);
    write_uint(w, 8, hash->sha1.count);
    write_waiting(w, hash->sha1.block, hash->sha1.index);
}

static void read_sha1(struct reader *r, union mechanism_hash *hash)
{
    for (size_t i = 0; i < sizeof hash->sha1.state / sizeof hash->sha1.state[0]; i++)
        hash->sha1.state[i] = (uint32_t)read_uint(r, 4);
    hash->sha1.count = read_uint(r, 8);
    read_waiting(r, hash->sha1.block, sizeof hash->sha1.block, &hash->sha1.index);
}

static void write_sha256(const union mechanism_hash *hash, struct writer *w)
{
    for (size_t i = 0; i < sizeof hash->sha256.state / sizeof hash->sha256.state[0]; i++)
        write_uint(w, 4, hash->sha256.state[i]);
    write_uint(w, 8, hash->sha256.count);
    write_waiting(w, hash->sha256.block, hash->sha256.index);
}

static void read_sha256(struct reader *r, union mechanism_hash *hash)
{
    for (size_t i = 0; i < sizeof hash->sha256.state / sizeof hash->sha256.state[0]; i++)
        hash->sha256.state[i] = (uint32_t)read_uint(r, 4);
    hash->sha256.count = read_uint(r, 8);
    read_waiting(r, hash->sha256.block, sizeof hash->sha256.block, &hash->sha256.index);
}

static void write_sha512(const union mechanism_hash *hash, struct writer *w)
{
    for (size_t i = 0; i < sizeof hash->sha512.state / sizeof hash->sha512.state[0]; i++)
        write_uint(w, 8, hash->sha512.state[i]);
    write_uint(w, 8, hash->sha512.count_high);
    write_uint(w, 8, hash->sha512.count_low);
    write_waiting(w, hash->sha512.block, hash->sha512.index);
}

static void read_sha512(struct reader *r, union mechanism_hash *hash)
{
    for (size_t i = 0; i < sizeof hash->sha512.state / sizeof hash->sha512.state[0]; i++)
        hash->sha512.state[i] = read_uint(r, 8);
    hash->sha512.count_high = read_uint(r, 8);
    hash->sha512.count_low = read_uint(r, 8);
    read_waiting(r, hash->sha512.block, sizeof hash->sha512.block, &hash->sha512.index);
}

static const struct state_row {
    const struct nettle_hash *hash;
    void (*write)(const union mechanism_hash *hash, struct writer *w);
    void (*read)(struct reader *r, union mechanism_hash *hash);
} rows[] = {{&nettle_sha1, write_sha1, read_sha1}, {&nettle_sha224, write_sha256, read_sha256},
    {&nettle_sha256, write_sha256, read_sha256}, {&nettle_sha384, write_sha512, read_sha512},
    {&nettle_sha512, write_sha512, read_sha512}};

static const struct state_row *find_row(const struct nettle_hash *hash)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].hash == hash)
            return &rows[i];
    return NULL;
}

/* ---- operations ---- */

static void write_operation(const struct saved_operation *operation, struct writer *w)
{
    if (operation->mechanism == NULL)
        return;
    write_uint(w, 1, operation->kind);
    write_uint(w, 4, operation->mechanism->type);
    write_uint(w, 1, operation->updated);
    write_span(w, span_of(operation->key, sizeof operation->key));
    find_row(operation->mechanism->hash)->write(&operation->hash, w);
}

static void read_operation(struct reader *r, struct saved_operation *ret_operation)
{
    struct saved_operation operation = {0};
    const uint64_t kind = read_uint(r, 1);
    const CK_MECHANISM_TYPE type = read_uint(r, 4);
    const uint64_t updated = read_uint(r, 1);
    const struct span key = read_span(r, sizeof operation.key);
    if (r->failed || kind < SAVED_DIGEST || kind > SAVED_VERIFY || updated > 1) {
        reader_fail(r);
        return;
    }
    operation.kind = (enum saved_kind)kind;
    operation.mechanism = mechanism_find(type, functions[kind]);
    operation.updated = updated == 1;
    memcpy(operation.key, key.ptr, sizeof operation.key);
    if (operation.mechanism == NULL || !saved_state_holds(operation.mechanism)) {
        reader_fail(r);
        return;
    }
    find_row(operation.mechanism->hash)->read(r, &operation.hash);
    *ret_operation = operation;
}

static void write_sum(struct span bytes, uint8_t ret_sum[SHA256_DIGEST_SIZE])
{
    struct sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, bytes.len, bytes.ptr);
    sha256_digest(&hash, SHA256_DIGEST_SIZE, ret_sum);
    secret_wipe(&hash, sizeof hash);
}

void saved_state_write(const struct saved_state *state, struct writer *w)
{
    uint8_t sum[SHA256_DIGEST_SIZE];
    const uint64_t count = (state->digest.mechanism != NULL ? 1U : 0U) +
                           (state->signature.mechanism != NULL ? 1U : 0U);
    write_span(w, span_of_text(magic));
    write_uint(w, 1, VERSION);
    write_uint(w, 1, count);
    write_operation(&state->digest, w);
    write_operation(&state->signature, w);
    write_sum(writer_bytes(w), sum);
    write_span(w, span_of(sum, sizeof sum));
}

static bool has_right_sum(struct span bytes, struct span *ret_body)
{
    uint8_t sum[SHA256_DIGEST_SIZE];
    if (bytes.ptr == NULL || bytes.len < sizeof sum || bytes.len > SAVED_STATE_MAX)
        return false;
    struct reader r = reader_of(bytes);
    *ret_body = read_span(&r, bytes.len - sizeof sum);
    write_sum(*ret_body, sum);
    return span_equal(read_span(&r, sizeof sum), span_of(sum, sizeof sum));
}

err_t saved_state_read(struct span bytes, struct saved_state *ret_state)
{
    struct saved_operation operations[OPERATIONS_MAX] = {0};
    struct saved_state state = {0};
    struct span body;
    if (!has_right_sum(bytes, &body))
        return ERR_BAD_MESSAGE;
    struct reader r = reader_of(body);
    if (!span_equal(read_span(&r, strlen(magic)), span_of_text(magic)) ||
        read_uint(&r, 1) != VERSION)
        return ERR_BAD_MESSAGE;
    const uint64_t count = read_uint(&r, 1);
    if (count == 0 || count > OPERATIONS_MAX)
        return ERR_BAD_MESSAGE;
    for (uint64_t i = 0; i < count; i++)
        read_operation(&r, &operations[i]);
    const bool digest_first = operations[0].kind == SAVED_DIGEST;
    state.digest = operations[digest_first ? 0 : 1];
    state.signature = operations[digest_first ? 1 : 0];
    const bool ordered = digest_first ? operations[1].kind != SAVED_DIGEST : count == 1;
    if (!reader_finished(&r) || !ordered)
        return ERR_BAD_MESSAGE;
    *ret_state = state;
    return ERR_OK;
}
