/* SPDX-License-Identifier: MIT
 *
 * The thermometers of a sysfs tree. Each failure is logged where it is noticed, with the sensor's
 * name and what to do; a temperature is never logged.
 */
#ifndef PUBLISHER_SENSOR_H
#define PUBLISHER_SENSOR_H

#include "w1_slave.h"

#include "base/err.h"

enum { SENSORS_MAX = 128 };

struct sensor_reading {
    char sensor[W1_NAME_LENGTH + 1]; /* the directory's name: family and serial number */
    int32_t millidegrees;            /* Celsius */
};

struct sensors;

/* dir must stay valid. Nothing is looked for yet. The caller frees. */
err_t sensors_new(const char *dir, struct sensors **ret_sensors);
void sensors_free(struct sensors *sensors); /* NULL is allowed */

/* Looks which sensors are there; *ret_count of them, in the order of their names. One that was
 * there at the last look and is not now is reported, once, and makes this ERR_SENSOR, as does a
 * tree without any; the others can still be read. */
err_t sensors_look(struct sensors *sensors, size_t *ret_count);

/* Reads the sensor number i (from 0) of the last look, as often as its faults allow. ERR_SENSOR. */
err_t sensors_read(struct sensors *sensors, size_t i, struct sensor_reading *ret_reading);

#endif
