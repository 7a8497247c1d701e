/* SPDX-License-Identifier: MIT
 *
 * Types of keys as people write them ("ec:P-256", "aes:256"), what keys of a type may do, and the
 * templates that make them.
 */
#ifndef SIGNERCTL_KEY_TYPE_H
#define SIGNERCTL_KEY_TYPE_H

#include "wire/attribute.h"

/* Bits of what --use names; each stands for both directions (encrypt: decrypt, too). */
enum key_use { USE_SIGN = 1, USE_ENCRYPT = 2, USE_WRAP = 4, USE_DERIVE = 8 };

struct key_type_row {
    const char *name;
    uint64_t key_type;  /* CKK_ */
    uint32_t mechanism; /* CKM_ that generates it */
    bool pair;
    unsigned default_use;
    const char *sizes; /* for people */
    bool (*takes)(unsigned long bits);
};

struct key_type {
    const struct key_type_row *row;
    unsigned bits; /* 0: not given */
};

/* "aes:256"; the size may be left out where it is not wanted. Logs what is wrong: ERR_ARGUMENTS. */
err_t key_type_parse(const char *text, bool size_wanted, struct key_type *ret_type);

/* Whether a value of so many bytes can be such a key; logs where not: ERR_KEY_SIZE. */
err_t key_type_check_size(const struct key_type *type, size_t bytes);

/* "sign,wrap"; NULL: the type's default. Logs what is wrong: ERR_ARGUMENTS. */
err_t key_use_parse(const struct key_type *type, const char *text, unsigned *ret_use);

struct key_wish {
    const struct key_type *type;
    struct span label;
    struct span id;
    unsigned use;
    bool extractable;
};

/* Templates: of a secret key, and of both halves of a pair. */
void key_put_secret(struct writer *list, const struct key_wish *wish);
void key_put_public(struct writer *list, const struct key_wish *wish);
void key_put_private(struct writer *list, const struct key_wish *wish);

#endif
