/* SPDX-License-Identifier: MIT
 *
 * CKA_EC_POINT and CKA_PUBLIC_KEY_INFO as a device tells them. The input is U8 type of key, U16
 * length and parameters, and the bytes that are told, which are taken as either. What is read is in
 * the input, and written anew is read as the same.
 */
#include "fuzz.h"

#include "signerd/key_der.h"

enum { ROOM = 70000 };

static uint64_t type_of(uint64_t selector)
{
    static const uint64_t types[] = {KEY_TYPE_EC, KEY_TYPE_EC_EDWARDS, KEY_TYPE_RSA};
    return types[selector % 3];
}

static bool is_within(struct span part, struct span whole)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

static void check_point(uint64_t type, struct span told)
{
    static uint8_t room[ROOM];
    struct writer der = writer_of(room, sizeof room);
    const struct span point = key_der_point(type, told);
    if (point.len == 0)
        return;
    must(is_within(point, told));
    key_der_put_point(point, &der);
    must(!writer_failed(&der));
    must(span_equal(key_der_point(type, writer_bytes(&der)), point));
}

static void check_info(const struct key_public *key)
{
    static uint8_t room[ROOM];
    struct writer der = writer_of(room, sizeof room);
    key_der_put_info(key, &der);
    if (writer_failed(&der))
        return;
    const struct span read = key_der_point_in_info(writer_bytes(&der));
    must(read.len > 0);
    must(key->type == KEY_TYPE_RSA || span_equal(read, key->point));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(span_of(data, size));
    struct key_public key = {.type = type_of(read_uint(&r, 1))};
    const uint64_t len = read_uint(&r, 2);
    key.params = read_span(&r, len);
    const struct span told = read_span(&r, r.left);
    if (r.failed || size > UINT16_MAX)
        return 0;
    check_point(key.type, told);
    const struct span inside = key_der_point_in_info(told);
    must(inside.len == 0 || is_within(inside, told));
    check_point(key.type, inside);
    key.point = key_der_point(key.type, told);
    if (key.point.len == 0)
        key.point = key_der_point(key.type, inside);
    key.modulus = told;
    key.exponent = key.params;
    check_info(&key);
    return 0;
}
