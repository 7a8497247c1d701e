/* SPDX-License-Identifier: MIT
 *
 * The client PIN (client-pin = FILE): its check, and the ticket with which a process that has given
 * it goes on after a restart of the worker. The device's own PIN is another matter and never comes
 * here.
 *
 * A PIN that an admin has set (C_InitPIN, C_SetPIN) takes the place of the one in FILE until FILE
 * holds another one; pin_record.h keeps it.
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

enum { LOGIN_PIN_MAX = 256 };

/* file_pin, what FILE holds, is taken over. directory: where the ticket key is kept ("ticket.key",
 * made where there is none), and a PIN that was set; it must stay open. */
err_t login_new(
    int directory, const char *device, struct secret *file_pin, struct login **ret_login);
void login_free(struct login *login);

/* Takes some 10 ms while nobody has given the right PIN since the start, and it is one that was
 * set; else no time. */
bool login_pin_is_right(struct login *login, struct span pin);

/* From now on this is the client PIN, also after a restart; all tickets are void. ERR_PIN_LENGTH;
 * ERR_SYSTEM: it could not be kept, and the PIN is what it was. */
err_t login_set_pin(struct login *login, struct span pin);

err_t login_ticket(
    const struct login *login, const struct identity *who, uint8_t ret_ticket[LOGIN_TICKET_SIZE]);
bool login_ticket_is_right(
    const struct login *login, const struct identity *who, struct span ticket);

#endif
