/* SPDX-License-Identifier: MIT
 *
 * The PIN prompt of a terminal. For programs in the foreground.
 */
#include "token.h"

#include "base/prompt.h"

#include <stdio.h>

err_t token_ask_terminal(void *context, const char *label, struct secret **ret_pin)
{
    (void)context;
    char question[128];
    (void)snprintf(question, sizeof question, "PIN of token %s: ", label);
    err_t err = prompt_secret(question, TOKEN_PIN_MAX, ret_pin);
    return err == ERR_OK || err == ERR_MEMORY ? err : ERR_PIN_INCORRECT;
}
