/* SPDX-License-Identifier: MIT
 *
 * Both sides of a client: the process itself (play), and what the stage does with it.
 */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
    const struct timespec until = {(time_t)(ns / 1000000000U), (long)(ns % 1000000000U)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* ---- the process ---- */

static void carry_out(struct desk *desk, const struct order *order, struct tally *tally)
{
    memset(&tally->latency, 0, sizeof tally->latency);
    tally->count = 0;
    tally->took = 0;
    tally->failure.rv = CKR_OK;
    sleep_until(order->start);
    for (uint64_t before = now_ns(); before < order->end;) {
        if (work_once(desk, order->kind, &tally->failure) != CKR_OK)
            return;
        const uint64_t after = now_ns();
        if (after > order->counted_from) {
            histogram_count(&tally->latency, after - before);
            tally->count++;
            tally->took = after - order->counted_from;
        }
        before = after;
    }
}

static _Noreturn void play(const struct way *way, int orders, int answers, struct tally *tally)
{
    static struct desk desk;
    struct order order;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    CK_RV rv = token_open(way->module, way->token, way->pin_file, 0, &desk.token, &tally->failure);
    if (rv == CKR_OK)
        rv = work_set_up(&desk, &tally->failure);
    for (unsigned kind = 0; rv == CKR_OK && kind < WORK_KINDS; kind++)
        (void)work_once(&desk, kind, &tally->trial[kind]);
    while (write(answers, "", 1) == 1 && rv == CKR_OK &&
           read(orders, &order, sizeof order) == (ssize_t)sizeof order)
        carry_out(&desk, &order, tally);
    _exit(0); /* as most programs do: without C_Finalize */
}

/* ---- the stage's side ---- */

bool client_start(const struct way *way, struct client *ret_client)
{
    int orders[2];
    int answers[2];
    struct tally *tally =
        mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED || pipe2(orders, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0)
        return false;
    *ret_client = (struct client){fork(), orders[1], answers[0], tally};
    if (ret_client->pid == 0) {
        (void)close(orders[1]);
        (void)close(answers[0]);
        play(way, orders[0], answers[1], tally);
    }
    (void)close(orders[0]);
    (void)close(answers[1]);
    return ret_client->pid > 0 && client_wait(ret_client) && tally->failure.rv == CKR_OK;
}

void client_stop(struct client *client)
{
    (void)close(client->orders); /* of which later clients hold copies, so that it sees no end */
    (void)close(client->answers);
    if (client->pid > 0)
        (void)kill(client->pid, SIGKILL);
    while (client->pid > 0 && waitpid(client->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    (void)munmap(client->tally, sizeof *client->tally);
}

bool client_order(const struct client *client, const struct order *order)
{
    return write(client->orders, order, sizeof *order) == (ssize_t)sizeof *order;
}

bool client_wait(const struct client *client)
{
    char byte;
    ssize_t n;
    do {
        n = read(client->answers, &byte, 1);
    } while (n < 0 && errno == EINTR);
    return n == 1;
}
