/* SPDX-License-Identifier: MIT
 *
 * Secrets in pages of their own. Used by the worker for PINs and by the module for a login ticket.
 */
#include "secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SECRET_MAX = 4 << 20 };

struct secret {
    size_t mapped;
    size_t len;
    uint8_t bytes[];
};

err_t secret_new(size_t size, struct secret **ret_secret)
{
    if (size == 0 || size > SECRET_MAX)
        return ERR_ARGUMENTS;
    size_t mapped = sizeof(struct secret) + size;
    struct secret *secret =
        mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (secret == MAP_FAILED)
        return ERR_MEMORY;
    (void)mlock(
        secret, mapped); /* a low RLIMIT_MEMLOCK is told once, by whoever set the process up */
    (void)madvise(secret, mapped, MADV_DONTDUMP);
    (void)madvise(secret, mapped, MADV_WIPEONFORK);
    secret->mapped = mapped;
    secret->len = size;
    *ret_secret = secret;
    return ERR_OK;
}

err_t secret_read(int fd, size_t max, struct secret **ret_secret)
{
    struct secret *secret = NULL;
    err_t err = secret_new(max + 1, &secret);
    if (err != ERR_OK)
        return err;

    size_t used = 0;
    while (used < max + 1) {
        ssize_t n = read(fd, secret->bytes + used, max + 1 - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err = ERR_SYSTEM;
            goto out;
        }
        if (n == 0)
            break;
        used += (size_t)n;
    }
    if (used > 0 && used <= max && secret->bytes[used - 1] == '\n')
        used--;
    if (used == 0 || used > max) {
        err = ERR_CONFIG;
        goto out;
    }
    secret->len = used;
    *ret_secret = secret;
    secret = NULL;
out:
    secret_free(secret);
    return err;
}

struct span secret_bytes(const struct secret *secret)
{
    return span_of(secret->bytes, secret->len);
}

uint8_t *secret_writable(struct secret *secret)
{
    return secret->bytes;
}

void secret_free(struct secret *secret)
{
    if (secret == NULL)
        return;
    size_t mapped = secret->mapped;
    explicit_bzero(secret, mapped);
    (void)munmap(secret, mapped);
}

void secret_wipe(void *ptr, size_t len)
{
    explicit_bzero(ptr, len);
}

void secret_wipe_span(struct span bytes)
{
    if (bytes.len > 0)
        explicit_bzero((uint8_t *)bytes.ptr, bytes.len);
}

bool secret_equal(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    unsigned difference = 0;
    for (size_t i = 0; i < a.len; i++)
        difference |= (unsigned)(a.ptr[i] ^ b.ptr[i]);
    return difference == 0;
}
