/* SPDX-License-Identifier: ISC
 *
 * The simulator: from one seed exporters, a network, nodes and what befalls them, in virtual time; then the real
 * merge, and its results against the truth, which is kept here and computed without the code under test.
 *
 *	sim-exporter.c   what was sent, in true order        (sim-encode.c: its bytes)
 *	sim-network.c    what reached which node when
 *	sim-policy.c     what nodes with a policy keep of a datagram, and the union of it
 *	sim-node.c       the real intake and store, killed and restarted; disks that are full
 *	sim-file.c       what stands in each file, by a reader of our own; damage to it
 *	sim-merge.c      the real commands, over orders and groupings
 *	sim-kill.c       merges that are killed, or run out of space
 *	sim-expect.c     what the archive has to hold, which template decodes what, what is missing
 *	sim-check.c      the archive and verify against that (sim-ledger.c, sim-causes.c, sim-cat.c)
 */
#ifndef FLOWBRAID_TESTS_SIM_H
#define FLOWBRAID_TESTS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "wire/proto.h"

#define SIM_CLUSTER "sim"
#define SIM_START (1700000000 * NS_PER_SEC)
#define NODES_MOST 5
#define LANES_MOST 2
#define NONE UINT32_MAX

/* --- numbers --- */

struct rng {
	uint64_t s;
};

static inline uint64_t
rng_u64(struct rng *r) /* splitmix64 */
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15U;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

static inline uint64_t
rng_below(struct rng *r, uint64_t n)
{
	return rng_u64(r) % n;
}

/* Both ends included. */
static inline int64_t
rng_between(struct rng *r, int64_t from, int64_t to)
{
	return from + (int64_t)rng_below(r, (uint64_t)(to - from) + 1);
}

static inline bool
rng_chance(struct rng *r, unsigned percent)
{
	return rng_below(r, 100) < percent;
}

/* A stream of numbers of its own, so that a change in one part of the simulator leaves the others as they were. */
static inline struct rng
rng_fork(const struct rng *r, uint64_t what)
{
	struct rng f = {r->s ^ (what + 1) * 0xd6e8feb86659fd93U};

	(void)rng_u64(&f);
	return f;
}

/* Room for one more element of a growing array; ends the program when memory is out. */
void *sim_grow(void *array, size_t count, size_t size);
#define GROW(array, count) ((array) = sim_grow((array), (count), sizeof(*(array))))
void *sim_alloc(size_t size); /* zeroed */

/* --- exporters --- */

/* ..._ALL: template records, too; ..._FLOWS: not options records. In the order in which ties are decided. */
enum counting {
	COUNT_BEFORE,
	COUNT_AFTER,
	COUNT_DATAGRAMS,
	COUNT_BEFORE_ALL,
	COUNT_AFTER_ALL,
	COUNT_BEFORE_FLOWS,
	COUNT_AFTER_FLOWS,
	COUNT_ZERO,
	COUNTINGS
};

struct field {
	uint16_t id, len; /* len UINT16_MAX: variable */
};

/* A form of records under a template id. The same layout is always the same bytes of definition. */
struct layout {
	uint16_t id;
	bool options, withdrawn;
	uint16_t count, scopes;
	struct field fields[16];
	uint32_t record_len; /* 0: variable */
	uint8_t bytes[80];   /* the definition as it stands on the wire */
	uint16_t len;
};

/* What stands in a datagram, in order. */
struct part {
	bool defines;    /* the definition of a layout, else a data set (or the records of v5 and the like) */
	uint32_t layout; /* of the stream; NONE where the protocol has none */
	uint32_t flows_at; /* in the world's flows; NONE for options records and counter samples */
	uint32_t flows;    /* records, options records too */
	uint32_t interval; /* an options record tells it; 0: none */
};

struct flow_truth {
	uint32_t marker;
	uint32_t sent;  /* datagram */
	uint32_t index; /* among its flows */
};

struct sent {
	uint32_t stream;
	uint32_t life;
	int64_t at_ns; /* true time */
	uint8_t *payload;
	uint32_t len;
	uint32_t sequence, uptime_ms;
	int64_t export_ns;
	int64_t number;     /* the header's, unwrapped */
	int64_t order;      /* uptime in ms without wraps, or export time in s: what orders a life */
	uint32_t units;     /* records, as the rules count them */
	uint32_t templates; /* template records */
	uint32_t header_count;
	bool data;
	uint32_t parts_at, parts; /* in the world's parts */
	uint32_t options;         /* options records or counter samples */
	struct sha256 sha256;     /* of the payload, when hashed */
	bool hashed;
};

struct sim_stream {
	uint32_t exporter;
	enum proto proto;
	uint32_t domain;
	struct addr agent;
	enum counting counting;
	bool shared;      /* with one counter for all streams of the exporter */
	bool whole;       /* it stands for all of them */
	bool clock_steps; /* the exporter's clock was stepped */
	struct layout *layouts;
	uint32_t layout_count;
	uint32_t lives;
	uint32_t *sent; /* in the order in which it was sent */
	uint32_t sent_count;
};

struct exporter {
	struct addr addr;
	uint16_t port;
};

/* --- nodes --- */

struct arrival {
	uint32_t sent;
	uint16_t listener;
	int64_t at_ns; /* true time */
};

/* A record as the node's side knows it was appended. */
struct appended {
	uint64_t sequence;
	uint32_t sent;
	uint16_t listener;
	int64_t time_ns;
};

struct incarnation {
	uint64_t id;
	uint32_t node;
	uint16_t lane;
	struct appended *appended;
	size_t count;
	uint64_t flushed;         /* the next sequence when everything stood in the file last */
	int64_t begin_ns, end_ns; /* true time */
	bool stopped;             /* in good order */
};

enum drop_kind { DROP_KERNEL, DROP_HOST, DROP_DISK };

/* A datagram that came to a node that ran, and was lost there. */
struct drop {
	uint32_t incarnation; /* index */
	enum drop_kind kind;
	int64_t time_ns; /* by the node's clock */
};

struct node {
	char name[16];
	int64_t skew_ns;
	int64_t step_at_ns, step_ns; /* 0: none */
	uint16_t lanes, listeners;
	uint32_t rotate_s, size_limit;
	struct policy *policy;           /* owned; NULL: it keeps whole datagrams */
	uint8_t *keeps;                  /* owned; by flow */
	uint32_t copy_kills[LANES_MOST]; /* how many kills there had been when its log was copied */
};

/* --- files --- */

struct file_record {
	uint64_t offset, size;
	uint8_t type;
	uint64_t sequence;
	int64_t time_ns;
	uint32_t sent; /* datagram; else NONE */
	uint16_t listener;
	uint8_t *body; /* of events, template snapshots and selected flows; owned */
	uint32_t len;
	bool gone;
	bool header_gone; /* and not only its body */
	bool known_lost;  /* a reader knows that it was there */
	bool named;       /* ... and what datagram it was */
};

/* A segment as it stands on disk. */
struct seg_file {
	char path[256];
	char name[64];
	uint32_t node;
	uint16_t lane;
	uint64_t number;
	uint64_t incarnation;
	bool open_name;
	bool damaged;    /* verify has to say so */
	bool header_bad; /* no record can be read */
	bool copy;       /* taken while the node was running */
	uint64_t size;
	struct file_record *records;
	size_t count;
};

/* What the simulator knew of a segment when its node was killed. */
struct kill_truth {
	uint32_t node;
	uint16_t lane;
	uint64_t number;
	struct seg_file file;
};

struct folder_input {
	char path[256];
	uint32_t first, count; /* in files */
};

/* --- the world --- */

struct options {
	unsigned verbose; /* 2: each datagram, too */
	bool keep;
};

struct world {
	uint64_t seed;
	struct rng rng;
	struct options options;
	char folder[128];
	bool failed;
	unsigned findings;
	uint64_t checks;
	uint64_t ledgers;         /* lives whose account could be checked */
	uint64_t shared;          /* of these those of exporters that count all streams together */
	uint64_t missed, certain; /* units that nodes missed; of these, those whose cause was known */
	uint64_t stopped;         /* merges that were killed or ran out of space */
	uint64_t decoded;         /* flows whose values could be */
	int64_t length_ns;

	struct exporter *exporters;
	uint32_t exporter_count;
	struct sim_stream *streams;
	uint32_t stream_count;
	struct sent *sent;
	uint32_t sent_count;
	struct part *parts;
	uint32_t part_count;
	struct flow_truth *flows;
	uint32_t flow_count;
	uint32_t next_marker;

	struct node nodes[NODES_MOST];
	uint32_t node_count;
	struct arrival *arrivals[NODES_MOST];
	uint32_t arrival_count[NODES_MOST];
	struct incarnation *incarnations;
	uint32_t incarnation_count;
	struct kill_truth *kills;
	uint32_t kill_count;
	struct drop *drops;
	uint32_t drop_count;

	struct folder_input *folders;
	uint32_t folder_count;
	struct seg_file *files;
	uint32_t file_count;
	bool huge_skew; /* some clock of a node is far off */
	bool any_finding;
	struct causes_truth *causes; /* while the ledger is compared */

	char window_text[16];
	int64_t window_ns;
	const char *compression;
};

/* A finding: the run failed. Printed with the seed. */
void sim_fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One check; false and printed when it does not hold. */
#define CHECK(w, holds, ...) ((w)->checks++, (holds) ? true : (sim_fail((w), __VA_ARGS__), false))

/* sim-exporter.c, sim-encode.c */
void sim_export(struct world *w);
void encode_layout(struct rng *r, enum proto proto, uint16_t id, bool options, struct layout *ret);
void encode_withdrawal(uint16_t id, struct layout *ret);
struct encode_head {
	uint32_t sequence, uptime_ms, domain;
	int64_t export_ns;
	struct addr agent;
	uint8_t aggregation;
};
/* Encodes the parts; fills markers of flows, and what follows from the bytes in s. */
void encode_datagram(struct world *w, struct rng *r, const struct sim_stream *st,
    const struct encode_head *head, struct part *parts, uint32_t part_count, struct sent *s);

/* sim-network.c */
void sim_network(struct world *w);

/* sim-policy.c */
struct file_record;
void policy_draw(struct world *w, uint32_t node);
void policy_clear(struct world *w);
const struct sha256 *policy_sha256(struct sent *s);
/* A record of selected flows is what the node's policy leaves of the datagram. */
void policy_match(
    struct world *w, const char *path, const struct node *n, const struct file_record *r, uint32_t sent);
struct expect_datagram;
void policy_unite(struct world *w, struct expect_datagram *d, const struct file_record *r);
void policy_settle(struct world *w, struct expect_datagram *d);
/* Whether the archive shows the flow; only of a datagram that is not whole. */
/* Whether its skeleton, or all of it, has a data set of that id: a node may not have known that it holds options. */
bool policy_has_set(const struct expect_datagram *d, uint16_t id);
bool policy_kept(const struct expect_datagram *d, uint32_t flow);

/* sim-node.c */
void sim_nodes(struct world *w);

/* sim-file.c */
void file_parse(struct world *w, const char *path, uint32_t node, uint16_t lane, struct seg_file *ret);
uint64_t file_incarnation(const char *path); /* 0: no header */
void file_match(struct world *w, const struct seg_file *f);
/* Writes bytes over a file's, and notes which records are no longer what they were. */
void file_alter(struct seg_file *f, uint64_t offset, const uint8_t *bytes, size_t len);
void file_cut(struct seg_file *f, uint64_t at);
void sim_collect(struct world *w);
void sim_damage(struct world *w);
struct incarnation *sim_incarnation(struct world *w, uint64_t id);

/* sim-merge.c */
int sim_command(struct world *w, const char *const *argv, char **ret_out, size_t *ret_len);

/* sim-expect.c */
struct heard {
	uint32_t node, file, record; /* file_record in files */
	uint16_t lane, listener;
	uint64_t incarnation, sequence;
	int64_t time_ns;
};

struct expect_datagram {
	uint32_t sent;
	struct heard *heard;
	uint32_t count;
	uint32_t nodes; /* bits */
	int64_t time_ns;
	bool whole;      /* somebody has it whole; else: */
	struct buf body; /* the union of what nodes kept */
	uint32_t first_flow;
	uint8_t *kept;    /* by flow, from the first of the datagram */
	uint32_t records; /* as the body tells */
	bool odd;         /* a node read flows that nobody sent: it knew another template */
};

/* A data set: which layout the archive's rules give it. */
struct expect_set {
	uint32_t layout; /* NONE: none is known */
	bool late;
};

struct expect {
	struct expect_datagram *datagrams; /* by sent */
	uint32_t count;
	uint32_t *of_sent;       /* sent -> index, or NONE */
	struct expect_set *sets; /* by part */
	bool *known;             /* by part: a snapshot of a node holds that definition */
	uint32_t *interval;      /* by sent: sampling that holds, 0: none */
	uint32_t nodes;          /* bits: that any record was read of */
	struct expect_event {
		const struct seg_file *file;
		const struct file_record *record;
	} * events;
	size_t event_count;
	uint64_t heard;
};

void expect_make(struct world *w, struct expect *e);
void expect_clear(struct expect *e);

struct expect;
void sim_merges(struct world *w, const struct expect *e, char *ret_archive, size_t size);

/* sim-kill.c */
int sim_stopped_merge(struct world *w, struct rng *r, const char *archive, const char *const *argv);

/* sim-check.c */
void check_archive(struct world *w, const struct expect *e, const char *archive);
bool sim_lives_known(const struct world *w, const struct expect *e, const struct sim_stream *st);
void check_ledger(struct world *w, const struct expect *e, const char *archive);
struct json_value;
/* sim-causes.c: why a node missed what it missed. */
struct causes_truth;
struct missed_units { /* of one datagram that a node missed */
	uint32_t sent;
	int64_t units;
	uint32_t before, behind; /* archived ones that it was sent between; itself */
};
struct causes_truth *causes_truth_new(struct world *w, const struct expect *e);
void causes_truth_free(struct causes_truth *t);
/* Against the causes that the ledger has for the node in one epoch. heard: it heard others of it. */
void causes_truth_check(struct world *w, const struct causes_truth *t, uint32_t node, bool heard,
    const struct missed_units *missed, uint32_t count, const struct json_value *causes, const char *what);
void check_cat(struct world *w, const struct expect *e, const char *archive);
void check_verify(struct world *w, const char *archive);
void check_report(struct world *w, const struct expect *e, const char *json);

/* sim-json.c: just enough to read what the commands print. */
struct json_value {
	enum { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT } kind;
	const char *key; /* of a member; not terminated */
	size_t key_len;
	const char *text; /* text without quotes, or the number's digits; not terminated */
	size_t len;
	int64_t number;
	struct json_value *first, *next; /* children; siblings */
};
struct json_value *json_parse(const char *text, size_t len); /* NULL: none */
void json_free(struct json_value *v);
const struct json_value *json_get(const struct json_value *object, const char *key);
int64_t json_number(const struct json_value *object, const char *key); /* INT64_MIN: absent */
bool json_is(const struct json_value *v, const char *text);

#endif
