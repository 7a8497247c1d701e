/* SPDX-License-Identifier: MIT
 *
 * The table of options: which command knows and needs which.
 */
#include "options.h"

#include "base/log.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum kind { FLAG, TEXT, NUMBER, LIST };

struct row {
    const char *name;
    const char *value; /* what --help calls it; NULL: a flag */
    enum kind kind;
    size_t offset;
    unsigned commands; /* COMMAND_ bits: who knows it */
    unsigned needed;   /* who cannot do without */
    const char *meaning;
};

#define AT(member) offsetof(struct options, member)
enum {
    CA = COMMAND_CA_CREATE,
    KEY = COMMAND_KEY_CREATE,
    CSR = COMMAND_CSR,
    SIGN = COMMAND_CERT_SIGN,
    STORE = COMMAND_CERT_STORE,
};

static const struct row rows[] = {
    {"key", "URI", TEXT, AT(key), CA | CSR | STORE, CSR | STORE, "the key, in its token"},
    {"key-file", "FILE", TEXT, AT(key_file), CA, 0, "the key in a new file instead"},
    {"existing", NULL, FLAG, AT(existing), CA, 0, "take the key of URI that is there already"},
    {"ca", "FILE", TEXT, AT(ca), SIGN, SIGN, "the CA's certificate"},
    {"ca-key", "URI", TEXT, AT(ca_key), SIGN, 0, "the CA's key, in its token"},
    {"ca-key-file", "FILE", TEXT, AT(ca_key_file), SIGN, 0, "the CA's key in a file instead"},
    {"encrypt", NULL, FLAG, AT(encrypt), CA, 0, "ask for a passphrase, and encrypt the key file"},
    {"passphrase-file", "FILE", TEXT, AT(passphrase_file), CA | SIGN, 0,
        "take the passphrase of the key file from FILE"},
    {"subject", "NAME", TEXT, AT(subject), CA | CSR, CA | CSR,
        "/CN=gate 7/O=Example, or CN=gate 7,O=Example"},
    {"san", "TYPE:VALUE", LIST, AT(names), CSR, 0,
        "one more name: DNS:, URI:, IP: or email:; may be repeated"},
    {"csr", "FILE", TEXT, AT(csr), SIGN, SIGN, "the request to be granted"},
    {"profile", "NAME", TEXT, AT(profile), SIGN, 0, "client (default) or server"},
    {"days", "N", NUMBER, AT(days), CA | SIGN, SIGN, "how long it is valid (CA: 3650)"},
    {"cert", "FILE", TEXT, AT(cert), STORE, STORE, "the certificate"},
    {"replace", NULL, FLAG, AT(replace), STORE, 0, "remove another certificate of the key"},
    {"out", "FILE", TEXT, AT(out), CA | CSR | SIGN, CA | CSR | SIGN, "where the result is written"},
    {"force", NULL, FLAG, AT(force), CA | CSR | SIGN, 0, "overwrite the file of --out"},
    {"json", NULL, FLAG, AT(json), CA | KEY | CSR | SIGN | STORE, 0, "print the result as JSON"},
};

enum { ROWS = sizeof rows / sizeof rows[0], HELP = ROWS };

static void print_help(const struct command *command)
{
    printf("Usage: signerd-provision %s %s\n%s\n\n%s\n", command->name, command->synopsis,
        command->meaning, command->more);
    for (size_t i = 0; i < ROWS; i++) {
        if ((rows[i].commands & command->bit) == 0)
            continue;
        char left[40];
        (void)snprintf(
            left, sizeof left, "--%s %s", rows[i].name, rows[i].value != NULL ? rows[i].value : "");
        printf("  %-24s %s\n", left, rows[i].meaning);
    }
    printf("  %-24s %s\n", "--help", "print this");
}

static int wrong(const struct command *command, const char *what, const char *name)
{
    log_error(
        "%s: %s%s; try: signerd-provision %s --help", command->name, what, name, command->name);
    return EX_USAGE;
}

static bool take_number(const char *text, long *ret_number)
{
    char *end = NULL;
    long number = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || number < 1 || number > OPTIONS_DAYS_MAX)
        return false;
    *ret_number = number;
    return true;
}

/* False: it is there already, there are too many of it, or it is no number. */
static bool take(const struct row *row, const char *value, struct options *options)
{
    void *member = (char *)options + row->offset;
    const char **text = member;
    bool *flag = member;
    switch (row->kind) {
    case FLAG:
        *flag = true;
        return true;
    case TEXT:
        if (*text != NULL || *value == '\0')
            return false;
        *text = value;
        return true;
    case NUMBER:
        return take_number(value, member);
    case LIST:
        if (options->name_count == OPTIONS_NAMES_MAX)
            return false;
        text[options->name_count++] = value;
        return true;
    }
    return false;
}

static bool is_there(const struct row *row, const struct options *options)
{
    const void *member = (const char *)options + row->offset;
    const char *const *text = member;
    const long *number = member;
    return row->kind == TEXT ? *text != NULL : *number != 0;
}

/* What getopt_long needs, made from the rows of this command: val is the row's place. */
static void long_options(const struct command *command, struct option ret_long[ROWS + 2])
{
    size_t count = 0;
    for (size_t i = 0; i < ROWS; i++)
        if ((rows[i].commands & command->bit) != 0)
            ret_long[count++] = (struct option){rows[i].name,
                rows[i].kind == FLAG ? no_argument : required_argument, NULL, (int)i + 1};
    ret_long[count++] = (struct option){"help", no_argument, NULL, HELP + 1};
    ret_long[count] = (struct option){NULL, 0, NULL, 0};
}

/* What is left behind the options: the URI of key create, and nothing else. */
static bool take_words(
    const struct command *command, int count, char **words, struct options *options, int *ret_exit)
{
    int wanted = (command->bit & COMMAND_KEY_CREATE) != 0 ? 1 : 0;
    if (count == wanted) {
        options->uri = count > 0 ? words[0] : NULL;
        return true;
    }
    *ret_exit = count < wanted ? wrong(command, "a URI is missing", "")
                               : wrong(command, "a word too many, behind the options", "");
    return false;
}

bool options_parse(const struct command *command, int argc, char **argv,
    struct options *ret_options, int *ret_exit)
{
    struct option long_rows[ROWS + 2];
    struct options options = {0};
    int option = 0;
    long_options(command, long_rows);
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_rows, NULL)) != -1) {
        if (option == HELP + 1) {
            print_help(command);
            *ret_exit = EX_OK;
            return false;
        }
        if (option < 1 || option > ROWS) {
            *ret_exit = wrong(command, "unknown, or without its value: ", argv[optind - 1]);
            return false;
        }
        if (!take(&rows[option - 1], optarg, &options)) {
            *ret_exit = wrong(command, "no good value, or given twice: --", rows[option - 1].name);
            return false;
        }
    }
    for (size_t i = 0; i < ROWS; i++) {
        if ((rows[i].needed & command->bit) != 0 && !is_there(&rows[i], &options)) {
            *ret_exit = wrong(command, "missing: --", rows[i].name);
            return false;
        }
    }
    if (!take_words(command, argc - optind, argv + optind, &options, ret_exit))
        return false;
    *ret_options = options;
    return true;
}
