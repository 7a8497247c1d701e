/* SPDX-License-Identifier: MIT
 *
 * The fair queue: users in turn, each in the order of arrival, whatever is taken out in between.
 */
#include "test.h"

#include "signerd/queue.h"

#include <stdlib.h>

enum { USERS = 4, PLACES = 24, STEPS = 200000 };

static struct queue queue;
static struct account users[USERS];
static struct queue_place places[PLACES];

/* Place i belongs to user i % USERS. */
static int fresh_queue(void **state)
{
    memset(&queue, 0, sizeof queue);
    memset(users, 0, sizeof users);
    memset(places, 0, sizeof places);
    for (size_t i = 0; i < PLACES; i++)
        places[i].account = &users[i % USERS];
    (void)state;
    return 0;
}

static void expect_order(const size_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(queue_pop(&queue), &places[numbers[i]]);
    assert_null(queue_pop(&queue));
}

static void an_empty_queue_gives_nothing(void **state)
{
    assert_null(queue_pop(&queue));
    queue_push(&queue, &places[0]);
    expect_order((size_t[]){0}, 1);
    (void)state;
}

static void one_users_requests_keep_their_order(void **state)
{
    for (size_t i = 0; i < 5; i++)
        queue_push(&queue, &places[i * USERS]);
    expect_order((size_t[]){0, USERS, 2 * USERS, 3 * USERS, 4 * USERS}, 5);
    (void)state;
}

static void a_flood_delays_another_user_by_one_request(void **state)
{
    for (size_t i = 0; i < PLACES; i += USERS)
        queue_push(&queue, &places[i]);
    queue_push(&queue, &places[1]);
    queue_push(&queue, &places[1 + USERS]);
    expect_order((size_t[]){0, 1, 4, 5, 8, 12, 16, 20}, 8);
    (void)state;
}

/* The user served last stands behind those who came in the meantime, even with its requests pushed
 * anew each time. */
static void a_flood_that_never_ends_takes_turns(void **state)
{
    queue_push(&queue, &places[0]);
    queue_push(&queue, &places[4]);
    for (size_t i = 0; i < 100; i++) {
        struct queue_place *flood = queue_pop(&queue);
        assert_ptr_equal(flood->account, &users[0]);
        queue_push(&queue, flood);
        queue_push(&queue, &places[1]);
        flood = queue_pop(&queue);
        assert_ptr_equal(flood->account, &users[0]);
        queue_push(&queue, flood);
        assert_ptr_equal(queue_pop(&queue), &places[1]);
    }
    (void)state;
}

static void a_place_that_is_queued_is_not_queued_again(void **state)
{
    queue_push(&queue, &places[0]);
    queue_push(&queue, &places[4]);
    queue_push(&queue, &places[0]);
    queue_push(&queue, &places[4]);
    expect_order((size_t[]){0, 4}, 2);
    (void)state;
}

static void first_middle_and_last_can_be_removed(void **state)
{
    static const size_t removed[] = {0, 1, 2};
    static const size_t left[][2] = {{4, 8}, {0, 8}, {0, 4}};
    for (size_t i = 0; i < COUNT(removed); i++) {
        for (size_t j = 0; j < 3; j++)
            queue_push(&queue, &places[j * USERS]);
        queue_remove(&queue, &places[removed[i] * USERS]);
        expect_order(left[i], 2);
    }
    (void)state;
}

static void a_user_without_requests_leaves_the_ring(void **state)
{
    for (size_t user = 0; user < 3; user++) {
        for (size_t i = 0; i < 3; i++)
            queue_push(&queue, &places[i]);
        queue_remove(&queue, &places[user]);
        queue_push(&queue, &places[3]);
        for (size_t i = 0; i < 4; i++)
            if (i != user)
                assert_ptr_equal(queue_pop(&queue), &places[i]);
        assert_null(queue_pop(&queue));
    }
    (void)state;
}

static void removing_what_is_not_queued_changes_nothing(void **state)
{
    queue_remove(&queue, &places[0]);
    queue_push(&queue, &places[0]);
    queue_push(&queue, &places[1]);
    queue_remove(&queue, &places[4]);
    expect_order((size_t[]){0, 1}, 2);
    (void)state;
}

/* ---- a model: turns in a plain array, each user's places in another ---- */

struct model {
    size_t turn[USERS];
    size_t turns;
    size_t waiting[USERS][PLACES];
    size_t counts[USERS];
};

static size_t position(const size_t *array, size_t count, size_t value)
{
    size_t i = 0;
    while (i < count && array[i] != value)
        i++;
    return i;
}

static void take_out(size_t *array, size_t *count, size_t at)
{
    memmove(&array[at], &array[at + 1], (*count - at - 1) * sizeof array[0]);
    (*count)--;
}

static void model_push(struct model *model, size_t place)
{
    size_t user = place % USERS;
    if (position(model->waiting[user], model->counts[user], place) < model->counts[user])
        return;
    if (model->counts[user] == 0)
        model->turn[model->turns++] = user;
    model->waiting[user][model->counts[user]++] = place;
}

static void model_remove(struct model *model, size_t place)
{
    size_t user = place % USERS;
    size_t at = position(model->waiting[user], model->counts[user], place);
    if (at == model->counts[user])
        return;
    take_out(model->waiting[user], &model->counts[user], at);
    if (model->counts[user] == 0)
        take_out(model->turn, &model->turns, position(model->turn, model->turns, user));
}

static const struct queue_place *model_pop(struct model *model)
{
    if (model->turns == 0)
        return NULL;
    size_t user = model->turn[0];
    size_t place = model->waiting[user][0];
    take_out(model->turn, &model->turns, 0);
    take_out(model->waiting[user], &model->counts[user], 0);
    if (model->counts[user] > 0)
        model->turn[model->turns++] = user;
    return &places[place];
}

static void the_queue_does_what_a_plain_model_does(void **state)
{
    struct model model = {0};
    srand(1);
    for (size_t step = 0; step < STEPS; step++) {
        size_t place = (size_t)rand() % PLACES;
        switch (rand() % 4) {
        case 0:
            queue_remove(&queue, &places[place]);
            model_remove(&model, place);
            break;
        case 1:
            assert_ptr_equal(queue_pop(&queue), model_pop(&model));
            break;
        default:
            queue_push(&queue, &places[place]);
            model_push(&model, place);
            break;
        }
        assert_int_equal(queue.turn == NULL, model.turns == 0);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_queue_gives_nothing, fresh_queue),
        cmocka_unit_test_setup(one_users_requests_keep_their_order, fresh_queue),
        cmocka_unit_test_setup(a_flood_delays_another_user_by_one_request, fresh_queue),
        cmocka_unit_test_setup(a_flood_that_never_ends_takes_turns, fresh_queue),
        cmocka_unit_test_setup(a_place_that_is_queued_is_not_queued_again, fresh_queue),
        cmocka_unit_test_setup(first_middle_and_last_can_be_removed, fresh_queue),
        cmocka_unit_test_setup(a_user_without_requests_leaves_the_ring, fresh_queue),
        cmocka_unit_test_setup(removing_what_is_not_queued_changes_nothing, fresh_queue),
        cmocka_unit_test_setup(the_queue_does_what_a_plain_model_does, fresh_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
