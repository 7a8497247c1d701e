/* SPDX-License-Identifier: MIT
 *
 * The device as one process of the publisher has it: its key in the token, its certificate, its
 * name, and the owner's key. The only file that knows token/.
 */
#ifndef PUBLISHER_DEVICE_H
#define PUBLISHER_DEVICE_H

#include "envelope.h"
#include "options.h"

#include "token/token.h"

enum { TOPIC_ROOM = 300 };

struct device;

/* PINs: asked for once, and given again to whoever wants the same. */
struct pin_memory {
    bool ask; /* at the terminal, where pin is NULL */
    struct secret *pin;
};

/* Faults are logged. pins and options must stay valid until device_close. */
err_t device_open(
    const struct options *options, struct pin_memory *pins, struct device **ret_device);
void device_close(struct device *device); /* NULL is allowed */

const char *device_id(const struct device *device);
const char *device_topic(const struct device *device); /* of its readings */

/* Opens the owner's key too. The caller frees the maker before the device. */
err_t device_envelope_maker(struct device *device, struct envelope_maker **ret_maker);

/* For struct transport_options; context is the device. */
err_t device_use_key(void *context, SSL_CTX *ctx);

#endif
