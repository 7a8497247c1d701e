/* SPDX-License-Identifier: MIT
 *
 * The module by its interface of 3.0, as the tests of that find it: by name, from the file.
 */
#ifndef TESTS_MODULE_THREE_H
#define TESTS_MODULE_THREE_H

#include "stand.h"

#include "pkcs11-module/cryptoki3.h"

CK_FUNCTION_LIST_3_0 *three(void);
void *three_symbol(const char *name); /* an exported function, or NULL */

#endif
