/* SPDX-License-Identifier: MIT
 *
 * Options: each is a row; command line, configuration file, --help and the checks all read the
 * table. What the command line says counts for more than the file.
 */
#include "options.h"

#include "base/config.h"
#include "base/log.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { TOPIC_MAX = 256, TOPIC_SLASHES = 7, COLUMN = 24 };

#define READS      (COMMAND_RUN | COMMAND_ONCE)
#define SENDS      (COMMAND_RUN | COMMAND_ONCE | COMMAND_SEND)
#define ALL        (SENDS | COMMAND_STATUS)
#define IN(member) offsetof(struct options, member)

enum kind { TEXT, NUMBER, FLAG };

static const struct row {
    const char *name;
    const char *argument;
    enum kind kind;
    size_t offset;
    uint32_t least, most; /* of a number */
    int commands;
    bool in_file;
    const char *help; /* lines behind the first are indented */
} rows[] = {
    {"config", "FILE", TEXT, IN(config), 0, 0, ALL, false,
        "read options from FILE too (section [publisher], NAME = VALUE)"},
    {"key", "URI", TEXT, IN(key), 0, 0, SENDS, true,
        "pkcs11: URI of the device's private key (P-256); signs and does TLS"},
    {"cert", "FILE", TEXT, IN(cert), 0, 0, SENDS, true,
        "its certificate, PEM (default: the one beside the key in the token)"},
    {"ca", "FILE", TEXT, IN(ca), 0, 0, SENDS, true,
        "CA of the other side, PEM (default: the system's)"},
    {"owner-key", "FILE|URI", TEXT, IN(owner_key), 0, 0, READS, true,
        "who can read the readings: public P-256 key (JWK or PEM),\n"
        "or pkcs11: URI of an AES-256 key (type=secret-key)"},
    {"sensors", "DIR", TEXT, IN(sensors), 0, 0, READS, true,
        "tree of the thermometers (default /sys/bus/w1/devices)"},
    {"interval", "SECONDS", NUMBER, IN(interval_s), 0, 86400, COMMAND_RUN, true,
        "from one round of readings to the next (default 60)"},
    {"count", "N", NUMBER, IN(count), 1, 1000000000, COMMAND_RUN, false,
        "end after N rounds, when all is delivered (default: no end)"},
    {"spool", "FILE", TEXT, IN(spool), 0, 0, ALL, true,
        "database of what waits (default " SIGNERD_STATE_DIR "/publisher.spool)"},
    {"spool-size", "MIB", NUMBER, IN(spool_mib), 1, 1048576, SENDS, true,
        "how large it may grow; when full, new readings are refused\n(default 64)"},
    {"topic", "TOPIC", TEXT, IN(topic), 0, 0, READS, true,
        "where to publish (default signerd/v1/CERTIFICATE-ID/data)"},
    {"device-id", "ID", TEXT, IN(device_id), 0, 0, SENDS, true,
        "name in the claims, and MQTT client id (default: the\n"
        "certificate's common name)"},
    {"mqtt", "HOST:PORT", TEXT, IN(mqtt), 0, 0, SENDS, true, "send by MQTT 3.1.1 over TLS; or"},
    {"https", "HOST:PORT", TEXT, IN(https), 0, 0, SENDS, true, "send by HTTPS POST"},
    {"alpn", "NAME", TEXT, IN(alpn), 0, 0, SENDS, true,
        "TLS application protocol (default on port 443: AWS IoT's)"},
    {"wait", "SECONDS", NUMBER, IN(wait_s), 1, 86400, SENDS, true,
        "without success so long, once, send and run --count give up\n(default 60)"},
    {"parked", NULL, FLAG, IN(parked), 0, 0, COMMAND_SEND, false,
        "send: try those again that were parked"},
    {"json", NULL, FLAG, IN(json), 0, 0, COMMAND_STATUS, false, "status: for programs"},
};

enum { ROWS = sizeof rows / sizeof rows[0], VERSION = ROWS, HELP };

static const struct command_row {
    const char *name;
    enum command command;
    const char *help;
} commands[] = {
    {"run", COMMAND_RUN, "read and send until SIGTERM"},
    {"once", COMMAND_ONCE, "read each sensor once, and send what waits"},
    {"send", COMMAND_SEND, "only send what waits"},
    {"status", COMMAND_STATUS, "what waits, since when, and what is parked"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* ---- help ---- */

static void print_option(const struct row *row)
{
    char left[64];
    (void)snprintf(left, sizeof left, "--%s%s%s", row->name, row->argument != NULL ? " " : "",
        row->argument != NULL ? row->argument : "");
    printf("  %-*s", COLUMN - 2, left);
    for (const char *c = row->help; *c != '\0'; c++) {
        (void)putchar(*c);
        if (*c == '\n')
            printf("%*s", COLUMN, "");
    }
    (void)putchar('\n');
}

static void print_help(void)
{
    printf(
        "Usage: signerd-publisher COMMAND [OPTION]...\n"
        "Reads thermometers, seals each reading for its owner, signs it with a key that stays in "
        "its token,\nand delivers it, also when the line was down for days.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-*s%s\n", COLUMN - 2, commands[i].name, commands[i].help);
    (void)putchar('\n');
    for (size_t i = 0; i < ROWS; i++)
        print_option(&rows[i]);
    printf("  --version, --help\n\n"
           "Exit codes are those of sysexits.h. See signerd-publisher(1).\n");
}

/* ---- values ---- */

/* Two sources, one way to complain: false, always. */
struct source {
    struct options *options;
    uint32_t set;      /* rows that have a value, by their bits */
    uint32_t set_here; /* of those, the ones of the file */
    bool file;
    const struct config_setting *setting;
    struct config_complaints complaints;
};

static bool complain(struct source *source, const struct row *row, const char *what)
{
    if (source->file)
        config_complain(&source->complaints, source->setting->file, source->setting->line, "%s %s",
            row->name, what);
    else
        fprintf(stderr, "signerd-publisher: --%s %s. Try 'signerd-publisher --help'.\n", row->name,
            what);
    return false;
}

static bool take_text(struct source *source, const struct row *row, const char *value)
{
    if (value[0] == '\0')
        return complain(source, row, "is empty");
    if (!source->file && strstr(value, "pin-value=") != NULL)
        return complain(source, row,
            "has a PIN in it, which every user could see in the process list: use pin-source=FILE, "
            "or write it into --config");
    static char *texts[ROWS];
    char *copy = strdup(value);
    if (copy == NULL)
        return complain(source, row, "needs more memory than there is");
    free(texts[row - rows]);
    texts[row - rows] = copy;
    *(const char **)(void *)((char *)source->options + row->offset) = copy;
    return true;
}

static bool take_number(struct source *source, const struct row *row, const char *value)
{
    char what[80];
    char *end;
    errno = 0;
    unsigned long number = strtoul(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number < row->least ||
        number > row->most) {
        (void)snprintf(what, sizeof what, "must be a number from %u to %u", row->least, row->most);
        return complain(source, row, what);
    }
    *(uint32_t *)(void *)((char *)source->options + row->offset) = (uint32_t)number;
    return true;
}

static bool take(struct source *source, const struct row *row, const char *value)
{
    source->set |= UINT32_C(1) << (row - rows);
    switch (row->kind) {
    case TEXT:
        return take_text(source, row, value);
    case NUMBER:
        return take_number(source, row, value);
    case FLAG:
    default:
        *(bool *)((char *)source->options + row->offset) = true;
        return true;
    }
}

_Static_assert(ROWS <= 32, "a bit for each row");

/* ---- the command line ---- */

static bool usage(int *ret_exit)
{
    *ret_exit = EX_USAGE;
    return false;
}

static bool find_command(const char *name, struct options *options)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) {
            options->command = commands[i].command;
            return true;
        }
    return false;
}

/* True: go on. */
static bool read_line(int argc, char **argv, struct source *source, int *ret_exit)
{
    struct option table[ROWS + 3] = {
        [ROWS] = {"version", no_argument, NULL, VERSION},
        [ROWS + 1] = {"help", no_argument, NULL, HELP},
    };
    for (int i = 0; i < ROWS; i++)
        table[i] = (struct option){
            rows[i].name, rows[i].kind == FLAG ? no_argument : required_argument, NULL, i};
    int option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (option == HELP || option == VERSION) {
            if (option == HELP)
                print_help();
            else
                printf("signerd-publisher " SIGNERD_VERSION "\n");
            *ret_exit = EX_OK;
            return false;
        }
        if (option < 0 || option >= ROWS) {
            fprintf(stderr, "Try 'signerd-publisher --help'.\n");
            return usage(ret_exit);
        }
        if (!take(source, &rows[option], optarg))
            return usage(ret_exit);
    }
    if (optind + 1 != argc || !find_command(argv[optind], source->options)) {
        fprintf(stderr, "signerd-publisher: which command: run, once, send or status? Try "
                        "'signerd-publisher --help'.\n");
        return usage(ret_exit);
    }
    for (int i = 0; i < ROWS; i++)
        if ((source->set & UINT32_C(1) << i) &&
            !(rows[i].commands & (int)source->options->command)) {
            (void)complain(source, &rows[i], "is not for this command");
            return usage(ret_exit);
        }
    return true;
}

/* ---- the file ---- */

static bool one_setting(void *context, const struct config_setting *setting)
{
    struct source *source = context;
    source->setting = setting;
    if (strcmp(setting->section, "publisher") != 0) {
        config_complain(&source->complaints, setting->file, setting->line,
            "only the section [publisher] has a meaning here");
        return false;
    }
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t bit = UINT32_C(1) << i;
        if (!rows[i].in_file || strcmp(rows[i].name, setting->name) != 0)
            continue;
        if (source->set_here & bit)
            return complain(source, &rows[i], "is there already");
        source->set_here |= bit;
        return (source->set & bit) != 0 || take(source, &rows[i], setting->value);
    }
    config_complain(&source->complaints, setting->file, setting->line, "there is no setting '%s'",
        setting->name);
    return false;
}

static err_t read_file(struct source *source)
{
    const char *path = source->options->config;
    const char *slash = strrchr(path, '/');
    FILE *stream = fopen(path, "re");
    if (stream == NULL) {
        log_error("--config %s: %s", path, strerror(errno));
        return ERR_CONFIG;
    }
    source->file = true;
    err_t err = config_read(
        stream, slash != NULL ? slash + 1 : path, one_setting, source, &source->complaints);
    (void)fclose(stream);
    return err;
}

/* ---- the whole ---- */

err_t options_endpoint(const char *text, char *ret_host, unsigned size, uint16_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    char *end;
    if (colon == NULL || colon[1] < '0' || colon[1] > '9')
        return ERR_ARGUMENTS;
    unsigned long port = strtoul(colon + 1, &end, 10);
    const char *host = text;
    size_t len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && colon[-1] == ']') {
        host++;
        len -= 2;
    } else if (memchr(text, ':', len) != NULL) {
        return ERR_ARGUMENTS; /* an IPv6 address wants brackets */
    }
    if (*end != '\0' || port == 0 || port > UINT16_MAX || len == 0 || len >= size ||
        strcspn(host, "/@?# \t[]") < len)
        return ERR_ARGUMENTS;
    (void)snprintf(ret_host, size, "%.*s", (int)len, host);
    *ret_port = (uint16_t)port;
    return ERR_OK;
}

const char *options_topic_fault(const char *topic)
{
    int slashes = 0;
    const char *rest = topic;
    if (strncmp(topic, "$aws/rules/", 11) == 0 && strchr(topic + 11, '/') != NULL)
        rest = strchr(topic + 11, '/') + 1; /* Basic Ingest: the prefix does not count */
    for (const char *c = rest; *c != '\0'; c++)
        slashes += *c == '/';
    if (*rest == '\0' || strlen(rest) > TOPIC_MAX)
        return "must have 1 to 256 bytes";
    if (slashes > TOPIC_SLASHES)
        return "has more than 7 slashes";
    if (strpbrk(topic, "+#") != NULL)
        return "has a wildcard (+ or #), which is for subscribers";
    for (const char *c = topic; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return "has a control character";
    return NULL;
}

static const struct need {
    const char *name;
    size_t offset;
    int commands;
} needs[] = {
    {"--key", IN(key), SENDS},
    {"--owner-key", IN(owner_key), READS},
};

static err_t check(const struct options *options)
{
    char host[256];
    uint16_t port;
    const char *endpoint = options->mqtt != NULL ? options->mqtt : options->https;
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if ((needs[i].commands & (int)options->command) &&
            *(const char *const *)(const void *)((const char *)options + needs[i].offset) == NULL) {
            log_error("%s is missing: see signerd-publisher --help", needs[i].name);
            return ERR_ARGUMENTS;
        }
    if (!(options->command & SENDS))
        return ERR_OK;
    if ((options->mqtt != NULL) == (options->https != NULL)) {
        log_error("where to? Give either --mqtt HOST:PORT or --https HOST:PORT");
        return ERR_ARGUMENTS;
    }
    if (options_endpoint(endpoint, host, sizeof host, &port) != ERR_OK) {
        log_error("'%s' is not HOST:PORT (or [ADDRESS]:PORT)", endpoint);
        return ERR_ARGUMENTS;
    }
    if (options->topic != NULL && options_topic_fault(options->topic) != NULL) {
        log_error("--topic %s: it %s", options->topic, options_topic_fault(options->topic));
        return ERR_ARGUMENTS;
    }
    if (options->alpn != NULL && strlen(options->alpn) > 100) {
        log_error("--alpn is longer than 100 bytes");
        return ERR_ARGUMENTS;
    }
    return ERR_OK;
}

bool options_read(int argc, char **argv, struct options *ret_options, int *ret_exit)
{
    struct options options = {
        .sensors = "/sys/bus/w1/devices",
        .spool = SIGNERD_STATE_DIR "/publisher.spool",
        .interval_s = 60,
        .wait_s = 60,
        .spool_mib = 64,
    };
    struct source source = {.options = &options};
    if (!read_line(argc, argv, &source, ret_exit))
        return false;
    err_t err = options.config != NULL ? read_file(&source) : ERR_OK;
    if (err == ERR_OK)
        err = check(&options);
    if (err != ERR_OK) {
        *ret_exit = err_exit_code(err);
        return false;
    }
    *ret_options = options;
    return true;
}
