/* SPDX-License-Identifier: ISC
 *
 * The reporter: the child that answers HTTP on the status address, from what the collectors put on their boards. It
 * has no way to them, to the log or to the network but the socket that it was given.
 */
#ifndef FLOWBRAID_NODE_REPORTER_H
#define FLOWBRAID_NODE_REPORTER_H

#include <stdbool.h>

#include "node/board.h"
#include "node/conf.h"
#include "node/ring.h"
#include "node/sandbox.h"

struct reporter_start {
	const struct conf *conf;
	const struct identity *identity;
	int socket;  /* listening */
	int secrets; /* base/serve_secrets.h; -1: none */
	struct board *const *boards, *const *accounts;
	struct board *relay_board;
	struct ring *const *rings; /* let go */
	unsigned lanes;
	uint64_t restarts; /* lives before this one */
};

/* The listening socket for the status address; -1, with a message. beside: the one that it is to replace, whose address
 * may overlap; -1: none. Waits so long for whoever else has the address to leave it. */
int reporter_listen(const struct conf *conf, int beside, int64_t patience_ns);

/* What its files hold, for the reporter, when they can be used; false: not, with a message. *ret_fd -1: there are none. */
bool reporter_secrets(const struct conf *conf, int *ret_fd);
/* Whether both hold the same. */
bool reporter_same_secrets(int a, int b);

int reporter_main(void *reporter_start, int channel);

#endif
