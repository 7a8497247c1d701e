/* SPDX-License-Identifier: MIT
 *
 * MQTT 3.1.1 by libmosquitto: QoS 1, one PUBLISH on its way, acknowledged by PUBACK. Each
 * connection has a client object of its own, so that libmosquitto never sends anything again by
 * itself: the spool decides what is sent.
 */
#include "tls.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <mosquitto.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    KEEP_ALIVE_S = 60,
    POLL_MS = 1000,          /* how often libmosquitto looks after its keep-alive */
    BLAME_US = 10 * 1000000, /* a connection lost so soon behind a PUBLISH: it was that one */
    NOTHING_SENT = -1,
    LAST_ERROR = 160,
};

struct mqtt {
    const struct transport_options *options;
    SSL_CTX *ctx;
    struct tls_verdict verdict;
    struct mosquitto *client; /* NULL: not connected */
    bool answered;            /* CONNACK came */
    int connack;              /* its return code */
    int waiting_for;          /* message id, or NOTHING_SENT */
    bool acknowledged;
    char last_error[LAST_ERROR]; /* what libmosquitto logged */
};

/* ---- CONNACK ---- */

/* MQTT 3.1.1, table 3.1; 7 is AWS IoT's. */
static const struct refusal_row {
    int code;
    const char *text;
} refusals[] = {
    {1, "it does not speak MQTT 3.1.1"},
    {2, "it does not allow this client id: is --device-id right?"},
    {3, "it is not available now"},
    {4, "user name or password is wrong, although this program has none"},
    {5, "this device is not authorised to connect: check the broker's rules"},
    {7, "this device is not authorised to connect: check the policy of its certificate"},
};

static const char *refusal_text(int code)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (refusals[i].code == code)
            return refusals[i].text;
    return "it gives no known reason";
}

static void on_connect(struct mosquitto *client, void *context, int code)
{
    struct mqtt *mqtt = context;
    (void)client;
    mqtt->answered = true;
    mqtt->connack = code;
}

static void on_publish(struct mosquitto *client, void *context, int id)
{
    struct mqtt *mqtt = context;
    (void)client;
    if (id == mqtt->waiting_for)
        mqtt->acknowledged = true;
}

static void on_log(struct mosquitto *client, void *context, int level, const char *text)
{
    struct mqtt *mqtt = context;
    (void)client;
    if (level == MOSQ_LOG_ERR)
        (void)snprintf(mqtt->last_error, sizeof mqtt->last_error, "%s", text);
}

/* ---- outcomes ---- */

static void outcome(struct transport_outcome *ret, enum transport_result result, err_t err,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void outcome(
    struct transport_outcome *ret, enum transport_result result, err_t err, const char *format, ...)
{
    va_list arguments;
    ret->result = result;
    ret->err = err;
    va_start(arguments, format);
    (void)vsnprintf(ret->why, sizeof ret->why, format, arguments);
    va_end(arguments);
}

/* OpenSSL's reason in what libmosquitto logged ("…error:0A00…:SSL routines::REASON"); "" without.
 */
static const char *tls_reason(const struct mqtt *mqtt)
{
    const char *found = strstr(mqtt->last_error, "routines::");
    return found != NULL ? found + strlen("routines::") : "";
}

/* The connection did not come to be, or not to CONNACK. */
static void not_connected(struct mqtt *mqtt, int code, int error, struct transport_outcome *ret)
{
    const char *reason = tls_reason(mqtt);
    if (mqtt->verdict.error != X509_V_OK)
        tls_explain(&mqtt->verdict, mqtt->options, ret);
    else if (mqtt->answered)
        outcome(ret, TRANSPORT_LATER, ERR_PEER_REFUSES, "the broker refuses, CONNACK code %d: %s",
            mqtt->connack, refusal_text(mqtt->connack));
    else if (*reason != '\0')
        outcome(ret, TRANSPORT_LATER, ERR_PEER_REFUSES,
            "TLS with the broker fails (%s): does it trust the CA of this device's certificate?",
            reason);
    else if (code == MOSQ_ERR_EAI)
        outcome(ret, TRANSPORT_LATER, ERR_PEER_UNREACHABLE, "its name cannot be resolved");
    else if (error != 0)
        outcome(ret, TRANSPORT_LATER, ERR_PEER_UNREACHABLE,
            "no connection: does a broker listen there? (%s)", strerror(error));
    else if (code == MOSQ_ERR_NO_CONN)
        outcome(ret, TRANSPORT_LATER, ERR_PEER_UNREACHABLE,
            "no connection: does a broker listen there?");
    else if (code == MOSQ_ERR_SUCCESS)
        outcome(ret, TRANSPORT_LATER, ERR_TIMED_OUT, "no answer within %d s",
            TRANSPORT_ANSWER_MS / 1000);
    else
        outcome(ret, TRANSPORT_LATER, ERR_PEER_UNREACHABLE,
            "the connection was closed before CONNACK: does the broker trust this device's "
            "certificate, and allow its client id?");
}

/* ---- the connection ---- */

static void hang_up(struct mqtt *mqtt)
{
    if (mqtt->client == NULL)
        return;
    (void)mosquitto_disconnect(mqtt->client);
    mosquitto_destroy(mqtt->client);
    mqtt->client = NULL;
    mqtt->answered = false;
}

static int set_options(struct mqtt *mqtt)
{
    mosquitto_connect_callback_set(mqtt->client, on_connect);
    mosquitto_publish_callback_set(mqtt->client, on_publish);
    mosquitto_log_callback_set(mqtt->client, on_log);
    /* Without its defaults: 2.0.11 forgets to set up what its own check of the host name needs when
     * the context is ours, and then refuses every broker. OpenSSL makes that check (tls_prepare).
     */
    int code = mosquitto_int_option(mqtt->client, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
    if (code == MOSQ_ERR_SUCCESS)
        code = mosquitto_void_option(mqtt->client, MOSQ_OPT_SSL_CTX, mqtt->ctx);
    if (code == MOSQ_ERR_SUCCESS)
        code = mosquitto_int_option(mqtt->client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V311);
    if (code == MOSQ_ERR_SUCCESS)
        code = mosquitto_int_option(mqtt->client, MOSQ_OPT_TCP_NODELAY, 1);
    return code;
}

static bool stop_wanted(const struct mqtt *mqtt)
{
    struct pollfd stop = {.fd = mqtt->options->stop_fd, .events = POLLIN};
    return poll(&stop, 1, 0) > 0;
}

/* libmosquitto takes a refused TCP connection for one that still comes. *ret_error: the reason,
 * where the kernel still has it. */
static bool connection_failed(int fd, int *ret_error)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof *ret_error;
    socklen_t peer_size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, ret_error, &size) == 0 && *ret_error != 0)
        return true;
    return getpeername(fd, (struct sockaddr *)&peer, &peer_size) != 0;
}

/* Waits for the socket, the stop, wake_fd or the time, and lets libmosquitto do its work. Its code;
 * *ret_error is errno of a connection that failed. */
static int turn(struct mqtt *mqtt, int wake_fd, int ms, int *ret_error)
{
    struct pollfd polls[] = {
        {.fd = mosquitto_socket(mqtt->client), .events = POLLIN},
        {.fd = mqtt->options->stop_fd, .events = POLLIN},
        {.fd = wake_fd, .events = POLLIN},
    };
    if (polls[0].fd < 0)
        return MOSQ_ERR_CONN_LOST;
    if (mosquitto_want_write(mqtt->client))
        polls[0].events |= POLLOUT;
    if (poll(polls, sizeof polls / sizeof polls[0], ms < POLL_MS ? ms : POLL_MS) < 0)
        return MOSQ_ERR_SUCCESS; /* a signal */
    int code = MOSQ_ERR_SUCCESS;
    if (polls[0].revents & POLLIN) /* first: what the other side said before it hung up */
        code = mosquitto_loop_read(mqtt->client, 1);
    if (code == MOSQ_ERR_SUCCESS && (polls[0].revents & (POLLERR | POLLHUP)) &&
        connection_failed(polls[0].fd, ret_error))
        return MOSQ_ERR_NO_CONN;
    if (code == MOSQ_ERR_SUCCESS && (polls[0].revents & POLLOUT))
        code = mosquitto_loop_write(mqtt->client, 1);
    return code == MOSQ_ERR_SUCCESS ? mosquitto_loop_misc(mqtt->client) : code;
}

/* True: connected, CONNACK came and is good. */
static bool dial(struct mqtt *mqtt, struct transport_outcome *ret)
{
    uint64_t deadline = clock_us() + TRANSPORT_ANSWER_MS * UINT64_C(1000);
    int error = 0;
    mqtt->verdict.error = X509_V_OK;
    mqtt->answered = false;
    mqtt->last_error[0] = '\0';
    mqtt->client = mosquitto_new(mqtt->options->client_id, true, mqtt);
    if (mqtt->client == NULL) {
        outcome(ret, TRANSPORT_LATER, ERR_MEMORY, "%s", err_text(ERR_MEMORY));
        return false;
    }
    int code = set_options(mqtt);
    errno = 0;
    if (code == MOSQ_ERR_SUCCESS)
        code = mosquitto_connect_async(
            mqtt->client, mqtt->options->host, mqtt->options->port, KEEP_ALIVE_S);
    if (code == MOSQ_ERR_ERRNO)
        error = errno;
    while (code == MOSQ_ERR_SUCCESS && !mqtt->answered && clock_us() < deadline) {
        if (stop_wanted(mqtt)) {
            hang_up(mqtt);
            outcome(ret, TRANSPORT_STOPPED, ERR_OK, "stopped");
            return false;
        }
        code = turn(mqtt, -1, clock_ms_until(deadline), &error);
    }
    if (mqtt->answered && mqtt->connack == 0)
        return true;
    not_connected(mqtt, code, error, ret);
    hang_up(mqtt);
    return false;
}

/* ---- sending ---- */

static err_t mqtt_open(const struct transport_options *options, void **ret_state)
{
    struct mqtt *mqtt = calloc(1, sizeof *mqtt);
    if (mqtt == NULL)
        return ERR_MEMORY;
    mqtt->options = options;
    mqtt->waiting_for = NOTHING_SENT;
    (void)mosquitto_lib_init();
    mqtt->ctx = SSL_CTX_new(TLS_client_method());
    err_t err =
        mqtt->ctx == NULL ? ERR_MEMORY : tls_prepare(mqtt->ctx, options, true, &mqtt->verdict);
    if (err != ERR_OK) {
        transport_mqtt.close(mqtt);
        return err;
    }
    *ret_state = mqtt;
    return ERR_OK;
}

/* libmosquitto does not even try: no later try will do better. */
static bool is_hopeless(int code)
{
    return code == MOSQ_ERR_INVAL || code == MOSQ_ERR_PAYLOAD_SIZE ||
           code == MOSQ_ERR_MALFORMED_UTF8 || code == MOSQ_ERR_OVERSIZE_PACKET;
}

static void await_puback(struct mqtt *mqtt, struct transport_outcome *ret)
{
    uint64_t sent = clock_us();
    uint64_t deadline = sent + TRANSPORT_ANSWER_MS * UINT64_C(1000);
    int code = MOSQ_ERR_SUCCESS;
    int error = 0;
    while (code == MOSQ_ERR_SUCCESS && !mqtt->acknowledged && clock_us() < deadline) {
        if (stop_wanted(mqtt)) {
            outcome(ret, TRANSPORT_STOPPED, ERR_OK, "stopped");
            return;
        }
        code = turn(mqtt, -1, clock_ms_until(deadline), &error);
    }
    if (mqtt->acknowledged) {
        outcome(ret, TRANSPORT_DELIVERED, ERR_OK, "PUBACK");
        return;
    }
    bool blamed = code != MOSQ_ERR_SUCCESS && clock_us() - sent < BLAME_US;
    outcome(ret, blamed ? TRANSPORT_DROPPED : TRANSPORT_LATER, ERR_INTERRUPTED,
        code == MOSQ_ERR_SUCCESS
            ? "no PUBACK in time"
            : "the connection was lost before PUBACK: may this device publish to that topic?");
    hang_up(mqtt);
}

static void mqtt_send(
    void *state, const char *topic, struct span envelope, struct transport_outcome *ret_outcome)
{
    struct mqtt *mqtt = state;
    if (mqtt->client == NULL && !dial(mqtt, ret_outcome))
        return;
    mqtt->acknowledged = false;
    int code = mosquitto_publish(
        mqtt->client, &mqtt->waiting_for, topic, (int)envelope.len, envelope.ptr, 1, false);
    if (is_hopeless(code)) {
        outcome(ret_outcome, TRANSPORT_REFUSED, ERR_ARGUMENTS, "it cannot be sent by MQTT: %s",
            mosquitto_strerror(code));
    } else if (code != MOSQ_ERR_SUCCESS) {
        outcome(ret_outcome, TRANSPORT_LATER, ERR_PEER_UNREACHABLE, "%s", mosquitto_strerror(code));
        hang_up(mqtt);
    } else {
        await_puback(mqtt, ret_outcome);
    }
    mqtt->waiting_for = NOTHING_SENT;
}

static void mqtt_wait(void *state, int wake_fd, int ms)
{
    struct mqtt *mqtt = state;
    int error = 0;
    if (mqtt->client == NULL) {
        struct pollfd polls[] = {
            {.fd = mqtt->options->stop_fd, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
        (void)poll(polls, 2, ms);
    } else if (turn(mqtt, wake_fd, ms, &error) != MOSQ_ERR_SUCCESS) {
        log_info("the broker ended the connection; the next envelope makes a new one");
        hang_up(mqtt);
    }
}

static void mqtt_close(void *state)
{
    struct mqtt *mqtt = state;
    hang_up(mqtt);
    SSL_CTX_free(mqtt->ctx);
    free(mqtt);
    (void)mosquitto_lib_cleanup();
}

const struct transport_kind transport_mqtt = {
    "MQTT", "x-amzn-mqtt-ca", mqtt_open, mqtt_send, mqtt_wait, mqtt_close};
