/* SPDX-License-Identifier: ISC
 *
 * The reporter's documents, made from the boards. What stands there is a collector's word, read like any foreign bytes.
 */
#ifndef FLOWBRAID_NODE_REPORT_H
#define FLOWBRAID_NODE_REPORT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "node/board.h"
#include "node/conf.h"

#define REPORT_SILENT_NS (5 * NS_PER_SEC) /* a collector that put nothing up for so long is not well */

struct report {
	const struct conf *conf;
	struct board *const *boards;   /* one a lane */
	struct board *const *accounts; /* likewise */
	unsigned lanes;
	struct board *relay; /* without a relay nothing that can be read stands there */
	uint64_t
	    restarts; /* of the reporter, which has answered so many requests and ended so many connections */
	uint64_t requests;
	uint64_t refused; /* of them, for want of a password */
	uint64_t ended;
	wall_t now;
	mono_t mono;
};

void report_gaps(const struct report *r, struct buf *out);    /* JSON, see flowbraidd(8) */
void report_status(const struct report *r, struct buf *out);  /* JSON */
void report_metrics(const struct report *r, struct buf *out); /* Prometheus' text format, version 0.0.4 */
/* True: well. Else the reasons, a line each. */
bool report_health(const struct report *r, struct buf *out);

#endif
