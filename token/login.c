/* SPDX-License-Identifier: MIT
 *
 * Where the PIN comes from (RFC 7512: pin-value, pin-source; else whoever answers ask_pin), and
 * C_Login with it. A PIN stays in a secret from beginning to end and is tried once only.
 */
#include "session.h"

#include "rv.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path of a pin-source: "file:" with a path behind it (RFC 8089), or just a path. NULL:
 * neither. */
static const char *source_path(const char *source)
{
    static const char *const prefixes[] = {"file://localhost/", "file:///", "file:/", "/"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t len = strlen(prefixes[i]);
        if (strncmp(source, prefixes[i], len) == 0)
            return source + len - 1; /* from the slash on */
    }
    return NULL;
}

static err_t pin_of_source(const struct token_uri *uri, struct secret **ret_pin)
{
    const char *path = source_path(uri->pin_source);
    if (path == NULL) {
        log_error("%s: pin-source must be the absolute path of a file; other sources are not "
                  "supported",
            uri->shown);
        return ERR_ARGUMENTS;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        log_error("%s: cannot read the file of its pin-source: %s", uri->shown, strerror(errno));
        return ERR_CONFIG;
    }
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        log_warning("%s: others may use the file of its pin-source; chmod 600 it", uri->shown);
    err_t err = secret_read(fd, TOKEN_PIN_MAX, ret_pin);
    (void)close(fd);
    if (err != ERR_OK)
        log_error("%s: the file of its pin-source must hold the PIN, 1 to %d bytes", uri->shown,
            TOKEN_PIN_MAX);
    return err;
}

static err_t copy_secret(const struct secret *from, struct secret **ret_to)
{
    struct span bytes = secret_bytes(from);
    struct secret *to = NULL;
    err_t err = secret_new(bytes.len, &to);
    if (err != ERR_OK)
        return err;
    memcpy(secret_writable(to), bytes.ptr, bytes.len);
    *ret_to = to;
    return ERR_OK;
}

/* CKA label fields are padded with blanks and have no NUL. */
static void token_label(const CK_TOKEN_INFO *info, char ret_label[static sizeof info->label + 1])
{
    size_t len = sizeof info->label;
    while (len > 0 && info->label[len - 1] == ' ')
        len--;
    memcpy(ret_label, info->label, len);
    ret_label[len] = '\0';
}

static err_t find_pin(
    struct token_session *session, const struct token_options *options, struct secret **ret_pin)
{
    const struct token_uri *uri = session->uri;
    if (uri->pin_value != NULL)
        return copy_secret(uri->pin_value, ret_pin);
    if (uri->pin_source != NULL)
        return pin_of_source(uri, ret_pin);
    char label[sizeof session->info.label + 1];
    token_label(&session->info, label);
    err_t err = options->ask_pin != NULL ? options->ask_pin(options->context, label, ret_pin)
                                         : ERR_PIN_INCORRECT;
    if (err != ERR_OK)
        log_error(
            "%s: the token needs a PIN, and nobody gave one; put the PIN into a file that only "
            "you can read, and add ?pin-source=/PATH to the URI",
            uri->shown);
    return err;
}

/* Another part of this program may have logged in: that counts for all its sessions. */
static bool logged_in(const struct token_session *session)
{
    CK_SESSION_INFO info;
    return session->module->C_GetSessionInfo(session->handle, &info) == CKR_OK &&
           (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS);
}

err_t token_login(struct token_session *session, const struct token_options *options)
{
    if ((session->info.flags & CKF_LOGIN_REQUIRED) == 0 || logged_in(session))
        return ERR_OK;
    struct secret *pin = NULL;
    struct span bytes = {NULL, 0};
    if ((session->info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0) {
        err_t err = find_pin(session, options, &pin);
        if (err != ERR_OK)
            return err;
        bytes = secret_bytes(pin);
    }
    CK_RV rv =
        session->module->C_Login(session->handle, CKU_USER, (CK_UTF8CHAR *)bytes.ptr, bytes.len);
    session->pin = pin; /* the provider may need it (store.c) */
    return rv == CKR_USER_ALREADY_LOGGED_IN ? ERR_OK
                                            : token_rv(session->uri->shown, "cannot log in", rv);
}

void token_session_forget_pin(struct token_session *session)
{
    secret_free(session->pin);
    secret_free(session->uri->pin_value);
    session->pin = session->uri->pin_value = NULL;
}
