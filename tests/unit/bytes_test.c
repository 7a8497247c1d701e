/* SPDX-License-Identifier: MIT
 *
 * The bounded reader and writer.
 */
#include "test.h"

#include "base/bytes.h"

static void integers_are_big_endian(void **state)
{
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t buffer[15];
    struct writer w = writer_of(buffer, sizeof buffer);
    write_uint(&w, 1, 0x01);
    write_uint(&w, 2, 0x0203);
    write_uint(&w, 4, 0x04050607);
    write_uint(&w, 8, 0x08090a0b0c0d0e0f);
    assert_false(writer_failed(&w));
    assert_true(span_equal(writer_bytes(&w), span_of(expected, sizeof expected)));

    struct reader r = reader_of(writer_bytes(&w));
    assert_int_equal(read_uint(&r, 1), 0x01);
    assert_int_equal(read_uint(&r, 2), 0x0203);
    assert_int_equal(read_uint(&r, 4), 0x04050607);
    assert_int_equal(read_uint(&r, 8), 0x08090a0b0c0d0e0f);
    assert_true(reader_finished(&r));
    (void)state;
}

static void a_number_that_does_not_fit_its_size_fails(void **state)
{
    static const unsigned sizes[] = {1, 2, 4};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint8_t buffer[8];
        struct writer w = writer_of(buffer, sizeof buffer);
        write_uint(&w, sizes[i], (UINT64_C(1) << 8 * sizes[i]) - 1);
        assert_false(writer_failed(&w));
        write_uint(&w, sizes[i], UINT64_C(1) << 8 * sizes[i]);
        assert_true(writer_failed(&w));
        assert_int_equal(w.used, sizes[i]);
    }
    uint8_t buffer[8];
    struct writer w = writer_of(buffer, sizeof buffer);
    write_uint(&w, 8, UINT64_MAX);
    assert_false(writer_failed(&w));
    (void)state;
}

static void a_writer_never_writes_past_its_end(void **state)
{
    uint8_t buffer[8];
    memset(buffer, 0xaa, sizeof buffer);
    struct writer w = writer_of(buffer, 4);
    write_uint(&w, 2, 0);
    write_uint(&w, 4, 0);
    assert_true(writer_failed(&w));
    assert_int_equal(w.used, 2);
    for (size_t i = 2; i < sizeof buffer; i++)
        assert_int_equal(buffer[i], 0xaa);
    (void)state;
}

static void a_failed_writer_stays_failed(void **state)
{
    uint8_t buffer[4];
    struct writer w = writer_of(buffer, sizeof buffer);
    write_uint(&w, 8, 0);
    write_uint(&w, 1, 0); /* would fit */
    assert_true(writer_failed(&w));
    assert_int_equal(w.used, 0);
    (void)state;
}

static void a_full_writer_takes_nothing_more(void **state)
{
    uint8_t buffer[4];
    struct writer w = writer_of(buffer, sizeof buffer);
    write_uint(&w, 4, 7);
    write_span(&w, span_of(NULL, 0));
    assert_false(writer_failed(&w));
    write_uint(&w, 1, 0);
    assert_true(writer_failed(&w));
    (void)state;
}

static void what_somebody_else_writes_is_bounded_too(void **state)
{
    uint8_t bytes[8];
    size_t size;
    struct writer w = writer_of(bytes, sizeof bytes);
    write_uint(&w, 2, 0x0102);
    assert_ptr_equal(writer_room(&w, &size), bytes + 2);
    assert_int_equal(size, 6);
    writer_took(&w, 4);
    assert_int_equal(writer_bytes(&w).len, 6);
    writer_took(&w, 3);
    assert_true(writer_failed(&w));
    assert_int_equal(writer_bytes(&w).len, 6);
    (void)writer_room(&w, &size);
    assert_int_equal(size, 0);
    writer_took(&w, 0);
    assert_true(writer_failed(&w));
    (void)state;
}

static void a_read_past_the_end_gives_zeroes_and_fails_for_good(void **state)
{
    static const uint8_t bytes[] = {0xff, 0xff, 0xff};
    struct reader r = reader_of(span_of(bytes, sizeof bytes));
    assert_int_equal(read_uint(&r, 4), 0);
    assert_int_equal(read_uint(&r, 1), 0);
    struct span span = read_span(&r, 1);
    assert_null(span.ptr);
    assert_int_equal(span.len, 0);
    assert_false(reader_finished(&r));
    assert_false(reader_more(&r));
    (void)state;
}

static void a_huge_length_is_no_overflow(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3};
    struct reader r = reader_of(span_of(bytes, sizeof bytes));
    assert_int_equal(read_uint(&r, 1), 1);
    assert_int_equal(read_span(&r, SIZE_MAX).len, 0);
    assert_true(r.failed);

    uint8_t buffer[4];
    struct writer w = writer_of(buffer, sizeof buffer);
    write_uint(&w, 1, 1);
    write_span(&w, span_of(bytes, SIZE_MAX));
    assert_true(writer_failed(&w));
    assert_int_equal(w.used, 1);
    (void)state;
}

static void what_is_left_over_is_noticed(void **state)
{
    static const uint8_t bytes[] = {1, 2};
    struct reader r = reader_of(span_of(bytes, sizeof bytes));
    assert_int_equal(read_uint(&r, 1), 1);
    assert_true(reader_more(&r));
    assert_false(reader_finished(&r));
    assert_int_equal(read_uint(&r, 1), 2);
    assert_false(reader_more(&r));
    assert_true(reader_finished(&r));
    reader_fail(&r);
    assert_false(reader_finished(&r));
    (void)state;
}

static void nothing_can_be_read_and_written(void **state)
{
    struct reader r = reader_of(span_of(NULL, 0));
    assert_int_equal(read_span(&r, 0).len, 0);
    assert_true(reader_finished(&r));
    struct writer w = writer_of(NULL, 0);
    write_span(&w, span_of(NULL, 0));
    assert_false(writer_failed(&w));
    assert_int_equal(writer_bytes(&w).len, 0);
    (void)state;
}

static void spans_are_equal_by_content(void **state)
{
    assert_true(span_equal(span_of_text("abc"), span_of("abcd", 3)));
    assert_false(span_equal(span_of_text("abc"), span_of_text("abd")));
    assert_false(span_equal(span_of_text("abc"), span_of_text("ab")));
    assert_true(span_equal(span_of(NULL, 0), span_of_text("")));
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(integers_are_big_endian),
        TEST(a_number_that_does_not_fit_its_size_fails),
        TEST(a_writer_never_writes_past_its_end),
        TEST(a_failed_writer_stays_failed),
        TEST(a_full_writer_takes_nothing_more),
        TEST(what_somebody_else_writes_is_bounded_too),
        TEST(a_read_past_the_end_gives_zeroes_and_fails_for_good),
        TEST(a_huge_length_is_no_overflow),
        TEST(what_is_left_over_is_noticed),
        TEST(nothing_can_be_read_and_written),
        TEST(spans_are_equal_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
