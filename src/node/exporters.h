/* SPDX-License-Identifier: ISC
 *
 * Whom a node knows: each exporter's address, since when it is heard, and whether what belongs to it is protected.
 *
 * A newcomer is on probation. It earns protection by a minute of datagrams in sequence: EXPORTER_STEPS times one that
 * goes on from the one before it in its stream, each at least EXPORTER_STEP_NS after the last that counted. So one that
 * sends once a minute is protected after three, and a burst of any size is not. Streams and templates stand on the
 * account of their exporter. Those of protected ones are evicted for nobody on probation; what one exporter may have
 * protected is limited, and so is what all may. Who is heard regularly keeps his protection, whoever else earns one;
 * where the protected half is full, only those that have been silent for EXPORTER_SILENT_NS lose theirs.
 *
 * Time is the table's own: it goes on with what it is told, at most EXPORTERS_STRIDE_NS at once, and never back, so that
 * a clock that is set neither makes anybody old nor silent.
 */
#ifndef FLOWBRAID_NODE_EXPORTERS_H
#define FLOWBRAID_NODE_EXPORTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "wire/template.h"

#define EXPORTER_STEPS 3
#define EXPORTER_STEP_NS (20 * NS_PER_SEC)
#define EXPORTER_PAUSE_NS (600 * NS_PER_SEC) /* longer silence, and a probation begins anew */
#define EXPORTER_SILENT_NS (3600 * NS_PER_SEC)
#define EXPORTER_TRUST_NS (600 * NS_PER_SEC) /* one that a former life knew is given this time to be heard */
#define EXPORTERS_STRIDE_NS (60 * NS_PER_SEC)

struct exporters_limits {
	uint32_t exporters;
	uint32_t kept; /* of them protected; fewer than there are */
	/* What stands on the account of one, and of all that are protected. More than that is as if on probation. */
	uint32_t streams, all_streams;
	uint64_t bytes, all_bytes; /* of templates */
	/* Definitions a second that are new or changed: they cost hundred times what other bytes cost. */
	uint32_t definitions;     /* of one that is protected */
	uint32_t all_definitions; /* of all on probation together */
};

struct exporter_state {
	struct addr addr;
	uint32_t life;  /* of this place in the table: whoever had it before is not meant */
	uint8_t steps;  /* towards protection */
	bool protected; /* against eviction by newcomers */
	bool fresh;     /* heard again since the hand passed */
	bool over;      /* its rate is over the limit, and that has been said */
	uint32_t streams;
	uint64_t bytes;
	/* on the table's clock */
	int64_t heard, step; /* last; the last that counted */
	int64_t rate;        /* when its rate limit is paid off */
	int64_t definitions; /* likewise */
};

struct exporters_counters {
	uint64_t evicted;   /* on probation, for newcomers */
	uint64_t refused;   /* times that one had earned protection, and there was no room */
	uint64_t unlearned; /* definitions beyond their rate */
};

struct exporters {
	struct exporters_limits limits;
	struct exporter_state *all; /* owned, room for limits.exporters */
	uint32_t count;
	uint32_t last; /* the one heard last: bursts need no look-up */
	uint32_t hand; /* the next candidate for eviction */
	struct hash index;
	uint64_t seed;
	wall_t told;
	int64_t clock;
	int64_t search; /* not for silent ones before then */
	uint32_t kept;
	uint32_t kept_streams;
	uint64_t kept_bytes;
	int64_t definitions; /* of those on probation */
	struct exporters_counters counters;
};

/* seed: a secret, against addresses that are chosen to collide. */
enum err exporters_init(
    struct exporters *x, const struct exporters_limits *limits, uint64_t seed) WARN_UNUSED;
void exporters_clear(struct exporters *x);

void exporters_time(struct exporters *x, wall_t now);

/* The exporter with this address, made where it is not known; NULL: memory is out. Until the next call. */
struct exporter_state *exporters_heard(struct exporters *x, const struct addr *a);

/* A datagram of it went on from the one before. */
void exporters_went_on(struct exporters *x, struct exporter_state *e);

/* One that a former life of the node knew is protected, for a while at least; as long as half of what can be protected is
 * free also one that was on probation, so that a node may start again in its first minute. */
void exporters_trust(struct exporters *x, const struct addr *a, bool was_protected);

/* False: it sends more than `rate` datagrams a second; a second's worth may come at once. */
bool exporters_pass(struct exporters *x, struct exporter_state *e, uint32_t rate);

bool exporters_protect(const struct exporters *x, const struct addr *a);

/* Accounts. An owner is an exporter in one of its lives in the table, 0 nobody. What stands on the account of a life that
 * is over needs not be taken from it. */
uint64_t exporters_owner(const struct exporters *x, const struct exporter_state *e);
bool exporters_keep(const struct exporters *x, uint64_t owner); /* it is protected */
/* False: it has its share, or that life is over; nothing is changed. */
bool exporters_charge(struct exporters *x, uint64_t owner, uint32_t streams, uint64_t bytes);
void exporters_discharge(struct exporters *x, uint64_t owner, uint32_t streams, uint64_t bytes);

/* For the cache of templates. */
struct tmpl_guard exporters_guard(struct exporters *x);

#endif
