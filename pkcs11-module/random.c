/* SPDX-License-Identifier: MIT
 *
 * C_GenerateRandom, in as many round trips as the bytes need. Nothing but the device makes them.
 */
#include "random.h"

#include "base/secret.h"
#include "ckr.h"
#include "session.h"
#include "slot.h"

#include <string.h>

static err_t generate_part(struct pool *pool, unsigned char *random, uint32_t len)
{
    const struct wire_random_request body = {len};
    const struct pool_request request = {WIRE_RANDOM, &body, 0, true};
    struct wire_random_reply reply;
    struct pool_answer answer;
    err_t err = pool_call(pool, &request, &reply, &answer);
    if (err != ERR_OK)
        return err;
    if (reply.random.len == len)
        memcpy(random, reply.random.ptr, len);
    else
        err = ERR_BAD_MESSAGE;
    secret_wipe_span(reply.random);
    pool_release(pool, &answer);
    return err;
}

CK_RV random_seed(const unsigned char *seed, CK_ULONG len)
{
    return seed == NULL && len != 0 ? CKR_ARGUMENTS_BAD : CKR_RANDOM_SEED_NOT_SUPPORTED;
}

CK_RV random_generate(struct session *session, unsigned char *random, CK_ULONG len)
{
    if (random == NULL && len != 0)
        return CKR_ARGUMENTS_BAD;
    err_t err = ERR_OK;
    for (CK_ULONG done = 0; err == ERR_OK && done < len;) {
        const CK_ULONG left = len - done;
        const uint32_t part = left < WIRE_RANDOM_MAX ? (uint32_t)left : WIRE_RANDOM_MAX;
        err = generate_part(&session->slot->pool, random + done, part);
        done += part;
    }
    return ckr_of(err);
}
