/* SPDX-License-Identifier: MIT
 *
 * C_SessionCancel, from a table.
 */
#include "cancel.h"

#include "message.h"
#include "session.h"

static const struct {
    CK_FLAGS flag;
    enum operation_kind kind;
} operations[] = {{CKF_SIGN, OPERATION_SIGN}, {CKF_VERIFY, OPERATION_VERIFY},
    {CKF_ENCRYPT, OPERATION_ENCRYPT}, {CKF_DECRYPT, OPERATION_DECRYPT},
    {CKF_SIGN_RECOVER, OPERATION_SIGN_RECOVER}, {CKF_VERIFY_RECOVER, OPERATION_VERIFY_RECOVER}};

static const struct {
    CK_FLAGS flag;
    enum operation_kind kind;
} messages[] = {{CKF_MESSAGE_SIGN, OPERATION_SIGN}, {CKF_MESSAGE_VERIFY, OPERATION_VERIFY},
    {CKF_MESSAGE_ENCRYPT, OPERATION_ENCRYPT}, {CKF_MESSAGE_DECRYPT, OPERATION_DECRYPT}};

CK_RV cancel_operations(struct session *session, CK_FLAGS flags)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if ((flags & operations[i].flag) != 0)
            operation_end(session, operations[i].kind);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        if ((flags & messages[i].flag) != 0)
            (void)message_end(session, messages[i].kind);
    if ((flags & CKF_DIGEST) != 0)
        digest_clear(&session->digest);
    if ((flags & CKF_FIND_OBJECTS) != 0)
        find_end(&session->find);
    return CKR_OK;
}
