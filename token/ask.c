/* SPDX-License-Identifier: MIT
 *
 * The PIN prompt of a terminal, without echo, by OpenSSL's UI. For programs in the foreground.
 */
#include "token.h"

#include <openssl/ui.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Without a terminal UI would read standard input. */
static bool has_terminal(void)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal >= 0)
        (void)close(terminal);
    return terminal >= 0;
}

/* line has room for TOKEN_PIN_MAX characters and a NUL. */
static bool prompt_for(const char *prompt, struct secret *line)
{
    UI *ui = UI_new_method(UI_OpenSSL());
    bool answered =
        ui != NULL &&
        UI_add_input_string(ui, prompt, 0, (char *)secret_writable(line), 1, TOKEN_PIN_MAX) > 0 &&
        UI_process(ui) == 0;
    UI_free(ui);
    return answered;
}

err_t token_ask_terminal(void *context, const char *label, struct secret **ret_pin)
{
    (void)context;
    if (!has_terminal())
        return ERR_PIN_INCORRECT;
    char prompt[128];
    (void)snprintf(prompt, sizeof prompt, "PIN of token %s: ", label);
    struct secret *line = NULL;
    struct secret *pin = NULL;
    err_t err = secret_new(TOKEN_PIN_MAX + 1, &line);
    if (err == ERR_OK && !prompt_for(prompt, line))
        err = ERR_PIN_INCORRECT;
    size_t len = err == ERR_OK ? strlen((const char *)secret_writable(line)) : 0;
    if (err == ERR_OK)
        err = len > 0 ? secret_new(len, &pin) : ERR_PIN_INCORRECT;
    if (err == ERR_OK) {
        memcpy(secret_writable(pin), secret_writable(line), len);
        *ret_pin = pin;
    }
    secret_free(line);
    return err;
}
