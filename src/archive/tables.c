/* SPDX-License-Identifier: ISC
 *
 * See tables.h.
 */
#include "archive/tables.h"

#include "base/rd.h"

void
contents_write(struct buf *b, const struct contents *c)
{
	buf_u32(b, c->sources);
	buf_u32(b, c->definitions);
	buf_u32(b, c->states);
	buf_u64(b, c->events);
	buf_u64(b, c->datagrams);
}

enum err
contents_read(const uint8_t *body, size_t len, struct contents *ret)
{
	struct rd r = rd_init(body, len);
	struct contents c = {.sources = rd_u32(&r)};

	c.definitions = rd_u32(&r);
	c.states = rd_u32(&r);
	c.events = rd_u64(&r);
	c.datagrams = rd_u64(&r);
	if (!rd_ok(&r))
		return ERR_CUT;
	if (rd_left(&r) != 0)
		return ERR_MALFORMED;
	*ret = c;
	return ERR_OK;
}

static bool
in_table(enum record_type type)
{
	return type == RECORD_CONTENTS || type == RECORD_SOURCES || type == RECORD_TEMPLATES ||
	    type == RECORD_SAMPLING;
}

enum err
tables_record(struct tables *t, const struct record *r)
{
	enum err e = ERR_OK;

	t->over |= !in_table(r->type);
	if (r->type == RECORD_CONTENTS && !t->known) {
		e = contents_read(r->body, r->len, &t->want);
		t->known = e == ERR_OK;
	}
	return e == ERR_OK ? ERR_OK : ERR_MALFORMED;
}

void
tables_finding(struct tables *t, const struct finding *f)
{
	bool contents_alone = f->lost_first == 1 && f->lost_last == 1;

	if (f->lost_first > f->lost_last || contents_alone || (f->has_header && !in_table(f->record.type)))
		return;
	if (t->known)
		t->broken |= t->got.sources < t->want.sources || t->got.definitions < t->want.definitions ||
		    t->got.states < t->want.states;
	else
		t->broken |= !t->over;
}
