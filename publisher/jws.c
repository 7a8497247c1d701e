/* SPDX-License-Identifier: MIT
 *
 * ES256 in compact form: what is signed is exactly the text before the last dot (RFC 7515, 5.1).
 */
#include "jws.h"

#include "base64url.h"

err_t jws_sign(const struct jws_signer *signer, struct span header, struct span payload,
    struct writer *ret_text)
{
    uint8_t signature[JWS_SIGNATURE];
    size_t before = writer_bytes(ret_text).len;
    base64url_write(ret_text, header);
    write_uint(ret_text, 1, '.');
    base64url_write(ret_text, payload);
    if (writer_failed(ret_text))
        return ERR_TOO_LARGE;

    struct reader written = reader_of(writer_bytes(ret_text));
    (void)read_span(&written, before);
    err_t err = signer->sign(signer->context, read_span(&written, written.left), signature);
    if (err != ERR_OK)
        return err;
    write_uint(ret_text, 1, '.');
    base64url_write(ret_text, span_of(signature, sizeof signature));
    return writer_failed(ret_text) ? ERR_TOO_LARGE : ERR_OK;
}
