/* SPDX-License-Identifier: MIT
 *
 * base64url on OpenSSL's base64: two characters differ, and the padding is left out.
 */
#include "base64url.h"

#include <openssl/evp.h>
#include <string.h>

enum { GROUP = 3, GROUP_TEXT = 4 };

static void exchange(uint8_t *text, size_t len, const char *from, const char *to)
{
    for (size_t i = 0; i < len; i++)
        for (int k = 0; k < 2; k++)
            if (text[i] == (uint8_t)from[k])
                text[i] = (uint8_t)to[k];
}

void base64url_write(struct writer *w, struct span bytes)
{
    struct reader r = reader_of(bytes);
    while (reader_more(&r)) {
        uint8_t text[GROUP_TEXT + 1];
        struct span group = read_span(&r, r.left < GROUP ? r.left : GROUP);
        (void)EVP_EncodeBlock(text, group.ptr, (int)group.len);
        exchange(text, GROUP_TEXT, "+/", "-_");
        write_span(w, span_of(text, BASE64URL_LENGTH(group.len)));
    }
}

void base64url_text(struct span bytes, char *text)
{
    size_t len = BASE64URL_LENGTH(bytes.len);
    struct writer w = writer_of(text, len);
    base64url_write(&w, bytes);
    text[len] = '\0';
}

/* One group of 2, 3 or 4 characters. */
static bool decode_group(struct span group, uint8_t ret_bytes[GROUP])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t text[GROUP_TEXT];
    uint8_t again[GROUP_TEXT + 1];
    memset(text, '=', sizeof text);
    for (size_t i = 0; i < group.len; i++) {
        if (group.ptr[i] == 0 || strchr(alphabet, group.ptr[i]) == NULL)
            return false;
        text[i] = group.ptr[i];
    }
    exchange(text, GROUP_TEXT, "-_", "+/");
    if (group.len < 2 || EVP_DecodeBlock(ret_bytes, text, GROUP_TEXT) != GROUP)
        return false;
    (void)EVP_EncodeBlock(again, ret_bytes, (int)group.len - 1);
    return memcmp(again, text, GROUP_TEXT) == 0;
}

err_t base64url_decode(struct span text, uint8_t *ret_bytes, size_t size)
{
    if (text.len != BASE64URL_LENGTH(size))
        return ERR_ARGUMENTS;
    struct reader r = reader_of(text);
    struct writer w = writer_of(ret_bytes, size);
    while (reader_more(&r)) {
        uint8_t bytes[GROUP];
        struct span group = read_span(&r, r.left < GROUP_TEXT ? r.left : GROUP_TEXT);
        if (!decode_group(group, bytes))
            return ERR_ARGUMENTS;
        write_span(&w, span_of(bytes, group.len - 1));
    }
    return writer_failed(&w) ? ERR_ARGUMENTS : ERR_OK;
}
