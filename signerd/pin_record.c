/* SPDX-License-Identifier: MIT
 *
 * PBKDF2 with HMAC-SHA256 (OpenSSL). It wants no memory, unlike scrypt: a worker whose memory is
 * locked may have little. Layout of the file: "SPIN", U32 version 1, U32 rounds, salt, hash of the
 * PIN, hash of the FILE.
 */
#include "pin_record.h"

#include "base/log.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    ROUNDS = 100000,
    ROUNDS_MAX = 10000000, /* a record that asks for more would be a way to stop the worker */
    VERSION = 1,
    RECORD_SIZE = 4 + 4 + 4 + PIN_RECORD_SALT + 2 * PIN_RECORD_HASH,
};
static const char magic[4] = {'S', 'P', 'I', 'N'};
static const char file_name[] = "client-pin";
static const char new_name[] = "client-pin.new";

/* What is hashed: one salt for both, with a letter behind it. */
enum what { THE_PIN = 'p', THE_FILE = 'f' };

static bool hash(const struct pin_record *record, enum what what, struct span text,
    uint8_t ret_hash[PIN_RECORD_HASH])
{
    uint8_t salt[PIN_RECORD_SALT + 1];
    memcpy(salt, record->salt, PIN_RECORD_SALT);
    salt[PIN_RECORD_SALT] = (uint8_t)what;
    return PKCS5_PBKDF2_HMAC(text.len > 0 ? (const char *)text.ptr : "", (int)text.len, salt,
               sizeof salt, (int)record->rounds, EVP_sha256(), PIN_RECORD_HASH, ret_hash) == 1;
}

static bool is_hash_of(const struct pin_record *record, enum what what, struct span text,
    const uint8_t wanted[PIN_RECORD_HASH])
{
    uint8_t got[PIN_RECORD_HASH];
    bool same = hash(record, what, text, got) &&
                secret_equal(span_of(got, sizeof got), span_of(wanted, PIN_RECORD_HASH));
    secret_wipe(got, sizeof got);
    return same;
}

err_t pin_record_make(struct span pin, struct span file_pin, struct pin_record *ret_record)
{
    struct pin_record record = {.rounds = ROUNDS};
    if (getrandom(record.salt, sizeof record.salt, 0) != (ssize_t)sizeof record.salt)
        return ERR_SYSTEM;
    if (!hash(&record, THE_PIN, pin, record.pin_hash) ||
        !hash(&record, THE_FILE, file_pin, record.file_hash))
        return ERR_INTERNAL;
    *ret_record = record;
    return ERR_OK;
}

bool pin_record_is_of(const struct pin_record *record, struct span pin)
{
    return is_hash_of(record, THE_PIN, pin, record->pin_hash);
}

bool pin_record_follows(const struct pin_record *record, struct span file_pin)
{
    return is_hash_of(record, THE_FILE, file_pin, record->file_hash);
}

/* ---- the file ---- */

static void take(struct reader *r, uint8_t *to, size_t len)
{
    struct span bytes = read_span(r, len);
    if (!r->failed)
        memcpy(to, bytes.ptr, len);
}

err_t pin_record_parse(struct span bytes, struct pin_record *ret_record)
{
    struct pin_record record = {0};
    struct reader r = reader_of(bytes);
    bool known = span_equal(read_span(&r, sizeof magic), span_of(magic, sizeof magic));
    known = read_uint(&r, 4) == VERSION && known;
    record.rounds = (uint32_t)read_uint(&r, 4);
    take(&r, record.salt, sizeof record.salt);
    take(&r, record.pin_hash, sizeof record.pin_hash);
    take(&r, record.file_hash, sizeof record.file_hash);
    if (!reader_finished(&r) || !known || record.rounds == 0 || record.rounds > ROUNDS_MAX)
        return ERR_INPUT;
    *ret_record = record;
    return ERR_OK;
}

err_t pin_record_read(int directory, struct pin_record *ret_record)
{
    uint8_t bytes[RECORD_SIZE + 1];
    int fd = openat(directory, file_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? ERR_FILE : ERR_INPUT;
    ssize_t len = read(fd, bytes, sizeof bytes);
    (void)close(fd);
    return len < 0 ? ERR_INPUT : pin_record_parse(span_of(bytes, (size_t)len), ret_record);
}

static bool write_new(int directory, struct span bytes)
{
    (void)unlinkat(directory, new_name, 0); /* of a worker that was killed */
    int fd = openat(directory, new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool done = write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len && fsync(fd) == 0;
    return close(fd) == 0 && done;
}

err_t pin_record_write(int directory, const struct pin_record *record)
{
    uint8_t bytes[RECORD_SIZE];
    struct writer w = writer_of(bytes, sizeof bytes);
    write_span(&w, span_of(magic, sizeof magic));
    write_uint(&w, 4, VERSION);
    write_uint(&w, 4, record->rounds);
    write_span(&w, span_of(record->salt, sizeof record->salt));
    write_span(&w, span_of(record->pin_hash, sizeof record->pin_hash));
    write_span(&w, span_of(record->file_hash, sizeof record->file_hash));
    if (writer_failed(&w))
        return ERR_INTERNAL;
    if (write_new(directory, writer_bytes(&w)) &&
        renameat(directory, new_name, directory, file_name) == 0) {
        if (fsync(directory) != 0) /* it counts now; a power cut may bring back the one before */
            log_warning("the client PIN may not be on the disk: %s", strerror(errno));
        return ERR_OK;
    }
    log_error("the client PIN cannot be kept: %s: %s", file_name, strerror(errno));
    (void)unlinkat(directory, new_name, 0);
    return ERR_SYSTEM;
}

err_t pin_record_remove(int directory)
{
    if (unlinkat(directory, file_name, 0) != 0 && errno != ENOENT)
        return ERR_SYSTEM;
    return ERR_OK;
}
