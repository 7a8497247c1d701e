/* SPDX-License-Identifier: MIT
 *
 * signerd-worker: one process per device, started by signerd and by nobody else. Here are its
 * start, its loop and its connections; what clients ask is in request.c.
 */
#include "worker.h"

#include "confine.h"
#include "request.h"
#include "serve.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    EVENTS_AT_ONCE = 64,
    TRY_DEVICE_EVERY_US = 2000000,
    HOUSE_EVERY_US = 250000, /* while there is traffic */
    UNGREETED_SLACK = 32,    /* connections over the limit that may wait to be told so */
    DESCRIPTORS_SPARE = 64,  /* for the vendor's library */
    PIN_MAX = 256,
    RULES_MAX = 1024,
};

static const struct driver *const drivers[] = {&driver_pkcs11};

/* ---- the device ---- */

static void device_close(struct worker *worker)
{
    objects_free(&worker->objects);
    if (worker->device != NULL)
        worker->driver->close(worker->device);
    worker->device = NULL;
    worker->instance = 0;
}

static err_t device_open(struct worker *worker)
{
    const struct driver_settings settings = {worker->module, worker->token_label, worker->pin};
    err_t err = worker->driver->open(&settings, &worker->device);
    if (err != ERR_OK)
        return err;
    err = worker->driver->token(worker->device, &worker->token);
    if (err == ERR_OK)
        err = objects_init(&worker->objects, worker->driver, worker->device, worker->login != NULL);
    if (err == ERR_OK)
        err = objects_load(&worker->objects);
    if (err != ERR_OK) {
        device_close(worker);
        return err;
    }
    worker->instance = worker->objects.next_number;
    return ERR_OK;
}

static void close_connection(struct worker *worker, struct connection *connection);

/* Connections that were told of no device must ask again. */
static void close_greeted_absent(struct worker *worker)
{
    struct connection *next;
    for (struct connection *connection = worker->clients.connections; connection;
         connection = next) {
        next = connection->next;
        if (connection->greeted_absent)
            close_connection(worker, connection);
    }
}

/* A refused PIN is not tried again: tokens lock after a few. */
static void device_try(struct worker *worker)
{
    pulse_busy(worker->pulse, true);
    err_t err = device_open(worker);
    pulse_busy(worker->pulse, false);
    worker->try_again_at = err == ERR_DEVICE_PIN ? UINT64_MAX : clock_us() + TRY_DEVICE_EVERY_US;
    if (err == ERR_OK) {
        log_info("device is ready: token '%s', serial %s, %zu objects", worker->token.label,
            worker->token.serial, worker->objects.count);
        close_greeted_absent(worker);
    } else if (err != worker->absent_because) {
        log_error("%s (token '%s', module %s)%s", err_text(err), worker->token_label,
            worker->module,
            err == ERR_DEVICE_PIN
                ? "; not tried again before the daemon is restarted, since tokens lock"
                : "; trying on");
    }
    worker->absent_because = err;
}

/* ---- connections ---- */

static void watch(
    struct worker *worker, struct connection *connection, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(worker->events, operation, connection->fd, &event) != 0)
        log_error("a connection cannot be watched: %s", strerror(errno));
}

static void close_connection(struct worker *worker, struct connection *connection)
{
    struct client *client;
    /* Closing is not enough: the parent may hold its descriptor for a moment longer, and events
     * would go on. */
    (void)epoll_ctl(worker->events, EPOLL_CTL_DEL, connection->fd, NULL);
    queue_remove(&worker->queue, &connection->place);
    connection_free(&worker->clients, connection, &client);
    if (client == NULL)
        return;
    end_client_begun(worker, client);
    if (client->session_objects > 0)
        end_client_objects(worker, client, false);
    client_free(&worker->clients, client);
}

/* A user may hold so many; and when descriptors run short, each user may still have one. */
static bool has_room(const struct worker *worker, const struct account *account)
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    size_t most = limit.rlim_cur > 2 * DESCRIPTORS_SPARE ? limit.rlim_cur - DESCRIPTORS_SPARE : 1;
    size_t now = worker->clients.connection_count;
    return account->connections < worker->max_connections + UNGREETED_SLACK && now < most &&
           (now < most - most / 4 || account->connections == 0);
}

static void take_connection(struct worker *worker, const struct control_packet *packet)
{
    static struct identity identity;
    struct account *account;
    struct connection *connection;
    int fd = packet->descriptors[0];
    accounts_tidy(&worker->accounts, clock_us());
    if (control_take_connection(&packet->body.control_connection, &identity) != ERR_OK ||
        account_of(&worker->accounts, identity.uid, &account) != ERR_OK) {
        (void)close(fd);
        return;
    }
    if (!has_room(worker, account) ||
        connection_new(&worker->clients, fd, &identity, account, &connection) != ERR_OK) {
        if (account_refusal_has_line(account, clock_us()))
            log_warning(
                "a connection of uid %u is closed at once: too many are open", identity.uid);
        (void)close(fd);
        return;
    }
    watch(worker, connection, EPOLL_CTL_ADD, EPOLLIN);
}

/* False where the descriptor cannot go with it: the kernel limits how many a user has under way. */
static bool send_with_page(int fd, int page_fd, struct span reply)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {(void *)(uintptr_t)reply.ptr, reply.len};
    struct msghdr message = {.msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof page_fd);
    memcpy(CMSG_DATA(header), &page_fd, sizeof page_fd);
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* The page tells of a change before the answer does: who hears that an object was made, and tells
 * another process so, can rely on that one to see it. */
static void send_reply(struct worker *worker, struct connection *connection, struct span reply)
{
    page_tell(worker->page, worker->objects.generation);
    const bool with_page = connection->page_due;
    connection->page_due = false;
    if (with_page && send_with_page(connection->fd, worker->page_fd, reply))
        return;
    /* A client has one call at a time, so its answer always fits; one that does not read loses its
     * connection. */
    if (send(connection->fd, reply.ptr, reply.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        close_connection(worker, connection);
}

static void serve_connection(struct worker *worker, struct connection *connection)
{
    static uint8_t packet[WIRE_MESSAGE_MAX];
    static uint8_t answer[WIRE_MESSAGE_MAX];
    struct writer reply = writer_of(answer, sizeof answer);
    ssize_t n = recv(connection->fd, packet, sizeof packet, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || (size_t)n > sizeof packet) {
        secret_wipe(packet, n > 0 ? sizeof packet : 0);
        close_connection(worker, connection);
        return;
    }
    switch (request_serve(worker, connection, span_of(packet, (size_t)n), &reply)) {
    case REQUEST_ANSWERED:
        send_reply(worker, connection, writer_bytes(&reply));
        secret_wipe_span(writer_bytes(&reply));
        break;
    case REQUEST_PARKED:
        watch(worker, connection, EPOLL_CTL_MOD, 0);
        break;
    case REQUEST_HOPELESS:
        close_connection(worker, connection);
        break;
    }
}

/* False: only its PIN was looked at, and the answer waits. */
static bool answer_parked(struct worker *worker, struct connection *connection)
{
    uint8_t answer[256];
    struct writer reply = writer_of(answer, sizeof answer);
    if (request_unpark(worker, connection, &reply) == REQUEST_PARKED)
        return false;
    watch(worker, connection, EPOLL_CTL_MOD, EPOLLIN);
    send_reply(worker, connection, writer_bytes(&reply));
    secret_wipe_span(writer_bytes(&reply));
    return true;
}

/* Sends what is due; returns when the next answer will be (clock_us), or UINT64_MAX. */
static uint64_t unpark(struct worker *worker)
{
    uint64_t now = clock_us();
    uint64_t next_due = UINT64_MAX;
    struct connection *next;
    for (struct connection *connection = worker->clients.connections; connection;
         connection = next) {
        next = connection->next;
        if (connection->parked_until == 0 ||
            (connection->parked_until <= now && answer_parked(worker, connection)))
            continue;
        if (connection->parked_until < next_due)
            next_due = connection->parked_until;
    }
    return next_due;
}

/* ---- the parent's words ---- */

static void take_rule(struct worker *worker, const struct control_rule *message)
{
    if (worker->coming_rules == NULL)
        worker->coming_rules = calloc(RULES_MAX, sizeof *worker->coming_rules);
    if (worker->coming_rules == NULL || worker->coming_count >= RULES_MAX ||
        control_take_rule(message, &worker->coming_rules[worker->coming_count]) != ERR_OK) {
        log_error("a rule could not be taken; the policy stays as it was");
        worker->coming_count = RULES_MAX + 1; /* so that POLICY's count does not agree */
        return;
    }
    worker->coming_count++;
}

static void take_policy(struct worker *worker, uint32_t count)
{
    if (worker->coming_rules == NULL && count == 0)
        worker->coming_rules = calloc(1, sizeof *worker->coming_rules);
    if (count == worker->coming_count && worker->coming_rules != NULL) {
        free(worker->rules);
        worker->rules = worker->coming_rules;
        worker->rule_count = worker->coming_count;
        worker->coming_rules = NULL;
        worker->objects.generation++;
        if (worker->audit != NULL)
            (void)audit_note(worker->audit, "policy loaded");
    }
    worker->coming_count = 0;
}

static err_t take_pin(const char *key, int fd, struct secret **ret_pin)
{
    err_t err = secret_read(fd, PIN_MAX, ret_pin);
    if (err == ERR_CONFIG)
        log_error("the file of %s must hold 1 to %d bytes", key, PIN_MAX);
    return err;
}

static void copy_text(struct span from, char *to, size_t size)
{
    (void)snprintf(to, size, "%.*s", (int)from.len, from.len > 0 ? (const char *)from.ptr : "");
}

static err_t take_settings(struct worker *worker, const struct control_packet *packet)
{
    const struct control_settings *settings = &packet->body.control_settings;
    size_t next = 1;
    struct secret *client_pin = NULL;
    err_t err = ERR_OK;
    if (packet->descriptor_count != 1U + settings->has_pin + settings->has_client_pin)
        return ERR_BAD_MESSAGE;
    copy_text(settings->device, worker->name, sizeof worker->name);
    copy_text(settings->module, worker->module, sizeof worker->module);
    copy_text(settings->token, worker->token_label, sizeof worker->token_label);
    worker->spin = spin_new((int)settings->spin);
    worker->max_connections = settings->max_connections;
    worker->max_session_objects = settings->max_session_objects;
    worker->state_directory = packet->descriptors[0];
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
        if (span_equal(span_of_text(drivers[i]->name), settings->driver))
            worker->driver = drivers[i];
    if (worker->driver == NULL)
        return ERR_CONFIG;

    err = confine_memory(settings->lock_memory_required == 1);
    if (err == ERR_OK)
        err = audit_open(worker->state_directory, settings->audit_file_mib, settings->audit_files,
            &worker->audit);
    if (err == ERR_OK && settings->has_pin)
        err = take_pin("pin-file", packet->descriptors[next++], &worker->pin);
    if (err == ERR_OK && settings->has_client_pin)
        err = take_pin("client-pin", packet->descriptors[next++], &client_pin);
    if (err == ERR_OK && client_pin != NULL)
        err = login_new(worker->state_directory, worker->name, client_pin, &worker->login);
    for (size_t i = 1; i < packet->descriptor_count; i++)
        (void)close(packet->descriptors[i]);
    return err;
}

/* False at the parent's end: then this worker ends too. */
static bool hear_parent(struct worker *worker)
{
    static struct control_packet packet;
    err_t err = control_receive(CONTROL_FD, &packet);
    if (err == ERR_TIMED_OUT)
        return true;
    if (err != ERR_OK)
        return false;
    switch (packet.number) {
    case CONTROL_RULE:
        take_rule(worker, &packet.body.control_rule);
        break;
    case CONTROL_POLICY:
        take_policy(worker, packet.body.control_policy.count);
        break;
    case CONTROL_CONNECTION:
        if (packet.descriptor_count == 1)
            take_connection(worker, &packet);
        break;
    default:
        log_error("the parent said something unknown (%d)", (int)packet.number);
        break;
    }
    return true;
}

/* ---- the loop ---- */

/* What is due by time: answers that waited, the audit's flush, another try at an absent device. */
static void keep_house(struct worker *worker)
{
    uint64_t now = clock_us();
    worker->due = unpark(worker);
    for (struct account *account = worker->accounts.first; account; account = account->next)
        tell_left_out(worker, account);
    uint64_t flush_in = audit_flush(worker->audit, now);
    if (flush_in != UINT64_MAX && now + flush_in < worker->due)
        worker->due = now + flush_in;
    if (worker->device == NULL && now >= worker->try_again_at)
        device_try(worker);
    if (worker->device == NULL && worker->try_again_at < worker->due)
        worker->due = worker->try_again_at;
}

static void be_due_by(struct worker *worker, uint64_t time_us)
{
    if (time_us < worker->due)
        worker->due = time_us;
}

/* Spins while traffic is dense, then sleeps. */
static int wait_for_events(struct worker *worker, struct epoll_event *events)
{
    const uint64_t start = clock_us();
    const uint64_t spin_until = start + spin_budget(&worker->spin);
    int count = epoll_wait(worker->events, events, EVENTS_AT_ONCE, 0);
    while (count == 0 && spin_pause(&worker->spin, spin_until))
        count = epoll_wait(worker->events, events, EVENTS_AT_ONCE, 0);
    if (count == 0)
        count = epoll_wait(worker->events, events, EVENTS_AT_ONCE,
            worker->due == UINT64_MAX ? -1 : clock_ms_until(worker->due));
    spin_learn(&worker->spin, clock_us() - start);
    return count;
}

/* data.ptr NULL is the parent's socket. Connections that are closed here cannot be in a later
 * event: each has one. */
static bool handle_events(struct worker *worker, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection == NULL) {
            if (!hear_parent(worker))
                return false;
        } else if (events[i].events & EPOLLIN) {
            queue_push(&worker->queue, &connection->place);
        } else {
            close_connection(worker, connection);
        }
    }
    return true;
}

static void run(struct worker *worker)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    while (!worker->device_lost) {
        int count = worker->queue.turn == NULL
                        ? wait_for_events(worker, events)
                        : epoll_wait(worker->events, events, EVENTS_AT_ONCE, 0);
        if (!handle_events(worker, events, count))
            return;
        struct queue_place *place = queue_pop(&worker->queue);
        uint64_t now = clock_us();
        if (place != NULL) {
            serve_connection(worker, (struct connection *)place);
            be_due_by(worker, now + HOUSE_EVERY_US);
        }
        if (now >= worker->due)
            keep_house(worker);
        page_tell(
            worker->page, worker->objects.generation); /* by policy, device or a client's end */
    }
    log_error("the device is gone, or is not what it was; this worker ends");
}

static err_t start(struct worker *worker)
{
    static struct control_packet packet;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    const struct rlimit descriptors = {1U << 20, 1U << 20};
    struct rlimit limit;
    if (setrlimit(RLIMIT_NOFILE, &descriptors) != 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    worker->pulse =
        mmap(NULL, sizeof *worker->pulse, PROT_READ | PROT_WRITE, MAP_SHARED, CONTROL_PULSE_FD, 0);
    worker->events = epoll_create1(EPOLL_CLOEXEC);
    if (page_make(&worker->page, &worker->page_fd) != ERR_OK)
        log_warning(
            "there is no page for the generation (%s): clients ask for it", strerror(errno));
    if (worker->pulse == MAP_FAILED || worker->events < 0 ||
        epoll_ctl(worker->events, EPOLL_CTL_ADD, CONTROL_FD, &event) != 0)
        return ERR_SYSTEM;
    err_t err = control_receive(CONTROL_FD, &packet);
    if (err == ERR_OK)
        err = packet.number == CONTROL_SETTINGS ? take_settings(worker, &packet) : ERR_BAD_MESSAGE;
    if (err == ERR_OK)
        err = confine_system_calls();
    while (err == ERR_OK && worker->rules == NULL)
        if (!hear_parent(worker))
            err = ERR_INTERRUPTED;
    return err;
}

int main(int argc, char **argv)
{
    static struct worker worker;
    static char who[80];
    struct stat status;
    (void)snprintf(who, sizeof who, "signerd[%s]", argc == 2 ? argv[1] : "?");
    log_setup(who, LOG_LEVEL_INFO);
    if (argc != 2 || fstat(CONTROL_FD, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        log_error("signerd-worker is started by signerd, not by hand");
        return EX_USAGE;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C is the parent's to handle */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);

    err_t err = confine_process();
    if (err == ERR_OK)
        err = start(&worker);
    if (err != ERR_OK) {
        log_error("worker cannot start: %s", err_text(err));
        return err_exit_code(err);
    }
    (void)audit_note(worker.audit, "worker started");
    worker.started_at = clock_us();
    device_try(&worker);
    const struct control_ready ready = {worker.device != NULL};
    if (control_send(CONTROL_FD, CONTROL_READY, &ready, NULL, 0) == ERR_OK)
        run(&worker);

    for (struct client *client = worker.clients.first; client != NULL; client = client->next)
        end_client_begun(&worker, client);
    (void)audit_note(worker.audit, worker.device_lost ? "device lost" : "worker ended");
    audit_close(worker.audit);
    device_close(&worker);
    login_free(worker.login);
    secret_free(worker.pin);
    return worker.device_lost ? EX_TEMPFAIL : EX_OK;
}
