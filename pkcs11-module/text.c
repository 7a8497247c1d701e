/* SPDX-License-Identifier: MIT
 *
 * Blank padding. Called for C_GetInfo, C_GetSlotInfo and C_GetTokenInfo.
 */
#include "text.h"

#include <string.h>

void text_pad(unsigned char *field, size_t size, struct span text)
{
    size_t len = text.len < size ? text.len : size;
    if (len > 0)
        memcpy(field, text.ptr, len);
    memset(field + len, ' ', size - len);
}
