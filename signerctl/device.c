/* SPDX-License-Identifier: MIT
 *
 * Connecting, HELLO, LOGIN.
 */
#include "device.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/prompt.h"
#include "base/secret.h"
#include "wire/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    CONNECT_US = 10000000,
    CALL_US = 180000000, /* a key pair of a slow device */
    USER = 1,            /* CKU_USER */
    PIN_MAX = 256,
};

static const struct {
    err_t err;
    const char *hint;
} hints[] = {
    {ERR_UNREACHABLE, "daemon is not reachable: is signerd running?"},
    {ERR_TOKEN_ABSENT, "device is not there: is it plugged in, is its token initialised?"},
    {ERR_DEVICE_PIN, "device refuses the PIN of pin-file: mend it and start signerd again"},
    {ERR_UNKNOWN_OPERATION, "operation is unknown: signerd is older than signerctl"},
    {ERR_DENIED, "the rules of signerd.conf do not allow this (signerctl policy explain)"},
    {ERR_NOT_LOGGED_IN, "this needs the client PIN: give --pin-file"},
    {ERR_PIN_INCORRECT, "the client PIN is wrong"},
};

const char *device_why(err_t err)
{
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (hints[i].err == err)
            return hints[i].hint;
    return err_text(err);
}

err_t device_call(
    struct device *device, enum wire_operation operation, const void *request, void *ret_reply)
{
    enum link_fate fate;
    if (device->link == NULL)
        return device->err;
    return link_call(device->link, operation, request, ret_reply, clock_us() + CALL_US, &fate);
}

static void copy_text(struct span from, char *to, size_t size)
{
    struct writer w = writer_of(to, size - 1); /* the schema's limits are those of the fields */
    write_span(&w, from);
    to[writer_bytes(&w).len] = '\0';
}

static err_t take_mechanisms(struct span mechanisms, struct device *device)
{
    struct reader r = reader_of(mechanisms);
    while (reader_more(&r) && device->mechanism_count < DEVICE_MECHANISMS_MAX)
        schema_decode(&wire_mechanism_schema, &r, &device->mechanisms[device->mechanism_count++]);
    return reader_finished(&r) ? ERR_OK : ERR_BAD_MESSAGE;
}

static err_t say_hello(struct device *device)
{
    struct wire_hello_request request = {.version_min = WIRE_VERSION_MIN,
        .version_max = WIRE_VERSION_MAX,
        .ticket = span_of(NULL, 0)};
    struct wire_hello_reply reply;
    if (getrandom(&request.client, sizeof request.client, 0) != (ssize_t)sizeof request.client)
        return ERR_SYSTEM;
    err_t err = device_call(device, WIRE_HELLO, &request, &reply);
    if (err != ERR_OK)
        return err;
    device->present = reply.present == 1;
    device->login_required = reply.login_required == 1;
    device->logged_in = reply.logged_in == 1;
    copy_text(reply.label, device->label, sizeof device->label);
    copy_text(reply.manufacturer, device->manufacturer, sizeof device->manufacturer);
    copy_text(reply.model, device->model, sizeof device->model);
    copy_text(reply.serial, device->serial, sizeof device->serial);
    return take_mechanisms(reply.mechanisms, device);
}

static void device_free(struct device *device)
{
    link_close(device->link);
    free(device->name);
    free(device);
}

/* A daemon that cannot be reached is no error here, but the device's state. */
static err_t device_open(const char *file, struct device **ret_device)
{
    char *path = NULL;
    struct device *device = calloc(1, sizeof *device);
    if (device == NULL)
        return ERR_MEMORY;
    device->name = strndup(file, sockets_name_length(file));
    if (device->name == NULL || asprintf(&path, "%s/%s", sockets_directory(), file) < 0) {
        device_free(device);
        return ERR_MEMORY;
    }
    device->err = link_open(path, clock_us() + CONNECT_US, &device->link);
    if (device->err == ERR_OK)
        device->err = say_hello(device);
    if (device->err != ERR_OK) {
        link_close(device->link);
        device->link = NULL;
    }
    free(path);
    *ret_device = device;
    return ERR_OK;
}

struct opening {
    const char *name; /* NULL: any */
    struct devices *devices;
};

static int open_next(void *context, const char *file)
{
    const struct opening *opening = context;
    struct devices *devices = opening->devices;
    const size_t len = sockets_name_length(file);
    if (opening->name != NULL && !span_equal(span_of(file, len), span_of_text(opening->name)))
        return 0;
    struct device **rows = realloc(devices->rows, (devices->count + 1) * sizeof *rows);
    if (rows == NULL)
        return ERR_MEMORY;
    devices->rows = rows;
    err_t err = device_open(file, &rows[devices->count]);
    if (err == ERR_OK)
        devices->count++;
    return (int)err;
}

err_t devices_open(const char *name, struct devices *ret_devices)
{
    struct devices devices = {0};
    struct opening opening = {name, &devices};
    err_t err = (err_t)sockets_each(sockets_directory(), open_next, &opening);
    if (err == ERR_OK && devices.count == 0) {
        err = name != NULL ? ERR_TOKEN_ABSENT : ERR_UNREACHABLE;
        if (name != NULL)
            log_error("%s has no device '%s': see signerctl status", sockets_directory(), name);
        else
            log_error("%s has no device: is signerd running, with that directory? "
                      "SIGNERD_RUNTIME_DIR says another",
                sockets_directory());
    }
    if (err == ERR_OK)
        *ret_devices = devices;
    else
        devices_clear(&devices);
    return err;
}

void devices_clear(struct devices *devices)
{
    for (size_t i = 0; i < devices->count; i++)
        device_free(devices->rows[i]);
    free(devices->rows);
    *devices = (struct devices){0};
}

/* ---- the client PIN ---- */

static err_t read_pin_file(const char *path, struct secret **ret_pin)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        log_error("%s: %s", path, strerror(errno));
        return errno == ENOENT ? ERR_OBJECT_GONE : ERR_DENIED;
    }
    err_t err = secret_read(fd, PIN_MAX, ret_pin);
    if (err != ERR_OK)
        log_error("%s: must hold a PIN of 1 to %d bytes", path, PIN_MAX);
    (void)close(fd);
    return err;
}

static err_t ask_pin(const struct device *device, struct secret **ret_pin)
{
    char question[128];
    (void)snprintf(question, sizeof question, "PIN of device %s: ", device->name);
    err_t err = prompt_secret(question, PIN_MAX, ret_pin);
    if (err == ERR_UNREACHABLE) {
        log_error("device %s wants a client PIN, and there is no terminal to ask on: give "
                  "--pin-file",
            device->name);
        return ERR_NOT_LOGGED_IN;
    }
    if (err == ERR_CONFIG)
        log_error("device %s: no PIN was given", device->name);
    return err == ERR_CONFIG ? ERR_PIN_INCORRECT : err;
}

err_t device_login(struct device *device, const char *pin_file)
{
    struct secret *pin = NULL;
    if (!device->login_required || device->logged_in)
        return ERR_OK;
    err_t err = pin_file != NULL ? read_pin_file(pin_file, &pin) : ask_pin(device, &pin);
    if (err != ERR_OK)
        return err;
    const struct wire_login_request request = {USER, secret_bytes(pin)};
    struct wire_login_reply reply;
    err = device_call(device, WIRE_LOGIN, &request, &reply);
    secret_free(pin);
    if (err == ERR_OK) {
        secret_wipe_span(reply.ticket);
        device->logged_in = true;
    } else {
        log_error("device %s: login: %s", device->name, device_why(err));
    }
    return err;
}
