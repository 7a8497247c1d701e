/* SPDX-License-Identifier: MIT
 *
 * The client PIN that C_InitPIN or C_SetPIN has set, as it lies in the device's state directory:
 * the file "client-pin", with a salted, slow hash in place of the PIN. It counts for as long as the
 * file of signerd.conf (client-pin = FILE) holds what it held when the PIN was set.
 */
#ifndef SIGNERD_PIN_RECORD_H
#define SIGNERD_PIN_RECORD_H

#include "base/bytes.h"
#include "base/err.h"

enum { PIN_RECORD_SALT = 16, PIN_RECORD_HASH = 32 };

struct pin_record {
    uint32_t rounds;
    uint8_t salt[PIN_RECORD_SALT];
    uint8_t pin_hash[PIN_RECORD_HASH];
    uint8_t file_hash[PIN_RECORD_HASH]; /* of what FILE held */
};

/* A new salt, both hashes. Takes some 10 ms, as each question below does. */
err_t pin_record_make(struct span pin, struct span file_pin, struct pin_record *ret_record);
bool pin_record_is_of(const struct pin_record *record, struct span pin);
bool pin_record_follows(const struct pin_record *record, struct span file_pin);

/* ERR_FILE: there is none. ERR_INPUT: it is no record, or cannot be read. */
err_t pin_record_read(int directory, struct pin_record *ret_record);

/* Whole and on the disk, or as it was before: ERR_SYSTEM. Mode 0600. */
err_t pin_record_write(int directory, const struct pin_record *record);
err_t pin_record_remove(int directory); /* none there is no error */

/* Its bytes as a record; fuzzed. ERR_INPUT. */
err_t pin_record_parse(struct span bytes, struct pin_record *ret_record);

#endif
