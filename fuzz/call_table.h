/* SPDX-License-Identifier: MIT
 *
 * The functions of Cryptoki for the call fuzzer, in the order of functions.def: what arguments each
 * takes, and which codes the standard lets it return (PKCS#11 v2.40 and 3.0, 5.1 and the list of
 * each function). Codes that are ours in spite of the standard's lists stand apart, each group with
 * the reason: docs/conformance.md tells the same.
 */
#ifndef FUZZ_CALL_TABLE_H
#define FUZZ_CALL_TABLE_H

#include "pkcs11-module/cryptoki3.h"

#include <stdbool.h>
#include <stddef.h>

enum call_number {
#define FUNCTION(name)     CALL_##name,
#define FUNCTION_3_0(name) CALL_##name,
#include "pkcs11-module/functions.def"
#undef FUNCTION
    CALLS
};

/* What follows the session, or else stands first. */
enum call_shape {
    SHAPE_MISSING,
    SHAPE_INITIALIZE,
    SHAPE_FINALIZE,
    SHAPE_INFO,
    SHAPE_FUNCTION_LIST,
    SHAPE_SLOT_LIST,
    SHAPE_SLOT_INFO,
    SHAPE_MECHANISM_LIST,
    SHAPE_MECHANISM_INFO,
    SHAPE_INIT_TOKEN,
    SHAPE_OPEN,
    SHAPE_CLOSE,
    SHAPE_CLOSE_ALL,
    SHAPE_WAIT,
    SHAPE_SESSION,
    SHAPE_SESSION_INFO,
    SHAPE_LOGIN,
    SHAPE_PIN,
    SHAPE_TWO_PINS,
    SHAPE_STATE,
    SHAPE_CREATE,
    SHAPE_COPY,
    SHAPE_OBJECT,
    SHAPE_OBJECT_SIZE,
    SHAPE_GET,
    SHAPE_SET,
    SHAPE_FIND,
    SHAPE_FOUND,
    SHAPE_BEGIN,
    SHAPE_BEGIN_DIGEST,
    SHAPE_IN_OUT,
    SHAPE_IN,
    SHAPE_IN_IN,
    SHAPE_OUT,
    SHAPE_GENERATE,
    SHAPE_GENERATE_PAIR,
    SHAPE_WRAP,
    SHAPE_UNWRAP,
    SHAPE_DERIVE,
    SHAPE_RANDOM,
    SHAPE_INTERFACE_LIST, /* here begins 3.0 */
    SHAPE_INTERFACE,
    SHAPE_LOGIN_USER,
    SHAPE_CANCEL,
    SHAPE_MESSAGE,
    SHAPE_MESSAGE_BEGIN,
    SHAPE_MESSAGE_NEXT,
    SHAPE_MESSAGE_SIGN,
    SHAPE_MESSAGE_SIGN_BEGIN,
    SHAPE_MESSAGE_VERIFY,
};

struct call_row {
    const char *name;
    enum call_shape shape;
    size_t offset;      /* in CK_FUNCTION_LIST_3_0, and in CK_FUNCTION_LIST where that has it */
    bool has_session;   /* its first argument */
    size_t info_size;   /* of the structure that it fills, where there is one */
    const CK_RV *codes; /* of the standard, for this function alone; ends with CALL_CODES_END */
    const CK_RV *ours;  /* besides; NULL: none */
};

#define CALL_CODES_END ((CK_RV)-1)

extern const struct call_row call_rows[CALLS];

/* Whether an initialised module may answer so. */
bool call_may_return(const struct call_row *row, CK_RV rv);

#endif
