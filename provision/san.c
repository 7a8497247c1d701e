/* SPDX-License-Identifier: MIT
 *
 * OpenSSL parses and prints the names; here is only which types there are, and what they may hold.
 */
#include "san.h"

#include "base/bytes.h"
#include "base/log.h"

#include <openssl/err.h>

#include <stdbool.h>
#include <string.h>

enum { SAN_MAX = 64, SAN_LEN_MAX = 1024 };

static const struct {
    const char *prefix;
    int type;
} types[] = {
    {"DNS:", GEN_DNS},
    {"URI:", GEN_URI},
    {"IP:", GEN_IPADD},
    {"email:", GEN_EMAIL},
};

enum { TYPES = sizeof types / sizeof types[0] };

static bool printable(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    return text.len > 0 && text.len <= SAN_LEN_MAX;
}

static GENERAL_NAME *parse_one(const char *text)
{
    for (size_t i = 0; i < TYPES; i++) {
        size_t len = strlen(types[i].prefix);
        const char *value = text + len;
        if (strncmp(text, types[i].prefix, len) == 0 && printable(span_of_text(value)))
            return a2i_GENERAL_NAME(NULL, NULL, NULL, types[i].type, value, 0);
    }
    return NULL;
}

err_t san_parse(const char *const *texts, size_t count, GENERAL_NAMES **ret_names)
{
    GENERAL_NAMES *names = count > 0 ? GENERAL_NAMES_new() : NULL;
    if (count > 0 && names == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        GENERAL_NAME *name = parse_one(texts[i]);
        ERR_clear_error();
        if (name == NULL || sk_GENERAL_NAME_push(names, name) <= 0) {
            log_error("--san '%s': must be DNS:NAME, URI:URI, IP:ADDRESS or email:ADDRESS, without "
                      "blanks",
                texts[i]);
            GENERAL_NAME_free(name);
            GENERAL_NAMES_free(names);
            return ERR_ARGUMENTS;
        }
    }
    *ret_names = names;
    return ERR_OK;
}

static bool allowed(const GENERAL_NAME *name)
{
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    for (size_t i = 0; i < TYPES; i++) {
        if (types[i].type != type)
            continue;
        struct span bytes =
            span_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
        return type == GEN_IPADD ? bytes.len == 4 || bytes.len == 16 : printable(bytes);
    }
    return false;
}

err_t san_check(const GENERAL_NAMES *names, const char *source)
{
    int count = sk_GENERAL_NAME_num(names);
    bool good = count > 0 && count <= SAN_MAX;
    for (int i = 0; good && i < count; i++)
        good = allowed(sk_GENERAL_NAME_value(names, i));
    if (!good)
        log_error("%s: asks for alternative names other than DNS, URI, IP and email in printable "
                  "ASCII, or for more than %d",
            source, SAN_MAX);
    return good ? ERR_OK : ERR_INPUT;
}
