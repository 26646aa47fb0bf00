/* SPDX-License-Identifier: ISC
 *
 * Archives: the same bytes whatever the order, grouping and repetition of what is merged, at the edges of windows
 * and of records.
 */
#include "archive/write.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/chunks.h"
#include "base/compress.h"
#include "log/check.h"
#include "tests/message.h"
#include "tests/tap.h"
#include "tests/unit/archive/world.h"

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define WINDOW (300 * NS_PER_SEC)

static bool
exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* A log of v5 datagrams, one a time. */
static void
log_at(const char *path, const char *node, const int64_t *times, size_t count)
{
	struct log_folder f;

	log_folder_open(&f, path, "lab", node, (uint64_t)node[0]);
	for (size_t i = 0; i < count; i++) {
		const struct buf *b = world_v5((uint32_t)i, 1);
		struct record r = world_record(RECORD_DATAGRAM, times[i], b->data, b->len);

		log_folder_add(&f, &r);
	}
	log_folder_close(&f, true);
}

static void
edges(void)
{
	const int64_t times[] = {WORLD_T0 - 1, WORLD_T0, WORLD_T0 + WINDOW - 1, WORLD_T0 + WINDOW};
	const int64_t old[] = {-1, 0, -WINDOW, -WINDOW - 1};
	uint64_t want;

	log_at("edge", "e", times, 4);
	world_archive("edges", WINDOW, PATHS("edge"));
	ok(exists("edges/20231114T221000Z.fbw") && exists("edges/20231114T221500Z.fbw") &&
		exists("edges/20231114T222000Z.fbw") && !exists("edges/20231114T222500Z.fbw"),
	    "a window holds its first instant, and not the next one's");
	log_at("past", "p", old, 4);
	want = world_archive("past1", WINDOW, PATHS("past"));
	is_u64(world_archive("past2", WINDOW, PATHS("past1")), want, "times before 1970 come back");
	ok(exists("past1/19691231T235000Z.fbw") && exists("past1/19691231T235500Z.fbw") &&
		exists("past1/19700101T000000Z.fbw"),
	    "in windows that are cut downwards");
}

/* Three logs of what a fourth of all missed; a is late by a day. */
static void
laws(void)
{
	static const char *const names[] = {"a", "b", "c"};
	uint64_t want;

	for (unsigned n = 0; n < 3; n++) {
		struct log_folder f;

		log_folder_open(&f, names[n], "lab", names[n], n + 1);
		for (uint32_t i = 0; i < 400; i++) {
			uint32_t k = n == 1 ? 399 - i : i; /* b hears them backwards */
			const struct buf *b = world_v5(k, (uint16_t)(k % 30));
			struct record r = world_record(RECORD_DATAGRAM,
			    WORLD_T0 + k * NS_PER_SEC * 2 + (n == 0 ? 86400 * NS_PER_SEC : 0), b->data,
			    b->len);

			if (k * 7 % 4 != n)
				log_folder_add(&f, &r);
		}
		log_folder_close(&f, true);
	}
	want = world_archive("abc", WINDOW, PATHS("a", "b", "c"));
	is_u64(
	    world_archive("cba", WINDOW, PATHS("c", "b", "a")), want, "the other way round: the same bytes");
	is_u64(
	    world_archive("bacb", WINDOW, PATHS("b", "a", "c", "b")), want, "one log twice: the same bytes");
	world_archive("ab", WINDOW, PATHS("a", "b"));
	world_archive("bc", WINDOW, PATHS("b", "c"));
	is_u64(world_archive("ab_c", WINDOW, PATHS("ab", "c")), want, "((a,b),c): the same bytes");
	is_u64(world_archive("a_bc", WINDOW, PATHS("a", "bc")), want, "(a,(b,c)): the same bytes");
	is_u64(
	    world_archive("ab_bc", WINDOW, PATHS("bc", "ab")), want, "archives that overlap: the same bytes");
	is_u64(world_archive("abc2", WINDOW, PATHS("abc")), want, "merged again: the same bytes");
}

/* One datagram that is heard more often than a record has room for. */
static void
witnesses(void)
{
	const struct buf *b = world_v5(1, 1);
	struct log_folder f;
	struct pool p;
	uint64_t want;

	log_folder_open(&f, "often", "lab", "o", 1);
	for (int i = 0; i < 40000; i++) {
		struct record r = world_record(RECORD_DATAGRAM, WORLD_T0 + i, b->data, b->len);

		log_folder_add(&f, &r);
	}
	log_folder_close(&f, true);
	want = world_archive("often1", WINDOW, PATHS("often"));
	ok(world_pool(&p, PATHS("often1")) == ERR_OK && p.datagram_count == 1 && p.witness_count == 40000 &&
		p.findings == 0,
	    "40,000 witnesses of one datagram come back");
	pool_clear(&p);
	is_u64(world_archive("often2", WINDOW, PATHS("often1", "often")), want, "and make the same bytes");
}

/* A source that was up and heard nothing has no times. */
static void
silent(void)
{
	struct buf b = BUF_INIT;
	struct log_folder f;
	struct record r;
	uint64_t want;
	const uint16_t fields[] = {8, 4};
	struct stream_key key = {.exporter = addr_v4(1), .port = 1, .proto = PROTO_V9};
	struct tmpl_def def = {.stream = key, .id = 256, .kind = TMPL_DATA};

	message_template(&b, 256, fields, 1);
	def.bytes = b.data;
	def.len = (uint16_t)b.len;
	b.len = 0;
	b.data = NULL;
	b.room = 0;
	tmpl_def_write(&b, &def);
	log_folder_open(&f, "silent", "lab", "s", 1);
	r = world_record(RECORD_TEMPLATES, WORLD_T0, b.data, b.len);
	log_folder_add(&f, &r);
	log_folder_close(&f, true);
	want = world_archive("silent1", WINDOW, PATHS("silent"));
	is_u64(world_archive("silent2", WINDOW, PATHS("silent1")), want,
	    "a log of a snapshot alone: merged again the same bytes");
	buf_clear(&b);
	free((void *)(uintptr_t)def.bytes);
}

/* What is compressed holds the same, in bytes that repeat. */
static void
packed(void)
{
	uint64_t want;
	struct pool p, q;
	unsigned same = 0;

	if (compress_version() == NULL) {
		skip("this build has no zstd");
		return;
	}
	want = world_packed("packed", WINDOW, 3, PATHS("a", "b", "c"));
	ok(want != world_archive("plain", WINDOW, PATHS("packed")), "compressed: other bytes");
	is_u64(world_packed("packed1", WINDOW, 3, PATHS("packed")), want, "merged again: the same bytes");
	is_u64(world_packed("packed2", WINDOW, 3, PATHS("plain", "b")), want, "from one that is not, too");
	is_u64(world_archive("plain2", WINDOW, PATHS("b", "packed")),
	    world_archive("plain3", WINDOW, PATHS("c", "b", "a")), "and the other way round");
	if (world_pool(&p, PATHS("packed")) != ERR_OK || world_pool(&q, PATHS("plain")) != ERR_OK)
		give_up("packed");
	ok(p.chunks->reads == 0, "an archive is read without its payloads");
	for (size_t i = 0; i < p.datagram_count && i < q.datagram_count; i++) {
		const uint8_t *one, *other;

		same += pool_payload(&p, &p.datagrams[i], &one) == ERR_OK &&
		    pool_payload(&q, &q.datagrams[i], &other) == ERR_OK &&
		    p.datagrams[i].len == q.datagrams[i].len && memcmp(one, other, p.datagrams[i].len) == 0;
	}
	is_u64(same, q.datagram_count, "each payload is there");
	pool_clear(&p);
	pool_clear(&q);
}

/* Payloads of several pairs: what one of them loses is lost alone. */
static void
pairs(int level, const char *from, const char *out)
{
	struct buf b = BUF_INIT;
	struct check *c;
	struct record r;
	struct finding f;
	uint64_t at[8], total;
	unsigned found = 0;
	char path[64];
	struct pool p;
	int fd;

	world_packed(out, WINDOW, level, PATHS(from));
	(void)snprintf(path, sizeof(path), "%s/20231114T221500Z.fbw", out);
	world_slurp(path, &b);
	if (world_pool(&p, PATHS(out)) != ERR_OK)
		give_up(out);
	total = p.datagram_count;
	pool_clear(&p);
	fd = open(path, O_RDONLY);
	if (fd < 0 || check_open(fd, false, false, &c) != ERR_OK)
		give_up(path);
	while (check_next(c, &r, &f) == CHECK_RECORD) {
		if ((r.type == RECORD_ENTRIES || r.type == RECORD_PAYLOADS) && found < 8)
			at[found++] = check_offset(c);
	}
	check_close(c);
	close(fd);
	ok(found >= 6, "level %d: three pairs at least", level);
	for (unsigned i = 0; i < found; i++) {
		for (unsigned k = 0; k < 2; k++) { /* its header, its body */
			uint64_t place = at[i] + (k == 0 ? 9 : RECORD_HEADER_SIZE + 40);

			b.data[place] ^= 1;
			world_save(path, b.data, b.len);
			b.data[place] ^= 1;
			if (world_pool(&p, PATHS(out)) != ERR_OK)
				give_up(path);
			ok(p.findings == 1 && p.datagram_count < total && p.datagram_count > total / 2,
			    "record %u, damaged in its %s: one finding, its pair is lost, %zu of %zu remain",
			    i, k == 0 ? "header" : "body", p.datagram_count, (size_t)total);
			pool_clear(&p);
		}
	}
	buf_clear(&b);
}

static void
long_log(const char *path)
{
	struct log_folder f;

	log_folder_open(&f, path, "lab", "l", 1);
	for (uint32_t i = 0; i < 800; i++) {
		const struct buf *b = world_v5(i, 30);
		struct record r = world_record(RECORD_DATAGRAM, WORLD_T0 + i, b->data, b->len);

		log_folder_add(&f, &r);
	}
	log_folder_close(&f, true);
}

/* Each byte of a window changed in turn: never a crash, never a datagram that was not there. */
static void
damage(void)
{
	static const char path[] = "hurt/20231114T221500Z.fbw";
	const int64_t times[] = {WORLD_T0, WORLD_T0 + 1, WORLD_T0 + 2};
	struct buf b = BUF_INIT;
	unsigned silent = 0, more = 0;

	log_at("heal", "h", times, 3);
	world_archive("hurt", WINDOW, PATHS("heal"));
	world_slurp(path, &b);
	for (size_t i = 0; i < b.len; i++) {
		struct pool p;

		b.data[i] ^= 0x10;
		world_save(path, b.data, b.len);
		b.data[i] ^= 0x10;
		if (world_pool(&p, PATHS("hurt")) == ERR_OK) {
			silent += p.findings == 0;
			more += p.datagram_count > 3;
		}
		pool_clear(&p);
	}
	is_u64(more, 0, "a damaged window never gives what was not there (%zu bytes)", b.len);
	is_u64(silent, 0, "and each change is a finding");
	buf_clear(&b);
}

int
main(void)
{
	world_open();
	edges();
	laws();
	witnesses();
	silent();
	packed();
	long_log("long");
	pairs(0, "long", "long0");
	if (compress_version() != NULL)
		pairs(3, "long", "long3");
	damage();
	world_close();
	return done_testing();
}
