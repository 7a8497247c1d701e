/* SPDX-License-Identifier: MIT
 *
 * What people give signerctl for a key: its value in hexadecimal and base64, its type and its uses.
 * What is taken, written anew, is the same.
 */
#include "fuzz.h"

#include "base/log.h"
#include "signerctl/key_type.h"
#include "signerctl/value.h"

#include <openssl/evp.h>
#include <string.h>

enum { TEXT_MAX = 2048 };

static void decode_hex(struct span text)
{
    static const char digits[] = "0123456789abcdef";
    struct secret *value = NULL;
    if (value_decode(VALUE_HEX, text, &value) != ERR_OK)
        return;
    const struct span bytes = secret_bytes(value);
    size_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t lower =
            text.ptr[i] >= 'A' && text.ptr[i] <= 'F' ? text.ptr[i] + 32 : text.ptr[i];
        if (lower == '\0' || strchr(digits, lower) == NULL)
            continue;
        must(at / 2 < bytes.len);
        must(digits[at % 2 == 0 ? bytes.ptr[at / 2] >> 4 : bytes.ptr[at / 2] & 15] == lower);
        at++;
    }
    must(at == 2 * bytes.len);
    secret_free(value);
}

static void decode_base64(struct span text)
{
    static unsigned char again[2 * TEXT_MAX];
    static unsigned char dense[TEXT_MAX + 1];
    struct secret *value = NULL;
    if (value_decode(VALUE_BASE64, text, &value) != ERR_OK)
        return;
    const struct span bytes = secret_bytes(value);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++)
        if (strchr(" \t\r\n", text.ptr[i]) == NULL)
            dense[len++] = text.ptr[i];
    must(bytes.len > 0 && (size_t)EVP_EncodeBlock(again, bytes.ptr, (int)bytes.len) == len);
    /* The last digit before the padding may have bits that count for nothing. */
    must(len >= 4 && memcmp(again, dense, len - 4) == 0);
    secret_free(value);
}

static void parse_type(const char *text)
{
    struct key_type type;
    unsigned use;
    if (key_type_parse(text, true, &type) == ERR_OK)
        must(type.row->takes(type.bits));
    if (key_type_parse("aes:128", true, &type) == ERR_OK &&
        key_use_parse(&type, text, &use) == ERR_OK)
        must(use != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX + 1];
    if (size == 0 || size > TEXT_MAX)
        return 0;
    log_setup("fuzz", (enum log_level) - 1);
    decode_hex(span_of(data, size));
    decode_base64(span_of(data, size));
    memcpy(text, data, size);
    text[size] = '\0';
    parse_type(text);
    return 0;
}
