/* SPDX-License-Identifier: MIT
 *
 * What the tests of the driver pkcs11 stand on: a SoftHSM token in a temporary directory, opened
 * devices, P-256 keys. A helper whose result is void or a value fails the test where it does not
 * succeed.
 */
#ifndef TESTS_UNIT_DRIVER_STAND_H
#define TESTS_UNIT_DRIVER_STAND_H

#include "test.h"

#include "signerd/drivers/driver.h"

#define MODULE SIGNERD_TEST_SOFTHSM /* set by CMake */
#define LABEL  "driver test"
#define PIN    "123456"

enum {
    CKM_EC_KEY_PAIR_GEN_ = 0x1040,
    CKM_ECDSA_ = 0x1041,
    CKM_SHA256_HMAC_ = 0x251,
    CKM_GENERIC_SECRET_KEY_GEN_ = 0x350,
    CKM_AES_KEY_GEN_ = 0x1080,
    CKM_AES_CBC_PAD_ = 0x1085,
    CKM_AES_GCM_ = 0x1087,
    CKM_AES_KEY_WRAP_ = 0x2109,
    CKK_GENERIC_SECRET_ = 0x10,
    CKK_AES_ = 0x1f,
    CKK_SHA256_HMAC_ = 0x2b,
};

static const uint8_t P256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t SECP256K1[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a};

struct pair {
    driver_ref public_key;
    driver_ref private_key;
};

void run(const char *const *arguments); /* a program, to its end; NULL ends the list */

int make_token(void **state); /* set-up of the group */
int remove_token(void **state);

err_t open_with(const char *module, const char *label, const char *pin, struct device **ret_device);
int open_device(void **state); /* set-up of a test: *state becomes the device */
int close_device(void **state);

err_t generate(
    struct device *device, bool token, struct span curve, const char *label, struct pair *ret_pair);
struct pair new_pair(struct device *device, const char *label);
void destroy_pair(struct device *device, struct pair pair);

/* Good until the next call. */
struct span attributes_of(struct device *device, driver_ref object);

/* Over the first data_len of the bytes 1, 2, 3, 0, 0 … (32); ret_signature has room for 1024. */
err_t sign(struct device *device, driver_ref key, size_t data_len, uint8_t *ret_signature,
    size_t *ret_len);

#endif
