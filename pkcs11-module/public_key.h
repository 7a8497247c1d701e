/* SPDX-License-Identifier: MIT
 *
 * What the attributes of a key tell of its public half: curve and point, or modulus and exponent.
 * Attributes come from a token, on which anybody may have put anything: nothing is taken as right
 * that is not checked here.
 */
#ifndef PKCS11_MODULE_PUBLIC_KEY_H
#define PKCS11_MODULE_PUBLIC_KEY_H

#include "wire/attribute.h"

enum {
    PUBLIC_KEY_MODULUS_MIN = 64,   /* bytes: 512 bits */
    PUBLIC_KEY_MODULUS_MAX = 1024, /* more would keep a program busy for minutes */
    PUBLIC_KEY_EXPONENT_MAX = 8,
};

enum public_key_curve { CURVE_NONE, CURVE_P256, CURVE_P384, CURVE_P521, CURVE_ED25519 };

/* All spans point into the attributes. */
struct public_key {
    enum public_key_curve curve; /* CURVE_NONE: RSA */
    struct span x;               /* of a point; of Ed25519 all of it */
    struct span y;
    struct span modulus; /* without leading zeroes, as the exponent */
    struct span exponent;
};

/* Bytes of a signature of the key, private or public: r and s together, or as long as the modulus.
 * 0: its curve or its size is unknown here. */
size_t public_key_signature_length(struct span attributes);

/* False where the attributes are of no key that signatures can be verified with. Whether a point is
 * on its curve is not looked at. */
bool public_key_read(struct span attributes, struct public_key *ret_key);

/* 04 X Y of a NIST curve, out of a value that has it as it is, or as a DER OCTET STRING. */
bool public_key_point(struct span value, struct span *ret_point);

#endif
