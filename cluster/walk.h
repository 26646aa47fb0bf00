/* SPDX-License-Identifier: ISC
 *
 * All datagrams of paths on a command line, each path as it stands, in turn.
 */
#ifndef FLOWBRAID_CLUSTER_WALK_H
#define FLOWBRAID_CLUSTER_WALK_H

#include "archive/reader.h"
#include "cluster/command.h"

/* False: no more are wanted. */
typedef bool walk_datagram(void *ctx, const struct reader_datagram *d);

/* A path "-" is standard input: segments one behind the other. The span is c's (--from, --to), and findings are said; of o, the
 * rest. *ret_findings: how many there were. False: a message
 * has said what could not be read; what can be was. */
bool walk_paths(char **paths, int count, const struct command_options *c, const struct reader_options *o,
    walk_datagram *datagram, void *ctx, uint64_t *ret_findings);

#endif
