/* SPDX-License-Identifier: MIT
 *
 * Secret keys: generated, imported, their attributes; and that nothing of an imported key stays in
 * the memory of the process.
 */
#include "stand.h"

#include "reference.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- making ---- */

static void generated_keys_have_the_length_asked_for(void **state)
{
    static const struct {
        CK_MECHANISM_TYPE mechanism;
        CK_KEY_TYPE type;
        CK_ULONG len;
    } rows[] = {{CKM_AES_KEY_GEN, CKK_AES, 16}, {CKM_AES_KEY_GEN, CKK_AES, 24},
        {CKM_AES_KEY_GEN, CKK_AES, 32}, {CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET, 32},
        {CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET, 64}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CK_OBJECT_HANDLE key;
        CK_OBJECT_CLASS class = 99;
        CK_KEY_TYPE type = 99;
        CK_ULONG len = 0;
        CK_BBOOL local = 9;
        CK_ATTRIBUTE list[] = {{CKA_CLASS, &class, sizeof class},
            {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE_LEN, &len, sizeof len},
            {CKA_LOCAL, &local, sizeof local}};
        assert_rv(CKR_OK, generate_secret(stand.session, i % 2 == 0, "made", rows[i].mechanism,
                              rows[i].len, &key));
        assert_rv(CKR_OK, p11->C_GetAttributeValue(stand.session, key, list, COUNT(list)));
        assert_int_equal(class, CKO_SECRET_KEY);
        assert_int_equal(type, rows[i].type);
        assert_int_equal(len, rows[i].len);
        assert_int_equal(local, CK_TRUE);
    }
}

static void a_length_that_no_key_has_is_refused(void **state)
{
    static const CK_ULONG lengths[] = {0, 15, 17, 33, 1024};
    CK_OBJECT_HANDLE key;
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++)
        assert_int_not_equal(
            generate_secret(stand.session, false, "made", CKM_AES_KEY_GEN, lengths[i], &key),
            CKR_OK);
    assert_rv(
        CKR_TEMPLATE_INCOMPLETE, p11->C_GenerateKey(stand.session, &mechanism, NULL, 0, &key));
}

static void generation_checks_mechanism_arguments_and_session(void **state)
{
    CK_OBJECT_HANDLE key;
    CK_ULONG len = 32;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {{CKA_VALUE_LEN, &len, sizeof len}, {CKA_TOKEN, &yes, sizeof yes}};
    CK_MECHANISM aes = {CKM_AES_KEY_GEN, NULL, 0};
    CK_MECHANISM with_parameter = {CKM_AES_KEY_GEN, &len, sizeof len};
    CK_MECHANISM unknown = {CKM_DES3_KEY_GEN, NULL, 0};
    (void)state;
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GenerateKey(stand.session, NULL, template, 1, &key));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GenerateKey(stand.session, &aes, template, 1, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GenerateKey(stand.session, &aes, NULL, 1, &key));
    assert_rv(CKR_MECHANISM_PARAM_INVALID,
        p11->C_GenerateKey(stand.session, &with_parameter, template, 1, &key));
    assert_rv(
        CKR_MECHANISM_INVALID, p11->C_GenerateKey(stand.session, &unknown, template, 1, &key));
    assert_rv(
        CKR_MECHANISM_INVALID, p11->C_GenerateKey(stand.session, &generation, template, 1, &key));
    assert_rv(CKR_SESSION_READ_ONLY, p11->C_GenerateKey(stand.read_only, &aes, template, 2, &key));
    assert_rv(CKR_OK, p11->C_GenerateKey(stand.read_only, &aes, template, 1, &key));
}

static void an_imported_key_without_value_or_of_another_class_is_refused(void **state)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BYTE value[16] = {0};
    CK_OBJECT_HANDLE key;
    CK_ATTRIBUTE without_value[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_ATTRIBUTE private_key[] = {{CKA_CLASS, &private_class, sizeof private_class},
        {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, sizeof value}};
    (void)state;
    assert_rv(CKR_TEMPLATE_INCOMPLETE,
        p11->C_CreateObject(stand.session, without_value, COUNT(without_value), &key));
    assert_int_not_equal(
        p11->C_CreateObject(stand.session, private_key, COUNT(private_key), &key), CKR_OK);
    assert_int_not_equal(
        import_secret(stand.session, false, "short", CKK_AES, value, 15, &key), CKR_OK);
    assert_rv(CKR_SESSION_READ_ONLY,
        import_secret(stand.read_only, true, "read-only", CKK_AES, value, 16, &key));
}

/* ---- attributes ---- */

static void the_value_is_refused_and_the_other_attributes_are_answered(void **state)
{
    CK_BYTE value[64];
    CK_OBJECT_HANDLE keys[2];
    CK_BYTE bytes[32] = {7};
    (void)state;
    assert_rv(CKR_OK,
        import_secret(stand.session, true, "imported", CKK_AES, bytes, sizeof bytes, &keys[0]));
    assert_rv(
        CKR_OK, generate_secret(stand.session, true, "generated", CKM_AES_KEY_GEN, 32, &keys[1]));
    for (size_t i = 0; i < COUNT(keys); i++) {
        CK_BBOOL sensitive = 9;
        CK_BBOOL extractable = 9;
        CK_BBOOL encrypt = 9;
        CK_BBOOL local = 9;
        CK_ULONG len = 0;
        CK_ATTRIBUTE list[] = {{CKA_VALUE, value, sizeof value},
            {CKA_SENSITIVE, &sensitive, sizeof sensitive},
            {CKA_EXTRACTABLE, &extractable, sizeof extractable},
            {CKA_ENCRYPT, &encrypt, sizeof encrypt}, {CKA_LOCAL, &local, sizeof local},
            {CKA_VALUE_LEN, &len, sizeof len}};
        CK_ATTRIBUTE size_query = {CKA_VALUE, NULL, 0};
        memset(value, 0xa5, sizeof value);
        assert_rv(CKR_ATTRIBUTE_SENSITIVE,
            p11->C_GetAttributeValue(stand.session, keys[i], list, COUNT(list)));
        assert_int_equal(list[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
        for (size_t j = 0; j < sizeof value; j++)
            assert_int_equal(value[j], 0xa5);
        assert_int_equal(sensitive, CK_TRUE);
        assert_int_equal(extractable, CK_TRUE);
        assert_int_equal(encrypt, CK_TRUE);
        assert_int_equal(local, i == 0 ? CK_FALSE : CK_TRUE);
        assert_int_equal(len, 32);
        assert_rv(CKR_ATTRIBUTE_SENSITIVE,
            p11->C_GetAttributeValue(stand.session, keys[i], &size_query, 1));
    }
}

static void a_key_in_the_token_is_found_by_another_process_and_one_in_the_session_is_not(
    void **state)
{
    CK_OBJECT_HANDLE key;
    (void)state;
    assert_rv(
        CKR_OK, generate_secret(stand.session, true, "shared-key", CKM_AES_KEY_GEN, 32, &key));
    assert_rv(CKR_OK, generate_secret(stand.session, false, "own-key", CKM_AES_KEY_GEN, 32, &key));
    assert_int_equal(other_process("count", "shared-key", NULL), 1);
    assert_int_equal(other_process("count", "own-key", NULL), 0);
    assert_int_equal(other_process("destroy", "shared-key", NULL), 1);
}

/* ---- memory ---- */

/* What sanitizers reserve is more than anybody can read. */
static const uint64_t region_max = UINT64_C(1) << 28;

static unsigned count_in(const uint8_t *bytes, size_t len, const uint8_t inverted[16])
{
    unsigned found = 0;
    const uint8_t *at = bytes;
    while ((at = memchr(at, inverted[0] ^ 0xff, len - (size_t)(at - bytes))) != NULL) {
        size_t same = 0;
        while (same < 16 && at + same < bytes + len && (at[same] ^ inverted[same]) == 0xff)
            same++;
        found += same == 16;
        at++;
    }
    return found;
}

/* Occurrences of 16 bytes in what this process can write to: stack, heap, data. They are given
 * inverted, so that the search does not find its own copy. */
static unsigned count_in_memory(const uint8_t inverted[16])
{
    unsigned found = 0;
    char line[512];
    uint64_t from;
    uint64_t to;
    char mode[8];
    FILE *maps = fopen("/proc/self/maps", "re");
    const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_non_null(maps);
    assert_true(memory >= 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        static uint8_t chunk[1 << 16];
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, mode) != 3 || mode[1] != 'w' ||
            to - from > region_max)
            continue;
        for (uint64_t at = from; at < to; at += sizeof chunk - 15) {
            const size_t wanted = to - at < sizeof chunk ? (size_t)(to - at) : sizeof chunk;
            const ssize_t n = pread(memory, chunk, wanted, (off_t)at);
            if (n > 0)
                found += count_in(chunk, (size_t)n, inverted);
            memset(chunk, 0, sizeof chunk); /* or a later read would find it here */
        }
    }
    (void)fclose(maps);
    (void)close(memory);
    return found;
}

static void invert(uint8_t *bytes, size_t len)
{
    for (volatile uint8_t *at = bytes; at < bytes + len; at++)
        *at ^= 0xff;
}

static uint8_t secret[32];

/* After each call that was given the value: a later one would write over what the first left. */
static void assert_forgotten(void)
{
    invert(secret, sizeof secret);
    assert_int_equal(count_in_memory(secret), 0);
    assert_int_equal(count_in_memory(secret + 16), 0);
    invert(secret, sizeof secret);
}

/* Also where it is refused, or given where no value belongs. */
static void nothing_of_an_imported_key_stays_in_memory(void **state)
{
    CK_OBJECT_HANDLE key;
    CK_MECHANISM aes = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE template[] = {{CKA_VALUE, secret, sizeof secret}};
    (void)state;
    fill_bytes(secret, sizeof secret, (uint32_t)getpid());
    assert_rv(CKR_OK,
        import_secret(stand.session, true, "in-token", CKK_AES, secret, sizeof secret, &key));
    assert_forgotten();
    assert_rv(CKR_OK, import_secret(stand.session, false, "in-session", CKK_GENERIC_SECRET, secret,
                          sizeof secret, &key));
    assert_forgotten();
    assert_rv(CKR_SESSION_READ_ONLY,
        import_secret(stand.read_only, true, "refused", CKK_AES, secret, sizeof secret, &key));
    assert_forgotten();
    assert_int_not_equal(
        p11->C_GenerateKey(stand.session, &aes, template, COUNT(template), &key), CKR_OK);
    assert_forgotten();
    assert_rv(CKR_OK, p11->C_FindObjectsInit(stand.session, template, COUNT(template)));
    assert_forgotten();

    /* The search finds what is there. */
    uint8_t *copy = malloc(sizeof secret);
    assert_non_null(copy);
    memcpy(copy, secret, sizeof secret);
    invert(secret, sizeof secret);
    assert_int_equal(count_in_memory(secret), 1);
    invert(copy, sizeof secret);
    assert_int_equal(count_in_memory(secret), 0);
    free(copy);
}

int secret_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAND(generated_keys_have_the_length_asked_for),
        WITH_STAND(a_length_that_no_key_has_is_refused),
        WITH_STAND(generation_checks_mechanism_arguments_and_session),
        WITH_STAND(an_imported_key_without_value_or_of_another_class_is_refused),
        WITH_STAND(the_value_is_refused_and_the_other_attributes_are_answered),
        WITH_STAND(a_key_in_the_token_is_found_by_another_process_and_one_in_the_session_is_not),
        WITH_STAND(nothing_of_an_imported_key_stays_in_memory),
    };
    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
