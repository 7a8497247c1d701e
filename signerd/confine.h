/* SPDX-License-Identifier: MIT
 *
 * What a worker gives up before it sees a PIN: core files, ptrace by its own user, swap, privileges
 * regained by exec, and system calls that no device needs.
 *
 * In sanitizer builds only core files are given up: the sanitizers need the rest. It is logged.
 */
#ifndef SIGNERD_CONFINE_H
#define SIGNERD_CONFINE_H

#include "base/err.h"

#include <stdbool.h>

/* First thing in the worker. ERR_SYSTEM where something cannot be given up. */
err_t confine_process(void);

/* Locks all memory, now and later. Where the limit forbids: ERR_SYSTEM if required, else a warning.
 */
err_t confine_memory(bool required);

/* System calls that end the process from now on: running programs, tracing, mounting, loading code
 * into the kernel, … */
err_t confine_system_calls(void);

#endif
