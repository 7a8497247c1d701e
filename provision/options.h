/* SPDX-License-Identifier: MIT
 *
 * The commands and their options, one table each: --help, parsing and the manual page's test all
 * read them. A PIN or passphrase is never the value of an option.
 */
#ifndef PROVISION_OPTIONS_H
#define PROVISION_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { OPTIONS_NAMES_MAX = 32, OPTIONS_DAYS_MAX = 36500 };

/* What the command line says; NULL, 0 and false where it says nothing. */
struct options {
    const char *uri; /* the word that is no option (key create) */
    const char *key;
    const char *key_file;
    const char *ca;
    const char *ca_key;
    const char *ca_key_file;
    const char *passphrase_file;
    const char *subject;
    const char *csr;
    const char *cert;
    const char *profile;
    const char *out;
    const char *names[OPTIONS_NAMES_MAX]; /* --san, as often as it is given */
    size_t name_count;
    long days;
    bool existing;
    bool encrypt;
    bool replace;
    bool force;
    bool json;
};

struct command {
    const char *name;                          /* "ca create" */
    const char *synopsis;                      /* what --help shows behind the name */
    const char *meaning;                       /* one line */
    const char *more;                          /* for the command's own --help */
    unsigned bit;                              /* in the option table's column */
    int (*run)(const struct options *options); /* returns the exit code */
};

/* Bits of that column: which commands know an option. */
enum {
    COMMAND_CA_CREATE = 1,
    COMMAND_KEY_CREATE = 2,
    COMMAND_CSR = 4,
    COMMAND_CERT_SIGN = 8,
    COMMAND_CERT_STORE = 16,
};

/* argv[0] is the command's last word. True: go on. False: the help was printed, or what is wrong
 * was; *ret_exit is the exit code. */
bool options_parse(const struct command *command, int argc, char **argv,
    struct options *ret_options, int *ret_exit);

#endif
