/* SPDX-License-Identifier: MIT
 *
 * Accounts by uid, in a list: a machine has few users that reach a device.
 */
#include "account.h"

#include <stdlib.h>

enum {
    REFUSAL_BURST = 50,
    REFUSAL_REFILL_US = 100000,
    PIN_DELAY_MAX_S = 60,
    PIN_FORGET_US = 600 * 1000000,
};

err_t account_of(struct accounts *accounts, uint32_t uid, struct account **ret_account)
{
    for (struct account *account = accounts->first; account; account = account->next) {
        if (account->uid == uid) {
            *ret_account = account;
            return ERR_OK;
        }
    }
    struct account *account = calloc(1, sizeof *account);
    if (account == NULL)
        return ERR_MEMORY;
    account->uid = uid;
    account->refusal_tokens = REFUSAL_BURST;
    account->next = accounts->first;
    accounts->first = account;
    *ret_account = account;
    return ERR_OK;
}

static bool is_idle(const struct account *account, uint64_t now_us)
{
    return account->connections == 0 && account->session_objects == 0 &&
           account->begun == 0 && account->refusals_left_out == 0 &&
           (account->pin_failures == 0 || now_us > account->pin_free_at + PIN_FORGET_US);
}

void accounts_tidy(struct accounts *accounts, uint64_t now_us)
{
    struct account **at = &accounts->first;
    while (*at != NULL) {
        struct account *account = *at;
        if (is_idle(account, now_us)) {
            *at = account->next;
            free(account);
        } else {
            at = &account->next;
        }
    }
}

void accounts_free(struct accounts *accounts)
{
    while (accounts->first != NULL) {
        struct account *next = accounts->first->next;
        free(accounts->first);
        accounts->first = next;
    }
}

bool account_refusal_has_line(struct account *account, uint64_t now_us)
{
    uint64_t refill = (now_us - account->refusal_refill) / REFUSAL_REFILL_US;
    if (refill > 0) {
        uint64_t tokens = account->refusal_tokens + refill;
        account->refusal_tokens = tokens > REFUSAL_BURST ? REFUSAL_BURST : (uint32_t)tokens;
        account->refusal_refill = now_us;
    }
    if (account->refusal_tokens == 0) {
        account->refusals_left_out++;
        return false;
    }
    account->refusal_tokens--;
    return true;
}

static uint64_t pin_delay_us(uint32_t failures)
{
    if (failures == 0)
        return 0;
    uint64_t seconds = failures > 6 ? PIN_DELAY_MAX_S : UINT64_C(1) << (failures - 1);
    return (seconds > PIN_DELAY_MAX_S ? PIN_DELAY_MAX_S : seconds) * 1000000U;
}

bool account_pin_may_be_tried(const struct account *account, uint64_t now_us)
{
    return now_us >= account->pin_free_at;
}

uint64_t account_pin_answer_at(struct account *account, bool correct, uint64_t now_us)
{
    uint64_t answer_at = account->pin_free_at > now_us ? account->pin_free_at : now_us;
    if (!correct)
        account->pin_failures++;
    answer_at += pin_delay_us(account->pin_failures);
    account->pin_free_at = answer_at;
    if (correct)
        account->pin_failures = 0;
    return answer_at;
}
