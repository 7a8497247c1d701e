/* SPDX-License-Identifier: MIT
 *
 * The worker of one device: its state, shared by worker.c (loop and connections) and request.c
 * (what clients ask). One thread; the only process with the device's PIN, its tty or its vendor's
 * library.
 */
#ifndef SIGNERD_WORKER_H
#define SIGNERD_WORKER_H

#include "audit.h"
#include "client.h"
#include "control.h"
#include "drivers/driver.h"
#include "login.h"
#include "object.h"
#include "policy.h"

#include "wire/page.h"
#include "wire/spin.h"

struct worker {
    /* as the parent said */
    char name[64];
    char module[193];
    char token_label[193];
    const struct driver *driver;
    struct secret *pin;  /* of the device; NULL: none */
    struct login *login; /* NULL: client-pin = none */
    uint32_t max_connections;
    uint32_t max_session_objects;
    struct policy_rule *rules;
    size_t rule_count;
    struct policy_rule *coming_rules; /* until their POLICY message */
    size_t coming_count;

    /* the device */
    struct device *device; /* NULL: absent */
    err_t absent_because;
    uint64_t try_again_at; /* clock_us */
    struct driver_token token;
    struct objects objects;
    uint64_t instance; /* 0: absent */
    bool device_lost;  /* the loop ends; the parent starts a new worker */

    /* the clients */
    struct accounts accounts;
    struct clients clients;
    struct queue queue;
    struct audit *audit;
    struct spin spin;
    struct pulse *pulse;
    int state_directory;
    uint64_t due;      /* clock_us: when the loop has something to do by time */
    int events;        /* epoll */
    struct page *page; /* shows the generation to clients; NULL: there is none */
    int page_fd;

    /* what STATUS tells */
    uint64_t started_at; /* clock_us */
    uint64_t requests;   /* served */
    uint64_t begun_ever; /* makes the numbers of what is begun */
};

#endif
