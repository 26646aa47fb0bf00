/* SPDX-License-Identifier: ISC
 *
 * Exporters that count all their observation domains with one counter, and such as do not, against what was sent: by
 * the cluster and by each node, over loss, restart and wrap, and where a node hears nothing of a domain.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster/ledger.h"
#include "tests/message.h"
#include "tests/tap.h"
#include "tests/unit/archive/world.h"

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define BOOT 1700000000u
#define DOMAINS 3
#define MOST 4096

/* --- exporters --- */

struct kind {
	enum proto proto;
	bool shared;    /* one counter for all domains */
	uint32_t first; /* its first number */
};

/* Each letter is a datagram of a domain, 'R' a restart; marks: '+' the node has heard it. */
struct history {
	const char *sent, *a, *b;
};

struct truth {
	uint64_t missing, by_a, by_b;
	unsigned lives;
};

static uint32_t
units_of(const struct kind *k, unsigned i)
{
	return k->proto == PROTO_V9 || k->proto == PROTO_SFLOW5 ? 1 : 1 + i * 7 % 23;
}

static void
put_u32(struct buf *b, size_t at, uint32_t v)
{
	message_put_u16(b, at, (uint16_t)(v >> 16));
	message_put_u16(b, at + 2, (uint16_t)v);
}

static void
build_ipfix(struct buf *b, uint32_t domain, uint32_t sequence, uint32_t sec, uint32_t units)
{
	static const uint16_t layout[] = {8, 4};

	message_ipfix(b, sequence, domain);
	put_u32(b, 4, BOOT + sec);
	message_set(b, 2);
	message_template(b, 300, layout, 1);
	message_set_end(b);
	message_set(b, 300);
	for (uint32_t i = 0; i < units; i++)
		buf_u32(b, sequence + i);
	message_set_end(b);
}

static void
build_sflow(struct buf *b, uint32_t domain, uint32_t sequence, uint32_t ms)
{
	buf_reset(b);
	buf_u32(b, 5);
	buf_u32(b, 1);
	buf_u32(b, 0xc6336401);
	buf_u32(b, domain);
	buf_u32(b, sequence);
	buf_u32(b, ms);
	buf_u32(b, 1);
	buf_u32(b, 2); /* a sample of counters that holds none */
	buf_u32(b, 12);
	buf_u32(b, sequence);
	buf_u32(b, 1);
	buf_u32(b, 0);
}

static void
build(const struct kind *k, struct buf *b, uint32_t domain, uint32_t sequence, uint32_t boot, uint32_t ms,
    uint32_t units)
{
	switch (k->proto) {
	case PROTO_IPFIX:
		build_ipfix(b, domain, sequence, boot - BOOT + ms / 1000, units);
		return;
	case PROTO_SFLOW5:
		build_sflow(b, domain, sequence, ms);
		return;
	case PROTO_V9:
		message_v9(b, sequence, domain);
		message_set(b, 300);
		buf_u64(b, sequence);
		message_set_end(b);
		break;
	default:
		message_old(b, 5, (uint16_t)units, sequence);
		b->data[21] = (uint8_t)domain; /* engine */
		for (uint32_t i = 0; i < units; i++)
			message_old_record(b, 5, (uint8_t)i);
	}
	put_u32(b, 4, ms);
	put_u32(b, 8, boot + ms / 1000);
	if (k->proto == PROTO_V5)
		put_u32(b, 12, ms % 1000 * 1000000);
}

static bool
is_heard(const char *marks, unsigned i)
{
	return marks[i] == '+';
}

static void
write_logs(const struct kind *k, const struct history *h)
{
	struct log_folder a, b;
	struct buf payload = BUF_INIT;
	uint32_t next[DOMAINS], boot = BOOT, ms = 1000;

	for (unsigned i = 0; i < DOMAINS; i++)
		next[i] = k->first;
	log_folder_open(&a, "a", "lab", "a", 1);
	log_folder_open(&b, "b", "lab", "b", 2);
	for (unsigned i = 0; h->sent[i] != '\0'; i++, ms += 1000) {
		unsigned domain = h->sent[i] == 'R' ? 0 : (unsigned)(h->sent[i] - 'A');
		uint32_t *counter = &next[k->shared ? 0 : domain], units = units_of(k, i);
		struct record r;

		if (h->sent[i] == 'R') {
			boot += ms / 1000 + 60;
			ms = 500; /* or sFlow would send the same bytes again */
			memset(next, 0, sizeof(next));
			continue;
		}
		build(k, &payload, domain, *counter, boot, ms, units);
		*counter += units;
		r = world_record(RECORD_DATAGRAM, (int64_t)boot * NS_PER_SEC + (int64_t)ms * NS_PER_MSEC,
		    payload.data, payload.len);
		if (is_heard(h->a, i))
			log_folder_add(&a, &r);
		if (is_heard(h->b, i))
			log_folder_add(&b, &r);
	}
	log_folder_close(&a, true);
	log_folder_close(&b, true);
	buf_clear(&payload);
}

/* Of datagrams [from, to) of a domain, or of all. */
static void
add_life(
    const struct kind *k, const struct history *h, unsigned from, unsigned to, int domain, struct truth *t)
{
	unsigned first = to, last = from;

	for (unsigned i = from; i < to; i++) {
		if ((domain >= 0 && h->sent[i] != 'A' + domain) || (!is_heard(h->a, i) && !is_heard(h->b, i)))
			continue;
		first = first == to ? i : first;
		last = i;
	}
	if (first == to)
		return;
	t->lives++;
	for (unsigned i = first; i <= last; i++) {
		uint64_t units = domain >= 0 && h->sent[i] != 'A' + domain ? 0 : units_of(k, i);

		t->by_a += is_heard(h->a, i) ? 0 : units;
		t->by_b += is_heard(h->b, i) ? 0 : units;
		t->missing += is_heard(h->a, i) || is_heard(h->b, i) ? 0 : units;
	}
}

static struct truth
truth_of(const struct kind *k, const struct history *h)
{
	struct truth t = {.missing = 0};

	for (unsigned from = 0, to = 0; h->sent[from] != '\0'; from = to + (h->sent[to] == 'R')) {
		to = from + (unsigned)strcspn(h->sent + from, "R");
		for (int d = k->shared ? -1 : 0; d < (k->shared ? 0 : DOMAINS); d++)
			add_life(k, h, from, to, d, &t);
	}
	return t;
}

/* --- against the ledger --- */

static void
is_account(const struct kind *k, const struct history *h, const char *what)
{
	struct truth want = truth_of(k, h), got = {.missing = 0};
	struct buf json = BUF_INIT;
	unsigned claiming = 0, own = 0;
	struct pool p;
	struct plan plan;
	struct ledger l;

	write_logs(k, h);
	if (world_pool(&p, PATHS("a", "b")) != ERR_OK || plan_make(&p, &plan) != ERR_OK ||
	    ledger_make(&p, &plan, &l) != ERR_OK)
		give_up("no ledger");
	for (size_t i = 0; i < l.count; i++) {
		const struct ledger_epoch *e = &l.epochs[i];

		got.missing += e->missing;
		for (size_t n = 0; n < p.node_count; n++)
			*(p.nodes[n][0] == 'a' ? &got.by_a : &got.by_b) += e->nodes[n].missing;
		if (e->epoch->shared) {
			claiming += e->missing > 0 || e->nodes[0].missing > 0 || e->strays > 0 ||
			    e->gaps.count > 0 || strcmp(ledger_discipline_name(e), "shared") != 0;
			continue;
		}
		own += !e->epoch->all;
		got.lives++;
	}
	ok(got.missing == want.missing && l.residual == want.missing,
	    "%s from %u, %s: %llu missing by all of %llu", proto_name(k->proto), k->first, what,
	    (unsigned long long)got.missing, (unsigned long long)want.missing);
	is_u64(got.by_a, want.by_a, "    on a");
	is_u64(got.by_b, want.by_b, "    on b");
	is_u64(got.lives, want.lives, "    lives");
	ok(own == (k->shared ? 0 : got.lives), "    counted %s", k->shared ? "together" : "apart");
	is_u64(claiming, 0, "    who shares a counter claims nothing");
	ledger_json(&l, &p, NULL, &json);
	buf_u8(&json, 0);
	ok((strstr((const char *)json.data, "\"domain\":\"all\"") != NULL) == k->shared,
	    "    and so says JSON");
	buf_clear(&json);
	ledger_clear(&l);
	plan_clear(&plan);
	pool_clear(&p);
	if (system("rm -rf a b") != 0)
		give_up("cannot remove the logs");
}

static const struct history histories[] = {{"ABABABABABABABABAB", "+++++.++++++.+++++", "+++.+.+++++++++.++"},
    {"AAAABBBBBAAAACCCCAAAABBB", "+++++++.++++++++++++++++", "++++..+.+++++++++++.++++"},
    /* a hears B alone, and b all but B */
    {"ABAABCABACBABCAABACBA", ".+..+..+..+.+...+..+.", "+.+++++.++.++++++++.+"},
    {"ABCABCABCABCABCABCABRABCABCABCABCABC", "+++++.+++++++++.++++.++++++++.++++++",
	"++++..++++++++.+++++.+++++++++.+++++"},
    {"AAAAAAAAABAAAAAAAAAA", "+++.++++++++++++++.+", "+++.++++++++++++++++"}};

static void
test_sharers(enum proto proto)
{
	static const char *const names[] = {
	    "in turn", "in bursts", "each node deaf to a domain", "a restart", "a rare domain"};

	for (size_t i = 0; i < sizeof(histories) / sizeof(histories[0]); i++) {
		const struct kind k = {proto, true, i % 2 == 0 ? 0xfffffffbu : 1000};

		is_account(&k, &histories[i], names[i]);
	}
}

/* Counters of their own, which begin with the same number and go on at the same rate. */
static void
test_lockstep(enum proto proto)
{
	static const char *const names[] = {"lockstep", "lockstep in bursts", "lockstep, deaf",
	    "lockstep, restart", "one that goes on, one heard once"};

	for (size_t i = 0; i < sizeof(histories) / sizeof(histories[0]); i++) {
		const struct kind k = {proto, false, 0};

		is_account(&k, &histories[i], names[i]);
	}
}

/* One datagram in a thousand is of another domain, and some of both are lost. */
static void
test_rare(void)
{
	char sent[MOST], a[MOST], b[MOST];
	const struct history h = {sent, a, b};

	for (unsigned i = 0; i < MOST - 1; i++) {
		sent[i] = i % 1000 == 999 ? 'B' : 'A';
		a[i] = i % 97 == 13 ? '.' : '+';
		b[i] = i % 89 == 7 || sent[i] == 'B' ? '.' : '+';
	}
	sent[MOST - 1] = a[MOST - 1] = b[MOST - 1] = '\0';
	is_account(&(struct kind){PROTO_V9, true, 5}, &h, "1 in 1,000 of another domain");
	is_account(&(struct kind){PROTO_V9, false, 5}, &h, "the same, counted apart");
}

/* Counters of their own of which half is lost everywhere, so that neighbours seldom stand in one domain; and such of which no
 * pair tells anything. */
static void
test_doubtful(void)
{
	static const struct history apart = {"AAAABBBB", "++++++++", "++++++++"};
	char sent[MOST], marks[MOST];
	const struct history h = {sent, marks, marks};
	uint32_t state = 1;

	for (unsigned i = 0; i < MOST - 1; i++) {
		state = state * 1664525 + 1013904223;
		sent[i] = i % 2 == 0 ? 'A' : 'B';
		marks[i] = state >> 31 ? '+' : '.';
	}
	sent[MOST - 1] = marks[MOST - 1] = '\0';
	is_account(&(struct kind){PROTO_V9, false, 0}, &h, "half of two in lockstep");
	is_account(&(struct kind){PROTO_V9, true, 0}, &h, "half of two that share");
	is_account(&(struct kind){PROTO_V9, false, 0}, &apart, "one after the other");
}

/* What stands in files is the same whether they share a counter or not, but for the ledger: template, order, epochs. */
static void
test_plan(void)
{
	const struct kind k = {PROTO_IPFIX, true, 7};
	struct pool p;
	struct plan plan;
	size_t count = 0;
	unsigned wrong = 0;

	write_logs(&k, &histories[3]);
	if (world_pool(&p, PATHS("a", "b")) != ERR_OK || plan_make(&p, &plan) != ERR_OK)
		give_up("no plan");
	for (size_t i = 0; i < plan.epoch_count; i++) {
		const struct plan_epoch *e = &plan.epochs[i];
		const struct seq_item *items = plan_epoch_items(&plan, e);

		count += e->all ? 0 : e->count;
		for (size_t n = 0; n < e->count; n++)
			wrong += !e->all && p.datagrams[items[n].tag].stream != e->stream;
		wrong += i > 0 && !plan.epochs[i - 1].all && e->all && p.streams[e->stream].key.domain != 0;
	}
	is_u64(count, p.datagram_count, "each datagram stands once in the epochs of streams");
	is_u64(plan.numbered_count, p.datagram_count, "and once in those of the numbering");
	is_u64(wrong, 0, "by stream");
	plan_clear(&plan);
	pool_clear(&p);
}

int
main(void)
{
	static const enum proto protos[] = {PROTO_V5, PROTO_V9, PROTO_IPFIX, PROTO_SFLOW5};

	world_open();
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		test_sharers(protos[i]);
		test_lockstep(protos[i]);
	}
	test_rare();
	test_doubtful();
	test_plan();
	world_close();
	return done_testing();
}
