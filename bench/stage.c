/* SPDX-License-Identifier: MIT
 *
 * Starting and stopping, and the rounds.
 */
#include "stage.h"

#include "calm.h"

#include <stdio.h>
#include <string.h>

enum { NS_OF_MS = 1000000, LEAD_MS = 2, LEAD_CLIENTS_PER_MS = 16, WARM_UP_PART = 5 };

static void describe(const struct failure *failure, char *text, size_t size)
{
    (void)snprintf(
        text, size, "%s failed with CKR 0x%lx", failure->where, (unsigned long)failure->rv);
}

/* One client after another: processes that log in to SoftHSM at the same time disturb each other.
 */
static void start_way(struct stage *stage, unsigned way, unsigned count)
{
    char *absent = stage->absent[way];
    const size_t size = sizeof stage->absent[way];
    while (stage->started[way] < count) {
        struct client *client = &stage->clients[way][stage->started[way]];
        if (client_start(&stage->ways[way], client)) {
            stage->started[way]++;
            continue;
        }
        const int used = snprintf(absent, size, "client %u: ", stage->started[way] + 1);
        if (client->tally == NULL || client->tally->failure.rv == CKR_OK)
            (void)snprintf(absent + used, size - (size_t)used, "it ended before it could begin");
        else
            describe(&client->tally->failure, absent + used, size - (size_t)used);
        stage->broken[way] = true;
        return;
    }
}

void stage_start(struct stage *stage, unsigned count)
{
    for (unsigned way = 0; way < WAYS; way++) {
        if (stage->ways[way].module != NULL)
            start_way(stage, way, count);
        else
            (void)snprintf(stage->absent[way], sizeof stage->absent[way], "not measured");
    }
}

void stage_stop(struct stage *stage)
{
    for (unsigned way = 0; way < WAYS; way++)
        while (stage->started[way] > 0)
            client_stop(&stage->clients[way][--stage->started[way]]);
}

/* Whether this way can do it at all, as its first client found out. */
static void examine(const struct stage *stage, unsigned way, unsigned kind, struct outcome *outcome)
{
    *outcome = (struct outcome){.broken = stage->broken[way]};
    memcpy(outcome->absent, stage->absent[way], sizeof outcome->absent);
    if (outcome->absent[0] != '\0')
        return;
    const struct failure *trial = &stage->clients[way][0].tally->trial[kind];
    if (trial->rv == CKR_OK)
        return;
    outcome->broken = !work_not_offered(trial->rv);
    if (outcome->broken)
        describe(trial, outcome->absent, sizeof outcome->absent);
    else
        (void)snprintf(outcome->absent, sizeof outcome->absent, "not offered (%s: CKR 0x%lx)",
            trial->where, (unsigned long)trial->rv);
}

/* One round of one way. All clients begin at the same time. */
static void play_round(struct stage *stage, unsigned way, unsigned clients, unsigned kind,
    unsigned round, struct outcome *outcome)
{
    struct client *all = stage->clients[way];
    const uint64_t length = (uint64_t)stage->round_ms * NS_OF_MS;
    const uint64_t start = now_ns() + (LEAD_MS + clients / LEAD_CLIENTS_PER_MS) * NS_OF_MS;
    const struct order order = {
        kind, start, start + length / WARM_UP_PART, start + length / WARM_UP_PART + length};
    unsigned ordered = 0;
    while (ordered < clients && client_order(&all[ordered], &order))
        ordered++;
    bool died = ordered < clients;
    outcome->rates[round] = 0;
    for (unsigned i = 0; i < ordered; i++) {
        const struct tally *tally = all[i].tally;
        if (!client_wait(&all[i]))
            died = true;
        else if (tally->failure.rv != CKR_OK && !outcome->broken)
            describe(&tally->failure, outcome->absent, sizeof outcome->absent);
        outcome->broken = outcome->broken || tally->failure.rv != CKR_OK;
        if (tally->took > 0)
            outcome->rates[round] += (double)tally->count * 1e9 / (double)tally->took;
        histogram_add(&outcome->latency, &tally->latency);
    }
    if (died) {
        (void)snprintf(outcome->absent, sizeof outcome->absent, "a client has died");
        outcome->broken = true;
    }
}

void stage_measure(
    struct stage *stage, unsigned kind, unsigned clients, struct outcome outcomes[WAYS])
{
    for (unsigned way = 0; way < WAYS; way++)
        examine(stage, way, kind, &outcomes[way]);
    for (unsigned round = 0; round < stage->rounds; round++) {
        for (unsigned i = 0; i < WAYS; i++) {
            const unsigned way = (round + i) % WAYS; /* each way follows each other one */
            if (outcomes[way].absent[0] != '\0')
                continue;
            if (stage->calm_ms > 0)
                (void)calm_wait(stage->calm_ms);
            play_round(stage, way, clients, kind, round, &outcomes[way]);
        }
    }
}
