/* SPDX-License-Identifier: ISC
 *
 * Speed of the log layer, beside what bounds it in the same run: appending against copying the same bytes,
 * checking against reading the file and against SHA-256 over memory.
 *
 *	bench-log [FOLDER]	writes a segment of 512 MiB there (default: /tmp), and removes it
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "log/append.h"
#include "log/check.h"

#define BLOCKS 4
#define FILE_SIZE ((uint64_t)512 << 20)
#define ROUNDS 3

struct sink {
	struct block *free[BLOCKS];
	unsigned count;
	int fd; /* -1: throw away */
	struct sha256_ctx *digests;
};

static double
cpu_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

static struct block *
take(void *ctx)
{
	struct sink *s = ctx;

	return s->count > 0 ? s->free[--s->count] : NULL;
}

static void
write_all(int fd, const void *bytes, size_t len)
{
	if (write(fd, bytes, len) != (ssize_t)len)
		die("write");
}

static void
give(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	struct sink *s = ctx;
	uint8_t record[SEAL_RECORD_SIZE];
	struct sha256 d;

	if (!complete)
		return;
	if (s->fd >= 0 && upto > 0) {
		write_all(s->fd, b->data, upto);
		d = sha256_of(b->data, upto);
		sha256_add(s->digests, d.b, sizeof(d.b));
		if (b->last) {
			b->seal.length = b->offset + b->len;
			b->seal.digest = sha256_end(s->digests);
			seal_record_write(&b->seal, b->seal_sequence, b->seal_time,
			    record_seed(b->head.incarnation), record);
			write_all(s->fd, record, sizeof(record));
		}
	}
	s->free[s->count++] = b;
}

/* CPU seconds for `count` records of len bytes. The payloads come from a ring like that of recvmmsg. */
static double
append(struct sink *s, size_t len, uint64_t count)
{
	static uint8_t ring[64][2048];
	struct segment_header head = {
	    .kind = SEGMENT_NODE, .incarnation = 0x1122334455667788, .cluster = "bench"};
	struct appender a;
	double begun = cpu_now();

	sha256_start(s->digests);
	appender_init(&a, &head, (struct block_sink){s, take, give});
	for (uint64_t i = 0; i < count; i++) {
		struct record r = {
		    .type = RECORD_DATAGRAM, .port = 2055, .body = ring[i % 64], .len = (uint32_t)len};

		ring[i % 64][0] = (uint8_t)i;
		if (appender_record(&a, &r, (wall_t){0}, NULL) != ERR_OK)
			abort();
	}
	appender_end(&a, (wall_t){0});
	return cpu_now() - begun;
}

/* The floor: the same bytes copied to the same places. */
static double
copy(struct sink *s, size_t len, uint64_t count)
{
	static uint8_t ring[64][2048];
	size_t at = SEGMENT_CHUNK;
	struct block *b = NULL;
	double begun = cpu_now();

	for (uint64_t i = 0; i < count; i++) {
		if (at + RECORD_HEADER_SIZE + len > SEGMENT_CHUNK) {
			if (b != NULL)
				s->free[s->count++] = b;
			b = take(s);
			at = 0;
		}
		ring[i % 64][0] = (uint8_t)i;
		memcpy(b->data + at, ring[i % 64], RECORD_HEADER_SIZE);
		memcpy(b->data + at + RECORD_HEADER_SIZE, ring[i % 64], len);
		at += RECORD_HEADER_SIZE + len;
	}
	s->free[s->count++] = b;
	return cpu_now() - begun;
}

static void
bench_append(struct sink *s, size_t len)
{
	const uint64_t count = 2000000;
	double best = 1e9, floor = 1e9, t;

	for (int i = 0; i < ROUNDS; i++) {
		t = append(s, len, count);
		best = t < best ? t : best;
		t = copy(s, len, count);
		floor = t < floor ? t : floor;
	}
	printf("append %4zu bytes: %6.1f ns a record, copy alone %6.1f ns: %.2f x\n", len,
	    best / (double)count * 1e9, floor / (double)count * 1e9, best / floor);
}

static double
check(int fd, bool hash)
{
	double begun = cpu_now();
	struct record r;
	struct finding f;
	struct check *c;
	enum check_step step;

	if (check_open(fd, false, hash, &c) != ERR_OK)
		die("check");
	while ((step = check_next(c, &r, &f)) == CHECK_RECORD)
		;
	if (step != CHECK_END)
		die("finding");
	check_close(c);
	return cpu_now() - begun;
}

static double
read_alone(int fd)
{
	static uint8_t piece[256 << 10];
	double begun = cpu_now();
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, piece, sizeof(piece), at)) > 0)
		at += n;
	return cpu_now() - begun;
}

static double
hash_alone(size_t len)
{
	static uint8_t piece[SEGMENT_CHUNK];
	double begun = cpu_now();

	for (size_t done = 0; done < len; done += sizeof(piece))
		piece[0] ^= sha256_of(piece, sizeof(piece)).b[0];
	return cpu_now() - begun;
}

static void
bench_check(struct sink *s, const char *folder, size_t len)
{
	double quick = 1e9, whole = 1e9, reading = 1e9, hashing = 1e9, size, t;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/bench-log.XXXXXX", folder);
	s->fd = mkstemp(path);
	if (s->fd < 0)
		die(path);
	(void)unlink(path);
	(void)append(s, len, FILE_SIZE / record_size(len));
	size = (double)lseek(s->fd, 0, SEEK_END);
	for (int i = 0; i < ROUNDS; i++) {
		t = check(s->fd, false);
		quick = t < quick ? t : quick;
		t = check(s->fd, true);
		whole = t < whole ? t : whole;
		t = read_alone(s->fd);
		reading = t < reading ? t : reading;
		t = hash_alone((size_t)size);
		hashing = t < hashing ? t : hashing;
	}
	printf("check  %4zu bytes: CRCs %5.2f GB/s, read alone %5.2f: %.2f x its time\n", len,
	    size / quick / 1e9, size / reading / 1e9, quick / reading);
	printf("                   whole %4.2f GB/s, SHA-256 alone %4.2f: %.2f of it\n", size / whole / 1e9,
	    size / hashing / 1e9, hashing / whole);
	(void)close(s->fd);
	s->fd = -1;
}

int
main(int argc, char **argv)
{
	struct sink s = {.fd = -1};

	s.digests = sha256_new();
	for (; s.count < BLOCKS; s.count++) {
		s.free[s.count] = block_new();
		if (s.free[s.count] == NULL)
			die("memory");
	}
	bench_append(&s, 72);
	bench_append(&s, 500);
	bench_append(&s, 1464);
	bench_check(&s, argc > 1 ? argv[1] : "/tmp", 72);
	bench_check(&s, argc > 1 ? argv[1] : "/tmp", 1464);
	while (s.count > 0)
		block_free(s.free[--s.count]);
	sha256_free(s.digests);
	return 0;
}
