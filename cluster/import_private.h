/* SPDX-License-Identifier: ISC
 *
 * Between the parts of flowbraid import: import.c (options, what is what, report), import_store.c (flowd's stores),
 * import_capture.c (captures).
 */
#ifndef FLOWBRAID_CLUSTER_IMPORT_PRIVATE_H
#define FLOWBRAID_CLUSTER_IMPORT_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "cluster/command.h"
#include "flow/flowd_datagrams.h"
#include "log/log_writer.h"

#define IMPORT_PORTS_MOST 64

struct import {
	struct command_options o;
	const char *log, *cluster, *node; /* borrowed from argv */
	uint16_t ports[IMPORT_PORTS_MOST];
	size_t port_count;
	/* the log, from the first record of a store on */
	int folder; /* -1: not open */
	struct log_writer *writer;
	wall_t latest;
	/* of stores */
	uint64_t stores, records, datagrams, bodies; /* bodies: bytes */
	uint64_t findings, lost_bytes;
	uint64_t captures;
};

/* A store that stands at the beginning of fd. false: a message was printed, and no more can be imported. */
bool import_store(struct import *im, const char *path, int fd);
/* The end of what stores brought: seals the log. */
bool import_end(struct import *im);

/* All captures, by flowbraidd. The exit status. */
int import_captures(const struct import *im, char *const *paths, size_t count);

#endif
