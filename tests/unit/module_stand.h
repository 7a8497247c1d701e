/* SPDX-License-Identifier: MIT
 *
 * A session of the module over a worker in memory, for tests of what is in the module. The calls to
 * the worker are wrapped (linker --wrap=pool_call,pool_release,slot_call_object). Its cipher is
 * XOR, its tag and its MAC are SHA-256, so that a test can tell what came to it; real devices are
 * tested end to end.
 */
#ifndef TESTS_UNIT_MODULE_STAND_H
#define TESTS_UNIT_MODULE_STAND_H

#include "test.h"

#include "pkcs11-module/message.h"
#include "pkcs11-module/module.h"
#include "pkcs11-module/session.h"
#include "pkcs11-module/slot.h"

enum { MAC_LEN = SHA256_DIGEST_SIZE, TAG_LEN = 16, DATA = 150000, ROOM = DATA + 1000 };

struct module_stand {
    char log[512]; /* the operations that the worker was asked for */
    enum wire_operation fails_at;
    err_t error;
    bool gives_early; /* decryption gives whole blocks at once, as of a cipher without a tag */
    struct session session; /* number 1 */
    struct session other;   /* number 2 */
    CK_OBJECT_HANDLE aes;
    CK_OBJECT_HANDLE mac;
    CK_OBJECT_HANDLE ec;       /* a private key */
    CK_OBJECT_HANDLE other_ec; /* another */
    CK_OBJECT_HANDLE secret;   /* derived by session, readable; its value is 32 times 7 */
    CK_OBJECT_HANDLE hidden;   /* like it, but CKA_SENSITIVE */
    CK_OBJECT_HANDLE foreign;  /* like secret, but of session other */
    uint8_t data[DATA];
    uint8_t out[ROOM];
    CK_ULONG len;
};
extern struct module_stand stand;

int stand_up(void **state);
int stand_down(void **state); /* every connection was given back */
#define WITH_STAND(test) cmocka_unit_test_setup_teardown(test, stand_up, stand_down)

void assert_log(const char *wanted); /* and empties it */
#define assert_rv(wanted, call) assert_int_equal(call, wanted)

/* What the worker's MAC of data is. */
void stand_mac(const void *data, size_t len, uint8_t ret_mac[MAC_LEN]);

#endif
