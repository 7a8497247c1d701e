/* SPDX-License-Identifier: MIT
 *
 * Message-based encryption, decryption, signing and verification (3.0, 5.9, 5.11, 5.14, 5.16): one
 * mechanism and key, then any number of messages, each with parameters of its own. A message is an
 * operation like any other; while a call about it is inside, it takes the place of the session's
 * own operation of that kind, so that both can be active and sign.c and cipher.c serve both.
 */
#ifndef PKCS11_MODULE_MESSAGE_H
#define PKCS11_MODULE_MESSAGE_H

#include "cryptoki3.h"
#include "operation.h"

/* What C_Message…Init began. It belongs to the call inside the session. */
struct message_process {
    const struct mechanism_row *mechanism; /* NULL: none is active */
    CK_OBJECT_HANDLE key;
    struct operation fresh;   /* sign and verify: what each message begins with */
    struct operation current; /* the message of several parts that is under way, if one is */
};

/* NULL where none is active. */
struct message_process *message_find(const struct session *session, enum operation_kind kind);

/* Puts process->current into the session's place for operations, and what was there into
 * process->current; the second call undoes the first. */
void message_swap(
    struct session *session, enum operation_kind kind, struct message_process *process);

/* The flags of CK_MECHANISM_INFO that 3.0 added, of a mechanism of the table. */
CK_FLAGS message_flags(const struct mechanism_row *row);

/* C_GetMechanismInfo without them. Returns rv. */
CK_RV message_hide_flags(CK_RV rv, CK_MECHANISM_INFO *info);

/* The implementations of C_Message…Init and C_Message…Final. Without a mechanism message_begin ends
 * what is active. message_end also drops a message that is under way. */
CK_RV message_begin(struct session *session, enum operation_kind kind,
    const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV message_end(struct session *session, enum operation_kind kind);

void message_clear(struct session *session); /* forgets all, without telling the worker */

/* What a message is encrypted or decrypted with: gcm_message_params as the program gave them, and
 * the additional data. */
struct message_parameter {
    void *params;
    CK_ULONG params_len;
    struct span aad;
};

/* The implementations of C_EncryptMessage and C_DecryptMessage, …MessageBegin and …MessageNext. out
 * may be where in is. The tag is apart from the encrypted data. Nothing of a message comes out
 * before its tag was found right. */
CK_RV message_encrypt(struct session *session, const struct message_parameter *parameter,
    struct span in, unsigned char *out, CK_ULONG *out_len);
CK_RV message_decrypt(struct session *session, const struct message_parameter *parameter,
    struct span in, unsigned char *out, CK_ULONG *out_len);
CK_RV message_cipher_begin(
    struct session *session, enum operation_kind kind, const struct message_parameter *parameter);
CK_RV message_encrypt_next(struct session *session, const struct message_parameter *parameter,
    struct span in, unsigned char *out, CK_ULONG *out_len, CK_FLAGS flags);
CK_RV message_decrypt_next(struct session *session, const struct message_parameter *parameter,
    struct span in, unsigned char *out, CK_ULONG *out_len, CK_FLAGS flags);

/* The implementations of C_SignMessage and C_VerifyMessage, …MessageBegin and …MessageNext. No
 * mechanism has parameters for a message: params_len is 0. */
CK_RV message_sign(struct session *session, CK_ULONG params_len, struct span data,
    unsigned char *signature, CK_ULONG *signature_len);
CK_RV message_verify(struct session *session, CK_ULONG params_len, struct span data,
    const unsigned char *signature, CK_ULONG signature_len);
CK_RV message_sign_begin(struct session *session, enum operation_kind kind, CK_ULONG params_len);
CK_RV message_sign_next(struct session *session, CK_ULONG params_len, struct span part,
    unsigned char *signature, CK_ULONG *signature_len);
CK_RV message_verify_next(struct session *session, CK_ULONG params_len, struct span part,
    const unsigned char *signature, CK_ULONG signature_len);

#endif
