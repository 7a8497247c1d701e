/* SPDX-License-Identifier: MIT
 *
 * Public keys out of the attributes of any object, and signatures of anybody, given to every
 * verifier. The input is U16 length and list of attributes, U16 length and data, U16 length and
 * parameter, and the signature.
 */
#include "fuzz.h"

#include "pkcs11-module/verify_public.h"

static struct span take(struct reader *r)
{
    const uint64_t len = read_uint(r, 2);
    return read_span(r, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static public_verifier *const verifiers[] = {
        verify_ecdsa, verify_eddsa, verify_rsa_pkcs, verify_rsa_pss};
    uint8_t found[PUBLIC_KEY_MODULUS_MAX];
    struct writer w = writer_of(found, sizeof found);
    struct reader r = reader_of(span_of(data, size));
    const struct span list = take(&r);
    const struct span message = take(&r);
    const struct span parameter = take(&r);
    struct public_key key;
    struct span point;
    if (r.failed)
        return 0;
    if (public_key_point(message, &point))
        must(point.len % 2 == 1 && point.ptr[0] == 0x04);
    const size_t len = public_key_signature_length(list);
    if (!public_key_read(list, &key))
        return 0;
    must(len > 0); /* a key that can be read has a length */
    const struct span signature = read_span(&r, len);
    if (r.failed)
        return 0;
    const bool valid = verify_key_is_valid(&key);
    for (size_t i = 0; i < sizeof verifiers / sizeof verifiers[0]; i++)
        if (verifiers[i](&key, parameter, message, signature) == ERR_OK)
            must(valid);
    if (verify_rsa_recover(&key, signature, &w) == ERR_OK)
        must(verify_rsa_pkcs(&key, parameter, writer_bytes(&w), signature) == ERR_OK);
    return 0;
}
