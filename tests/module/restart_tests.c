/* SPDX-License-Identifier: MIT
 *
 * What survives a restart of the worker and what does not, rule by rule, as a program sees it.
 */
#include "stand.h"

#include "reference.h"

#include "base/clock.h"
#include "wire/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static CK_BYTE digest[DIGEST] = {1};
static CK_BYTE signature[SIGNATURE];
static CK_ULONG len;

/* When it returns, the worker is dead and its successor perhaps not there yet. */
static void kill_worker(void)
{
    assert_non_null(options.restart);
    assert_int_equal(system(options.restart), 0);
}

static CK_RV finish(CK_SESSION_HANDLE session)
{
    len = SIGNATURE;
    return p11->C_Sign(session, digest, sizeof digest, signature, &len);
}

static void sessions_login_and_the_handles_of_token_keys_go_on(void **state)
{
    CK_SESSION_INFO info;
    (void)state;
    kill_worker();
    assert_signs(stand.session, stand.key, stand.verifier);
    assert_signs(stand.read_only, stand.key, stand.verifier);
    assert_rv(CKR_OK, p11->C_GetSessionInfo(stand.session, &info));
    assert_int_equal(info.state, CKS_RW_USER_FUNCTIONS);
    assert_rv(CKR_USER_ALREADY_LOGGED_IN,
        p11->C_Login(stand.session, CKU_USER, options.pin, options.pin_len));
    assert_int_equal(find_key(stand.session, "device"), stand.key);
    kill_worker();
    assert_int_equal(find_key(stand.session, "device"), stand.key);
    assert_signs(stand.session, stand.key, stand.verifier);
}

static void a_signature_between_init_and_sign_goes_on_with_a_token_key(void **state)
{
    (void)state;
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa, stand.key));
    kill_worker();
    assert_rv(CKR_OK, finish(stand.session));
    assert_true(verifies(stand.verifier, digest, signature));
}

/* The hash is the module's own. */
static void a_signature_of_many_parts_finishes(void **state)
{
    (void)state;
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa_sha256, stand.key));
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, digest, 10));
    kill_worker();
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, digest + 10, 10));
    len = SIGNATURE;
    assert_rv(CKR_OK, p11->C_SignFinal(stand.session, signature, &len));
    assert_true(verifies_message(stand.verifier, digest, 20, signature));
}

static void the_handles_of_session_objects_are_invalid_and_name_nothing_else(void **state)
{
    CK_ATTRIBUTE label = {CKA_LABEL, NULL, 0};
    struct pair pair;
    struct pair later;
    CK_ULONG count;
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, false, "session-key", &pair));
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
    kill_worker();
    assert_rv(CKR_OBJECT_HANDLE_INVALID, finish(stand.session));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, finish(stand.session));
    assert_rv(CKR_OBJECT_HANDLE_INVALID,
        p11->C_GetAttributeValue(stand.session, pair.public_key, &label, 1));
    assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_DestroyObject(stand.session, pair.public_key));
    assert_rv(CKR_OBJECT_HANDLE_INVALID, relabel(stand.session, pair.public_key, "x"));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
    assert_rv(CKR_OK,
        find_by_label(stand.session, CK_UNAVAILABLE_INFORMATION, "session-key", NULL, &count));
    assert_int_equal(count, 0);

    assert_rv(CKR_OK, generate(stand.session, false, "session-key", &later));
    assert_int_not_equal(later.private_key, pair.private_key);
    assert_int_equal(find_key(stand.session, "session-key"), later.private_key);
    assert_rv(CKR_OBJECT_HANDLE_INVALID,
        p11->C_GetAttributeValue(stand.session, pair.private_key, &label, 1));
}

static void session_objects_are_gone_as_soon_as_the_new_worker_is_heard_of(void **state)
{
    CK_ATTRIBUTE label = {CKA_LABEL, NULL, 0};
    struct pair pair;
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, false, "session-key", &pair));
    kill_worker();
    assert_rv(CKR_OK, p11->C_GenerateRandom(stand.read_only, digest, sizeof digest));
    assert_rv(CKR_OBJECT_HANDLE_INVALID,
        p11->C_GetAttributeValue(stand.session, pair.public_key, &label, 1));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
    assert_signs(stand.session, stand.key, stand.verifier);
}

/* A session key may not be taken for a token key with the same name, nor the other way round. */
static void a_session_key_is_not_found_again_as_a_token_key_of_the_same_name(void **state)
{
    struct pair pair;
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, false, "device", &pair));
    kill_worker();
    assert_int_equal(find_key(stand.session, "device"), stand.key);
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
}

static void a_session_certificate_is_not_found_again_as_its_copy_in_the_token(void **state)
{
    CK_OBJECT_HANDLE of_session;
    CK_OBJECT_HANDLE of_token;
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count;
    (void)state;
    assert_rv(CKR_OK, store_certificate(stand.session, false, "copy", "v", 1, &of_session));
    assert_rv(CKR_OK, store_certificate(stand.session, true, "copy", "v", 1, &of_token));
    kill_worker();
    assert_rv(CKR_OK, find_by_label(stand.session, CKO_CERTIFICATE, "copy", &found, &count));
    assert_int_equal(count, 1);
    assert_int_equal(found, of_token);
    assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_DestroyObject(stand.session, of_session));
}

static void each_function_that_asks_the_daemon_rides_over_a_restart(void **state)
{
    CK_OBJECT_HANDLE certificate;
    CK_SESSION_HANDLE session;
    CK_ATTRIBUTE label = {CKA_LABEL, NULL, 0};
    struct pair pair;
    CK_ULONG count = 0;
    (void)state;
    kill_worker();
    assert_rv(CKR_OK, p11->C_GenerateRandom(stand.session, digest, sizeof digest));
    kill_worker();
    assert_rv(CKR_OK, generate(stand.session, true, "after", &pair));
    kill_worker();
    assert_rv(CKR_OK, store_certificate(stand.session, true, "after", "v", 1, &certificate));
    kill_worker();
    assert_rv(CKR_OK, relabel(stand.session, certificate, "renamed"));
    assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, certificate, &label, 1));
    assert_int_equal(label.ulValueLen, strlen("renamed"));
    kill_worker();
    assert_rv(CKR_OK, p11->C_DestroyObject(stand.session, certificate));
    kill_worker();
    assert_rv(CKR_OK, open_session(0, &session));
    assert_rv(CKR_OK, find_by_label(session, CK_UNAVAILABLE_INFORMATION, "after", NULL, &count));
    assert_int_equal(count, 2);
    assert_int_equal(find_key(session, "after"), pair.private_key);
    kill_worker();
    assert_rv(CKR_OK, p11->C_Logout(session));
    kill_worker();
    assert_rv(CKR_OK, p11->C_Login(session, CKU_USER, options.pin, options.pin_len));
    assert_signs(session, find_key(session, "device"), stand.verifier);
}

static void two_objects_that_are_alike_keep_two_handles(void **state)
{
    CK_OBJECT_HANDLE twins[2];
    CK_OBJECT_HANDLE found;
    CK_ULONG count;
    (void)state;
    for (size_t i = 0; i < COUNT(twins); i++)
        assert_rv(CKR_OK, store_certificate(stand.session, true, "twin", "v", 1, &twins[i]));
    kill_worker();
    assert_rv(CKR_OK, find_by_label(stand.session, CKO_CERTIFICATE, "twin", &found, &count));
    assert_int_equal(count, 2);
    assert_int_equal(found, twins[0]);
    assert_rv(CKR_OK, p11->C_DestroyObject(stand.session, twins[0]));
    assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_DestroyObject(stand.session, twins[0]));
    assert_rv(CKR_OK, p11->C_DestroyObject(stand.session, twins[1]));
}

static void a_key_renamed_by_another_process_goes_on_where_the_new_name_was_seen(void **state)
{
    struct pair pair;
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, true, "first-name", &pair));
    EVP_PKEY *verifier = read_public_key(stand.session, pair.public_key);
    assert_int_equal(other_process("relabel", "first-name", "second-name"), 2);
    assert_int_equal(find_key(stand.session, "second-name"), pair.private_key);
    kill_worker();
    assert_signs(stand.session, pair.private_key, verifier);
    EVP_PKEY_free(verifier);
}

/* By class, CKA_ID, label and public key: with another label it is no longer what the program had
 * found. */
static void a_key_renamed_by_another_process_is_gone_where_the_new_name_was_not_seen(void **state)
{
    struct pair pair;
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, true, "first-name", &pair));
    assert_int_equal(other_process("relabel", "first-name", "second-name"), 2);
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
    kill_worker();
    assert_rv(CKR_OBJECT_HANDLE_INVALID, finish(stand.session));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
    assert_int_not_equal(find_key(stand.session, "second-name"), 0);
}

/* Two keys change names: neither handle may sign with the other's key. */
static void a_handle_never_comes_to_mean_another_key(void **state)
{
    struct pair one;
    struct pair two;
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, true, "one", &one));
    assert_rv(CKR_OK, generate(stand.session, true, "two", &two));
    assert_int_equal(other_process("relabel", "one", "between"), 2);
    assert_int_equal(other_process("relabel", "two", "one"), 2);
    assert_int_equal(other_process("relabel", "between", "two"), 2);
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa, one.private_key));
    kill_worker();
    assert_rv(CKR_OBJECT_HANDLE_INVALID, finish(stand.session));
}

static void a_key_destroyed_by_another_process_is_gone(void **state)
{
    struct pair pair;
    (void)state;
    assert_rv(CKR_OK, generate(stand.session, true, "short-lived", &pair));
    assert_int_equal(other_process("destroy", "short-lived", NULL), 2);
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &ecdsa, pair.private_key));
    kill_worker();
    assert_rv(CKR_OBJECT_HANDLE_INVALID, finish(stand.session));
}

static void a_find_in_progress_keeps_what_it_found(void **state)
{
    CK_OBJECT_HANDLE objects[8];
    CK_ULONG count;
    (void)state;
    assert_rv(CKR_OK, p11->C_FindObjectsInit(stand.session, NULL, 0));
    assert_rv(CKR_OK, p11->C_FindObjects(stand.session, objects, 1, &count));
    kill_worker();
    assert_rv(CKR_OK, p11->C_FindObjects(stand.session, objects + 1, COUNT(objects) - 1, &count));
    assert_int_equal(count, 1);
    assert_rv(CKR_OK, p11->C_FindObjectsFinal(stand.session));
    assert_signs(stand.session, stand.key, stand.verifier); /* the next test finds a daemon */
}

/* ---- secret keys ---- */

static CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
static uint8_t cbc_iv[BLOCK] = {1};
static CK_MECHANISM cbc = {CKM_AES_CBC_PAD, cbc_iv, sizeof cbc_iv};
static uint8_t key_bytes[32] = {1, 2, 3};
static uint8_t data[200000];
static CK_BYTE out[sizeof data + BLOCK];
static CK_ULONG out_len;

static void a_secret_key_in_the_token_goes_on_and_one_in_the_session_is_gone(void **state)
{
    uint8_t wanted[MAC_LEN];
    CK_OBJECT_HANDLE of_token;
    CK_OBJECT_HANDLE of_session;
    (void)state;
    assert_rv(CKR_OK, import_secret(stand.session, true, "token-secret", CKK_GENERIC_SECRET,
                          key_bytes, sizeof key_bytes, &of_token));
    assert_rv(CKR_OK, import_secret(stand.session, false, "session-secret", CKK_GENERIC_SECRET,
                          key_bytes, sizeof key_bytes, &of_session));
    reference_hmac(BYTES(key_bytes), (struct bytes){data, 100}, wanted);
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &hmac, of_token));
    kill_worker();
    out_len = MAC_LEN;
    assert_rv(CKR_OK, p11->C_Sign(stand.session, data, 100, out, &out_len));
    assert_memory_equal(out, wanted, MAC_LEN);
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(stand.session, &hmac, of_session));
}

/* Parts that fit one message were not sent yet. */
static void a_mac_of_few_bytes_finishes(void **state)
{
    uint8_t wanted[MAC_LEN];
    CK_OBJECT_HANDLE key;
    (void)state;
    assert_rv(CKR_OK, import_secret(stand.session, true, "mac", CKK_GENERIC_SECRET, key_bytes,
                          sizeof key_bytes, &key));
    reference_hmac(BYTES(key_bytes), (struct bytes){data, 2000}, wanted);
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &hmac, key));
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, data, 1000));
    kill_worker();
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, data + 1000, 1000));
    out_len = MAC_LEN;
    assert_rv(CKR_OK, p11->C_SignFinal(stand.session, out, &out_len));
    assert_memory_equal(out, wanted, MAC_LEN);
}

static void what_was_begun_is_a_device_error_once_and_then_not_there(void **state)
{
    CK_OBJECT_HANDLE key;
    CK_OBJECT_HANDLE mac_key;
    (void)state;
    assert_rv(CKR_OK,
        import_secret(stand.session, true, "begun", CKK_AES, key_bytes, sizeof key_bytes, &key));
    assert_rv(CKR_OK, import_secret(stand.session, true, "begun-mac", CKK_GENERIC_SECRET, key_bytes,
                          sizeof key_bytes, &mac_key));
    assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, &cbc, key));
    out_len = sizeof out;
    assert_rv(CKR_OK, p11->C_EncryptUpdate(stand.session, data, 1000, out, &out_len));
    assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, &cbc, key));
    out_len = sizeof out;
    assert_rv(CKR_OK, p11->C_DecryptUpdate(stand.session, data, 1024, out, &out_len));
    assert_rv(CKR_OK, p11->C_SignInit(stand.session, &hmac, mac_key));
    assert_rv(CKR_OK, p11->C_SignUpdate(stand.session, data, 100000));
    assert_rv(CKR_OK, p11->C_VerifyInit(stand.session, &hmac, mac_key));
    assert_rv(CKR_OK, p11->C_VerifyUpdate(stand.session, data, 100000));
    kill_worker();
    out_len = sizeof out;
    assert_rv(CKR_DEVICE_ERROR, p11->C_EncryptUpdate(stand.session, data, 1000, out, &out_len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        p11->C_EncryptUpdate(stand.session, data, 1000, out, &out_len));
    out_len = sizeof out;
    assert_rv(CKR_DEVICE_ERROR, p11->C_DecryptFinal(stand.session, out, &out_len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_DecryptFinal(stand.session, out, &out_len));
    out_len = sizeof out;
    assert_rv(CKR_DEVICE_ERROR, p11->C_SignFinal(stand.session, out, &out_len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_SignFinal(stand.session, out, &out_len));
    assert_rv(CKR_DEVICE_ERROR, p11->C_VerifyFinal(stand.session, out, MAC_LEN));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_VerifyFinal(stand.session, out, MAC_LEN));

    /* and the next one works */
    assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, &cbc, key));
    out_len = sizeof out;
    assert_rv(CKR_OK, p11->C_Encrypt(stand.session, data, sizeof data, out, &out_len));
}

static void each_use_of_secret_keys_rides_over_a_restart(void **state)
{
    CK_MECHANISM key_wrap = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_OBJECT_HANDLE key;
    CK_OBJECT_HANDLE kek;
    CK_OBJECT_HANDLE unwrapped;
    CK_BYTE wrapped[40];
    CK_ULONG wrapped_len = sizeof wrapped;
    (void)state;
    assert_rv(CKR_OK,
        import_secret(stand.session, true, "kek", CKK_AES, key_bytes, sizeof key_bytes, &kek));
    kill_worker();
    assert_rv(CKR_OK, generate_secret(stand.session, true, "over", CKM_AES_KEY_GEN, 32, &key));
    kill_worker();
    assert_rv(CKR_OK, p11->C_WrapKey(stand.session, &key_wrap, kek, key, wrapped, &wrapped_len));
    kill_worker();
    assert_rv(CKR_OK, p11->C_UnwrapKey(stand.session, &key_wrap, kek, wrapped, wrapped_len,
                          template, COUNT(template), &unwrapped));
    assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, &cbc, key));
    kill_worker();
    out_len = sizeof out;
    assert_rv(CKR_OK, p11->C_Encrypt(stand.session, data, sizeof data, out, &out_len));
    assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, &cbc, key));
    kill_worker();
    CK_ULONG room = sizeof data;
    assert_rv(CKR_OK, p11->C_Decrypt(stand.session, out, out_len, out, &room));
    assert_int_equal(room, sizeof data);
    assert_memory_equal(out, data, sizeof data);
}

/* ---- tickets, message by message ---- */

enum { DEADLINE_US = 10000000 };

/* A new connection that shows this ticket. *ret_logged_in: what the worker says of it. NULL:
 * something failed. */
static struct link *greet(uint64_t client, struct span ticket, bool *ret_logged_in)
{
    char path[128];
    const struct wire_hello_request hello = {WIRE_VERSION_MIN, WIRE_VERSION_MAX, client, ticket};
    struct wire_hello_reply reply;
    struct link *link = NULL;
    enum link_fate fate;
    const uint64_t deadline_us = clock_us() + DEADLINE_US;
    (void)snprintf(path, sizeof path, "%s/demo.sock", getenv("SIGNERD_RUNTIME_DIR"));
    err_t err = ERR_UNREACHABLE;
    while (err == ERR_UNREACHABLE && clock_us() < deadline_us)
        err = link_open(path, deadline_us, &link);
    if (err != ERR_OK)
        return NULL;
    if (link_call(link, WIRE_HELLO, &hello, &reply, deadline_us, &fate) != ERR_OK) {
        link_close(link);
        return NULL;
    }
    *ret_logged_in = reply.logged_in == 1;
    return link;
}

static bool is_logged_in_with(struct span ticket)
{
    bool logged_in = false;
    struct link *link = greet(clock_us(), ticket, &logged_in);
    assert_non_null(link);
    link_close(link);
    return logged_in;
}

static bool is_logged_in_with_in_a_child(struct span ticket)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        bool logged_in = false;
        struct link *link = greet(1, ticket, &logged_in);
        _exit(link == NULL ? 2 : logged_in ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    return WEXITSTATUS(status) == 1;
}

static void a_ticket_serves_its_process_over_a_restart_and_no_other(void **state)
{
    const struct wire_login_request login = {CKU_USER, span_of(options.pin, options.pin_len)};
    struct wire_login_reply reply;
    uint8_t bytes[64];
    enum link_fate fate;
    bool logged_in = true;
    (void)state;
    if (options.pin_file == NULL)
        skip();
    struct link *link = greet(1, span_of(NULL, 0), &logged_in);
    assert_non_null(link);
    assert_false(logged_in);
    assert_int_equal(
        link_call(link, WIRE_LOGIN, &login, &reply, clock_us() + DEADLINE_US, &fate), ERR_OK);
    const struct span ticket = span_of(bytes, reply.ticket.len);
    memcpy(bytes, reply.ticket.ptr, reply.ticket.len);
    link_close(link);

    for (int life = 0; life < 2; life++) {
        assert_true(is_logged_in_with(ticket));
        assert_false(is_logged_in_with_in_a_child(ticket));
        bytes[0] ^= 1;
        assert_false(is_logged_in_with(ticket));
        bytes[0] ^= 1;
        assert_false(is_logged_in_with(span_of(bytes, ticket.len - 1)));
        kill_worker();
    }
}

int restart_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(sessions_login_and_the_handles_of_token_keys_go_on),
        WITH_STAND(a_signature_between_init_and_sign_goes_on_with_a_token_key),
        WITH_STAND(a_signature_of_many_parts_finishes),
        WITH_STAND(the_handles_of_session_objects_are_invalid_and_name_nothing_else),
        WITH_STAND(session_objects_are_gone_as_soon_as_the_new_worker_is_heard_of),
        WITH_STAND(a_session_key_is_not_found_again_as_a_token_key_of_the_same_name),
        WITH_STAND(a_session_certificate_is_not_found_again_as_its_copy_in_the_token),
        WITH_STAND(each_function_that_asks_the_daemon_rides_over_a_restart),
        WITH_STAND(two_objects_that_are_alike_keep_two_handles),
        WITH_STAND(a_key_renamed_by_another_process_goes_on_where_the_new_name_was_seen),
        WITH_STAND(a_key_renamed_by_another_process_is_gone_where_the_new_name_was_not_seen),
        WITH_STAND(a_handle_never_comes_to_mean_another_key),
        WITH_STAND(a_key_destroyed_by_another_process_is_gone),
        WITH_STAND(a_find_in_progress_keeps_what_it_found),
        WITH_STAND(a_secret_key_in_the_token_goes_on_and_one_in_the_session_is_gone),
        WITH_STAND(a_mac_of_few_bytes_finishes),
        WITH_STAND(what_was_begun_is_a_device_error_once_and_then_not_there),
        WITH_STAND(each_use_of_secret_keys_rides_over_a_restart),
        TEST(a_ticket_serves_its_process_over_a_restart_and_no_other),
    };
    return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
