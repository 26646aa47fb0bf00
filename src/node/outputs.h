/* SPDX-License-Identifier: ISC
 *
 * The parent's sockets for what goes out: those of forwards lead to their targets, those of feeds wait for readers at
 * their paths. The relay is given them, and can open no others.
 */
#ifndef FLOWBRAID_NODE_OUTPUTS_H
#define FLOWBRAID_NODE_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "node/conf.h"
#include "node/sandbox.h"

struct outputs {
	int forward_fds[CONF_FORWARDS_MOST];
	bool leads[CONF_FORWARDS_MOST]; /* else there is no way to the target yet */
	size_t forward_count;
	int feed_fds[CONF_FEEDS_MOST];
	struct output_path {
		char path[CONF_SOCKET_PATH_SIZE];
		dev_t device; /* which file it is, so that nobody else's is removed */
		ino_t inode;
	} feed_paths[CONF_FEEDS_MOST];
	size_t feed_count;
};

/* Opens all of them. A target that no route or interface leads to is waited for. Sockets at paths belong to the children's user. Waits so long for whoever else has a path to leave it.
 * False: messages have said why, and nothing is open. */
bool outputs_open(
    const struct conf *conf, const struct identity *who, int64_t patience_ns, struct outputs *ret);
/* Those of another configuration: what can serve is taken over, the rest is opened, and nothing is closed. False: all
 * is as before. */
bool outputs_follow(const struct outputs *o, const struct conf *from, const struct conf *to,
    const struct identity *who, struct outputs *ret);
/* Leads those to their targets that could not be so far; again: all of them, as interfaces have changed. */
void outputs_lead(struct outputs *o, const struct conf *conf, bool again);
/* Closes those that the successor (NULL: none) did not take over, and removes their paths. */
void outputs_close(struct outputs *o, const struct outputs *successor, const struct identity *who);

#endif
