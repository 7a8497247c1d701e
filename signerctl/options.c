/* SPDX-License-Identifier: MIT
 *
 * From a command's table to getopt_long and --help.
 */
#include "options.h"

#include "base/log.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { ROWS_MAX = 16, HELP = 1000, HELP_COLUMN = 26 };

void options_print_help(const struct command *command)
{
    printf("Usage: signerctl %s%s%s%s\n%s\n", command->name,
        command->row_count > 0 ? " [OPTION]..." : "", command->words[0] != '\0' ? " " : "",
        command->words, command->meaning);
    if (command->row_count > 0)
        printf("\n");
    for (size_t i = 0; i < command->row_count; i++) {
        const struct option_row *row = &command->rows[i];
        char text[80];
        (void)snprintf(text, sizeof text, "--%s%s%s", row->name, row->value != NULL ? " " : "",
            row->value != NULL ? row->value : "");
        printf("  %-*s  %s\n", HELP_COLUMN, text, row->meaning);
    }
    if (command->more[0] != '\0')
        printf("\n%s\n", command->more);
}

static void take(const struct option_row *row, const char *value, struct options *options)
{
    char *place = (char *)options + row->offset;
    if (row->value == NULL)
        *(bool *)place = true;
    else
        *(const char **)place = value;
}

static bool bad_usage(const struct command *command, int *ret_exit)
{
    (void)fprintf(stderr, "Try 'signerctl %s --help'.\n", command->name);
    *ret_exit = EX_USAGE;
    return false;
}

bool options_parse(const struct command *command, int argc, char **argv,
    struct options *ret_options, int *ret_exit)
{
    struct options options = {0};
    struct option long_options[ROWS_MAX + 2] = {{"help", no_argument, NULL, HELP}};
    for (size_t i = 0; i < command->row_count && i < ROWS_MAX; i++)
        long_options[i + 1] = (struct option){command->rows[i].name,
            command->rows[i].value != NULL ? required_argument : no_argument, NULL, (int)i};
    int option;
    argv[0] = (char *)"signerctl"; /* what getopt_long calls us */
    optind = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == HELP) {
            options_print_help(command);
            *ret_exit = EX_OK;
            return false;
        }
        if (option < 0 || (size_t)option >= command->row_count) /* getopt_long said what is wrong */
            return bad_usage(command, ret_exit);
        take(&command->rows[option], optarg, &options);
    }
    options.count = (size_t)(argc - optind);
    options.words = argv + optind;
    if (options.count < command->least_words || options.count > command->most_words) {
        if (command->words[0] == '\0')
            log_error("%s takes no '%s'", command->name, options.words[0]);
        else
            log_error("%s wants %s", command->name, command->words);
        return bad_usage(command, ret_exit);
    }
    *ret_options = options;
    return true;
}
