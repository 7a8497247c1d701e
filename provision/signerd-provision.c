/* SPDX-License-Identifier: MIT
 *
 * signerd-provision: from nothing to a device with a key and a certificate in its token. This file
 * is the table of its commands.
 */
#include "commands.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>

static const struct command commands[] = {
    {"ca create", "--key URI|--key-file FILE --subject NAME --out FILE [OPTION]...",
        "Makes a CA of your own: a P-256 key and its certificate.",
        "The key is made in the token, under the name in URI, or in a new file.\n",
        COMMAND_CA_CREATE, run_ca_create},
    {"key create", "URI [OPTION]...", "Makes a P-256 key in a token, which it never leaves.",
        "URI names the token and, by object=, the key; without id= it gets a random one.\n"
        "Prints the public key and the key's URI.\n",
        COMMAND_KEY_CREATE, run_key_create},
    {"csr", "--key URI --subject NAME --out FILE [OPTION]...",
        "Makes a certificate request, signed by a token's key.", "", COMMAND_CSR, run_csr},
    {"cert sign", "--ca FILE --ca-key URI|--ca-key-file FILE --csr FILE --days N --out FILE",
        "The CA grants a request: subject and alternative names as asked for.",
        "The request's own signature must be right. The certificate is valid from ten minutes\n"
        "ago, for clocks that are behind, and ends no later than the CA's.\n",
        COMMAND_CERT_SIGN, run_cert_sign},
    {"cert store", "--key URI --cert FILE [OPTION]...",
        "Stores a certificate in the token, beside its key, with the same id and name.", "",
        COMMAND_CERT_STORE, run_cert_store},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(void)
{
    printf("Usage: signerd-provision COMMAND [OPTION]...\n"
           "Sets up keys and certificates in tokens, each named by its PKCS#11 URI.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-12s%s\n", commands[i].name, commands[i].meaning);
    printf(
        "\n"
        "  signerd-provision COMMAND --help   the options of a command\n"
        "  signerd-provision --version, --help\n\n"
        "Where a token needs a PIN, it is in a file that the URI names (?pin-source=/PATH), or it\n"
        "is asked for on the terminal. See signerd-provision(1).\n");
}

/* How many words at the beginning of argv are the command's name; 0: they are not. */
static int words_of(const struct command *command, int argc, char **argv)
{
    size_t first = strcspn(command->name, " ");
    if (argc < 1 || strlen(argv[0]) != first || strncmp(command->name, argv[0], first) != 0)
        return 0;
    if (command->name[first] == '\0')
        return 1;
    return argc >= 2 && strcmp(command->name + first + 1, argv[1]) == 0 ? 2 : 0;
}

/* A CA's key and passphrases may be in memory: no core file, no other process of the user looks. */
static void protect_memory(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

int main(int argc, char **argv)
{
    log_setup("signerd-provision", LOG_LEVEL_INFO);
    protect_memory();
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        print_help();
        return EX_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("signerd-provision " SIGNERD_VERSION "\n");
        return EX_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        int words = words_of(&commands[i], argc - 1, argv + 1);
        struct options options;
        int exit_code = EX_OK;
        if (words == 0)
            continue;
        return options_parse(&commands[i], argc - words, argv + words, &options, &exit_code)
                   ? commands[i].run(&options)
                   : exit_code;
    }
    log_error("%s%s; try: signerd-provision --help", argc > 1 ? "no such command: " : "no command",
        argc > 1 ? argv[1] : "");
    return EX_USAGE;
}
