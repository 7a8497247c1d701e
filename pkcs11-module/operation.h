/* SPDX-License-Identifier: MIT
 *
 * What C_SignInit, C_VerifyInit, C_EncryptInit, C_DecryptInit and the two of recovery begin: one
 * operation of each kind in a session. The init is remembered and not sent: key, mechanism and data
 * travel as one message. Data of several parts is hashed or gathered here where nothing comes out
 * before the end.
 */
#ifndef PKCS11_MODULE_OPERATION_H
#define PKCS11_MODULE_OPERATION_H

#include "buffer.h"
#include "mechanism.h"

struct session;

enum operation_kind {
    OPERATION_SIGN,
    OPERATION_VERIFY,
    OPERATION_ENCRYPT,
    OPERATION_DECRYPT,
    OPERATION_SIGN_RECOVER,
    OPERATION_VERIFY_RECOVER,
};
enum { OPERATION_KINDS = 6 };

/* It belongs to the call inside the session. */
struct operation {
    const struct mechanism_row *mechanism; /* NULL: none; then all is zeroes */
    CK_OBJECT_HANDLE key;
    struct buffer parameter;  /* as it travels */
    struct buffer public_key; /* attributes of the key, where it verifies in the module */
    size_t signature_len;     /* sign and verify */
    size_t modulus_len;       /* RSA */
    size_t tag_len;
    bool updated; /* a part was given */
    union mechanism_hash hash;
    struct buffer gathered; /* parts that were not sent yet; at most WIRE_DATA_MAX bytes */

    /* What BEGIN began (stream.h) */
    uint64_t begun;
    uint64_t instance; /* the life of the worker that knows it; 0: nothing was begun */

    /* Encrypt and decrypt */
    size_t taken; /* bytes of all parts so far */
    size_t given; /* bytes that came out of them */
    bool finished;
    struct buffer result; /* where finished: the end, which the program had no room for */
};

/* The implementation of C_…Init. Without a mechanism it ends what is active (3.0, 5.8.1). */
CK_RV operation_begin(struct session *session, enum operation_kind kind,
    const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);

/* Ends it, also where none is active, and drops what the worker has begun for it. */
void operation_end(struct session *session, enum operation_kind kind);
void operation_clear(struct operation *operation); /* the same without telling the worker */

/* How many bytes the end of an encryption or decryption gives, as mechanism_end_output. */
bool operation_end_output(
    const struct operation *operation, size_t held, size_t *ret_least, size_t *ret_most);

/* Copies an operation that was begun and given nothing yet. ERR_MEMORY. */
err_t operation_copy(const struct operation *operation, struct operation *ret_copy);

/* Whether nothing comes out before the end, so that parts are kept here. */
bool operation_gathers(const struct session *session, enum operation_kind kind);

/* Takes in a part of what operation_gathers. */
err_t operation_absorb(struct session *session, enum operation_kind kind, struct span part);

/* The end: data is all of it, or nothing where it came in parts. signature: what is verified. What
 * comes out goes to out. */
err_t operation_finish(struct session *session, enum operation_kind kind, struct span data,
    struct span signature, struct writer *out);

#endif
