/* SPDX-License-Identifier: ISC
 *
 * The relay: the child that hands on what the collectors hear, to other collectors (node/forward) and to programs of this
 * host (node/feed). It decodes what strangers sent and writes to whoever reads, so it has no way to the collectors, which put
 * datagrams into rings without waiting, and none to the log or to the network but the sockets that it was given.
 */
#ifndef FLOWBRAID_NODE_RELAY_H
#define FLOWBRAID_NODE_RELAY_H

#include <stdint.h>

#include "node/board.h"
#include "node/conf.h"
#include "node/outputs.h"
#include "node/ring.h"
#include "node/sandbox.h"

#define RELAY_RING_SIZE ((size_t)16 << 20) /* bytes a lane; memory is taken as it is used */

/* All of it is the parent's, as it was when the child was made. */
struct relay_start {
	const struct conf *conf;
	const struct identity *identity;
	const struct outputs *outputs; /* as many as the configuration has */
	struct ring *const *rings;     /* one a lane */
	struct board *const *boards;   /* the lanes', let go */
	unsigned lanes;
	struct board *board;
	uint64_t restarts; /* lives before this one */
};

int relay_main(void *relay_start, int channel);

#endif
