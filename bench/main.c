/* SPDX-License-Identifier: MIT
 *
 * signerd-bench: fills a token (prepare) and measures ways to reach it (measure). scripts/bench
 * sets up what it needs and calls it; environment variables that the modules read are the caller's.
 */
#include "report.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { COUNTS_MAX = 16, OBJECTS_MAX = 10000, ROUND_MS_MAX = 60000, OBJECTS_LEAST = 4 };

static const char usage[] =
    "usage: signerd-bench prepare --direct MODULE --pin-file FILE [--token LABEL] [--objects N]\n"
    "       signerd-bench measure [OPTION…] [NAME…]     NAME: ecdsa hmac gcm find findid "
    "findclass\n"
    "                                             findall; none: all\n"
    "\n"
    "prepare makes the keys in an empty token, and objects until there are N (100).\n"
    "measure prints a table, then one line a figure: NAME VALUE UNIT.\n"
    "  --signerd MODULE, --direct MODULE, --p11kit MODULE   what is compared; one left out is not "
    "measured\n"
    "  --pin-file FILE   where a token wants a PIN\n"
    "  --token LABEL     of each token (demo)\n"
    "  --clients N,N,…   numbers of client processes (1,2,8,64)\n"
    "  --rounds N        each way so many times, in turn (20)\n"
    "  --round-ms N      how long one takes, without its warm-up (200)\n"
    "  --calm N          before each round, wait up to N ms until nothing else runs on the "
    "machine\n"
    "  --note TEXT       a line above the table\n";

static struct {
    const char *modules[WAYS];
    const char *pin_file;
    const char *token;
    const char *note;
    unsigned counts[COUNTS_MAX];
    unsigned count_count;
    unsigned rounds;
    unsigned round_ms;
    unsigned calm_ms;
    unsigned objects;
    bool kinds[WORK_KINDS];
} options = {.token = "demo",
    .counts = {1, 2, 8, 64},
    .count_count = 4,
    .rounds = 20,
    .round_ms = 200,
    .objects = 100};

static const char *const way_names[WAYS] = {"signerd", "direct", "p11kit"};

static _Noreturn void bad_usage(const char *what, const char *value)
{
    fprintf(stderr, "signerd-bench: %s: %s\n%s", what, value, usage);
    exit(EX_USAGE);
}

/* ---- options ---- */

static unsigned number(const char *text, const char **ret_end, unsigned most)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || value == 0 || value > most)
        bad_usage("not a number that is allowed here", text);
    *ret_end = end;
    return (unsigned)value;
}

static unsigned whole_number(const char *text, unsigned most)
{
    const char *end;
    const unsigned value = number(text, &end, most);
    if (*end != '\0')
        bad_usage("not a number", text);
    return value;
}

static void take_counts(const char *text)
{
    const char *at = text;
    options.count_count = 0;
    for (;;) {
        if (options.count_count == COUNTS_MAX)
            bad_usage("too many numbers of clients", text);
        options.counts[options.count_count++] = number(at, &at, CLIENTS_MAX);
        if (*at == '\0')
            return;
        if (*at++ != ',')
            bad_usage("numbers with commas between them are wanted", text);
    }
}

static void take_kind(const char *name)
{
    for (unsigned kind = 0; kind < WORK_KINDS; kind++) {
        if (strcmp(name, work_rows[kind].name) == 0) {
            options.kinds[kind] = true;
            return;
        }
    }
    bad_usage("nothing that can be measured has this name", name);
}

static void take_options(int argc, char **argv)
{
    static const struct option known[] = {{"signerd", required_argument, NULL, 's'},
        {"direct", required_argument, NULL, 'd'}, {"p11kit", required_argument, NULL, 'p'},
        {"pin-file", required_argument, NULL, 'f'}, {"token", required_argument, NULL, 't'},
        {"clients", required_argument, NULL, 'c'}, {"rounds", required_argument, NULL, 'r'},
        {"round-ms", required_argument, NULL, 'm'}, {"objects", required_argument, NULL, 'o'},
        {"calm", required_argument, NULL, 'q'}, {"note", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (option) {
        case 's':
            options.modules[WAY_SIGNERD] = optarg;
            break;
        case 'd':
            options.modules[WAY_DIRECT] = optarg;
            break;
        case 'p':
            options.modules[WAY_P11KIT] = optarg;
            break;
        case 'f':
            options.pin_file = optarg;
            break;
        case 't':
            options.token = optarg;
            break;
        case 'c':
            take_counts(optarg);
            break;
        case 'r':
            options.rounds = whole_number(optarg, ROUNDS_MAX);
            break;
        case 'm':
            options.round_ms = whole_number(optarg, ROUND_MS_MAX);
            break;
        case 'o':
            options.objects = whole_number(optarg, OBJECTS_MAX);
            break;
        case 'q':
            options.calm_ms = whole_number(optarg, ROUND_MS_MAX);
            break;
        case 'n':
            options.note = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EX_OK);
        default:
            fputs(usage, stderr);
            exit(EX_USAGE);
        }
    }
}

/* ---- the two commands ---- */

static int prepare(void)
{
    struct token token;
    struct failure failure = {"", CKR_OK};
    if (options.modules[WAY_DIRECT] == NULL || options.pin_file == NULL)
        bad_usage("prepare", "wants --direct and --pin-file");
    if (options.objects < OBJECTS_LEAST)
        bad_usage("--objects", "the keys alone are four objects");
    CK_RV rv = token_open(options.modules[WAY_DIRECT], options.token, options.pin_file,
        CKF_RW_SESSION, &token, &failure);
    if (rv == CKR_OK)
        rv = work_prepare(&token, options.objects, &failure);
    if (rv == CKR_OK)
        rv = failure_note(&failure, "C_Finalize", token.module->C_Finalize(NULL));
    if (rv == CKR_OK)
        return EX_OK;
    fprintf(stderr, "signerd-bench: token '%s' of %s: %s failed with CKR 0x%lx\n", options.token,
        options.modules[WAY_DIRECT], failure.where, (unsigned long)rv);
    return EX_SOFTWARE;
}

static void progress(unsigned kind, unsigned clients)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s, %u clients", work_rows[kind].name, clients);
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* All outcomes of the kinds that were asked for; false where one is broken. */
static bool measure_all(struct stage *stage, struct outcome (*outcomes)[COUNTS_MAX][WAYS])
{
    bool sound = true;
    for (unsigned kind = 0; kind < WORK_KINDS; kind++) {
        if (!options.kinds[kind])
            continue;
        for (unsigned i = 0; i < options.count_count; i++) {
            progress(kind, options.counts[i]);
            stage_measure(stage, kind, options.counts[i], outcomes[kind][i]);
            for (unsigned way = 0; way < WAYS; way++)
                sound = sound && !outcomes[kind][i][way].broken;
        }
        end_progress();
        report_head(kind);
        for (unsigned i = 0; i < options.count_count; i++)
            report_table(options.counts[i], options.rounds, outcomes[kind][i], stage->ways);
        fflush(stdout);
    }
    return sound;
}

static int measure(void)
{
    static struct stage stage;
    static struct outcome outcomes[WORK_KINDS][COUNTS_MAX][WAYS];
    unsigned most = 0;
    stage.rounds = options.rounds;
    stage.round_ms = options.round_ms;
    stage.calm_ms = options.calm_ms;
    for (unsigned way = 0; way < WAYS; way++)
        stage.ways[way] =
            (struct way){way_names[way], options.modules[way], options.token, options.pin_file};
    for (unsigned i = 0; i < options.count_count; i++)
        most = options.counts[i] > most ? options.counts[i] : most;

    if (options.note != NULL)
        puts(options.note);
    fflush(stdout); /* before there are copies of it */
    stage_start(&stage, most);
    const bool sound = measure_all(&stage, outcomes);
    stage_stop(&stage);
    puts("");
    for (unsigned kind = 0; kind < WORK_KINDS; kind++)
        for (unsigned i = 0; options.kinds[kind] && i < options.count_count; i++)
            report_figures(kind, options.counts[i], options.rounds, outcomes[kind][i], stage.ways);
    if (sound)
        return EX_OK;
    fputs("signerd-bench: not all could be measured; the table says why\n", stderr);
    return EX_SOFTWARE;
}

int main(int argc, char **argv)
{
    take_options(argc, argv);
    const char *command = optind < argc ? argv[optind++] : "";
    if (strcmp(command, "prepare") == 0 && optind == argc)
        return prepare();
    if (strcmp(command, "measure") != 0)
        bad_usage("prepare or measure?", command);
    for (unsigned kind = 0; kind < WORK_KINDS; kind++)
        options.kinds[kind] = optind == argc;
    while (optind < argc)
        take_kind(argv[optind++]);
    return measure();
}
