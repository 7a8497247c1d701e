/* SPDX-License-Identifier: MIT
 *
 * The client PIN (client-pin = FILE): its check, and the ticket with which a process that has given
 * it goes on after a restart of the worker. The device's own PIN is another matter and never comes
 * here.
 *
 * A ticket is a MAC over device, user, process number, start time and boot, under a key that only
 * the worker has: it serves no other process. It ends with the PIN: a new PIN makes new tickets.
 */
#ifndef SIGNERD_LOGIN_H
#define SIGNERD_LOGIN_H

#include "identity.h"

#include "base/secret.h"

enum { LOGIN_TICKET_SIZE = 32 };

struct login;

/* pin is taken over. directory: where the ticket key is kept ("ticket.key", made where there is
 * none). */
err_t login_new(int directory, const char *device, struct secret *pin, struct login **ret_login);
void login_free(struct login *login);

bool login_pin_is_right(const struct login *login, struct span pin);
err_t login_ticket(
    const struct login *login, const struct identity *who, uint8_t ret_ticket[LOGIN_TICKET_SIZE]);
bool login_ticket_is_right(
    const struct login *login, const struct identity *who, struct span ticket);

#endif
