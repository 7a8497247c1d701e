/* SPDX-License-Identifier: MIT
 *
 * Reading and decoding values. OpenSSL decodes, in one step and in place of ours: its streaming
 * decoder would keep a copy.
 */
#include "value.h"

#include "base/log.h"
#include "base/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

/* Of the first len bytes. */
static err_t copy_of(const struct secret *from, size_t len, struct secret **ret_copy)
{
    struct secret *copy = NULL;
    err_t err = len > 0 ? secret_new(len, &copy) : ERR_ARGUMENTS;
    if (err != ERR_OK)
        return err;
    memcpy(secret_writable(copy), secret_bytes(from).ptr, len);
    *ret_copy = copy;
    return ERR_OK;
}

/* ---- decoding ---- */

/* Without blanks, line ends and what else may stand between; with a NUL behind it, which OpenSSL
 * wants. */
static err_t compact(
    struct span text, const char *between, struct secret **ret_text, size_t *ret_len)
{
    struct secret *dense = NULL;
    size_t len = 0;
    if (memchr(text.ptr, '\0', text.len) != NULL)
        return ERR_ARGUMENTS;
    err_t err = secret_new(text.len + 1, &dense);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < text.len; i++)
        if (strchr(between, text.ptr[i]) == NULL)
            secret_writable(dense)[len++] = text.ptr[i];
    *ret_text = dense;
    *ret_len = len;
    return ERR_OK;
}

static err_t decode_hex(struct span text, struct secret **ret_value)
{
    struct secret *dense = NULL;
    struct secret *bytes = NULL;
    size_t len = 0;
    size_t value_len = 0;
    err_t err = compact(text, " \t\r\n:", &dense, &len);
    if (err == ERR_OK)
        err = len >= 2 ? secret_new(len / 2, &bytes) : ERR_ARGUMENTS;
    if (err == ERR_OK && OPENSSL_hexstr2buf_ex(secret_writable(bytes), len / 2, &value_len,
                             (const char *)secret_bytes(dense).ptr, '\0') != 1)
        err = ERR_ARGUMENTS;
    if (err == ERR_OK)
        err = copy_of(bytes, value_len, ret_value);
    secret_free(bytes);
    secret_free(dense);
    return err;
}

/* RFC 4648, section 4: '=' at the end only, and at most two. OpenSSL takes '=' for an A. */
static bool padding_of(struct span dense, size_t *ret_padding)
{
    size_t padding = 0;
    while (padding < dense.len && padding < 2 && dense.ptr[dense.len - 1 - padding] == '=')
        padding++;
    *ret_padding = padding;
    return dense.len > 0 && dense.len % 4 == 0 &&
           memchr(dense.ptr, '=', dense.len - padding) == NULL &&
           memchr(dense.ptr, '-', dense.len) == NULL; /* where OpenSSL would stop */
}

static err_t decode_base64(struct span text, struct secret **ret_value)
{
    struct secret *dense = NULL;
    struct secret *bytes = NULL;
    size_t len = 0;
    size_t padding = 0;
    err_t err = compact(text, " \t\r\n", &dense, &len);
    if (err == ERR_OK && !padding_of(span_of(secret_bytes(dense).ptr, len), &padding))
        err = ERR_ARGUMENTS;
    if (err == ERR_OK)
        err = secret_new(len / 4 * 3, &bytes);
    if (err == ERR_OK && EVP_DecodeBlock(secret_writable(bytes), secret_bytes(dense).ptr,
                             (int)len) != (int)(len / 4 * 3))
        err = ERR_ARGUMENTS;
    if (err == ERR_OK)
        err = copy_of(bytes, len / 4 * 3 - padding, ret_value);
    secret_free(bytes);
    secret_free(dense);
    return err;
}

static err_t decode_raw(struct span text, struct secret **ret_value)
{
    err_t err = secret_new(text.len, ret_value);
    if (err == ERR_OK)
        memcpy(secret_writable(*ret_value), text.ptr, text.len);
    return err;
}

err_t value_decode(enum value_form form, struct span text, struct secret **ret_value)
{
    static err_t (*const decode[])(struct span text, struct secret * *ret_value) = {
        [VALUE_RAW] = decode_raw, [VALUE_HEX] = decode_hex, [VALUE_BASE64] = decode_base64};
    return text.len > 0 ? decode[form](text, ret_value) : ERR_ARGUMENTS;
}

/* ---- reading ---- */

/* All of it: a newline may be a key's last byte. */
static err_t read_all(int fd, const char *name, struct secret **ret_text)
{
    struct secret *room = NULL;
    err_t err = secret_new(VALUE_TEXT_MAX, &room);
    size_t used = 0;
    while (err == ERR_OK && used < VALUE_TEXT_MAX) {
        ssize_t n = read(fd, secret_writable(room) + used, VALUE_TEXT_MAX - used);
        if (n == 0)
            break;
        if (n > 0) {
            used += (size_t)n;
        } else if (errno != EINTR) {
            log_error("%s: %s", name, strerror(errno));
            err = ERR_SYSTEM;
        }
    }
    if (err == ERR_OK && (used == 0 || used == VALUE_TEXT_MAX)) {
        log_error("%s: %s", name, used == 0 ? "holds no value" : "is longer than any key");
        err = ERR_KEY_SIZE;
    }
    if (err == ERR_OK)
        err = copy_of(room, used, ret_text);
    secret_free(room);
    return err;
}

static err_t read_file(const char *file, struct secret **ret_text)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        log_error("%s: %s", file, strerror(errno));
        return errno == ENOENT ? ERR_OBJECT_GONE : ERR_DENIED;
    }
    err_t err = read_all(fd, file, ret_text);
    (void)close(fd);
    return err;
}

err_t value_read(const char *file, enum value_form form, struct secret **ret_value)
{
    static const char *const names[] = {"as it is", "in hexadecimal", "in base64"};
    struct secret *text = NULL;
    err_t err;
    if (file != NULL) {
        err = read_file(file, &text);
    } else if (isatty(STDIN_FILENO)) {
        err = prompt_secret("value of the key: ", VALUE_TEXT_MAX - 1, &text);
        if (err != ERR_OK)
            log_error("no value was given");
    } else {
        err = read_all(STDIN_FILENO, "standard input", &text);
    }
    if (err != ERR_OK)
        return err;
    err = value_decode(form, secret_bytes(text), ret_value);
    secret_free(text);
    if (err == ERR_ARGUMENTS) {
        log_error("the value is not written %s", names[form]);
        err = ERR_ATTRIBUTE_VALUE;
    }
    return err;
}
