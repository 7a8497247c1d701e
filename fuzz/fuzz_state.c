/* SPDX-License-Identifier: MIT
 *
 * Saved states (C_SetOperationState): as they come, and with the right sum behind, since nobody
 * guesses that. One that is well formed must be the same when it is written again, and its hashes
 * must work.
 */
#include "fuzz.h"

#include "pkcs11-module/saved_state.h"

static void use(struct saved_operation *operation)
{
    static const uint8_t data[300];
    uint8_t digest[MECHANISM_DIGEST_MAX];
    if (operation->mechanism == NULL)
        return;
    const struct nettle_hash *hash = operation->mechanism->hash;
    hash->update(&operation->hash, sizeof data, data);
    hash->digest(&operation->hash, hash->digest_size, digest);
}

static void check(struct span bytes)
{
    struct saved_state state;
    uint8_t again[SAVED_STATE_MAX];
    struct writer w = writer_of(again, sizeof again);
    if (saved_state_read(bytes, &state) != ERR_OK)
        return;
    must(state.digest.mechanism != NULL || state.signature.mechanism != NULL);
    saved_state_write(&state, &w);
    must(!writer_failed(&w));
    must(span_equal(writer_bytes(&w), bytes));
    use(&state.digest);
    use(&state.signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t room[2 * SAVED_STATE_MAX];
    uint8_t sum[SHA256_DIGEST_SIZE];
    struct sha256_ctx hash;
    struct writer w = writer_of(room, sizeof room);
    check(span_of(data, size));
    sha256_init(&hash);
    sha256_update(&hash, size, data);
    sha256_digest(&hash, sizeof sum, sum);
    write_span(&w, span_of(data, size));
    write_span(&w, span_of(sum, sizeof sum));
    if (!writer_failed(&w))
        check(writer_bytes(&w));
    return 0;
}
