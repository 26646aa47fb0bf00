/* SPDX-License-Identifier: ISC
 *
 * Landlock (landlock(7)): walls around files that need no privileges.
 */
#ifndef FLOWBRAID_NODE_LANDLOCK_H
#define FLOWBRAID_NODE_LANDLOCK_H

#include "base/err.h"

/* From now on this thread, and those that it will make, can open files beneath the folder only, none when it is -1,
 * and execute none. no_new_privs is set. ERR_UNKNOWN: the kernel has no Landlock. ERR_SYSTEM. */
enum err landlock_confine(int folder) WARN_UNUSED;

#endif
