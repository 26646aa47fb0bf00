/* SPDX-License-Identifier: ISC
 *
 * What a node with a policy records of a datagram: the flows that the policy keeps, decoded with the templates that the
 * node knows now. Nothing is allocated for a datagram, once the buffers have grown.
 */
#ifndef FLOWBRAID_NODE_PICKER_H
#define FLOWBRAID_NODE_PICKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "flow/policy.h"
#include "flow/selected.h"
#include "wire/proto.h"
#include "wire/stream.h"
#include "wire/template.h"

struct picker_counters {
	uint64_t selected; /* datagrams of which selected flows were recorded */
	uint64_t whole;    /* recorded whole, since they could not be decoded wholly */
	uint64_t kept;     /* flows, of whatever datagrams, that the policy keeps */
	uint64_t dropped;
};

struct picker {
	struct policy *policy;          /* borrowed; NULL: datagrams are recorded whole */
	struct selected_writer *writer; /* owned */
	struct buf body;
	struct picker_counters counters;
	/* of the datagram at hand */
	struct flow_context context;
	bool keeps_any;
};

struct picker_datagram {
	const uint8_t *payload;
	uint32_t len;
	const struct stream_key *key;
	const struct proto_info *info;
	wall_t time;                  /* received */
	struct tmpl_cache *templates; /* has learnt what the datagram brings */
	bool learnt;                  /* and some of that was new or changed */
};

enum picker_choice {
	PICKER_WHOLE,    /* record the payload */
	PICKER_SELECTED, /* record picker.body as selected flows */
	PICKER_NOTHING,  /* the policy forbids the whole, and memory is out */
};

void picker_init(struct picker *p);
void picker_clear(struct picker *p);

/* Goes by another policy, or none, from now on; it is borrowed until the next call. Counters of rules go on if it is the same
 * as before. ERR_MEMORY: nothing has changed. */
enum err picker_follow(struct picker *p, struct policy *policy) WARN_UNUSED;

/* Only with a policy. */
enum picker_choice picker_pick(struct picker *p, const struct picker_datagram *d);

/* Counters, in messages that begin with `name`. */
void picker_say(const struct picker *p, const char *name);

#endif
