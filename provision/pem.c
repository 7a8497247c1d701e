/* SPDX-License-Identifier: MIT
 *
 * Certificates and requests in files.
 */
#include "certificate.h"

#include "file.h"

#include "base/log.h"

#include <openssl/err.h>
#include <openssl/pem.h>

typedef void *read_pem(BIO *bio);

static void *read_certificate(BIO *bio)
{
    return PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

static void *read_request(BIO *bio)
{
    return PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
}

static err_t read_file(const char *path, read_pem *read, const char *what, void **ret_object)
{
    struct span bytes = {NULL, 0};
    err_t err = file_read(path, &bytes);
    if (err != ERR_OK)
        return err;
    BIO *bio = BIO_new_mem_buf(bytes.ptr, (int)bytes.len);
    void *object = bio != NULL ? read(bio) : NULL;
    BIO_free(bio);
    file_free(bytes);
    ERR_clear_error();
    if (object == NULL) {
        log_error("%s: has no %s in PEM that can be read", path, what);
        return ERR_INPUT;
    }
    *ret_object = object;
    return ERR_OK;
}

err_t certificate_read(const char *path, X509 **ret_certificate)
{
    void *object = NULL;
    err_t err = read_file(path, read_certificate, "certificate", &object);
    if (err == ERR_OK)
        *ret_certificate = object;
    return err;
}

err_t certificate_read_request(const char *path, X509_REQ **ret_request)
{
    void *object = NULL;
    err_t err = read_file(path, read_request, "certificate request", &object);
    if (err == ERR_OK)
        *ret_request = object;
    return err;
}

err_t certificate_write(const char *path, const X509 *certificate, bool force)
{
    BIO *bio = BIO_new(BIO_s_mem());
    err_t err = ERR_MEMORY;
    if (bio != NULL && PEM_write_bio_X509(bio, certificate) == 1) {
        char *bytes = NULL;
        long len = BIO_get_mem_data(bio, &bytes);
        err = file_write(path, span_of(bytes, (size_t)len), 0644, force);
    }
    BIO_free(bio);
    return err;
}
