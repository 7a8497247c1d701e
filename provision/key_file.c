/* SPDX-License-Identifier: MIT
 *
 * Signing keys in files, for a CA host without a token. Encoded keys and passphrases stand only in
 * memory that is wiped.
 */
#include "signer_private.h"

#include "certificate.h"
#include "file.h"
#include "passphrase.h"

#include "base/log.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <stdlib.h>
#include <string.h>

/* Of PBKDF2: OpenSSL's own choice, 2048, costs a guesser nothing any more. */
enum { ROUNDS = 600000, SALT_SIZE = 16 };

/* A key of a file as a signer. Takes key. */
static err_t wrap(EVP_PKEY *key, const char *path, struct signer **ret_signer)
{
    struct signer *signer = calloc(1, sizeof *signer);
    char *place = strdup(path);
    if (signer == NULL || place == NULL || EVP_PKEY_up_ref(key) != 1) {
        EVP_PKEY_free(key);
        free(signer);
        free(place);
        return ERR_MEMORY;
    }
    signer->key = key;
    signer->public_key = key;
    signer->place = place;
    *ret_signer = signer;
    return ERR_OK;
}

err_t signer_read(const char *path, const char *passphrase_file, struct signer **ret_signer)
{
    struct span bytes = {NULL, 0};
    struct passphrase passphrase = {.file = passphrase_file, .subject = path};
    err_t err = file_read(path, &bytes);
    if (err != ERR_OK)
        return err;
    BIO *bio = BIO_new_mem_buf(bytes.ptr, (int)bytes.len);
    EVP_PKEY *key =
        bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, passphrase_callback, &passphrase) : NULL;
    BIO_free(bio);
    file_free(bytes);
    ERR_clear_error();
    if (key == NULL) {
        if (passphrase.err == ERR_OK)
            log_error("%s: has no private key in PEM that can be read%s", path,
                passphrase.asked ? "; is the passphrase right?" : "");
        return passphrase.err != ERR_OK ? passphrase.err
               : passphrase.asked       ? ERR_PIN_INCORRECT
                                        : ERR_INPUT;
    }
    err = certificate_expect_p256(key, path);
    if (err != ERR_OK) {
        EVP_PKEY_free(key);
        return err;
    }
    return wrap(key, path, ret_signer);
}

static bool write_sealed(BIO *bio, EVP_PKEY *key, struct span passphrase)
{
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
    X509_SIG *sealed = plain != NULL
                           ? PKCS8_encrypt(-1, EVP_aes_256_cbc(), (const char *)passphrase.ptr,
                                 (int)passphrase.len, NULL, SALT_SIZE, ROUNDS, plain)
                           : NULL;
    bool written = sealed != NULL && PEM_write_bio_PKCS8(bio, sealed) == 1;
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(plain); /* which wipes it */
    return written;
}

static bool write_plain(BIO *bio, EVP_PKEY *key)
{
    return PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
}

/* Memory of this BIO is wiped when it is freed or grows. */
static err_t write_key(EVP_PKEY *key, const char *path, const struct secret *passphrase)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    err_t err = ERR_MEMORY;
    if (bio != NULL && (passphrase != NULL ? write_sealed(bio, key, secret_bytes(passphrase))
                                           : write_plain(bio, key))) {
        char *bytes = NULL;
        long len = BIO_get_mem_data(bio, &bytes);
        err = file_write(path, span_of(bytes, (size_t)len), 0600, false);
    }
    BIO_free(bio);
    return err;
}

err_t signer_write(
    const char *path, bool encrypt, const char *passphrase_file, struct signer **ret_signer)
{
    struct secret *passphrase = NULL;
    struct signer *signer = NULL;
    err_t err = file_expect_free(path, false);
    if (err == ERR_OK && (encrypt || passphrase_file != NULL))
        err = passphrase_choose(passphrase_file, path, &passphrase);
    if (err != ERR_OK)
        return err;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    err = key != NULL ? wrap(key, path, &signer) : ERR_MEMORY;
    if (err == ERR_OK)
        err = write_key(key, path, passphrase);
    secret_free(passphrase);
    if (err != ERR_OK) {
        signer_close(signer);
        return err;
    }
    signer->made_file = true;
    *ret_signer = signer;
    return ERR_OK;
}
