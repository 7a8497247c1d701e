/* SPDX-License-Identifier: MIT
 *
 * Passphrases, from a file or from the terminal.
 */
#include "passphrase.h"

#include "base/log.h"
#include "base/prompt.h"

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

/* twice: a second time, and both must be the same. */
static err_t ask(const char *subject, bool twice, struct secret **ret_passphrase)
{
    char question[160];
    struct secret *passphrase = NULL;
    struct secret *again = NULL;
    (void)snprintf(question, sizeof question, "Passphrase of %.100s: ", subject);
    err_t err = prompt_secret(question, PASSPHRASE_MAX, &passphrase);
    if (err == ERR_OK && twice)
        err = prompt_secret("Once more: ", PASSPHRASE_MAX, &again);
    if (err == ERR_OK && twice && !secret_equal(secret_bytes(passphrase), secret_bytes(again))) {
        log_error("%s: the two passphrases differ", subject);
        err = ERR_PIN_INCORRECT;
    } else if (err != ERR_OK) {
        log_error("%s: nobody gave its passphrase; say --passphrase-file FILE", subject);
        err = ERR_PIN_INCORRECT;
    }
    secret_free(again);
    if (err == ERR_OK)
        *ret_passphrase = passphrase;
    else
        secret_free(passphrase);
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
