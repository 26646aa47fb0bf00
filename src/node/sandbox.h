/* SPDX-License-Identifier: ISC
 *
 * What a process gives up. The parent keeps a few capabilities. The collector can reach nothing but what it holds
 * open and the log folder; reporter and relay nothing but what they hold open. Each step says what could not be done here,
 * and goes on: a node without root is a node with fewer walls, and its operator knows which.
 */
#ifndef FLOWBRAID_NODE_SANDBOX_H
#define FLOWBRAID_NODE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SANDBOX_GROUPS_MOST 64

/* Who the children are. */
struct identity {
	bool change; /* from root to this user; else they stay who the parent is */
	uid_t uid;
	gid_t gid;
	gid_t groups[SANDBOX_GROUPS_MOST];
	int group_count;
};

/* Looks the user up ("": nobody else) and says what is wrong, or that the node runs as root. */
bool identity_find(const char *user, struct identity *ret);

enum sandbox_role { SANDBOX_COLLECTOR, SANDBOX_REPORTER, SANDBOX_RELAY };
#define SANDBOX_FDS 256 /* descriptors that reporter or relay may have */

/* The parent: all capabilities go but those that it will need; raw: to send from other addresses, too. False when that
 * failed (a message says so). */
bool sandbox_parent(const struct identity *children, bool raw);

/* In a child, before it reads anything: a root of its own (or Landlock where chroot cannot be), the user, no
 * privileges, limits, and the filter of system calls, which still permits threads. folder: the collector's log, -1 for
 * the others. */
bool sandbox_enter(enum sandbox_role role, const struct identity *who, int folder);
/* Behind the last thread: no more of them, nor processes. */
bool sandbox_close(void);

#endif
