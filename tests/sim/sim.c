/* SPDX-License-Identifier: ISC
 *
 * sim [-v]... [-k] [-j JOBS] [-f FROM] [-n SEEDS]: runs that many seeds, each in a process of its own, so that one that
 * crashes is named as well. Exit 0: nothing was found; 1: something was.
 */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/msg.h"
#include "tests/sim/sim.h"

#define FINDINGS_SHOWN 12

void *
sim_alloc(size_t size)
{
	void *p = calloc(1, size > 0 ? size : 1);

	if (p == NULL)
		abort();
	return p;
}

void *
sim_grow(void *array, size_t count, size_t size)
{
	void *p = array;

	if ((count & (count - 1)) != 0) /* room is a power of two */
		return array;
	p = reallocarray(array, count > 0 ? 2 * count : 1, size);
	if (p == NULL)
		abort();
	return p;
}

void
sim_fail(struct world *w, const char *fmt, ...)
{
	char text[1024]; /* written at once: several seeds run at a time */
	size_t n;
	va_list ap;

	w->failed = true;
	if (w->findings++ >= FINDINGS_SHOWN)
		return;
	n = (size_t)snprintf(text, sizeof(text), "seed %" PRIu64 ": ", w->seed);
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - n - 1, fmt, ap);
	va_end(ap);
	strcat(text, "\n");
	fputs(text, stderr);
}

/* --- one seed --- */

static void
pick_nodes(struct world *w)
{
	static const int windows[] = {60, 300, 300, 3600};
	static const char *const compressions[] = {"none", "zstd", "zstd:1", "zstd:9"};
	struct rng r = rng_fork(&w->rng, 2);

	w->node_count = (uint32_t)rng_between(&r, 1, NODES_MOST);
	for (uint32_t i = 0; i < w->node_count; i++) {
		struct node *n = &w->nodes[i];
		int64_t away = 0;

		snprintf(n->name, sizeof(n->name), "%c-node", 'a' + (char)i);
		n->skew_ns = rng_between(&r, -50, 50) * NS_PER_MSEC;
		if (rng_chance(&r, 10))
			away = rng_between(&r, 1, 86400) * NS_PER_SEC;
		n->skew_ns += rng_chance(&r, 50) ? away : -away;
		if (rng_chance(&r, 10)) {
			n->step_at_ns = rng_between(&r, 1, w->length_ns);
			n->step_ns = rng_between(&r, -7200, 7200) * NS_PER_SEC;
		}
		w->huge_skew |= away > 0 || n->step_at_ns != 0;
		n->lanes = rng_chance(&r, 15) ? 2 : 1;
		n->listeners = rng_chance(&r, 20) ? 2 : 1;
		n->rotate_s = (uint32_t)rng_between(&r, 60, 600);
		n->size_limit = rng_chance(&r, 30) ? (uint32_t)rng_between(&r, 5000, 60000) : 1U << 30;
	}
	w->window_ns = windows[rng_below(&r, 4)] * NS_PER_SEC;
	w->compression = compressions[rng_below(&r, 4)];
	snprintf(w->window_text, sizeof(w->window_text), "%ds", (int)(w->window_ns / NS_PER_SEC));
}

static void
describe_sent(const struct world *w, const struct expect *e, uint32_t sent)
{
	const struct sent *s = &w->sent[sent];

	printf("    %u: life %u at %.3f uptime %u clock %.3f sequence %u, %u records%s\n", sent, s->life,
	    (double)s->at_ns / 1e9, s->uptime_ms, (double)(s->export_ns - SIM_START) / 1e9, s->sequence,
	    s->units, e->of_sent[sent] == NONE ? ", not archived" : "");
}

static void
describe(const struct world *w, const struct expect *e)
{
	printf("seed %" PRIu64
	       ": %u datagrams of %u streams, %u nodes, %u incarnations, %u files%s, window %s\n",
	    w->seed, w->sent_count, w->stream_count, w->node_count, w->incarnation_count, w->file_count,
	    w->any_finding ? " (damaged ones)" : "", w->window_text);
	for (uint32_t i = 0; i < w->stream_count; i++) {
		const struct sim_stream *st = &w->streams[i];

		printf("  stream %u: %s domain %u, counts %d, %u lives, %u datagrams%s\n", i,
		    proto_name(st->proto), st->domain, (int)st->counting, st->lives, st->sent_count,
		    st->clock_steps ? ", clock steps" : "");
		for (uint32_t k = 0; w->options.verbose > 1 && k < st->sent_count; k++)
			describe_sent(w, e, st->sent[k]);
	}
	for (uint32_t i = 0; i < w->file_count; i++) {
		const struct seg_file *f = &w->files[i];

		printf("  file %s %s%s%s\n", f->path[0] != '\0' ? f->path : f->name,
		    f->path[0] == '\0' ? "lost" : "", f->damaged ? "damaged" : "", f->copy ? " copy" : "");
	}
	printf("  %u archived, %" PRIu64 " hearings, %" PRIu64 " checks, %" PRIu64 " accounts, %" PRIu64
	       " flows decoded\n",
	    e->count, e->heard, w->checks, w->ledgers, w->decoded);
}

/* All that a seed is. */
static void
run_world(struct world *w)
{
	struct expect e;
	char archive[160];

	sim_export(w);
	pick_nodes(w);
	sim_network(w);
	sim_nodes(w);
	sim_collect(w);
	sim_damage(w);
	expect_make(w, &e);
	sim_merges(w, &e, archive, sizeof(archive));
	if (archive[0] != '\0') {
		check_archive(w, &e, archive);
		check_ledger(w, &e, archive);
		check_cat(w, &e, archive);
		check_verify(w, archive);
	}
	if (w->options.verbose)
		describe(w, &e);
	expect_clear(&e);
	policy_clear(w);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

struct totals {
	uint64_t checks, ledgers, shared, missed, certain, decoded, stopped, datagrams, lives, flows;
};

static int
run_seed(uint64_t seed, const struct options *o, struct totals *t)
{
	const char *tmp = getenv("TMPDIR");
	struct world w = {.seed = seed, .rng = {seed}, .options = *o};

	(void)rng_u64(&w.rng);
	snprintf(w.folder, sizeof(w.folder), "%.80s/flowbraid-sim.%" PRIu64 ".XXXXXX",
	    tmp != NULL ? tmp : "/tmp", seed);
	if (mkdtemp(w.folder) == NULL) {
		fprintf(stderr, "%s: %s\n", w.folder, strerror(errno));
		return 2;
	}
	run_world(&w);
	__atomic_fetch_add(&t->checks, w.checks, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->ledgers, w.ledgers, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->shared, w.shared, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->missed, w.missed, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->certain, w.certain, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->stopped, w.stopped, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->decoded, w.decoded, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->datagrams, w.sent_count, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->flows, w.flow_count, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < w.stream_count; i++)
		__atomic_fetch_add(&t->lives, w.streams[i].lives, __ATOMIC_RELAXED);
	if (w.findings > FINDINGS_SHOWN)
		fprintf(stderr, "seed %" PRIu64 ": %u findings in all\n", seed, w.findings);
	if (o->keep)
		printf("seed %" PRIu64 ": kept in %s\n", seed, w.folder);
	else
		(void)nftw(w.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	fflush(NULL);
	return w.failed ? 1 : 0;
}

/* --- many --- */

struct running {
	pid_t pid;
	uint64_t seed;
};

/* Waits for one of them. True when it found nothing. */
static bool
reap(struct running *running, unsigned jobs)
{
	int status;
	pid_t pid = wait(&status);

	for (unsigned i = 0; i < jobs; i++) {
		if (running[i].pid != pid)
			continue;
		running[i].pid = 0;
		if (WIFSIGNALED(status))
			fprintf(stderr, "seed %" PRIu64 ": signal %d\n", running[i].seed, WTERMSIG(status));
		else if (WEXITSTATUS(status) != 0)
			fprintf(stderr, "seed %" PRIu64 ": failed\n", running[i].seed);
		return WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	return true;
}

static uint64_t
run_seeds(uint64_t from, uint64_t count, unsigned jobs, const struct options *o, struct totals *t)
{
	struct running *running = sim_alloc(jobs * sizeof(*running));
	uint64_t failed = 0;
	unsigned busy = 0;

	for (uint64_t seed = from; seed < from + count; seed++) {
		unsigned i = 0;

		if (busy == jobs) {
			failed += !reap(running, jobs);
			busy--;
		}
		while (running[i].pid != 0)
			i++;
		fflush(NULL);
		running[i] = (struct running){fork(), seed};
		if (running[i].pid == 0)
			_exit(run_seed(seed, o, t));
		if (running[i].pid < 0)
			abort();
		busy++;
	}
	for (; busy > 0; busy--)
		failed += !reap(running, jobs);
	free(running);
	return failed;
}

int
main(int argc, char **argv)
{
	struct options o = {.keep = false};
	uint64_t from = 1, count = 1, failed;
	unsigned jobs = 1;
	struct totals *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int c;

	if (t == MAP_FAILED)
		abort();
	while ((c = getopt(argc, argv, "vkj:f:n:")) != -1) {
		switch (c) {
		case 'v':
			o.verbose++;
			break;
		case 'k':
			o.keep = true;
			break;
		case 'j':
			jobs = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			from = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			count = strtoull(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (optind != argc || jobs == 0 || jobs > 256)
		return 2;
	msg_init("flowbraid", false, MSG_WARNING);
	failed = run_seeds(from, count, jobs, &o, t);
	printf("%" PRIu64 " seeds from %" PRIu64 ": %" PRIu64 " failed; %" PRIu64 " datagrams, %" PRIu64
	       " checks, %" PRIu64 " of %" PRIu64 " lives accounted, %" PRIu64 " of %" PRIu64
	       " missed units with one cause, %" PRIu64 " of %" PRIu64 " flows compared, %" PRIu64
	       " merges stopped, %" PRIu64 " shared counters\n",
	    count, from, failed, t->datagrams, t->checks, t->ledgers, t->lives, t->certain, t->missed,
	    t->decoded, t->flows, t->stopped, t->shared);
	return failed > 0 ? 1 : 0;
}
