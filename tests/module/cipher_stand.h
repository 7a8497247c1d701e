/* SPDX-License-Identifier: MIT
 *
 * What the tests of encryption share: an imported AES key of known value, data, and for each cipher
 * what OpenSSL makes of them.
 */
#ifndef TESTS_MODULE_CIPHER_STAND_H
#define TESTS_MODULE_CIPHER_STAND_H

#include "reference.h"
#include "stand.h"

enum { CIPHER_DATA = 300000, CIPHER_ROOM = CIPHER_DATA + 10000 };

struct cipher {
    CK_MECHANISM *mechanism;
    size_t (*reference)(size_t data_len); /* into cipher_wanted */
};
extern const struct cipher cipher_gcm;
extern const struct cipher cipher_cbc;
#define FOR_EACH_CIPHER(cipher)                                                                    \
    for (const struct cipher *cipher = &cipher_gcm; cipher != NULL;                                \
         cipher = cipher == &cipher_gcm ? &cipher_cbc : NULL)

extern CK_OBJECT_HANDLE cipher_key;
extern CK_GCM_PARAMS cipher_params; /* of cipher_gcm */
extern uint8_t cipher_data[CIPHER_DATA];
extern uint8_t cipher_wanted[CIPHER_ROOM];
extern uint8_t cipher_out[CIPHER_ROOM];
extern CK_ULONG cipher_out_len;

int cipher_up(void **state); /* a new key in a new session; the parameters as they were */
#define WITH_CIPHERS(test) cmocka_unit_test_setup_teardown(test, cipher_up, stand_down)

size_t cipher_expect(const struct cipher *cipher, size_t data_len);
void cipher_spoil_parameters(void);
void cipher_reset_parameters(void);
void assert_cipher_ended(void); /* neither encryption nor decryption is active */

#endif
