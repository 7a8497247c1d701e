/* SPDX-License-Identifier: MIT
 *
 * HELLO reply to CK_TOKEN_INFO and mechanism list. Called by the pool for each new connection.
 */
#include "token.h"

#include "text.h"

static CK_VERSION version_of(uint16_t version)
{
    return (CK_VERSION){(unsigned char)(version >> 8), (unsigned char)(version & 0xff)};
}

static void read_info(const struct wire_hello_reply *hello, CK_TOKEN_INFO *info)
{
    *info = (CK_TOKEN_INFO){
        .flags = CKF_RNG | CKF_DUAL_CRYPTO_OPERATIONS | CKF_TOKEN_INITIALIZED |
                 CKF_USER_PIN_INITIALIZED | (hello->login_required ? CKF_LOGIN_REQUIRED : 0) |
                 (hello->pin_failed ? CKF_USER_PIN_COUNT_LOW : 0), /* and nothing ever locks */
        .ulMaxSessionCount = TOKEN_SESSIONS_MAX,
        .ulMaxRwSessionCount = TOKEN_SESSIONS_MAX,
        .ulMaxPinLen = TOKEN_PIN_MAX,
        .ulMinPinLen = hello->login_required ? 1 : 0,
        .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .hardwareVersion = version_of(hello->hardware_version),
        .firmwareVersion = version_of(hello->firmware_version),
    };
    text_pad(info->label, sizeof info->label, hello->label);
    text_pad(info->manufacturerID, sizeof info->manufacturerID, hello->manufacturer);
    text_pad(info->model, sizeof info->model, hello->model);
    text_pad(info->serialNumber, sizeof info->serialNumber, hello->serial);
    text_pad(info->utcTime, sizeof info->utcTime, span_of(NULL, 0));
}

static size_t index_of(const struct token *token, CK_MECHANISM_TYPE type)
{
    size_t i = 0;
    while (i < token->mechanism_count && token->mechanisms[i] != type)
        i++;
    return i;
}

/* Rows of one type add up their flags. */
static void add_mechanism(
    struct token *token, const struct mechanism_row *row, const struct wire_mechanism *device)
{
    CK_MECHANISM_INFO info;
    const size_t i = index_of(token, row->type);
    if (i == TOKEN_MECHANISMS_MAX || !mechanism_info(row, device, &info))
        return;
    if (i == token->mechanism_count)
        token->mechanisms[token->mechanism_count++] = row->type;
    info.flags |= token->mechanism_infos[i].flags;
    token->mechanism_infos[i] = info;
}

/* device NULL: on none. */
static bool rests_on(const struct mechanism_row *row, const struct wire_mechanism *device)
{
    if (device == NULL || !mechanism_needs_device(row))
        return device == NULL && !mechanism_needs_device(row);
    return row->device == device->type;
}

static void add_mechanisms(struct token *token, const struct wire_mechanism *device)
{
    for (size_t i = 0; i < mechanism_rows_count; i++)
        if (rests_on(&mechanism_rows[i], device))
            add_mechanism(token, &mechanism_rows[i], device);
}

err_t token_read(const struct wire_hello_reply *hello, struct token *ret_token)
{
    struct token token = {
        .present = hello->present == 1, .login_required = hello->login_required == 1};
    if (token.present) {
        read_info(hello, &token.info);
        add_mechanisms(&token, NULL);
    }
    struct reader r = reader_of(hello->mechanisms);
    while (token.present && reader_more(&r)) {
        struct wire_mechanism mechanism;
        schema_decode(&wire_mechanism_schema, &r, &mechanism);
        if (!r.failed)
            add_mechanisms(&token, &mechanism);
    }
    if (r.failed)
        return ERR_BAD_MESSAGE;
    *ret_token = token;
    return ERR_OK;
}

const CK_MECHANISM_INFO *token_mechanism(const struct token *token, CK_MECHANISM_TYPE type)
{
    const size_t i = index_of(token, type);
    return i < token->mechanism_count ? &token->mechanism_infos[i] : NULL;
}
