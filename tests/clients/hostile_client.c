/* SPDX-License-Identifier: MIT
 *
 * A client that means ill: it speaks to a device's socket without the module. Other clients must
 * not notice. hostile-client SOCKET garbage COUNT    COUNT packets that are wrong in some way, on
 * many connections hostile-client SOCKET flood COUNT      opens COUNT connections and holds them
 * until its stdin ends hostile-client SOCKET deaf COUNT       asks COUNT times without ever
 * reading, until it is cut off Prints what became of it; exits 0 when the daemon behaved as it
 * should.
 */
#include "wire/messages.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *path;

static int connect_once(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    while (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        if (errno != EAGAIN && errno != EINTR) {
            (void)close(fd);
            return -1;
        }
        (void)usleep(1000);
    }
    return fd;
}

static struct span hello(uint8_t *room, size_t size)
{
    const struct wire_request_header header = {1, WIRE_HELLO};
    const struct wire_hello_request body = {
        .version_min = WIRE_VERSION_MIN, .version_max = WIRE_VERSION_MAX, .client = 1};
    struct writer w = writer_of(room, size);
    schema_encode(&wire_request_header_schema, &header, &w);
    schema_encode(&wire_hello_request_schema, &body, &w);
    return writer_bytes(&w);
}

/* One wrong packet: random, cut, too long, followed by something, or of no operation. */
static size_t spoil(uint8_t *packet, size_t size, unsigned long kind)
{
    struct span good = hello(packet, size);
    switch (kind % 6) {
    case 0:
        for (size_t i = 0; i < good.len; i++)
            packet[i] = (uint8_t)random();
        return good.len;
    case 1:
        return 1 + (size_t)random() % (good.len - 1);
    case 2:
        memset(packet + good.len, 0x5a, 7);
        return good.len + 7;
    case 3:
        return size; /* longer than a message may be */
    case 4:
        packet[4] = 0x7f; /* no such operation */
        return good.len;
    default:
        memset(packet + 6, 0xff, good.len - 6); /* lengths that lie */
        return good.len;
    }
}

/* Waits for an answer or the end of the connection; false when there is neither within 5 s. */
static bool is_answered(int fd)
{
    uint8_t reply[512];
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    if (poll(&poller, 1, 5000) != 1)
        return false;
    (void)!recv(fd, reply, sizeof reply, 0);
    return true;
}

static int garbage(unsigned long count)
{
    static uint8_t packet[WIRE_MESSAGE_MAX + 100];
    unsigned long silent = 0;
    srandom(1);
    for (unsigned long i = 0; i < count; i++) {
        int fd = connect_once();
        if (fd < 0)
            return 1;
        size_t len = spoil(packet, sizeof packet, i);
        if (send(fd, packet, len, MSG_NOSIGNAL) >= 0 && !is_answered(fd))
            silent++;
        (void)close(fd);
    }
    printf("garbage %lu silent %lu\n", count, silent);
    return silent == 0 ? 0 : 1;
}

static int flood(unsigned long count)
{
    uint8_t room[256];
    unsigned long open = 0;
    unsigned long cut = 0;
    int *fds = calloc(count, sizeof *fds);
    for (unsigned long i = 0; fds != NULL && i < count; i++) {
        struct span packet = hello(room, sizeof room);
        fds[i] = connect_once();
        if (fds[i] < 0 || send(fds[i], packet.ptr, packet.len, MSG_NOSIGNAL) < 0)
            cut++;
        else
            open++;
    }
    printf("flood %lu sent %lu cut %lu\n", count, open, cut);
    (void)fflush(stdout);
    (void)!read(STDIN_FILENO, room, 1);
    free(fds);
    return 0;
}

static int deaf(unsigned long count)
{
    uint8_t room[256];
    struct span packet = hello(room, sizeof room);
    int fd = connect_once();
    for (unsigned long i = 0; i < count; i++) {
        ssize_t n = send(fd, packet.ptr, packet.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd poller = {.fd = fd, .events = POLLOUT};
            (void)poll(&poller, 1, 100);
        } else if (n < 0) {
            printf("deaf: cut off after %lu\n", i);
            return 0;
        }
    }
    printf("deaf: never cut off\n");
    return 1;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(unsigned long count);
    } modes[] = {{"garbage", garbage}, {"flood", flood}, {"deaf", deaf}};
    path = argc == 4 ? argv[1] : "";
    for (size_t i = 0; argc == 4 && i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(argv[2], modes[i].name) == 0)
            return modes[i].run(strtoul(argv[3], NULL, 10));
    fprintf(stderr, "usage: hostile-client SOCKET garbage|flood|deaf COUNT\n");
    return 64;
}
