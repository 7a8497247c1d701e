/* SPDX-License-Identifier: MIT
 *
 * A PKCS#11 module, loaded by its path and by nothing in between, and a session with the token that
 * is measured.
 */
#ifndef BENCH_TOKEN_H
#define BENCH_TOKEN_H

#include <p11-kit/pkcs11.h>
#include <stddef.h>

struct token {
    CK_FUNCTION_LIST *module;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
};

/* What failed: the function, and its answer. All functions below set it when they do not return
 * CKR_OK. */
struct failure {
    char where[40];
    CK_RV rv;
};

CK_RV failure_note(struct failure *failure, const char *where, CK_RV rv); /* returns rv */

/* Loads path, opens a session (more: CKF_RW_SESSION or 0) with the token of that label, and logs in
 * with the first line of pin_file where the token wants a login. */
CK_RV token_open(const char *path, const char *label, const char *pin_file, CK_FLAGS more,
    struct token *ret_token, struct failure *failure);

/* The objects that match; as many as there is room for. */
CK_RV token_find(const struct token *token, CK_ATTRIBUTE *attributes, CK_ULONG attribute_count,
    CK_OBJECT_HANDLE *objects, CK_ULONG room, CK_ULONG *ret_count, struct failure *failure);

#endif
