/* SPDX-License-Identifier: ISC
 *
 * Why a node missed what others heard: each cause by itself and all together, with a clock that is a day off, and events that explain
 * less than is missing.
 */
#include "cluster/causes.h"
#include "cluster/ledger.h"
#include "log/event.h"
#include "tests/tap.h"
#include "tests/unit/archive/world.h"

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define FLOWS 10
#define STEP_NS NS_PER_SEC

/* A log that is written in the form of a line: what became of each datagram, and of the node. */
struct story {
	struct log_folder f;
	const char *path;
	uint64_t incarnation;
	int64_t skew_ns;
	uint64_t limited, refused;
	bool runs;
};

static void
tell(struct story *s, int64_t ns, enum event_kind kind, uint64_t count, int64_t from_ns, int64_t to_ns,
    int listener)
{
	struct buf b = BUF_INIT;
	struct record r;

	event_begin(&b, kind);
	if (listener >= 0)
		event_put_u64(&b, EVENT_KEY_LISTENER, (uint64_t)listener);
	event_put_u64(&b, EVENT_KEY_COUNT, count);
	event_put_u64(&b, EVENT_KEY_FROM, (uint64_t)(from_ns + s->skew_ns));
	event_put_u64(&b, EVENT_KEY_TO, (uint64_t)(to_ns + s->skew_ns));
	event_put_u64(&b, EVENT_KEY_LIMITED, s->limited);
	event_put_u64(&b, EVENT_KEY_REFUSED, s->refused);
	r = world_record(RECORD_EVENT, ns + s->skew_ns, b.data, b.len);
	log_folder_add(&s->f, &r);
	buf_clear(&b);
}

static void
run(struct story *s, int64_t ns)
{
	char path[64];

	if (s->runs)
		return;
	(void)snprintf(path, sizeof(path), "%s-%u", s->path, (unsigned)s->incarnation);
	log_folder_open(&s->f, path, "lab", "a", s->incarnation++);
	s->runs = true;
	s->limited = s->refused = 0;
	tell(s, ns, EVENT_START, 0, ns, ns, -1);
}

/* In good order, behind the datagram before that one. */
static void
end(struct story *s, uint32_t i)
{
	if (s->runs) {
		tell(s, WORLD_T0 + i * STEP_NS - NS_PER_MSEC, EVENT_STOP, 0, 0, 0, -1);
		log_folder_close(&s->f, true);
	}
	s->runs = false;
}

/* '+' heard; 'n' lost by the network; 'k' by the kernel, 'h' by the host, 'd' for want of disk, 'l' beyond the limit, 'r' refused; 'x' node
 * down; 'K': by the kernel as its event has it, and one more that no event tells of. */
static void
one(struct story *s, char mark, uint32_t i)
{
	int64_t ns = WORLD_T0 + i * STEP_NS;
	const struct buf *b = world_v5(FLOWS * i, FLOWS);
	struct record r = world_record(RECORD_DATAGRAM, ns + s->skew_ns, b->data, b->len);

	if (mark == 'x') {
		end(s, i);
		return;
	}
	if (mark == 'X') { /* killed: what it had received last is lost with it */
		if (s->runs)
			log_folder_close(&s->f, true); /* and sealed by the next one */
		s->runs = false;
		return;
	}
	run(s, ns);
	switch (mark) {
	case '+':
		log_folder_add(&s->f, &r);
		break;
	case 'k':
		tell(s, ns + 1, EVENT_KERNEL_DROP, 1, ns, ns, 0);
		break;
	case 'h':
		tell(s, ns + 1, EVENT_KERNEL_DROP, 1, ns, ns, -1);
		break;
	case 'd':
		tell(s, ns + 1, EVENT_LOG_DROP, 1, ns, ns, -1);
		break;
	case 'l':
		s->limited++;
		break;
	case 'r':
		s->refused++;
		break;
	default:
		break;
	}
	tell(s, ns + 2, EVENT_HEARTBEAT, 0, ns, ns, -1);
}

static void
all_of(const char *path, uint32_t count)
{
	struct log_folder f;

	log_folder_open(&f, path, "lab", "b", 77);
	for (uint32_t i = 0; i < count; i++) {
		const struct buf *b = world_v5(FLOWS * i, FLOWS);
		struct record r = world_record(RECORD_DATAGRAM, WORLD_T0 + i * STEP_NS, b->data, b->len);

		log_folder_add(&f, &r);
	}
	log_folder_close(&f, true);
}

static void
make(const char *const *paths, struct pool *p, struct plan *plan, struct ledger *l)
{
	if (world_pool(p, paths) != ERR_OK || plan_make(p, plan) != ERR_OK ||
	    ledger_make(p, plan, l) != ERR_OK)
		give_up("no ledger");
}

static void
clear(struct pool *p, struct plan *plan, struct ledger *l)
{
	ledger_clear(l);
	plan_clear(plan);
	pool_clear(p);
}

static const enum cause of_mark[128] = {
    ['n'] = CAUSE_NETWORK,
    ['k'] = CAUSE_KERNEL,
    ['h'] = CAUSE_HOST,
    ['d'] = CAUSE_DISK,
    ['l'] = CAUSE_LIMITED,
    ['r'] = CAUSE_NETWORK, /* the node hears others of this source: it is permitted */
    ['x'] = CAUSE_DOWN,
    ['X'] = CAUSE_DOWN,
    ['e'] = CAUSE_ENDED,
};

/* Node a as the marks say, node b hears all. */
static void
story(const char *marks, int64_t skew_ns, const char *name)
{
	static unsigned number;
	char a[32], b[32], all[32], paths[4][64];
	const char *list[6];
	struct story s = {.path = a, .incarnation = 1, .skew_ns = skew_ns};
	uint64_t want[CAUSE_COUNT] = {0};
	const struct ledger_node *node;
	struct ledger l;
	struct plan plan;
	struct pool p;
	size_t n = 0, end_at = strcspn(marks, "e");

	(void)snprintf(a, sizeof(a), "a%u", number);
	(void)snprintf(b, sizeof(b), "b%u", number);
	(void)snprintf(all, sizeof(all), "b%u", number++);
	for (uint32_t i = 0; i < end_at; i++)
		one(&s, marks[i], i);
	end(&s, (uint32_t)end_at);
	all_of(all, (uint32_t)strlen(marks));
	for (const char *m = marks; *m != '\0'; m++)
		want[of_mark[(unsigned char)*m]] += *m != '+' ? FLOWS : 0;
	list[n++] = b;
	for (uint64_t k = 1; k < s.incarnation && k < 5; k++) {
		(void)snprintf(paths[k - 1], sizeof(paths[0]), "%s-%u", a, (unsigned)k);
		list[n++] = paths[k - 1];
	}
	list[n] = NULL;
	make(list, &p, &plan, &l);
	if (l.count != 1 || p.node_count != 2)
		give_up("not one stream and two nodes");
	node = &l.epochs[0].nodes[0];
	is_u64(l.residual, 0, "%s: nothing is missing by all", name);
	for (unsigned c = 0; c < CAUSE_COUNT; c++)
		is_u64(node->by_cause[c], want[c], "%s: %s, to the flow", name, cause_name((enum cause)c));
	clear(&p, &plan, &l);
}

/* Of five that are missing the event tells of two. */
static void
not_more_than_told(void)
{
	struct story s = {.path = "few", .incarnation = 1};
	struct ledger l;
	struct plan plan;
	struct pool p;

	one(&s, '+', 0);
	for (uint32_t i = 1; i < 6; i++)
		one(&s, 'n', i);
	tell(&s, WORLD_T0 + 6 * STEP_NS, EVENT_KERNEL_DROP, 2, WORLD_T0 + STEP_NS, WORLD_T0 + 5 * STEP_NS, 0);
	one(&s, '+', 7);
	end(&s, 8);
	all_of("few-b", 8);
	make(PATHS("few-1", "few-b"), &p, &plan, &l);
	is_u64(l.epochs[0].nodes[0].by_cause[CAUSE_KERNEL], 2 * FLOWS, "an event explains what it counts");
	is_u64(l.epochs[0].nodes[0].by_cause[CAUSE_NETWORK], 4 * FLOWS, "and no more");
	ok(l.node_gaps.count == 1 && l.node_gaps.gaps[0].node == 0 &&
		l.node_gaps.gaps[0].r.to - l.node_gaps.gaps[0].r.from == 6 * FLOWS &&
		l.node_gaps.gaps[0].from_ns == WORLD_T0 + STEP_NS &&
		l.node_gaps.gaps[0].to_ns == WORLD_T0 + 6 * STEP_NS &&
		l.node_gaps.gaps[0].causes == 1U << CAUSE_NETWORK,
	    "the longest gap: whose, how long, when, and why for the most part");
	clear(&p, &plan, &l);
}

/* What nobody heard, while a node was down, and while none was. */
static void
residual(void)
{
	struct story s = {.path = "gone", .incarnation = 1};
	struct log_folder f;
	struct ledger l;
	struct plan plan;
	struct pool p;

	log_folder_open(&f, "gone-b", "lab", "b", 77);
	for (uint32_t i = 0; i < 20; i++) {
		const struct buf *b = world_v5(FLOWS * i, FLOWS);
		struct record r = world_record(RECORD_DATAGRAM, WORLD_T0 + i * STEP_NS, b->data, b->len);
		bool lost = (i >= 5 && i < 8) || (i >= 12 && i < 14);

		if (!lost)
			log_folder_add(&f, &r);
		one(&s, i >= 4 && i < 9 ? 'x' : lost ? 'n' : '+', i);
	}
	log_folder_close(&f, true);
	end(&s, 20);
	make(PATHS("gone-1", "gone-2", "gone-b"), &p, &plan, &l);
	is_u64(l.residual, 5 * FLOWS, "missing by all");
	is_u64(l.unexplained, 2 * FLOWS,
	    "that a node was down explains some of it, the rest is network or exporter");
	is_u64(l.epochs[0].nodes[0].by_cause[CAUSE_DOWN], 5 * FLOWS, "down: also what another one heard");
	is_u64(l.epochs[0].nodes[0].by_cause[CAUSE_NETWORK], 2 * FLOWS, "the rest is the network's");
	is_u64(l.epochs[0].nodes[1].by_cause[CAUSE_NETWORK], 5 * FLOWS, "as is all of the other node's");
	ok(l.gaps.count == 2 && l.gaps.gaps[0].causes == 1U << CAUSE_DOWN && l.gaps.gaps[1].causes == 0 &&
		l.gaps.gaps[0].from_ns == WORLD_T0 + 4 * STEP_NS &&
		l.gaps.gaps[0].to_ns == WORLD_T0 + 8 * STEP_NS,
	    "both are listed, longest first, with the times around them");
	clear(&p, &plan, &l);
}

/* A node that permits nothing of the exporter. */
static void
refused(void)
{
	struct story s = {.path = "strict", .incarnation = 1};
	struct ledger l;
	struct plan plan;
	struct pool p;

	for (uint32_t i = 0; i < 5; i++)
		one(&s, 'r', i);
	end(&s, 5);
	all_of("strict-b", 5);
	make(PATHS("strict-1", "strict-b"), &p, &plan, &l);
	is_u64(l.epochs[0].nodes[0].by_cause[CAUSE_REFUSED], 5 * FLOWS, "a source that is not permitted");
	clear(&p, &plan, &l);
}

int
main(void)
{
	world_open();
	story("++nn+n++", 0, "network");
	story("++kk+k++", 0, "kernel");
	story("+hhh++h+", 0, "host");
	story("+ddd++d+", 0, "disk");
	story("+ll+++ll+", 0, "limited");
	story("+rr+++r+", 0, "refused others");
	story("++xxxx++xx+", 0, "down");
	story("++xxxx++eee", 0, "down, and the log ends");
	story("xxx++n+", 0, "not begun");
	story("+++n+XXX++n+", 0, "killed");
	story("x+nk+hd+l+nnxx+k+ee", 0, "all together");
	story("x+nk+hd+l+nnxx+k+ee", 86400 * NS_PER_SEC, "all together, a day ahead");
	story("x+nk+hd+l+nnxx+k+ee", -86400 * NS_PER_SEC, "all together, a day behind");
	not_more_than_told();
	residual();
	refused();
	world_close();
	return done_testing();
}
