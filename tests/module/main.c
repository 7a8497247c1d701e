/* SPDX-License-Identifier: MIT
 *
 * module-check: the module in $SIGNERD_MODULE against the daemon in $SIGNERD_RUNTIME_DIR and its
 * token $SIGNERD_TOKEN, which has a P-256 key "device". tests/e2e/module.bats and interface.bats
 * run it, group by group.
 */
#include "stand.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    int (*run)(void);
} groups[] = {{"process", process_tests}, {"thread", thread_tests}, {"session", session_tests},
    {"sign", sign_tests}, {"object", object_tests}, {"change", change_tests},
    {"secret", secret_tests}, {"wrap", wrap_tests}, {"mac", mac_tests}, {"cipher", cipher_tests},
    {"parts", parts_tests}, {"restart", restart_tests}, {"admin", admin_tests},
    {"no-admin", other_tests}, {"event", event_tests}, {"calls", calls_tests},
    {"interface", interface_tests}, {"digest", digest_tests}, {"message", message_tests},
    {"offline", offline_tests}, {"limit", limit_tests}};

static void bad_usage(void)
{
    fprintf(stderr,
        "usage: module-check [--pin-file FILE] [--filter TEST] [--restart COMMAND] GROUP…\n"
        "groups: process thread session sign object change secret wrap mac cipher parts restart\n"
        "        admin no-admin event calls interface digest message offline limit\n"
        "COMMAND kills the worker, or for offline the daemon; these groups need it\n");
    exit(64);
}

static void read_pin(void)
{
    FILE *file = fopen(options.pin_file, "re");
    if (file == NULL || fgets((char *)options.pin, sizeof options.pin, file) == NULL) {
        perror(options.pin_file);
        exit(66);
    }
    (void)fclose(file);
    options.pin_len = strcspn((char *)options.pin, "\n");
}

/* True: this is the other process of a test. */
static bool read_options(int argc, char **argv)
{
    static const struct option names[] = {{"pin-file", 1, NULL, 'p'}, {"filter", 1, NULL, 'f'},
        {"restart", 1, NULL, 'r'}, {"other", 0, NULL, 'o'}, {NULL, 0, NULL, 0}};
    bool other = false;
    int option;
    options.program = argv[0];
    options.token = getenv("SIGNERD_TOKEN");
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'p')
            options.pin_file = optarg[0] != '\0' ? optarg : NULL;
        else if (option == 'f')
            cmocka_set_test_filter(optarg);
        else if (option == 'r')
            options.restart = optarg;
        else if (option == 'o')
            other = true;
        else
            bad_usage();
    }
    if (options.token == NULL || getenv("SIGNERD_MODULE") == NULL || optind == argc)
        bad_usage();
    if (options.pin_file != NULL)
        read_pin();
    return other;
}

static int run_group(const char *name)
{
    for (size_t i = 0; i < COUNT(groups); i++)
        if (strcmp(name, groups[i].name) == 0)
            return groups[i].run();
    bad_usage();
    return 1;
}

int main(int argc, char **argv)
{
    const bool other = read_options(argc, argv);
    if (!stand_load(getenv("SIGNERD_MODULE")))
        return 1;
    if (other)
        return argc - optind >= 2 ? other_main(argv + optind) : 64;
    int failed = 0;
    for (int i = optind; i < argc; i++)
        failed += run_group(argv[i]);
    return failed == 0 ? 0 : 1;
}
