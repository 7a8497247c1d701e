/* SPDX-License-Identifier: MIT
 *
 * Sensors in a tree that changes: which are read again, which are reported, and that none keeps the
 * others from being read. What a file holds can change between two reads: open() is wrapped.
 */
#include "test.h"

#include "publisher/sensor.h"

#include "scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOOD  "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"
#define NO    "72 01 4b 46 7f ff 0e 10 56 : crc=57 NO\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"
#define ZEROS "00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n"
#define POWER "50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n"
#define NEAR  "3f 05 4b 46 7f ff 0c 10 07 : crc=07 YES\n3f 05 4b 46 7f ff 0c 10 07 t=83937\n"
#define GONE  NULL

static const char name[] = "28-000005e2fdc3";

static struct scratch scratch;
static struct sensors *sensors;
static const char *const *contents; /* of the coming reads; ends in itself */
static size_t reads;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

/* Each read of a w1_slave file finds what the test says; others are not touched. */
int __wrap_open(const char *path, int flags, ...)
{
    if (strstr(path, "w1_slave") == NULL || contents == NULL)
        return __real_open(path, flags, 0600);
    const char *text = contents[reads];
    reads++;
    (void)unlink(path);
    if (text != GONE) {
        int fd = __real_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        (void)close(fd);
    }
    return __real_open(path, flags);
}

static const char *path_of(const char *sensor, const char *file)
{
    static char path[160];
    (void)snprintf(path, sizeof path, "%s/%s%s%s", scratch.path, sensor, file[0] ? "/" : "", file);
    return path;
}

static void plug(const char *sensor)
{
    assert_int_equal(mkdir(path_of(sensor, ""), 0700), 0);
}

static void unplug(const char *sensor)
{
    (void)unlink(path_of(sensor, "w1_slave"));
    assert_int_equal(rmdir(path_of(sensor, "")), 0);
}

static int begin(void **state)
{
    scratch_make(&scratch);
    assert_int_equal(sensors_new(scratch.path, &sensors), ERR_OK);
    reads = 0;
    contents = NULL;
    (void)state;
    return 0;
}

static int end(void **state)
{
    sensors_free(sensors);
    scratch_remove(&scratch);
    (void)state;
    return 0;
}

static size_t look(err_t wanted)
{
    size_t count = 99;
    assert_int_equal(sensors_look(sensors, &count), wanted);
    return count;
}

/* Reads the only sensor, which finds these contents; says what was logged. */
static char *read_only(const char *const *list, size_t wanted_reads, err_t wanted, int32_t value)
{
    struct sensor_reading reading = {.millidegrees = -1};
    contents = list;
    reads = 0;
    capture_begin();
    err_t err = sensors_read(sensors, 0, &reading);
    char *log = capture_end();
    contents = NULL;
    assert_int_equal(err, wanted);
    assert_int_equal(reads, wanted_reads);
    assert_int_equal(reading.millidegrees, wanted == ERR_OK ? value : -1);
    return log;
}

#define READ(wanted_reads, wanted, value, ...)                                                     \
    read_only((const char *const[]){__VA_ARGS__}, wanted_reads, wanted, value)

static void expect_log(char *log, const char *part)
{
    if (part == NULL ? log[0] != '\0' : strstr(log, part) == NULL || strstr(log, name) == NULL)
        fail_msg("logged '%s', wanted '%s' of sensor %s", log, part, name);
    assert_null(strstr(log, "23125")); /* never a value */
    free(log);
}

static void what_is_damaged_once_is_read_again(void **state)
{
    plug(name);
    assert_int_equal(look(ERR_OK), 1);
    expect_log(READ(1, ERR_OK, 23125, GOOD), NULL);
    expect_log(READ(2, ERR_OK, 23125, NO, GOOD), NULL);
    expect_log(READ(3, ERR_OK, 23125, ZEROS, "", GOOD), NULL);
    unplug(name);
    (void)state;
}

static void what_stays_damaged_is_reported_with_its_fault(void **state)
{
    plug(name);
    assert_int_equal(look(ERR_OK), 1);
    expect_log(READ(3, ERR_SENSOR, 0, NO, NO, NO), "CRC NO");
    expect_log(READ(3, ERR_SENSOR, 0, ZEROS, ZEROS, ZEROS), "all its bytes are zero");
    expect_log(READ(3, ERR_SENSOR, 0, "", "", ""), "its file is empty");
    expect_log(READ(3, ERR_SENSOR, 0, "72 01", "72 01", "72 01 4b"), "ends in the middle");
    expect_log(READ(1, ERR_SENSOR, 0, "hello\n"), "not what the w1_therm driver writes");
    expect_log(READ(1, ERR_SENSOR, 0, GOOD GOOD), "not what the w1_therm driver writes");
    unplug(name);
    (void)state;
}

static void a_file_that_vanishes_is_not_tried_again(void **state)
{
    plug(name);
    assert_int_equal(look(ERR_OK), 1);
    expect_log(READ(1, ERR_SENSOR, 0, GONE), "vanished");
    unplug(name);
    (void)state;
}

/* Reading /proc/self/mem from 0 is EIO, as a bus that fails. */
static void a_read_that_fails_is_reported_with_its_reason(void **state)
{
    struct sensor_reading reading;
    plug(name);
    assert_int_equal(look(ERR_OK), 1);
    assert_int_equal(symlink("/proc/self/mem", path_of(name, "w1_slave")), 0);
    capture_begin();
    assert_int_equal(sensors_read(sensors, 0, &reading), ERR_SENSOR);
    expect_log(capture_end(), "cannot be read: Input/output error");
    unplug(name);
    (void)state;
}

static void the_power_on_value_counts_only_repeated_and_with_a_neighbour(void **state)
{
    plug(name);
    assert_int_equal(look(ERR_OK), 1);
    /* nothing before it */
    expect_log(READ(2, ERR_SENSOR, 0, POWER, POWER), "power-on");
    /* the second reading is another one: that counts */
    expect_log(READ(2, ERR_OK, 23125, POWER, GOOD), NULL);
    /* 23 degrees are no neighbour */
    expect_log(READ(2, ERR_SENSOR, 0, POWER, POWER), "power-on");
    expect_log(READ(1, ERR_OK, 83937, NEAR), NULL);
    expect_log(READ(2, ERR_OK, 85000, POWER, POWER), NULL);
    /* repeated it must be, whatever was before */
    expect_log(READ(2, ERR_SENSOR, 0, POWER, NO), "CRC NO");
    unplug(name);
    (void)state;
}

static void one_that_vanishes_is_reported_once_and_is_back_when_it_is_back(void **state)
{
    plug(name);
    plug("28-0000000000aa");
    assert_int_equal(mkdir(path_of("w1_bus_master1", ""), 0700), 0);
    assert_int_equal(look(ERR_OK), 2);
    unplug(name);
    capture_begin();
    assert_int_equal(look(ERR_SENSOR), 1);
    expect_log(capture_end(), "vanished");
    assert_int_equal(look(ERR_OK), 1);
    plug(name);
    assert_int_equal(look(ERR_OK), 2);
    unplug(name);
    unplug("28-0000000000aa");
    (void)rmdir(path_of("w1_bus_master1", ""));
    (void)state;
}

static void the_order_is_that_of_the_names(void **state)
{
    static const char *const names[] = {"10-000000000001", "28-00000000000a", "28-00000000000b"};
    static const char *const all_good[] = {GOOD, GOOD, GOOD};
    plug(names[2]);
    plug(names[0]);
    plug(names[1]);
    assert_int_equal(look(ERR_OK), 3);
    contents = all_good;
    for (size_t i = 1; i < 3; i++) {
        struct sensor_reading reading;
        assert_int_equal(sensors_read(sensors, i, &reading), ERR_OK);
        assert_string_equal(reading.sensor, names[i]);
    }
    for (size_t i = 0; i < 3; i++)
        unplug(names[i]);
    (void)state;
}

static void a_tree_without_any_is_an_error(void **state)
{
    assert_int_equal(look(ERR_SENSOR), 0);
    struct sensors *nowhere;
    size_t count;
    assert_int_equal(sensors_new("/nonexistent", &nowhere), ERR_OK);
    assert_int_equal(sensors_look(nowhere, &count), ERR_SENSOR);
    sensors_free(nowhere);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_damaged_once_is_read_again, begin, end),
        cmocka_unit_test_setup_teardown(what_stays_damaged_is_reported_with_its_fault, begin, end),
        cmocka_unit_test_setup_teardown(a_file_that_vanishes_is_not_tried_again, begin, end),
        cmocka_unit_test_setup_teardown(a_read_that_fails_is_reported_with_its_reason, begin, end),
        cmocka_unit_test_setup_teardown(
            the_power_on_value_counts_only_repeated_and_with_a_neighbour, begin, end),
        cmocka_unit_test_setup_teardown(
            one_that_vanishes_is_reported_once_and_is_back_when_it_is_back, begin, end),
        cmocka_unit_test_setup_teardown(the_order_is_that_of_the_names, begin, end),
        cmocka_unit_test_setup_teardown(a_tree_without_any_is_an_error, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
