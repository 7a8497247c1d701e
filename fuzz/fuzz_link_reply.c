/* SPDX-License-Identifier: MIT
 *
 * What a hostile daemon may send to a client. The input is one packet, the reply to the first call
 * (SIGN) of a link; a reply that is accepted must belong to that call.
 */
#include "fuzz.h"

#include "base/clock.h"
#include "wire/link.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void remove_socket(void)
{
    (void)unlink(address.sun_path);
}

static int listener(void)
{
    (void)snprintf(
        address.sun_path, sizeof address.sun_path, "/tmp/signerd-fuzz-%d", (int)getpid());
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    must(fd >= 0);
    remove_socket();
    must(bind(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    must(listen(fd, 4) == 0);
    (void)atexit(remove_socket);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int door = -1;
    if (door < 0)
        door = listener();
    struct link *link = NULL;
    const uint64_t deadline = clock_us() + 1000000;
    must(link_open(address.sun_path, deadline, &link) == ERR_OK);
    int worker = accept(door, NULL, NULL);
    must(worker >= 0);
    bool sent = size > 0 && send(worker, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
    (void)shutdown(worker, SHUT_WR);

    const struct wire_sign_request request = {
        1, 0x1041, span_of(NULL, 0), span_of("0123456789abcdef", 16)};
    struct wire_sign_reply reply;
    enum link_fate fate;
    err_t err = link_call(link, WIRE_SIGN, &request, &reply, deadline, &fate);
    must(fate != LINK_NOT_SENT);
    if (err == ERR_OK) {
        static const uint8_t header[] = {0, 0, 0, 1, 0, WIRE_SIGN, 0, 0};
        must(sent && fate == LINK_ANSWERED);
        must(size >= 20 && memcmp(data, header, sizeof header) == 0);
        must(reply.signature.len == size - 20);
        must(memcmp(reply.signature.ptr, data + 20, reply.signature.len) == 0);
    }
    link_close(link);
    (void)close(worker);
    return 0;
}
