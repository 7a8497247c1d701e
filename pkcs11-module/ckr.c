/* SPDX-License-Identifier: MIT
 *
 * The error table, with the Cryptoki header at hand. Called wherever an err_t leaves the module.
 */
#include "ckr.h"

CK_RV ckr_of(err_t err)
{
    switch (err) {
#define ERR(name, number, ckr, http, exit_code, text)                                              \
    case ERR_##name:                                                                               \
        return ckr;
#include "base/err.def"
#undef ERR
    }
    return CKR_GENERAL_ERROR;
}
