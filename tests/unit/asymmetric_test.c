/* SPDX-License-Identifier: MIT
 *
 * Operations with keys of RSA and elliptic curves: which sizes are said, what is refused before a
 * worker is asked, and how often one is. The worker is wrapped (linker --wrap) and answers as many
 * bytes as the test says; signatures that are right are in the unit test verify.
 */
#include "test.h"

#include "pkcs11-module/cipher.h"
#include "pkcs11-module/cryptoki3.h"
#include "pkcs11-module/module.h"
#include "pkcs11-module/recover.h"
#include "pkcs11-module/session.h"
#include "pkcs11-module/sign.h"
#include "pkcs11-module/slot.h"

enum { MODULUS = 128, INSTANCE = 7 };

err_t __wrap_slot_call_object(struct slot *slot, CK_OBJECT_HANDLE handle,
    struct pool_request *request, uint64_t *number, void *ret_reply,
    struct pool_answer *ret_answer);
void __wrap_pool_release(struct pool *pool, struct pool_answer *answer);

static struct {
    unsigned asked;
    size_t gives;
    size_t got;
} worker;

err_t __wrap_slot_call_object(struct slot *slot, CK_OBJECT_HANDLE handle,
    struct pool_request *request, uint64_t *number, void *ret_reply, struct pool_answer *ret_answer)
{
    static uint8_t output[1024];
    (void)slot;
    (void)handle;
    *number = 1;
    *ret_answer = (struct pool_answer){{NULL, INSTANCE}, 1};
    worker.asked++;
    if (request->operation == WIRE_SIGN) {
        worker.got = ((const struct wire_sign_request *)request->body)->data.len;
        *(struct wire_sign_reply *)ret_reply =
            (struct wire_sign_reply){span_of(output, worker.gives)};
        return ERR_OK;
    }
    assert_true(request->operation == WIRE_ENCRYPT || request->operation == WIRE_DECRYPT);
    worker.got = ((const struct wire_crypt_request *)request->body)->data.len;
    *(struct wire_crypt_reply *)ret_reply =
        (struct wire_crypt_reply){span_of(output, worker.gives)};
    return ERR_OK;
}

void __wrap_pool_release(struct pool *pool, struct pool_answer *answer)
{
    (void)pool;
    (void)answer;
}

/* ---- the stand ---- */

static struct module module = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct slot slot;
static struct session session;
static CK_OBJECT_HANDLE rsa;
static CK_OBJECT_HANDLE rsa_public;
static CK_OBJECT_HANDLE rsa_bound; /* CKA_ALLOWED_MECHANISMS: CKM_SHA256_RSA_PKCS alone */
static CK_OBJECT_HANDLE ed;
static CK_OBJECT_HANDLE off_curve; /* a public key */
static CK_OBJECT_HANDLE mac;
static uint8_t data[WIRE_DATA_MAX + 1];
static uint8_t out[1024];
static CK_ULONG len;
static CK_MECHANISM pkcs = {CKM_RSA_PKCS, NULL, 0};

static void offer(CK_MECHANISM_TYPE type, CK_FLAGS flags)
{
    struct token *token = &slot.pool.token;
    token->mechanisms[token->mechanism_count] = type;
    token->mechanism_infos[token->mechanism_count++].flags = flags;
}

static CK_OBJECT_HANDLE add(uint64_t class, CK_KEY_TYPE type, struct span more)
{
    static const uint32_t permissions[] = {
        ATTR_ENCRYPT, ATTR_DECRYPT, ATTR_SIGN, ATTR_VERIFY, ATTR_SIGN_RECOVER, ATTR_VERIFY_RECOVER};
    static uint64_t number;
    uint8_t attributes[1024];
    uint8_t bytes[1100];
    CK_OBJECT_HANDLE handle = 0;
    struct writer list = writer_of(attributes, sizeof attributes);
    struct writer w = writer_of(bytes, sizeof bytes);
    attribute_put_ulong(&list, ATTR_CLASS, class);
    attribute_put_ulong(&list, ATTR_KEY_TYPE, type);
    for (size_t i = 0; i < COUNT(permissions); i++)
        attribute_put_bool(&list, permissions[i], true);
    write_span(&list, more);
    const struct wire_object object = {++number, 0, writer_bytes(&list)};
    schema_encode(&wire_object_schema, &object, &w);
    const struct snapshot_news news = {INSTANCE, 1, writer_bytes(&w)};
    assert_int_equal(snapshot_add(&slot.snapshot, &news, &handle, 1), ERR_OK);
    return handle;
}

static void add_keys(void)
{
    static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static const uint8_t ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
    static const uint8_t point[65] = {0x04, 1};
    static const uint8_t allowed[8] = {[7] = CKM_SHA256_RSA_PKCS};
    static const uint8_t exponent[] = {3};
    uint8_t modulus[MODULUS];
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof bytes);
    memset(modulus, 0xff, sizeof modulus);
    attribute_put(&w, ATTR_MODULUS, span_of(modulus, sizeof modulus));
    attribute_put(&w, ATTR_PUBLIC_EXPONENT, span_of(exponent, sizeof exponent));
    rsa = add(CLASS_PRIVATE_KEY, CKK_RSA, writer_bytes(&w));
    rsa_public = add(CLASS_PUBLIC_KEY, CKK_RSA, writer_bytes(&w));
    attribute_put(&w, ATTR_ALLOWED_MECHANISMS, span_of(allowed, sizeof allowed));
    rsa_bound = add(CLASS_PRIVATE_KEY, CKK_RSA, writer_bytes(&w));
    w.used = 0;
    attribute_put(&w, ATTR_EC_PARAMS, span_of(ed25519, sizeof ed25519));
    ed = add(CLASS_PRIVATE_KEY, CKK_EC_EDWARDS, writer_bytes(&w));
    w.used = 0;
    attribute_put(&w, ATTR_EC_PARAMS, span_of(p256, sizeof p256));
    attribute_put(&w, ATTR_EC_POINT, span_of(point, sizeof point));
    off_curve = add(CLASS_PUBLIC_KEY, CKK_EC, writer_bytes(&w));
    mac = add(CLASS_SECRET_KEY, CKK_GENERIC_SECRET, span_of(NULL, 0));
}

static int set_up(void **state)
{
    (void)state;
    memset(&worker, 0, sizeof worker);
    slot = (struct slot){.module = &module, .pool = {.lock = &module.lock, .instance = INSTANCE}};
    session = (struct session){.handle = 1, .module = &module, .slot = &slot};
    offer(CKM_RSA_PKCS, CKF_SIGN | CKF_VERIFY | CKF_ENCRYPT | CKF_DECRYPT | CKF_VERIFY_RECOVER);
    offer(CKM_SHA256_RSA_PKCS, CKF_SIGN | CKF_VERIFY);
    offer(CKM_RSA_PKCS_PSS, CKF_SIGN | CKF_VERIFY);
    offer(CKM_RSA_PKCS_OAEP, CKF_ENCRYPT | CKF_DECRYPT);
    offer(CKM_ECDSA, CKF_SIGN | CKF_VERIFY);
    offer(CKM_EDDSA, CKF_SIGN | CKF_VERIFY);
    offer(CKM_SHA256_HMAC_GENERAL, CKF_SIGN | CKF_VERIFY);
    add_keys();
    len = sizeof out;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int kind = 0; kind < OPERATION_KINDS; kind++)
        operation_end(&session, (enum operation_kind)kind);
    snapshot_clear(&slot.snapshot);
    return 0;
}
#define WITH_KEYS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void begin(enum operation_kind kind, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    assert_int_equal(operation_begin(&session, kind, mechanism, key), CKR_OK);
}

/* ---- signatures ---- */

static void an_rsa_signature_is_as_long_as_the_modulus_and_one_message(void **state)
{
    (void)state;
    worker.gives = MODULUS;
    begin(OPERATION_SIGN, &pkcs, rsa);
    assert_int_equal(sign_whole(&session, data, MODULUS - 11, NULL, &len), CKR_OK);
    assert_int_equal(len, MODULUS);
    len = MODULUS - 1;
    assert_int_equal(sign_whole(&session, data, MODULUS - 11, out, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(worker.asked, 0);
    assert_int_equal(sign_whole(&session, data, MODULUS - 11, out, &len), CKR_OK);
    assert_int_equal(worker.asked, 1);
    begin(OPERATION_SIGN, &pkcs, rsa);
    assert_int_equal(sign_whole(&session, data, MODULUS - 10, out, &len), CKR_DATA_LEN_RANGE);
    begin(OPERATION_SIGN, &pkcs, rsa);
    assert_int_equal(sign_update(&session, OPERATION_SIGN, data, 50), CKR_OK);
    assert_int_equal(sign_update(&session, OPERATION_SIGN, data, 30), CKR_OK);
    assert_int_equal(worker.asked, 1);
    assert_int_equal(sign_finish(&session, out, &len), CKR_OK);
    assert_int_equal(worker.got, 80);
}

static void a_hash_goes_to_the_device_in_a_digestinfo(void **state)
{
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
    (void)state;
    worker.gives = MODULUS;
    begin(OPERATION_SIGN, &mechanism, rsa);
    assert_int_equal(sign_whole(&session, data, sizeof data, out, &len), CKR_OK);
    assert_int_equal(worker.got, 19 + 32);
    assert_int_equal(worker.asked, 1);
}

static void pss_takes_a_digest_of_its_hash_and_a_salt_that_fits(void **state)
{
    CK_RSA_PKCS_PSS_PARAMS params = {CKM_SHA256, CKG_MGF1_SHA256, MODULUS - 32 - 2};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_PSS, &params, sizeof params};
    (void)state;
    worker.gives = MODULUS;
    begin(OPERATION_SIGN, &mechanism, rsa);
    assert_int_equal(sign_whole(&session, data, 31, out, &len), CKR_DATA_LEN_RANGE);
    begin(OPERATION_SIGN, &mechanism, rsa);
    assert_int_equal(sign_whole(&session, data, 32, out, &len), CKR_OK);
    params.sLen++;
    assert_int_equal(
        operation_begin(&session, OPERATION_SIGN, &mechanism, rsa), CKR_KEY_SIZE_RANGE);
}

static void ed25519_gathers_up_to_one_message(void **state)
{
    CK_MECHANISM mechanism = {CKM_EDDSA, NULL, 0};
    (void)state;
    worker.gives = 64;
    begin(OPERATION_SIGN, &mechanism, ed);
    assert_int_equal(sign_update(&session, OPERATION_SIGN, data, WIRE_DATA_MAX - 1), CKR_OK);
    assert_int_equal(sign_update(&session, OPERATION_SIGN, data, 1), CKR_OK);
    assert_int_equal(sign_finish(&session, out, &len), CKR_OK);
    assert_int_equal(len, 64);
    assert_int_equal(worker.asked, 1);
    begin(OPERATION_SIGN, &mechanism, ed);
    assert_int_equal(sign_update(&session, OPERATION_SIGN, data, WIRE_DATA_MAX), CKR_OK);
    assert_int_equal(sign_update(&session, OPERATION_SIGN, data, 1), CKR_DATA_LEN_RANGE);
    begin(OPERATION_SIGN, &mechanism, ed);
    assert_int_equal(sign_whole(&session, data, sizeof data, out, &len), CKR_DATA_LEN_RANGE);
    assert_int_equal(worker.asked, 1);
}

static void a_mac_is_cut_to_what_the_parameter_says(void **state)
{
    CK_ULONG cut = 20;
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC_GENERAL, &cut, sizeof cut};
    (void)state;
    worker.gives = 20;
    begin(OPERATION_SIGN, &mechanism, mac);
    assert_int_equal(sign_whole(&session, data, 10, out, &len), CKR_OK);
    assert_int_equal(len, 20);
    cut = 33;
    assert_int_equal(
        operation_begin(&session, OPERATION_SIGN, &mechanism, mac), CKR_MECHANISM_PARAM_INVALID);
}

/* ---- keys ---- */

static void a_key_that_is_bound_to_a_mechanism_takes_no_other(void **state)
{
    CK_MECHANISM hashed = {CKM_SHA256_RSA_PKCS, NULL, 0};
    (void)state;
    assert_int_equal(
        operation_begin(&session, OPERATION_SIGN, &pkcs, rsa_bound), CKR_MECHANISM_INVALID);
    assert_int_equal(
        operation_begin(&session, OPERATION_DECRYPT, &pkcs, rsa_bound), CKR_MECHANISM_INVALID);
    begin(OPERATION_SIGN, &hashed, rsa_bound);
}

static void verification_asks_no_worker_and_wants_a_sound_key(void **state)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    (void)state;
    assert_int_equal(
        operation_begin(&session, OPERATION_VERIFY, &ecdsa, off_curve), CKR_PUBLIC_KEY_INVALID);
    begin(OPERATION_VERIFY, &pkcs, rsa_public);
    snapshot_clear(&slot.snapshot); /* the key is gone; what was begun goes on */
    assert_int_equal(sign_verify_whole(&session, data, 20, out, MODULUS), CKR_SIGNATURE_INVALID);
    assert_int_equal(worker.asked, 0);
}

static void a_signature_of_another_length_is_said_so(void **state)
{
    (void)state;
    begin(OPERATION_VERIFY, &pkcs, rsa_public);
    assert_int_equal(
        sign_verify_whole(&session, data, 20, out, MODULUS - 1), CKR_SIGNATURE_LEN_RANGE);
    begin(OPERATION_VERIFY_RECOVER, &pkcs, rsa_public);
    assert_int_equal(
        recover_verify(&session, out, MODULUS + 1, data, &len), CKR_SIGNATURE_LEN_RANGE);
}

/* ---- recovery ---- */

/* 3 as exponent: the cube of 1 is 1, which is no block; a right one is in the unit test verify. */
static void recovery_without_init_and_of_what_is_no_signature_is_said(void **state)
{
    (void)state;
    assert_int_equal(
        recover_verify(&session, out, MODULUS, data, &len), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(recover_sign(&session, data, 10, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    memset(out, 0, sizeof out);
    out[MODULUS - 1] = 1;
    assert_int_equal(recover_verify_begin(&session, &pkcs, rsa_public), CKR_OK);
    assert_int_equal(recover_verify_begin(&session, &pkcs, rsa_public), CKR_OPERATION_ACTIVE);
    assert_int_equal(recover_verify(&session, out, MODULUS, data, &len), CKR_SIGNATURE_INVALID);
    assert_int_equal(
        recover_verify(&session, out, MODULUS, data, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void signing_for_recovery_is_the_devices_to_offer(void **state)
{
    (void)state;
    assert_int_equal(recover_sign_begin(&session, &pkcs, rsa), CKR_MECHANISM_INVALID);
    slot.pool.token.mechanism_infos[0].flags |= CKF_SIGN_RECOVER;
    worker.gives = MODULUS;
    assert_int_equal(recover_sign_begin(&session, &pkcs, rsa), CKR_OK);
    assert_int_equal(recover_sign(&session, data, 10, NULL, &len), CKR_OK);
    assert_int_equal(len, MODULUS);
    assert_int_equal(recover_sign(&session, data, 10, out, &len), CKR_OK);
    assert_int_equal(worker.asked, 1);
}

/* ---- encryption ---- */

static void rsa_encrypts_to_the_modulus_and_decrypts_nothing_shorter(void **state)
{
    CK_RSA_PKCS_OAEP_PARAMS params = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &params, sizeof params};
    (void)state;
    worker.gives = MODULUS;
    begin(OPERATION_ENCRYPT, &oaep, rsa_public);
    assert_int_equal(
        cipher_whole(&session, OPERATION_ENCRYPT, data, MODULUS - 42, NULL, &len), CKR_OK);
    assert_int_equal(len, MODULUS);
    assert_int_equal(cipher_whole(&session, OPERATION_ENCRYPT, data, MODULUS - 41, out, &len),
        CKR_DATA_LEN_RANGE);
    begin(OPERATION_ENCRYPT, &oaep, rsa_public);
    assert_int_equal(
        cipher_whole(&session, OPERATION_ENCRYPT, data, MODULUS - 42, out, &len), CKR_OK);
    for (size_t i = 0; i < 2; i++) {
        begin(OPERATION_DECRYPT, &oaep, rsa);
        assert_int_equal(
            cipher_whole(&session, OPERATION_DECRYPT, data, MODULUS - 1 + 2 * i, out, &len),
            CKR_ENCRYPTED_DATA_LEN_RANGE);
    }
    assert_int_equal(worker.asked, 1);
}

/* The device is asked once: what there was no room for is kept. */
static void rsa_decrypts_in_parts_and_a_small_buffer_loses_nothing(void **state)
{
    (void)state;
    worker.gives = 20;
    begin(OPERATION_DECRYPT, &pkcs, rsa);
    assert_int_equal(
        cipher_update(&session, OPERATION_DECRYPT, data, MODULUS - 8, out, &len), CKR_OK);
    assert_int_equal(len, 0);
    assert_int_equal(cipher_update(&session, OPERATION_DECRYPT, data, 8, out, &len), CKR_OK);
    assert_int_equal(cipher_finish(&session, OPERATION_DECRYPT, NULL, &len), CKR_OK);
    assert_int_equal(len, MODULUS - 11);
    assert_int_equal(worker.asked, 0);
    len = 19;
    assert_int_equal(cipher_finish(&session, OPERATION_DECRYPT, out, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(len, 20);
    assert_int_equal(cipher_finish(&session, OPERATION_DECRYPT, out, &len), CKR_OK);
    assert_int_equal(worker.asked, 1);
    assert_int_equal(worker.got, MODULUS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KEYS(an_rsa_signature_is_as_long_as_the_modulus_and_one_message),
        WITH_KEYS(a_hash_goes_to_the_device_in_a_digestinfo),
        WITH_KEYS(pss_takes_a_digest_of_its_hash_and_a_salt_that_fits),
        WITH_KEYS(ed25519_gathers_up_to_one_message),
        WITH_KEYS(a_mac_is_cut_to_what_the_parameter_says),
        WITH_KEYS(a_key_that_is_bound_to_a_mechanism_takes_no_other),
        WITH_KEYS(verification_asks_no_worker_and_wants_a_sound_key),
        WITH_KEYS(a_signature_of_another_length_is_said_so),
        WITH_KEYS(recovery_without_init_and_of_what_is_no_signature_is_said),
        WITH_KEYS(signing_for_recovery_is_the_devices_to_offer),
        WITH_KEYS(rsa_encrypts_to_the_modulus_and_decrypts_nothing_shorter),
        WITH_KEYS(rsa_decrypts_in_parts_and_a_small_buffer_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
