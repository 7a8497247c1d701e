/* SPDX-License-Identifier: MIT
 *
 * Passphrases: OpenSSL's UI asks, without echo.
 */
#include "passphrase.h"

#include "base/log.h"

#include <openssl/ui.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static err_t read_file(const char *file, struct secret **ret_passphrase)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        log_error("%s: cannot read the passphrase: %s", file, strerror(errno));
        return ERR_FILE;
    }
    err_t err = secret_read(fd, PASSPHRASE_MAX, ret_passphrase);
    (void)close(fd);
    if (err != ERR_OK)
        log_error("%s: must hold a passphrase, 1 to %d bytes", file, PASSPHRASE_MAX);
    return err;
}

static bool has_terminal(void)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal >= 0)
        (void)close(terminal);
    return terminal >= 0;
}

/* Into line and, where again is not NULL, a second time there; each has room for PASSPHRASE_MAX
 * characters and a NUL. */
static bool prompt(const char *subject, char *line, char *again)
{
    char first[160];
    char second[160];
    (void)snprintf(first, sizeof first, "Passphrase of %.100s: ", subject);
    (void)snprintf(second, sizeof second, "Once more: ");
    UI *ui = UI_new_method(UI_OpenSSL());
    bool answered = ui != NULL && UI_add_input_string(ui, first, 0, line, 1, PASSPHRASE_MAX) > 0 &&
                    (again == NULL ||
                        UI_add_verify_string(ui, second, 0, again, 1, PASSPHRASE_MAX, line) > 0) &&
                    UI_process(ui) == 0;
    UI_free(ui);
    return answered;
}

static err_t ask(const char *subject, bool twice, struct secret **ret_passphrase)
{
    struct secret *lines = NULL;
    struct secret *passphrase = NULL;
    err_t err = secret_new(2 * (PASSPHRASE_MAX + 1), &lines);
    if (err != ERR_OK)
        return err;
    char *line = (char *)secret_writable(lines);
    if (!has_terminal() || !prompt(subject, line, twice ? line + PASSPHRASE_MAX + 1 : NULL)) {
        log_error("%s: nobody gave its passphrase; say --passphrase-file FILE", subject);
        err = ERR_PIN_INCORRECT;
    }
    size_t len = strnlen(line, PASSPHRASE_MAX);
    if (err == ERR_OK)
        err = secret_new(len, &passphrase);
    if (err == ERR_OK) {
        memcpy(secret_writable(passphrase), line, len);
        *ret_passphrase = passphrase;
    }
    secret_free(lines);
    return err;
}

err_t passphrase_choose(const char *file, const char *subject, struct secret **ret_passphrase)
{
    return file != NULL ? read_file(file, ret_passphrase) : ask(subject, true, ret_passphrase);
}

int passphrase_callback(char *buffer, int size, int writing, void *u)
{
    struct passphrase *wanted = u;
    struct secret *found = NULL;
    (void)writing;
    wanted->asked = true;
    wanted->err = wanted->file != NULL ? read_file(wanted->file, &found)
                                       : ask(wanted->subject, false, &found);
    if (wanted->err != ERR_OK)
        return -1;
    struct span bytes = secret_bytes(found);
    int len = bytes.len <= (size_t)size ? (int)bytes.len : -1;
    if (len > 0)
        memcpy(buffer, bytes.ptr, bytes.len);
    secret_free(found);
    return len;
}
