/* SPDX-License-Identifier: MIT
 *
 * The data of an operation on its way to the device and back: one message where all of it fits, and
 * else BEGIN with the first of it, FEED, and FINISH with the last. What a restart of the worker
 * ends stays ended: nothing is done twice.
 */
#ifndef PKCS11_MODULE_STREAM_H
#define PKCS11_MODULE_STREAM_H

#include "operation.h"

/* A part that is not the last. What comes out of it goes to out; ERR_DEVICE where that is more than
 * out has room for. After any error of this and the next, nothing is begun any more, or
 * stream_cancel drops it. */
err_t stream_push(
    struct session *session, enum operation_kind kind, struct span part, struct writer *out);

/* The last, or the whole. signature: what OPERATION_VERIFY verifies. */
err_t stream_finish(struct session *session, enum operation_kind kind, struct span data,
    struct span signature, struct writer *out);

/* Tells the worker to drop what was begun, if anything was. */
void stream_cancel(struct session *session, enum operation_kind kind);

#endif
