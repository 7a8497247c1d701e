/* SPDX-License-Identifier: MIT
 *
 * signerctl audit verify: reads logs, says what is wrong with them, and sums up.
 */
#include "audit_check.h"
#include "audit_files.h"
#include "commands.h"
#include "output.h"

#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNK = 65536,
    FINDINGS_MOST = 1000, /* of one log, that stand in the JSON */
    WRITER_MS = 100,      /* a line that is being written has its end by then */
};

/* One log on its way through. */
struct verifying {
    bool json;
    struct json_object *findings;
};

static void report(void *context, const struct audit_finding *finding)
{
    struct verifying *verifying = context;
    if (!verifying->json) {
        output_line("%s:%" PRIu64 ": %s: %s", finding->file, finding->line,
            audit_finding_name(finding->kind), finding->what);
        return;
    }
    if (json_object_array_length(verifying->findings) == FINDINGS_MOST)
        return;
    struct json_object *row = json_object_new_object();
    output_add_text(row, "file", finding->file);
    output_add_number(row, "line", finding->line);
    output_add(row, "number", finding->number > 0 ? json_object_new_uint64(finding->number) : NULL);
    output_add_text(row, "kind", audit_finding_name(finding->kind));
    output_add_bool(row, "breaks", audit_finding_breaks(finding->kind));
    output_add_text(row, "what", finding->what);
    (void)json_object_array_add(verifying->findings, row);
}

static err_t read_to_end(struct audit_check *check, const struct audit_file *file)
{
    static uint8_t chunk[CHUNK];
    for (;;) {
        ssize_t n = read(file->fd, chunk, sizeof chunk);
        if (n == 0)
            return ERR_OK;
        if (n > 0) {
            audit_check_bytes(check, span_of(chunk, (size_t)n));
        } else if (errno != EINTR) {
            log_error("%s: %s", file->name, strerror(errno));
            return ERR_SYSTEM;
        }
    }
}

static err_t read_file(struct audit_check *check, const struct audit_file *file)
{
    audit_check_file(check, file->name);
    err_t err = read_to_end(check, file);
    if (err == ERR_OK && audit_check_within_line(check)) {
        const struct timespec pause = {0, WRITER_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
        err = read_to_end(check, file);
    }
    if (err == ERR_OK)
        audit_check_file_end(check);
    return err;
}

static err_t read_files(const struct audit_files *files, struct verifying *verifying,
    const uint8_t *expected, struct audit_summary *ret_summary)
{
    struct audit_check *check = NULL;
    err_t err = audit_check_new(report, verifying, expected, &check);
    for (size_t i = 0; i < files->count && err == ERR_OK; i++)
        err = read_file(check, &files->files[i]);
    if (err == ERR_OK)
        err = audit_check_end(check, ret_summary);
    audit_check_free(check);
    return err;
}

/* ---- what is said ---- */

static struct json_object *place_of(const struct audit_place *place)
{
    if (place->number == 0)
        return NULL;
    struct json_object *object = json_object_new_object();
    output_add_number(object, "number", place->number);
    output_add_text(object, "time", place->time);
    output_add(object, "chain", output_hex(span_of(place->chain, sizeof place->chain)));
    return object;
}

static bool is_good(const struct audit_summary *summary, bool expects)
{
    return summary->breaks == 0 && (!expects || summary->expected_found);
}

static struct json_object *describe(const struct audit_files *files, const char *device,
    const struct audit_summary *summary, bool expects)
{
    struct json_object *log = json_object_new_object();
    struct json_object *names = json_object_new_array();
    for (size_t i = 0; i < files->count; i++)
        (void)json_object_array_add(names, output_text(span_of_text(files->files[i].name)));
    output_add_text(log, "device", device);
    output_add(log, "files", names);
    output_add_bool(log, "ok", is_good(summary, expects));
    output_add_number(log, "lines", summary->lines);
    output_add(log, "first", place_of(&summary->first));
    output_add(log, "last", place_of(&summary->last));
    output_add_bool(log, "from_start", summary->from_start);
    output_add_number(log, "breaks", summary->breaks);
    output_add_number(log, "others", summary->others);
    if (expects)
        output_add(log, "expected_number",
            summary->expected_found ? json_object_new_uint64(summary->expected_number) : NULL);
    return log;
}

static void tell_expected(const struct audit_summary *summary)
{
    if (summary->expected_found)
        output_line("  the expected chain value is that of number %" PRIu64
                    "; the log has grown by %" PRIu64 " since",
            summary->expected_number, summary->last.number - summary->expected_number);
    else
        output_line("  no line has the expected chain value: the end of the log was cut off, or it "
                    "is another log");
}

static void tell(const struct audit_files *files, const char *device,
    const struct audit_summary *summary, bool expects)
{
    output_line("%s: %s", device != NULL ? device : files->files[files->count - 1].name,
        is_good(summary, expects) ? "whole" : "NOT WHOLE");
    output_line("  %" PRIu64 " lines in %zu %s, %" PRIu64 " %s in the chain, %" PRIu64
                " intents or results alone",
        summary->lines, files->count, files->count == 1 ? "file" : "files", summary->breaks,
        summary->breaks == 1 ? "break" : "breaks", summary->others);
    if (summary->first.number > 0) {
        struct json_object *chain =
            output_hex(span_of(summary->last.chain, sizeof summary->last.chain));
        output_line("  number %" PRIu64 " of %s to number %" PRIu64 " of %s", summary->first.number,
            summary->first.time, summary->last.number, summary->last.time);
        output_line("  last chain value %s", json_object_get_string(chain));
        (void)json_object_put(chain);
    }
    if (!summary->from_start && summary->first.number > 0)
        output_line("  what stood before number %" PRIu64 " is not there, so that line itself "
                    "cannot be checked",
            summary->first.number);
    if (expects)
        tell_expected(summary);
}

/* ---- one log ---- */

/* all: an array that takes the log's JSON. */
static int verify(const struct audit_files *files, const char *device,
    const struct options *options, const uint8_t *expected, struct json_object *all)
{
    struct verifying verifying = {options->json, json_object_new_array()};
    struct audit_summary summary;
    err_t err = read_files(files, &verifying, expected, &summary);
    if (err != ERR_OK) {
        (void)json_object_put(verifying.findings);
        return err_exit_code(err);
    }
    struct json_object *log = describe(files, device, &summary, expected != NULL);
    output_add(log, "findings", verifying.findings);
    (void)json_object_array_add(all, log);
    if (!options->json)
        tell(files, device, &summary, expected != NULL);
    return is_good(&summary, expected != NULL) ? EX_OK : EX_DATAERR;
}

static int verify_device(const char *device, const struct options *options, const uint8_t *expected,
    struct json_object *all)
{
    const char *state_dir = options->state_dir != NULL ? options->state_dir : SIGNERD_STATE_DIR;
    struct audit_files files;
    err_t err = audit_files_of_device(state_dir, device, &files);
    if (err != ERR_OK)
        return err_exit_code(err);
    int exit_code = verify(&files, device, options, expected, all);
    audit_files_clear(&files);
    return exit_code;
}

static int verify_named(
    const struct options *options, const uint8_t *expected, struct json_object *all)
{
    struct audit_files files;
    err_t err = audit_files_named(options->words, options->count, &files);
    if (err != ERR_OK)
        return err_exit_code(err);
    int exit_code = verify(&files, NULL, options, expected, all);
    audit_files_clear(&files);
    return exit_code;
}

/* Every directory of the state directory that may be a device's. */
static int verify_all(const struct options *options, struct json_object *all)
{
    const char *state_dir = options->state_dir != NULL ? options->state_dir : SIGNERD_STATE_DIR;
    struct dirent **entries = NULL;
    const int count = scandir(state_dir, &entries, NULL, alphasort);
    int exit_code = EX_OK;
    if (count < 0) {
        log_error("%s: %s; --state-dir says another", state_dir, strerror(errno));
        return EX_NOINPUT;
    }
    size_t devices = 0;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.' && entries[i]->d_type == DT_DIR) {
            int one = verify_device(entries[i]->d_name, options, NULL, all);
            exit_code = exit_code == EX_OK ? one : exit_code;
            devices++;
        }
        free(entries[i]);
    }
    free(entries);
    if (devices == 0) {
        log_error("%s has no device's directory", state_dir);
        return EX_NOINPUT;
    }
    return exit_code;
}

int audit_verify_run(const struct options *options)
{
    uint8_t expected[AUDIT_CHAIN_BYTES];
    const bool expects = options->expect_last != NULL;
    if (expects && !audit_chain_parse(span_of_text(options->expect_last), expected)) {
        log_error(
            "--expect-last wants the 64 digits behind chain=, not '%s'", options->expect_last);
        return EX_USAGE;
    }
    if ((options->device != NULL) + (options->count > 0) > 1 ||
        (expects && options->device == NULL && options->count == 0)) {
        log_error("audit verify wants %s",
            expects ? "--device or files, with --expect-last" : "either --device or files");
        return EX_USAGE;
    }
    struct json_object *all = json_object_new_array();
    int exit_code;
    if (options->device != NULL)
        exit_code = verify_device(options->device, options, expects ? expected : NULL, all);
    else if (options->count > 0)
        exit_code = verify_named(options, expects ? expected : NULL, all);
    else
        exit_code = verify_all(options, all);
    if (options->json)
        output_json(all);
    (void)json_object_put(all);
    return exit_code;
}
