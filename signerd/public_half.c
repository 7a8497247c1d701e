/* SPDX-License-Identifier: MIT
 *
 * OpenSSL multiplies; its copy of the value is wiped before it is freed.
 */
#include "public_half.h"

#include "key_der.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

enum { POINT_MAX = 133, INFO_MAX = 2400 /* RSA of 16384 bits */ };

static struct span bytes_of(struct span list, uint32_t type)
{
    struct span value = {NULL, 0};
    (void)attribute_get(list, type, &value);
    return value;
}

/* Only of a curve that has a name: parameters of one's own would be work without bound. */
static EC_GROUP *group_of(struct span params)
{
    const unsigned char *at = params.ptr;
    ASN1_OBJECT *name = params.len > 0 ? d2i_ASN1_OBJECT(NULL, &at, (long)params.len) : NULL;
    const bool whole = name != NULL && at == params.ptr + params.len;
    EC_GROUP *group = whole ? EC_GROUP_new_by_curve_name(OBJ_obj2nid(name)) : NULL;
    ASN1_OBJECT_free(name);
    return group;
}

static err_t multiply(const EC_GROUP *group, const BIGNUM *scalar, struct writer *point)
{
    uint8_t room[POINT_MAX];
    EC_POINT *result = EC_POINT_new(group);
    const bool done = result != NULL && EC_POINT_mul(group, result, scalar, NULL, NULL, NULL) == 1;
    const size_t len = done ? EC_POINT_point2oct(group, result, POINT_CONVERSION_UNCOMPRESSED, room,
                                  sizeof room, NULL)
                            : 0;
    write_span(point, span_of(room, len));
    EC_POINT_free(result);
    return done ? ERR_OK : ERR_MEMORY;
}

static err_t ec_point(struct span params, struct span value, struct writer *point)
{
    EC_GROUP *group = group_of(params);
    if (group == NULL)
        return ERR_OK;
    BIGNUM *scalar = BN_new();
    err_t err = ERR_MEMORY;
    if (scalar != NULL && value.len <= POINT_MAX) {
        BN_set_flags(scalar, BN_FLG_CONSTTIME);
        if (BN_bin2bn(value.ptr, (int)value.len, scalar) == NULL)
            err = ERR_MEMORY;
        else if (BN_is_zero(scalar) || BN_cmp(scalar, EC_GROUP_get0_order(group)) >= 0)
            err = ERR_ATTRIBUTE_VALUE;
        else
            err = multiply(group, scalar, point);
    } else if (scalar != NULL) {
        err = ERR_ATTRIBUTE_VALUE;
    }
    BN_clear_free(scalar);
    EC_GROUP_free(group);
    return err;
}

/* RFC 8032: the length of a key tells the curve. Of another length the device may know what it is.
 */
static err_t edwards_point(struct span params, struct span value, struct writer *point)
{
    enum { ED25519 = 32, ED448 = 57 };
    uint8_t room[ED448];
    size_t len = sizeof room;
    (void)params;
    if (value.len != ED25519 && value.len != ED448)
        return ERR_OK;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(
        value.len == ED25519 ? EVP_PKEY_ED25519 : EVP_PKEY_ED448, NULL, value.ptr, value.len);
    const bool done = key != NULL && EVP_PKEY_get_raw_public_key(key, room, &len) == 1;
    EVP_PKEY_free(key);
    if (done)
        write_span(point, span_of(room, len));
    return done ? ERR_OK : ERR_MEMORY;
}

/* RSA says its public half itself. */
static err_t find_point(struct key_public *key, struct span list, struct writer *point)
{
    static const struct {
        uint64_t type;
        err_t (*find)(struct span params, struct span value, struct writer *point);
    } rows[] = {{KEY_TYPE_EC, ec_point}, {KEY_TYPE_EC_EDWARDS, edwards_point}};
    const struct span value = bytes_of(list, ATTR_VALUE);
    err_t err = ERR_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].type == key->type && value.len > 0)
            err = rows[i].find(key->params, value, point);
    key->point = writer_bytes(point);
    return err;
}

/* Says what the client says the same? */
static bool agrees(struct span asked, const struct key_public *key, struct span info)
{
    const struct span said = bytes_of(asked, ATTR_EC_POINT);
    const struct span said_info = bytes_of(asked, ATTR_PUBLIC_KEY_INFO);
    return (said.len == 0 || key->point.len == 0 ||
               span_equal(key_der_point(key->type, said), key->point)) &&
           (said_info.len == 0 || span_equal(said_info, info));
}

err_t public_half_complete(struct span asked, struct writer *list)
{
    uint8_t point_room[POINT_MAX];
    uint8_t info_room[INFO_MAX];
    struct writer point = writer_of(point_room, sizeof point_room);
    struct writer der = writer_of(info_room, sizeof info_room);
    const struct span complete = writer_bytes(list);
    uint64_t class = 0;
    struct key_public key = {
        .type = UINT64_MAX,
        .params = bytes_of(complete, ATTR_EC_PARAMS),
        .modulus = bytes_of(complete, ATTR_MODULUS),
        .exponent = bytes_of(complete, ATTR_PUBLIC_EXPONENT),
    };
    (void)attribute_get_ulong(complete, ATTR_KEY_TYPE, &key.type);
    if (!attribute_get_ulong(complete, ATTR_CLASS, &class) || class != CLASS_PRIVATE_KEY)
        return ERR_OK;
    err_t err = find_point(&key, complete, &point);
    if (err != ERR_OK)
        return err;
    key_der_put_info(&key, &der);
    if (writer_failed(&der)) /* nothing is known to compare with */
        return ERR_OK;
    if (!agrees(asked, &key, writer_bytes(&der)))
        return ERR_TEMPLATE_INCONSISTENT;
    attribute_put(list, ATTR_PUBLIC_KEY_INFO, writer_bytes(&der));
    return writer_failed(list) ? ERR_TOO_LARGE : ERR_OK;
}
