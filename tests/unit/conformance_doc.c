/* SPDX-License-Identifier: MIT
 *
 * Prints the tables of docs/conformance.md from the tables that the module is made of. The test
 * conformance-doc compares what this prints with what the document says.
 */
#include "pkcs11-module/cryptoki3.h"
#include "pkcs11-module/mechanism.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME(mechanism)                                                                            \
    {                                                                                              \
        mechanism, #mechanism                                                                      \
    }
static const struct {
    CK_MECHANISM_TYPE type;
    const char *name;
} names[] = {NAME(CKM_SHA_1), NAME(CKM_SHA224), NAME(CKM_SHA256), NAME(CKM_SHA384),
    NAME(CKM_SHA512), NAME(CKM_EC_KEY_PAIR_GEN), NAME(CKM_EC_EDWARDS_KEY_PAIR_GEN), NAME(CKM_ECDSA),
    NAME(CKM_ECDSA_SHA1), NAME(CKM_ECDSA_SHA224), NAME(CKM_ECDSA_SHA256), NAME(CKM_ECDSA_SHA384),
    NAME(CKM_ECDSA_SHA512), NAME(CKM_EDDSA), NAME(CKM_ECDH1_DERIVE),
    NAME(CKM_RSA_PKCS_KEY_PAIR_GEN), NAME(CKM_RSA_PKCS), NAME(CKM_SHA1_RSA_PKCS),
    NAME(CKM_SHA224_RSA_PKCS), NAME(CKM_SHA256_RSA_PKCS), NAME(CKM_SHA384_RSA_PKCS),
    NAME(CKM_SHA512_RSA_PKCS), NAME(CKM_RSA_PKCS_PSS), NAME(CKM_SHA1_RSA_PKCS_PSS),
    NAME(CKM_SHA224_RSA_PKCS_PSS), NAME(CKM_SHA256_RSA_PKCS_PSS), NAME(CKM_SHA384_RSA_PKCS_PSS),
    NAME(CKM_SHA512_RSA_PKCS_PSS), NAME(CKM_RSA_PKCS_OAEP), NAME(CKM_GENERIC_SECRET_KEY_GEN),
    NAME(CKM_SHA256_HMAC), NAME(CKM_SHA256_HMAC_GENERAL), NAME(CKM_SHA384_HMAC),
    NAME(CKM_SHA384_HMAC_GENERAL), NAME(CKM_SHA512_HMAC), NAME(CKM_SHA512_HMAC_GENERAL),
    NAME(CKM_AES_KEY_GEN), NAME(CKM_AES_ECB), NAME(CKM_AES_CBC), NAME(CKM_AES_CBC_PAD),
    NAME(CKM_AES_CTR), NAME(CKM_AES_GCM), NAME(CKM_AES_CMAC), NAME(CKM_AES_CMAC_GENERAL),
    NAME(CKM_AES_KEY_WRAP), NAME(CKM_AES_KEY_WRAP_PAD)};

static const struct {
    CK_FLAGS function;
    const char *name;
} functions[] = {{CKF_DIGEST, "digest"}, {CKF_GENERATE, "generate"},
    {CKF_GENERATE_KEY_PAIR, "generate a pair"}, {CKF_SIGN, "sign"}, {CKF_VERIFY, "verify"},
    {CKF_SIGN_RECOVER, "sign with recovery"}, {CKF_VERIFY_RECOVER, "verify with recovery"},
    {CKF_ENCRYPT, "encrypt"}, {CKF_DECRYPT, "decrypt"}, {CKF_WRAP, "wrap"}, {CKF_UNWRAP, "unwrap"},
    {CKF_DERIVE, "derive"}};

/* A mechanism without a name here is one that the table has and this program does not know. */
static const char *name_of(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].type == type)
            return names[i].name;
    (void)fprintf(stderr, "conformance_doc: mechanism 0x%lx has no name here\n", type);
    exit(1);
}

static const char *function_of(const struct mechanism_row *row)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (functions[i].function == row->function)
            return functions[i].name;
    (void)fprintf(stderr, "conformance_doc: function 0x%lx has no name here\n", row->function);
    exit(1);
}

static const char *place_of(const struct mechanism_row *row)
{
    if (row->function == CKF_DIGEST || row->verify != NULL)
        return "module";
    return row->hash != NULL ? "hash in the module, the rest by the device" : "device";
}

/* Rows of one mechanism that are alike but for the function, in one line. */
static size_t print_line(size_t at)
{
    const struct mechanism_row *first = &mechanism_rows[at];
    printf("| `%s` | %s", name_of(first->type), function_of(first));
    size_t next = at + 1;
    while (next < mechanism_rows_count && mechanism_rows[next].type == first->type &&
           place_of(&mechanism_rows[next]) == place_of(first))
        printf(", %s", function_of(&mechanism_rows[next++]));
    printf(" | %s |\n", place_of(first));
    return next;
}

int main(void)
{
    unsigned count = 0;
    printf("\n| mechanism | functions | done by |\n|---|---|---|\n");
    for (size_t at = 0; at < mechanism_rows_count;)
        at = print_line(at);
    printf("\nThe functions of `CK_FUNCTION_LIST_3_0`, in its order:\n\n");
#define FUNCTION(name)     printf("%s`" #name "`", count++ % 6 == 0 ? count > 1 ? ",\n" : "" : ", ");
#define FUNCTION_3_0(name) FUNCTION(name)
#include "pkcs11-module/functions.def"
#undef FUNCTION
    printf(" (%u)\n\n", count);
    return 0;
}
