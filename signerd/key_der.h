/* SPDX-License-Identifier: MIT
 *
 * The public half of a key in DER: CKA_EC_POINT and CKA_PUBLIC_KEY_INFO, made of what a device
 * tells. Devices differ in how they tell it; clients see one form.
 */
#ifndef SIGNERD_KEY_DER_H
#define SIGNERD_KEY_DER_H

#include "wire/attribute.h"

/* Of one key; what there is not is empty. */
struct key_public {
    uint64_t type;      /* CKK_ */
    struct span params; /* CKA_EC_PARAMS */
    struct span point;  /* the bare point: 04 X Y, or RFC 8032 */
    struct span modulus;
    struct span exponent;
};

/* The point in a CKA_EC_POINT of such a key: in a DER OCTET STRING, as the standard has it, or
 * bare, as some devices do. Empty where it is neither. */
struct span key_der_point(uint64_t type, struct span told);

/* The point in a SubjectPublicKeyInfo; empty where that is none. */
struct span key_der_point_in_info(struct span info);

/* CKA_EC_POINT: the point as a DER OCTET STRING (2.40 mechanisms, 2.3.3). */
void key_der_put_point(struct span point, struct writer *der);

/* CKA_PUBLIC_KEY_INFO: SubjectPublicKeyInfo after RFC 3279 (RSA), 5480 (EC), 8410 (Edwards). The
 * writer fails where the key lacks something, or is of another type. */
void key_der_put_info(const struct key_public *key, struct writer *der);

#endif
