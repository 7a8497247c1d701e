/* SPDX-License-Identifier: MIT
 *
 * The attribute table and lists.
 */
#include "test.h"

#include "wire/attribute.h"

#include <p11-kit/pkcs11.h>

static uint8_t room[4096];

static void the_table_has_each_type_once(void **state)
{
    for (size_t i = 0; i < attribute_rows_count; i++) {
        assert_ptr_equal(attribute_find(attribute_rows[i].type), &attribute_rows[i]);
        assert_memory_equal(attribute_rows[i].name, "CKA_", 4);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(attribute_rows[i].name, attribute_rows[j].name);
    }
    assert_null(attribute_find(0xffffffff));
    (void)state;
}

static void names_and_numbers_are_those_of_the_standard(void **state)
{
    static const struct {
        unsigned long standard;
        uint32_t ours;
        const char *name;
    } pairs[] = {
#define PAIR(name) {CKA_##name, ATTR_##name, "CKA_" #name}
        PAIR(CLASS),
        PAIR(TOKEN),
        PAIR(PRIVATE),
        PAIR(LABEL),
        PAIR(VALUE),
        PAIR(CERTIFICATE_TYPE),
        PAIR(ISSUER),
        PAIR(SERIAL_NUMBER),
        PAIR(KEY_TYPE),
        PAIR(SUBJECT),
        PAIR(ID),
        PAIR(SENSITIVE),
        PAIR(SIGN),
        PAIR(VERIFY),
        PAIR(MODULUS),
        PAIR(EXTRACTABLE),
        PAIR(MODIFIABLE),
        PAIR(EC_PARAMS),
        PAIR(EC_POINT),
        PAIR(ALWAYS_AUTHENTICATE),
        PAIR(ALLOWED_MECHANISMS),
#undef PAIR
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_int_equal(pairs[i].ours, pairs[i].standard);
        assert_string_equal(attribute_find(pairs[i].ours)->name, pairs[i].name);
    }
    assert_int_equal(CLASS_PRIVATE_KEY, CKO_PRIVATE_KEY);
    assert_int_equal(CLASS_SECRET_KEY, CKO_SECRET_KEY);
    assert_int_equal(KEY_TYPE_EC, CKK_EC);
    (void)state;
}

static void key_material_is_secret_and_nobody_may_change_it(void **state)
{
    static const uint32_t material[] = {CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2,
        CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT};
    for (size_t i = 0; i < COUNT(material); i++)
        assert_int_equal(attribute_find(material[i])->flags, ATTRIBUTE_SECRET);
    (void)state;
}

static void what_is_put_is_got(void **state)
{
    struct writer w = writer_of(room, sizeof room);
    attribute_put_ulong(&w, ATTR_CLASS, UINT64_MAX);
    attribute_put_bool(&w, ATTR_TOKEN, true);
    attribute_put_bool(&w, ATTR_PRIVATE, false);
    attribute_put(&w, ATTR_LABEL, span_of_text("key"));
    attribute_put(&w, ATTR_ID, span_of(NULL, 0));
    struct span list = writer_bytes(&w);
    struct span value;
    uint64_t number;
    assert_int_equal(attribute_list_check(list), ERR_OK);
    assert_true(attribute_get_ulong(list, ATTR_CLASS, &number));
    assert_true(number == UINT64_MAX);
    assert_true(attribute_get_bool(list, ATTR_TOKEN, false));
    assert_false(attribute_get_bool(list, ATTR_PRIVATE, true));
    assert_true(attribute_get(list, ATTR_LABEL, &value));
    assert_true(span_equal(value, span_of_text("key")));
    assert_true(attribute_get(list, ATTR_ID, &value));
    assert_int_equal(value.len, 0);
    (void)state;
}

static void what_is_absent_is_not_got(void **state)
{
    struct span value = span_of_text("untouched");
    uint64_t number = 7;
    struct span list = span_of(NULL, 0);
    assert_int_equal(attribute_list_check(list), ERR_OK);
    assert_false(attribute_get(list, ATTR_LABEL, &value));
    assert_false(attribute_get_ulong(list, ATTR_CLASS, &number));
    assert_true(attribute_get_bool(list, ATTR_TOKEN, true));
    assert_false(attribute_get_bool(list, ATTR_TOKEN, false));
    assert_int_equal(number, 7);
    assert_true(span_equal(value, span_of_text("untouched")));
    (void)state;
}

static void a_list_that_is_cut_is_refused(void **state)
{
    struct writer w = writer_of(room, sizeof room);
    attribute_put_bool(&w, ATTR_TOKEN, true);
    size_t first = w.used;
    attribute_put(&w, ATTR_LABEL, span_of_text("key"));
    for (size_t len = 1; len < w.used; len++)
        assert_int_equal(
            attribute_list_check(span_of(room, len)), len == first ? ERR_OK : ERR_BAD_MESSAGE);
    (void)state;
}

static void a_type_that_stands_twice_is_refused(void **state)
{
    for (size_t i = 0; i < attribute_rows_count; i++) {
        static const uint8_t zero[8];
        size_t len = attribute_rows[i].kind == ATTRIBUTE_BOOL ? 1 : 8;
        struct writer w = writer_of(room, sizeof room);
        attribute_put(&w, attribute_rows[i].type, span_of(zero, len));
        assert_int_equal(attribute_list_check(writer_bytes(&w)), ERR_OK);
        attribute_put(&w, attribute_rows[i].type, span_of(zero, len));
        assert_int_equal(attribute_list_check(writer_bytes(&w)), ERR_TEMPLATE_INCONSISTENT);
    }
    (void)state;
}

static err_t check_one(uint32_t type, const void *value, size_t len)
{
    struct writer w = writer_of(room, sizeof room);
    attribute_put(&w, type, span_of(value, len));
    assert_false(writer_failed(&w));
    return attribute_list_check(writer_bytes(&w));
}

static void a_value_of_the_wrong_size_is_refused(void **state)
{
    static const uint8_t bytes[17];
    for (size_t len = 0; len <= sizeof bytes; len++) {
        assert_int_equal(check_one(ATTR_TOKEN, bytes, len), len == 1 ? ERR_OK : ERR_BAD_MESSAGE);
        assert_int_equal(check_one(ATTR_CLASS, bytes, len), len == 8 ? ERR_OK : ERR_BAD_MESSAGE);
        assert_int_equal(check_one(ATTR_ALLOWED_MECHANISMS, bytes, len),
            len % 8 == 0 ? ERR_OK : ERR_BAD_MESSAGE);
        assert_int_equal(check_one(ATTR_LABEL, bytes, len), ERR_OK);
    }
    (void)state;
}

static void a_bool_is_0_or_1(void **state)
{
    for (unsigned value = 0; value < 256; value++) {
        const uint8_t byte = (uint8_t)value;
        assert_int_equal(check_one(ATTR_TOKEN, &byte, 1), value <= 1 ? ERR_OK : ERR_BAD_MESSAGE);
    }
    (void)state;
}

static void an_unknown_type_is_refused(void **state)
{
    static const uint32_t unknown[] = {0x004, 0x163 + 0x1000, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < COUNT(unknown); i++)
        assert_int_equal(check_one(unknown[i], "x", 1), ERR_BAD_MESSAGE);
    (void)state;
}

static void the_walk_ends_at_a_fault(void **state)
{
    struct writer w = writer_of(room, sizeof room);
    attribute_put_bool(&w, ATTR_TOKEN, true);
    write_uint(&w, 1, 0);
    struct reader r = reader_of(writer_bytes(&w));
    struct wire_attribute attribute;
    assert_true(attribute_next(&r, &attribute));
    assert_false(attribute_next(&r, &attribute));
    assert_true(r.failed);
    assert_false(attribute_next(&r, &attribute));
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_table_has_each_type_once),
        TEST(names_and_numbers_are_those_of_the_standard),
        TEST(key_material_is_secret_and_nobody_may_change_it),
        TEST(what_is_put_is_got),
        TEST(what_is_absent_is_not_got),
        TEST(a_list_that_is_cut_is_refused),
        TEST(a_type_that_stands_twice_is_refused),
        TEST(a_value_of_the_wrong_size_is_refused),
        TEST(a_bool_is_0_or_1),
        TEST(an_unknown_type_is_refused),
        TEST(the_walk_ends_at_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
