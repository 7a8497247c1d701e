/* SPDX-License-Identifier: MIT
 *
 * Compact bytes, there and back, and what is no such bytes.
 */
#include "test.h"

#include "wire/compact.h"
#include "wire/list_parts.h"
#include "wire/messages.h"

#include <stdlib.h>

static struct compact compact;
static uint8_t room[WIRE_LIST_MAX];
static uint8_t message[4 * WIRE_DATA_MAX]; /* a byte alone makes four */
static uint8_t back[WIRE_LIST_MAX];

/* Packs the bytes in pieces; the size of the message that gives them back. */
static size_t size_of(struct span bytes, size_t piece)
{
    struct reader r = reader_of(bytes);
    struct writer out = writer_of(message, sizeof message);
    struct writer plain = writer_of(back, sizeof back);
    compact_begin(&compact, room, sizeof room);
    while (reader_more(&r))
        assert_true(compact_put(&compact, read_span(&r, piece < r.left ? piece : r.left), &out));
    assert_int_equal(compact_read(writer_bytes(&out), &plain), ERR_OK);
    assert_true(span_equal(writer_bytes(&plain), bytes));
    return out.used;
}

static void fill_with_noise(uint8_t *bytes, size_t size)
{
    uint32_t noise = 1;
    for (size_t i = 0; i < size; i++) {
        noise = noise * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(noise >> 24);
    }
}

static void what_goes_in_comes_out(void **state)
{
    static uint8_t bytes[40000];
    static const size_t pieces[] = {1, 3, 4, 5, 100, 270, 4096, sizeof bytes};
    static const size_t sizes[] = {0, 1, 3, 4, 5, 14, 15, 16, 269, 270, 271, 525, sizeof bytes};
    for (unsigned kind = 0; kind < 3; kind++) {
        if (kind == 1)
            fill_with_noise(bytes, sizeof bytes);
        for (size_t i = 0; kind == 2 && i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(i % 7 == 0 ? i >> 8 : i % 19);
        for (size_t i = 0; i < COUNT(sizes); i++)
            for (size_t j = 0; j < COUNT(pieces); j++)
                (void)size_of(span_of(bytes, sizes[i]), pieces[j]);
    }
    (void)state;
}

static void what_stands_twice_is_said_once(void **state)
{
    static uint8_t bytes[20000];
    fill_with_noise(bytes, 1000);
    for (size_t i = 1000; i < sizeof bytes; i++)
        bytes[i] = bytes[i - 1000];
    assert_in_range(size_of(span_of(bytes, sizeof bytes), 1000), 1000, 1250);
    (void)state;
}

static void what_is_alike_nowhere_grows_little(void **state)
{
    static uint8_t bytes[50000];
    fill_with_noise(bytes, sizeof bytes);
    assert_in_range(size_of(span_of(bytes, sizeof bytes), 1000), sizeof bytes, 51000);
    (void)state;
}

/* Copies reach back 65535 bytes and no further. */
static void what_is_too_far_back_is_said_again(void **state)
{
    static uint8_t bytes[65535 + 1000 + 1000];
    for (size_t gap = 65534; gap <= 65536; gap++) {
        memset(bytes, 0, sizeof bytes);
        fill_with_noise(bytes, 1000);
        memcpy(bytes + gap, bytes, 1000);
        const size_t size = size_of(span_of(bytes, gap + 1000), sizeof bytes);
        assert_in_range(size, gap <= 65535 ? 1000 : 2000, gap <= 65535 ? 1800 : 2800);
    }
    (void)state;
}

static void what_does_not_fit_leaves_the_message_whole(void **state)
{
    uint8_t noise[256];
    uint8_t small[300];
    fill_with_noise(noise, sizeof noise);
    for (unsigned kind = 0; kind < 2; kind++) {
        struct writer out = writer_of(small, kind == 0 ? sizeof small : 20);
        struct writer plain = writer_of(back, sizeof back);
        compact_begin(&compact, room, kind == 0 ? 100 : sizeof room);
        assert_true(compact_put(&compact, span_of_text("it fits"), &out));
        assert_false(compact_put(&compact, span_of(noise, sizeof noise), &out));
        assert_true(compact_put(&compact, span_of_text("so"), &out));
        assert_false(writer_failed(&out));
        assert_int_equal(compact_read(writer_bytes(&out), &plain), ERR_OK);
        assert_true(span_equal(writer_bytes(&plain), span_of_text("it fitsso")));
    }
    (void)state;
}

static void what_is_no_message_is_refused(void **state)
{
    static const struct {
        err_t err;
        size_t len;
        const char *bytes;
    } rows[] = {
        {ERR_OK, 0, ""},
        {ERR_OK, 4,
            "\x10"
            "a"
            "\0\0"},
        {ERR_OK, 4,
            "\x10"
            "a"
            "\0\1"},                  /* and four copies of it */
        {ERR_BAD_MESSAGE, 1, "\x10"}, /* no literal */
        {ERR_BAD_MESSAGE, 2,
            "\x10"
            "a"}, /* no distance */
        {ERR_BAD_MESSAGE, 3,
            "\x10"
            "a"
            "\0"},
        {ERR_BAD_MESSAGE, 4,
            "\x10"
            "a"
            "\0\2"}, /* before the beginning */
        {ERR_BAD_MESSAGE, 3, "\0\0\1"},
        {ERR_BAD_MESSAGE, 4,
            "\x11"
            "a"
            "\0\0"}, /* the length of no copy */
        {ERR_BAD_MESSAGE, 4,
            "\x1f"
            "a"
            "\0\1"}, /* no rest of the length */
        {ERR_BAD_MESSAGE, 5,
            "\x1f"
            "a"
            "\0\1\xff"},
        {ERR_BAD_MESSAGE, 1, "\xf0"},
        {ERR_BAD_MESSAGE, 5, "\xf0\xff\xff\xff\xff"},
        {ERR_BAD_MESSAGE, 5,
            "\x10"
            "a"
            "\0\0\x10"}, /* more behind it */
        {ERR_TOO_LARGE, 13,
            "\x1f"
            "a"
            "\0\1\xff\xff\xff\xff\xff\xff\xff\xff\0"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct writer plain = writer_of(back, 1000);
        back[1000] = 0x5a;
        assert_int_equal(compact_read(span_of(rows[i].bytes, rows[i].len), &plain), rows[i].err);
        assert_int_equal(back[1000], 0x5a);
    }
    (void)state;
}

/* Each message of a few bytes says it is as large as any may be. */
static void a_worker_that_expands_without_end_is_stopped_at_16_mib(void **state)
{
    struct list_parts parts = {0};
    struct writer out = writer_of(message, sizeof message);
    memset(back, 0, sizeof back);
    compact_begin(&compact, room, sizeof room);
    assert_true(compact_put(&compact, span_of(back, sizeof back), &out));
    assert_in_range(out.used, 1, 1100);
    for (size_t i = 0; i < (16U << 20) / WIRE_LIST_MAX; i++)
        assert_int_equal(list_parts_add(&parts, writer_bytes(&out)), ERR_OK);
    assert_int_equal(list_parts_add(&parts, writer_bytes(&out)), ERR_TOO_LARGE);
    assert_int_equal(list_parts_copy(&parts, span_of_text("x")), ERR_TOO_LARGE);
    assert_int_equal(parts.len, 16 << 20);
    free(parts.bytes);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_goes_in_comes_out),
        TEST(what_stands_twice_is_said_once),
        TEST(what_is_alike_nowhere_grows_little),
        TEST(what_is_too_far_back_is_said_again),
        TEST(what_does_not_fit_leaves_the_message_whole),
        TEST(what_is_no_message_is_refused),
        TEST(a_worker_that_expands_without_end_is_stopped_at_16_mib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
