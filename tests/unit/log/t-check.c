/* SPDX-License-Identifier: ISC
 *
 * The validity rules: each byte of a sealed segment changed, each prefix, and damage of many kinds. What is
 * good behind a damaged place is found again, what a payload forges is not believed.
 */
#include "log/check.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/tap.h"
#include "tests/unit/log/maker.h"

#define COUNT 6
#define BODY 45 /* with padding behind it */

/* Which record of the segment a place lies in; COUNT for the seal. */
static unsigned
record_at(const struct buf *b, size_t at)
{
	unsigned i = 0;

	while (i < COUNT && maker_offset(b, i + 1) <= at)
		i++;
	return i;
}

/* Whether the walk over a segment with one byte changed says what it should. */
static bool
is_told(const struct buf *b, size_t at, const struct walk *w, bool hash)
{
	const struct finding *f = &w->first;
	unsigned i;

	if (w->failed || w->findings == 0 || w->result.findings != w->findings)
		return false;
	if (at < SEGMENT_RECORDS_AT)
		return f->offset == at && w->findings == 1 && w->records == COUNT + 1 && !w->result.tail_only;
	i = record_at(b, at);
	if (f->offset != maker_offset(b, i) ||
	    f->length != (i < COUNT ? record_size(BODY) : SEAL_RECORD_SIZE))
		return false;
	if (w->findings != 1 || w->records != COUNT || w->result.hashed != hash)
		return false;
	if (i == COUNT)
		return !w->result.sealed && f->lost_last < f->lost_first && w->result.tail == f->offset;
	return w->result.sealed && f->lost_first == 100 + i && f->lost_last == 100 + i &&
	    !w->result.tail_only && f->has_header == (at >= maker_offset(b, i) + RECORD_HEADER_SIZE) &&
	    (!f->has_header || (f->record.sequence == 100 + i && f->record.port == 2055));
}

static void
test_each_byte(void)
{
	struct buf b = BUF_INIT;
	unsigned told[2] = {0, 0};
	int fd = memfd_create("segment", MFD_CLOEXEC);

	maker_segment(&b, COUNT, BODY, 100, true);
	if (file_pwrite(fd, b.data, b.len, 0, NULL) != ERR_OK)
		abort();
	for (size_t at = 0; at < b.len; at++) {
		for (unsigned bit = 0; bit < 9; bit++) {
			uint8_t changed = (uint8_t)(b.data[at] ^ (bit < 8 ? 1u << bit : 0xff));
			struct walk w;

			if (pwrite(fd, &changed, 1, (off_t)at) != 1)
				abort();
			for (int hash = 0; hash < 2; hash++) {
				walk_fd(fd, false, hash, &w);
				told[hash] += is_told(&b, at, &w, hash);
			}
		}
		if (pwrite(fd, &b.data[at], 1, (off_t)at) != 1)
			abort();
	}
	is_u64(
	    told[0], 9 * b.len, "each bit of a sealed segment toggled is found and costs one record at most");
	is_u64(told[1], 9 * b.len, "the same with the digest");
	close(fd);
	buf_clear(&b);
}

static void
test_each_prefix(void)
{
	struct buf b = BUF_INIT;
	unsigned right = 0, closed = 0, torn = 0, costs = 0;

	maker_segment(&b, COUNT, BODY, 100, true);
	for (size_t len = 0; len < b.len; len++) {
		struct walk w;
		unsigned whole = 0;

		while (whole < COUNT && maker_offset(&b, whole + 1) <= len)
			whole++;
		walk_bytes(b.data, len, true, true, &w);
		right += !w.failed && w.records == whole && w.findings == 0 && !w.result.sealed &&
		    w.result.tail ==
			(len < SEGMENT_RECORDS_AT ? len < SEGMENT_HEADER_SIZE ? 0 : len
						  : maker_offset(&b, whole));
		torn += w.result.torn == (len < SEGMENT_RECORDS_AT || len > maker_offset(&b, whole));
		walk_bytes(b.data, len, false, true, &w);
		closed += !w.failed && w.records == whole && w.findings == 1 && !w.result.sealed;
		costs += (w.first.lost_first <= w.first.lost_last) ==
		    (whole < COUNT && len >= SEGMENT_RECORDS_AT &&
			len >= maker_offset(&b, whole) + RECORD_HEADER_SIZE);
	}
	is_u64(right, b.len, "each prefix of an open segment: the records before the cut, no finding");
	is_u64(torn, b.len, "torn when the cut is within a record");
	is_u64(costs, b.len, "a record costs its sequence when its header is whole; a seal costs none");
	is_u64(closed, b.len, "each prefix under a sealed name: the same records, one finding");
	buf_clear(&b);
}

static void
change(struct buf *b, size_t at)
{
	b->data[at] ^= 0x10;
}

static void
test_middle(void)
{
	struct buf b = BUF_INIT;
	struct walk w;
	size_t first, last;

	maker_segment(&b, 20, 200, 0, true);
	change(&b, maker_offset(&b, 5) + 100);
	walk_bytes(b.data, b.len, false, true, &w);
	ok(w.records == 20 && w.findings == 1 && w.first.has_header && w.first.record.len == 200,
	    "a damaged body");
	is_text(w.first.what, "record body", "is called so");
	ok(strncmp(w.first.expected, "crc 0x", 6) == 0 && strncmp(w.first.found, "crc 0x", 6) == 0 &&
		strcmp(w.first.expected, w.first.found) != 0,
	    "with both CRCs");
	ok(w.result.sealed && w.result.hashed, "and the seal stands");
	change(&b, maker_offset(&b, 5) + 100);

	first = maker_offset(&b, 0);
	change(&b, first + 8);
	walk_bytes(b.data, b.len, false, false, &w);
	ok(w.records == 20 && w.findings == 1 && w.first.offset == first && w.first.lost_first == 0 &&
		w.first.lost_last == 0,
	    "the first header, of sequence 0");
	change(&b, first + 8);

	first = maker_offset(&b, 3) + 20;
	last = maker_offset(&b, 9) + 70;
	memset(b.data + first, 0xfb, last - first);
	walk_bytes(b.data, b.len, false, false, &w);
	ok(w.records == 14 && w.findings == 1, "a damaged stretch costs what it lies on");
	ok(w.first.offset == maker_offset(&b, 3) && w.first.length == 7 * record_size(200) &&
		w.first.lost_first == 3 && w.first.lost_last == 9,
	    "and says which");
	buf_clear(&b);

	maker_segment(&b, 20, 200, 0, true);
	memset(b.data + maker_offset(&b, 2), 0, 4096 - maker_offset(&b, 2));
	walk_bytes(b.data, b.len, true, true, &w);
	ok(w.findings == 1 && w.result.sealed && w.first.lost_first == 2 && w.first.length > 2000 &&
		w.records == 21 - (w.first.lost_last - w.first.lost_first + 1),
	    "zero pages before good records, under an open name");
	ok(!w.result.tail_only && !w.result.torn, "are no torn tail");
	buf_clear(&b);
}

/* Damaged, missing, or foreign ends. */
static void
test_ends(void)
{
	static const uint8_t zeros[10000];
	struct buf b = BUF_INIT, other = BUF_INIT;
	struct walk w;
	size_t tail;

	maker_segment(&b, 10, 100, 50, false);
	tail = b.len;
	walk_bytes(b.data, b.len, true, true, &w);
	ok(w.findings == 0 && w.records == 10 && !w.result.torn && w.result.next_sequence == 60,
	    "an open segment");
	walk_bytes(b.data, b.len, false, true, &w);
	ok(w.findings == 1 && strcmp(w.first.what, "no seal") == 0 && w.first.offset == tail,
	    "under a sealed name it lacks its seal");
	buf_bytes(&b, zeros, sizeof(zeros));
	walk_bytes(b.data, b.len, true, true, &w);
	ok(w.findings == 0 && w.result.torn && w.result.tail == tail && w.result.tail_only,
	    "zeros at an open end: torn");
	walk_bytes(b.data, b.len, false, true, &w);
	ok(w.findings == 1 && w.first.offset == tail && w.first.length == sizeof(zeros),
	    "at a sealed end: damage");
	b.data[b.len - 1] = 1;
	walk_bytes(b.data, b.len, true, true, &w);
	ok(w.findings == 1 && w.result.tail_only && w.result.tail == tail,
	    "garbage at an open end: a finding, to be cut");
	buf_clear(&b);

	maker_segment(&b, 10, 100, 50, false);
	memset(b.data + b.len - 20, 0, 20);
	walk_bytes(b.data, b.len, true, true, &w);
	ok(w.findings == 1 && w.result.tail_only && w.first.has_header &&
		w.result.tail == tail - record_size(100),
	    "a last body that did not get to the disk");
	buf_clear(&b);

	maker_segment(&b, 10, 100, 50, true);
	buf_bytes(&b, "x", 1);
	for (int open_name = 0; open_name < 2; open_name++) {
		walk_bytes(b.data, b.len, open_name, true, &w);
		ok(w.findings == 1 && w.result.sealed && w.records == 11 && w.first.offset == b.len - 1 &&
			w.first.length == 1 && strcmp(w.first.what, "bytes behind the seal") == 0,
		    "bytes behind the seal, %s name", open_name ? "open" : "sealed");
	}
	buf_clear(&b);

	maker_segment(&b, 10, 100, 50, false);
	maker_segment(&other, 3, 100, 500, true);
	buf_bytes(&b, other.data + SEGMENT_RECORDS_AT, other.len - SEGMENT_RECORDS_AT);
	walk_bytes(b.data, b.len, false, true, &w);
	ok(w.findings == 1 && w.records == 10 && w.first.offset == tail,
	    "records of another place are not believed");
	ok(strcmp(w.first.expected, "sequence 60") == 0 && strcmp(w.first.found, "sequence 500") == 0,
	    "both sequences are told");
	buf_clear(&b);
	buf_clear(&other);
}

static void
test_header(void)
{
	static const uint8_t zeros[5000];
	struct buf b = BUF_INIT;
	struct walk w;

	maker_segment(&b, 10, 100, 50, true);
	change(&b, 30);
	change(&b, SEGMENT_HEADER_SIZE + 40);
	walk_bytes(b.data, b.len, false, true, &w);
	ok(w.findings == 1 && w.records == 0 && !w.has_header && w.first.offset == 0 &&
		w.first.length == b.len && w.first.lost_last < w.first.lost_first,
	    "both copies of the header damaged: one finding, no records");
	change(&b, SEGMENT_HEADER_SIZE + 40);
	walk_bytes(b.data, b.len, true, true, &w);
	ok(w.findings == 1 && w.records == 11 && w.has_header && !w.result.tail_only,
	    "one copy: all records");
	buf_clear(&b);
	walk_bytes(zeros, sizeof(zeros), true, true, &w);
	ok(w.findings == 0 && w.result.torn && w.result.tail == 0,
	    "nothing but zeros, open: nothing was written yet");
	walk_bytes(zeros, sizeof(zeros), false, true, &w);
	is_u64(w.findings, 1, "nothing but zeros, sealed: damage");
	walk_bytes(zeros, 0, true, true, &w);
	ok(w.findings == 0 && w.result.torn, "an empty open file");
	walk_bytes(zeros, 0, false, true, &w);
	is_u64(w.findings, 1, "an empty sealed file");
}

/* A datagram may carry what looks like records; nobody looks into a sound body, and behind a damaged header
 * they must fit in sequence and incarnation. */
static void
forge(struct maker *m, uint64_t incarnation, uint64_t sequence)
{
	uint8_t body[400] = {0};
	struct record inner = {.type = RECORD_DATAGRAM, .sequence = sequence, .len = 16};
	struct record outer = {.type = RECORD_DATAGRAM, .body = body, .len = sizeof(body)};
	uint32_t seed = record_seed(incarnation);

	inner.body_crc = record_body_crc(seed, body + 64 + RECORD_HEADER_SIZE, inner.len);
	record_header_write(&inner, seed, body + 64);
	if (appender_record(&m->appender, &outer, (wall_t){0}, NULL) != ERR_OK)
		abort();
}

static void
test_forged(void)
{
	static const struct {
		uint64_t incarnation, sequence;
		const char *why;
	} cases[] = {
	    {MAKER_INCARNATION + 1, 103, "of another incarnation"},
	    {MAKER_INCARNATION, 0, "of a sequence that has passed"},
	    {MAKER_INCARNATION, 102, "of the last good record's sequence"},
	    {MAKER_INCARNATION, 106, "further ahead than what was skipped can hold"},
	    {MAKER_INCARNATION, 1000000, "far ahead"},
	    {MAKER_INCARNATION, UINT64_MAX, "at the end of all sequences"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct maker m;
		struct walk w;

		maker_init(&m, 100);
		for (int k = 0; k < 3; k++) {
			if (maker_datagram(&m, 100) != ERR_OK)
				abort();
		}
		forge(&m, cases[i].incarnation, cases[i].sequence);
		for (int k = 0; k < 3; k++) {
			if (maker_datagram(&m, 100) != ERR_OK)
				abort();
		}
		appender_end(&m.appender, (wall_t){0});
		walk_bytes(m.out.data, m.out.len, false, true, &w);
		ok(w.findings == 0 && w.records == 8, "a forged record in a sound body: %s", cases[i].why);
		change(&m.out, maker_offset(&m.out, 3) + 1);
		walk_bytes(m.out.data, m.out.len, false, true, &w);
		ok(w.findings == 1 && w.records == 7 && w.sequences[2] == 102 && w.sequences[3] == 104 &&
			w.first.lost_first == 103 && w.first.lost_last == 103,
		    "behind a damaged header it is not believed: %s", cases[i].why);
		maker_clear(&m);
	}
}

/* A seal that is sound in itself and wrong about the segment. */
static void
test_seal_fields(void)
{
	static const char *const fields[] = {"record count", "first sequence", "last sequence", "length",
	    "digest", "previous number", "previous digest"};
	uint32_t seed = record_seed(MAKER_INCARNATION);

	for (int field = 0; field < 7; field++) {
		struct maker m;
		struct walk w;
		struct seal s;

		maker_init(&m, 100);
		if (maker_datagram(&m, 100) != ERR_OK)
			abort();
		appender_end(&m.appender, (wall_t){0});
		s = m.seal;
		s.count += field == 0;
		s.first += field == 1;
		s.last += field == 2;
		s.length += field == 3;
		s.digest.b[0] ^= field == 4;
		if (field == 5)
			s.previous_number = 7; /* its own */
		s.previous.b[31] ^= field == 6;
		seal_record_write(&s, 101, (wall_t){0}, seed, m.out.data + m.out.len - SEAL_RECORD_SIZE);
		walk_bytes(m.out.data, m.out.len, false, true, &w);
		ok(w.findings == 1 && strcmp(w.first.what, "seal") == 0 && w.first.expected[0] != '\0' &&
			strcmp(w.first.expected, w.first.found) != 0 && !w.result.tail_only,
		    "a seal with a wrong %s", fields[field]);
		walk_bytes(m.out.data, m.out.len, false, false, &w);
		is_u64(w.findings, field == 4 ? 0 : 1, "without hashing");
		maker_clear(&m);
	}
}

/* Large bodies and damage that spans more than the window. */
static void
test_large(void)
{
	struct buf b = BUF_INIT;
	struct walk w;
	struct sha256 digest;
	size_t from, to;

	maker_segment(&b, 6, RECORD_BODY_MAX - 5, 0, true);
	walk_bytes(b.data, b.len, false, true, &w);
	ok(w.findings == 0 && w.records == 7, "large bodies");
	digest = w.result.digest;
	from = maker_offset(&b, 1) + 3;
	to = maker_offset(&b, 4) - 100;
	memset(b.data + from, 0, to - from);
	walk_bytes(b.data, b.len, false, true, &w);
	ok(w.findings == 1 && w.records == 4 && w.first.lost_first == 1 && w.first.lost_last == 3,
	    "a hole larger than the window");
	ok(w.result.hashed && memcmp(w.result.digest.b, digest.b, sizeof(digest.b)) != 0,
	    "is part of the digest");
	buf_clear(&b);
	maker_segment(&b, 3, RECORD_BODY_MAX - 5, 0, false);
	walk_bytes(b.data, b.len, true, true, &w);
	digest = w.result.digest;
	for (size_t i = 0; i < 3u << 20; i += 4)
		buf_u32(&b, 0xfb5efb5e);
	walk_bytes(b.data, b.len, true, true, &w);
	ok(w.result.tail_only && memcmp(w.result.digest.b, digest.b, sizeof(digest.b)) == 0,
	    "the digest ends at the tail, whatever was looked at behind it");
	buf_clear(&b);
}

static void
test_ways(void)
{
	struct buf b = BUF_INIT;
	struct segment_header head;
	struct seal seal;
	struct check *c;
	struct walk w;
	int fd = memfd_create("segment", MFD_CLOEXEC), pipes[2];

	maker_segment(&b, 3, 10, 100, true);
	ok(check_read_seal(fd, &seal) == ERR_CUT && check_read_header(fd, &head) == ERR_CUT,
	    "ends: of an empty file");
	if (file_pwrite(fd, b.data, b.len, 0, NULL) != ERR_OK)
		abort();
	ok(check_read_header(fd, &head) == ERR_OK && head.number == 7, "ends: header");
	ok(check_read_seal(fd, &seal) == ERR_OK && seal.count == 3 && seal.last == 102, "ends: seal");
	if (pwrite(fd, "x", 1, 20) != 1)
		abort();
	ok(check_read_header(fd, &head) == ERR_OK && check_read_seal(fd, &seal) == ERR_OK,
	    "ends: by the second copy");
	if (ftruncate(fd, (off_t)b.len - 8) != 0)
		abort();
	ok(check_read_seal(fd, &seal) == ERR_CUT, "ends: no seal");
	if (check_open(fd, true, true, &c) != ERR_OK || ftruncate(fd, 1500) != 0)
		abort();
	check_close(c);
	walk_fd(fd, true, true, &w);
	ok(!w.failed, "a file cut while it is open");
	if (pipe(pipes) != 0)
		abort();
	ok(check_open(pipes[0], true, true, &c) == ERR_SYSTEM, "no file");
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	check_close(NULL);
	buf_clear(&b);
}

/* A walk while the file grows by so many bytes at a time, until its end is said to be one; records that come too early are
 * counted in *ret_early. */
static void
walk_growing(const struct buf *b, size_t step, bool open_name, struct walk *ret, unsigned *ret_early)
{
	int fd = memfd_create("segment", MFD_CLOEXEC);
	struct check *c;
	struct record r;
	struct finding f;
	size_t len = 0;

	memset(ret, 0, sizeof(*ret));
	*ret_early = 0;
	if (fd < 0 || check_open(fd, open_name, false, &c) != ERR_OK)
		abort();
	check_grows(c);
	for (bool ended = false;;) {
		enum check_step s = check_next(c, &r, &f);

		if (s == CHECK_RECORD) {
			ret->sequences[ret->records++ % 64] = r.sequence;
			*ret_early += check_offset(c) + record_size(r.len) > len;
		} else if (s == CHECK_FINDING) {
			ret->findings++;
			ret->last = f;
		} else if (s == CHECK_ERROR || ended) {
			ret->failed = s == CHECK_ERROR;
			break;
		} else if (len == b->len) {
			check_ends(c);
			ended = true;
		} else {
			size_t n = step < b->len - len ? step : b->len - len;

			/* what is there of a record may be taken back and written again */
			if (len % 8 < 5 && file_pwrite(fd, "xyz", 3, len, NULL) != ERR_OK)
				abort();
			ret->findings += check_next(c, &r, &f) == CHECK_FINDING;
			if (ftruncate(fd, (off_t)len) != 0 ||
			    file_pwrite(fd, b->data + len, n, len, NULL) != ERR_OK)
				abort();
			len += n;
		}
	}
	check_result(c, &ret->result);
	check_close(c);
	close(fd);
}

static void
test_growing(void)
{
	static const size_t steps[] = {1, 7, 64, 200, 5000};
	struct buf b = BUF_INIT;
	struct walk w, whole;
	unsigned early, good = 0, told = 0, same = 0, cases = 0;

	maker_segment(&b, COUNT, BODY, 100, true);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		walk_growing(&b, steps[i], false, &w, &early);
		good += w.records == COUNT + 1 && w.findings == 0 && early == 0 && w.result.sealed;
	}
	is_u64(good, sizeof(steps) / sizeof(steps[0]), "growing: each record when it is there, no finding");
	for (size_t at = SEGMENT_RECORDS_AT; at < b.len; at += 11) {
		b.data[at] ^= 0x10;
		walk_bytes(b.data, b.len, false, false, &whole);
		for (size_t i = 1; i < sizeof(steps) / sizeof(steps[0]); i++, cases++) {
			walk_growing(&b, steps[i], false, &w, &early);
			told += w.records == whole.records && w.findings == whole.findings && early == 0;
			same += memcmp(w.sequences, whole.sequences, sizeof(w.sequences)) == 0;
		}
		b.data[at] ^= 0x10;
	}
	is_u64(told, cases, "growing: damage is told as in a whole file");
	is_u64(same, cases, "growing: and costs the same records");
	b.len = maker_offset(&b, 3) + 20;
	walk_growing(&b, 64, true, &w, &early);
	ok(w.records == 3 && w.findings == 0 && w.result.torn, "growing: a torn end of an open segment");
	walk_growing(&b, 64, false, &w, &early);
	ok(w.records == 3 && w.findings == 1, "growing: and of one that should be sealed");
	buf_clear(&b);
}

int
main(void)
{
	test_growing();
	test_each_byte();
	test_each_prefix();
	test_middle();
	test_ends();
	test_header();
	test_forged();
	test_seal_fields();
	test_large();
	test_ways();
	return done_testing();
}
