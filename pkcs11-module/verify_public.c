/* SPDX-License-Identifier: MIT
 *
 * ECDSA, Ed25519 and RSA by nettle (hogweed) and gmp. In RSA's padding every byte counts: what a
 * signature should hold is compared as a whole.
 */
#include "verify_public.h"

#include "hash.h"
#include "wire/messages.h"

#include <nettle/bignum.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/eddsa.h>
#include <nettle/pss.h>

/* RFC 8017, 9.2: 00 01, at least eight FF, 00 */
enum { BLOCK_TYPE = 0x0001, FILLING = 0xff, FILLING_MIN = 8 };

static void import(mpz_t ret_number, struct span bytes)
{
    nettle_mpz_init_set_str_256_u(ret_number, bytes.len, bytes.ptr);
}

/* ---- elliptic curves ---- */

static const struct ecc_curve *curve_of(const struct public_key *key)
{
    switch (key->curve) {
    case CURVE_P256:
        return nettle_get_secp_256r1();
    case CURVE_P384:
        return nettle_get_secp_384r1();
    case CURVE_P521:
        return nettle_get_secp_521r1();
    default:
        return NULL;
    }
}

/* False where the point is not on the curve. The caller clears it either way. */
static bool set_point(
    const struct public_key *key, const struct ecc_curve *curve, struct ecc_point *point)
{
    mpz_t x;
    mpz_t y;
    import(x, key->x);
    import(y, key->y);
    ecc_point_init(point, curve);
    const bool set = ecc_point_set(point, x, y) == 1;
    mpz_clear(x);
    mpz_clear(y);
    return set;
}

bool verify_key_is_valid(const struct public_key *key)
{
    const struct ecc_curve *curve = curve_of(key);
    struct ecc_point point;
    if (curve == NULL)
        return true;
    const bool valid = set_point(key, curve, &point);
    ecc_point_clear(&point);
    return valid;
}

/* r and s out of range (0, the order or more) are refused by nettle. */
err_t verify_ecdsa(
    const struct public_key *key, struct span parameter, struct span data, struct span signature)
{
    const struct ecc_curve *curve = curve_of(key);
    struct reader r = reader_of(signature);
    struct ecc_point point;
    struct dsa_signature both;
    (void)parameter;
    if (curve == NULL)
        return ERR_SIGNATURE;
    import(both.r, read_span(&r, signature.len / 2));
    import(both.s, read_span(&r, r.left));
    const bool right =
        set_point(key, curve, &point) && ecdsa_verify(&point, data.len, data.ptr, &both) == 1;
    ecc_point_clear(&point);
    dsa_signature_clear(&both);
    return right ? ERR_OK : ERR_SIGNATURE;
}

err_t verify_eddsa(
    const struct public_key *key, struct span parameter, struct span data, struct span signature)
{
    (void)parameter;
    if (key->curve != CURVE_ED25519 || key->x.len != ED25519_KEY_SIZE ||
        signature.len != ED25519_SIGNATURE_SIZE)
        return ERR_SIGNATURE;
    return ed25519_sha512_verify(key->x.ptr, data.len, data.ptr, signature.ptr) == 1
               ? ERR_OK
               : ERR_SIGNATURE;
}

/* ---- RSA ---- */

/* What the signature holds; false where it is not below the modulus. ret_bits: of the modulus. */
static bool open_signature(
    const struct public_key *key, struct span signature, mpz_t ret_message, size_t *ret_bits)
{
    mpz_t modulus;
    mpz_t exponent;
    import(modulus, key->modulus);
    import(exponent, key->exponent);
    import(ret_message, signature);
    const bool in_range = mpz_cmp(ret_message, modulus) < 0;
    if (in_range)
        mpz_powm(ret_message, ret_message, exponent, modulus);
    *ret_bits = mpz_sizeinbase(modulus, 2);
    mpz_clear(modulus);
    mpz_clear(exponent);
    return in_range;
}

/* The data behind the filling. */
static bool strip_filling(struct span block, struct span *ret_data)
{
    struct reader r = reader_of(block);
    size_t filling = 0;
    const bool begins = read_uint(&r, 2) == BLOCK_TYPE;
    uint64_t byte = read_uint(&r, 1);
    while (byte == FILLING && !r.failed) {
        filling++;
        byte = read_uint(&r, 1);
    }
    *ret_data = read_span(&r, r.left);
    return begins && !r.failed && byte == 0 && filling >= FILLING_MIN;
}

/* The data points into block, which has PUBLIC_KEY_MODULUS_MAX bytes. */
static bool open_pkcs(
    const struct public_key *key, struct span signature, uint8_t *block, struct span *ret_data)
{
    mpz_t message;
    size_t bits;
    if (key->curve != CURVE_NONE || key->modulus.len > PUBLIC_KEY_MODULUS_MAX)
        return false;
    const bool opened = open_signature(key, signature, message, &bits);
    if (opened)
        nettle_mpz_get_str_256(key->modulus.len, block, message);
    mpz_clear(message);
    return opened && strip_filling(span_of(block, key->modulus.len), ret_data);
}

err_t verify_rsa_pkcs(
    const struct public_key *key, struct span parameter, struct span data, struct span signature)
{
    uint8_t block[PUBLIC_KEY_MODULUS_MAX];
    struct span signed_data;
    (void)parameter;
    if (!open_pkcs(key, signature, block, &signed_data))
        return ERR_SIGNATURE;
    return span_equal(signed_data, data) ? ERR_OK : ERR_SIGNATURE;
}

err_t verify_rsa_recover(const struct public_key *key, struct span signature, struct writer *out)
{
    uint8_t block[PUBLIC_KEY_MODULUS_MAX];
    struct span data;
    if (!open_pkcs(key, signature, block, &data))
        return ERR_SIGNATURE;
    write_span(out, data);
    return writer_failed(out) ? ERR_TOO_LARGE : ERR_OK;
}

err_t verify_rsa_pss(
    const struct public_key *key, struct span parameter, struct span data, struct span signature)
{
    struct wire_pss_parameter pss;
    mpz_t message;
    size_t bits;
    if (key->curve != CURVE_NONE ||
        schema_decode_whole(&wire_pss_parameter_schema, parameter, &pss) != ERR_OK)
        return ERR_SIGNATURE;
    const struct hash_row *hash = hash_find(pss.hash);
    if (hash == NULL || data.len != hash->hash->digest_size)
        return ERR_SIGNATURE;
    const bool right = open_signature(key, signature, message, &bits) &&
                       pss_verify_mgf1(message, bits - 1, hash->hash, pss.salt_len, data.ptr) == 1;
    mpz_clear(message);
    return right ? ERR_OK : ERR_SIGNATURE;
}
