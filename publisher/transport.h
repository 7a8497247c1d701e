/* SPDX-License-Identifier: MIT
 *
 * A way to the other side: MQTT or HTTPS, both with mutual TLS whose key is somebody else's (a
 * callback puts it into the SSL_CTX). A transport sends one envelope at a time and tells what
 * became of it; what to do then is the sender's decision.
 */
#ifndef PUBLISHER_TRANSPORT_H
#define PUBLISHER_TRANSPORT_H

#include "base/bytes.h"
#include "base/err.h"

#include <openssl/ssl.h>
#include <stdint.h>

enum {
    TRANSPORT_WHY = 256,
    TRANSPORT_ANSWER_MS =
        30000, /* how long to connect, and how long an acknowledgement, may take */
};

enum transport_result {
    TRANSPORT_DELIVERED, /* acknowledged: the other side has it */
    TRANSPORT_LATER,     /* not this time, whatever the envelope is */
    TRANSPORT_DROPPED,   /* the connection was up, and was lost with this envelope on its way */
    TRANSPORT_REFUSED,   /* this envelope will never be taken */
    TRANSPORT_STOPPED,   /* stop_fd became readable first; it may or may not have arrived */
};

struct transport_outcome {
    enum transport_result result;
    err_t err;               /* why, where it was not delivered: for the exit code */
    char why[TRANSPORT_WHY]; /* for people: what failed and what to do, without a full stop */
};

struct transport_options {
    const char *host;
    uint16_t port;
    const char *ca_file;                           /* PEM; NULL: the system's */
    const char *alpn;                              /* one protocol name, or NULL */
    const char *client_id;                         /* MQTT only */
    int stop_fd;                                   /* readable: give up at once */
    err_t (*use_key)(void *context, SSL_CTX *ctx); /* key and certificate into a new context */
    void *context;
};

struct transport_kind {
    const char *name;
    const char *alpn_443; /* what AWS IoT wants on port 443 */
    /* Checks what can be checked without the network (logged); connects later. options must stay
     * valid. */
    err_t (*open)(const struct transport_options *options, void **ret_state);
    void (*send)(void *state, const char *topic, struct span envelope,
        struct transport_outcome *ret_outcome);
    /* Keeps an open connection alive until wake_fd (or -1) or stop_fd is readable or the time is
     * over. */
    void (*wait)(void *state, int wake_fd, int ms);
    void (*close)(void *state);
};

extern const struct transport_kind transport_mqtt;
extern const struct transport_kind transport_http;

#endif
