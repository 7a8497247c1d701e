/* SPDX-License-Identifier: MIT
 *
 * The entry points: one line per function, which is its parameters, the guard and the
 * implementation. Nothing is decided here. interface.c puts them into the lists.
 *
 * CALL enters the module, SESSION_CALL also the session of `handle`; both leave again.
 */
#include "admin.h"
#include "cancel.h"
#include "cipher.h"
#include "digest.h"
#include "dual.h"
#include "interface.h"
#include "key.h"
#include "login.h"
#include "message.h"
#include "module.h"
#include "object.h"
#include "random.h"
#include "recover.h"
#include "session.h"
#include "sign.h"
#include "slot.h"
#include "state.h"

#define CALL(name, parameters, implementation)                                                     \
    CK_RV name parameters                                                                          \
    {                                                                                              \
        struct module *const module = module_enter();                                              \
        return module == NULL ? CKR_CRYPTOKI_NOT_INITIALIZED                                       \
                              : module_leave(module, implementation);                              \
    }

#define SESSION_CALL(name, parameters, implementation)                                             \
    CK_RV name parameters                                                                          \
    {                                                                                              \
        struct session *session = NULL;                                                            \
        const CK_RV rv = session_enter(handle, &session);                                          \
        return rv != CKR_OK ? rv : session_leave(session, implementation);                         \
    }

typedef CK_SESSION_HANDLE session_t;
typedef CK_OBJECT_HANDLE object_t;
typedef CK_MECHANISM mech_t;
typedef CK_ATTRIBUTE attr_t;
typedef CK_BYTE byte_t;
typedef CK_ULONG len_t;

/* clang-format off */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* These open and close the gate, or need none. */
CK_RV C_Initialize(void *args) { return module_initialize(args); }
CK_RV C_Finalize(void *reserved) { return module_finalize(reserved); }

/* Slots and tokens */
CALL(C_GetInfo, (CK_INFO *info), module_get_info(module, (CK_VERSION){3, 0}, info))
CALL(C_GetInfo_2_40, (CK_INFO *info), module_get_info(module, (CK_VERSION){2, 40}, info))
CALL(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID *list, len_t *count), slot_get_list(module, present, list, count))
CALL(C_GetSlotInfo, (CK_SLOT_ID slot, CK_SLOT_INFO *info), slot_get_info(module, slot, info))
CALL(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), slot_get_token_info(module, slot, info))
CALL(C_GetMechanismList, (CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, len_t *count),
    slot_get_mechanisms(module, slot, list, count))
CALL(C_GetMechanismInfo, (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info),
    slot_get_mechanism(module, slot, type, info))
CALL(C_GetMechanismInfo_2_40, (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info),
    message_hide_flags(slot_get_mechanism(module, slot, type, info), info))
CALL(C_WaitForSlotEvent, (CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved),
    slot_wait_for_event(module, flags, slot, reserved))

/* Sessions */
CALL(C_OpenSession, (CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, session_t *handle),
    session_open(module, slot, flags, handle))
CALL(C_CloseAllSessions, (CK_SLOT_ID slot), session_close_all(module, slot))
SESSION_CALL(C_CloseSession, (session_t handle), session_close(session))
SESSION_CALL(C_GetSessionInfo, (session_t handle, CK_SESSION_INFO *info), session_get_info(session, info))
SESSION_CALL(C_Login, (session_t handle, CK_USER_TYPE user, byte_t *pin, len_t pin_len),
    login_begin(session, user, pin, pin_len))
SESSION_CALL(C_LoginUser, (session_t handle, CK_USER_TYPE user, byte_t *pin, len_t pin_len, byte_t *username,
    len_t username_len),
    username_len != 0 ? CKR_ARGUMENTS_BAD : login_begin(session, user, pin, pin_len))
SESSION_CALL(C_Logout, (session_t handle), login_end(session))
SESSION_CALL(C_GetFunctionStatus, (session_t handle), CKR_FUNCTION_NOT_PARALLEL)
SESSION_CALL(C_CancelFunction, (session_t handle), CKR_FUNCTION_NOT_PARALLEL)
SESSION_CALL(C_SessionCancel, (session_t handle, CK_FLAGS flags), cancel_operations(session, flags))

/* Objects */
SESSION_CALL(C_CreateObject, (session_t handle, attr_t *list, len_t count, object_t *object),
    object_create(session, list, count, object))
SESSION_CALL(C_CopyObject, (session_t handle, object_t object, attr_t *list, len_t count, object_t *new_object),
    object_copy(session, object, list, count, new_object))
SESSION_CALL(C_DestroyObject, (session_t handle, object_t object), object_destroy(session, object))
SESSION_CALL(C_GetObjectSize, (session_t handle, object_t object, len_t *size),
    object_get_size(session, object, size))
SESSION_CALL(C_GetAttributeValue, (session_t handle, object_t object, attr_t *list, len_t count),
    object_get_attributes(session, object, list, count))
SESSION_CALL(C_SetAttributeValue, (session_t handle, object_t object, attr_t *list, len_t count),
    object_set_attributes(session, object, list, count))
SESSION_CALL(C_FindObjectsInit, (session_t handle, attr_t *list, len_t count), find_begin(session, list, count))
SESSION_CALL(C_FindObjects, (session_t handle, object_t *objects, len_t room, len_t *count),
    find_more(session, objects, room, count))
SESSION_CALL(C_FindObjectsFinal, (session_t handle), find_finish(session))

/* Keys at work */
SESSION_CALL(C_EncryptInit, (session_t handle, mech_t *mechanism, object_t key),
    operation_begin(session, OPERATION_ENCRYPT, mechanism, key))
SESSION_CALL(C_Encrypt, (session_t handle, byte_t *data, len_t data_len, byte_t *encrypted, len_t *encrypted_len),
    cipher_whole(session, OPERATION_ENCRYPT, data, data_len, encrypted, encrypted_len))
SESSION_CALL(C_EncryptUpdate, (session_t handle, byte_t *part, len_t part_len, byte_t *encrypted_part,
    len_t *encrypted_part_len),
    cipher_update(session, OPERATION_ENCRYPT, part, part_len, encrypted_part, encrypted_part_len))
SESSION_CALL(C_EncryptFinal, (session_t handle, byte_t *last_encrypted_part, len_t *last_encrypted_part_len),
    cipher_finish(session, OPERATION_ENCRYPT, last_encrypted_part, last_encrypted_part_len))
SESSION_CALL(C_DecryptInit, (session_t handle, mech_t *mechanism, object_t key),
    operation_begin(session, OPERATION_DECRYPT, mechanism, key))
SESSION_CALL(C_Decrypt, (session_t handle, byte_t *encrypted, len_t encrypted_len, byte_t *data, len_t *data_len),
    cipher_whole(session, OPERATION_DECRYPT, encrypted, encrypted_len, data, data_len))
SESSION_CALL(C_DecryptUpdate, (session_t handle, byte_t *encrypted_part, len_t encrypted_part_len, byte_t *part,
    len_t *part_len),
    cipher_update(session, OPERATION_DECRYPT, encrypted_part, encrypted_part_len, part, part_len))
SESSION_CALL(C_DecryptFinal, (session_t handle, byte_t *last_part, len_t *last_part_len),
    cipher_finish(session, OPERATION_DECRYPT, last_part, last_part_len))
SESSION_CALL(C_SignInit, (session_t handle, mech_t *mechanism, object_t key),
    operation_begin(session, OPERATION_SIGN, mechanism, key))
SESSION_CALL(C_Sign, (session_t handle, byte_t *data, len_t data_len, byte_t *signature, len_t *signature_len),
    sign_whole(session, data, data_len, signature, signature_len))
SESSION_CALL(C_SignUpdate, (session_t handle, byte_t *part, len_t part_len),
    sign_update(session, OPERATION_SIGN, part, part_len))
SESSION_CALL(C_SignFinal, (session_t handle, byte_t *signature, len_t *signature_len),
    sign_finish(session, signature, signature_len))
SESSION_CALL(C_VerifyInit, (session_t handle, mech_t *mechanism, object_t key),
    operation_begin(session, OPERATION_VERIFY, mechanism, key))
SESSION_CALL(C_Verify, (session_t handle, byte_t *data, len_t data_len, byte_t *signature, len_t signature_len),
    sign_verify_whole(session, data, data_len, signature, signature_len))
SESSION_CALL(C_VerifyUpdate, (session_t handle, byte_t *part, len_t part_len),
    sign_update(session, OPERATION_VERIFY, part, part_len))
SESSION_CALL(C_VerifyFinal, (session_t handle, byte_t *signature, len_t signature_len),
    sign_verify_finish(session, signature, signature_len))
SESSION_CALL(C_GenerateKey, (session_t handle, mech_t *mechanism, attr_t *list, len_t count, object_t *key),
    key_generate(session, mechanism, list, count, key))
SESSION_CALL(C_GenerateKeyPair, (session_t handle, mech_t *mechanism, attr_t *public_list, len_t public_count,
    attr_t *private_list, len_t private_count, object_t *public_key, object_t *private_key),
    key_generate_pair(session, mechanism, public_list, public_count, private_list, private_count, public_key,
    private_key))
SESSION_CALL(C_WrapKey, (session_t handle, mech_t *mechanism, object_t wrapping_key, object_t key,
    byte_t *wrapped_key, len_t *wrapped_key_len),
    key_wrap(session, mechanism, wrapping_key, key, wrapped_key, wrapped_key_len))
SESSION_CALL(C_UnwrapKey, (session_t handle, mech_t *mechanism, object_t unwrapping_key, byte_t *wrapped_key,
    len_t wrapped_key_len, attr_t *list, len_t count, object_t *key),
    key_unwrap(session, mechanism, unwrapping_key, wrapped_key, wrapped_key_len, list, count, key))
SESSION_CALL(C_SeedRandom, (session_t handle, byte_t *seed, len_t seed_len), random_seed(seed, seed_len))
SESSION_CALL(C_GenerateRandom, (session_t handle, byte_t *random, len_t len), random_generate(session, random, len))

SESSION_CALL(C_DeriveKey, (session_t handle, mech_t *mechanism, object_t base_key, attr_t *list, len_t count,
    object_t *key),
    key_derive(session, mechanism, base_key, list, count, key))

/* Digests, and two operations at once */
SESSION_CALL(C_DigestInit, (session_t handle, mech_t *mechanism), digest_begin(session, mechanism))
SESSION_CALL(C_Digest, (session_t handle, byte_t *data, len_t data_len, byte_t *digest, len_t *digest_len),
    digest_whole(session, data, data_len, digest, digest_len))
SESSION_CALL(C_DigestUpdate, (session_t handle, byte_t *part, len_t part_len), digest_update(session, part, part_len))
SESSION_CALL(C_DigestKey, (session_t handle, object_t key), digest_key(session, key))
SESSION_CALL(C_DigestFinal, (session_t handle, byte_t *digest, len_t *digest_len),
    digest_finish(session, digest, digest_len))
SESSION_CALL(C_DigestEncryptUpdate, (session_t handle, byte_t *part, len_t part_len, byte_t *encrypted_part,
    len_t *encrypted_part_len),
    dual_digest_encrypt(session, part, part_len, encrypted_part, encrypted_part_len))
SESSION_CALL(C_DecryptDigestUpdate, (session_t handle, byte_t *encrypted_part, len_t encrypted_part_len,
    byte_t *part, len_t *part_len),
    dual_decrypt_digest(session, encrypted_part, encrypted_part_len, part, part_len))
SESSION_CALL(C_SignEncryptUpdate, (session_t handle, byte_t *part, len_t part_len, byte_t *encrypted_part,
    len_t *encrypted_part_len),
    dual_sign_encrypt(session, part, part_len, encrypted_part, encrypted_part_len))
SESSION_CALL(C_DecryptVerifyUpdate, (session_t handle, byte_t *encrypted_part, len_t encrypted_part_len,
    byte_t *part, len_t *part_len),
    dual_decrypt_verify(session, encrypted_part, encrypted_part_len, part, part_len))
SESSION_CALL(C_GetOperationState, (session_t handle, byte_t *operation_state, len_t *operation_state_len),
    state_get(session, operation_state, operation_state_len))
SESSION_CALL(C_SetOperationState, (session_t handle, byte_t *operation_state, len_t operation_state_len,
    object_t encryption_key, object_t authentication_key),
    state_set(session, operation_state, operation_state_len, encryption_key, authentication_key))

/* Signatures that hold their data */
SESSION_CALL(C_SignRecoverInit, (session_t handle, mech_t *mechanism, object_t key),
    recover_sign_begin(session, mechanism, key))
SESSION_CALL(C_SignRecover, (session_t handle, byte_t *data, len_t data_len, byte_t *signature, len_t *signature_len),
    recover_sign(session, data, data_len, signature, signature_len))
SESSION_CALL(C_VerifyRecoverInit, (session_t handle, mech_t *mechanism, object_t key),
    recover_verify_begin(session, mechanism, key))
SESSION_CALL(C_VerifyRecover, (session_t handle, byte_t *signature, len_t signature_len, byte_t *data,
    len_t *data_len),
    recover_verify(session, signature, signature_len, data, data_len))

/* Administration */
CALL(C_InitToken, (CK_SLOT_ID slot, byte_t *pin, len_t pin_len, byte_t *label),
    admin_init_token(module, slot, pin, pin_len, label))
SESSION_CALL(C_InitPIN, (session_t handle, byte_t *pin, len_t pin_len), admin_init_pin(session, pin, pin_len))
SESSION_CALL(C_SetPIN, (session_t handle, byte_t *old_pin, len_t old_len, byte_t *new_pin, len_t new_len),
    admin_set_pin(session, old_pin, old_len, new_pin, new_len))

/* Message by message */
#define WITH          session_t handle, void *params, len_t params_len
#define PARAMETER     (&(struct message_parameter){params, params_len, span_of(aad, aad_len)})
#define LATER         (&(struct message_parameter){params, params_len, {NULL, 0}})
SESSION_CALL(C_MessageEncryptInit, (session_t handle, mech_t *mechanism, object_t key),
    message_begin(session, OPERATION_ENCRYPT, mechanism, key))
SESSION_CALL(C_EncryptMessage, (WITH, byte_t *aad, len_t aad_len, byte_t *plaintext, len_t plaintext_len,
    byte_t *ciphertext, len_t *ciphertext_len),
    message_encrypt(session, PARAMETER, span_of(plaintext, plaintext_len), ciphertext, ciphertext_len))
SESSION_CALL(C_EncryptMessageBegin, (WITH, byte_t *aad, len_t aad_len),
    message_cipher_begin(session, OPERATION_ENCRYPT, PARAMETER))
SESSION_CALL(C_EncryptMessageNext, (WITH, byte_t *part, len_t part_len, byte_t *encrypted_part,
    len_t *encrypted_part_len, CK_FLAGS flags),
    message_encrypt_next(session, LATER, span_of(part, part_len), encrypted_part, encrypted_part_len, flags))
SESSION_CALL(C_MessageEncryptFinal, (session_t handle), message_end(session, OPERATION_ENCRYPT))
SESSION_CALL(C_MessageDecryptInit, (session_t handle, mech_t *mechanism, object_t key),
    message_begin(session, OPERATION_DECRYPT, mechanism, key))
SESSION_CALL(C_DecryptMessage, (WITH, byte_t *aad, len_t aad_len, byte_t *ciphertext, len_t ciphertext_len,
    byte_t *plaintext, len_t *plaintext_len),
    message_decrypt(session, PARAMETER, span_of(ciphertext, ciphertext_len), plaintext, plaintext_len))
SESSION_CALL(C_DecryptMessageBegin, (WITH, byte_t *aad, len_t aad_len),
    message_cipher_begin(session, OPERATION_DECRYPT, PARAMETER))
SESSION_CALL(C_DecryptMessageNext, (WITH, byte_t *encrypted_part, len_t encrypted_part_len, byte_t *part,
    len_t *part_len, CK_FLAGS flags),
    message_decrypt_next(session, LATER, span_of(encrypted_part, encrypted_part_len), part, part_len, flags))
SESSION_CALL(C_MessageDecryptFinal, (session_t handle), message_end(session, OPERATION_DECRYPT))
SESSION_CALL(C_MessageSignInit, (session_t handle, mech_t *mechanism, object_t key),
    message_begin(session, OPERATION_SIGN, mechanism, key))
SESSION_CALL(C_SignMessage, (WITH, byte_t *data, len_t data_len, byte_t *signature, len_t *signature_len),
    message_sign(session, params_len, span_of(data, data_len), signature, signature_len))
SESSION_CALL(C_SignMessageBegin, (WITH), message_sign_begin(session, OPERATION_SIGN, params_len))
SESSION_CALL(C_SignMessageNext, (WITH, byte_t *part, len_t part_len, byte_t *signature, len_t *signature_len),
    message_sign_next(session, params_len, span_of(part, part_len), signature, signature_len))
SESSION_CALL(C_MessageSignFinal, (session_t handle), message_end(session, OPERATION_SIGN))
SESSION_CALL(C_MessageVerifyInit, (session_t handle, mech_t *mechanism, object_t key),
    message_begin(session, OPERATION_VERIFY, mechanism, key))
SESSION_CALL(C_VerifyMessage, (WITH, byte_t *data, len_t data_len, byte_t *signature, len_t signature_len),
    message_verify(session, params_len, span_of(data, data_len), signature, signature_len))
SESSION_CALL(C_VerifyMessageBegin, (WITH), message_sign_begin(session, OPERATION_VERIFY, params_len))
SESSION_CALL(C_VerifyMessageNext, (WITH, byte_t *part, len_t part_len, byte_t *signature, len_t signature_len),
    message_verify_next(session, params_len, span_of(part, part_len), signature, signature_len))
SESSION_CALL(C_MessageVerifyFinal, (session_t handle), message_end(session, OPERATION_VERIFY))
#pragma GCC diagnostic pop
/* clang-format on */
