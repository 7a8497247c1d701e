/* SPDX-License-Identifier: MIT
 *
 * signerd-publisher: readings of thermometers, sealed for their owner, signed by a key that stays
 * in its token, and delivered. A plaintext reading is never on disk, in a log or in a core file.
 */
#include "pair.h"
#include "work.h"

#include "base/log.h"

#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* No core file, nobody else's ptrace, files for this user alone; no swap where locking memory has
 * no limit (with one, an allocation could fail at any time). */
static void protect(void)
{
    const struct rlimit none = {0, 0};
    struct rlimit lock = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* so that a limit of file sizes is an error like a full disk */
    if (getrlimit(RLIMIT_MEMLOCK, &lock) == 0 && lock.rlim_cur == RLIM_INFINITY)
        (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

/* ---- status ---- */

static void add_parked(void *context, int64_t number, const char *topic, const char *reason)
{
    json_object *row = json_object_new_object();
    json_object_object_add(row, "seq", json_object_new_int64(number));
    json_object_object_add(row, "topic", json_object_new_string(topic));
    json_object_object_add(row, "reason", json_object_new_string(reason));
    json_object_array_add(context, row);
}

static void print_parked(void *context, int64_t number, const char *topic, const char *reason)
{
    (void)context;
    printf("  seq %lld, to %s: %s\n", (long long)number, topic, reason);
}

static err_t print_json(struct spool *spool, const struct spool_state *state)
{
    json_object *object = json_object_new_object();
    json_object *parked = json_object_new_array();
    err_t err = spool_parked(spool, add_parked, parked);
    json_object_object_add(object, "waiting", json_object_new_int64(state->waiting));
    if (state->waiting > 0) {
        json_object_object_add(object, "oldest_seq", json_object_new_int64(state->oldest_number));
        json_object_object_add(object, "oldest_ms", json_object_new_int64(state->oldest_unix_ms));
    }
    json_object_object_add(object, "next_seq", json_object_new_int64(state->next_number));
    json_object_object_add(object, "bytes", json_object_new_int64(state->bytes));
    json_object_object_add(object, "parked", json_object_new_int64(state->parked));
    json_object_object_add(object, "parked_envelopes", parked); /* the first 100 */
    printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
    json_object_put(object);
    return err;
}

static err_t print_text(struct spool *spool, const struct spool_state *state)
{
    char when[32] = "";
    time_t oldest = (time_t)(state->oldest_unix_ms / 1000);
    struct tm utc;
    printf("waiting: %lld\n", (long long)state->waiting);
    if (state->waiting > 0) {
        (void)gmtime_r(&oldest, &utc);
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
        printf("oldest:  seq %lld, of %s\n", (long long)state->oldest_number, when);
    }
    printf("next:    seq %lld\nsize:    %lld KiB\nparked:  %lld\n", (long long)state->next_number,
        (long long)state->bytes / 1024, (long long)state->parked);
    return spool_parked(spool, print_parked, NULL);
}

static err_t show_status(const struct options *options)
{
    struct spool *spool = NULL;
    struct spool_state state;
    err_t err = spool_open(options->spool, -1, 0, &spool);
    if (err == ERR_OK)
        err = spool_state(spool, &state);
    if (err == ERR_OK)
        err = options->json ? print_json(spool, &state) : print_text(spool, &state);
    spool_close(spool);
    return err;
}

/* ---- once and send ---- */

static err_t unpark(const struct options *options, int lock)
{
    struct spool *spool = NULL;
    int64_t count = 0;
    err_t err = spool_open(options->spool, lock, 0, &spool);
    if (err == ERR_OK)
        err = spool_unpark(spool, &count);
    if (err == ERR_OK)
        log_info("%lld parked envelopes are tried again", (long long)count);
    spool_close(spool);
    return err;
}

/* One round; what went wrong with a sensor does not keep the others from being sent. */
static err_t read_once(const struct options *options, int lock, struct device *device)
{
    struct work_readings readings;
    err_t err = work_readings_open(options, lock, device, &readings);
    if (err != ERR_OK)
        return err;
    err = collector_round(&readings.collector);
    work_readings_free(&readings);
    return err;
}

static err_t work_alone(const struct options *options, int lock)
{
    struct pin_memory pins = {.ask = true};
    struct device *device = NULL;
    err_t read = ERR_OK;
    err_t err = device_open(options, &pins, &device);
    int stop_fd = err == ERR_OK ? work_stop_fd() : -1;
    if (err == ERR_OK && stop_fd < 0)
        err = ERR_SYSTEM;
    if (err == ERR_OK && options->command == COMMAND_ONCE)
        read = read_once(options, lock, device);
    if (err == ERR_OK && options->parked)
        err = unpark(options, lock);
    if (err == ERR_OK && (read == ERR_OK || read == ERR_SENSOR || read == ERR_SPOOL_FULL))
        err = work_send(options, lock, device, stop_fd, -1, NULL);
    device_close(device);
    secret_free(pins.pin);
    return read != ERR_OK ? read : err;
}

int main(int argc, char **argv)
{
    struct options options;
    int exit_code = EX_OK;
    int lock = -1;
    log_setup("signerd-publisher", LOG_LEVEL_INFO);
    protect();
    if (!options_read(argc, argv, &options, &exit_code))
        return exit_code;

    err_t err = options.command == COMMAND_STATUS ? show_status(&options)
                                                  : spool_claim(options.spool, &lock);
    if (err == ERR_OK && options.command == COMMAND_RUN)
        err = pair_run(&options, lock);
    else if (err == ERR_OK && options.command != COMMAND_STATUS)
        err = work_alone(&options, lock);
    if (err != ERR_OK)
        log_error("ends: %s", err_text(err));
    return err_exit_code(err);
}
