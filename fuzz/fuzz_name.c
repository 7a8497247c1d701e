/* SPDX-License-Identifier: MIT
 *
 * Subjects of signerd-provision. Either the text is a name within all limits, or there is one
 * complaint (counted in place of the log: linked with --wrap=log_line); and what a name is printed
 * as in RFC 4514's form is read as the same name again.
 */
#include "fuzz.h"

#include "base/log.h"
#include "provision/name.h"

#include <string.h>

void __wrap_log_line(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static unsigned complaints;

void __wrap_log_line(enum log_level level, const char *format, ...)
{
    must(level == LOG_LEVEL_ERROR && format != NULL);
    complaints++;
}

static char *printed(const X509_NAME *name)
{
    char *bytes = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    must(bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0);
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = strndup(bytes, (size_t)len);
    must(text != NULL);
    BIO_free(bio);
    return text;
}

/* OpenSSL prints a type without a short name as a number, and its value as #hex, which we refuse.
 */
static void check_again(const X509_NAME *name)
{
    X509_NAME *again = NULL;
    char *text = printed(name);
    if (strchr(text, '#') == NULL) {
        must(name_parse(text, &again) == ERR_OK);
        must(X509_NAME_cmp(name, again) == 0);
        X509_NAME_free(again);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    must(text != NULL);
    X509_NAME *name = NULL;
    complaints = 0;
    err_t err = name_parse(text, &name);
    must((err == ERR_OK) == (complaints == 0) && (name != NULL) == (err == ERR_OK));
    if (err == ERR_OK) {
        must(X509_NAME_entry_count(name) >= 1 && X509_NAME_entry_count(name) <= NAME_PARTS_MAX);
        check_again(name);
    }
    X509_NAME_free(name);
    free(text);
    return 0;
}
