/* SPDX-License-Identifier: MIT
 *
 * Where seeds are written, for make_seeds.c and make_daemon_seeds.c.
 */
#include "seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
const struct span seed_ec_params = {p256, sizeof p256};

static const char *directory;

void seed_begin(const char *program, int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s DIRECTORY\n", program);
        exit(64);
    }
    directory = argv[1];
}

void seed_save(const char *fuzzer, const char *name, struct span bytes)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", directory, fuzzer);
    (void)mkdir(path, 0777);
    (void)snprintf(path, sizeof path, "%s/%s/%s", directory, fuzzer, name);
    FILE *file = fopen(path, "we");
    if (file == NULL || fwrite(bytes.ptr, 1, bytes.len, file) != bytes.len || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}
