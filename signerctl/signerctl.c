/* SPDX-License-Identifier: MIT
 *
 * signerctl, the administrator's tool: what devices, clients and keys there are, what the rules
 * say, whether the audit log is whole. It is a client like any other: what it may do is what the
 * rules allow its user.
 */
#include "commands.h"
#include "output.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>

/* clang-format off */
#define FLAG(name, member, meaning) {name, NULL, offsetof(struct options, member), meaning}
#define TEXT(name, value, member, meaning) {name, value, offsetof(struct options, member), meaning}
#define JSON     FLAG("json", json, "print JSON")
#define DEVICE   TEXT("device", "NAME", device, "the device of this name alone")
#define PIN_FILE TEXT("pin-file", "FILE", pin_file, "the client PIN (else: a prompt, where one is wanted)")
#define USE      TEXT("use", "LIST", use, "sign, encrypt, wrap, derive; with commas between")
#define OFFERS   FLAG("extractable", extractable, "it may leave the device, wrapped by another key")
/* clang-format on */

static const struct option_row status_rows[] = {JSON};
static const struct option_row list_rows[] = {DEVICE, PIN_FILE, JSON};
static const struct option_row generate_rows[] = {
    TEXT("type", "TYPE", type, "ec:P-256, aes:128, aes:192, aes:256, generic:BITS, hmac:BITS"),
    USE,
    OFFERS,
    DEVICE,
    PIN_FILE,
    JSON,
};
static const struct option_row import_rows[] = {
    TEXT("type", "TYPE", type, "aes, generic or hmac; with a size (aes:256) that is checked"),
    TEXT("file", "FILE", file, "the value is in FILE (else: standard input, or a prompt)"),
    FLAG("hex", hex, "the value is written in hexadecimal"),
    FLAG("base64", base64, "the value is written in base64"),
    FLAG("raw", raw, "the value is the bytes as they are; so it is without this, too"),
    USE,
    OFFERS,
    DEVICE,
    PIN_FILE,
    JSON,
};
static const struct option_row delete_rows[] = {
    FLAG("yes", yes, "do not ask"),
    FLAG("with-certificate", with_certificate, "the key's certificates too"),
    DEVICE,
    PIN_FILE,
    JSON,
};
static const struct option_row explain_rows[] = {
    TEXT("user", "NAME|UID", user, "who asks the device (else: yourself)"),
    TEXT("group", "LIST", group, "in which groups (else: those of that user on this machine)"),
    TEXT("operation", "NAME", operation, "an operation of signerd.conf (else: a table of all)"),
    TEXT("key", "URI", key, "on which key"),
    DEVICE,
    PIN_FILE,
    JSON,
};
static const struct option_row verify_rows[] = {
    TEXT("device", "NAME", device, "the log of this device, with its older files"),
    TEXT("state-dir", "DIR", state_dir, "where logs are (default " SIGNERD_STATE_DIR ")"),
    TEXT("expect-last", "CHAIN", expect_last,
        "a chain value kept elsewhere, which the log must hold"),
    JSON,
};

/* clang-format off */
#define ROWS(rows) rows, sizeof rows / sizeof rows[0]
static const struct command commands[] = {
    {"status", "[DEVICE]", 0, 1, ROWS(status_rows), status_run,
        "Shows devices, their workers and their clients.",
        "Ends with 69 when a device is not well."},
    {"keys list", "[URI|DEVICE]", 0, 1, ROWS(list_rows), keys_list_run,
        "Lists the keys that you may see.", ""},
    {"keys generate", "URI", 1, 1, ROWS(generate_rows), keys_generate_run,
        "Makes a key in a device.",
        "URI gives token, label (object) and id; without an id it gets a random one.\n"
        "ec and hmac keys sign, generic keys sign, aes keys encrypt, unless --use says otherwise."},
    {"keys import", "URI", 1, 1, ROWS(import_rows), keys_import_run,
        "Stores a secret key in a device.",
        "The value is never taken from the command line."},
    {"keys delete", "URI", 1, 1, ROWS(delete_rows), keys_delete_run,
        "Destroys a key for ever, and its public half.",
        "Asks on a terminal; elsewhere it needs --yes."},
    {"keys label", "URI LABEL", 2, 2, ROWS(list_rows), keys_label_run,
        "Gives a key another label, with its public half and its certificates.", ""},
    {"keys id", "URI HEX", 2, 2, ROWS(list_rows), keys_id_run,
        "Gives a key another id, with its public half and its certificates.", ""},
    {"policy explain", "", 0, 0, ROWS(explain_rows), explain_run,
        "Tells what the rules would decide, and why, without trying.",
        "Asking about another user needs the right admin.\n"
        "Ends with 0: allowed, 77: denied, 69: it cannot be told."},
    {"audit verify", "[FILE]...", 0, OPTIONS_ARGUMENTS_MAX, ROWS(verify_rows), audit_verify_run,
        "Checks the chain of an audit log, oldest file first.",
        "Without --device and FILE: the logs of all devices.\n"
        "Ends with 0: whole, 65: not whole."},
};
/* clang-format on */
static const size_t command_count = sizeof commands / sizeof commands[0];

static void print_help(void)
{
    printf("Usage: signerctl COMMAND [OPTION]... [WORD]...\n"
           "Looks after signerd: devices, keys, rules, audit logs.\n\n");
    for (size_t i = 0; i < command_count; i++)
        printf("  %-15s %-13s %s\n", commands[i].name, commands[i].words, commands[i].meaning);
    printf("\n"
           "  --version, --help; signerctl COMMAND --help\n\n"
           "Device sockets are looked for in $SIGNERD_RUNTIME_DIR, else in " SIGNERD_RUNTIME_DIR
           ".\nSee signerctl(1).\n");
}

/* "keys list" is argv[1] "keys", argv[2] "list". Sets *ret_used to the number of its words. */
static const struct command *find_command(int argc, char **argv, int *ret_used)
{
    char name[64];
    for (int used = 1; used <= 2 && used < argc; used++) {
        (void)snprintf(name, sizeof name, used == 1 ? "%s" : "%s %s", argv[1], argv[used]);
        for (size_t i = 0; i < command_count; i++) {
            if (strcmp(commands[i].name, name) == 0) {
                *ret_used = used;
                return &commands[i];
            }
        }
    }
    return NULL;
}

/* "signerctl keys --help", or a word that is missing: the commands of one topic. */
static int print_topic(int argc, char **argv)
{
    const size_t len = strlen(argv[1]);
    const bool asked = argc > 2 && strcmp(argv[2], "--help") == 0;
    bool any = false;
    for (size_t i = 0; i < command_count; i++) {
        if (strncmp(commands[i].name, argv[1], len) != 0 || commands[i].name[len] != ' ')
            continue;
        if (!any && !asked && argc > 2)
            log_error("there is no command '%s %s'; there are:", argv[1], argv[2]);
        else if (!any && !asked)
            log_error("'%s' wants one more word:", argv[1]);
        any = true;
        (void)fprintf(asked ? stdout : stderr, "  %-15s %-13s %s\n", commands[i].name,
            commands[i].words, commands[i].meaning);
    }
    if (!any) {
        log_error("there is no command '%s'", argv[1]);
        (void)fprintf(stderr, "Try 'signerctl --help'.\n");
    }
    return asked && any ? EX_OK : EX_USAGE;
}

/* PINs and values of keys that are imported: no core file, no other process of the user. */
static void close_memory(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

static int run(int argc, char **argv)
{
    int used = 0;
    if (argc < 2) {
        print_help();
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0) {
        print_help();
        return EX_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("signerctl " SIGNERD_VERSION "\n");
        return EX_OK;
    }
    const struct command *command = find_command(argc, argv, &used);
    if (command == NULL)
        return print_topic(argc, argv);
    struct options options;
    int exit_code;
    if (!options_parse(command, argc - used, argv + used, &options, &exit_code))
        return exit_code;
    return command->run(&options);
}

int main(int argc, char **argv)
{
    log_setup("signerctl", LOG_LEVEL_INFO);
    close_memory();
    return output_finish(run(argc, argv));
}
