/* SPDX-License-Identifier: MIT
 *
 * The owner's key as a file: JWK or PEM. What is accepted must be a public P-256 key that can be
 * written and read again as the same.
 */
#include "fuzz.h"

#include "base/log.h"
#include "publisher/jwk.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jwk first = {.key = NULL};
    struct jwk second = {.key = NULL};
    log_setup("fuzz_jwk", (enum log_level) - 1);
    if (size >= JWK_FILE_MAX || jwk_parse(span_of(data, size), "fuzz", &first) != ERR_OK)
        return 0;
    json_object *json = jwk_to_json(&first);
    must(json != NULL);
    const char *text = json_object_to_json_string(json);
    must(jwk_parse(span_of_text(text), "fuzz", &second) == ERR_OK);
    must(EVP_PKEY_eq(first.key, second.key) == 1);
    must(memcmp(first.thumbprint, second.thumbprint, JWK_THUMBPRINT) == 0);
    json_object_put(json);
    jwk_clear(&first);
    jwk_clear(&second);
    return 0;
}
