/* SPDX-License-Identifier: MIT
 *
 * C_EncryptUpdate, C_EncryptFinal, C_DecryptUpdate and C_DecryptFinal: whatever the parts, the
 * whole is the same; each gives output as it comes, in the room that a program has for it.
 */
#include "cipher_stand.h"

typedef CK_RV (*update_function)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
typedef CK_RV (*final_function)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *);

static const size_t lengths[] = {0, 1, 16, 1000, 61440, 61441, 200000};

/* All of in, part by part, each in room for what went in and no more than what was held back
 * before. Gives how much came out. */
static size_t update_all(update_function update, uint8_t *in, size_t len, size_t part)
{
    size_t used = 0;
    for (size_t at = 0; at < len; at += part) {
        const size_t now = len - at < part ? len - at : part;
        CK_ULONG room = now + BLOCK - 1;
        assert_rv(CKR_OK, update(stand.session, in + at, now, cipher_out + used, &room));
        used += room;
        assert_true(used <= at + now);
    }
    return used;
}

static size_t finish_all(final_function finish, size_t used)
{
    CK_ULONG room = CIPHER_ROOM - used;
    assert_rv(CKR_OK, finish(stand.session, cipher_out + used, &room));
    return used + room;
}

static void whatever_the_parts_the_whole_is_the_same(void **state)
{
    static const size_t parts[] = {1, 15, 16, 17, 4096, 61440, 100000};
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        for (size_t i = 0; i < COUNT(lengths); i++) {
            const size_t wanted = cipher_expect(cipher, lengths[i]);
            for (size_t j = lengths[i] > 1000 ? 4 : 0; j < COUNT(parts); j++) {
                assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, cipher->mechanism, cipher_key));
                size_t len = update_all(p11->C_EncryptUpdate, cipher_data, lengths[i], parts[j]);
                len = finish_all(p11->C_EncryptFinal, len);
                assert_int_equal(len, wanted);
                assert_memory_equal(cipher_out, cipher_wanted, wanted);
                assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, cipher->mechanism, cipher_key));
                len = update_all(p11->C_DecryptUpdate, cipher_wanted, wanted, parts[j]);
                len = finish_all(p11->C_DecryptFinal, len);
                assert_int_equal(len, lengths[i]);
                if (len > 0)
                    assert_memory_equal(cipher_out, cipher_data, len);
            }
        }
    }
    assert_cipher_ended();
}

static void a_size_query_and_a_small_buffer_do_not_end_it(void **state)
{
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        const size_t wanted = cipher_expect(cipher, 1000);
        CK_ULONG len = 0;
        CK_ULONG rest;
        assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, cipher->mechanism, cipher_key));
        assert_rv(CKR_OK, p11->C_EncryptUpdate(stand.session, cipher_data, 1000, NULL, &len));
        assert_int_equal(len, cipher == &cipher_gcm ? 1000 : 992);
        rest = len - 1;
        assert_rv(CKR_BUFFER_TOO_SMALL,
            p11->C_EncryptUpdate(stand.session, cipher_data, 1000, cipher_out, &rest));
        assert_int_equal(rest, len);
        assert_rv(
            CKR_OK, p11->C_EncryptUpdate(stand.session, cipher_data, 1000, cipher_out, &rest));
        assert_int_equal(rest, len);
        assert_rv(CKR_OK, p11->C_EncryptFinal(stand.session, NULL, &rest));
        assert_int_equal(len + rest, wanted);
        rest--;
        assert_rv(
            CKR_BUFFER_TOO_SMALL, p11->C_EncryptFinal(stand.session, cipher_out + len, &rest));
        assert_int_equal(len + rest, wanted);
        assert_rv(CKR_OK, p11->C_EncryptFinal(stand.session, cipher_out + len, &rest));
        assert_memory_equal(cipher_out, cipher_wanted, wanted);
    }
    assert_cipher_ended();
}

/* What a program has no room for at the end is kept, since the end comes once only. */
static void the_end_of_a_decryption_waits_for_room(void **state)
{
    static const size_t sizes[] = {1, 15, 16, 1000, 200000};
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            const size_t wanted = cipher_expect(cipher, sizes[i]);
            assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, cipher->mechanism, cipher_key));
            const size_t used = update_all(p11->C_DecryptUpdate, cipher_wanted, wanted, 5000);
            const size_t left = sizes[i] - used;
            CK_ULONG len = 0;
            assert_rv(CKR_OK, p11->C_DecryptFinal(stand.session, NULL, &len));
            assert_true(len >= left && len < left + BLOCK);
            for (size_t less = 1; less <= left && less < 4; less++) {
                len = left - less;
                assert_rv(CKR_BUFFER_TOO_SMALL,
                    p11->C_DecryptFinal(stand.session, cipher_out + used, &len));
                assert_true(len >= left);
            }
            len = left;
            assert_rv(CKR_OK, p11->C_DecryptFinal(stand.session, cipher_out + used, &len));
            assert_int_equal(len, left);
            assert_memory_equal(cipher_out, cipher_data, sizes[i]);
        }
    }
    assert_cipher_ended();
}

/* Programs give room for as much as they put in, and a block for what was held back. */
static void a_decryption_by_blocks_needs_one_block_of_room_each_time(void **state)
{
    (void)state;
    const size_t wanted = cipher_expect(&cipher_cbc, 160);
    size_t used = 0;
    assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, cipher_cbc.mechanism, cipher_key));
    for (size_t at = 0; at < wanted; at += BLOCK) {
        CK_ULONG room = BLOCK;
        assert_rv(CKR_OK, p11->C_DecryptUpdate(
                              stand.session, cipher_wanted + at, BLOCK, cipher_out + used, &room));
        used += room;
    }
    assert_int_equal(finish_all(p11->C_DecryptFinal, used), 160);
    assert_memory_equal(cipher_out, cipher_data, 160);
}

static void parts_may_be_worked_on_in_place(void **state)
{
    static const size_t parts[] = {16, 4096, 100000};
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        for (size_t i = 0; i < COUNT(parts); i++) {
            const size_t all = parts[i] == 16 ? 1600 : 200000;
            const size_t wanted = cipher_expect(cipher, all);
            size_t used = 0;
            memcpy(cipher_out, cipher_data, all);
            assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, cipher->mechanism, cipher_key));
            for (size_t at = 0; at < all; at += parts[i]) {
                const size_t now = all - at < parts[i] ? all - at : parts[i];
                CK_ULONG room = now;
                assert_rv(CKR_OK, p11->C_EncryptUpdate(
                                      stand.session, cipher_out + at, now, cipher_out + at, &room));
                memmove(cipher_out + used, cipher_out + at, room);
                used += room;
            }
            assert_int_equal(finish_all(p11->C_EncryptFinal, used), wanted);
            assert_memory_equal(cipher_out, cipher_wanted, wanted);
        }
    }
}

static void wrong_order_and_bad_arguments_are_said(void **state)
{
    CK_ULONG len = CIPHER_ROOM;
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        CK_MECHANISM *mechanism = cipher->mechanism;
        assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, mechanism, cipher_key));
        len = CIPHER_ROOM;
        assert_rv(CKR_OK, p11->C_EncryptUpdate(stand.session, cipher_data, 5, cipher_out, &len));
        len = CIPHER_ROOM;
        assert_rv(
            CKR_OPERATION_ACTIVE, p11->C_Encrypt(stand.session, cipher_data, 5, cipher_out, &len));
        assert_cipher_ended();
        assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, mechanism, cipher_key));
        assert_rv(CKR_ARGUMENTS_BAD,
            p11->C_EncryptUpdate(stand.session, cipher_data, 5, cipher_out, NULL));
        assert_cipher_ended();
        assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, mechanism, cipher_key));
        assert_rv(
            CKR_ARGUMENTS_BAD, p11->C_DecryptUpdate(stand.session, NULL, 5, cipher_out, &len));
        assert_cipher_ended();
        assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, mechanism, cipher_key));
        assert_rv(CKR_ARGUMENTS_BAD, p11->C_DecryptFinal(stand.session, cipher_out, NULL));
        assert_cipher_ended();
        assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, mechanism, cipher_key));
        assert_rv(
            CKR_ENCRYPTED_DATA_LEN_RANGE, p11->C_DecryptFinal(stand.session, cipher_out, &len));
        assert_cipher_ended();
    }
}

/* Whether there is more of it than a message or not. */
static void gcm_gives_nothing_before_the_tag_was_checked(void **state)
{
    static const size_t sizes[] = {1000, 200000};
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        const size_t wanted = cipher_expect(&cipher_gcm, sizes[i]);
        CK_ULONG len = CIPHER_ROOM;
        cipher_wanted[10] ^= 1;
        memset(cipher_out, 0xa5, CIPHER_ROOM);
        assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, cipher_gcm.mechanism, cipher_key));
        assert_int_equal(update_all(p11->C_DecryptUpdate, cipher_wanted, wanted, 10000), 0);
        assert_rv(CKR_ENCRYPTED_DATA_INVALID, p11->C_DecryptFinal(stand.session, cipher_out, &len));
        for (size_t at = 0; at < sizes[i]; at += 97)
            assert_int_equal(cipher_out[at], 0xa5);
        assert_cipher_ended();
    }
}

static void encryption_and_decryption_go_on_beside_each_other_in_one_session(void **state)
{
    static uint8_t decrypted[CIPHER_ROOM];
    (void)state;
    FOR_EACH_CIPHER(cipher)
    {
        const size_t wanted = cipher_expect(cipher, 100000);
        size_t in = 0;
        size_t out = 0;
        assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, cipher->mechanism, cipher_key));
        assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, cipher->mechanism, cipher_key));
        for (size_t at = 0; at < 100000; at += 20000) {
            CK_ULONG len = CIPHER_ROOM - in;
            assert_rv(CKR_OK, p11->C_EncryptUpdate(
                                  stand.session, cipher_data + at, 20000, cipher_out + in, &len));
            const size_t came = len;
            len = CIPHER_ROOM - out;
            assert_rv(CKR_OK,
                p11->C_DecryptUpdate(stand.session, cipher_out + in, came, decrypted + out, &len));
            in += came;
            out += len;
        }
        CK_ULONG len = CIPHER_ROOM - in;
        assert_rv(CKR_OK, p11->C_EncryptFinal(stand.session, cipher_out + in, &len));
        assert_int_equal(in + len, wanted);
        CK_ULONG rest = CIPHER_ROOM - out;
        assert_rv(CKR_OK,
            p11->C_DecryptUpdate(stand.session, cipher_out + in, len, decrypted + out, &rest));
        out += rest;
        rest = CIPHER_ROOM - out;
        assert_rv(CKR_OK, p11->C_DecryptFinal(stand.session, decrypted + out, &rest));
        assert_int_equal(out + rest, 100000);
        assert_memory_equal(decrypted, cipher_data, 100000);
    }
}

/* More often than anybody may have something open at a time. */
static void what_is_abandoned_is_dropped(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        const struct cipher *cipher = i % 2 == 0 ? &cipher_gcm : &cipher_cbc;
        CK_SESSION_HANDLE session;
        CK_ULONG len = CIPHER_ROOM;
        assert_rv(CKR_OK, open_session(0, &session));
        assert_rv(CKR_OK, p11->C_EncryptInit(session, cipher->mechanism, cipher_key));
        assert_rv(CKR_OK, p11->C_EncryptUpdate(session, cipher_data, 100, cipher_out, &len));
        if (i % 3 == 0)
            assert_rv(CKR_ARGUMENTS_BAD, p11->C_EncryptFinal(session, cipher_out, NULL));
        assert_rv(CKR_OK, p11->C_CloseSession(session));
        len = CIPHER_ROOM;
        assert_rv(CKR_OK, p11->C_DecryptInit(stand.session, cipher->mechanism, cipher_key));
        assert_rv(
            CKR_OK, p11->C_DecryptUpdate(stand.session, cipher_data, 64000, cipher_out, &len));
        assert_rv(CKR_ARGUMENTS_BAD, p11->C_DecryptFinal(stand.session, cipher_out, NULL));
    }
    assert_cipher_ended();
}

/* A program that ends in the middle leaves nothing that counts against its user. */
static void finalize_drops_what_was_begun(void **state)
{
    (void)state;
    for (int i = 0; i < 80; i++) {
        CK_ULONG len = CIPHER_ROOM;
        assert_rv(CKR_OK, p11->C_EncryptInit(stand.session, cipher_cbc.mechanism, cipher_key));
        assert_rv(CKR_OK, p11->C_EncryptUpdate(stand.session, cipher_data, 100, cipher_out, &len));
        assert_int_equal(stand_down(state), 0);
        assert_int_equal(cipher_up(state), 0);
    }
}

int parts_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CIPHERS(whatever_the_parts_the_whole_is_the_same),
        WITH_CIPHERS(a_size_query_and_a_small_buffer_do_not_end_it),
        WITH_CIPHERS(the_end_of_a_decryption_waits_for_room),
        WITH_CIPHERS(a_decryption_by_blocks_needs_one_block_of_room_each_time),
        WITH_CIPHERS(parts_may_be_worked_on_in_place),
        WITH_CIPHERS(wrong_order_and_bad_arguments_are_said),
        WITH_CIPHERS(gcm_gives_nothing_before_the_tag_was_checked),
        WITH_CIPHERS(encryption_and_decryption_go_on_beside_each_other_in_one_session),
        WITH_CIPHERS(what_is_abandoned_is_dropped),
        WITH_CIPHERS(finalize_drops_what_was_begun),
    };
    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
