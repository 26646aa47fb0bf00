/* SPDX-License-Identifier: ISC
 *
 * A collector, for the two files that it stands in: collector.c (its log, start and end, captures) and
 * collector_run.c (as a process that receives).
 */
#ifndef FLOWBRAID_NODE_COLLECTOR_PRIVATE_H
#define FLOWBRAID_NODE_COLLECTOR_PRIVATE_H

#include "log/store.h"
#include "node/collector.h"
#include "node/disk.h"
#include "node/intake.h"
#include "node/retention.h"

#define RECOVERED_MOST 16

struct collector {
	const struct conf *conf; /* borrowed */
	int folder;              /* borrowed */
	uint16_t lane;
	bool for_capture;
	char name[CONF_PATH_SIZE + 32]; /* "log DIRECTORY", for messages */
	struct store *store;            /* owned; the disk's while there is one */
	struct store_recovery recovered[RECOVERED_MOST];
	size_t recovered_count;
	struct retention *retention; /* owned; NULL for a capture, whose times are not now */
	struct disk *disk;           /* owned */
	struct disk_trouble trouble; /* not told yet */
	bool started;
	struct intake intake; /* when started */
};

struct retain_limits collector_retain_limits(const struct conf *conf);
void collector_tell_removed(struct collector *c, wall_t now); /* by retention: an event record for each */
void collector_tell_trouble(struct collector *c, wall_t now);
void collector_say_counters(const struct collector *c);

#endif
