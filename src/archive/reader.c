/* SPDX-License-Identifier: ISC
 *
 * See reader.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/reader_private.h"

static bool
in_span(const struct reader *r, int64_t ns)
{
	return ns >= r->o.span.from_ns && ns < r->o.span.to_ns;
}

static void
on_finding(void *ctx, const char *path, const struct finding *f)
{
	struct reader *r = ctx;

	r->findings++;
	if (r->o.finding != NULL)
		r->o.finding(r->o.ctx, path, f);
}

void
reader_tell(struct reader *r, const struct finding *f)
{
	on_finding(r, r->at->path, f);
}

/* Logs. */

static void
log_view_free(struct log_view *v)
{
	if (v == NULL)
		return;
	unpack_free(v->unpack);
	plan_clear(&v->plan);
	pool_clear(&v->pool);
	free(v);
}

static enum err
number_lives(struct reader *r, const struct pool *p)
{
	enum err e = ERR_OK;

	for (size_t i = 0; r->o.hearings && i < p->source_count && e == ERR_OK; i++)
		e = hearings_note_life(&r->hearings, &p->sources[i].id, p->sources[i].first_ns);
	return e == ERR_OK ? hearings_number(&r->hearings) : e;
}

/* A log's definitions are all known before its first datagram. */
static void
tell_definitions(struct reader *r, const struct pool *p)
{
	for (size_t i = 0; r->o.definition != NULL && i < p->definition_count; i++) {
		struct rd in = rd_init(p->bytes.data + p->definitions[i].at, p->definitions[i].len);
		struct tmpl_def def;

		if (tmpl_def_read(&in, &def) == ERR_OK)
			r->o.definition(r->o.ctx, &def);
	}
}

/* Reads all of it: templates may stand anywhere. */
static enum err
log_view_open(struct reader *r, const char *path, struct buf *ret_why)
{
	struct pool_report report = {.ctx = r, .finding = on_finding};
	struct log_view *v = calloc(1, sizeof(*v));
	enum err e;

	if (v == NULL)
		return ERR_MEMORY;
	r->log = v;
	pool_init(&v->pool);
	e = pool_add(&v->pool, path, &report, ret_why);
	if (e == ERR_OK)
		e = pool_close(&v->pool);
	if (e == ERR_OK)
		e = plan_make(&v->pool, &v->plan);
	if (e == ERR_OK)
		e = pool_index(&v->pool);
	if (e == ERR_OK)
		e = unpack_new(&v->pool, &v->plan, &v->unpack);
	if (e == ERR_OK)
		tell_definitions(r, &v->pool);
	return e == ERR_OK ? number_lives(r, &v->pool) : e;
}

/* Whose a log's file is. */
static struct source
source_of(const struct segment_header *h)
{
	struct source s = {.lane = h->lane, .incarnation = h->incarnation};

	memcpy(s.node, h->node, sizeof(s.node));
	return s;
}

/* Begins with a record's body. *ret_place: what the pool has of it; POOL_NONE: it came after the first pass. */
static enum err
start_record(struct reader *r, const struct record *rec, uint32_t *ret_place)
{
	const struct log_view *v = r->log;
	struct digest128 digest = identity_digest(&rec->addr, rec->port, rec->body, rec->len);

	*ret_place = pool_find(&v->pool, &digest);
	if (*ret_place == POOL_NONE) {
		if (proto_recognise(rec->body, rec->len, &r->info) != ERR_OK)
			return ERR_END;
		decode_init(&r->decode, rec->body, rec->len, &r->info, NULL, NULL);
		return ERR_OK;
	}
	return unpack_start(v->unpack, *ret_place, rec->body, rec->len, &r->info, &r->decode);
}

/* The same of selected flows, which the pool may have united with others. */
static enum err
start_selected(struct reader *r, const struct record *rec, uint32_t *ret_place)
{
	const struct log_view *v = r->log;
	const struct selected_head *h;
	enum err e;

	if (r->selected == NULL && (r->selected = selected_reader_new()) == NULL)
		return ERR_MEMORY;
	if ((e = selected_open(r->selected, rec->body, rec->len)) != ERR_OK)
		return e;
	h = selected_head(r->selected);
	r->info = h->info;
	*ret_place = pool_find_selected(&v->pool, &rec->addr, rec->port, h);
	if (*ret_place != POOL_NONE)
		return unpack_start(v->unpack, *ret_place, rec->body, rec->len, &r->info, &r->decode);
	decode_init_selected(&r->decode, r->selected, NULL, NULL);
	return ERR_OK;
}

/* ERR_END: the record is no datagram of the span. */
static enum err
log_view_record(struct reader *r, const struct record *rec, struct reader_datagram *ret)
{
	const struct log_view *v = r->log;
	struct witness w = {.listener = rec->listener, .sequence = rec->sequence, .time_ns = rec->time.ns};
	bool selected = rec->type == RECORD_SELECTED;
	uint32_t place;
	enum err e;

	if ((rec->type != RECORD_DATAGRAM && !selected) || !in_span(r, rec->time.ns))
		return ERR_END;
	e = selected ? start_selected(r, rec, &place) : start_record(r, rec, &place);
	if (e != ERR_OK) /* what is wrong was told when the log was opened */
		return e == ERR_MEMORY ? e : ERR_END;
	hearings_reset(&r->hearings);
	if (r->o.hearings) {
		r->log_source = source_of(check_header(r->check));
		if (hearings_add(&r->hearings, &r->log_source, &w) != ERR_OK)
			return ERR_MEMORY;
	}
	*ret = (struct reader_datagram){.exporter = rec->addr,
	    .port = rec->port,
	    .cluster = check_header(r->check)->cluster,
	    .flags = rec->flags,
	    .listener = rec->listener,
	    .time = rec->time,
	    .payload = selected ? NULL : rec->body,
	    .len = selected ? selected_head(r->selected)->len : rec->len,
	    .selected = selected ? selected_head(r->selected) : NULL,
	    .selected_body = selected ? rec->body : NULL,
	    .selected_len = selected ? rec->len : 0,
	    .info = &r->info,
	    .decode = &r->decode,
	    .hearings = &r->hearings};
	if (place != POOL_NONE && v->plan.sampling[place] != REF_NONE)
		ret->sampling = &v->plan.states[v->plan.sampling[place]];
	return ERR_OK;
}

/* Paths and files. */

enum err
reader_new(const struct reader_options *o, struct reader **ret)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return ERR_MEMORY;
	r->o = *o;
	r->archive.pair = (struct pair)PAIR_INIT;
	r->archive.held.kept = (struct buf)BUF_INIT;
	*ret = r;
	return ERR_OK;
}

/* A window, or the common file, by itself. */
static bool
is_archive_file(struct input *in)
{
	struct segment_header h;
	int fd;

	if (in->kind != INPUT_SEGMENT || (fd = input_fd(&in->files[0])) < 0)
		return false;
	return check_read_header(fd, &h) == ERR_OK && h.kind != SEGMENT_NODE;
}

static void
end_file(struct reader *r)
{
	if (r->check == NULL)
		return;
	check_close(r->check);
	r->check = NULL;
	archive_view_end(r);
}

static void
end_path(struct reader *r)
{
	end_file(r);
	hearings_forget_lives(&r->hearings);
	log_view_free(r->log);
	r->log = NULL;
	input_clear(&r->input);
	r->input = (struct input){.count = 0};
	r->file = 0;
	r->at = NULL;
}

enum err
reader_open(struct reader *r, const char *path, struct buf *ret_why)
{
	unsigned line = 0;
	enum err e;

	end_path(r);
	buf_reset(ret_why);
	e = input_open(path, NULL, &r->input, &line);
	if (e != ERR_OK && line > 0) {
		buf_printf(ret_why, "%s/%s:%u: %s", path, MANIFEST_NAME, line, err_text(e));
		return e;
	}
	if (e == ERR_OK && r->input.kind != INPUT_ARCHIVE && !is_archive_file(&r->input)) {
		input_clear(&r->input);
		r->input = (struct input){.count = 0};
		e = log_view_open(r, path, ret_why);
	}
	if (e == ERR_OK)
		return ERR_OK;
	if (ret_why->len == 0)
		buf_printf(ret_why, "%s: %s", path,
		    e == ERR_UNKNOWN ? "neither a log folder, nor a segment, nor an archive" : err_text(e));
	return e;
}

/* The next file that may hold something of the span. ERR_END: there is none. */
static enum err
next_file(struct reader *r)
{
	size_t count = r->log != NULL ? r->log->pool.file_count : r->input.count;
	int fd;

	while (
	    r->file < count && r->log == NULL && !pool_needs(&r->input, &r->input.files[r->file], &r->o.span))
		r->file++;
	if (r->file >= count)
		return ERR_END;
	r->at = r->log != NULL ? r->log->pool.files[r->file].file : &r->input.files[r->file];
	r->file++;
	r->findings_before = r->findings;
	r->ended = false;
	fd = input_fd(r->at);
	return fd < 0 ? ERR_SYSTEM : check_open(fd, r->at->open_name, false, &r->check);
}

/* The first file of an archive tells its lives; where some may be missing places among them mean nothing. */
static enum err
after_file(struct reader *r)
{
	bool first = r->log == NULL && r->file == 1;
	bool damaged = r->findings > r->findings_before;

	end_file(r);
	if (!first)
		return ERR_OK;
	if (damaged)
		hearings_forget_lives(&r->hearings);
	return hearings_number(&r->hearings);
}

static enum err
take_record(struct reader *r, const struct record *rec, struct reader_datagram *ret)
{
	enum err e;

	if (r->log != NULL)
		return log_view_record(r, rec, ret);
	e = archive_view_record(r, rec);
	if (r->archive.pass)
		check_step_over(r->check, RECORD_PAYLOADS);
	else
		check_step_over_none(r->check);
	return e == ERR_OK ? ERR_END : e;
}

/* One step through the file's records. ERR_END: it brought no datagram of a log. */
static enum err
read_record(struct reader *r, struct reader_datagram *ret)
{
	struct finding finding;
	struct record rec;

	switch (check_next(r->check, &rec, &finding)) {
	case CHECK_RECORD:
		return take_record(r, &rec, ret);
	case CHECK_FINDING:
		if (r->log == NULL) { /* a log's were told when it was opened */
			archive_view_finding(r, &finding);
			check_step_over_none(r->check);
			reader_tell(r, &finding);
		}
		return ERR_END;
	case CHECK_END:
		r->ended = true;
		return ERR_END;
	case CHECK_ERROR:
		break;
	}
	return ERR_SYSTEM;
}

/* The next datagram of the file at hand. ERR_END: there is none. */
static enum err
next_of_file(struct reader *r, struct reader_datagram *ret)
{
	enum err e = ERR_END;

	for (;;) {
		r->ended |= r->archive.behind;
		if (r->log == NULL)
			e = archive_view_next(r, r->ended, ret);
		if (e != ERR_END || r->ended)
			return e;
		e = read_record(r, ret);
		if (e != ERR_END)
			return e;
	}
}

enum err
reader_next(struct reader *r, struct reader_datagram *ret)
{
	enum err e = ERR_OK;

	while (e == ERR_OK || e == ERR_END) {
		if (r->check == NULL && (e = next_file(r)) != ERR_OK)
			break;
		e = next_of_file(r, ret);
		if (e == ERR_OK)
			return ERR_OK;
		if (e == ERR_END)
			e = after_file(r);
	}
	if (e != ERR_END) {
		int saved = errno;

		end_file(r);
		r->file = SIZE_MAX;
		errno = saved;
	}
	return e;
}

const char *
reader_path(const struct reader *r)
{
	return r->at != NULL ? r->at->path : "";
}

uint64_t
reader_findings(const struct reader *r)
{
	return r->findings;
}

void
reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	end_path(r);
	archive_view_clear(&r->archive);
	hearings_clear(&r->hearings);
	selected_reader_free(r->selected);
	free(r);
}
