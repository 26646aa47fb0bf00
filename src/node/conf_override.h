/* SPDX-License-Identifier: ISC
 *
 * Settings from the command line, PATH=VALUE, that take the place of a configuration file's before it is checked. A path
 * is libconfig's: "log.directory", "listen.[0].port". A value is written as in the file; what reads as nothing there, and
 * what takes the place of a text, is text without quotes.
 */
#ifndef FLOWBRAID_NODE_CONF_OVERRIDE_H
#define FLOWBRAID_NODE_CONF_OVERRIDE_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct conf_overrides {
	const char *const
	    *all; /* borrowed, in the order in which they were given; a later one goes over an earlier one */
	size_t count;
};

/* False: errors has a line for each that is wrong. Each setting made here has its override's text as its hook, which
 * policy_conf_place shows. */
bool conf_override(config_t *tree, const struct conf_overrides *o, struct buf *errors);

#endif
