/* SPDX-License-Identifier: ISC
 *
 * What is put in comes out, in order, or is counted; whatever the other side writes into its words, nothing else happens.
 */
#include "node/ring.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/tap.h"

#define SIZE RING_LEAST

static uint8_t bytes[RING_BODY_MOST + 1];

static struct record
record_of(uint64_t number, size_t len)
{
	return (struct record){.type = RECORD_DATAGRAM,
	    .flags = 2,
	    .listener = 3,
	    .port = (uint16_t)number,
	    .sequence = number,
	    .time = {(int64_t)number * 1000},
	    .addr = addr_v4((uint32_t)number),
	    .body = bytes + number % 251,
	    .len = (uint32_t)len};
}

static bool
is_record(const struct record *r, uint64_t number, size_t len)
{
	const struct record want = record_of(number, len);

	return r->type == want.type && r->flags == want.flags && r->listener == want.listener &&
	    r->port == want.port && r->sequence == want.sequence && r->time.ns == want.time.ns &&
	    addr_cmp(&r->addr, &want.addr) == 0 && r->len == want.len &&
	    (len == 0 || memcmp(r->body, want.body, len) == 0);
}

static struct ring *
new_ring(size_t size)
{
	struct ring *r;

	if (ring_new(size, &r) != ERR_OK)
		abort();
	return r;
}

/* All lengths, so that ends of the ring fall everywhere; both ways in one process. */
static void
test_order(void)
{
	struct ring *r = new_ring(SIZE);
	uint64_t in = 0, out = 0, lost, all_lost = 0;
	bool good = true;
	struct record got;

	is_u64(ring_take(r, &got, &lost), ERR_END, "nothing yet");
	for (unsigned round = 0; round < 20000; round++) {
		struct record put = record_of(in, in * 13 % 700);

		if (round % 7 != 0 && ring_put(r, &put)) {
			in++;
			continue;
		}
		if (ring_take(r, &got, &lost) != ERR_OK)
			continue;
		good &= is_record(&got, out, out * 13 % 700);
		all_lost += lost;
		out++;
	}
	while (ring_take(r, &got, &lost) == ERR_OK) {
		good &= is_record(&got, out, out * 13 % 700);
		all_lost += lost;
		out++;
	}
	ok(good && in > 1000, "records come out as they were put in, and in order");
	is_u64(out, in, "all of them");
	is_u64(ring_counts(r).put, in, "counted");
	ok(ring_counts(r).lost >= all_lost && all_lost > 1000,
	    "what found no room is told with the record behind it");
	ring_free(r);
}

static void
test_full(void)
{
	struct ring *r = new_ring(SIZE);
	struct record big = record_of(1, SIZE - 64), small = record_of(2, 100), got,
		      templates = {.type = RECORD_TEMPLATES, .body = bytes, .len = SIZE};
	uint64_t lost, at = 0;

	ok(!ring_put(r, &(struct record){.type = RECORD_DATAGRAM, .body = bytes, .len = RING_BODY_MOST + 1}),
	    "longer than a body may be");
	ok(ring_put(r, &big), "one that fills it");
	ok(!ring_put(r, &small) && !ring_put(r, &small) && !ring_put(r, &templates), "then there is no room");
	is_u64(ring_counts(r).lost, 3, "datagrams that are lost are counted, and they alone");
	ok(ring_look(r, &at, &got) == ERR_OK && is_record(&got, 1, SIZE - 64), "a look ahead");
	is_u64(ring_look(r, &at, &got), ERR_END, "to the end");
	ok(ring_take(r, &got, &lost) == ERR_OK && lost == 1, "how many were lost before the record");
	ok(ring_put(r, &small) && ring_take(r, &got, &lost) == ERR_OK && lost == 2 && is_record(&got, 2, 100),
	    "there is room again");
	ok(ring_put(r, &small), "put in");
	ring_empty(r);
	is_u64(ring_take(r, &got, &lost), ERR_END, "and forgotten");
	ring_free(r);
}

static bool
is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void
test_wake(void)
{
	struct ring *r = new_ring(SIZE);
	struct record one = record_of(1, 10), got;
	uint64_t lost;
	uint32_t number;

	ok(ring_put(r, &one), "put in");
	ring_wake(r);
	ok(!is_readable(ring_fd(r)), "nobody sleeps, so nobody is woken");
	ok(!ring_sleep(r), "who would go to sleep sees it");
	ok(ring_take(r, &got, &lost) == ERR_OK && ring_sleep(r), "and sleeps when there is no more");
	ring_wake(r);
	ok(!is_readable(ring_fd(r)), "not woken for nothing");
	ok(ring_put(r, &one) && ring_put(r, &one), "two more");
	ring_wake(r);
	ok(is_readable(ring_fd(r)), "woken");
	ok(ring_take(r, &got, &lost) == ERR_OK && ring_put(r, &one), "it reads, and more comes");
	ring_wake(r);
	ok(ring_take(r, &got, &lost) == ERR_OK && ring_take(r, &got, &lost) == ERR_OK && ring_sleep(r) &&
		!is_readable(ring_fd(r)),
	    "what woke it is over when it sleeps again");
	ring_poke(r);
	ok(is_readable(ring_fd(r)), "poked");

	ok(!ring_wanted(r, &number), "it wants nothing");
	number = ring_want(r);
	is_u64(number, 1, "its first wish");
	ok(ring_wanted(r, &number) && number == 1, "is seen");
	ring_granted(r, number);
	ok(!ring_wanted(r, &number), "and granted");
	is_u64(ring_want(r), 2, "another life");
	ok(ring_wanted(r, &number), "wants it again");
	ring_free(r);
}

/* Another process writes as fast as it can, is killed, and another one goes on. */
static void
test_lives(void)
{
	struct ring *r = new_ring(1 << 16);
	uint64_t next = 0, lost = 0, before;
	unsigned lives = 0, wrong = 0;
	struct record got;

	for (; lives < 20; lives++) {
		uint64_t until = next + lost + 5000;
		pid_t pid = fork();

		if (pid == 0) {
			ring_for_writing(r);
			for (uint64_t i = next + lost;; i++) {
				struct record put = record_of(i, i % 1400);

				(void)!ring_put(r, &put);
			}
		}
		while (next + lost < until) {
			if (ring_take(r, &got, &before) != ERR_OK)
				continue;
			lost += before;
			wrong += !is_record(&got, got.sequence, got.sequence % 1400);
			if (lives == 0) /* the first writer's numbers are without a hole */
				wrong += got.sequence != next + lost;
			next++;
		}
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		while (ring_take(r, &got, &before) == ERR_OK) {
			lost += before;
			wrong += !is_record(&got, got.sequence, got.sequence % 1400);
			next++;
		}
	}
	is_u64(wrong, 0, "no record is torn, however often its writer is killed, and losses are exact");
	printf("# %llu records, %llu lost\n", (unsigned long long)next, (unsigned long long)lost);
	ring_free(r);
}

/* The mapping of that name that can be written (or read only), in this process. */
static uint8_t *
find_mapping(const char *name, const char *want)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512], access[5], *found;
	void *at, *ret = NULL;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		found = strstr(line, name);
		if (found == NULL || found[strlen(name)] != ' ')
			continue;
		if (sscanf(line, "%p-%*s", &at) == 1 && sscanf(line, "%*s %4s", access) == 1 &&
		    strcmp(access, want) == 0)
			ret = at;
	}
	if (f != NULL)
		(void)fclose(f);
	return ret;
}

/* Each in a process: what it can reach, and cannot make reachable. */
static void
test_walls(void)
{
	struct ring *r = new_ring(SIZE);

	for (int writer = 0; writer < 2; writer++) {
		pid_t pid = fork();
		int status = -1;

		if (pid == 0) {
			const char *other = writer ? "memfd:ring-reader" : "memfd:ring";
			const char *mine = writer ? "memfd:ring" : "memfd:ring-reader";
			uint8_t *at;

			if (writer)
				ring_for_writing(r);
			else
				ring_for_reading(r);
			at = find_mapping(other, "r--s");
			_exit(at == NULL || find_mapping(other, "rw-s") != NULL ||
			    find_mapping(mine, "rw-s") == NULL || find_mapping(mine, "r--s") != NULL ||
			    mprotect(at, 4096, PROT_READ | PROT_WRITE) == 0);
		}
		(void)waitpid(pid, &status, 0);
		ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the %s cannot write what is the other's",
		    writer ? "writer" : "reader");
	}
	ring_free(r);
}

/* A reader that says any nonsense of how far it is loses; a writer's nonsense is passed over. */
static void
test_nonsense(void)
{
	struct ring *r = new_ring(SIZE);
	uint8_t *reader = find_mapping("memfd:ring-reader", "rw-s"),
		*records = find_mapping("memfd:ring", "rw-s");
	struct record one = record_of(1, 100), got;
	uint64_t lost, tail, seed = 1;
	bool good = true;
	unsigned malformed = 0;

	if (reader == NULL || records == NULL)
		abort();
	for (unsigned i = 0; i < 100000; i++) {
		seed = seed * 6364136223846793005U + 1442695040888963407U;
		memcpy(&tail, records, sizeof(tail));
		tail = i % 3 == 0 ? seed : tail - (seed >> 33) % 8192;
		memcpy(reader, &tail, sizeof(tail));
		(void)!ring_put(r, &one);
	}
	for (size_t i = 64 + SIZE; i < 8192; i++) /* to the end of its last page */
		good &= records[i] == 0;
	ok(good, "the writer writes into the ring alone, whatever the reader says");
	ok(ring_counts(r).lost > 100 && ring_counts(r).put > 100,
	    "some of it sounds possible, and some does not");
	ring_empty(r);
	for (unsigned i = 0; i < 100000; i++) {
		enum err e;

		seed = seed * 6364136223846793005U + 1442695040888963407U;
		(void)!ring_put(r, &one);
		records[(seed >> 33) % (64 + SIZE)] ^= (uint8_t)(1 << (seed >> 60) % 8);
		if (i % 64 == 0)
			memset(records, (int)(seed >> 20 & 0xff), 2);
		e = ring_take(r, &got, &lost);
		malformed += e == ERR_MALFORMED;
		good &= e == ERR_OK || e == ERR_END || e == ERR_MALFORMED;
		good &= e != ERR_OK || got.len <= RING_BODY_MOST;
	}
	ok(good && malformed > 100, "the reader reads in the ring alone, whatever the writer writes");
	ring_free(r);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + i / 256);
	test_order();
	test_full();
	test_wake();
	test_lives();
	test_walls();
	test_nonsense();
	return done_testing();
}
