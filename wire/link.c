/* SPDX-License-Identifier: MIT
 *
 * A client's connection. SOCK_SEQPACKET: a packet is whole or was not sent, so a failed send is
 * certain to have done nothing.
 */
#include "link.h"

#include "base/clock.h"
#include "base/secret.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG_PAUSE_US = 2000 };

struct link {
    int fd;
    dev_t device; /* of fd, to notice that the program closed it and the number was used again */
    ino_t inode;
    uint32_t call;
    uint64_t generation;
    struct spin spin;
    int descriptor; /* that came with HELLO's reply and was not taken; -1: none */
    uint8_t packet[WIRE_MESSAGE_MAX];
};

static void pause_us(long us)
{
    const struct timespec pause = {0, us * 1000};
    (void)nanosleep(&pause, NULL);
}

/* A full backlog is EAGAIN on a Unix socket: try again until the deadline. */
static err_t connect_before(int fd, const struct sockaddr_un *address, uint64_t deadline_us)
{
    while (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return ERR_UNREACHABLE;
        if (clock_us() >= deadline_us)
            return ERR_TIMED_OUT;
        pause_us(BACKLOG_PAUSE_US);
    }
    return ERR_OK;
}

err_t link_open(const char *path, uint64_t deadline_us, struct link **ret_link)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return ERR_ARGUMENTS;
    memcpy(address.sun_path, path, strlen(path) + 1);

    struct link *link = malloc(sizeof *link);
    if (link == NULL)
        return ERR_MEMORY;
    link->call = 0;
    link->generation = 0;
    link->descriptor = -1;
    link->spin = spin_new(SPIN_AUTO);

    err_t err;
    struct stat status;
    link->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (link->fd < 0 || fstat(link->fd, &status) != 0) {
        err = ERR_SYSTEM;
        goto fail;
    }
    link->device = status.st_dev;
    link->inode = status.st_ino;
    err = connect_before(link->fd, &address, deadline_us);
    if (err != ERR_OK)
        goto fail;
    *ret_link = link;
    return ERR_OK;
fail:
    if (link->fd >= 0)
        (void)close(link->fd);
    free(link);
    return err;
}

bool link_alive(const struct link *link)
{
    struct stat status;
    return fstat(link->fd, &status) == 0 && status.st_dev == link->device &&
           status.st_ino == link->inode;
}

void link_close(struct link *link)
{
    if (link == NULL)
        return;
    if (link_alive(link))
        (void)close(link->fd);
    if (link->descriptor >= 0)
        (void)close(link->descriptor);
    secret_wipe(
        link->packet, sizeof link->packet); /* the last answer may be a ticket or random bytes */
    free(link);
}

bool link_quiet(const struct link *link)
{
    struct pollfd poller = {.fd = link->fd, .events = POLLIN};
    return link_alive(link) && poll(&poller, 1, 0) == 0;
}

int link_take_descriptor(struct link *link)
{
    const int descriptor = link->descriptor;
    link->descriptor = -1;
    return descriptor;
}

uint64_t link_generation(const struct link *link)
{
    return link->generation;
}

int link_descriptor(const struct link *link)
{
    return link->fd;
}

/* Blocks until the socket is ready for events, or the deadline. */
static err_t wait_for(const struct link *link, short events, uint64_t deadline_us)
{
    for (;;) {
        struct pollfd poller = {.fd = link->fd, .events = events};
        int n = poll(&poller, 1, clock_ms_until(deadline_us));
        if (n > 0)
            return ERR_OK;
        if (n == 0)
            return ERR_TIMED_OUT;
        if (errno != EINTR)
            return ERR_SYSTEM;
    }
}

static err_t send_packet(const struct link *link, struct span packet, uint64_t deadline_us)
{
    for (;;) {
        ssize_t n = send(link->fd, packet.ptr, packet.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0)
            return ERR_OK;
        if (errno == EAGAIN) {
            err_t err = wait_for(link, POLLOUT, deadline_us);
            if (err != ERR_OK)
                return err;
        } else if (errno != EINTR) {
            return ERR_INTERRUPTED;
        }
    }
}

/* recv, for a packet that may bring a descriptor. What comes beyond one the kernel closes, since
 * the room says CMSG_LEN: CMSG_SPACE would have some for a second. */
static ssize_t receive_with_descriptor(struct link *link)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {link->packet, sizeof link->packet};
    struct msghdr message = {.msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_LEN(sizeof(int))};
    const ssize_t n = recvmsg(link->fd, &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof link->descriptor)) {
        if (link->descriptor >= 0)
            (void)close(link->descriptor);
        memcpy(&link->descriptor, CMSG_DATA(header), sizeof link->descriptor);
    }
    return n;
}

/* Spins for as long as it pays, then sleeps. The scheduler likes to put both ends on one processor:
 * without the yield each would spin away the other's time. */
static err_t receive_packet(
    struct link *link, bool with_descriptor, uint64_t deadline_us, struct span *ret_packet)
{
    const uint64_t start = clock_us();
    const uint64_t spin_until = start + spin_budget(&link->spin);
    for (;;) {
        ssize_t n = with_descriptor ? receive_with_descriptor(link)
                                    : recv(link->fd, link->packet, sizeof link->packet,
                                          MSG_DONTWAIT | MSG_TRUNC);
        if (n > 0 && (size_t)n <= sizeof link->packet) {
            spin_learn(&link->spin, clock_us() - start);
            *ret_packet = span_of(link->packet, (size_t)n);
            return ERR_OK;
        }
        if (n > 0)
            return ERR_BAD_MESSAGE;
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return ERR_INTERRUPTED;
        if (spin_pause(&link->spin, spin_until))
            continue;
        err_t err = wait_for(link, POLLIN, deadline_us);
        if (err != ERR_OK)
            return err;
    }
}

static err_t read_reply(struct link *link, const struct wire_operation_row *row, struct span packet,
    void *ret_reply, enum link_fate *ret_fate)
{
    struct reader r = reader_of(packet);
    struct wire_reply_header header;
    schema_decode(&wire_reply_header_schema, &r, &header);
    if (r.failed || header.call != link->call || header.operation != row->operation)
        return ERR_BAD_MESSAGE;
    link->generation = header.generation;
    struct span body = read_span(&r, r.left);
    if (schema_decode_whole(
            header.error == 0 ? row->reply : &wire_nothing_schema, body, ret_reply) != ERR_OK)
        return ERR_BAD_MESSAGE;
    *ret_fate = LINK_ANSWERED;
    return err_from_number(header.error);
}

err_t link_call(struct link *link, enum wire_operation operation, const void *request,
    void *ret_reply, uint64_t deadline_us, enum link_fate *ret_fate)
{
    const struct wire_operation_row *row = wire_operation_find(operation);
    struct writer w = writer_of(link->packet, sizeof link->packet);
    const struct wire_request_header header = {++link->call, (uint16_t)operation};
    *ret_fate = LINK_NOT_SENT;

    if (!link_alive(link))
        return ERR_INTERRUPTED;
    schema_encode(&wire_request_header_schema, &header, &w);
    schema_encode(row->request, request, &w);
    if (writer_failed(&w)) {
        secret_wipe(link->packet, w.used);
        *ret_fate = LINK_ANSWERED; /* the link is untouched */
        return ERR_TOO_LARGE;
    }
    struct span packet = writer_bytes(&w);
    err_t err = send_packet(link, packet, deadline_us);
    secret_wipe(link->packet, packet.len);
    if (err != ERR_OK)
        return err;

    *ret_fate = LINK_MAYBE_DONE;
    err = receive_packet(link, operation == WIRE_HELLO, deadline_us, &packet);
    if (err != ERR_OK)
        return err;
    return read_reply(link, row, packet, ret_reply, ret_fate);
}
