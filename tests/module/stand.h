/* SPDX-License-Identifier: MIT
 *
 * What the tests of the module share: the module itself, loaded once as any program does it; for
 * each test a session and the key "device"; short words for finding, making and signing; another
 * process that uses the module too. What returns a CK_RV or a bool asserts nothing, so that
 * children and threads may use it.
 */
#ifndef TESTS_MODULE_STAND_H
#define TESTS_MODULE_STAND_H

#include "test.h"

#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>

#include <stdbool.h>

enum { DIGEST = 32, SIGNATURE = 64 };

/* Of the command line and the environment */
struct options {
    const char *program;  /* argv[0], and what other processes run */
    const char *pin_file; /* NULL: the token wants no PIN */
    const char
        *restart; /* a shell command that returns when the worker is dead and another will come */
    const char *token;
    unsigned char pin[256];
    CK_ULONG pin_len;
};
extern struct options options;

extern CK_FUNCTION_LIST *p11;

/* Of the test that runs */
struct stand {
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session; /* read/write, logged in */
    CK_SESSION_HANDLE read_only;
    CK_OBJECT_HANDLE key; /* "device": a private key in the token, and its public key */
    CK_OBJECT_HANDLE public_key;
    EVP_PKEY *verifier;
};
extern struct stand stand;

bool stand_load(const char *module); /* dlopen; false: said why */
int stand_up(void **state);
int stand_down(void **state); /* destroys what the test made in the token */
#define WITH_STAND(test) cmocka_unit_test_setup_teardown(test, stand_up, stand_down)

void stand_check_rv(CK_RV got, CK_RV wanted, const char *what, const char *file, int line);
#define assert_rv(wanted, call) stand_check_rv((call), (wanted), #call, __FILE__, __LINE__)

/* Sessions */
CK_RV find_slot(CK_SLOT_ID *ret_slot);
CK_RV open_session(
    CK_FLAGS flags, CK_SESSION_HANDLE *ret_session); /* on the token's slot, not logged in */
CK_RV log_in(CK_SESSION_HANDLE session);             /* CKR_OK also where already done */

/* Objects. Those that are made get a CKA_ID of MADE and their label. class
 * CK_UNAVAILABLE_INFORMATION: any. */
#define MADE "check-"
struct pair {
    CK_OBJECT_HANDLE public_key;
    CK_OBJECT_HANDLE private_key;
};
CK_RV find_by_label(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label,
    CK_OBJECT_HANDLE *ret_first, CK_ULONG *ret_count);
CK_OBJECT_HANDLE find_key(
    CK_SESSION_HANDLE session, const char *label); /* a private key; 0: none */
CK_RV generate(CK_SESSION_HANDLE session, bool token, const char *label, struct pair *ret_pair);
CK_RV store_certificate(CK_SESSION_HANDLE session, bool token, const char *label, const void *value,
    CK_ULONG len, CK_OBJECT_HANDLE *ret_certificate);
CK_RV relabel(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, const char *label);
/* Secret keys: with every function permitted. type: CKK_. Their CKA_ID is as above. */
CK_RV import_secret(CK_SESSION_HANDLE session, bool token, const char *label, CK_KEY_TYPE type,
    const void *value, CK_ULONG len, CK_OBJECT_HANDLE *ret_key);
CK_RV generate_secret(CK_SESSION_HANDLE session, bool token, const char *label,
    CK_MECHANISM_TYPE type, CK_ULONG len, CK_OBJECT_HANDLE *ret_key);
EVP_PKEY *read_public_key(
    CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key); /* CKA_PUBLIC_KEY_INFO */

/* Signatures */
extern CK_MECHANISM ecdsa;
extern CK_MECHANISM ecdsa_sha256;
extern CK_MECHANISM generation;
CK_RV sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const CK_BYTE digest[DIGEST],
    CK_BYTE ret_signature[SIGNATURE]);
bool verifies(EVP_PKEY *key, const CK_BYTE digest[DIGEST], const CK_BYTE signature[SIGNATURE]);
bool verifies_message(
    EVP_PKEY *key, const void *message, size_t len, const CK_BYTE signature[SIGNATURE]);
void assert_signs(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, EVP_PKEY *verifier);

/* Another process, with a login of its own, does VERB to the objects with this label: "count",
 * "destroy", or "relabel" to new_label. Gives their number. */
CK_ULONG other_process(const char *verb, const char *label, const char *new_label);
int other_main(char **arguments); /* what runs there; its exit status */

/* The functions by their place in CK_FUNCTION_LIST, called with one argument and seven that are
 * zero */
size_t function_count(void);
const char *function_name(size_t i);
CK_RV function_call(size_t i, CK_ULONG first);
CK_RV function_call_with(const char *name, const CK_ULONG words[8]); /* numbers or pointers */

/* Each runs one group and gives the number of failures. */
int process_tests(void);
int limit_tests(void);
int thread_tests(void);
int session_tests(void);
int sign_tests(void);
int object_tests(void);
int change_tests(void);
int secret_tests(void);
int wrap_tests(void);
int mac_tests(void);
int cipher_tests(void);
int parts_tests(void);
int restart_tests(void);
int admin_tests(void);
int other_tests(void);
int event_tests(void);
int calls_tests(void);
int interface_tests(void);
int digest_tests(void);
int message_tests(void);
int offline_tests(void);

#endif
