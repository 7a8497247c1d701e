/* SPDX-License-Identifier: MIT
 *
 * C_GetSlotList, C_GetSlotInfo, C_GetTokenInfo, C_GetMechanismList, C_GetMechanismInfo. None of
 * them waits for a daemon that is away.
 */
#include "slot.h"

#include "ckr.h"
#include "module.h"
#include "text.h"

#include <string.h>

static CK_ULONG slot_count(struct module *module, bool scan, err_t *ret_err)
{
    module_lock(module);
    *ret_err = scan ? slot_scan(module) : ERR_OK;
    const CK_ULONG count = module->slot_count;
    module_unlock(module);
    return count;
}

/* New sockets are looked for where the program asks how many there are (2.40, 5.5.1). */
CK_RV slot_get_list(struct module *module, CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    err_t err;
    const CK_ULONG all = slot_count(module, list == NULL, &err);
    if (err != ERR_OK)
        return ckr_of(err);
    const CK_ULONG room = list == NULL ? 0 : *count;
    CK_ULONG found = 0;
    for (CK_SLOT_ID id = 0; id < all; id++) {
        if (present && !slot_is_present_now(slot_find(module, id)))
            continue;
        if (found < room)
            list[found] = id;
        found++;
    }
    *count = found;
    return list != NULL && found > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

CK_RV slot_get_info(struct module *module, CK_SLOT_ID id, CK_SLOT_INFO *info)
{
    struct slot *slot = slot_find(module, id);
    if (slot == NULL)
        return CKR_SLOT_ID_INVALID;
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    uint8_t description[sizeof info->slotDescription];
    struct span name = span_of_text(slot->name);
    struct writer w = writer_of(description, sizeof description);
    write_span(&w, span_of_text("signerd: "));
    name.len = name.len < w.size - w.used ? name.len : w.size - w.used;
    write_span(&w, name);

    *info = (CK_SLOT_INFO){.flags = slot_is_present_now(slot) ? CKF_TOKEN_PRESENT : 0};
    text_pad(info->slotDescription, sizeof info->slotDescription, writer_bytes(&w));
    text_pad(info->manufacturerID, sizeof info->manufacturerID, span_of_text("signerd"));
    return CKR_OK;
}

/* A copy of what is known of the token, which must be there. */
static CK_RV read_token(
    struct module *module, CK_SLOT_ID id, const void *ret_argument, struct token *ret_token)
{
    struct slot *slot = slot_find(module, id);
    if (slot == NULL)
        return CKR_SLOT_ID_INVALID;
    if (ret_argument == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = slot_require_token(slot);
    module_lock(module);
    *ret_token = slot->pool.token;
    module_unlock(module);
    return rv;
}

CK_RV slot_get_token_info(struct module *module, CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
    struct token token;
    CK_RV rv = read_token(module, id, info, &token);
    if (rv != CKR_OK)
        return rv;
    const struct slot *slot = slot_find(module, id);
    *info = token.info;
    module_lock(module);
    info->ulSessionCount = slot->session_count;
    info->ulRwSessionCount = slot->read_write_count;
    module_unlock(module);
    return CKR_OK;
}

CK_RV slot_get_mechanisms(
    struct module *module, CK_SLOT_ID id, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    struct token token;
    CK_RV rv = read_token(module, id, count, &token);
    if (rv != CKR_OK)
        return rv;
    const CK_ULONG room = *count;
    *count = token.mechanism_count;
    if (list == NULL)
        return CKR_OK;
    if (room < token.mechanism_count)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, token.mechanisms, token.mechanism_count * sizeof *list);
    return CKR_OK;
}

CK_RV slot_get_mechanism(
    struct module *module, CK_SLOT_ID id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    struct token token;
    CK_RV rv = read_token(module, id, info, &token);
    if (rv != CKR_OK)
        return rv;
    const CK_MECHANISM_INFO *known = token_mechanism(&token, type);
    if (known == NULL)
        return CKR_MECHANISM_INVALID;
    *info = *known;
    return CKR_OK;
}
