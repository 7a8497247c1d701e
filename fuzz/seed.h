/* SPDX-License-Identifier: MIT
 *
 * What the makers of seeds share: the directory of their command line, and saving there.
 */
#ifndef FUZZ_SEED_H
#define FUZZ_SEED_H

#include "base/bytes.h"

/* P-256 in DER, as CKA_EC_PARAMS */
extern const struct span seed_ec_params;

/* Takes the arguments "PROGRAM DIRECTORY", the latter for seed_save; where they are others, tells
 * the usage and ends the program with 64. */
void seed_begin(const char *program, int argc, char **argv);

/* Writes DIRECTORY/fuzzer/name, over what is there; makes DIRECTORY/fuzzer where it is missing.
 * What cannot be written ends the program with 1. */
void seed_save(const char *fuzzer, const char *name, struct span bytes);

#endif
