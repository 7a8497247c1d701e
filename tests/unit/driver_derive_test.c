/* SPDX-License-Identifier: MIT
 *
 * CKM_ECDH1_DERIVE of the driver pkcs11 on a SoftHSM token: the other side is OpenSSL, which comes
 * to the same secret.
 */
#include "driver_stand.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>

/* p11-kit's other names for fields of the standard; fields of ours have them, too. */
#undef shared_data
#undef public_data

static const struct driver *const driver = &driver_pkcs11;

enum { FIELD_MOST = 66, POINT_MOST = 1 + 2 * FIELD_MOST };

static const struct curve_row {
    const char *name;
    size_t field;
    uint8_t len;
    uint8_t params[10];
} curves[] = {
    {"P-256", 32, 10, {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}},
    {"P-384", 48, 7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}},
    {"P-521", 66, 7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}},
};

/* The two sides of one curve */
static struct pair ours;
static EVP_PKEY *theirs;
static uint8_t point[POINT_MOST];
static size_t point_len;
static uint8_t secret[FIELD_MOST]; /* that both come to */

static EVP_PKEY *our_public(struct device *device, const struct curve_row *row)
{
    struct span own;
    EVP_PKEY *key = NULL;
    assert_true(attribute_get(attributes_of(device, ours.public_key), ATTR_EC_POINT, &own));
    const size_t header = own.len - (1 + 2 * row->field); /* of the OCTET STRING */
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (void *)(uintptr_t)row->name, 5),
        OSSL_PARAM_octet_string(
            OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)(own.ptr + header), own.len - header),
        OSSL_PARAM_END,
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

static void meet(struct device *device, const struct curve_row *row)
{
    size_t len = sizeof secret;
    assert_int_equal(
        generate(device, false, span_of(row->params, row->len), "ecdh", &ours), ERR_OK);
    theirs = EVP_EC_gen(row->name);
    assert_non_null(theirs);
    assert_int_equal(EVP_PKEY_get_octet_string_param(
                         theirs, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &point_len),
        1);
    EVP_PKEY *peer = our_public(device, row);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(theirs, NULL);
    assert_int_equal(EVP_PKEY_derive_init(context), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(context, peer), 1);
    assert_int_equal(EVP_PKEY_derive(context, secret, &len), 1);
    assert_int_equal(len, row->field);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
}

static void part(struct device *device)
{
    EVP_PKEY_free(theirs);
    destroy_pair(device, ours);
}

/* len 0: the template has none. */
static err_t derive_as(struct device *device, uint32_t kdf, struct span shared, struct span peer,
    uint64_t type, uint64_t len, driver_ref *ret_key)
{
    uint8_t parameter_room[512];
    uint8_t room[512];
    struct writer parameter = writer_of(parameter_room, sizeof parameter_room);
    struct writer w = writer_of(room, sizeof room);
    const struct wire_ecdh_parameter ecdh = {kdf, shared, peer};
    schema_encode(&wire_ecdh_parameter_schema, &ecdh, &parameter);
    attribute_put_ulong(&w, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(&w, ATTR_KEY_TYPE, type);
    attribute_put_bool(&w, ATTR_TOKEN, false);
    attribute_put_bool(&w, ATTR_PRIVATE, true);
    attribute_put_bool(&w, ATTR_SENSITIVE, false);
    attribute_put_bool(&w, ATTR_EXTRACTABLE, true);
    attribute_put_bool(&w, type == CKK_AES ? ATTR_ENCRYPT : ATTR_SIGN, true);
    if (len > 0)
        attribute_put_ulong(&w, ATTR_VALUE_LEN, len);
    return driver->derive(device, ours.private_key, CKM_ECDH1_DERIVE, writer_bytes(&parameter),
        writer_bytes(&w), ret_key);
}

static void check_value(struct device *device, driver_ref key, const uint8_t *expected, size_t len)
{
    uint8_t room[512];
    struct writer w = writer_of(room, sizeof room);
    struct span hidden;
    assert_int_equal(driver->value(device, key, &w), ERR_OK);
    assert_int_equal(w.used, len);
    assert_memory_equal(room, expected, len);
    assert_false(attribute_get(attributes_of(device, key), ATTR_VALUE, &hidden));
    assert_int_equal(driver->destroy(device, key), ERR_OK);
}

/* X9.63: SHA-256 of secret, counter and shared data, as often as needed */
static void kdf_of(size_t field, struct span shared, uint8_t *key, size_t len)
{
    uint8_t in[FIELD_MOST + 4 + 64];
    uint8_t hash[32];
    struct writer w;
    for (size_t done = 0; done < len; done += sizeof hash) {
        w = writer_of(in, sizeof in);
        write_span(&w, span_of(secret, field));
        write_uint(&w, 4, done / sizeof hash + 1);
        write_span(&w, shared);
        assert_int_equal(EVP_Digest(in, w.used, hash, NULL, EVP_sha256(), NULL), 1);
        memcpy(key + done, hash, len - done < sizeof hash ? len - done : sizeof hash);
    }
}

/* ---- tests ---- */

static void both_sides_come_to_the_same_secret(void **state)
{
    for (size_t i = 0; i < 4 * COUNT(curves); i++) { /* some secrets begin with a 0 */
        const struct curve_row *row = &curves[i / 4];
        driver_ref key = 0;
        meet(*state, row);
        const struct span peer = span_of(point, point_len);
        assert_int_equal(derive_as(*state, CKD_NULL, span_of(NULL, 0), peer, CKK_GENERIC_SECRET,
                             row->field, &key),
            ERR_OK);
        check_value(*state, key, secret, row->field);
        assert_int_equal(
            derive_as(*state, CKD_NULL, span_of(NULL, 0), peer, CKK_GENERIC_SECRET, 0, &key),
            ERR_OK);
        check_value(*state, key, secret, row->field);
        part(*state);
    }
}

/* PKCS#11 v2.40, 2.3.9 */
static void what_is_cut_off_is_the_leading_end(void **state)
{
    static const struct {
        uint64_t type;
        uint64_t len;
    } rows[] = {{CKK_GENERIC_SECRET, 1}, {CKK_GENERIC_SECRET, 20}, {CKK_AES, 16}, {CKK_AES, 24},
        {CKK_AES, 32}, {CKK_SHA256_HMAC, 31}};
    for (size_t i = 0; i < COUNT(curves); i++) {
        meet(*state, &curves[i]);
        for (size_t j = 0; j < COUNT(rows); j++) {
            driver_ref key = 0;
            assert_int_equal(derive_as(*state, CKD_NULL, span_of(NULL, 0),
                                 span_of(point, point_len), rows[j].type, rows[j].len, &key),
                ERR_OK);
            check_value(*state, key, secret + curves[i].field - rows[j].len, rows[j].len);
        }
        part(*state);
    }
}

static void more_than_the_secret_has_is_refused(void **state)
{
    driver_ref key = 0;
    meet(*state, &curves[0]);
    assert_int_equal(derive_as(*state, CKD_NULL, span_of(NULL, 0), span_of(point, point_len),
                         CKK_GENERIC_SECRET, 33, &key),
        ERR_KEY_SIZE);
    part(*state);
}

static void the_sha256_kdf_is_that_of_x963(void **state)
{
    static const struct {
        uint64_t type;
        uint64_t len;
    } rows[] = {{CKK_GENERIC_SECRET, 1}, {CKK_GENERIC_SECRET, 32}, {CKK_GENERIC_SECRET, 100},
        {CKK_AES, 16}, {CKK_AES, 32}, {CKK_SHA512_HMAC, 64}};
    for (size_t i = 0; i < COUNT(curves); i++) {
        meet(*state, &curves[i]);
        for (size_t j = 0; j < 2 * COUNT(rows); j++) {
            const struct span shared = span_of_text(j % 2 ? "info that both know" : "");
            uint8_t expected[128];
            driver_ref key = 0;
            assert_int_equal(derive_as(*state, CKD_SHA256_KDF, shared, span_of(point, point_len),
                                 rows[j / 2].type, rows[j / 2].len, &key),
                ERR_OK);
            kdf_of(curves[i].field, shared, expected, rows[j / 2].len);
            check_value(*state, key, expected, rows[j / 2].len);
        }
        driver_ref key = 0;
        assert_int_equal(derive_as(*state, CKD_SHA256_KDF, span_of(NULL, 0),
                             span_of(point, point_len), CKK_GENERIC_SECRET, 0, &key),
            ERR_TEMPLATE_INCOMPLETE);
        part(*state);
    }
}

static void a_point_that_is_not_on_the_curve_is_refused(void **state)
{
    for (size_t i = 0; i < COUNT(curves); i++) {
        uint8_t bad[POINT_MOST + 2] = {4};
        driver_ref key = 0;
        meet(*state, &curves[i]);
        memcpy(bad, point, point_len);
        bad[point_len - 1] ^= 1; /* no longer a solution */
        const struct span no_points[] = {
            span_of(bad, point_len),
            span_of(point, point_len - 1),
            span_of(bad, point_len + 1),
            span_of("\x00", 1), /* infinity */
            span_of("\x04", 1),
            span_of(NULL, 0),
        };
        for (size_t j = 0; j < 2 * COUNT(no_points); j++)
            assert_int_equal(derive_as(*state, j % 2 ? CKD_NULL : CKD_SHA256_KDF, span_of(NULL, 0),
                                 no_points[j / 2], CKK_AES, 32, &key),
                ERR_MECHANISM_PARAMETER);
        memcpy(bad, point, point_len);
        for (unsigned form = 0; form < 256; form++) { /* compressed, hybrid, and none */
            bad[0] = (uint8_t)form;
            if (form != 4)
                assert_int_equal(derive_as(*state, CKD_NULL, span_of(NULL, 0),
                                     span_of(bad, point_len), CKK_AES, 32, &key),
                    ERR_MECHANISM_PARAMETER);
        }
        memset(bad + 1, 0, point_len - 1);
        bad[0] = 4;
        assert_int_equal(derive_as(*state, CKD_NULL, span_of(NULL, 0), span_of(bad, point_len),
                             CKK_AES, 32, &key),
            ERR_MECHANISM_PARAMETER);
        memset(bad + 1, 0xff, point_len - 1); /* coordinates beyond the field */
        assert_int_equal(derive_as(*state, CKD_NULL, span_of(NULL, 0), span_of(bad, point_len),
                             CKK_AES, 32, &key),
            ERR_MECHANISM_PARAMETER);
        assert_int_equal(key, 0);
        part(*state);
    }
}

static void a_sensitive_secret_gives_no_value(void **state)
{
    uint8_t room[512];
    struct writer w = writer_of(room, sizeof room);
    driver_ref key = 0;
    attribute_put_ulong(&w, ATTR_CLASS, CLASS_SECRET_KEY);
    attribute_put_ulong(&w, ATTR_KEY_TYPE, CKK_AES);
    attribute_put_bool(&w, ATTR_TOKEN, false);
    attribute_put_bool(&w, ATTR_SENSITIVE, true);
    attribute_put_bool(&w, ATTR_EXTRACTABLE, false);
    attribute_put_ulong(&w, ATTR_VALUE_LEN, 32);
    assert_int_equal(driver->generate(*state, CKM_AES_KEY_GEN, writer_bytes(&w), &key), ERR_OK);
    w = writer_of(room, sizeof room);
    assert_int_equal(driver->value(*state, key, &w), ERR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(w.used, 0);
    assert_int_equal(driver->destroy(*state, key), ERR_OK);
}

#define WITH_DEVICE(name) cmocka_unit_test_setup_teardown(name, open_device, close_device)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DEVICE(both_sides_come_to_the_same_secret),
        WITH_DEVICE(what_is_cut_off_is_the_leading_end),
        WITH_DEVICE(more_than_the_secret_has_is_refused),
        WITH_DEVICE(the_sha256_kdf_is_that_of_x963),
        WITH_DEVICE(a_point_that_is_not_on_the_curve_is_refused),
        WITH_DEVICE(a_sensitive_secret_gives_no_value),
    };
    return cmocka_run_group_tests(tests, make_token, remove_token);
}
