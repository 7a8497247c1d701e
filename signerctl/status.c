/* SPDX-License-Identifier: MIT
 *
 * signerctl status: each device, its worker, its clients.
 */
#include "commands.h"
#include "device.h"
#include "output.h"

#include "base/log.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const struct output_column device_fields[] = {
    {"  token", "label", 0},
    {"  serial", "serial", 0},
    {"  driver", "driver", 0},
    {"  worker", "worker", 0},
    {"  seconds up", "up", 0},
    {"  requests", "requests", 0},
    {"  objects", "objects", 0},
    {"  connections", "connections", 0},
};

static const struct output_column client_columns[] = {
    {"  PID", "shown_pid", 0},
    {"USER", "user", 0},
    {"PROGRAM", "program", 0},
    {"CONNECTIONS", "connections", 0},
    {"SESSION OBJECTS", "session_objects", 0},
    {"REQUESTS", "requests", 0},
    {"LOGGED IN", "logged_in", 0},
};

/* The program's name as it calls itself; NULL where the process is gone. */
static struct json_object *program_of(uint32_t pid)
{
    char path[40];
    char name[64];
    (void)snprintf(path, sizeof path, "/proc/%u/comm", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    ssize_t n = read(fd, name, sizeof name);
    (void)close(fd);
    if (n <= 0)
        return NULL;
    return output_text(span_of(name, (size_t)n - (name[n - 1] == '\n')));
}

static struct json_object *describe_client(const struct wire_status_client *client)
{
    struct json_object *object = json_object_new_object();
    const struct passwd *user = getpwuid((uid_t)client->uid);
    output_add_number(object, "pid", client->pid);
    output_add_number(object, "uid", client->uid);
    output_add_text(object, "user", user != NULL ? user->pw_name : NULL);
    output_add(object, "program", program_of(client->pid));
    output_add_number(object, "connections", client->connections);
    output_add_number(object, "session_objects", client->session_objects);
    output_add_number(object, "requests", client->requests);
    output_add_bool(object, "logged_in", client->logged_in == 1);
    return object;
}

static err_t describe_clients(struct span clients, struct json_object *list)
{
    struct reader r = reader_of(clients);
    while (reader_more(&r)) {
        struct wire_status_client client;
        schema_decode(&wire_status_client_schema, &r, &client);
        if (!r.failed)
            (void)json_object_array_add(list, describe_client(&client));
    }
    return reader_finished(&r) ? ERR_OK : ERR_BAD_MESSAGE;
}

static void add_state(struct json_object *object, const char *state, const char *why)
{
    output_add_text(object, "state", state);
    output_add_text(object, "why", why);
}

static err_t ask_status(struct device *device, struct json_object *object)
{
    struct wire_status_reply reply;
    struct json_object *clients = json_object_new_array();
    err_t err = device_call(device, WIRE_STATUS, NULL, &reply);
    if (err == ERR_OK)
        err = describe_clients(reply.clients, clients);
    if (err != ERR_OK) {
        (void)json_object_put(clients);
        add_state(object, "unknown", device_why(err));
        return err;
    }
    const bool present = reply.present == 1;
    const err_t because = err_from_number(reply.absent_because);
    add_state(object, present ? "ready" : "absent",
        present ? NULL : device_why(because != ERR_OK ? because : ERR_TOKEN_ABSENT));
    output_add(object, "driver", output_text(reply.driver));
    output_add_number(object, "worker", reply.worker);
    output_add_number(object, "up", reply.up);
    output_add_number(object, "requests", reply.requests);
    output_add_number(object, "objects", reply.objects);
    output_add_number(object, "connections", reply.connections);
    output_add_bool(object, "all_clients", reply.admin == 1);
    output_add(object, "clients", clients);
    return present ? ERR_OK : ERR_TOKEN_ABSENT;
}

static err_t describe(struct device *device, struct json_object *object)
{
    const bool reachable = device->link != NULL;
    output_add_text(object, "device", device->name);
    output_add_bool(object, "reachable", reachable);
    output_add_bool(object, "present", device->present);
    output_add_text(object, "label", device->present ? device->label : NULL);
    output_add_text(object, "serial", device->present ? device->serial : NULL);
    output_add_text(object, "manufacturer", device->present ? device->manufacturer : NULL);
    output_add_text(object, "model", device->present ? device->model : NULL);
    output_add_bool(object, "client_pin", device->login_required);
    if (reachable)
        return ask_status(device, object);
    add_state(object, "unreachable", device_why(device->err));
    return device->err;
}

/* For people: the number has the indent of the table. */
static void indent_clients(struct json_object *clients)
{
    const size_t count = json_object_array_length(clients);
    for (size_t i = 0; i < count; i++) {
        char text[24];
        struct json_object *client = json_object_array_get_idx(clients, i);
        (void)snprintf(
            text, sizeof text, "  %d", json_object_get_int(json_object_object_get(client, "pid")));
        output_add_text(client, "shown_pid", text);
        if (json_object_object_get(client, "user") == NULL)
            output_add(client, "user", json_object_get(json_object_object_get(client, "uid")));
    }
}

static void tell(struct json_object *device)
{
    struct json_object *why = json_object_object_get(device, "why");
    struct json_object *clients = json_object_object_get(device, "clients");
    output_line("%s: %s%s%s", json_object_get_string(json_object_object_get(device, "device")),
        json_object_get_string(json_object_object_get(device, "state")), why != NULL ? ": " : "",
        why != NULL ? json_object_get_string(why) : "");
    if (clients == NULL)
        return;
    output_pairs(device, device_fields, sizeof device_fields / sizeof device_fields[0]);
    indent_clients(clients);
    output_table(clients, client_columns, sizeof client_columns / sizeof client_columns[0]);
    if (!json_object_get_boolean(json_object_object_get(device, "all_clients")))
        output_line("  (clients of other users are shown to who has the right admin)");
}

int status_run(const struct options *options)
{
    struct devices devices;
    bool well = true;
    err_t err = devices_open(options->count > 0 ? options->words[0] : NULL, &devices);
    if (err != ERR_OK) {
        if (options->json)
            printf("[]\n");
        return EX_UNAVAILABLE;
    }
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < devices.count; i++) {
        struct json_object *object = json_object_new_object();
        if (describe(devices.rows[i], object) != ERR_OK)
            well = false;
        (void)json_object_array_add(list, object);
        if (!options->json)
            tell(object);
    }
    if (options->json)
        output_json(list);
    (void)json_object_put(list);
    devices_clear(&devices);
    return well ? EX_OK : EX_UNAVAILABLE;
}
