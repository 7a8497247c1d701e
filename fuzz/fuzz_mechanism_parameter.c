/* SPDX-License-Identifier: MIT
 *
 * Mechanism parameters. The input is U8 reader, U32 mechanism, U8 how much the length is wrong by,
 * and the parameter, in which pointers are put where a program has some. What was said to be there
 * is there, up to a size that no reader reads; what a reader takes decodes as its message.
 */
#include "fuzz.h"

#include "pkcs11-module/cryptoki3.h"
#include "pkcs11-module/parameter.h"
#include "wire/messages.h"

#include <string.h>

enum { SAID_MAX = 8192 };

/* Where pointers and their lengths stand. */
static const struct row {
    parameter_reader *reader;
    const struct schema *schema;
    size_t size;
    struct {
        size_t pointer;
        size_t len;
    } pointers[2];
} rows[] = {
    {parameter_none, NULL, 0, {{0}}},
    {parameter_aes_iv, NULL, 16, {{0}}},
    {parameter_wrap_iv, NULL, 8, {{0}}},
    {parameter_gcm, &wire_gcm_parameter_schema, sizeof(CK_GCM_PARAMS),
        {{offsetof(CK_GCM_PARAMS, pIv), offsetof(CK_GCM_PARAMS, ulIvLen)},
            {offsetof(CK_GCM_PARAMS, pAAD), offsetof(CK_GCM_PARAMS, ulAADLen)}}},
    {parameter_ctr, &wire_ctr_parameter_schema, sizeof(CK_AES_CTR_PARAMS), {{0}}},
    {parameter_mac, &wire_mac_parameter_schema, sizeof(CK_ULONG), {{0}}},
    {parameter_pss, &wire_pss_parameter_schema, sizeof(CK_RSA_PKCS_PSS_PARAMS), {{0}}},
    {parameter_oaep, &wire_oaep_parameter_schema, sizeof(CK_RSA_PKCS_OAEP_PARAMS),
        {{offsetof(CK_RSA_PKCS_OAEP_PARAMS, pSourceData),
            offsetof(CK_RSA_PKCS_OAEP_PARAMS, ulSourceDataLen)}}},
    {parameter_eddsa, NULL, sizeof(struct eddsa_params),
        {{offsetof(struct eddsa_params, context), offsetof(struct eddsa_params, context_len)}}},
    {parameter_ecdh, &wire_ecdh_parameter_schema, sizeof(CK_ECDH1_DERIVE_PARAMS),
        {{offsetof(CK_ECDH1_DERIVE_PARAMS, pSharedData),
             offsetof(CK_ECDH1_DERIVE_PARAMS, ulSharedDataLen)},
            {offsetof(CK_ECDH1_DERIVE_PARAMS, pPublicData),
                offsetof(CK_ECDH1_DERIVE_PARAMS, ulPublicDataLen)}}},
};

/* A heap block of exactly so many bytes, so that reading behind it is found. */
static uint8_t *copy_of(struct reader *r, size_t len)
{
    uint8_t *copy = calloc(1, len > 0 ? len : 1);
    const struct span bytes = read_span(r, len < r->left ? len : r->left);
    must(copy != NULL);
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    return copy;
}

static void put_pointers(
    const struct row *row, uint8_t *parameter, struct reader *r, uint8_t **made)
{
    for (size_t i = 0; i < 2; i++) {
        unsigned long len;
        if (row->pointers[i].pointer == row->pointers[i].len)
            continue;
        memcpy(&len, parameter + row->pointers[i].len, sizeof len);
        memcpy(&made[i], parameter + row->pointers[i].pointer, sizeof made[i]);
        if (made[i] != NULL)
            made[i] = copy_of(r, len <= SAID_MAX ? len : 1);
        memcpy(parameter + row->pointers[i].pointer, &made[i], sizeof made[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static union wire_body decoded;
    struct reader r = reader_of(span_of(data, size));
    const struct row *row = &rows[read_uint(&r, 1) % (sizeof rows / sizeof rows[0])];
    const CK_MECHANISM_TYPE type = read_uint(&r, 4);
    const size_t wrong = (size_t)read_uint(&r, 1) % 4; /* mostly right */
    uint8_t encoded[WIRE_PARAMETER_MAX];
    struct writer w = writer_of(encoded, sizeof encoded);
    size_t tag_len = 0;
    uint8_t *made[2] = {NULL, NULL};
    if (r.failed)
        return 0;
    const size_t len = row->size + (wrong == 1 ? 1 : 0) - (wrong == 2 && row->size > 0 ? 1 : 0);
    uint8_t *parameter = copy_of(&r, len);
    if (len >= row->size)
        put_pointers(row, parameter, &r, made);
    const CK_MECHANISM mechanism = {type, parameter, len};
    if (row->reader(&mechanism, &w, &tag_len) == CKR_OK && row->schema != NULL)
        must(schema_decode_whole(row->schema, writer_bytes(&w), &decoded) == ERR_OK);
    must(tag_len <= 64);
    free(made[0]);
    free(made[1]);
    free(parameter);
    return 0;
}
