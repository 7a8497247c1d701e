/* SPDX-License-Identifier: MIT
 *
 * Making arguments. What is behind the end of the input is zeroes, so that an input that is cut is
 * still one.
 */
#include "call_arguments.h"

#include "fuzz.h"

#include "pkcs11-module/cryptoki3.h"

#include <sanitizer/asan_interface.h>
#include <string.h>

enum {
    FENCE = 16,
    FENCE_BYTE = 0xa5,
    BIG = 61440,
    SMALL = 64,
    ATTRIBUTES_MAX = 12,
    VALUE_MAX = 300
};

static const CK_ULONG huge = (CK_ULONG)-1;

/* ---- blocks ---- */

void arguments_begin(struct arguments *arguments, struct reader *bytes)
{
    arguments->bytes = bytes;
    arguments->block_count = 0;
}

static unsigned draw(struct arguments *arguments)
{
    return arguments->bytes->left > 0 ? (unsigned)read_uint(arguments->bytes, 1) : 0;
}

static uint64_t sum_of(const uint8_t *bytes, size_t len)
{
    uint64_t sum = 0xcbf29ce484222325;
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3;
    return sum;
}

/* bytes NULL: zeroes. The module's code meets the sanitizer at the fence; what that does not see
 * (nettle) is found by looking. */
uint8_t *argument_block(struct arguments *arguments, const void *bytes, size_t len, bool constant)
{
    must(arguments->block_count < ARGUMENT_BLOCKS_MAX);
    struct block *block = &arguments->blocks[arguments->block_count++];
    const size_t size = (len + 7) / 8 * 8 + FENCE;
    uint8_t *made = calloc(1, size);
    must(made != NULL);
    if (bytes != NULL && len > 0)
        memcpy(made, bytes, len);
    memset(made + len, FENCE_BYTE, size - len);
    *block = (struct block){made, len, size, constant, constant ? sum_of(made, len) : 0};
    ASAN_POISON_MEMORY_REGION(made + len, size - len);
    return made;
}

CK_ULONG *argument_number(struct arguments *arguments, CK_ULONG number)
{
    return (CK_ULONG *)(void *)argument_block(arguments, &number, sizeof number, false);
}

void arguments_end(struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->block_count; i++) {
        const struct block *block = &arguments->blocks[i];
        ASAN_UNPOISON_MEMORY_REGION(block->bytes + block->len, block->size - block->len);
        for (size_t at = block->len; at < block->size; at++)
            must(block->bytes[at] == FENCE_BYTE);
        must(!block->constant || block->sum == sum_of(block->bytes, block->len));
        free(block->bytes);
    }
    arguments->block_count = 0;
}

/* ---- handles and data ---- */

CK_ULONG argument_handle(struct arguments *arguments, const struct handles *known)
{
    const unsigned which = draw(arguments);
    if (which == 255)
        return huge;
    if (which >= 250 || known->count == 0)
        return which % 2 == 0 ? 0 : 4711;
    return known->known[which % known->count];
}

static struct input constant_input(struct arguments *arguments, const void *bytes, size_t len)
{
    return (struct input){argument_block(arguments, bytes, len, true), len, 0};
}

/* len bytes of the input, and then a pattern. */
static struct input drawn_input(struct arguments *arguments, size_t len)
{
    static uint8_t room[2 * BIG + 256];
    for (size_t i = 0; i < len; i++)
        room[i] = i < SMALL ? (uint8_t)draw(arguments) : (uint8_t)i;
    return constant_input(arguments, room, len);
}

struct input argument_input(struct arguments *arguments)
{
    const unsigned how = draw(arguments);
    switch (how % 16) {
    case 0:
        return (struct input){NULL, 0, 0};
    case 1:
        return (struct input){NULL, how, 0};
    case 2:
        return (struct input){NULL, huge, 0};
    case 3:
        return constant_input(arguments, NULL, 0);
    case 4:
        return drawn_input(arguments, 1);
    case 5: /* room for an output over it */
        return (struct input){argument_block(arguments, NULL, 4096, false), how / 16 * 16U, 4096};
    case 6:
        return drawn_input(arguments, BIG + how / 16 - 8);
    case 7:
        return drawn_input(arguments, 2 * BIG + how / 16);
    case 8:
    case 9:
    case 10:
        return constant_input(arguments, arguments->last_output, arguments->last_output_len);
    case 11:
        return drawn_input(arguments, 32); /* a digest */
    case 12:
        return drawn_input(arguments, 16U * (how / 16));
    default:
        return drawn_input(arguments, how / 16 + 8 * (how % 2));
    }
}

struct input argument_pin(struct arguments *arguments)
{
    const unsigned how = draw(arguments);
    if (how % 4 != 0)
        return constant_input(arguments, arguments->pin, strlen(arguments->pin));
    if (how == 4) /* longer than any PIN: it must not even be read */
        return (struct input){argument_block(arguments, "1", 1, true), huge, 0};
    if (how == 8)
        return drawn_input(arguments, 257);
    return argument_input(arguments);
}

static struct output sized_output(struct arguments *arguments, size_t room, CK_ULONG len)
{
    return (struct output){
        .ptr = argument_block(arguments, NULL, room, false), .given = len, .room = room};
}

struct output argument_output(struct arguments *arguments, const struct input *overlaps)
{
    struct output output = {0};
    const unsigned how = draw(arguments);
    switch (how % 16) {
    case 0:
    case 1:
        output.given = how;
        break;
    case 2:
        output = sized_output(arguments, SMALL, how);
        return output; /* without a length */
    case 3:
        output = sized_output(arguments, 0, 0);
        break;
    case 4:
        output = sized_output(arguments, 1, 1);
        break;
    case 5:
        output = sized_output(arguments, ARGUMENT_ROOM, huge);
        break;
    case 6:
    case 7:
        if (overlaps != NULL && overlaps->room > how) {
            output.room = overlaps->room - how / 16;
            output.ptr = overlaps->ptr + how / 16;
            output.given = output.room;
            break;
        }
        output = sized_output(arguments, how, how);
        break;
    case 8:
    case 9:
        output = sized_output(arguments, how / 16 * 8, how / 16 * 8);
        break;
    default:
        output = sized_output(arguments, ARGUMENT_ROOM, ARGUMENT_ROOM);
        break;
    }
    output.len_ptr = argument_number(arguments, output.given);
    return output;
}

/* ---- mechanisms ---- */

enum parameter_form { NONE, IV, GCM, CTR, ECDH, PSS, OAEP, LENGTH };

static const struct {
    CK_MECHANISM_TYPE type;
    enum parameter_form form;
} mechanisms[] = {{CKM_ECDSA, NONE}, {CKM_SHA256_HMAC, NONE}, {CKM_AES_GCM, GCM},
    {CKM_AES_CBC_PAD, IV}, {CKM_AES_CBC, IV}, {CKM_AES_ECB, NONE}, {CKM_AES_CTR, CTR},
    {CKM_AES_CMAC, NONE}, {CKM_AES_CMAC_GENERAL, LENGTH}, {CKM_SHA256_HMAC_GENERAL, LENGTH},
    {CKM_AES_KEY_WRAP, NONE}, {CKM_AES_KEY_WRAP_PAD, NONE}, {CKM_ECDH1_DERIVE, ECDH},
    {CKM_EC_KEY_PAIR_GEN, NONE}, {CKM_AES_KEY_GEN, NONE}, {CKM_GENERIC_SECRET_KEY_GEN, NONE},
    {CKM_ECDSA_SHA256, NONE}, {CKM_ECDSA_SHA512, NONE}, {CKM_ECDSA_SHA1, NONE}, {CKM_SHA_1, NONE},
    {CKM_SHA256, NONE}, {CKM_SHA512, NONE}, {CKM_RSA_PKCS, NONE}, {CKM_RSA_X_509, NONE},
    {CKM_RSA_PKCS_PSS, PSS}, {CKM_RSA_PKCS_OAEP, OAEP}, {CKM_SHA256_RSA_PKCS, NONE},
    {CKM_SHA256_RSA_PKCS_PSS, PSS}, {CKM_RSA_PKCS_KEY_PAIR_GEN, NONE}, {CKM_SHA512_HMAC, NONE},
    {CKM_SHA384_HMAC_GENERAL, LENGTH}, {CKM_DES3_CBC, IV}, {0xdeadbeef, NONE}};

/* The uncompressed base point of P-256. */
static const uint8_t base_point[65] = {0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8,
    0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
    0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e,
    0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb,
    0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

/* A pointer inside a parameter: mostly right, else null or with a length that is none. */
static uint8_t *inner(struct arguments *arguments, const void *bytes, CK_ULONG *len)
{
    const unsigned how = draw(arguments);
    if (how == 255) {
        *len = huge;
        return argument_block(arguments, NULL, 1, true);
    }
    if (how == 254)
        *len = huge;
    if (how >= 253)
        return NULL;
    if (how >= 240)
        *len = how - 240;
    return argument_block(arguments, how >= 240 ? NULL : bytes, *len, true);
}

static CK_ULONG make_gcm(struct arguments *arguments, uint8_t **ret)
{
    CK_GCM_PARAMS params = {.ulIvLen = 12, .ulAADLen = draw(arguments) % 32, .ulTagBits = 128};
    params.pIv = inner(arguments, "twelve bytes", &params.ulIvLen);
    params.pAAD = inner(arguments, NULL, &params.ulAADLen);
    params.ulIvBits = draw(arguments) % 4 == 3 ? draw(arguments) : 8 * params.ulIvLen;
    if (draw(arguments) % 4 == 3)
        params.ulTagBits = draw(arguments);
    *ret = argument_block(arguments, &params, sizeof params, true);
    return sizeof params;
}

static CK_ULONG make_ctr(struct arguments *arguments, uint8_t **ret)
{
    CK_AES_CTR_PARAMS params = {.ulCounterBits = 128};
    if (draw(arguments) % 4 == 3)
        params.ulCounterBits = draw(arguments);
    *ret = argument_block(arguments, &params, sizeof params, true);
    return sizeof params;
}

static CK_ULONG make_ecdh(struct arguments *arguments, uint8_t **ret)
{
    CK_ECDH1_DERIVE_PARAMS params = {.ulPublicDataLen = sizeof base_point};
    params.kdf = draw(arguments) % 8;
    if (params.kdf == 0)
        params.kdf = CKD_NULL;
    params.ulSharedDataLen = params.kdf == CKD_NULL ? 0 : draw(arguments);
    params.pSharedData = inner(arguments, NULL, &params.ulSharedDataLen);
    params.pPublicData = inner(arguments, base_point, &params.ulPublicDataLen);
    *ret = argument_block(arguments, &params, sizeof params, true);
    return sizeof params;
}

static CK_ULONG make_pss(struct arguments *arguments, uint8_t **ret)
{
    CK_RSA_PKCS_PSS_PARAMS params = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    const unsigned how = draw(arguments);
    if (how % 4 == 1)
        params.hashAlg = mechanisms[how % (sizeof mechanisms / sizeof mechanisms[0])].type;
    if (how % 4 == 2)
        params.mgf = how / 4;
    if (how % 4 == 3)
        params.sLen = how == 255 ? huge : how;
    *ret = argument_block(arguments, &params, sizeof params, true);
    return sizeof params;
}

static CK_ULONG make_oaep(struct arguments *arguments, uint8_t **ret)
{
    CK_RSA_PKCS_OAEP_PARAMS params = {.hashAlg = CKM_SHA_1, .mgf = CKG_MGF1_SHA1, .source = 1};
    params.ulSourceDataLen = draw(arguments);
    params.pSourceData = inner(arguments, NULL, &params.ulSourceDataLen);
    if (draw(arguments) % 4 == 3)
        params.source = draw(arguments);
    *ret = argument_block(arguments, &params, sizeof params, true);
    return sizeof params;
}

static CK_ULONG make_length(struct arguments *arguments, uint8_t **ret)
{
    const unsigned how = draw(arguments);
    const CK_ULONG length = how == 255 ? huge : how;
    *ret = argument_block(arguments, &length, sizeof length, true);
    return sizeof length;
}

static CK_ULONG make_parameter(struct arguments *arguments, enum parameter_form form, uint8_t **ret)
{
    switch (form) {
    case NONE:
        *ret = NULL;
        return 0;
    case IV:
        *ret = argument_block(arguments, NULL, 16, true);
        return 16;
    case GCM:
        return make_gcm(arguments, ret);
    case CTR:
        return make_ctr(arguments, ret);
    case ECDH:
        return make_ecdh(arguments, ret);
    case PSS:
        return make_pss(arguments, ret);
    case OAEP:
        return make_oaep(arguments, ret);
    case LENGTH:
        return make_length(arguments, ret);
    }
    return 0;
}

CK_MECHANISM *argument_mechanism(struct arguments *arguments)
{
    const unsigned which = draw(arguments);
    const unsigned how = draw(arguments);
    const size_t count = sizeof mechanisms / sizeof mechanisms[0];
    if (which == 255)
        return NULL;
    CK_MECHANISM mechanism = {.mechanism = mechanisms[which % count].type};
    uint8_t *parameter = NULL;
    const CK_ULONG len = make_parameter(arguments, mechanisms[which % count].form, &parameter);
    if (how < 200) {
        mechanism.pParameter = parameter;
        mechanism.ulParameterLen = len;
    } else if (how < 210) {
        mechanism.ulParameterLen = len; /* without it */
    } else if (how < 220) {             /* garbage of any length */
        mechanism.ulParameterLen = draw(arguments);
        mechanism.pParameter = argument_block(arguments, NULL, mechanism.ulParameterLen, true);
    } else if (how < 225) { /* no such length: nothing may be read */
        mechanism.ulParameterLen = huge;
        mechanism.pParameter = argument_block(arguments, NULL, 0, true);
    }
    return (CK_MECHANISM *)(void *)argument_block(arguments, &mechanism, sizeof mechanism, true);
}

/* Its IV and tag may be written: they are no constants. */
struct input argument_message_parameter(struct arguments *arguments)
{
    const unsigned how = draw(arguments);
    struct gcm_message_params params = {.iv_len = 12, .tag_len_bits = 128};
    if (how >= 250)
        return (struct input){NULL, how % 2 ? sizeof params : 0, 0};
    if (how >= 245)
        return constant_input(arguments, NULL, how - 240);
    params.iv_len = how >= 230 ? how - 230 : how == 229 ? 257 : 12;
    params.iv_generator = how % 8 < 5 ? how % 8 : 0;
    params.iv_fixed_bits = how & 16 ? draw(arguments) : 0;
    params.tag_len_bits = how & 32 ? draw(arguments) : 128;
    if (how != 228)
        params.iv = argument_block(arguments, NULL, params.iv_len, false);
    if (how != 227)
        params.tag = argument_block(arguments, NULL, params.tag_len_bits / 8, false);
    return constant_input(arguments, &params, sizeof params);
}

/* ---- templates ---- */

static const CK_OBJECT_CLASS classes[] = {
    CKO_DATA, CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_SECRET_KEY, 77};
static const CK_KEY_TYPE key_types[] = {CKK_EC, CKK_AES, CKK_GENERIC_SECRET, CKK_RSA, 77};
static const CK_ULONG lengths[] = {0, 1, 16, 24, 32, 2048, 4096, (CK_ULONG)-1};
static const CK_BBOOL truths[] = {CK_FALSE, CK_TRUE, 2};
static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t exponent[] = {1, 0, 1};
static const uint8_t key_value[32] = {1, 2, 3};
static const CK_MECHANISM_TYPE allowed[] = {CKM_ECDSA, CKM_AES_GCM};
static const uint8_t ec_point[67] = {0x04, 0x41, 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42,
    0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33,
    0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f,
    0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e,
    0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

#define VALUES(array) (array), sizeof(array)[0], sizeof(array) / sizeof(array)[0]
#define BYTES(array)  (array), sizeof(array), 1

/* What an attribute may say: any of count values of size bytes each. */
static const struct {
    CK_ATTRIBUTE_TYPE type;
    const void *values;
    size_t size;
    size_t count;
} attributes[] = {{CKA_CLASS, VALUES(classes)}, {CKA_KEY_TYPE, VALUES(key_types)},
    {CKA_TOKEN, VALUES(truths)}, {CKA_LABEL, "web", 3, 1}, {CKA_ID, "1", 1, 1},
    {CKA_VALUE, key_value, 16, 2}, {CKA_VALUE, BYTES(key_value)}, {CKA_VALUE_LEN, VALUES(lengths)},
    {CKA_EC_PARAMS, BYTES(p256)}, {CKA_EC_POINT, BYTES(ec_point)}, {CKA_PRIVATE, VALUES(truths)},
    {CKA_SENSITIVE, VALUES(truths)}, {CKA_EXTRACTABLE, VALUES(truths)}, {CKA_SIGN, VALUES(truths)},
    {CKA_VERIFY, VALUES(truths)}, {CKA_ENCRYPT, VALUES(truths)}, {CKA_DECRYPT, VALUES(truths)},
    {CKA_WRAP, VALUES(truths)}, {CKA_UNWRAP, VALUES(truths)}, {CKA_DERIVE, VALUES(truths)},
    {CKA_MODIFIABLE, VALUES(truths)}, {CKA_COPYABLE, VALUES(truths)},
    {CKA_DESTROYABLE, VALUES(truths)}, {CKA_ALLOWED_MECHANISMS, BYTES(allowed)},
    {CKA_MODULUS_BITS, VALUES(lengths)}, {CKA_PUBLIC_EXPONENT, BYTES(exponent)},
    {CKA_MODULUS, BYTES(key_value)}, {CKA_PRIVATE_EXPONENT, BYTES(key_value)},
    {CKA_CERTIFICATE_TYPE, VALUES(lengths)}, {CKA_SUBJECT, "subject", 7, 1},
    {CKA_APPLICATION, "program", 7, 1}, {CKA_OBJECT_ID, BYTES(p256)},
    {CKA_ALWAYS_AUTHENTICATE, VALUES(truths)}, {CKA_LOCAL, VALUES(truths)},
    {CKA_PUBLIC_KEY_INFO, BYTES(ec_point)}, {CKA_CHECK_VALUE, "abc", 3, 1},
    {CKA_START_DATE, "20260101", 8, 1}, {CKA_SIGN_RECOVER, VALUES(truths)},
    {CKA_WRAP_TEMPLATE, key_value, 0, 1}, {0x4711, key_value, 1, 1}};
enum { ATTRIBUTES = sizeof attributes / sizeof attributes[0] };

/* Beginnings: attributes by type, each with the value of that number. */
enum { CHOICES_MAX = 6 };
static const struct {
    size_t count;
    struct {
        CK_ATTRIBUTE_TYPE type;
        unsigned value;
    } choices[CHOICES_MAX];
} beginnings[] = {
    {0, {{0, 0}}},
    {6, {{CKA_CLASS, 4}, {CKA_KEY_TYPE, 1}, {CKA_LABEL, 0}, {CKA_VALUE, 0}, {CKA_ENCRYPT, 1},
            {CKA_DECRYPT, 1}}},
    {6, {{CKA_CLASS, 4}, {CKA_KEY_TYPE, 2}, {CKA_LABEL, 0}, {CKA_VALUE, 0}, {CKA_SIGN, 1},
            {CKA_VERIFY, 1}}},
    {3, {{CKA_EC_PARAMS, 0}, {CKA_LABEL, 0}, {CKA_VERIFY, 1}}},
    {3, {{CKA_LABEL, 0}, {CKA_SIGN, 1}, {CKA_DERIVE, 1}}},
    {5, {{CKA_VALUE_LEN, 4}, {CKA_LABEL, 0}, {CKA_ENCRYPT, 1}, {CKA_WRAP, 1},
            {CKA_EXTRACTABLE, 1}}},
    {4, {{CKA_CLASS, 0}, {CKA_LABEL, 0}, {CKA_APPLICATION, 0}, {CKA_VALUE, 0}}},
    {5, {{CKA_CLASS, 1}, {CKA_CERTIFICATE_TYPE, 0}, {CKA_LABEL, 0}, {CKA_SUBJECT, 0},
            {CKA_VALUE, 0}}},
    {6, {{CKA_CLASS, 3}, {CKA_KEY_TYPE, 0}, {CKA_LABEL, 0}, {CKA_EC_PARAMS, 0}, {CKA_VALUE, 0},
            {CKA_SIGN, 1}}},
    {6, {{CKA_CLASS, 4}, {CKA_KEY_TYPE, 2}, {CKA_SENSITIVE, 0}, {CKA_EXTRACTABLE, 1},
            {CKA_VALUE_LEN, 4}, {CKA_LABEL, 0}}},
    {3, {{CKA_MODULUS_BITS, 5}, {CKA_PUBLIC_EXPONENT, 0}, {CKA_LABEL, 0}}},
    {6, {{CKA_CLASS, 2}, {CKA_KEY_TYPE, 0}, {CKA_LABEL, 0}, {CKA_EC_PARAMS, 0}, {CKA_EC_POINT, 0},
            {CKA_VERIFY, 1}}},
    {1, {{CKA_CLASS, 3}}},
    {1, {{CKA_LABEL, 0}}},
};

static CK_ATTRIBUTE right_attribute(struct arguments *arguments, size_t row, unsigned value)
{
    CK_ATTRIBUTE made = {.type = attributes[row].type, .ulValueLen = attributes[row].size};
    const uint8_t *values = attributes[row].values;
    made.pValue = argument_block(arguments,
        values + value % attributes[row].count * attributes[row].size, made.ulValueLen, true);
    return made;
}

static size_t row_of(CK_ATTRIBUTE_TYPE type)
{
    size_t row = 0;
    while (attributes[row].type != type)
        row++;
    return row;
}

static CK_ATTRIBUTE drawn_attribute(struct arguments *arguments)
{
    const size_t row = draw(arguments) % ATTRIBUTES;
    const unsigned how = draw(arguments);
    CK_ATTRIBUTE made = {.type = attributes[row].type};
    switch (how / 8) {
    case 31: /* a length that is none */
        made.ulValueLen = huge;
        made.pValue = argument_block(arguments, NULL, 1, true);
        return made;
    case 30:
        made.ulValueLen = how;
        return made; /* without a value */
    case 29:
        made.ulValueLen = draw(arguments);
        made.pValue = argument_block(arguments, NULL, made.ulValueLen, true);
        return made;
    case 28:
        made.ulValueLen = 70000;
        made.pValue = argument_block(arguments, NULL, made.ulValueLen, true);
        return made;
    default:
        return right_attribute(arguments, row, how);
    }
}

static struct template as_template(
    struct arguments *arguments, const CK_ATTRIBUTE *list, size_t count, bool constant)
{
    const unsigned how = draw(arguments);
    struct template made = {NULL, count};
    if (how == 255)
        return made;
    made.list =
        (CK_ATTRIBUTE *)(void *)argument_block(arguments, list, count * sizeof *list, constant);
    if (how == 254 &&
        !constant) /* no program has so many, and nothing behind the first ones may be read */
        made.count = count == 0 ? 0 : huge / sizeof *list;
    return made;
}

struct template argument_template(struct arguments *arguments)
{
    CK_ATTRIBUTE list[ATTRIBUTES_MAX];
    size_t count = 0;
    const unsigned which = draw(arguments) % (sizeof beginnings / sizeof beginnings[0]);
    for (; count < beginnings[which].count; count++)
        list[count] = right_attribute(arguments, row_of(beginnings[which].choices[count].type),
            beginnings[which].choices[count].value);
    for (unsigned more = draw(arguments) % 8; more > 3 && count < ATTRIBUTES_MAX; more--)
        list[count++] = drawn_attribute(arguments);
    return as_template(arguments, list, count, true);
}

struct template argument_query(struct arguments *arguments)
{
    CK_ATTRIBUTE list[ATTRIBUTES_MAX];
    const size_t count = draw(arguments) % ATTRIBUTES_MAX;
    for (size_t i = 0; i < count; i++) {
        const unsigned how = draw(arguments);
        list[i] = (CK_ATTRIBUTE){.type = attributes[draw(arguments) % ATTRIBUTES].type};
        list[i].ulValueLen = how == 255 ? huge : how < 128 ? VALUE_MAX : how % 16;
        if (how % 4 != 0)
            list[i].pValue =
                argument_block(arguments, NULL, how == 255 ? 70000 : list[i].ulValueLen, false);
    }
    return as_template(arguments, list, count, false);
}
