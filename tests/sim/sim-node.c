/* SPDX-License-Identifier: ISC
 *
 * Nodes: the real intake, appender and store, driven through virtual time. What the simulator adds is the disk
 * between them (full, or failing in the middle of a write), kill -9 with any part of the last segment lost, power cuts
 * that leave zeros, and copies of the log that are taken while it is written.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/append.h"
#include "log/store.h"
#include "node/intake.h"
#include "tests/sim/sim.h"

#define TICK_NS (5 * NS_PER_SEC)
#define PENDING_MOST 8

struct pending {
	struct block *block;
	uint32_t upto;
	bool complete;
};

/* One lane of a node while it runs. */
struct lane {
	struct world *w;
	struct rng r;
	uint32_t node;
	uint16_t lane;
	char folder[160];
	int dirfd;
	struct store *store;
	struct intake intake;
	uint32_t incarnation;
	bool running;
	int64_t ticked_ns; /* at the last tick, or when it began */
	uint32_t dropping; /* so many of those that come next are lost before the node has them */
	uint64_t dropped[2];
	bool full; /* the disk takes nothing */
	int64_t full_until_ns;
	struct pending pending[PENDING_MOST];
	uint32_t pending_count;
	struct block *free_blocks[PENDING_MOST];
	uint32_t free_count;
};

/* --- disk --- */

static struct block *
take_block(void *ctx)
{
	struct lane *l = ctx;

	if (l->full)
		return NULL;
	return l->free_count > 0 ? l->free_blocks[--l->free_count] : block_new();
}

static void
recycle(struct lane *l, struct block *b)
{
	if (l->free_count < PENDING_MOST)
		l->free_blocks[l->free_count++] = b;
	else
		block_free(b);
}

/* Writes what waits; stops at the first failure. */
static void
drain(struct lane *l)
{
	uint32_t done = 0;

	while (done < l->pending_count) {
		struct pending *p = &l->pending[done];

		if (store_write(l->store, p->block, p->upto, p->complete) != ERR_OK)
			break;
		if (p->complete)
			recycle(l, p->block);
		done++;
	}
	memmove(l->pending, l->pending + done, (l->pending_count - done) * sizeof(*l->pending));
	l->pending_count -= done;
}

/* The file may grow by some bytes only: the write that goes beyond ends in the middle, and fails. */
static void
drain_into_little_room(struct lane *l)
{
	const struct pending *p = &l->pending[0];
	struct rlimit before, limit;

	if (l->pending_count == 0 || getrlimit(RLIMIT_FSIZE, &before) != 0)
		return;
	limit = before;
	limit.rlim_cur = p->block->offset + p->block->written +
	    rng_below(&l->r, p->upto - p->block->written + 300);
	(void)setrlimit(RLIMIT_FSIZE, &limit);
	drain(l);
	(void)setrlimit(RLIMIT_FSIZE, &before);
}

static void
give_block(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	struct lane *l = ctx;
	struct pending *last = l->pending_count > 0 ? &l->pending[l->pending_count - 1] : NULL;

	if (last == NULL || last->block != b) {
		if (l->pending_count == PENDING_MOST) {
			sim_fail(l->w, "simulator: too many blocks wait");
			return;
		}
		last = &l->pending[l->pending_count++];
	}
	*last = (struct pending){b, upto, complete};
	if (!l->full)
		drain(l);
}

/* --- time --- */

static wall_t
node_time(const struct lane *l, int64_t at_ns)
{
	const struct node *n = &l->w->nodes[l->node];

	return (wall_t){
	    SIM_START + at_ns + n->skew_ns + (n->step_at_ns != 0 && at_ns >= n->step_at_ns ? n->step_ns : 0)};
}

static void
note_flushed(struct lane *l)
{
	if (l->pending_count == 0)
		l->w->incarnations[l->incarnation].flushed = l->intake.appender.next_sequence;
}

/* --- life --- */

static void
listeners_of(const struct node *n, struct conf_listener *listeners)
{
	for (uint16_t i = 0; i < n->listeners; i++)
		listeners[i] = (struct conf_listener){.port = (uint16_t)(2055 + i)};
}

static void
recall(struct lane *l)
{
	const char *name = store_newest(l->store);
	int fd = name[0] != '\0' ? openat(l->dirfd, name, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		CHECK(l->w, intake_recall(&l->intake, fd) == ERR_OK, "%s/%s: templates cannot be recalled",
		    l->folder, name);
		close(fd);
	}
}

static void
start(struct lane *l, int64_t at_ns)
{
	struct world *w = l->w;
	const struct node *n = &w->nodes[l->node];
	struct conf_listener listeners[2];
	struct conf conf = {.listeners = listeners,
	    .listener_count = n->listeners,
	    .log_rotate_ns = n->rotate_s * NS_PER_SEC,
	    .log_size = n->size_limit,
	    .policy = n->policy};
	struct segment_header head = {.kind = SEGMENT_NODE, .lane = l->lane, .first_sequence = 1};
	struct store_recovery recovered[4];
	size_t count = 0;
	wall_t now = node_time(l, at_ns);

	listeners_of(n, listeners);
	if (!CHECK(w,
		store_open(l->dirfd, SIM_CLUSTER, n->name, l->lane, now, &l->store, recovered, 4, &count) ==
		    ERR_OK,
		"%s: the store cannot be opened: %s", l->folder, recovered[0].why))
		return;
	head.number = store_next_number(l->store);
	head.incarnation = rng_u64(&l->r);
	snprintf(head.cluster, sizeof(head.cluster), "%s", SIM_CLUSTER);
	snprintf(head.node, sizeof(head.node), "%s", n->name);
	GROW(w->incarnations, w->incarnation_count);
	l->incarnation = w->incarnation_count;
	w->incarnations[w->incarnation_count++] = (struct incarnation){
	    .id = head.incarnation, .node = l->node, .lane = l->lane, .flushed = 1, .begin_ns = at_ns};
	if (intake_init(&l->intake, &conf, &head, (struct block_sink){l, take_block, give_block}, now) !=
	    ERR_OK)
		abort();
	recall(l);
	l->running = true;
	l->dropping = 0;
	l->dropped[0] = l->dropped[1] = 0;
	l->full = false;
	l->ticked_ns = at_ns;
	intake_started(&l->intake, "sim", recovered, count, now);
}

static void
forget_blocks(struct lane *l)
{
	struct appender *a = &l->intake.appender;

	for (uint32_t i = 0; i < l->pending_count; i++) {
		if (l->pending[i].block != a->block)
			block_free(l->pending[i].block);
	}
	l->pending_count = 0;
	block_free(a->block);
	a->block = NULL;
	for (size_t i = 0; i < 2; i++) {
		block_free(a->spare[i]);
		a->spare[i] = NULL;
	}
	while (l->free_count > 0)
		block_free(l->free_blocks[--l->free_count]);
}

static void
stop(struct lane *l, int64_t at_ns)
{
	l->full = false;
	drain(l);
	intake_stopping(&l->intake, node_time(l, at_ns));
	appender_end(&l->intake.appender, node_time(l, at_ns));
	drain(l);
	note_flushed(l);
	l->w->incarnations[l->incarnation].end_ns = at_ns;
	l->w->incarnations[l->incarnation].stopped = true;
	CHECK(l->w, l->pending_count == 0, "%s: blocks are left after the end", l->folder);
	store_close(l->store);
	forget_blocks(l);
	intake_clear(&l->intake);
	l->running = false;
}

/* --- kill -9 --- */

/* The segment that was being written, the newest of those that are open; false: none. */
static bool
open_segment(const struct lane *l, char *ret, size_t size)
{
	DIR *d = opendir(l->folder);
	struct dirent *de;
	char newest[64] = "";

	while (d != NULL && (de = readdir(d)) != NULL) {
		size_t len = strlen(de->d_name);

		if (len > 5 && strcmp(de->d_name + len - 5, ".open") == 0 && strcmp(de->d_name, newest) > 0)
			snprintf(newest, sizeof(newest), "%.63s", de->d_name);
	}
	if (d != NULL)
		closedir(d);
	snprintf(ret, size, "%s/%s", l->folder, newest);
	return newest[0] != '\0';
}

/* Pages that never came, before some that did. */
static void
zero_pages(struct lane *l, struct seg_file *f)
{
	static const uint8_t zeros[300];
	size_t k = rng_below(&l->r, f->count - 4) + 1;
	uint64_t from = f->records[k].offset + rng_below(&l->r, f->records[k].size);
	uint64_t len = 1 + rng_below(&l->r, sizeof(zeros)), end = f->records[f->count - 1].offset;

	if (from < end)
		file_alter(f, from, zeros, len < end - from ? len : end - from);
}

/* What a killed process or a power cut leaves of the last segment. */
static void
crash(struct lane *l)
{
	struct world *w = l->w;
	char path[256];
	struct seg_file f;
	struct stat st;

	if (!open_segment(l, path, sizeof(path)))
		return;
	if (stat(path, &st) != 0 || st.st_size < 1024)
		return; /* not even its header was written: nothing to cut */
	if (file_incarnation(path) != w->incarnations[l->incarnation].id)
		return; /* left by a former life: this one has written nothing yet */
	file_parse(w, path, l->node, l->lane, &f);
	file_match(w, &f);
	if (rng_chance(&l->r, 60)) {
		uint64_t from = rng_chance(&l->r, 20) ? 0 : f.size - rng_below(&l->r, f.size / 4 + 1);

		file_cut(&f, from + rng_below(&l->r, f.size - from + 1));
		f.damaged = false; /* the name says that it was being written */
	} else if (rng_chance(&l->r, 30) && f.count > 6) {
		zero_pages(l, &f);
	}
	GROW(w->kills, w->kill_count);
	w->kills[w->kill_count++] = (struct kill_truth){
	    .node = l->node, .lane = l->lane, .number = f.number, .file = f};
}

static void
kill_node(struct lane *l, int64_t at_ns)
{
	l->w->incarnations[l->incarnation].end_ns = at_ns;
	if (rng_chance(&l->r, 50)) {
		appender_flush(&l->intake.appender);
		note_flushed(l);
	}
	store_close(l->store);
	forget_blocks(l);
	intake_clear(&l->intake);
	l->running = false;
	crash(l);
}

/* --- copies --- */

static void
copy_file(const char *from, const char *to)
{
	struct buf b = BUF_INIT;
	int in = open(from, O_RDONLY | O_CLOEXEC),
	    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) != 0)
		abort();
	if (st.st_size > 0) {
		uint8_t *at = buf_room(&b, (size_t)st.st_size);

		if (at == NULL || read(in, at, (size_t)st.st_size) != st.st_size ||
		    write(out, at, (size_t)st.st_size) != st.st_size)
			abort();
	}
	close(in);
	close(out);
	buf_clear(&b);
}

/* The log as it stands, for a merge before its end. */
static void
copy_log(struct lane *l)
{
	char to[256];
	DIR *d;
	struct dirent *de;

	appender_flush(&l->intake.appender);
	note_flushed(l);
	snprintf(to, sizeof(to), "%.120s/copy-%u-%u", l->w->folder, l->node, l->lane);
	if (mkdir(to, 0755) != 0 || (d = opendir(l->folder)) == NULL)
		return; /* there is one already */
	l->w->nodes[l->node].copy_kills[l->lane] = l->w->kill_count;
	while ((de = readdir(d)) != NULL) {
		char from_path[512], to_path[512];

		if (de->d_name[0] == '.')
			continue;
		snprintf(from_path, sizeof(from_path), "%s/%s", l->folder, de->d_name);
		snprintf(to_path, sizeof(to_path), "%s/%s", to, de->d_name);
		copy_file(from_path, to_path);
	}
	closedir(d);
}

/* --- running --- */

static void
note_drop(struct lane *l, enum drop_kind kind, int64_t at_ns)
{
	struct world *w = l->w;

	GROW(w->drops, w->drop_count);
	w->drops[w->drop_count++] = (struct drop){l->incarnation, kind, node_time(l, at_ns).ns};
}

/* Before the node has it: with lanes it is the host that counts. */
static bool
is_dropped(struct lane *l, const struct arrival *a)
{
	if (l->dropping == 0)
		return false;
	l->dropping--;
	l->dropped[a->listener]++;
	note_drop(l, l->w->nodes[l->node].lanes > 1 ? DROP_HOST : DROP_KERNEL, a->at_ns);
	return true;
}

/* A socket's come with the next datagram on it, or are asked for at a tick; the host's are asked for. */
static void
tell_kernel_drops(struct lane *l, uint16_t listener, int64_t at_ns)
{
	if (l->dropped[listener] == 0 || l->w->nodes[l->node].lanes > 1)
		return;
	intake_kernel_drops(&l->intake, listener, l->dropped[listener], node_time(l, at_ns));
	l->dropped[listener] = 0;
}

static void
tell_drops(struct lane *l, int64_t from_ns, int64_t at_ns)
{
	tell_kernel_drops(l, 0, at_ns);
	tell_kernel_drops(l, 1, at_ns);
	if (l->dropped[0] + l->dropped[1] > 0)
		intake_host_drops(
		    &l->intake, l->dropped[0] + l->dropped[1], node_time(l, from_ns), node_time(l, at_ns));
	l->dropped[0] = l->dropped[1] = 0;
}

static void
take(struct lane *l, const struct arrival *a)
{
	struct world *w = l->w;
	const struct sent *s = &w->sent[a->sent];
	const struct exporter *x = &w->exporters[w->streams[s->stream].exporter];
	wall_t now = node_time(l, a->at_ns);
	const struct intake_datagram d = {.payload = s->payload,
	    .len = s->len,
	    .listener = a->listener,
	    .port = x->port,
	    .from = x->addr,
	    .time = now};
	uint64_t before = l->intake.counters.datagrams;
	struct incarnation *i = &w->incarnations[l->incarnation];

	tell_kernel_drops(l, a->listener, a->at_ns);
	intake_take(&l->intake, &d, now);
	if (l->intake.counters.datagrams == before) {
		CHECK(w, l->full, "%s: datagram %u was not recorded", l->folder, a->sent);
		note_drop(l, DROP_DISK, a->at_ns);
		return;
	}
	GROW(i->appended, i->count);
	i->appended[i->count++] = (struct appended){
	    l->intake.appender.next_sequence - 1, a->sent, a->listener, now.ns};
}

static void
fill_disk(struct lane *l, int64_t at_ns)
{
	l->full_until_ns = at_ns + rng_between(&l->r, 1, 120) * NS_PER_SEC;
	l->full = true;
	if (rng_chance(&l->r, 60))
		appender_rotate(
		    &l->intake.appender, node_time(l, at_ns)); /* what comes needs a block, and has none */
	else
		appender_flush(&l->intake.appender);
	drain_into_little_room(l);
}

/* As the collector's watch does. */
static void
notice_step(struct lane *l, int64_t at_ns)
{
	const struct node *n = &l->w->nodes[l->node];

	if (n->step_at_ns > l->ticked_ns && n->step_at_ns <= at_ns && n->step_ns != 0)
		intake_clock(&l->intake, n->step_ns, 0, node_time(l, at_ns));
	l->ticked_ns = at_ns;
}

static void
tick(struct lane *l, int64_t at_ns)
{
	unsigned what = (unsigned)rng_below(&l->r, 1000);

	if (l->full && at_ns >= l->full_until_ns) {
		l->full = false;
		drain(l);
	}
	tell_drops(l, at_ns - TICK_NS, at_ns);
	notice_step(l, at_ns);
	intake_tick(&l->intake, node_time(l, at_ns));
	if (l->full && rng_chance(&l->r, 40)) {
		appender_flush(&l->intake.appender);
		drain_into_little_room(l);
	} else if (!l->full) {
		appender_flush(&l->intake.appender);
		note_flushed(l);
	}
	if (what < 8)
		kill_node(l, at_ns);
	else if (what < 16 && !l->full)
		fill_disk(l, at_ns);
	else if (what < 24 && !l->full)
		copy_log(l);
	else if (what < 30)
		l->dropping = (uint32_t)rng_below(&l->r, 100) + 1;
}

static bool
is_of_lane(const struct lane *l, const struct arrival *a)
{
	const struct world *w = l->w;

	return w->streams[w->sent[a->sent].stream].exporter % w->nodes[l->node].lanes == l->lane;
}

static void
run_lane(struct lane *l)
{
	struct world *w = l->w;
	int64_t end = w->length_ns + 5 * NS_PER_SEC, begin = rng_chance(&l->r, 15) ? end / 4 : -NS_PER_SEC;
	uint32_t at = 0;
	int64_t down_until = begin;

	for (int64_t t = begin; t < end; t += TICK_NS) {
		if (!l->running && t >= down_until)
			start(l, t);
		for (; at < w->arrival_count[l->node] && w->arrivals[l->node][at].at_ns < t + TICK_NS; at++) {
			const struct arrival *a = &w->arrivals[l->node][at];

			if (l->running && is_of_lane(l, a) && a->at_ns >= t && !is_dropped(l, a))
				take(l, a);
		}
		if (!l->running)
			continue;
		tick(l, t + TICK_NS);
		if (!l->running) /* killed; some come back at once, some late, some never */
			down_until = rng_chance(&l->r, 20) ? INT64_MAX
							   : t + rng_between(&l->r, 1, 90) * NS_PER_SEC;
	}
	if (l->running && rng_chance(&l->r, 10))
		kill_node(l, end);
	else if (l->running)
		stop(l, end);
}

static void
run_node(struct world *w, uint32_t node)
{
	for (uint16_t lane = 0; lane < w->nodes[node].lanes; lane++) {
		struct lane l = {.w = w,
		    .r = rng_fork(&w->rng, 3000 + node * LANES_MOST + lane),
		    .node = node,
		    .lane = lane};

		snprintf(l.folder, sizeof(l.folder), "%.120s/log-%u-%u", w->folder, node, lane);
		if (mkdir(l.folder, 0755) != 0 ||
		    (l.dirfd = open(l.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
			abort();
		run_lane(&l);
		close(l.dirfd);
	}
}

void
sim_nodes(struct world *w)
{
	(void)signal(SIGXFSZ, SIG_IGN);
	for (uint32_t n = 0; n < w->node_count; n++) {
		policy_draw(w, n);
		run_node(w, n);
	}
}
