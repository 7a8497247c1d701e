/* SPDX-License-Identifier: MIT
 *
 * base64url without padding (RFC 7515, 2 and appendix C). Not for secrets: time and copies are not
 * looked after.
 */
#ifndef PUBLISHER_BASE64URL_H
#define PUBLISHER_BASE64URL_H

#include "base/bytes.h"
#include "base/err.h"

#define BASE64URL_LENGTH(bytes) (((bytes)*4 + 2) / 3) /* of the text, without a NUL */

void base64url_write(struct writer *w, struct span bytes);

/* Exactly size bytes. ERR_ARGUMENTS for any other length, another alphabet, padding, or left-over
 * bits that are not zero. */
err_t base64url_decode(struct span text, uint8_t *ret_bytes, size_t size);

/* text: BASE64URL_LENGTH(bytes.len) characters and a NUL. */
void base64url_text(struct span bytes, char *text);

#endif
