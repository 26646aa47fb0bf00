/* SPDX-License-Identifier: ISC
 *
 * What is counted of a stream: IPFIX records with the templates that hold when they come, samples of sFlow, listeners,
 * faults.
 */
#include "node/account.h"

#include <stdlib.h>

#include "base/clock.h"
#include "tests/message.h"
#include "tests/tap.h"

static struct tmpl_cache *templates;
static struct account_room room;
static struct account a;
static struct buf payload = BUF_INIT;
static uint32_t fingerprint;

static void
begin(void)
{
	const struct tmpl_cache_limits limits = {.streams = 10, .templates = 10};

	account_clear(&a, &room);
	a = (struct account){.records = 0};
	room = (struct account_room){
	    .gaps.most = 100, .sources.most = 32, .late.most = 2 * ACCOUNT_LATE_MOST};
	tmpl_cache_free(templates);
	if ((templates = tmpl_cache_new(&limits)) == NULL)
		abort();
}

static void
take(uint16_t listener)
{
	const struct addr from = addr_v4(0xc0000201);
	struct proto_info info;
	struct stream_key key;
	struct account_input in;

	if (proto_recognise(payload.data, payload.len, &info) != ERR_OK)
		abort();
	key = stream_key_of(&from, 4000, &info);
	(void)!tmpl_cache_learn(templates, &key, &info, payload.data, payload.len);
	fingerprint++;
	in = (struct account_input){.key = &key,
	    .info = &info,
	    .payload = payload.data,
	    .len = payload.len,
	    .fingerprint = fingerprint,
	    .listener = listener,
	    .fault = proto_check(payload.data, payload.len, &info),
	    .time = {1700000000 * NS_PER_SEC + fingerprint * NS_PER_SEC}};
	account_take(&a, &room, templates, &in);
}

static void
ipfix(uint32_t sequence, uint16_t set, size_t bytes)
{
	message_ipfix(&payload, sequence, 7);
	message_set(&payload, set);
	for (size_t i = 0; i < bytes; i++)
		buf_u8(&payload, 3); /* also a length of a variable field */
	message_set_end(&payload);
	message_put_u16(&payload, 2, (uint16_t)payload.len);
	take(0);
}

static void
define(uint16_t id, const uint16_t *fields, uint16_t count)
{
	message_ipfix(&payload, 0, 7);
	payload.data[11] = (uint8_t)a.live.last.sequence; /* it does not advance the sequence */
	payload.data[10] = (uint8_t)(a.live.last.sequence >> 8);
	message_set(&payload, 2);
	message_template(&payload, id, fields, count);
	message_set_end(&payload);
	message_put_u16(&payload, 2, (uint16_t)payload.len);
	take(0);
}

static void
test_ipfix(void)
{
	static const uint16_t four[] = {1, 4}, eight[] = {1, 8}, variable[] = {82, 65535, 1, 4};

	begin();
	ipfix(0, 300, 40);
	is_u64(a.records, 0, "without a template nothing is counted");
	ok(a.live.last.units_unknown, "and that is known");
	define(300, four, 1);
	ipfix(10, 300, 40);
	is_u64(a.records, 20, "with one, by lengths, and what came before it, too");
	ipfix(20, 300, 80);
	is_u64(a.records, 40, "again");
	define(300, eight, 1);
	ipfix(40, 300, 80);
	is_u64(a.records, 50, "another definition holds at once");
	ipfix(50, 300, 12);
	ok(!a.live.last.units_unknown, "a little padding is none that matters");
	ipfix(51, 301, 12);
	ok(a.live.last.units_unknown, "another set's template is not known");
	define(301, variable, 2);
	ipfix(60, 301, 24);
	is_u64(a.records, 54, "fields of variable length: one by one");
	ipfix(63, 301, 9);
	is_u64(a.records, 55, "and padding");
}

/* Three of the sizes that a set of four-byte records can have. */
static uint32_t
data(uint32_t sequence, unsigned i)
{
	ipfix(sequence, 300, 40 + 4 * (i % 3));
	return 10 + i % 3;
}

static void
test_late(void)
{
	static const uint16_t four[] = {1, 4}, variable[] = {82, 65535, 1, 4};
	uint32_t sequence = 1000, lost;

	begin();
	for (unsigned i = 0; i < 8; i++)
		sequence += data(sequence, i);
	is_u64(a.late.count, 8, "sets without a template are noted");
	define(300, four, 1);
	is_u64(a.records, 87, "when it comes, they are counted");
	ok(a.live.learnt, "and it is learnt what the exporter counts");
	is_u64(room.late.used, 0, "the room is given back");

	for (unsigned i = 0; i < 8; i++)
		sequence += data(sequence, i);
	ipfix(sequence, 301, 20);
	sequence += 5;
	lost = 7;
	sequence += lost;
	for (unsigned i = 0; i < 50; i++)
		sequence += data(sequence, i);
	is_u64(seq_live_missing(&a.live) + a.live.gaps.open, 0,
	    "behind a set of another template nothing is missing for certain");
	is_u64(a.live.gaps.unknown, 5 + lost, "for long");
	define(301, four, 1);
	is_u64(a.live.gaps.unknown, 0, "with the template, it is");
	is_u64(a.live.gaps.open, lost, "as much as was lost");

	ipfix(sequence, 302, 24);
	sequence += 3;
	for (unsigned i = 0; i < 3; i++)
		sequence += data(sequence, i);
	define(302, variable, 2);
	is_u64(a.late.count, 0, "fields of variable length: nothing is waited for");
	ok(a.live.gaps.unknown > 0, "and it stays unknown");

	begin();
	for (unsigned i = 0; i < 3 * ACCOUNT_LATE_MOST; i++)
		sequence += data(sequence, i);
	is_u64(a.late.count, ACCOUNT_LATE_MOST, "no more than some are waited for");
	begin();
	room.late.most = 8;
	for (unsigned i = 0; i < 20; i++)
		sequence += data(sequence, i);
	is_u64(a.late.count, 8, "nor more than there is room for");
	define(300, four, 1);
	is_u64(a.late.count, 0, "which is given back");
}

static uint32_t pool_each = 100;

static void
sflow(uint32_t sequence, uint32_t sources, uint32_t first, uint32_t drops)
{
	buf_reset(&payload);
	buf_u32(&payload, 5);
	buf_u32(&payload, 1);
	buf_u32(&payload, 0xc0000202);
	buf_u32(&payload, 0);
	buf_u32(&payload, sequence);
	buf_u32(&payload, 1000 * (fingerprint + 2));
	buf_u32(&payload, sources);
	for (uint32_t i = 0; i < sources; i++) {
		buf_u32(&payload, SFLOW_SAMPLE_FLOW);
		buf_u32(&payload, 32);
		buf_u32(&payload, first);
		buf_u32(&payload, i);
		buf_u32(&payload, 100);
		buf_u32(&payload, pool_each * first);
		buf_u32(&payload, drops);
		buf_u32(&payload, 1);
		buf_u32(&payload, 2);
		buf_u32(&payload, 0);
	}
	take(0);
}

static void
test_pools(void)
{
	begin();
	sflow(1, 1, 10, 0);
	is_u64(a.samples.taken + a.samples.pool, 0, "a pool that is heard first tells nothing");
	sflow(2, 1, 11, 0);
	sflow(4, 1, 14, 0);
	is_u64(a.samples.taken, 4, "flow samples taken, missing ones included");
	is_u64(a.samples.pool, 400, "of so many packets");
	is_u64(a.samples.scaled, 400, "as many as it says");
	sflow(3, 1, 12, 0);
	is_u64(a.samples.taken * 1000 + a.samples.pool, 4400, "one that is late changes nothing");
	pool_each = 250;
	sflow(5, 1, 15, 0); /* 2,350 packets for one sample */
	sflow(6, 1, 16, 0);
	is_u64(a.samples.pool, 400 + 2350 + 250, "an agent that takes fewer than it says");
	is_u64(a.samples.scaled, 600, "says the same");
	pool_each = 0x20000000;
	sflow(7, 1, 17, 0); /* 2 * 2^32 + 2^29, less than before by 32 bits */
	pool_each = 0;
	sflow(8, 1, 18, 0);
	sflow(9, 1, 19, 0);
	is_u64(a.samples.taken, 7, "a pool that stands still is none");
	pool_each = 100;
}

static void
test_samples(void)
{
	begin();
	sflow(1, 8, 10, 5);
	sflow(2, 8, 11, 5);
	is_u64(a.samples.heard, 16, "samples heard");
	is_u64(a.samples.missing, 0, "none is missing");
	sflow(4, 8, 14, 7);
	is_u64(a.samples.missing, 16, "two of each of eight sources");
	is_u64(a.samples.dropped, 16, "and two that the agent dropped");
	sflow(3, 8, 12, 6);
	is_u64(a.samples.missing, 8, "half of them were late");
	sflow(5, 100, 15, 7);
	is_u64(a.samples.unfollowed, 100 - 32, "more sources than there is room for");
	is_u64(room.sources.used, 32, "which is kept to");
	is_u64(a.records, 4 * 8 + 100, "samples are the records");
}

static void
test_listeners(void)
{
	static const uint16_t from[] = {7, 1};

	begin();
	message_old(&payload, 5, 1, 0);
	message_old_record(&payload, 5, 1);
	take(1);
	take(1);
	take(2);
	take(3);
	take(4);
	take(1);
	is_u64(a.on[0].datagrams, 3, "the first listener");
	is_u64(a.on[1].datagrams, 1, "the second");
	ok(a.on[2].datagrams == 2 && a.on[2].listener == ACCOUNT_SEVERAL,
	    "more than three: the last ones together");
	account_renumber(&a, from, 2);
	ok(a.on[0].listener == 1 && a.on[1].listener == ACCOUNT_SEVERAL,
	    "after a reload it has another index, or none");
	payload.len -= 4;
	take(1);
	is_u64(a.faults[FAULT_COUNT], 1, "a fault, by its reason");
	payload.len = 20;
	take(1);
	is_u64(a.faults[FAULT_HEADER_CUT], 1, "a header that is cut");
	is_u64(a.live.counters.datagrams, 7, "whose numbers are not believed");
}

int
main(void)
{
	test_ipfix();
	test_late();
	test_samples();
	test_pools();
	test_listeners();
	account_clear(&a, &room);
	is_u64(room.gaps.used + room.sources.used, 0, "all room is given back");
	tmpl_cache_free(templates);
	buf_clear(&payload);
	return done_testing();
}
