/* SPDX-License-Identifier: ISC
 *
 * The system calls that a child may make (seccomp(2)).
 *
 * What is on no list answers EPERM, and the child goes on: a newer C library may try something that we do not know,
 * and a collector must not die of that. What only an intruder would call ends the process at once.
 */
#ifndef FLOWBRAID_NODE_SYSCALLS_H
#define FLOWBRAID_NODE_SYSCALLS_H

#include <stdbool.h>

#include "node/sandbox.h"

bool syscalls_permit(enum sandbox_role role); /* all threads, for good; messages say what failed */
bool syscalls_no_threads(void);               /* from now on */

#endif
