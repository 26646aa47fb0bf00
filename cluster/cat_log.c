/* SPDX-License-Identifier: ISC
 *
 * See cat_log.h. Definitions that no datagram brings (of a node's snapshot, of an archive's table) stand in records of
 * templates before the datagrams that they came before; each segment begins with all that hold, as a node's do.
 */
#include "cluster/cat_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "log/folder.h"
#include "log/log_writer.h"

#define SEGMENT_SIZE ((uint64_t)256 << 20)
#define SNAPSHOT_RECORD 60000 /* bytes of definitions in one record, about */

struct cat_log {
	const char *path; /* the caller's, like node */
	const char *node;
	int dirfd;
	struct log_writer *writer; /* owned; NULL before the first datagram, which says the cluster */
	struct segment_header head;
	struct tmpl_cache *templates; /* owned: those that hold */
	struct buf waiting;           /* new ones, which go before the next datagram */
	wall_t last;                  /* time of the last datagram */
	bool failed;
};

static bool
fail(struct cat_log *l, enum err e)
{
	if (!l->failed)
		msg_error("%s: %s", l->path, err_text(e));
	l->failed = true;
	return false;
}

static bool
is_empty(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *d;
	bool empty = dir != NULL;

	while (empty && (d = readdir(dir)) != NULL)
		empty = strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0;
	if (dir != NULL)
		(void)closedir(dir);
	return empty;
}

static bool
take_folder(struct cat_log *l)
{
	enum err e;

	if (mkdir(l->path, 0777) != 0 && errno != EEXIST)
		return fail(l, ERR_SYSTEM);
	l->dirfd = open(l->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dirfd < 0)
		return fail(l, ERR_SYSTEM);
	if ((e = folder_lock(l->dirfd)) != ERR_OK)
		return fail(l, e);
	if (is_empty(l->dirfd))
		return true;
	msg_error("-o %s: expected a new or an empty folder, found files in it", l->path);
	l->failed = true;
	return false;
}

struct cat_log *
cat_log_open(const char *path, const char *node)
{
	struct cat_log *l = calloc(1, sizeof(*l));
	uint64_t random[2];

	if (l == NULL) {
		msg_error("%s", err_text(ERR_MEMORY));
		return NULL;
	}
	*l = (struct cat_log){.path = path, .node = node, .dirfd = -1};
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		(void)fail(l, ERR_SYSTEM);
	} else if (take_folder(l)) {
		const struct tmpl_cache_limits limits = {
		    .streams = 1 << 20, .templates = 4096, .bytes = (size_t)256 << 20, .seed = random[0]};

		l->head = (struct segment_header){.kind = SEGMENT_NODE, .incarnation = random[1]};
		(void)snprintf(l->head.node, sizeof(l->head.node), "%s", node);
		l->templates = tmpl_cache_new(&limits);
		if (l->templates == NULL)
			(void)fail(l, ERR_MEMORY);
	}
	if (!l->failed)
		return l;
	cat_log_free(l);
	return NULL;
}

void
cat_log_free(struct cat_log *l)
{
	if (l == NULL)
		return;
	log_writer_free(l->writer);
	tmpl_cache_free(l->templates);
	buf_clear(&l->waiting);
	if (l->dirfd >= 0)
		(void)close(l->dirfd);
	free(l);
}

/* --- templates --- */

void
cat_log_definition(struct cat_log *l, const struct tmpl_def *def)
{
	uint64_t before = tmpl_cache_counters(l->templates)->definitions;
	enum err e = tmpl_cache_put(l->templates, def);

	if (e != ERR_OK)
		(void)fail(l, e);
	else if (tmpl_cache_counters(l->templates)->definitions > before)
		tmpl_def_write(&l->waiting, def);
}

struct snapshot {
	struct appender *a;
	struct buf body;
	wall_t now;
};

static enum err
put_templates(struct appender *a, struct buf *body, wall_t time)
{
	struct record r = {
	    .type = RECORD_TEMPLATES, .time = time, .body = body->data, .len = (uint32_t)body->len};
	enum err e = !buf_ok(body) ? ERR_MEMORY : body->len > 0 ? appender_record(a, &r, time, NULL) : ERR_OK;

	buf_reset(body);
	return e;
}

static enum err
snapshot_each(void *ctx, const struct tmpl_def *def)
{
	struct snapshot *s = ctx;

	tmpl_def_write(&s->body, def);
	return s->body.len >= SNAPSHOT_RECORD ? put_templates(s->a, &s->body, s->now) : ERR_OK;
}

static void
snapshot(void *ctx, struct appender *a, wall_t now)
{
	struct cat_log *l = ctx;
	struct snapshot s = {.a = a, .body = BUF_INIT, .now = now};
	enum err e = tmpl_cache_each(l->templates, snapshot_each, &s);

	if (e == ERR_OK)
		e = put_templates(a, &s.body, now);
	if (e != ERR_OK)
		(void)fail(l, e);
	buf_clear(&s.body);
}

/* Those that are new, in pieces that records hold. */
static enum err
put_waiting(struct cat_log *l)
{
	struct rd in = rd_init(l->waiting.data, l->waiting.len);
	enum err e = buf_ok(&l->waiting) ? ERR_OK : ERR_MEMORY;

	while (e == ERR_OK && rd_left(&in) > 0) {
		struct record r = {.type = RECORD_TEMPLATES, .time = l->last, .body = in.at};
		struct tmpl_def def;
		size_t from = rd_offset(&in);

		while (e == ERR_OK && rd_left(&in) > 0 && rd_offset(&in) - from < SNAPSHOT_RECORD)
			e = tmpl_def_read(&in, &def);
		r.len = (uint32_t)(rd_offset(&in) - from);
		if (e == ERR_OK)
			e = log_writer_record(l->writer, &r);
	}
	buf_reset(&l->waiting);
	return e;
}

/* --- datagrams --- */

static enum err
begin(struct cat_log *l, const char *cluster, wall_t now)
{
	struct store_recovery recovery;
	size_t recovered;
	enum err e;

	(void)snprintf(l->head.cluster, sizeof(l->head.cluster), "%s", cluster);
	e = log_writer_open(l->dirfd, &l->head, SEGMENT_SIZE, now, &l->writer, &recovery, 1, &recovered);
	if (e == ERR_OK)
		log_writer_snapshots(l->writer, snapshot, l);
	return e;
}

bool
cat_log_put(struct cat_log *l, const struct reader_datagram *d, const char *cluster)
{
	bool whole = d->payload != NULL;
	struct record r = {.type = whole ? RECORD_DATAGRAM : RECORD_SELECTED,
	    .flags = d->flags,
	    .listener = d->listener,
	    .port = d->port,
	    .time = d->time,
	    .addr = d->exporter,
	    .body = whole ? d->payload : d->selected_body,
	    .len = (uint32_t)(whole ? d->len : d->selected_len)};
	struct stream_key key;
	enum err e = ERR_OK;

	if (l->failed)
		return false;
	if (l->writer != NULL && strcmp(cluster, l->head.cluster) != 0) {
		msg_error("-o %s: expected cluster \"%s\", found \"%s\"", l->path, l->head.cluster, cluster);
		l->failed = true;
		return false;
	}
	l->last = d->time;
	if (l->writer == NULL)
		e = begin(l, cluster, d->time);
	if (e == ERR_OK)
		e = put_waiting(l);
	if (e == ERR_OK)
		e = log_writer_record(l->writer, &r);
	if (e == ERR_OK && whole && (d->info->proto == PROTO_V9 || d->info->proto == PROTO_IPFIX)) {
		key = stream_key_of(&d->exporter, d->port, d->info);
		e = tmpl_cache_learn(l->templates, &key, d->info, d->payload, d->len);
	}
	return e == ERR_OK && !l->failed ? true : fail(l, e);
}

bool
cat_log_end(struct cat_log *l)
{
	enum err e;

	if (l->failed)
		return false;
	if (l->writer == NULL) {
		msg_notice("-o %s: nothing was selected, and nothing is written", l->path);
		return true;
	}
	e = log_writer_end(l->writer, l->last);
	return e == ERR_OK ? true : fail(l, e);
}
