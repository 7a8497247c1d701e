/* SPDX-License-Identifier: MIT
 *
 * The command line and the configuration file of signerd-publisher, from one table.
 */
#ifndef PUBLISHER_OPTIONS_H
#define PUBLISHER_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum command { COMMAND_RUN = 1, COMMAND_ONCE = 2, COMMAND_SEND = 4, COMMAND_STATUS = 8 };

struct options {
    enum command command;
    const char *config;
    const char *key;       /* pkcs11: URI of the device's private key */
    const char *cert;      /* PEM; NULL: the token's */
    const char *ca;        /* PEM; NULL: the system's */
    const char *owner_key; /* JWK or PEM file, or pkcs11: URI of a secret key */
    const char *sensors;
    const char *spool;
    const char *topic;     /* NULL: signerd/v1/CERTIFICATE-ID/data */
    const char *device_id; /* NULL: the certificate's common name */
    const char *mqtt;      /* HOST:PORT; exactly one of the two, */
    const char *https;     /* where something is sent */
    const char *alpn;
    uint32_t interval_s;
    uint32_t count; /* rounds; 0: no end */
    uint32_t wait_s;
    uint32_t spool_mib;
    bool parked;
    bool json;
};

/* Reads command line and configuration file. False: to end with *ret_exit (help, version, or a
 * fault, which was told). The texts stay valid until the next call. */
bool options_read(int argc, char **argv, struct options *ret_options, int *ret_exit);

/* HOST:PORT or [ADDRESS]:PORT. host: room for size bytes. ERR_ARGUMENTS. */
err_t options_endpoint(const char *text, char *ret_host, unsigned size, uint16_t *ret_port);

/* NULL where AWS IoT and MQTT 3.1.1 take the topic for publishing; else what is wrong with it. */
const char *options_topic_fault(const char *topic);

#endif
