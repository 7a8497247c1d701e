/* SPDX-License-Identifier: MIT
 *
 * The commands and their options as tables: --help, parsing and the manual page's test all read
 * them. A secret is never an option's value, only the name of a file that holds one.
 */
#ifndef SIGNERCTL_OPTIONS_H
#define SIGNERCTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { OPTIONS_ARGUMENTS_MAX = 10240 };

/* What the command line says; NULL and false where it says nothing. */
struct options {
    const char *device;
    const char *pin_file;
    const char *type;
    const char *use;
    const char *file;
    const char *user;
    const char *group;
    const char *operation;
    const char *key;
    const char *state_dir;
    const char *expect_last;
    bool json;
    bool yes;
    bool extractable;
    bool hex;
    bool base64;
    bool raw;
    bool with_certificate;
    size_t count; /* words that are no option */
    char **words;
};

struct option_row {
    const char *name;    /* without the dashes */
    const char *value;   /* what --help calls its value; NULL: a flag */
    size_t offset;       /* in struct options: of a const char * or a bool */
    const char *meaning; /* for --help */
};

struct command {
    const char *name;  /* "keys list" */
    const char *words; /* what --help calls them */
    size_t least_words;
    size_t most_words;
    const struct option_row *rows;
    size_t row_count;
    int (*run)(const struct options *options); /* returns the exit code */
    const char *meaning;                       /* one line */
    const char *more;                          /* more lines, for the command's own --help */
};

/* Takes apart what stands behind the command's name: argv[0] is that name. True: go on. False: the
 * help was printed, or what is wrong was; *ret_exit is the exit code. */
bool options_parse(const struct command *command, int argc, char **argv,
    struct options *ret_options, int *ret_exit);

void options_print_help(const struct command *command);

#endif
