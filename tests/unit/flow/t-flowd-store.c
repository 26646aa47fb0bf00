/* SPDX-License-Identifier: ISC
 *
 * Stores of flowd: each field's value; each prefix, each byte changed, lengths that lie: what is told, and that no record is
 * lost but the damaged one.
 */
#include "flow/flowd_store.h"

#include "tests/tap.h"
#include "tests/unit/flow/flowd-build.h"

#define COUNT 6

struct result {
	enum err opened;
	unsigned records, damages, torn;
	uint64_t lost;
	uint32_t seen;  /* a bit for each flow: its number is in its packets */
	bool wrong;     /* one that was never written */
	char text[160]; /* of the first damage */
	uint64_t offset;
};

static struct result
walk(const uint8_t *bytes, size_t len)
{
	struct memory m = {.bytes = bytes, .len = len};
	struct result result = {.records = 0};
	struct flowd_store *s;
	struct flowd_record r;
	struct flowd_damage d;
	const uint8_t *at;
	enum flowd_step step;
	enum err e;

	result.opened = flowd_store_open(read_memory, &m, &s);
	if (result.opened != ERR_OK)
		return result;
	while ((step = flowd_store_next(s, &r, &at, &d, &e)) != FLOWD_END) {
		if (step == FLOWD_ERROR)
			abort();
		if (step == FLOWD_RECORD) {
			uint64_t n = r.packets - 3;

			result.records++;
			if ((r.fields & FLOWD_PACKETS) == 0)
				continue;
			if (n >= COUNT || r.octets != 5000000000 + n)
				result.wrong = true;
			else
				result.seen |= 1u << n;
			continue;
		}
		if (result.damages == 0) {
			memcpy(result.text, d.text, sizeof(result.text));
			result.offset = d.offset;
		}
		result.damages++;
		result.torn += d.torn;
		result.lost += d.lost;
	}
	flowd_store_close(s);
	return result;
}

static const struct build usual = {.fields = FLOWD_ALL4 | FLOWD_CRC32, .netflow = 5, .type = 2, .id = 9};

static void
make(struct buf *b, int version, uint32_t fields)
{
	buf_reset(b);
	build_header(b, version);
	for (uint32_t n = 0; n < COUNT; n++) {
		struct build r = usual;

		r.version = version;
		r.fields = fields;
		r.n = n;
		r.sequence = n / 2;
		build_record(b, &r);
	}
}

static bool
is_addr4(const uint8_t *bytes, unsigned bit)
{
	return bytes != NULL && bytes[0] == 10 && bytes[1] == bit;
}

static void
values(int version)
{
	struct buf b = BUF_INIT;
	struct build r = usual;
	struct flowd_damage why;
	struct flowd_record f;
	bool v3 = version == FLOWD_V3;

	r.version = version;
	r.fields = ((1u << 19) - 1) | FLOWD_CRC32;
	r.recv_usec = 123456;
	r.sequence = 4711;
	build_record(&b, &r);
	is_u64(flowd_record_read(version, b.data, b.len, &f, &why), ERR_OK, "v%d: a record of all fields",
	    version);
	is_u64(f.size, b.len, "v%d: its length", version);
	ok(f.tag == 0 && f.recv_sec == 1100000001 && f.recv_usec == (v3 ? 123456u : 0),
	    "v%d: tag, time of reception", version);
	ok(f.tcp_flags == 0x12 && f.protocol == 6 && f.tos == 4, "v%d: flags, protocol, TOS", version);
	ok(f.agent4 != NULL && f.agent4[0] == 192 && f.agent6[15] == 1, "v%d: the agent", version);
	ok(is_addr4(f.src4, 5) && is_addr4(f.dst4, 7) && is_addr4(f.gateway4, 9), "v%d: IPv4", version);
	ok(f.src6[15] == 6 && f.dst6[15] == 8 && f.gateway6[15] == 10, "v%d: IPv6", version);
	ok(f.src_port == 443 && f.dst_port == 1024 && f.packets == 3 && f.octets == 5000000000,
	    "v%d: ports, counts", version);
	ok(f.if_in == 7 && f.if_out == (v3 ? 70000u : 300), "v%d: interfaces", version);
	ok(f.uptime_ms == 60000 && f.export_sec == 1100000000 && f.export_nsec == 250000000 && f.netflow == 5,
	    "v%d: agent's clock", version);
	ok(f.start_ms == 50000 && f.finish_ms == 59000, "v%d: begin and end", version);
	ok(f.src_as == 64512 && f.dst_as == (v3 ? 4200000000u : 65000) && f.src_mask == 24 &&
		f.dst_mask == 16,
	    "v%d: AS, masks", version);
	ok(f.engine_type == 2 && f.engine_id == 9 && f.sequence == 4711 && f.source_id == 0,
	    "v%d: engine, sequence", version);
	buf_clear(&b);
}

static void
each_field_alone(int version)
{
	struct buf b = BUF_INIT;
	unsigned bad = 0;

	for (unsigned bit = 0; bit < 19; bit++) {
		struct build r = usual;
		struct flowd_damage why;
		struct flowd_record f;

		r.version = version;
		r.fields = 1u << bit | (bit % 2 == 0 ? FLOWD_CRC32 : 0);
		buf_reset(&b);
		build_record(&b, &r);
		bad += flowd_record_read(version, b.data, b.len, &f, &why) != ERR_OK || f.size != b.len;
	}
	is_u64(bad, 0, "v%d: each field alone", version);
	buf_clear(&b);
}

static void
prefixes(int version)
{
	struct buf b = BUF_INIT;
	unsigned bad = 0;
	size_t head = version == FLOWD_V2 ? 16 : 0, size;

	make(&b, version, usual.fields);
	size = (b.len - head) / COUNT;
	for (size_t len = 1; len <= b.len; len++) {
		struct result r = walk(b.data, len);
		size_t whole = len < head ? 0 : (len - head) / size;
		bool even = len >= head && (len - head) % size == 0;

		if (r.opened == ERR_UNKNOWN && len < 16 + size) /* too little to tell what it is */
			continue;
		if (r.opened != ERR_OK || r.records != whole || r.damages != !even || r.torn != !even ||
		    r.wrong) {
			bad++;
			printf("# prefix of %zu: %u records, %u damages\n", len, r.records, r.damages);
		}
	}
	is_u64(bad, 0, "v%d: each prefix: whole records, and the tear is told", version);
	buf_clear(&b);
}

/* Each byte of a store with checksums, each in two ways. */
static void
flips(int version)
{
	struct buf b = BUF_INIT;
	unsigned silent = 0, lost = 0;
	size_t head = version == FLOWD_V2 ? 16 : 0, size;

	make(&b, version, usual.fields);
	size = (b.len - head) / COUNT;
	for (size_t at = 0; at < 2 * b.len; at++) {
		uint8_t was = b.data[at / 2];
		uint32_t all = (1u << COUNT) - 1, hit;
		struct result r;

		b.data[at / 2] = (uint8_t)(was ^ (at % 2 == 0 ? 0xff : 1 << at / 2 % 8));
		r = walk(b.data, b.len);
		hit = at / 2 < head ? 0 : 1u << (at / 2 - head) / size;
		if (version == FLOWD_V2 && at / 2 >= 8 && at / 2 < 12)
			silent += r.damages != 0 || r.seen != all; /* when the store was begun */
		else if (r.opened != ERR_OK || r.damages == 0 || r.wrong)
			silent++;
		if ((r.seen | hit) != all || r.seen & hit) {
			lost++;
			printf("# byte %zu: seen %x\n", at / 2, r.seen);
		}
		b.data[at / 2] = was;
	}
	is_u64(silent, 0, "v%d: each byte changed: it is told", version);
	is_u64(lost, 0, "v%d: and all other records are there", version);
	buf_clear(&b);
}

static void
lengths(void)
{
	struct buf b = BUF_INIT;
	struct build r = usual;
	struct result got;

	for (int checked = 0; checked < 2; checked++) {
		buf_reset(&b);
		for (uint32_t n = 0; n < COUNT; n++) {
			r = usual;
			r.version = FLOWD_V3;
			r.fields = checked ? usual.fields : FLOWD_ALL4;
			r.n = n;
			r.words = n == 2 ? 1 : n == COUNT - 1 ? -1 : 0;
			build_record(&b, &r);
		}
		got = walk(b.data, b.len);
		ok(got.seen == (1u << COUNT) - 1 && got.damages == 2 && got.lost == 0,
		    "a length that contradicts the bitmap is told, and the record taken, %s checksum",
		    checked ? "with a" : "without");
		ok(strstr(got.text, "length: expected") != NULL, "what it should be: %s", got.text);
	}
	/* with a record more behind it, for which the length tells and the bitmap not */
	buf_reset(&b);
	for (uint32_t n = 0; n < COUNT; n++) {
		r = usual;
		r.version = FLOWD_V3;
		r.fields = FLOWD_ALL4;
		r.n = n;
		r.words = n == 2 ? 1 : 0;
		build_record(&b, &r);
		if (n == 2)
			buf_u32(&b, 0);
	}
	got = walk(b.data, b.len);
	ok(got.seen == ((1u << COUNT) - 1 - 4) && got.damages == 1 && got.lost > 0,
	    "where nothing speaks for the bitmap it is lost, and told");
	buf_clear(&b);
}

static void
garbage_between(int version, uint32_t fields, uint8_t fill, size_t len)
{
	struct buf b = BUF_INIT;
	struct result got;
	uint8_t *room;

	buf_reset(&b);
	build_header(&b, version);
	for (uint32_t n = 0; n < COUNT; n++) {
		struct build r = usual;

		r.version = version;
		r.fields = fields;
		r.n = n;
		if (n == 3) {
			room = buf_room(&b, len);
			for (size_t i = 0; i < len; i++)
				room[i] = fill != 1 ? fill : (uint8_t)(i * 7919 >> 3);
		}
		build_record(&b, &r);
	}
	got = walk(b.data, b.len);
	ok(got.seen == (1u << COUNT) - 1 && got.damages == 1 && got.lost == len && !got.wrong,
	    "v%d: %zu bytes of %s between records%s", version, len, fill == 1 ? "noise" : "zeros",
	    (fields & FLOWD_CRC32) != 0 ? "" : " without checksums");
	buf_clear(&b);
}

/* A bitmap that was changed in a store without checksums costs that record, or the one before it. */
static void
bitmaps(int version)
{
	struct buf b = BUF_INIT;
	unsigned bad = 0;
	size_t head = version == FLOWD_V2 ? 16 : 0, size, at = version == FLOWD_V2 ? 0 : 4;

	make(&b, version, FLOWD_ALL4);
	size = (b.len - head) / COUNT;
	for (unsigned bit = 0; bit < 32; bit++) {
		uint8_t *byte = b.data + head + 3 * size + at + bit / 8;
		struct result r;

		*byte ^= (uint8_t)(1u << bit % 8);
		r = walk(b.data, b.len);
		if (r.damages == 0 || r.wrong || (r.seen | 8) != (1u << COUNT) - 1) {
			bad++;
			printf("# bit %u: %u damages, seen %x\n", bit, r.damages, r.seen);
		}
		*byte ^= (uint8_t)(1u << bit % 8);
	}
	is_u64(bad, 0, "v%d: each bit of a bitmap, without checksums", version);
	buf_clear(&b);
}

static void
others(void)
{
	struct buf b = BUF_INIT, twice = BUF_INIT;
	struct result r;

	make(&b, FLOWD_V2, usual.fields);
	buf_bytes(&twice, b.data, b.len);
	buf_bytes(&twice, b.data, b.len);
	r = walk(twice.data, twice.len);
	ok(r.records == 2 * COUNT && r.damages == 0, "v2: stores that were joined");
	make(&b, FLOWD_V3, usual.fields);
	buf_reset(&twice);
	buf_text(&twice, "This is a text, and no store of anything.\n");
	ok(walk(twice.data, twice.len).opened == ERR_UNKNOWN, "a text is no store");
	buf_reset(&twice);
	(void)memset(buf_room(&twice, 5000), 0, 5000);
	ok(walk(twice.data, twice.len).opened == ERR_UNKNOWN, "nor are zeros");
	ok(walk(NULL, 0).opened == ERR_UNKNOWN, "nor nothing");
	buf_clear(&b);
	buf_clear(&twice);
}

/* More than a window, damaged in many places, of which some lie across its end. */
static void
large(int version)
{
	struct buf b = BUF_INIT;
	struct result r;
	size_t head = version == FLOWD_V2 ? 16 : 0, size;
	unsigned count = 8000, damaged = 0;

	build_header(&b, version);
	for (uint32_t n = 0; n < count; n++) {
		struct build one = usual;

		one.version = version;
		one.n = n % COUNT;
		build_record(&b, &one);
	}
	size = (b.len - head) / count;
	for (unsigned n = 5; n < count - 5; n += 37, damaged++)
		b.data[head + n * size + n % size] ^= 0x40;
	r = walk(b.data, b.len);
	is_u64(r.records, count - damaged, "v%d: a long store: all records but the damaged ones", version);
	is_u64(r.damages, damaged, "v%d: each of which is told", version);
	is_u64(r.lost, damaged * size, "v%d: and nothing besides is lost", version);
	buf_clear(&b);
}

int
main(void)
{
	for (int version = FLOWD_V2; version <= FLOWD_V3; version++) {
		values(version);
		each_field_alone(version);
		prefixes(version);
		flips(version);
		bitmaps(version);
		garbage_between(version, usual.fields, 0, 5000);
		garbage_between(version, usual.fields, 1, 301);
		garbage_between(version, FLOWD_ALL4, 0, 4096);
		garbage_between(version, FLOWD_ALL4, 1, 100);
		large(version);
	}
	lengths();
	others();
	return done_testing();
}
