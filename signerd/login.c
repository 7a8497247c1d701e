/* SPDX-License-Identifier: MIT
 *
 * Client PIN and tickets: HMAC-SHA256 (OpenSSL) throughout.
 */
#include "login.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { KEY_SIZE = 32, BOOT_ID_SIZE = 36 };
static const char key_file[] = "ticket.key";

struct login {
    const char *device;
    struct secret *pin;
    struct secret *key;
    char boot_id[BOOT_ID_SIZE + 1];
};

static bool mac(struct span key, struct span data, uint8_t ret_mac[LOGIN_TICKET_SIZE])
{
    size_t len = 0;
    return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.ptr, key.len, data.ptr, data.len,
               ret_mac, LOGIN_TICKET_SIZE, &len) != NULL &&
           len == LOGIN_TICKET_SIZE;
}

static err_t make_key_file(int directory)
{
    uint8_t random[KEY_SIZE];
    err_t err = ERR_SYSTEM;
    int fd = openat(directory, key_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? ERR_OK : ERR_SYSTEM;
    if (getrandom(random, sizeof random, 0) == KEY_SIZE &&
        write(fd, random, KEY_SIZE) == KEY_SIZE && fsync(fd) == 0)
        err = ERR_OK;
    (void)close(fd);
    secret_wipe(random, sizeof random);
    return err;
}

/* The ticket key: the MAC of the PIN under the kept random key. */
static err_t read_key(int directory, struct span pin, struct secret **ret_key)
{
    struct secret *kept = NULL;
    struct secret *key = NULL;
    int fd = -1;
    err_t err = make_key_file(directory);
    if (err == ERR_OK)
        err = secret_new(KEY_SIZE, &kept);
    if (err == ERR_OK)
        err = secret_new(KEY_SIZE, &key);
    if (err != ERR_OK)
        goto out;
    fd = openat(directory, key_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || read(fd, secret_writable(kept), KEY_SIZE) != KEY_SIZE) {
        log_error("%s cannot be read, or is shorter than %d bytes: remove it", key_file, KEY_SIZE);
        err = ERR_SYSTEM;
        goto out;
    }
    if (!mac(secret_bytes(kept), pin, secret_writable(key))) {
        err = ERR_INTERNAL;
        goto out;
    }
    *ret_key = key;
    key = NULL;
out:
    if (fd >= 0)
        (void)close(fd);
    secret_free(kept);
    secret_free(key);
    return err;
}

static void read_boot_id(char boot_id[BOOT_ID_SIZE + 1])
{
    memset(boot_id, 0, BOOT_ID_SIZE + 1);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, boot_id, BOOT_ID_SIZE) != BOOT_ID_SIZE)
        log_warning("the boot id cannot be read; login tickets will not tell boots apart");
    if (fd >= 0)
        (void)close(fd);
}

err_t login_new(int directory, const char *device, struct secret *pin, struct login **ret_login)
{
    struct login *login = calloc(1, sizeof *login);
    if (login == NULL)
        return ERR_MEMORY;
    err_t err = read_key(directory, secret_bytes(pin), &login->key);
    if (err != ERR_OK) {
        free(login);
        return err;
    }
    login->device = device;
    login->pin = pin;
    read_boot_id(login->boot_id);
    *ret_login = login;
    return ERR_OK;
}

void login_free(struct login *login)
{
    if (login == NULL)
        return;
    secret_free(login->pin);
    secret_free(login->key);
    free(login);
}

/* Compared as MACs, so that time tells nothing, not even the length. */
bool login_pin_is_right(const struct login *login, struct span pin)
{
    uint8_t right[LOGIN_TICKET_SIZE];
    uint8_t given[LOGIN_TICKET_SIZE];
    struct span key = secret_bytes(login->key);
    return mac(key, secret_bytes(login->pin), right) && mac(key, pin, given) &&
           secret_equal(span_of(right, sizeof right), span_of(given, sizeof given));
}

err_t login_ticket(
    const struct login *login, const struct identity *who, uint8_t ret_ticket[LOGIN_TICKET_SIZE])
{
    uint8_t room[256];
    struct writer w = writer_of(room, sizeof room);
    write_span(&w, span_of_text("signerd ticket 1"));
    write_uint(&w, 4, who->uid);
    write_uint(&w, 4, who->pid);
    write_uint(&w, 8, who->start_time);
    write_span(&w, span_of_text(login->boot_id));
    write_span(&w, span_of_text(login->device));
    if (writer_failed(&w) || !mac(secret_bytes(login->key), writer_bytes(&w), ret_ticket))
        return ERR_INTERNAL;
    return ERR_OK;
}

bool login_ticket_is_right(
    const struct login *login, const struct identity *who, struct span ticket)
{
    uint8_t right[LOGIN_TICKET_SIZE];
    return login_ticket(login, who, right) == ERR_OK &&
           secret_equal(span_of(right, sizeof right), ticket);
}
