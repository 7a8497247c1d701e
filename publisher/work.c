/* SPDX-License-Identifier: MIT
 *
 * What `once`, `send` and both processes of `run` are put together from.
 */
#include "work.h"

#include "sender.h"

#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { HOST_ROOM = 256, HTTPS_443 = 443 };

int work_stop_fd(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        log_error("signalfd: %s", strerror(errno));
    return fd;
}

err_t work_readings_open(const struct options *options, int lock, struct device *device,
    struct work_readings *ret_readings)
{
    struct work_readings readings = {.sensors = NULL};
    err_t err = device_envelope_maker(device, &readings.maker);
    if (err == ERR_OK)
        err = sensors_new(options->sensors, &readings.sensors);
    if (err == ERR_OK)
        err = spool_open(options->spool, lock, (uint64_t)options->spool_mib << 20, &readings.spool);
    if (err != ERR_OK) {
        work_readings_free(&readings);
        return err;
    }
    readings.collector = (struct collector){.sensors = readings.sensors,
        .maker = readings.maker,
        .spool = readings.spool,
        .topic = device_topic(device)};
    *ret_readings = readings;
    return ERR_OK;
}

void work_readings_free(struct work_readings *readings)
{
    spool_close(readings->spool);
    sensors_free(readings->sensors);
    envelope_maker_free(readings->maker);
    *readings = (struct work_readings){.sensors = NULL};
}

err_t work_send(const struct options *options, int lock, struct device *device, int stop_fd,
    int wake_fd, void (*ready)(int wake_fd))
{
    char host[HOST_ROOM];
    const char *peer = options->mqtt != NULL ? options->mqtt : options->https;
    const struct transport_kind *kind = options->mqtt != NULL ? &transport_mqtt : &transport_http;
    struct transport_options to = {.host = host,
        .ca_file = options->ca,
        .alpn = options->alpn,
        .client_id = device_id(device),
        .stop_fd = stop_fd,
        .use_key = device_use_key,
        .context = device};
    struct sender sender = {.kind = kind,
        .peer = peer,
        .stop_fd = stop_fd,
        .wake_fd = wake_fd,
        .patience_s = (int)options->wait_s};
    err_t err = options_endpoint(peer, host, sizeof host, &to.port);
    if (err != ERR_OK)
        return err;
    if (to.alpn == NULL && to.port == HTTPS_443)
        to.alpn = kind->alpn_443;
    err = kind->open(&to, &sender.transport);
    if (err != ERR_OK)
        return err;
    err = spool_open(options->spool, lock, 0, &sender.spool);
    if (err == ERR_OK) {
        if (ready != NULL)
            ready(wake_fd);
        err = sender_run(&sender);
    }
    spool_close(sender.spool);
    kind->close(sender.transport);
    return err;
}
