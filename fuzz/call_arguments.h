/* SPDX-License-Identifier: MIT
 *
 * Arguments of Cryptoki calls, made of the bytes of an input: right ones, wrong ones, null, too
 * short, too long, overlapping. Every pointer leads to a block of exactly the length that is said,
 * between bytes that nobody may touch; what is only read by Cryptoki must be the same afterwards.
 * They all live until arguments_end.
 */
#ifndef FUZZ_CALL_ARGUMENTS_H
#define FUZZ_CALL_ARGUMENTS_H

#include "base/bytes.h"

#include <p11-kit/pkcs11.h>

enum { ARGUMENT_BLOCKS_MAX = 128, ARGUMENT_HANDLES_MAX = 16, ARGUMENT_ROOM = 140000 };

struct block {
    uint8_t *bytes;
    size_t len;
    size_t size; /* with what follows it */
    bool constant;
    uint64_t sum; /* of a constant one */
};

/* What the program under play knows. */
struct handles {
    CK_ULONG known[ARGUMENT_HANDLES_MAX];
    size_t count;
};

struct arguments {
    struct reader *bytes;
    struct block blocks[ARGUMENT_BLOCKS_MAX];
    size_t block_count;
    struct handles *objects;
    const uint8_t *last_output; /* what came out of an earlier call, to be put into this one */
    size_t last_output_len;
    const char *pin;
};

struct input {
    uint8_t *ptr;
    CK_ULONG len;
    size_t room; /* behind ptr: 0 where nothing may be written there */
};

struct output {
    uint8_t *ptr;
    CK_ULONG *len_ptr; /* in and out */
    CK_ULONG given;    /* what it said before the call */
    size_t room;
};

struct template
{
    CK_ATTRIBUTE *list;
    CK_ULONG count;
};

void arguments_begin(struct arguments *arguments, struct reader *bytes);

/* Every block is whole, and what was constant is unchanged; then they are gone. */
void arguments_end(struct arguments *arguments);

uint8_t *argument_block(struct arguments *arguments, const void *bytes, size_t len, bool constant);

CK_ULONG *argument_number(struct arguments *arguments, CK_ULONG number);
CK_ULONG argument_handle(struct arguments *arguments, const struct handles *known);
struct input argument_input(struct arguments *arguments);
struct input argument_pin(struct arguments *arguments);

/* overlaps: what it may lie over, or NULL. */
struct output argument_output(struct arguments *arguments, const struct input *overlaps);
struct input argument_message_parameter(struct arguments *arguments); /* 3.0: of one message */
CK_MECHANISM *argument_mechanism(struct arguments *arguments);
struct template argument_template(struct arguments *arguments);
struct template argument_query(struct arguments *arguments); /* for C_GetAttributeValue */

#endif
