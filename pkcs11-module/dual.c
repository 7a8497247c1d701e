/* SPDX-License-Identifier: MIT
 *
 * Two operations on the same data. The cipher goes first, since it may have no room and then has
 * taken nothing; the plaintext then goes to the other operation.
 */
#include "dual.h"

#include "buffer.h"
#include "cipher.h"
#include "ckr.h"
#include "digest.h"
#include "session.h"
#include "sign.h"

/* C_DigestUpdate, C_SignUpdate, C_VerifyUpdate, and whether such an operation is active */
struct other {
    bool (*is_active)(const struct session *session);
    CK_RV (*update)(struct session *session, const unsigned char *part, CK_ULONG part_len);
};

static bool cipher_is_active(const struct session *session, enum operation_kind kind)
{
    return session->operations[kind].mechanism != NULL;
}

static bool digests(const struct session *session)
{
    return session->digest.mechanism != NULL;
}

static bool signs(const struct session *session)
{
    return session->operations[OPERATION_SIGN].mechanism != NULL;
}

static bool verifies(const struct session *session)
{
    return session->operations[OPERATION_VERIFY].mechanism != NULL;
}

static CK_RV sign_part(struct session *session, const unsigned char *part, CK_ULONG part_len)
{
    return sign_update(session, OPERATION_SIGN, part, part_len);
}

static CK_RV verify_part(struct session *session, const unsigned char *part, CK_ULONG part_len)
{
    return sign_update(session, OPERATION_VERIFY, part, part_len);
}

static const struct other digest = {digests, digest_update};
static const struct other signature = {signs, sign_part};
static const struct other verification = {verifies, verify_part};

static CK_RV encrypt(struct session *session, const struct other *other, struct span in,
    unsigned char *out, CK_ULONG *out_len)
{
    struct buffer copy = {0};
    if (!cipher_is_active(session, OPERATION_ENCRYPT) || !other->is_active(session))
        return CKR_OPERATION_NOT_INITIALIZED;
    /* else it would be written over before the other operation has it */
    if (in.ptr != NULL && out != NULL && out_len != NULL && cipher_overlaps(in, out, *out_len)) {
        const err_t err = buffer_append(&copy, in);
        if (err != ERR_OK)
            return ckr_of(err);
        in = buffer_bytes(&copy);
    }
    CK_RV rv = cipher_update(session, OPERATION_ENCRYPT, in.ptr, in.len, out, out_len);
    if (rv == CKR_OK && out != NULL)
        rv = other->update(session, in.ptr, in.len);
    buffer_clear(&copy);
    return rv;
}

static CK_RV decrypt(struct session *session, const struct other *other, struct span in,
    unsigned char *out, CK_ULONG *out_len)
{
    if (!cipher_is_active(session, OPERATION_DECRYPT) || !other->is_active(session))
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = cipher_update(session, OPERATION_DECRYPT, in.ptr, in.len, out, out_len);
    if (rv == CKR_OK && out != NULL)
        rv = other->update(session, out, *out_len);
    return rv;
}

CK_RV dual_digest_encrypt(struct session *session, const unsigned char *part, CK_ULONG part_len,
    unsigned char *encrypted, CK_ULONG *encrypted_len)
{
    return encrypt(session, &digest, span_of(part, part_len), encrypted, encrypted_len);
}

CK_RV dual_decrypt_digest(struct session *session, const unsigned char *encrypted,
    CK_ULONG encrypted_len, unsigned char *part, CK_ULONG *part_len)
{
    return decrypt(session, &digest, span_of(encrypted, encrypted_len), part, part_len);
}

CK_RV dual_sign_encrypt(struct session *session, const unsigned char *part, CK_ULONG part_len,
    unsigned char *encrypted, CK_ULONG *encrypted_len)
{
    return encrypt(session, &signature, span_of(part, part_len), encrypted, encrypted_len);
}

CK_RV dual_decrypt_verify(struct session *session, const unsigned char *encrypted,
    CK_ULONG encrypted_len, unsigned char *part, CK_ULONG *part_len)
{
    return decrypt(session, &verification, span_of(encrypted, encrypted_len), part, part_len);
}
