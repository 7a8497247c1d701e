/* SPDX-License-Identifier: MIT
 *
 * Client PIN and tickets: HMAC-SHA256 (OpenSSL) throughout.
 */
#include "login.h"

#include "pin_record.h"

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
    int directory;
    const char *device;
    struct secret *file_pin;
    struct secret *set_pin; /* NULL: none was set, or nobody has given it since the start */
    bool has_record;
    struct pin_record record;
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

/* The ticket key: the MAC of what stands for the PIN under the kept random key. */
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

/* A record that cannot be read must not give way to the PIN of FILE, which somebody has changed. */
static err_t read_record(struct login *login)
{
    err_t err = pin_record_read(login->directory, &login->record);
    if (err == ERR_FILE)
        return ERR_OK;
    if (err != ERR_OK) {
        log_error("the client PIN that was set cannot be read: remove 'client-pin' of the device's "
                  "state directory, and the PIN of signerd.conf counts again");
        return ERR_SYSTEM;
    }
    login->has_record = pin_record_follows(&login->record, secret_bytes(login->file_pin));
    if (login->has_record)
        return ERR_OK;
    log_info(
        "the file of client-pin holds another PIN: the one that was set before counts no more");
    return pin_record_remove(login->directory);
}

/* What the ticket key is made from: another one after each change of the PIN. */
static struct span stands_for_pin(const struct login *login)
{
    return login->has_record ? span_of(login->record.pin_hash, sizeof login->record.pin_hash)
                             : secret_bytes(login->file_pin);
}

err_t login_new(
    int directory, const char *device, struct secret *file_pin, struct login **ret_login)
{
    struct login *login = calloc(1, sizeof *login);
    if (login == NULL)
        return ERR_MEMORY;
    login->directory = directory;
    login->device = device;
    login->file_pin = file_pin;
    err_t err = read_record(login);
    if (err == ERR_OK)
        err = read_key(directory, stands_for_pin(login), &login->key);
    if (err != ERR_OK) {
        free(login);
        return err;
    }
    read_boot_id(login->boot_id);
    *ret_login = login;
    return ERR_OK;
}

void login_free(struct login *login)
{
    if (login == NULL)
        return;
    secret_free(login->file_pin);
    secret_free(login->set_pin);
    secret_free(login->key);
    secret_wipe(login, sizeof *login);
    free(login);
}

/* Compared as MACs, so that time tells nothing, not even the length. */
static bool is_same(const struct login *login, const struct secret *pin, struct span given)
{
    uint8_t right_mac[LOGIN_TICKET_SIZE];
    uint8_t given_mac[LOGIN_TICKET_SIZE];
    struct span key = secret_bytes(login->key);
    return mac(key, secret_bytes(pin), right_mac) && mac(key, given, given_mac) &&
           secret_equal(span_of(right_mac, sizeof right_mac), span_of(given_mac, sizeof given_mac));
}

static err_t copy_secret(struct span bytes, struct secret **ret_secret)
{
    err_t err = secret_new(bytes.len, ret_secret);
    if (err == ERR_OK)
        memcpy(secret_writable(*ret_secret), bytes.ptr, bytes.len);
    return err;
}

/* The slow hash is for whoever gets hold of the record. Here it is asked until it has been right
 * once: wrong PINs shall not keep the worker from its work. */
bool login_pin_is_right(struct login *login, struct span pin)
{
    if (!login->has_record)
        return is_same(login, login->file_pin, pin);
    if (login->set_pin != NULL)
        return is_same(login, login->set_pin, pin);
    if (pin.len == 0 || pin.len > LOGIN_PIN_MAX || !pin_record_is_of(&login->record, pin))
        return false;
    (void)copy_secret(pin, &login->set_pin); /* without it the next question is slow again */
    return true;
}

err_t login_set_pin(struct login *login, struct span pin)
{
    struct login next = *login;
    if (pin.len == 0 || pin.len > LOGIN_PIN_MAX)
        return ERR_PIN_LENGTH;
    next.has_record = true;
    next.set_pin = NULL;
    next.key = NULL;
    err_t err = copy_secret(pin, &next.set_pin);
    if (err == ERR_OK)
        err = pin_record_make(pin, secret_bytes(login->file_pin), &next.record);
    if (err == ERR_OK)
        err = read_key(login->directory, stands_for_pin(&next), &next.key);
    if (err == ERR_OK)
        err = pin_record_write(login->directory, &next.record);
    if (err != ERR_OK) {
        secret_free(next.set_pin);
        secret_free(next.key);
        return err;
    }
    secret_free(login->set_pin);
    secret_free(login->key);
    *login = next;
    return ERR_OK;
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
