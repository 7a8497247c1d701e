/* SPDX-License-Identifier: MIT
 *
 * The reading half. The log names sensor and number; never the value, which is the owner's alone.
 */
#include "collector.h"

#include "base/log.h"
#include "base/secret.h"

static err_t keep(
    struct collector *collector, const struct sensor_reading *reading, const struct timestamp *time)
{
    int64_t number = 0;
    uint8_t room[ENVELOPE_MAX];
    struct writer text = writer_of(room, sizeof room);
    err_t err = spool_take_number(collector->spool, &number);
    if (err != ERR_OK)
        return err;
    err = envelope_make(collector->maker, number, reading, time, &text);
    if (err != ERR_OK) {
        log_error("sensor %s: seq %lld cannot be sealed: %s", reading->sensor, (long long)number,
            err_text(err));
        return err;
    }
    err = spool_append(collector->spool, number, collector->topic, writer_bytes(&text));
    if (err != ERR_OK) {
        log_error("sensor %s: this reading is lost", reading->sensor);
        return err;
    }
    log_info("sensor %s: seq %lld accepted", reading->sensor, (long long)number);
    if (collector->accepted != NULL)
        collector->accepted(collector->context);
    return ERR_OK;
}

err_t collector_round(struct collector *collector)
{
    size_t count = 0;
    err_t first = sensors_look(collector->sensors, &count);
    for (size_t i = 0; i < count; i++) {
        struct sensor_reading reading;
        err_t err = sensors_read(collector->sensors, i, &reading);
        struct timestamp time = timestamp_now();
        bool read = err == ERR_OK;
        if (read)
            err = keep(collector, &reading, &time);
        secret_wipe(&reading, sizeof reading);
        if (first == ERR_OK || (read && err != ERR_OK))
            first = err;
        if (read && err != ERR_OK)
            break;
    }
    return first;
}
