/* SPDX-License-Identifier: MIT
 *
 * What the kernel's w1_therm driver writes into a w1_slave file (Documentation/w1/slaves/w1_therm):
 * bytes in, millidegrees or a fault out. Pure: no file, no clock, no memory of earlier readings.
 */
#ifndef PUBLISHER_W1_SLAVE_H
#define PUBLISHER_W1_SLAVE_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    W1_NAME_LENGTH = 15,       /* FF-xxxxxxxxxxxx */
    W1_FILE_MAX = 128,         /* bytes; the longest that the driver writes has 80 */
    W1_POWER_ON_VALUE = 85000, /* what a chip that has converted nothing yet holds */
};

/* W1_FAULT(name, read again?, text). The text goes behind "sensor NAME: ". */
#define W1_FAULTS(W1_FAULT)                                                                        \
    W1_FAULT(OK, false, "ok")                                                                      \
    W1_FAULT(EMPTY, true, "its file is empty: the bus gave no answer; check the wiring")           \
    W1_FAULT(TORN, true, "its file ends in the middle: the reading is not complete")               \
    W1_FAULT(FORMAT, false, "its file is not what the w1_therm driver writes")                     \
    W1_FAULT(CRC_NO, true, "the kernel says CRC NO: bytes were damaged on the bus")                \
    W1_FAULT(CRC, true, "the CRC of its bytes is wrong, although the kernel says YES")             \
    W1_FAULT(ZEROS, true, "all its bytes are zero: the bus is held low; check wiring and power")   \
    W1_FAULT(LINES, true, "the bytes of its two lines differ")                                     \
    W1_FAULT(VALUE, true, "t= is not the temperature that its bytes say")                          \
    W1_FAULT(BROKEN, true, "the chip reports a fault of its thermocouple; check its wires")        \
    W1_FAULT(RANGE, true, "the temperature is out of the chip's range")

enum w1_fault {
#define W1_FAULT(name, again, text) W1_##name,
    W1_FAULTS(W1_FAULT)
#undef W1_FAULT
};

const char *w1_fault_text(enum w1_fault fault);
bool w1_fault_read_again(enum w1_fault fault); /* another reading may be good */

/* True for the directory name of a thermometer: a family that we know, '-', twelve hex digits. */
bool w1_name_is_thermometer(const char *name);

/* file: all of w1_slave. name: that of its directory, which tells the family. */
enum w1_fault w1_slave_parse(const char *name, struct span file, int32_t *ret_millidegrees);

#endif
