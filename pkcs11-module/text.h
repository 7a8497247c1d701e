/* SPDX-License-Identifier: MIT
 *
 * Fixed-size text fields of Cryptoki structs (PKCS#11 v2.40, 3.2): padded with blanks, no
 * terminating NUL.
 */
#ifndef PKCS11_MODULE_TEXT_H
#define PKCS11_MODULE_TEXT_H

#include "base/bytes.h"

/* Fills all size bytes of field; a text that is too long is cut. */
void text_pad(unsigned char *field, size_t size, struct span text);

#endif
