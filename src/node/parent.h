/* SPDX-License-Identifier: ISC
 *
 * The parent: opens what needs privileges, makes the children and keeps them alive, takes the signals. It reads nothing
 * that the network sent.
 */
#ifndef FLOWBRAID_NODE_PARENT_H
#define FLOWBRAID_NODE_PARENT_H

#include <stdbool.h>

#include "node/conf.h"
#include "node/conf_override.h"

struct parent_options {
	const char *conf_path;           /* where it is read again; absolute unless foreground */
	struct conf_overrides overrides; /* which go over it then, too; borrowed */
	bool foreground;
};

/* Runs the node until SIGTERM or SIGINT. conf is taken over. False when it could not start, or did not end in good
 * order; messages have said why. */
bool parent_run(const struct parent_options *options, struct conf *conf);

/* Reads a configuration (overrides may be NULL), and says what is wrong with it. */
bool parent_load_conf(const char *path, const struct conf_overrides *overrides, struct conf *ret);

#endif
