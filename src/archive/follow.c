/* SPDX-License-Identifier: ISC
 *
 * Following a log. Each lane has a segment at hand, which log/check walks while it grows. A segment is over with its seal, or
 * when one with a higher number is in the folder: its node died, and what it left is all that there will be.
 */
#include "archive/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "archive/manifest.h"
#include "archive/sampled.h"
#include "archive/spool.h"
#include "base/array.h"
#include "log/folder.h"

#define EVENTS_SIZE 65536
#define TEMPLATE_BYTES ((size_t)256 << 20) /* no node keeps as many */

struct lane {
	uint16_t number;
	bool begun;       /* a segment was opened */
	uint64_t segment; /* at hand, or else the last one */
	int fd;           /* of it; -1: none */
	struct check *check;
	char name[FOLDER_NAME_SIZE];
	bool sealed, ended; /* its seal was read; nothing more can come */
	struct record record;
	bool has_record; /* a datagram that waits for its turn */
};

struct follow {
	struct follow_options o;
	char *path; /* owned */
	char *at;   /* owned: of the file at hand, for messages */
	int dirfd, watch;
	struct spool *spool; /* owned; NULL: a folder */
	bool over;           /* the pipe has ended */
	struct folder folder;
	bool stale;         /* the folder has changed since it was listed */
	struct lane *lanes; /* owned, by number */
	size_t lane_count, lane_room;
	struct tmpl_cache *templates; /* owned */
	struct sampled *sampled;      /* owned */
	struct stream_key stream;     /* of the datagram at hand */
	struct proto_info info;
	struct hearings hearings;
	struct selected_reader *selected; /* owned; NULL: none was met */
	struct decode decode;
};

/* --- opening --- */

static enum err
follow_new(const struct follow_options *o, const char *path, struct follow **ret)
{
	const struct tmpl_cache_limits limits = {
	    .streams = 1 << 20, .templates = 4096, .bytes = TEMPLATE_BYTES, .seed = o->seed};
	struct follow *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return ERR_MEMORY;
	f->o = *o;
	f->dirfd = f->watch = -1;
	f->stale = true;
	f->path = strdup(path);
	f->templates = tmpl_cache_new(&limits);
	f->sampled = sampled_new(o->seed);
	*ret = f;
	return f->path != NULL && f->templates != NULL && f->sampled != NULL ? ERR_OK : ERR_MEMORY;
}

static enum err
open_folder(struct follow *f, struct buf *ret_why)
{
	f->dirfd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dirfd < 0)
		return ERR_SYSTEM;
	if (faccessat(f->dirfd, MANIFEST_NAME, F_OK, 0) == 0) {
		buf_printf(ret_why, "%s: an archive, which does not grow: follow a log", f->path);
		return ERR_UNKNOWN;
	}
	f->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (f->watch < 0 ||
	    inotify_add_watch(f->watch, f->path,
		IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR) < 0)
		return ERR_SYSTEM;
	return ERR_OK;
}

static void
say_why(const char *path, enum err e, struct buf *ret_why)
{
	if (ret_why->len == 0)
		buf_printf(ret_why, "%s: %s", path, err_text(e));
}

enum err
follow_open(const struct follow_options *o, const char *path, struct follow **ret, struct buf *ret_why)
{
	struct follow *f = NULL;
	enum err e = follow_new(o, path, &f);

	buf_reset(ret_why);
	if (e == ERR_OK)
		e = open_folder(f, ret_why);
	if (e != ERR_OK) {
		say_why(path, e, ret_why);
		follow_close(f);
		return e;
	}
	*ret = f;
	return ERR_OK;
}

static enum err
add_lane(struct follow *f, uint16_t number)
{
	size_t at = f->lane_count;
	enum err e = array_grow(f->lanes, f->lane_room, f->lane_count);

	if (e != ERR_OK)
		return e;
	while (at > 0 && f->lanes[at - 1].number > number)
		at--;
	memmove(&f->lanes[at + 1], &f->lanes[at], (f->lane_count - at) * sizeof(*f->lanes));
	f->lanes[at] = (struct lane){.number = number, .fd = -1};
	f->lane_count++;
	return ERR_OK;
}

enum err
follow_open_stream(
    const struct follow_options *o, int fd, const char *folder, struct follow **ret, struct buf *ret_why)
{
	struct follow *f = NULL;
	enum err e = follow_new(o, "standard input", &f);

	buf_reset(ret_why);
	if (e == ERR_OK)
		e = add_lane(f, 0);
	if (e == ERR_OK && (e = spool_open(fd, folder, &f->spool)) != ERR_OK)
		say_why(folder, e, ret_why);
	if (e != ERR_OK) {
		say_why("standard input", e, ret_why);
		follow_close(f);
		return e;
	}
	*ret = f;
	return ERR_OK;
}

static void
end_segment(struct lane *l)
{
	check_close(l->check);
	if (l->fd >= 0)
		(void)close(l->fd);
	l->check = NULL;
	l->fd = -1;
	l->sealed = l->ended = l->has_record = false;
}

void
follow_close(struct follow *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->lane_count; i++)
		end_segment(&f->lanes[i]);
	free(f->lanes);
	folder_clear(&f->folder);
	spool_close(f->spool);
	tmpl_cache_free(f->templates);
	sampled_free(f->sampled);
	selected_reader_free(f->selected);
	hearings_clear(&f->hearings);
	if (f->watch >= 0)
		(void)close(f->watch);
	if (f->dirfd >= 0)
		(void)close(f->dirfd);
	free(f->path);
	free(f->at);
	free(f);
}

const char *
follow_path(const struct follow *f)
{
	return f->at != NULL ? f->at : f->path;
}

/* --- segments --- */

static enum err
list_folder(struct follow *f)
{
	struct folder now;
	enum err e = folder_list(f->dirfd, &now);

	if (e != ERR_OK)
		return e;
	folder_clear(&f->folder);
	f->folder = now;
	f->stale = false;
	for (size_t i = 0; i < now.count && e == ERR_OK; i++) {
		bool known = i > 0 && now.entries[i - 1].lane == now.entries[i].lane;

		for (size_t k = 0; k < f->lane_count && !known; k++)
			known = f->lanes[k].number == now.entries[i].lane;
		if (!known)
			e = add_lane(f, now.entries[i].lane);
	}
	return e;
}

/* The lane's next segment, as the folder was listed; NULL: none. */
static const struct folder_entry *
next_entry(const struct follow *f, const struct lane *l)
{
	for (size_t i = 0; i < f->folder.count; i++) {
		const struct folder_entry *entry = &f->folder.entries[i];

		if (entry->lane == l->number && (!l->begun || entry->number > l->segment))
			return entry;
	}
	return NULL;
}

/* It may get its sealed name meanwhile, or go. */
static int
open_entry(const struct follow *f, const struct folder_entry *entry)
{
	char sealed[FOLDER_NAME_SIZE];
	int fd = openat(f->dirfd, entry->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 || errno != ENOENT || !entry->open)
		return fd;
	memcpy(sealed, entry->name, sizeof(sealed));
	sealed[strlen(sealed) - strlen(".open")] = '\0';
	return openat(f->dirfd, sealed, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static void
say_gone(struct follow *f, const struct lane *l, uint64_t next)
{
	if (l->begun && next > l->segment + 1 && f->o.gone != NULL)
		f->o.gone(f->o.ctx, l->number, l->segment + 1, next - 1);
}

/* Opens the lane's next segment. ERR_END: there is none yet. */
static enum err
begin_segment(struct follow *f, struct lane *l)
{
	const struct folder_entry *entry;
	enum err e;

	while ((entry = next_entry(f, l)) != NULL) {
		l->fd = open_entry(f, entry);
		if (l->fd < 0 && errno != ENOENT)
			return ERR_SYSTEM;
		if (l->fd < 0) { /* the next one shows that it is missing */
			f->stale = true;
			if (!l->begun) {
				l->begun = true;
				l->segment = entry->number;
			}
			if ((e = list_folder(f)) != ERR_OK)
				return e;
			continue;
		}
		say_gone(f, l, entry->number);
		l->begun = true;
		l->segment = entry->number;
		memcpy(l->name, entry->name, sizeof(l->name));
		if ((e = check_open(l->fd, true, false, &l->check)) == ERR_OK)
			check_grows(l->check);
		return e;
	}
	return ERR_END;
}

static enum err
begin_stream(struct follow *f, struct lane *l)
{
	enum err e = spool_begin(f->spool);

	if (e == ERR_OK && f->over && spool_len(f->spool) == 0)
		return ERR_END;
	if (e == ERR_OK && (l->fd = dup(spool_fd(f->spool))) < 0)
		e = ERR_SYSTEM;
	if (e == ERR_OK && (e = check_open(l->fd, true, false, &l->check)) == ERR_OK)
		check_grows(l->check);
	return e;
}

/* --- records --- */

static void
set_path(struct follow *f, const struct lane *l)
{
	char *path = NULL;

	if (f->spool != NULL || asprintf(&path, "%s/%s", f->path, l->name) < 0)
		return;
	free(f->at);
	f->at = path;
}

static void
learn_snapshot(struct follow *f, const struct record *r)
{
	struct rd in = rd_init(r->body, r->len);
	struct tmpl_def def;

	while (rd_left(&in) > 0 && tmpl_def_read(&in, &def) == ERR_OK) {
		if (tmpl_cache_put(f->templates, &def) != ERR_OK)
			break; /* the limit: what it costs is counted where a set stays undecoded */
	}
}

static void
take_record(struct follow *f, struct lane *l, const struct record *r)
{
	switch (r->type) {
	case RECORD_DATAGRAM:
	case RECORD_SELECTED:
		l->record = *r;
		l->has_record = true;
		break;
	case RECORD_TEMPLATES:
		learn_snapshot(f, r);
		break;
	case RECORD_SEAL:
		l->sealed = true;
		if (f->spool != NULL)
			l->ended = true;
		break;
	default:
		break;
	}
}

/* All of the segment that there will be was read. */
static enum err
leave_segment(struct follow *f, struct lane *l)
{
	enum err e = ERR_OK;

	if (f->spool != NULL && l->sealed)
		e = spool_cut(f->spool, check_offset(l->check) + SEAL_RECORD_SIZE);
	end_segment(l);
	return e;
}

/* Nothing more is there. True: it may be, so look again. */
static bool
look_on(struct follow *f, struct lane *l)
{
	bool last = f->spool != NULL ? f->over : next_entry(f, l) != NULL;

	if (!last || l->ended)
		return false;
	l->ended = true;
	check_ends(l->check);
	return true;
}

/* The lane's next datagram. ERR_END: it has none now. */
static enum err
fill(struct follow *f, struct lane *l)
{
	struct finding finding;
	struct record r;
	enum err e = ERR_OK;

	while (e == ERR_OK && !l->has_record) {
		if (l->check == NULL &&
		    (e = f->spool != NULL ? begin_stream(f, l) : begin_segment(f, l)) != ERR_OK)
			break;
		if (f->spool != NULL && l->sealed) {
			e = leave_segment(f, l);
			continue;
		}
		switch (check_next(l->check, &r, &finding)) {
		case CHECK_RECORD:
			take_record(f, l, &r);
			break;
		case CHECK_FINDING:
			set_path(f, l);
			if (f->o.finding != NULL)
				f->o.finding(f->o.ctx, follow_path(f), &finding);
			break;
		case CHECK_END:
			if (look_on(f, l))
				break;
			if (!l->sealed && !l->ended)
				return ERR_END;
			e = leave_segment(f, l);
			if (f->spool != NULL && f->over)
				return e == ERR_OK ? ERR_END : e;
			break;
		case CHECK_ERROR:
			set_path(f, l);
			e = ERR_SYSTEM;
		}
	}
	return e;
}

/* --- datagrams --- */

static const struct tmpl *
resolve(void *ctx, unsigned data_set, uint16_t set_id, bool *ret_late)
{
	struct follow *f = ctx;

	(void)data_set;
	(void)ret_late;
	return tmpl_cache_get(f->templates, &f->stream, set_id);
}

/* What stands in its place in the payload: of selected flows the skeleton, which brings what the payload brought. */
struct content {
	const struct selected_head *selected; /* NULL: a whole datagram */
	const uint8_t *bytes;
	size_t len;
};

static enum err
open_content(struct follow *f, const struct record *r, struct content *ret)
{
	enum err e;

	*ret = (struct content){.bytes = r->body, .len = r->len};
	if (r->type == RECORD_DATAGRAM)
		return proto_recognise(r->body, r->len, &f->info);
	if (f->selected == NULL && (f->selected = selected_reader_new()) == NULL)
		return ERR_MEMORY;
	if ((e = selected_open(f->selected, r->body, r->len)) != ERR_OK)
		return e;
	ret->selected = selected_head(f->selected);
	ret->bytes = ret->selected->skeleton;
	ret->len = ret->selected->skeleton_len;
	f->info = ret->selected->info;
	return ERR_OK;
}

/* False: it is none that is asked for. */
static bool
hand_out(struct follow *f, const struct lane *l, struct reader_datagram *ret, enum err *ret_error)
{
	const struct record *r = &l->record;
	bool wanted = r->time.ns >= f->o.span.from_ns && r->time.ns < f->o.span.to_ns;
	struct content in;

	*ret_error = open_content(f, r, &in);
	if (*ret_error != ERR_OK) {
		if (*ret_error != ERR_MEMORY)
			*ret_error = ERR_OK;
		return *ret_error != ERR_OK;
	}
	f->stream = stream_key_of(&r->addr, r->port, &f->info);
	if (f->info.proto == PROTO_V9 || f->info.proto == PROTO_IPFIX) {
		*ret_error = tmpl_cache_learn(f->templates, &f->stream, &f->info, in.bytes, in.len);
		if (*ret_error == ERR_OK)
			*ret_error = sampled_learn(
			    f->sampled, &f->stream, &f->info, in.bytes, in.len, resolve, f);
		if (*ret_error != ERR_OK)
			return true;
	}
	if (!wanted)
		return false;
	if (in.selected != NULL)
		decode_init_selected(&f->decode, f->selected, resolve, f);
	else
		decode_init(&f->decode, r->body, r->len, &f->info, resolve, f);
	*ret = (struct reader_datagram){.exporter = r->addr,
	    .port = r->port,
	    .cluster = check_header(l->check)->cluster,
	    .flags = r->flags,
	    .listener = r->listener,
	    .time = r->time,
	    .payload = in.selected != NULL ? NULL : r->body,
	    .len = in.selected != NULL ? in.selected->len : r->len,
	    .selected = in.selected,
	    .selected_body = in.selected != NULL ? r->body : NULL,
	    .selected_len = in.selected != NULL ? r->len : 0,
	    .info = &f->info,
	    .decode = &f->decode,
	    .hearings = &f->hearings,
	    .sampling = sampled_of(f->sampled, &f->stream)};
	return true;
}

/* The lane whose datagram has its turn; NULL: there is none. */
static enum err
choose(struct follow *f, struct lane **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < f->lane_count; i++) {
		struct lane *l = &f->lanes[i];
		enum err e = fill(f, l);

		if (e != ERR_OK && e != ERR_END)
			return e;
		if (l->has_record && (*ret == NULL || l->record.time.ns < (*ret)->record.time.ns))
			*ret = l;
	}
	return ERR_OK;
}

enum err
follow_next(struct follow *f, struct reader_datagram *ret)
{
	enum err e = ERR_OK, error = ERR_OK;
	struct lane *l;

	for (;;) {
		if (f->stale && f->spool == NULL && (e = list_folder(f)) != ERR_OK)
			return e;
		if ((e = choose(f, &l)) != ERR_OK)
			return e;
		if (l == NULL)
			return ERR_END;
		l->has_record = false; /* its bytes stay until the lane goes on */
		if (hand_out(f, l, ret, &error))
			break;
	}
	if (error != ERR_OK)
		return error;
	set_path(f, l);
	if (f->spool != NULL)
		spool_forget(f->spool, check_offset(l->check));
	return ERR_OK;
}

/* --- waiting --- */

int
follow_fd(const struct follow *f)
{
	return f->spool != NULL ? spool_input(f->spool) : f->watch;
}

/* That something was written is all that most events say. */
static enum err
read_events(struct follow *f)
{
	uint8_t bytes[EVENTS_SIZE] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = read(f->watch, bytes, sizeof(bytes))) > 0) {
		for (size_t at = 0; at + sizeof(struct inotify_event) <= (size_t)n;) {
			struct inotify_event event;

			memcpy(&event, bytes + at, sizeof(event));
			f->stale |= (event.mask & ~(uint32_t)IN_MODIFY) != 0;
			if ((event.mask & (IN_DELETE_SELF | IN_IGNORED)) != 0)
				return ERR_END;
			at += sizeof(event) + event.len;
		}
	}
	return n < 0 && errno != EAGAIN && errno != EINTR ? ERR_SYSTEM : ERR_OK;
}

enum err
follow_read(struct follow *f)
{
	enum err e;

	if (f->spool == NULL)
		return read_events(f);
	if (f->lanes[0].check == NULL && (e = begin_stream(f, &f->lanes[0])) != ERR_OK)
		return e;
	e = spool_fill(f->spool);
	f->over = e == ERR_END;
	return e == ERR_BUSY ? ERR_OK : e;
}
