/* SPDX-License-Identifier: MIT
 *
 * What OpenSSL makes of the same key and data: the module's answers are compared with it. Each
 * gives the number of bytes in ret_out.
 */
#ifndef TESTS_MODULE_REFERENCE_H
#define TESTS_MODULE_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    const uint8_t *ptr;
    size_t len;
};
#define BYTES(array) ((struct bytes){(array), sizeof(array)})

enum { TAG = 16, BLOCK = 16, MAC_LEN = 32 };

size_t reference_gcm(
    struct bytes key, struct bytes iv, struct bytes aad, struct bytes data, uint8_t *ret_out);
size_t reference_cbc(
    struct bytes key, const uint8_t iv[BLOCK], struct bytes data, uint8_t *ret_out);
void reference_hmac(struct bytes key, struct bytes data, uint8_t ret_mac[MAC_LEN]);
size_t reference_wrap(struct bytes wrapping_key, struct bytes key, uint8_t *ret_out);

/* Bytes that look different everywhere; the same for the same seed. */
void fill_bytes(uint8_t *bytes, size_t len, uint32_t seed);

#endif
