/* SPDX-License-Identifier: MIT
 *
 * Which sensors are there, and how often one is read until it is believed. Run by the process that
 * makes the envelopes.
 */
#include "sensor.h"

#include "base/log.h"
#include "base/secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TRIES = 3,        /* a reading takes up to 750 ms */
    NEIGHBOUR = 5000, /* millidegrees that a temperature may plausibly have moved since */
};

struct sensor {
    char name[W1_NAME_LENGTH + 1];
    bool here;
    bool has_last; /* of what was accepted in this run */
    int32_t last;
};

struct sensors {
    const char *dir;
    size_t count;
    struct sensor all[SENSORS_MAX];
};

err_t sensors_new(const char *dir, struct sensors **ret_sensors)
{
    struct sensors *sensors = calloc(1, sizeof *sensors);
    if (sensors == NULL)
        return ERR_MEMORY;
    sensors->dir = dir;
    *ret_sensors = sensors;
    return ERR_OK;
}

void sensors_free(struct sensors *sensors)
{
    if (sensors != NULL) {
        secret_wipe(sensors, sizeof *sensors);
        free(sensors);
    }
}

/* ---- which there are ---- */

static struct sensor *find(struct sensors *sensors, const char *name)
{
    for (size_t i = 0; i < sensors->count; i++)
        if (strcmp(sensors->all[i].name, name) == 0)
            return &sensors->all[i];
    return NULL;
}

static void notice(struct sensors *sensors, const char *name)
{
    struct sensor *sensor = find(sensors, name);
    if (sensor == NULL && sensors->count == SENSORS_MAX) {
        log_warning("sensor %s: not read: there are more than %d", name, SENSORS_MAX);
        return;
    }
    if (sensor == NULL) {
        sensor = &sensors->all[sensors->count++];
        *sensor = (struct sensor){.here = false};
        memcpy(sensor->name, name, sizeof sensor->name);
        log_info("sensor %s: found", name);
    }
    sensor->here = true;
}

static err_t drop_missing(struct sensors *sensors)
{
    err_t err = ERR_OK;
    size_t kept = 0;
    for (size_t i = 0; i < sensors->count; i++) {
        if (sensors->all[i].here) {
            sensors->all[kept++] = sensors->all[i];
            continue;
        }
        log_error("sensor %s: vanished from %s: is it still plugged in? It is read again once it "
                  "is back",
            sensors->all[i].name, sensors->dir);
        err = ERR_SENSOR;
    }
    sensors->count = kept;
    return err;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sensor *)a)->name, ((const struct sensor *)b)->name);
}

err_t sensors_look(struct sensors *sensors, size_t *ret_count)
{
    DIR *dir = opendir(sensors->dir);
    if (dir == NULL) {
        log_error("--sensors %s: %s: is the module w1_therm loaded, and may this user read there?",
            sensors->dir, strerror(errno));
        return ERR_SENSOR;
    }
    for (size_t i = 0; i < sensors->count; i++)
        sensors->all[i].here = false;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (w1_name_is_thermometer(entry->d_name))
            notice(sensors, entry->d_name);
    (void)closedir(dir);

    err_t err = drop_missing(sensors);
    qsort(sensors->all, sensors->count, sizeof sensors->all[0], by_name);
    if (sensors->count == 0) {
        log_error("--sensors %s: no thermometer there (families 10, 22, 28, 3b, 42): is one "
                  "plugged in?",
            sensors->dir);
        err = ERR_SENSOR;
    }
    *ret_count = sensors->count;
    return err;
}

/* ---- reading ---- */

struct attempt {
    enum w1_fault fault;
    int error; /* errno, where the file could not be read */
    int32_t millidegrees;
};

/* The whole file into buffer; -1 with errno. */
static ssize_t read_whole(const char *path, uint8_t *buffer, size_t size)
{
    /* O_NONBLOCK: whatever stands there, it must not hold up the other sensors. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    size_t used = 0;
    ssize_t n = 1;
    while (n > 0 && used < size) {
        n = read(fd, buffer + used, size - used);
        if (n > 0)
            used += (size_t)n;
        else if (n < 0 && errno == EINTR)
            n = 1;
    }
    int error = errno;
    (void)close(fd);
    errno = error;
    return n < 0 ? -1 : (ssize_t)used;
}

static struct attempt try_once(const struct sensors *sensors, const struct sensor *sensor)
{
    struct attempt attempt = {.fault = W1_FORMAT};
    char path[PATH_MAX];
    uint8_t file[W1_FILE_MAX];
    (void)snprintf(path, sizeof path, "%s/%s/w1_slave", sensors->dir, sensor->name);
    ssize_t len = read_whole(path, file, sizeof file);
    if (len < 0)
        attempt.error = errno;
    else if (len < W1_FILE_MAX) /* else it is longer than the driver can write */
        attempt.fault =
            w1_slave_parse(sensor->name, span_of(file, (size_t)len), &attempt.millidegrees);
    secret_wipe(file, sizeof file);
    return attempt;
}

static bool worth_another(const struct attempt *attempt)
{
    return attempt->error != 0 ? attempt->error != ENOENT : w1_fault_read_again(attempt->fault);
}

static void report(const struct sensor *sensor, const struct attempt *attempt)
{
    if (attempt->error == ENOENT)
        log_error("sensor %s: its file w1_slave vanished: was it unplugged?", sensor->name);
    else if (attempt->error != 0)
        log_error("sensor %s: cannot be read: %s: check the wiring", sensor->name,
            strerror(attempt->error));
    else
        log_error("sensor %s: no reading: %s", sensor->name, w1_fault_text(attempt->fault));
}

/* A chip that lost its power while it measured gives 85 degrees, with a CRC that is right. So that
 * value is read again, and believed only when it repeats and the reading before was near it. */
static bool power_on_value_is_real(
    const struct sensors *sensors, const struct sensor *sensor, struct attempt *attempt)
{
    *attempt = try_once(sensors, sensor);
    if (attempt->error != 0 || attempt->fault != W1_OK) {
        report(sensor, attempt);
        return false;
    }
    if (attempt->millidegrees != W1_POWER_ON_VALUE ||
        (sensor->has_last && abs(W1_POWER_ON_VALUE - sensor->last) <= NEIGHBOUR))
        return true;
    log_error("sensor %s: no reading: it gives 85 degrees, which is its value at power-on, and no "
              "reading before was near that: check its power",
        sensor->name);
    return false;
}

err_t sensors_read(struct sensors *sensors, size_t i, struct sensor_reading *ret_reading)
{
    struct sensor *sensor = &sensors->all[i];
    struct attempt attempt = {0};
    for (int try = 0; try < TRIES; try++) {
        attempt = try_once(sensors, sensor);
        if ((attempt.error == 0 && attempt.fault == W1_OK) || !worth_another(&attempt))
            break;
    }
    if (attempt.error != 0 || attempt.fault != W1_OK) {
        report(sensor, &attempt);
        return ERR_SENSOR;
    }
    if (attempt.millidegrees == W1_POWER_ON_VALUE &&
        !power_on_value_is_real(sensors, sensor, &attempt))
        return ERR_SENSOR;
    sensor->has_last = true;
    sensor->last = attempt.millidegrees;
    memcpy(ret_reading->sensor, sensor->name, sizeof ret_reading->sensor);
    ret_reading->millidegrees = attempt.millidegrees;
    return ERR_OK;
}
