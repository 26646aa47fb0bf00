/* SPDX-License-Identifier: ISC
 *
 * threads PATH...: eight threads read the paths, each from another one on, with readers of their own; and readers go from thread
 * to thread. All must get what one thread alone gets. Built with --enable-thread-sanitizer it finds what they share.
 */
#include <flowbraid/flowbraid.h>
#include <pthread.h>

#include "tests/tap.h"

#define THREADS 8
#define ROUNDS 3
#define PATHS_MOST 8

struct sum {
	uint64_t flows, bytes, hash;
};

static char **paths;
static int path_count;
static struct sum alone[PATHS_MOST];

/* FNV-1a over the text of all flows that the expression selects, and of fields. */
static void
add(struct sum *s, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		s->hash = (s->hash ^ (uint8_t)text[i]) * 1099511628211u;
	s->bytes += len;
}

static void
take(const struct flowbraid_flow *f, struct sum *s)
{
	const struct flowbraid_field *fields;
	size_t len, count;
	const char *text = flowbraid_flow_json(f, &len);

	s->flows++;
	if (text != NULL)
		add(s, text, len);
	if (flowbraid_flow_fields(f, &fields, &count) == FLOWBRAID_OK)
		s->hash += count;
}

static bool
start(struct flowbraid_reader **ret, const char *path)
{
	return flowbraid_reader_new(ret) == FLOWBRAID_OK &&
	    flowbraid_reader_select(*ret, "src port > 1000 or not tcp") == FLOWBRAID_OK &&
	    flowbraid_reader_open(*ret, path) == FLOWBRAID_OK;
}

static struct sum
read_all(const char *path)
{
	struct flowbraid_reader *r = NULL;
	const struct flowbraid_flow *f;
	struct sum s = {0, 0, 14695981039346656037u};

	if (start(&r, path)) {
		while (flowbraid_reader_next(r, &f) == FLOWBRAID_OK)
			take(f, &s);
	}
	flowbraid_reader_free(r);
	return s;
}

static bool
same(const struct sum *a, const struct sum *b)
{
	return a->flows == b->flows && a->bytes == b->bytes && a->hash == b->hash;
}

struct worker {
	pthread_t thread;
	int number;
	unsigned right;
};

static void *
work(void *ctx)
{
	struct worker *w = ctx;

	for (int i = 0; i < ROUNDS * path_count; i++) {
		int at = (w->number + i) % path_count;
		struct sum s = read_all(paths[at]);

		w->right += same(&s, &alone[at]);
	}
	return NULL;
}

/* One reader that is handed on: each thread reads some flows. */
static struct relay {
	pthread_mutex_t lock;
	struct flowbraid_reader *r;
	struct sum s;
	bool over;
} relay = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *
hand_on(void *ctx)
{
	const struct flowbraid_flow *f;
	bool over = false;

	(void)ctx;
	while (!over) {
		pthread_mutex_lock(&relay.lock);
		for (int i = 0; i < 10 && !relay.over; i++) {
			if (flowbraid_reader_next(relay.r, &f) == FLOWBRAID_OK)
				take(f, &relay.s);
			else
				relay.over = true;
		}
		over = relay.over;
		pthread_mutex_unlock(&relay.lock);
	}
	return NULL;
}

static void
relays(int at)
{
	pthread_t threads[THREADS];

	relay.s = (struct sum){0, 0, 14695981039346656037u};
	relay.over = false;
	if (!start(&relay.r, paths[at])) {
		ok(false, "%s: opened", paths[at]);
		return;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, hand_on, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	flowbraid_reader_free(relay.r);
	ok(same(&relay.s, &alone[at]), "%s: a reader goes from thread to thread", paths[at]);
}

int
main(int argc, char **argv)
{
	struct worker workers[THREADS];
	unsigned right = 0;

	paths = argv + 1;
	path_count = argc - 1 < PATHS_MOST ? argc - 1 : PATHS_MOST;
	for (int i = 0; i < path_count; i++) {
		alone[i] = read_all(paths[i]);
		ok(alone[i].flows > 0, "%s: %" PRIu64 " flows", paths[i], alone[i].flows);
	}
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.number = i};
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		right += workers[i].right;
	}
	is_u64(right, (uint64_t)(THREADS * ROUNDS * path_count), "all threads read what one alone reads");
	for (int i = 0; i < path_count; i++)
		relays(i);
	return done_testing();
}
