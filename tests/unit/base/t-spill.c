/* SPDX-License-Identifier: ISC
 *
 * Arrays beyond the limit: what was written is there again, the process holds no more than it may, a folder without room
 * is an error.
 */
#include "base/spill.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/tap.h"

#define LIMIT SPILL_LIMIT_LEAST /* 32 MiB */
#ifdef __SANITIZE_ADDRESS__
#define RUNTIME ((uint64_t)64 << 20) /* the sanitizer's own */
#else
#define RUNTIME 0
#endif
#define NUMBERS ((size_t)24 << 20) /* 192 MiB */

static uint64_t
mixed(uint64_t i)
{
	return (i ^ i >> 7) * 0x9e3779b97f4a7c15u;
}

static uint64_t
resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long long all = 0, resident = 0;

	if (f == NULL || fscanf(f, "%llu %llu", &all, &resident) != 2)
		return UINT64_MAX;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The thread that gives pages back runs when the machine lets it. */
static bool
comes_within(uint64_t bytes)
{
	time_t until = time(NULL) + 30;

	while (resident_bytes() > bytes && time(NULL) < until)
		usleep(1000);
	return resident_bytes() <= bytes;
}

static void
test_without_limit(void)
{
	uint64_t *v = NULL;
	size_t room = 0;
	bool right = true;

	for (size_t i = 0; i < 100000; i++) {
		right &= spill_grow(v, room, i) == ERR_OK;
		v[i] = mixed(i);
	}
	for (size_t i = 0; i < 100000; i++)
		right &= v[i] == mixed(i);
	ok(right, "without a limit an array grows and keeps what it holds");
	is_u64(spill_bytes(), 0, "and lies in memory");
	spill_free(v);
	spill_free(NULL);
}

static void
test_beyond_limit(void)
{
	uint64_t *v = NULL, *other, wrong = 0;
	size_t room = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; i < NUMBERS && e == ERR_OK; i++) {
		if ((e = spill_grow(v, room, i)) == ERR_OK)
			v[i] = mixed(i);
	}
	ok(e == ERR_OK, "an array of six times the limit: %s", err_text(e));
	ok(spill_bytes() >= NUMBERS * sizeof(*v), "it lies in a file");
	for (size_t i = 0; i < NUMBERS; i++)
		wrong += v[i] != mixed(i);
	is_u64(wrong, 0, "all of it is there");
	for (size_t i = 0; i < NUMBERS; i += 4099)
		v[i] = ~mixed(i);
	for (size_t i = 0; i < NUMBERS; i++)
		wrong += v[i] != (i % 4099 == 0 ? ~mixed(i) : mixed(i));
	is_u64(wrong, 0, "what is written later, too");
	ok(spill_drops() > 0, "pages were given back %" PRIu64 " times", spill_drops());
	ok(comes_within(LIMIT + RUNTIME), "no more than the limit is held, after 192 MiB were touched");
	other = spill_alloc(LIMIT);
	ok(other != NULL && other[0] == 0 && other[LIMIT / sizeof(*other) - 1] == 0, "new memory is zero");
	spill_free(v);
	if (other != NULL)
		ok((other[77] = 7) == 7 && other[77] == 7, "freeing one leaves the other");
	spill_free(other);
	is_u64(spill_bytes(), 0, "nothing is left");
}

/* RLIMIT_FSIZE stands for a full disk. */
static void
test_no_room(void)
{
	struct rlimit r;
	uint64_t *v = NULL;
	size_t room = 0;
	enum err e = ERR_OK;
	uint64_t wrong = 0;
	size_t n;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = 4 << 20;
	setrlimit(RLIMIT_FSIZE, &r);
	for (n = 0; n < NUMBERS && e == ERR_OK; n++) {
		if ((e = spill_grow(v, room, n)) == ERR_OK)
			v[n] = mixed(n);
	}
	ok(e == ERR_SYSTEM && errno == EFBIG, "no room in the folder: %s", err_text(e));
	for (size_t i = 0; i + 1 < n; i++)
		wrong += v[i] != mixed(i);
	is_u64(wrong, 0, "what there was stays");
	errno = 0;
	ok(spill_alloc(LIMIT) == NULL && errno == EFBIG, "nor is new memory got");
	spill_free(v);
}

int
main(void)
{
	const char *folder = getenv("TMPDIR");

	test_without_limit();
	ok(spill_limit(folder != NULL ? folder : "/tmp", SPILL_LIMIT_LEAST - 1) == ERR_LIMIT,
	    "too low a limit");
	ok(spill_limit("/nowhere", LIMIT) == ERR_SYSTEM, "a folder that is not there");
	if (!ok(spill_limit(folder != NULL ? folder : "/tmp", LIMIT) == ERR_OK, "a limit of 32 MiB"))
		return done_testing();
	test_beyond_limit();
	test_no_room();
	return done_testing();
}
