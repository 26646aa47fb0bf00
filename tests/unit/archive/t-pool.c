/* SPDX-License-Identifier: ISC
 *
 * The union: what is one datagram and what are two, whose copies win, and what no sound checksum makes believable.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive/pool.h"
#include "base/wr.h"
#include "log/event.h"
#include "tests/tap.h"
#include "tests/unit/archive/world.h"

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
log_of(const char *path, const char *node, uint64_t incarnation, const struct record *records, size_t count)
{
	struct log_folder f;

	log_folder_open(&f, path, "lab", node, incarnation);
	for (size_t i = 0; i < count; i++)
		log_folder_add(&f, &records[i]);
	log_folder_close(&f, true);
}

static void
times(void)
{
	const struct buf *b = world_v5(1, 1);
	struct record r = world_record(RECORD_DATAGRAM, WORLD_T0 + 5, b->data, b->len);
	struct pool p;

	log_of("a", "a", 1, &r, 1);
	r.time.ns = WORLD_T0 + 86400 * NS_PER_SEC;
	log_of("b", "b", 2, &r, 1);
	r.time.ns = WORLD_T0 + 7;
	log_of("c", "c", 3, &r, 1);
	ok(world_pool(&p, PATHS("b", "a", "c", "a")) == ERR_OK && p.datagram_count == 1 &&
		p.witness_count == 3,
	    "one datagram that three heard, once of them named twice");
	is_u64((uint64_t)p.datagrams[0].time_ns, WORLD_T0 + 7,
	    "its time is the median, whatever one clock says");
	is_u64(pool_nodes_of(&p, &p.datagrams[0]), 3, "three nodes heard it");
	ok(strcmp(p.nodes[0], "a") == 0 && strcmp(p.nodes[2], "c") == 0, "nodes stand by name");
	pool_clear(&p);
	ok(world_pool(&p, PATHS("b", "a")) == ERR_OK && p.datagrams[0].time_ns == WORLD_T0 + 5,
	    "of two the lower one");
	pool_clear(&p);
}

static void
identity(void)
{
	const struct buf *b = world_v5(1, 1);
	struct record r[4];
	struct pool p;

	for (unsigned i = 0; i < 4; i++)
		r[i] = world_record(RECORD_DATAGRAM, WORLD_T0, b->data, b->len);
	r[1].port++;
	r[2].addr.b[15]++;
	r[3].len--; /* a record less is another datagram */
	log_of("id", "a", 1, r, 4);
	ok(world_pool(&p, PATHS("id")) == ERR_OK && p.datagram_count == 4,
	    "address, port and every byte tell datagrams apart");
	pool_clear(&p);
}

/* Two payloads of one XXH3-128: where the key cancels the low half of a word, the product that mixes it is 0, and
 * what one word gains another may lose. */
static void
collide(uint8_t *payload, size_t len, const struct record *r)
{
	uint8_t secret[XXH_SECRET_DEFAULT_SIZE], who[18];
	struct wr w = wr_init(who, sizeof(who));
	uint64_t words[2];

	wr_bytes(&w, r->addr.b, sizeof(r->addr.b));
	wr_u16(&w, r->port);
	XXH3_initCustomSecret_scalar(secret, XXH3_64bits(who, sizeof(who)));
	memset(payload, 0, len);
	payload[1] = 5;
	for (unsigned stripe = 0; stripe < 2; stripe++) { /* lane 3 of the first two */
		memcpy(&words[stripe], secret + 8 * stripe + 24, 8);
		words[stripe] &= 0xffffffff;
		memcpy(payload + 64 * stripe + 24, &words[stripe], 8);
	}
}

static void
collisions(void)
{
	uint8_t one[264] = {0}, two[264];
	uint64_t word;
	struct record r = world_record(RECORD_DATAGRAM, WORLD_T0, one, sizeof(one));
	struct digest128 d1, d2;
	uint64_t want;
	struct pool p;

	collide(one, sizeof(one), &r);
	memcpy(two, one, sizeof(one));
	memcpy(&word, two + 24, 8);
	word += 1ULL << 40;
	memcpy(two + 24, &word, 8);
	memcpy(&word, two + 88, 8);
	word -= 1ULL << 40;
	memcpy(two + 88, &word, 8);
	d1 = identity_digest(&r.addr, r.port, one, sizeof(one));
	d2 = identity_digest(&r.addr, r.port, two, sizeof(two));
	ok(digest128_cmp(&d1, &d2) == 0 && memcmp(one, two, sizeof(one)) != 0,
	    "two payloads with one digest");
	log_of("one", "a", 1, &r, 1);
	r.body = two;
	log_of("two", "b", 2, &r, 1);
	ok(world_pool(&p, PATHS("one", "two")) == ERR_OK && p.datagram_count == 2, "are two datagrams");
	pool_clear(&p);
	want = world_archive("c12", 300 * NS_PER_SEC, PATHS("one", "two"));
	is_u64(want, world_archive("c21", 300 * NS_PER_SEC, PATHS("two", "one")),
	    "whose order does not depend on the inputs'");
}

/* Two hosts that run copies of one machine: the same record of the same life, with other contents. */
static void
copies(void)
{
	struct buf event = BUF_INIT;
	struct record r[3];
	uint64_t both;

	event_begin(&event, EVENT_LINK);
	event_put_text(&event, EVENT_KEY_TEXT, "up");
	for (unsigned i = 0; i < 2; i++) {
		const struct buf *b = world_v5(1, 1);

		event.data[event.len - 1] = (uint8_t)('0' + i);
		r[0] = world_record(RECORD_DATAGRAM, WORLD_T0 + i, b->data, b->len);
		r[0].listener = (uint16_t)i;
		r[1] = world_record(RECORD_EVENT, WORLD_T0, event.data, event.len);
		r[2] = world_record(RECORD_DATAGRAM, WORLD_T0, b->data, b->len);
		r[2].flags = (uint8_t)(i == 0 ? RECORD_MALFORMED : RECORD_CUT);
		log_of(i == 0 ? "copy0" : "copy1", "a", 42, r, 3);
	}
	both = world_archive("copies01", 300 * NS_PER_SEC, PATHS("copy0", "copy1"));
	is_u64(world_archive("copies10", 300 * NS_PER_SEC, PATHS("copy1", "copy0")), both,
	    "records of one place that differ: no order of inputs decides");
	is_u64(world_archive("copies3", 300 * NS_PER_SEC, PATHS("copies01", "copy1", "copies10")), both,
	    "nor does merging again");
	buf_clear(&event);
}

/* A sound segment of a record that cannot be. */
static void
refused(const char *path, const struct record *r, const char *what)
{
	const struct buf *b = world_v5(7, 1);
	struct record both[2] = {*r, world_record(RECORD_DATAGRAM, WORLD_T0, b->data, b->len)};
	struct pool p;

	log_of(path, "a", 1, both, 2);
	ok(world_pool(&p, PATHS(path)) == ERR_OK && p.findings == 1 && p.datagram_count == 1 &&
		p.event_count == 0,
	    "%s: a finding, and the rest counts", what);
	pool_clear(&p);
}

static void
hostile(void)
{
	static uint8_t big[RECORD_BODY_MAX];
	uint64_t want;
	struct record r = world_record(RECORD_DATAGRAM, WORLD_T0, big, DATAGRAM_MOST + 1);

	big[1] = 9; /* v9, full of empty sets */
	for (size_t i = 20; i + 4 <= sizeof(big); i += 4) {
		big[i] = 1;
		big[i + 3] = 4;
	}
	refused("long", &r, "a datagram longer than there are");
	r.len = 2000;
	r.time.ns = INT64_MIN;
	refused("early", &r, "a time that no sum holds");
	r.time.ns = INT64_MAX;
	refused("late", &r, "nor this one");
	r = world_record(RECORD_EVENT, WORLD_T0, big, sizeof(big));
	refused("event", &r, "an event that no archive can hold");
	r = world_record(RECORD_TEMPLATES, WORLD_T0, big, 100);
	refused("templates", &r, "definitions that are none");
	r = world_record(RECORD_DATAGRAM, WORLD_T0, big, DATAGRAM_MOST);
	r.flags = 0xff;
	log_of("flag", "a", 1, &r, 1);
	want = world_archive("flag1", 300 * NS_PER_SEC, PATHS("flag"));
	is_u64(world_archive("flag2", 300 * NS_PER_SEC, PATHS("flag1")), want,
	    "flags that nobody knows, and 16,378 data sets, come back");
}

static void
clusters(void)
{
	const struct buf *b = world_v5(1, 1);
	struct record r = world_record(RECORD_DATAGRAM, WORLD_T0, b->data, b->len);
	struct log_folder f;
	struct pool p;

	log_folder_open(&f, "elsewhere", "other", "a", 1);
	log_folder_add(&f, &r);
	log_folder_close(&f, true);
	ok(world_pool(&p, PATHS("a", "elsewhere")) == ERR_CONFLICT, "another cluster's log is refused");
	pool_clear(&p);
	log_folder_open(&f, "lines", "two\nlines", "a", 1);
	log_folder_add(&f, &r);
	log_folder_close(&f, true);
	ok(world_pool(&p, PATHS("lines")) == ERR_MALFORMED, "and so is a name that no manifest can hold");
	pool_clear(&p);
}

int
main(void)
{
	world_open();
	times();
	identity();
	collisions();
	copies();
	hostile();
	clusters();
	world_close();
	return done_testing();
}
