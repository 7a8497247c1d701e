/* SPDX-License-Identifier: MIT
 *
 * The fair queue: a ring of users, each with a list of its connections.
 * Invariant: a user is in the ring exactly while its list is not empty.
 */
#include "queue.h"

static void join_ring(struct queue *queue, struct account *account)
{
    account->turn_next = NULL;
    if (queue->last != NULL)
        queue->last->turn_next = account;
    else
        queue->turn = account;
    queue->last = account;
}

void queue_push(struct queue *queue, struct queue_place *place)
{
    struct account *account = place->account;
    if (place->queued)
        return;
    place->queued = true;
    place->next = NULL;
    if (account->waiting_first == NULL) {
        account->waiting_first = place;
        join_ring(queue, account);
    } else {
        account->waiting_last->next = place;
    }
    account->waiting_last = place;
}

struct queue_place *queue_pop(struct queue *queue)
{
    struct account *account = queue->turn;
    if (account == NULL)
        return NULL;
    struct queue_place *place = account->waiting_first;
    queue->turn = account->turn_next;
    if (queue->turn == NULL)
        queue->last = NULL;
    account->waiting_first = place->next;
    if (account->waiting_first != NULL)
        join_ring(queue, account);
    place->queued = false;
    return place;
}

static void leave_ring(struct queue *queue, struct account *account)
{
    struct account *before = NULL;
    for (struct account *at = queue->turn; at != account; at = at->turn_next)
        before = at;
    if (before != NULL)
        before->turn_next = account->turn_next;
    else
        queue->turn = account->turn_next;
    if (queue->last == account)
        queue->last = before;
}

void queue_remove(struct queue *queue, struct queue_place *place)
{
    struct account *account = place->account;
    if (!place->queued)
        return;
    struct queue_place *before = NULL;
    for (struct queue_place *at = account->waiting_first; at != place; at = at->next)
        before = at;
    if (before != NULL)
        before->next = place->next;
    else
        account->waiting_first = place->next;
    if (account->waiting_last == place)
        account->waiting_last = before;
    if (account->waiting_first == NULL)
        leave_ring(queue, account);
    place->queued = false;
}
