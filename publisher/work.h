/* SPDX-License-Identifier: MIT
 *
 * The two halves of the work as a process does them: readings into the spool, and the spool to the
 * other side.
 */
#ifndef PUBLISHER_WORK_H
#define PUBLISHER_WORK_H

#include "collector.h"
#include "device.h"

/* A descriptor that is readable once SIGTERM or SIGINT has come; they do nothing else from now on.
 * It is never read. -1: failed, logged. */
int work_stop_fd(void);

/* Everything that reading needs. work_readings_free frees; all zeros is allowed. */
struct work_readings {
    struct sensors *sensors;
    struct envelope_maker *maker;
    struct spool *spool;
    struct collector collector;
};
err_t work_readings_open(const struct options *options, int lock, struct device *device,
    struct work_readings *ret_readings);
void work_readings_free(struct work_readings *readings);

/* Sends until sender_run ends. wake_fd as there. ready is called once nothing that could be checked
 * at the start stands in the way; NULL is allowed. */
err_t work_send(const struct options *options, int lock, struct device *device, int stop_fd,
    int wake_fd, void (*ready)(int wake_fd));

#endif
