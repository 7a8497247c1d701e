/* SPDX-License-Identifier: MIT
 *
 * The reading process and its sending child. Between them one socket: a PIN once, where one was
 * asked for; then a byte for each new envelope; its end means that no more come. The child says
 * "ready" once.
 */
#include "pair.h"

#include "work.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { PATIENCE_US = 5000000, PAUSE_US = 10000, PIN_FOLLOWS = 'P', NO_PIN = 'N', READY = 'R' };

struct pair {
    const struct options *options;
    int lock;
    int socket;
    int stop_fd;
    pid_t child;
    bool child_ended;
    int child_exit;
};

/* ---- the child ---- */

/* What the parent was asked for: the first message. The PIN passes through the kernel's memory. */
static err_t take_pin(int socket, struct pin_memory *pins)
{
    uint8_t message[1 + TOKEN_PIN_MAX];
    ssize_t len = recv(socket, message, sizeof message, 0);
    err_t err = len < 1 ? ERR_INTERRUPTED : ERR_OK;
    if (len > 1 && message[0] == PIN_FOLLOWS) {
        err = secret_new((size_t)len - 1, &pins->pin);
        if (err == ERR_OK)
            memcpy(secret_writable(pins->pin), message + 1, (size_t)len - 1);
    }
    secret_wipe(message, sizeof message);
    return err;
}

static void say_ready(int socket)
{
    static const uint8_t ready = READY;
    (void)send(socket, &ready, 1, MSG_NOSIGNAL);
}

/* Ends with the parent, also when that is killed. */
static err_t be_child(const struct pair *pair, pid_t parent)
{
    struct pin_memory pins = {.ask = false};
    struct device *device = NULL;
    log_setup("signerd-publisher[send]", LOG_LEVEL_INFO);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        return ERR_INTERRUPTED;
    int stop_fd = work_stop_fd();
    err_t err = stop_fd < 0 ? ERR_SYSTEM : take_pin(pair->socket, &pins);
    if (err == ERR_OK)
        err = device_open(pair->options, &pins, &device);
    if (err == ERR_OK)
        err = work_send(pair->options, pair->lock, device, stop_fd, pair->socket, say_ready);
    device_close(device);
    secret_free(pins.pin);
    return err;
}

static err_t start_child(struct pair *pair)
{
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        log_error("socketpair: %s", strerror(errno));
        return ERR_SYSTEM;
    }
    pair->child = fork();
    if (pair->child == 0) {
        (void)close(ends[0]);
        pair->socket = ends[1];
        _exit(err_exit_code(be_child(pair, parent)));
    }
    (void)close(ends[1]);
    pair->socket = ends[0];
    if (pair->child > 0)
        return ERR_OK;
    log_error("fork: %s", strerror(errno));
    return ERR_SYSTEM;
}

/* ---- the parent ---- */

static err_t give_pin(const struct pair *pair, const struct pin_memory *pins)
{
    uint8_t message[1 + TOKEN_PIN_MAX] = {NO_PIN};
    size_t len = 1;
    if (pins->pin != NULL) {
        struct span pin = secret_bytes(pins->pin);
        message[0] = PIN_FOLLOWS;
        memcpy(message + 1, pin.ptr, pin.len);
        len += pin.len;
    }
    bool sent = send(pair->socket, message, len, MSG_NOSIGNAL) == (ssize_t)len;
    secret_wipe(message, sizeof message);
    return sent ? ERR_OK : ERR_INTERRUPTED;
}

static bool look_at_child(struct pair *pair, int flags)
{
    int status = 0;
    if (!pair->child_ended && waitpid(pair->child, &status, flags) == pair->child) {
        pair->child_ended = true;
        pair->child_exit = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
        if (!WIFEXITED(status))
            log_error("the sending process was ended by signal %d", WTERMSIG(status));
    }
    return pair->child_ended;
}

/* Waits until the time is over, a stop is wanted, or the child says something or ends. */
static bool stopped(struct pair *pair, int ms, short socket_events)
{
    struct pollfd polls[] = {
        {.fd = pair->stop_fd, .events = POLLIN}, {.fd = pair->socket, .events = socket_events}};
    (void)poll(polls, 2, ms);
    return polls[0].revents != 0;
}

/* True when the child is ready; false when it ended, or a stop is wanted. */
static bool await_ready(struct pair *pair)
{
    uint8_t said = 0;
    if (stopped(pair, -1, POLLIN))
        return false;
    if (recv(pair->socket, &said, 1, MSG_DONTWAIT) == 1 && said == READY)
        return true;
    (void)look_at_child(pair, 0);
    return false;
}

static void wake_child(void *context)
{
    const struct pair *pair = context;
    static const uint8_t one = 1;
    /* A full socket is no harm: the child has enough to wake it. */
    (void)send(pair->socket, &one, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Faults that the next round may not have; others end the program. */
static bool goes_on_after(err_t err)
{
    return err != ERR_SPOOL && err != ERR_MEMORY && err != ERR_INTERNAL;
}

static err_t read_rounds(struct pair *pair, struct work_readings *readings)
{
    uint64_t next = clock_us();
    err_t err = ERR_OK;
    for (uint32_t round = 1;; round++) {
        err = collector_round(&readings->collector);
        if (!goes_on_after(err) || round == pair->options->count)
            return err;
        next += (uint64_t)pair->options->interval_s * 1000000U;
        if (next < clock_us())
            next = clock_us(); /* the sensors take longer than the interval */
        do {
            if (stopped(pair, clock_ms_until(next), 0))
                return ERR_OK;
            if (look_at_child(pair, WNOHANG))
                return ERR_INTERRUPTED;
        } while (clock_us() < next);
    }
}

/* Ends the child: by the end of the socket, which lets it finish, or by SIGTERM. */
static void end_child(struct pair *pair, bool finish)
{
    (void)shutdown(pair->socket, SHUT_WR);
    if (finish)
        while (!pair->child_ended && !stopped(pair, 100, 0))
            (void)look_at_child(pair, WNOHANG);
    if (!look_at_child(pair, WNOHANG))
        (void)kill(pair->child, SIGTERM);
    uint64_t deadline = clock_us() + PATIENCE_US;
    while (!look_at_child(pair, WNOHANG) && clock_us() < deadline)
        (void)usleep(PAUSE_US);
    if (!pair->child_ended) {
        (void)kill(pair->child, SIGKILL); /* what it had not yet delivered is in the spool */
        (void)look_at_child(pair, 0);
    }
    (void)close(pair->socket);
}

err_t pair_run(const struct options *options, int lock)
{
    struct pair pair = {.options = options, .lock = lock, .child = -1};
    struct pin_memory pins = {.ask = true};
    struct device *device = NULL;
    struct work_readings readings = {.sensors = NULL};
    bool finish = false;
    /* First of all: a library of PKCS#11 is not to be forked. */
    err_t err = start_child(&pair);
    if (err != ERR_OK)
        return err;
    err = device_open(options, &pins, &device);
    if (err == ERR_OK)
        err = work_readings_open(options, lock, device, &readings);
    if (err == ERR_OK && (pair.stop_fd = work_stop_fd()) < 0)
        err = ERR_SYSTEM;
    if (err == ERR_OK)
        err = give_pin(&pair, &pins);
    secret_free(pins.pin);
    pins.pin = NULL;
    if (err == ERR_OK && await_ready(&pair)) {
        log_info("started");
        readings.collector.accepted = wake_child;
        readings.collector.context = &pair;
        err = read_rounds(&pair, &readings);
        finish = goes_on_after(err);
    }
    end_child(&pair, finish && options->count > 0);
    work_readings_free(&readings);
    device_close(device);
    if (pair.child_exit != EX_OK && (err == ERR_OK || err == ERR_INTERRUPTED))
        exit(pair.child_exit); /* it has said why */
    return err;
}
