/* SPDX-License-Identifier: ISC
 *
 * The collector as a process: a child of the parent.
 */
#ifndef FLOWBRAID_NODE_COLLECTOR_RUN_H
#define FLOWBRAID_NODE_COLLECTOR_RUN_H

#include <stdint.h>

#include "base/clock.h"
#include "node/board.h"
#include "node/conf.h"
#include "node/host_drops.h"
#include "node/listener.h"
#include "node/ring.h"
#include "node/sandbox.h"

/* All of it is the parent's, as it was when the child was made. */
struct collector_start {
	const struct conf *conf;
	const struct identity *identity;
	int folder;
	uint16_t lane;
	unsigned lanes;
	/* With lanes, for the first one: where the drops are counted, and what was told of them up to when; else NULL. */
	const struct host_drops *host;
	wall_t host_told;
	struct listener *listeners;  /* the lane's, as in the configuration; fd -1: waits for its interface */
	struct board *const *boards; /* one a lane; the others' are let go */
	struct board *const *accounts; /* likewise */
	struct board *relay_board;     /* let go */
	struct ring *const *rings;     /* to the relay; as the boards */
	uint64_t restarts;             /* lives before this one */
};

/* Gives up what it does not need, receives and records until the parent says stop, or is gone. The exit status of the
 * process. */
int collector_main(void *collector_start, int channel);

#endif
